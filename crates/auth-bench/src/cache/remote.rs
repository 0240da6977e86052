//! A value of Redis, for one task at a time and for 64.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use auth_cache::{Cache, Space, Strict};
use auth_redis::Redis;
use auth_testkit::RedisServer;
use deadpool_redis::redis::{AsyncCommands, Client};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::key;
use crate::case::{Case, Operation, Role};
use crate::settings::Settings;

/// Nothing of it is answered from memory.
const ROLES: Space<Vec<String>, Strict> = Space::new("roles", Duration::from_secs(900));

const KEYS: usize = 10_000;

const VALUE: &str = r#"{"__cached_value__": {"roles": ["offline_access", "uma_authorization", "default-roles-main", "auditor", "orders:read", "orders:write", "refunds:approve"], "timestamp": 1711187000000}}"#;

pub(super) fn cases(settings: &Settings, alone: bool) -> Vec<Case> {
    let port = settings.redis_port();
    let mut cases = Vec::new();
    for tasks in [1, 64] {
        let name = format!("Redis GET, {tasks} concurrent");
        let mut add = |implementation, role, prepare: Prepare| {
            let prepare = move || prepare(Server::find(port)?, tasks);
            cases.push(Case::new(&name, implementation, role, prepare).by_the_wall());
        };
        add("auth-redis: get", Role::Candidate, get);
        add("auth-cache: second level", Role::Candidate, second_level);
        if alone {
            add("redis-rs MultiplexedConnection", Role::Limit, multiplexed);
            add("deadpool-redis, checkout per command", Role::Peer, pool);
        }
    }
    cases
}

type Prepare = fn(Server, u64) -> anyhow::Result<Operation>;

/// A Redis with the values in it, and what is needed to talk to it.
struct Server {
    url: String,
    runtime: Runtime,
    /// Ours, if nobody else has one.
    _own: Option<RedisServer>,
}

impl Server {
    fn find(port: Option<u16>) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let own = match port {
            Some(_) => None,
            None => Some(RedisServer::start().context("there is no redis-server")?),
        };
        let url = match (&own, port) {
            (Some(own), _) => own.url(),
            (None, port) => format!("redis://127.0.0.1:{}", port.unwrap_or_default()),
        };
        runtime.block_on(async {
            let mut connection = Client::open(url.as_str())?
                .get_multiplexed_async_connection()
                .await?;
            for number in 0..KEYS {
                connection.set::<_, _, ()>(key(number), VALUE).await?;
            }
            anyhow::Ok(())
        })?;
        let _own = own;
        Ok(Self { url, runtime, _own })
    }

    /// Work that is done by so many tasks at a time.
    fn operation<W: Worker>(self, tasks: u64, worker: W) -> anyhow::Result<Operation> {
        let worker = Rc::new(worker);
        let local = LocalSet::new();
        Ok(Operation::repeated(move |times| {
            // All of it is in here, the process of our own too: it lives as long as the work.
            let whole = &self;
            let each = times.div_ceil(tasks);
            let work = async {
                let running: Vec<_> = (0..tasks)
                    .map(|task| {
                        let worker = Rc::clone(&worker);
                        local.spawn_local(async move {
                            let mut right = true;
                            for round in 0..each {
                                right &= worker.once((task * 31 + round) as usize % KEYS).await;
                            }
                            right
                        })
                    })
                    .collect();
                let mut right = true;
                for task in running {
                    right &= task.await.unwrap_or(false);
                }
                right
            };
            whole.runtime.block_on(local.run_until(work))
        }))
    }
}

trait Worker: 'static {
    /// Whether it came out right.
    fn once(&self, number: usize) -> impl Future<Output = bool>;
}

impl<F: Fn(usize) -> Fut + 'static, Fut: Future<Output = bool>> Worker for F {
    fn once(&self, number: usize) -> impl Future<Output = bool> {
        self(number)
    }
}

fn get(server: Server, tasks: u64) -> anyhow::Result<Operation> {
    let redis = server.runtime.block_on(async {
        let redis = Redis::builder(&server.url).connect()?;
        redis.ping().await?;
        anyhow::Ok(redis)
    })?;
    server.operation(tasks, move |number| {
        let redis = redis.clone();
        async move {
            let value = redis.get(&key(number)).await;
            value.is_ok_and(|value| value.is_some_and(|value| value.len() > 100))
        }
    })
}

fn second_level(server: Server, tasks: u64) -> anyhow::Result<Operation> {
    let cache = server.runtime.block_on(async {
        let redis = Redis::builder(&server.url).connect()?;
        redis.ping().await?;
        let cache = Cache::builder("bench").redis(redis).build();
        let roles: Vec<String> = super::roles().to_vec();
        for number in 0..KEYS {
            let change = cache.set(&ROLES, &key(number), roles.clone()).await;
            ensure!(change.is_shared(), "it is not in Redis");
        }
        anyhow::Ok(cache)
    })?;
    server.operation(tasks, move |number| {
        let cache = cache.clone();
        async move {
            let found = cache.get(&ROLES, &key(number)).await;
            found.is_some_and(|found| found.value().iter().any(|role| role == "auditor"))
        }
    })
}

fn multiplexed(server: Server, tasks: u64) -> anyhow::Result<Operation> {
    let client = Client::open(server.url.as_str())?;
    let connection = client.get_multiplexed_async_connection();
    let connection = server.runtime.block_on(connection)?;
    server.operation(tasks, move |number| {
        let mut connection = connection.clone();
        async move {
            let value = connection.get::<_, Vec<u8>>(key(number)).await;
            value.is_ok_and(|value| value.len() > 100)
        }
    })
}

fn pool(server: Server, tasks: u64) -> anyhow::Result<Operation> {
    let pool = deadpool_redis::Config::from_url(&server.url)
        .builder()?
        .max_size(64)
        .runtime(deadpool_redis::Runtime::Tokio1)
        .build()?;
    server.operation(tasks, move |number| {
        let pool = pool.clone();
        async move {
            let Ok(mut connection) = pool.get().await else {
                return false;
            };
            let value = connection.get::<_, Vec<u8>>(key(number)).await;
            value.is_ok_and(|value| value.len() > 100)
        }
    })
}
