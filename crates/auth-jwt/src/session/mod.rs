//! What becomes of tokens after they were issued: revoked, exchanged, used twice.
//!
//! A signature says that a token was good once. Whether it still is, somebody has to remember, and
//! the three ports here say what: a [`RevocationList`] of what is good no longer, a
//! [`SessionStore`] of what still is, and a [`RefreshStore`] of refresh tokens and what they were
//! exchanged for. [`TokenPolicy`] and [`RefreshTokenPolicy`] judge with them. The stores of
//! [`memory`] serve one process.

pub mod memory;
mod ports;
mod refresh_policy;
mod token_policy;

pub use crate::session::ports::{
    RefreshStore, RefreshToken, RevocationList, Rotation, RotationAnswer, SessionStore,
    StoreUnavailable,
};
pub use crate::session::refresh_policy::{Exchange, RefreshTokenPolicy};
pub use crate::session::token_policy::TokenPolicy;
