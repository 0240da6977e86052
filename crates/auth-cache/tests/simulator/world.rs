//! The truth, those who change it, those who ask, and what they may be told.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use auth_cache::{
    BestEffort, Bounded, Cache, Change, Consistency, Fresh, LoadError, Space, Strict,
};
use auth_core::{Clock, Secret};
use auth_crypto::{KeyRing, SealingKey};
use tokio::time::{Instant, sleep};

use crate::Weather;
use crate::store::{Dice, Store, Way};

const TTL: Duration = Duration::from_secs(20);
const MAX_STALE: Duration = Duration::from_secs(5);
/// How long a load is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

const STRICT: Space<u64, Strict> = Space::new("strict", TTL).hard_deadline(PATIENCE);
const BOUNDED: Space<u64, Bounded> = Space::new("bounded", TTL)
    .max_stale(MAX_STALE)
    .hard_deadline(PATIENCE);
/// One of long lifetimes, besides.
const SEALED: Space<u64, Strict> = Space::new("sealed", Duration::from_secs(8 * 3600))
    .sealed()
    .hard_deadline(PATIENCE);
const BEST_EFFORT: Space<u64, BestEffort> = Space::new("best", TTL)
    .max_stale(MAX_STALE)
    .hard_deadline(PATIENCE);

/// Nothing that was changed, and told, longer ago than this is served.
///
/// Strictly, nothing at all. Bounded, for as long as nobody has heard, and then until a load that was
/// under way has ended, also where loaders fail and an expired value stands in. For the sake of effort, a
/// value is as old as its lifetime and the time for which it may stand in.
const STRICT_BOUND: Duration = Duration::ZERO;
const BOUNDED_BOUND: Duration = Duration::from_secs(5 + 1);
const BEST_EFFORT_BOUND: Duration = Duration::from_secs(20 + 2 + 5 + 1);

/// The tag of a key, which it shares with some others.
fn tag(key: usize) -> Box<str> {
    (key % 7).to_string().into()
}

const MOMENT: Duration = Duration::from_millis(300);

/// What a loader that fails says.
const AWAY: &str = "the source is away";

const NODES: usize = 5;
const KEYS: usize = 20;
const SPACES: usize = 4;

pub(crate) struct World {
    nodes: Vec<(Cache, Way)>,
    store: Arc<Store>,
    dice: Arc<Dice>,
    weather: Weather,
    /// For each space and key.
    truths: Vec<Vec<Arc<Mutex<Truth>>>>,
    /// Those who change a key by a value of their own do so one after the other.
    turns: Vec<Vec<tokio::sync::Mutex<()>>>,
    tally: Arc<Mutex<(u64, u64)>>,
}

/// A key's versions: the one that holds now, and when which one was told to be over.
#[derive(Default)]
struct Truth {
    version: u64,
    /// A version, and the moment from which on no smaller one should be served.
    told: Vec<(u64, Instant)>,
}

impl Truth {
    /// The least version that may be served to a question of this moment, within the bound.
    fn least(&self, asked: Instant, bound: Duration) -> u64 {
        let told = self.told.iter().rev();
        let mut over = told.filter(|(_, at)| *at + bound < asked);
        over.next().map_or(0, |(version, _)| *version)
    }
}

pub(crate) struct Outcome {
    pub(crate) reads: u64,
    pub(crate) stale: u64,
    pub(crate) stats: Sum,
}

/// Over all nodes.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) memory_hits: u64,
    pub(crate) loads: u64,
    pub(crate) gaps: u64,
    pub(crate) faults: u64,
    pub(crate) replayed: u64,
    pub(crate) invalidations: u64,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory_hits,
            loads,
            gaps,
            faults,
            replayed,
            invalidations,
        } = self;
        write!(
            f,
            "{memory_hits} memory hits, {loads} loads, {invalidations} invalidations, {gaps} gaps, \
             {faults} faults, {replayed} replayed"
        )
    }
}

/// Real time as the simulator has it.
#[derive(Debug)]
struct Virtual(Instant, Duration);

impl Clock for Virtual {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.1 + self.0.elapsed()
    }
}

