//! A Miso controller in process, as far as the clients' first steps need it (contract miso §1).

mod client_token;
mod controller;
mod endpoints;
mod fault;
mod outbox;

pub use self::controller::{MisoController, MisoControllerBuilder};
pub use self::fault::ScriptedFault;
pub use self::outbox::Received;
