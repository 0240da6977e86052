//! `auth-bench soak [SECONDS]`: a mixed load with all that goes wrong, and whether memory grows.
//!
//! Calls over HTTP to a server that resets connections and is unavailable now and then, commands and
//! messages of Redis, and two caches as two processes would have them, while a real `redis-server` is
//! killed and brought back. [`peers`] is who misbehaves, and [`usage`] what this process uses up.
//!
//! [`peers`]: crate::soak_peers
//! [`usage`]: crate::usage

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use auth_cache::{Bounded, Cache, Space};
use auth_http::HttpClient;
use auth_redis::Redis;
use auth_testkit::RedisServer;
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep, sleep_until};

use crate::soak_peers::{Unreliable, mistreat};
use crate::usage::{self, Usage};

/// Runs it for so many seconds.
///
/// The first quarter is for warming up: connections, caches and the allocator fill. An error is that
/// memory grew by more than a tenth from then on, or that what should have been tried never was.
pub(crate) fn run(seconds: u64, output: &mut impl Write) -> anyhow::Result<()> {
    ensure!(seconds > 0, "a soak of no time shows nothing");
    let server = RedisServer::start().context("there is no redis-server")?;
    let url = server.url();
    let unreliable = Unreliable::start()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let length = Duration::from_secs(seconds);
    // Several times in every quarter, and not so often that nothing ever works.
    let mistreating = mistreat(server, (length / 20).clamp(LEAST, MOST));
    let outcome = runtime.block_on(soak(length, &unreliable.url(), &url, output));
    mistreating.end()?;
    outcome
}

