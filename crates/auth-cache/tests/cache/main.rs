//! What the cache promises, through its own API.

mod common;
mod cut_off;
mod loads;
mod memory;
mod peers;
#[path = "../simulator/store.rs"]
mod store;
mod tokens;
mod topologies;
mod two_levels;

/// What the way to a store in this process is like.
#[derive(Clone, Copy)]
struct Weather {
    /// Of all messages to one node.
    lost: f64,
    /// Of all calls to the store.
    failing: f64,
    /// The longest time a call or a message takes.
    delay: std::time::Duration,
}
