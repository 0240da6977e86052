//! The handle against real servers.

mod cluster;
mod commands;
mod outages;
mod redirects;
mod scripts;
mod sentinels;
mod subscriptions;
mod tls;

use std::time::Duration;

use auth_redis::{Redis, RedisState};
use tokio::time::timeout;

/// Far more than any of this takes. Reaching it is a failure; nothing waits for it.
const LONG: Duration = Duration::from_secs(30);

const MINUTE: Duration = Duration::from_secs(60);

async fn reach(redis: &Redis, state: RedisState) {
    let mut changes = redis.state_changes();
    let reached = timeout(LONG, changes.reached(state)).await;
    assert!(reached.unwrap_or(false), "still {:?}", redis.state());
}
