//! Real Redis servers of our own: one alone, one with a replica and sentinels, and a cluster.

mod cluster;
mod sentinels;
mod server;

pub use cluster::RedisCluster;
pub use sentinels::RedisSentinels;
pub use server::{RedisServer, RedisServerBuilder};