/// What came of one kind of work.
#[derive(Default)]
struct Tally {
    right: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    async fn note<T, E>(&self, outcome: Result<T, E>) {
        match outcome {
            Ok(_) => {
                self.right.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                // What fails at once would do nothing but fail.
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

#[derive(Default)]
struct Load {
    http: Tally,
    redis: Tally,
    cache: Tally,
    messages: AtomicU64,
    done: AtomicBool,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.done.load(Ordering::Relaxed)
    }
}

async fn soak(
    length: Duration,
    http_url: &str,
    redis_url: &str,
    output: &mut impl Write,
) -> anyhow::Result<()> {
    let load = Arc::<Load>::default();
    let client = HttpClient::builder(http_url).build()?;
    let redis = Redis::builder(redis_url).key_prefix("soak:").connect()?;
    let caches = [(); 2].map(|()| Cache::builder("soak").redis(redis.clone()).build());
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        tasks.push(tokio::spawn(call(Arc::clone(&load), client.clone())));
        tasks.push(tokio::spawn(command(
            Arc::clone(&load),
            redis.clone(),
            task,
        )));
        let cache = caches[task as usize % caches.len()].clone();
        tasks.push(tokio::spawn(read(Arc::clone(&load), cache, task)));
    }
    let listening = tokio::spawn(listen(Arc::clone(&load), redis.clone()));

    writeln!(
        output,
        "   %  memory MiB  files  tasks  http right/failed  redis right/failed  cache right/failed  messages"
    )?;
    let begun = Instant::now();
    let mut measured: Vec<Usage> = Vec::new();
    for quarter in 0..=4 {
        sleep_until(begun + length * quarter / 4).await;
        let usage = usage::now(&Handle::current())?;
        let of = |tally: &Tally| {
            let (right, failed) = (&tally.right, &tally.failed);
            format!(
                "{}/{}",
                right.load(Ordering::Relaxed),
                failed.load(Ordering::Relaxed)
            )
        };
        writeln!(
            output,
            "{:>4}  {:>10.1}  {:>5}  {:>5}  {:>17}  {:>18}  {:>18}  {:>8}",
            quarter * 25,
            usage.memory as f64 / (1024.0 * 1024.0),
            usage.files,
            usage.tasks,
            of(&load.http),
            of(&load.redis),
            of(&load.cache),
            load.messages.load(Ordering::Relaxed),
        )?;
        output.flush()?;
        measured.push(usage);
    }
    load.done.store(true, Ordering::Relaxed);
    listening.abort();
    for task in tasks {
        task.await.context("a part of the load panicked")?;
    }
    for (what, tally) in [("http", &load.http), ("redis", &load.redis)] {
        let tried = [&tally.right, &tally.failed].map(|it| it.load(Ordering::Relaxed) > 0);
        ensure!(
            tried == [true, true],
            "{what}: nothing worked, or nothing failed"
        );
    }
    let hidden = load.cache.failed.load(Ordering::Relaxed);
    ensure!(
        hidden == 0,
        "a fault of Redis reached {hidden} callers of the cache"
    );
    judge(measured[1].memory, measured[4].memory)
}

/// Compares what is in use after warming up with what is in use at the end.
fn judge(warm: u64, end: u64) -> anyhow::Result<()> {
    let grown = end.saturating_sub(warm) as f64 / warm as f64;
    ensure!(
        grown <= MAX_GROWTH,
        "memory grew by {:.1} % after the first quarter",
        grown * 100.0
    );
    Ok(())
}

/// Calls that are made once, calls that are made again, and answers that are read.
async fn call(load: Arc<Load>, client: HttpClient) {
    while load.goes_on() {
        let body = r#"{"message":"order placed"}"#;
        let call = client.post("/orders").body("application/json", body);
        load.http.note(call.send().await).await;
        let number = load.http.right.load(Ordering::Relaxed) % KEYS;
        let call = client.get("/orders/{number}");
        let answer = call.segment("number", &number.to_string()).send().await;
        let read = answer.and_then(|answer| answer.json::<serde_json::Value>());
        load.http.note(read).await;
    }
}

async fn command(load: Arc<Load>, redis: Redis, task: u64) {
    let mut number = task;
    while load.goes_on() {
        number += TASKS;
        let key = (number % KEYS).to_string();
        load.redis
            .note(redis.set(&key, &[b'x'; 200], LIFE).await)
            .await;
        load.redis.note(redis.get(&key).await).await;
        if number.is_multiple_of(50) {
            load.redis
                .note(redis.publish("news", key.as_bytes()).await)
                .await;
            load.redis.note(redis.delete(&[&key]).await).await;
        }
    }
}

async fn listen(load: Arc<Load>, redis: Redis) {
    let mut subscription = redis.subscribe("news");
    while subscription.next().await.is_some() {
        load.messages.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads, and now and then a change, which the other cache has to hear of.
async fn read(load: Arc<Load>, cache: Cache, task: u64) {
    let mut number = task;
    while load.goes_on() {
        number += TASKS;
        let key = (number % KEYS).to_string();
        let roles = || async { Ok::<_, String>(vec!["admin".to_owned(); 5]) };
        load.cache
            .note(cache.get_or_load(&ROLES, &key, roles).await)
            .await;
        if number.is_multiple_of(20) {
            cache.delete(&ROLES, &key).await;
        }
        // A value in memory needs nobody, and the others want a turn.
        tokio::task::yield_now().await;
    }
}

const ROLES: Space<Vec<String>, Bounded> = Space::new("roles", LIFE).max_stale(LIFE);
const LIFE: Duration = Duration::from_secs(2);
const KEYS: u64 = 5_000;
const TASKS: u64 = 4;
const MAX_GROWTH: f64 = 0.1;
const LEAST: Duration = Duration::from_millis(200);
const MOST: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_may_grow_by_a_tenth_and_shrink() {
        for (warm, end, good) in [(100, 110, true), (100, 111, false), (100, 50, true)] {
            assert_eq!(judge(warm, end).is_ok(), good, "{warm} {end}");
        }
        let error = judge(100, 150).unwrap_err();
        assert!(error.to_string().contains("50.0 %"), "{error}");
    }
}
