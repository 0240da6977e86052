//! One command: sent over the connection in use, within its time, and counted by the breaker.

use deadpool_redis::redis::{Cmd, FromRedisValue};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Fault, RedisError};
use crate::link::{Connected, Link, Shared};
use crate::state::RedisState;

/// Finds the connection and sends the command.
pub(crate) async fn run<T: FromRedisValue>(
    shared: &Shared,
    name: &'static str,
    command: &Cmd,
) -> Result<T, RedisError> {
    let outcome = match shared.link() {
        Link::Up(connected) => send(shared, &connected, command).await,
        Link::Connecting => send_when_connected(shared, command).await,
        Link::Down(fault) => Err(fault),
        Link::Closed => Err(Fault::CLOSED),
    };
    outcome.map_err(|fault| RedisError::new(name, fault))
}

/// Sends the command, and lets the breaker know how that went.
pub(crate) async fn send<T: FromRedisValue>(
    shared: &Shared,
    connected: &Connected,
    command: &Cmd,
) -> Result<T, Fault> {
    let mut connection = connected.connection.clone();
    let answer = timeout(
        shared.settings.command_timeout,
        command.query_async(&mut connection),
    );
    let outcome = match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Fault::from_redis(&error)),
        Err(_) => Err(Fault::TIMEOUT),
    };
    match &outcome {
        Ok(_) => shared.succeeded(connected),
        Err(fault) => shared.failed(connected, fault),
    }
    outcome
}

/// The first attempt to connect is part of the command's time.
async fn send_when_connected<T: FromRedisValue>(
    shared: &Shared,
    command: &Cmd,
) -> Result<T, Fault> {
    let deadline = Instant::now() + shared.settings.command_timeout;
    let mut state = shared.state.subscribe();
    let connected = timeout_at(
        deadline,
        state.wait_for(|state| *state != RedisState::Connecting),
    );
    if connected.await.is_err() {
        return Err(Fault::TIMEOUT);
    }
    match shared.link() {
        Link::Up(connected) => timeout_at(deadline, send(shared, &connected, command))
            .await
            .unwrap_or(Err(Fault::TIMEOUT)),
        Link::Down(fault) => Err(fault),
        Link::Connecting | Link::Closed => Err(Fault::CLOSED),
    }
}
