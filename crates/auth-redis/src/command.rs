//! One command: sent over the connection in use, within its time, and counted by the breaker.

use std::future::Future;

use deadpool_redis::redis::{Cmd, FromRedisValue, RedisResult, Value, pipe};
use tokio::time::{Instant, timeout_at};

use crate::error::Fault;
use crate::link::{Connected, Link, Shared};
use crate::state::RedisState;

/// Finds the connection and sends the command.
pub(crate) async fn run<T: FromRedisValue>(
    shared: &Shared,
    command: &Cmd,
    deadline: Instant,
) -> Result<T, Fault> {
    let connected = connected(shared, deadline).await?;
    send(shared, &connected, command, deadline).await
}

/// The same for a slot that is being moved to this server, which wants to be told that we know.
pub(crate) async fn run_asking<T: FromRedisValue>(
    shared: &Shared,
    command: &Cmd,
    deadline: Instant,
) -> Result<T, Fault> {
    let connected = connected(shared, deadline).await?;
    // Each answer is looked at by itself, because an error of the pair does not say where to go next.
    let mut both = pipe();
    both.ignore_errors();
    both.cmd("ASKING").add_command(command.clone());
    let mut connection = connected.connection.clone();
    let answer = async {
        let pair = both.query_async::<[RedisResult<Value>; 2]>(&mut connection);
        let [asking, answer] = pair.await?;
        asking?;
        Ok(T::from_redis_value(answer?.extract_error()?)?)
    };
    within(shared, &connected, answer, deadline).await
}

/// Sends the command, and lets the breaker know how that went.
pub(crate) async fn send<T: FromRedisValue>(
    shared: &Shared,
    connected: &Connected,
    command: &Cmd,
    deadline: Instant,
) -> Result<T, Fault> {
    let mut connection = connected.connection.clone();
    let answer = command.query_async(&mut connection);
    within(shared, connected, answer, deadline).await
}

async fn within<T>(
    shared: &Shared,
    connected: &Connected,
    answer: impl Future<Output = RedisResult<T>>,
    deadline: Instant,
) -> Result<T, Fault> {
    let outcome = match timeout_at(deadline, answer).await {
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

/// The connection in use. The first attempt to connect is part of the command's time.
async fn connected(shared: &Shared, deadline: Instant) -> Result<Connected, Fault> {
    match shared.link() {
        Link::Up(connected) => return Ok(connected),
        Link::Down(fault) => return Err(fault),
        Link::Closed => return Err(Fault::CLOSED),
        Link::Connecting => {}
    }
    let mut state = shared.state.subscribe();
    let settled = timeout_at(
        deadline,
        state.wait_for(|state| *state != RedisState::Connecting),
    );
    if settled.await.is_err() {
        return Err(Fault::TIMEOUT);
    }
    match shared.link() {
        Link::Up(connected) => Ok(connected),
        Link::Down(fault) => Err(fault),
        Link::Connecting | Link::Closed => Err(Fault::CLOSED),
    }
}
