//! The task that keeps a connection in use: it makes one, watches it, and makes the next.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, FromRedisValue, Value, cmd};
use deadpool_redis::{Connection, Manager, Pool};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::command;
use crate::error::Fault;
use crate::finder::Finder;
use crate::link::{Connected, Link, Shared};
use crate::sentinels::Sentinels;
use crate::settings::RedisSettings;
use crate::target::Address;

/// Returns when the handle was shut down; it is stopped with the last handle, too.
pub(crate) async fn supervise(shared: Arc<Shared>) {
    let mut attempt = 0;
    while !shared.is_closed() {
        match check_out(&shared).await {
            Ok(connection) => {
                let serial = shared.raise(connection);
                let since = Instant::now();
                tokio::select! {
                    () = watch_over(&shared, serial) => {}
                    () = heed_sentinels(&shared) => {}
                }
                if since.elapsed() >= STEADY {
                    attempt = 0;
                    continue;
                }
            }
            Err(fault) => shared.lower(&fault),
        }
        // A server that accepts and breaks at once is waited for as one that does not accept.
        let random = (shared.settings.random)();
        sleep(pause_before(attempt, random)).await;
        attempt += 1;
    }
}

/// Returns when the connection was given up.
async fn watch_over(shared: &Shared, mut serial: u64) {
    let mut since = Instant::now();
    while shared.is_in_use(serial) {
        let check = sleep(shared.settings.check_interval);
        tokio::select! {
            () = shared.lost.notified() => continue,
            () = check => {}
        }
        if since.elapsed() >= shared.settings.max_age {
            // The old connection works, so it is kept until there is a new one.
            if let Ok(connection) = check_out(shared).await {
                match shared.renew(serial, connection) {
                    Some(renewed) => (serial, since) = (renewed, Instant::now()),
                    None => return,
                }
                continue;
            }
        }
        // A failure is counted as any command's, and one is followed up at once: the interval is
        // for idle times, not for doubt.
        while let Link::Up(connected) = shared.link() {
            match probe(shared, &connected).await {
                Err(fault) if fault.counts() => {}
                // A refusal is an answer too.
                _ => break,
            }
        }
    }
}

/// Gives the connection up when most sentinels name another server: a primary that was cut off from
/// them, or slept through its replacement, still takes itself for one. Never returns, and has
/// connections of its own, so that sentinels that are slow or away cost nobody anything.
async fn heed_sentinels(shared: &Shared) {
    let Finder::Sentinel { sentinels, service } = &shared.finder else {
        return pending().await;
    };
    let mut sentinels = Sentinels::new(sentinels, service);
    loop {
        sleep(shared.settings.check_interval).await;
        // Taken before the question, which may be older than the answer.
        let Link::Up(connected) = shared.link() else {
            continue;
        };
        let primary = sentinels.primary(&shared.settings).await;
        if primary.is_some_and(|primary| primary != *connected.address) {
            shared.failed(&connected, &Fault::NOT_PRIMARY);
        }
    }
}

/// Asks a connection in use whether it still is what it should be.
async fn probe(shared: &Shared, connected: &Connected) -> Result<(), Fault> {
    let deadline = Instant::now() + shared.settings.command_timeout;
    if !shared.finder.wants_primary() {
        return command::send(shared, connected, &cmd("PING"), deadline).await;
    }
    // A primary that was replaced answers as before, until somebody writes.
    let role = command::send(shared, connected, &cmd("ROLE"), deadline).await?;
    if is_primary(role) {
        return Ok(());
    }
    shared.failed(connected, &Fault::NOT_PRIMARY);
    Err(Fault::NOT_PRIMARY)
}

/// A new connection, and to whom. The server has answered over it.
async fn check_out(shared: &Shared) -> Result<(MultiplexedConnection, Address), Fault> {
    let deadline = Instant::now() + shared.settings.connect_timeout;
    let connect = async {
        let mut fault = Fault::UNREACHABLE;
        let found = shared.finder.find(&shared.settings).await?;
        let mut left = found.len();
        for address in found {
            // One that accepts and is silent leaves as much time to each of the others.
            let share = deadline.saturating_duration_since(Instant::now()) / (left as u32).max(1);
            left -= 1;
            let open = open(&shared.settings, &address, shared.finder.wants_primary());
            match timeout(share, open).await.unwrap_or(Err(Fault::TIMEOUT)) {
                Ok(connection) => return Ok((connection, address)),
                Err(error) => fault = error,
            }
        }
        Err(fault)
    };
    timeout_at(deadline, connect)
        .await
        .unwrap_or(Err(Fault::TIMEOUT))
}

/// Takes a connection through a pool, which is who makes them, and keeps it: a checkout per command
/// would cost a round trip each.
async fn open(
    settings: &RedisSettings,
    address: &Address,
    wants_primary: bool,
) -> Result<MultiplexedConnection, Fault> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        // Commands are timed by us, from the call and not from the moment of sending.
        .set_response_timeout(None);
    let manager = Manager::new_with_config(settings.info(address)?, config);
    let manager = manager.map_err(|error| Fault::from_redis(&error))?;
    let pool = Pool::builder(manager).max_size(1).build();
    let pool = pool.map_err(|_| Fault::UNREACHABLE)?;
    let pooled = pool.get().await;
    let pooled = pooled.map_err(|error| Fault::from_pool(&error))?;
    let mut connection = Connection::take(pooled);
    let question = cmd(if wants_primary { "ROLE" } else { "PING" });
    let answer: Value = question
        .query_async(&mut connection)
        .await
        .map_err(|error| Fault::from_redis(&error))?;
    if wants_primary && !is_primary(answer) {
        return Err(Fault::NOT_PRIMARY);
    }
    Ok(connection)
}

fn is_primary(role: Value) -> bool {
    let Value::Array(parts) = role else {
        return false;
    };
    let name = parts.into_iter().next().map(String::from_redis_value);
    matches!(name, Some(Ok(name)) if name == "master")
}

/// Full jitter: anywhere between nothing and a bound that doubles, so that the clients of a server
/// that returns do not all come in the same moment.
pub(crate) fn pause_before(attempt: u32, random: f64) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(1 << attempt.min(16));
    bound.min(LONGEST_PAUSE).mul_f64(random)
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection that lasted this long is not one that breaks as soon as it is made.
const STEADY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_never_pass_it() {
        let millis = |attempt, random| pause_before(attempt, random).as_millis();
        assert_eq!([0, 1, 2, 3].map(|n| millis(n, 1.0)), [50, 100, 200, 400]);
        assert_eq!([5, 17, u32::MAX].map(|n| millis(n, 1.0)), [1000; 3]);
        assert_eq!(millis(9, 0.0), 0);
        assert_eq!(millis(1, 0.25), 25);
    }
}
