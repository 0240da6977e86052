//! Redis as the level behind.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use auth_core::BoxFuture;
use auth_redis::{Redis, RedisError, RedisState, Script, Subscription, SubscriptionEvent};
use bytes::Bytes;

use crate::backend::{Backend, BackendFault, Listener, Notice, When};

pub(crate) struct RedisBackend(pub(crate) Redis);

/// A key of another kind has no head, and is replaced.
static WRITE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local head = redis.pcall('GETRANGE', KEYS[1], 0, 23)
         if type(head) ~= 'string' then head = '' end
         if ARGV[3] == 'is' and head ~= ARGV[4] then return 0 end
         if ARGV[3] == 'before' and head >= ARGV[4] then return 0 end
         if ARGV[2] == '' then
           redis.call('SET', KEYS[1], ARGV[1])
         else
           redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         end
         return 1",
    )
});

/// A count that begins at random does not follow upon one that was forgotten.
static ANNOUNCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], ARGV[3], 'NX')
         local number = redis.call('INCR', KEYS[1])
         redis.call('PUBLISH', ARGV[1], string.format('%.0f ', number) .. ARGV[2])
         return number",
    )
});

static POSITION: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], ARGV[1], 'NX')
         return redis.call('GET', KEYS[1])",
    )
});

/// Half of the range is left for counting, and Lua's numbers are exact in all of it.
fn start() -> String {
    (RandomState::new().hash_one(()) >> 12).to_string()
}

impl Backend for RedisBackend {
    fn read<'a>(
        &'a self,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, BackendFault>> {
        Box::pin(async move { self.0.get_many(keys).await.map_err(fault) })
    }

    fn reads_in_one_step(&self) -> bool {
        // The keys of a cluster lie on several servers, and one that is away must not fail the reads of others.
        !self.0.is_cluster()
    }

    fn write<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Option<Duration>,
        when: When<'a>,
    ) -> BoxFuture<'a, Result<bool, BackendFault>> {
        Box::pin(async move {
            let (word, head) = match when {
                When::Always => {
                    let set = self.0.set(key, value, ttl).await;
                    return set.map(|()| true).map_err(fault);
                }
                When::HeadIs(head) => (&b"is"[..], head),
                When::HeadIsBefore(head) => (&b"before"[..], head),
            };
            let ttl = ttl.map(|ttl| ttl.as_millis().clamp(1, LONGEST_MILLIS).to_string());
            let ttl = ttl.unwrap_or_default();
            let arguments = [value, ttl.as_bytes(), word, head];
            let answer = self.0.run_script(&WRITE, &[key], &arguments).await;
            Ok(answer.map_err(fault)?.as_integer() == Some(1))
        })
    }

    fn announce<'a>(
        &'a self,
        channel: &'a str,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, BackendFault>> {
        Box::pin(async move {
            let start = start();
            let prefixed = self.0.channel(channel);
            let arguments = [prefixed.as_bytes(), message, start.as_bytes()];
            let answer = self.0.run_script(&ANNOUNCE, &[channel], &arguments).await;
            let number = answer.map_err(fault)?.as_integer();
            number
                .and_then(|number| u64::try_from(number).ok())
                .ok_or(BackendFault)
        })
    }

    fn position<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<u64, BackendFault>> {
        Box::pin(async move {
            let start = start();
            let arguments = [start.as_bytes()];
            let answer = self.0.run_script(&POSITION, &[channel], &arguments).await;
            let answer = answer.map_err(fault)?;
            answer
                .as_bytes()
                .and_then(|it| parse(it))
                .ok_or(BackendFault)
        })
    }

    fn listen(&self, channel: &str) -> Box<dyn Listener> {
        Box::new(Subscribed(self.0.subscribe(channel)))
    }

    fn ready(&self) -> BoxFuture<'static, bool> {
        let mut changes = self.0.state_changes();
        Box::pin(async move { changes.reached(RedisState::Up).await })
    }
}

struct Subscribed(Subscription);

impl Listener for Subscribed {
    fn next(&mut self) -> BoxFuture<'_, Option<Notice>> {
        Box::pin(async {
            Some(match self.0.next().await? {
                SubscriptionEvent::Listening => Notice::Listening,
                SubscriptionEvent::Message(bytes) => {
                    let split = bytes.iter().position(|byte| *byte == b' ');
                    let number = split.and_then(|at| parse(&bytes[..at]));
                    match split.zip(number) {
                        Some((at, number)) => Notice::Message(number, bytes.slice(at + 1..)),
                        // Not one of ours; a number that does not follow makes everybody careful.
                        None => Notice::Message(0, Bytes::new()),
                    }
                }
                _ => Notice::Lost,
            })
        })
    }
}

fn parse(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands on")]
fn fault(error: RedisError) -> BackendFault {
    tracing::debug!(%error, "the cache goes without redis");
    BackendFault
}

const LONGEST_MILLIS: u128 = 100 * 365 * 24 * 60 * 60 * 1000;