impl World {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        let (store, dice) = (Store::new(), Arc::new(Dice::new(seed)));
        let begun = Instant::now();
        let nodes = (0..NODES).map(|_| {
            let way = Way::new(&store, &dice, weather);
            let random = Arc::clone(&dice);
            let key = SealingKey::from_hex("a", &Secret::from("5".repeat(64)));
            let ahead = weather.clocks.mul_f64(dice.roll());
            let cache = Cache::builder("sim")
                .backend(way.clone())
                .clock(Virtual(begun, ahead))
                .key_ring(KeyRing::new(key.unwrap()))
                .random(move || random.roll())
                .build();
            (cache, way)
        });
        Self {
            nodes: nodes.collect(),
            store,
            dice,
            weather,
            truths: (0..SPACES)
                .map(|_| (0..KEYS).map(|_| Arc::default()).collect())
                .collect(),
            turns: (0..SPACES)
                .map(|_| (0..KEYS).map(|_| tokio::sync::Mutex::default()).collect())
                .collect(),
            tally: Arc::default(),
        }
    }

    pub(crate) async fn run(self, time: Duration) -> Outcome {
        let world = Arc::new(self);
        let end = Instant::now() + time;
        let mut tasks = Vec::new();
        for node in 0..NODES {
            for _ in 0..4 {
                tasks.push(tokio::spawn(Arc::clone(&world).read(node, end)));
            }
            tasks.push(tokio::spawn(Arc::clone(&world).write(node, end)));
            tasks.push(tokio::spawn(Arc::clone(&world).cut(node, end)));
        }
        tasks.push(tokio::spawn(Arc::clone(&world).flush(end)));
        for task in tasks {
            task.await.unwrap();
        }
        let mut stats = Sum::default();
        for (cache, _) in &world.nodes {
            let node = cache.stats();
            stats.memory_hits += node.memory_hits;
            stats.loads += node.loads;
            stats.gaps += node.gaps;
            stats.faults += node.redis_faults;
            stats.replayed += node.replayed;
            stats.invalidations += node.invalidations;
        }
        let (reads, stale) = *world.tally.lock().unwrap();
        Outcome {
            reads,
            stale,
            stats,
        }
    }

    /// Some keys are asked for, and changed, far more often than others.
    fn key(&self) -> usize {
        (self.dice.roll().powi(3) * KEYS as f64) as usize
    }

    async fn read(self: Arc<Self>, node: usize, end: Instant) {
        while Instant::now() < end {
            let key = self.key();
            match self.dice.below(SPACES) {
                0 => self.ask(node, &STRICT, 0, key, STRICT_BOUND).await,
                1 => self.ask(node, &BOUNDED, 1, key, BOUNDED_BOUND).await,
                2 => self.ask(node, &SEALED, 2, key, STRICT_BOUND).await,
                _ => {
                    let bound = BEST_EFFORT_BOUND + self.weather.clocks;
                    self.ask(node, &BEST_EFFORT, 3, key, bound).await;
                }
            }
            sleep(Duration::from_millis(100).mul_f64(self.dice.roll())).await;
        }
    }

    /// Asks and compares.
    async fn ask<C: Consistency>(
        &self,
        node: usize,
        space: &Space<u64, C>,
        truths: usize,
        key: usize,
        bound: Duration,
    ) {
        let truth = &self.truths[truths][key];
        let (asked, source, dice) = (Instant::now(), Arc::clone(truth), Arc::clone(&self.dice));
        let fails = self.dice.roll() < self.weather.failing_loads;
        let (slow, slowest, tag) = (self.weather.slow_loads, self.weather.slowest_load, tag(key));
        let load = move || async move {
            sleep(Duration::from_millis(50).mul_f64(dice.roll())).await;
            let version = source.lock().unwrap().version;
            let most = if dice.roll() < slow {
                slowest
            } else {
                Duration::from_millis(300)
            };
            sleep(most.mul_f64(dice.roll())).await;
            if fails {
                return Err(AWAY);
            }
            let fresh = Fresh::new(version).tag(tag);
            // Some live for a moment only.
            Ok(match dice.below(10) {
                0 => fresh.ttl(MOMENT),
                1 => fresh.ttl(Duration::from_secs(200)),
                _ => fresh,
            })
        };
        let answer = self.nodes[node]
            .0
            .get_or_load(space, &key.to_string(), load)
            .await;
        let found = match answer {
            Ok(found) => found,
            // Those who joined hear of the failure of another's load.
            Err(LoadError::Failed(AWAY)) if self.weather.failing_loads > 0.0 => return,
            Err(LoadError::TimedOut) if self.weather.slow_loads > 0.0 => return,
            // No fault of the store reaches whoever asks.
            Err(error) => panic!("{error}"),
        };
        let truth = truth.lock().unwrap();
        let (least, version) = (truth.least(asked, bound), *found.value());
        assert!(
            version >= least,
            "node {node} was served version {version} of {} {key}, {:?} old, by {:?}, {:?} after \
             version {least} was told",
            space.name(),
            found.age(),
            found.origin(),
            asked - truth.told.iter().find(|(it, _)| *it == least).unwrap().1,
        );
        let mut tally = self.tally.lock().unwrap();
        tally.0 += 1;
        tally.1 += u64::from(version < truth.least(asked, Duration::ZERO));
    }

    async fn write(self: Arc<Self>, node: usize, end: Instant) {
        while Instant::now() < end {
            sleep(Duration::from_millis(1000).mul_f64(self.dice.roll())).await;
            let key = self.key();
            match self.dice.below(SPACES) {
                0 => self.change(node, &STRICT, 0, key).await,
                1 => self.change(node, &BOUNDED, 1, key).await,
                2 => self.change(node, &SEALED, 2, key).await,
                _ => self.change(node, &BEST_EFFORT, 3, key).await,
            }
        }
    }

    /// Changes the truth first and tells the cache then, as one does.
    async fn change<C: Consistency>(
        &self,
        node: usize,
        space: &Space<u64, C>,
        truths: usize,
        key: usize,
    ) {
        let kind = self.dice.below(10);
        let keys = match kind {
            // Several at once.
            2 => key..KEYS.min(key + 4),
            _ => key..key + 1,
        };
        let mut turns = Vec::new();
        for key in keys.clone() {
            turns.push(self.turns[truths][key].lock().await);
        }
        let raise = |key: usize| {
            let mut truth = self.truths[truths][key].lock().unwrap();
            truth.version += 1;
            truth.version
        };
        let versions: Vec<_> = keys.clone().map(raise).collect();
        let names: Vec<_> = keys.clone().map(|key| key.to_string()).collect();
        let (cache, name) = (&self.nodes[node].0, &*names[0]);
        let change: Change = match kind {
            0 => cache.clear_space(space).await,
            1 => cache.delete_prefix(space, name).await,
            2 => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                cache.invalidate(space, &names).await
            }
            3 => cache.delete_tag(space, &tag(key)).await,
            // Which of two values is the later one is a matter of clocks.
            4..7 if self.weather.clocks.is_zero() => {
                let fresh = Fresh::new(versions[0]).tag(tag(key));
                let fresh = match kind {
                    4 => fresh.ttl(MOMENT),
                    5 => fresh.ttl(Duration::from_secs(200)),
                    _ => fresh,
                };
                cache.set(space, name, fresh).await
            }
            _ => cache.delete(space, name).await,
        };
        if change.is_shared() {
            for (key, version) in keys.zip(versions) {
                let mut truth = self.truths[truths][key].lock().unwrap();
                truth.told.push((version, Instant::now()));
            }
        }
    }

    async fn cut(self: Arc<Self>, node: usize, end: Instant) {
        let way = &self.nodes[node].1;
        while self.pause(self.weather.cuts, end).await {
            way.cut(true);
            sleep(Duration::from_secs(12).mul_f64(self.dice.roll())).await;
            way.cut(false);
        }
    }

    async fn flush(self: Arc<Self>, end: Instant) {
        while self.pause(self.weather.flushes, end).await {
            let count = self.dice.below(1 << 40);
            self.store.flush(count as u64);
        }
    }

    /// A time of this length on average; `false` when it is over the end.
    async fn pause(&self, average: Duration, end: Instant) -> bool {
        if average == Duration::MAX {
            return false;
        }
        let pause = average.mul_f64(2.0 * self.dice.roll());
        sleep(pause).await;
        Instant::now() < end
    }
}
