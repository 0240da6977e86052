//! The audit trail as an application and its sink see it.

mod common;
mod delivery;
mod events;
mod feedback;
mod loss;
mod poison;
