//! What the cache promises, through its own API.

mod common;
mod loads;
mod memory;
mod outages;
mod peers;
mod setting;
mod tokens;
mod topologies;
mod two_levels;
