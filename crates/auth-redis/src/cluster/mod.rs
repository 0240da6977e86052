//! A cluster: each node is a server with a breaker and a supervisor of its own, so that one that died
//! costs the others nothing, and its own slots a look.

mod slots;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use deadpool_redis::redis::{Cmd, FromRedisValue, Value, cmd};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::command;
use crate::error::{Detour, Fault};
use crate::finder::Finder;
use crate::link::{Link, Shared};
use crate::settings::RedisSettings;
use crate::state::RedisState;
use crate::supervisor::supervise;
use crate::target::Address;
use slots::SlotMap;

pub(crate) use slots::slot;

pub(crate) struct Cluster {
    /// That of the handle: a caller's may be gone while others still call.
    runtime: Handle,
    settings: Arc<RedisSettings>,
    seeds: Vec<Address>,
    view: RwLock<View>,
    pub(crate) state: watch::Sender<RedisState>,
    /// Wakes the task that looks after the map: a node changed, or knows better than the map.
    changed: Arc<Notify>,
    /// Whether a node has said that the cluster is down since they were asked.
    is_doubtful: AtomicBool,
    ups: Arc<AtomicU64>,
}

#[derive(Default)]
struct View {
    map: SlotMap,
    nodes: HashMap<Arc<Address>, Node>,
    is_closed: bool,
}

#[derive(Clone)]
struct Node {
    shared: Arc<Shared>,
    /// When a command was last sent here by another node.
    received: Arc<Mutex<Option<Instant>>>,
    _task: Arc<Supervisor>,
}

impl Node {
    fn receive(&self) {
        *self.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_guest(&self) -> bool {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.is_some_and(|at| at.elapsed() < STAY)
    }
}

/// Stops the task when the node is forgotten.
struct Supervisor(AbortHandle);

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Cluster {
    pub(crate) fn new(
        runtime: Handle,
        settings: Arc<RedisSettings>,
        seeds: Vec<Address>,
        ups: Arc<AtomicU64>,
    ) -> Self {
        Self {
            runtime,
            settings,
            seeds,
            view: RwLock::default(),
            state: watch::Sender::new(RedisState::Connecting),
            changed: Arc::default(),
            is_doubtful: AtomicBool::new(false),
            ups,
        }
    }

    /// Sends a command to the owner of the slot, or without one to any node that is up, and follows
    /// where the cluster sends it. A node that sends it elsewhere has not carried it out.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        slot: Option<u16>,
        command: &Cmd,
        deadline: Instant,
    ) -> Result<T, Fault> {
        let mut node = match self.find(slot) {
            Ok(node) => node,
            Err(fault) if *self.state.borrow() != RedisState::Connecting => return Err(fault),
            // The first look at the map is part of the command's time.
            Err(_) => {
                let mut state = self.state.subscribe();
                let settled = state.wait_for(|state| *state != RedisState::Connecting);
                if timeout_at(deadline, settled).await.is_err() {
                    return Err(Fault::TIMEOUT);
                }
                self.find(slot)?
            }
        };
        let mut asking = false;
        let mut detours = 0;
        loop {
            let outcome = if asking {
                command::run_asking(&node.shared, command, deadline).await
            } else {
                command::run(&node.shared, command, deadline).await
            };
            let fault = match outcome {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if fault.code() == Some("CLUSTERDOWN") && *self.state.borrow() == RedisState::Up {
                self.is_doubtful.store(true, Ordering::Release);
                self.changed.notify_one();
            }
            let target = match &fault.detour {
                None => return Err(fault),
                Some(Detour::Again) => {
                    // Keys of one command are in both places for the moment. It takes as long as it
                    // takes to move them.
                    let again = Instant::now() + AGAIN;
                    if again >= deadline {
                        return Err(fault);
                    }
                    tokio::time::sleep_until(again).await;
                    continue;
                }
                Some(Detour::Moved(address)) => {
                    self.changed.notify_one();
                    asking = false;
                    address
                }
                Some(Detour::Ask(address)) => {
                    asking = true;
                    address
                }
            };
            let Some(address) = next_address(target, &node.shared) else {
                return Err(fault);
            };
            detours += 1;
            if detours > MAX_DETOURS {
                return Err(Fault::ASTRAY);
            }
            node = self.node(&Arc::new(address))?;
            node.receive();
        }
    }

    /// Whom a subscription may be made with: messages reach all nodes, but it is the owners of slots
    /// of whom we hear when they leave.
    pub(crate) fn any_address(&self) -> Option<Address> {
        let view = self.read();
        let is_up = |owner: &&Arc<Address>| view.nodes.get(*owner).is_some_and(is_up);
        view.map.owners().find(is_up).map(|it| Address::clone(it))
    }

    /// Whether a subscription there still hears everything: a node that left hears nothing.
    pub(crate) fn has(&self, address: &Address) -> bool {
        let view = self.read();
        !view.is_closed && view.map.owners().any(|owner| **owner == *address)
    }

    pub(crate) fn close(&self) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        view.is_closed = true;
        for (_, node) in view.nodes.drain() {
            node.shared.close();
        }
        drop(view);
        self.state.send_replace(RedisState::Down);
    }

    fn find(&self, slot: Option<u16>) -> Result<Node, Fault> {
        let view = self.read();
        if view.is_closed {
            return Err(Fault::CLOSED);
        }
        let node = match slot {
            Some(slot) => view.map.owner(slot).and_then(|it| view.nodes.get(it)),
            None => view.nodes.values().find(|node| is_up(node)),
        };
        node.cloned().ok_or(Fault::NO_OWNER)
    }

    /// The node at an address, known or new.
    fn node(&self, address: &Arc<Address>) -> Result<Node, Fault> {
        if let Some(node) = self.read().nodes.get(address) {
            return Ok(node.clone());
        }
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if view.is_closed {
            return Err(Fault::CLOSED);
        }
        let node = view.nodes.entry(Arc::clone(address)).or_insert_with(|| {
            let shared = Arc::new(Shared::new(
                Arc::clone(&self.settings),
                Finder::Fixed(Address::clone(address)),
                Arc::clone(&self.ups),
                Some(Arc::clone(&self.changed)),
            ));
            let task = self.runtime.spawn(supervise(Arc::clone(&shared)));
            Node {
                shared,
                received: Arc::default(),
                _task: Arc::new(Supervisor(task.abort_handle())),
            }
        });
        Ok(node.clone())
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the nodes for the map, the seeds last, until one has an answer.
    async fn refresh(&self) -> Result<(), Fault> {
        let known: Vec<Arc<Address>> = self.read().nodes.keys().cloned().collect();
        let seeds = self.seeds.iter().cloned().map(Arc::new);
        let mut fault = Fault::UNREACHABLE;
        let mut asked = Vec::new();
        for address in known.into_iter().chain(seeds) {
            if asked.contains(&address) {
                continue;
            }
            let node = self.node(&address)?;
            let deadline = Instant::now() + self.settings.connect_timeout;
            let mut question = cmd("CLUSTER");
            question.arg("SLOTS");
            let answer = command::run::<Value>(&node.shared, &question, deadline).await;
            match answer.map(|answer| SlotMap::read(answer, &address)) {
                Ok(Some(map)) if map.owners().next().is_some() => {
                    self.adopt(map)?;
                    return Ok(());
                }
                Ok(_) => fault = Fault::MISUNDERSTOOD,
                Err(error) => fault = error,
            }
            asked.push(address);
        }
        Err(fault)
    }

    /// Puts a new map to use, and forgets the nodes that are in it no more. Who is about to get a
    /// first slot is not in it yet, and must not be connected to for each command anew.
    fn adopt(&self, map: SlotMap) -> Result<(), Fault> {
        for owner in map.owners() {
            self.node(owner)?;
        }
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if view.is_closed {
            return Err(Fault::CLOSED);
        }
        if view.map != map {
            // Who owns a slot from now on may not have heard everything its predecessor did.
            self.ups.fetch_add(1, Ordering::AcqRel);
        }
        let owners: Vec<_> = map.owners().cloned().collect();
        view.nodes
            .retain(|address, node| owners.contains(address) || node.is_guest());
        view.map = map;
        Ok(())
    }

    /// Up is a cluster that can serve every slot, as far as we can see.
    fn assess(&self) -> RedisState {
        let view = self.read();
        let mut is_connecting = false;
        let is_up = view.map.is_whole()
            && view.map.owners().all(|owner| {
                let state = view
                    .nodes
                    .get(owner)
                    .map(|node| *node.shared.state.borrow());
                is_connecting |= state == Some(RedisState::Connecting);
                state == Some(RedisState::Up)
            });
        match (is_up, is_connecting) {
            (true, _) => RedisState::Up,
            // A node that joined is about to connect; that is no outage yet.
            (false, true) if *self.state.borrow() == RedisState::Up => RedisState::Up,
            (false, true) => RedisState::Connecting,
            (false, false) => RedisState::Down,
        }
    }

    /// Whether each owner thinks so too. After an election the news takes a moment to go round, and
    /// who has not heard of the new owner refuses everybody, for the sake of the old one's slots.
    async fn all_agree(&self) -> bool {
        let owners: Vec<Node> = {
            let view = self.read();
            let owners = view.map.owners().collect::<HashSet<_>>();
            let nodes = owners.into_iter().map(|it| view.nodes.get(it).cloned());
            nodes.flatten().collect()
        };
        let deadline = Instant::now() + self.settings.command_timeout;
        let mut question = cmd("CLUSTER");
        question.arg("INFO");
        let answers = owners.iter().map(|node| {
            let answer = command::run::<String>(&node.shared, &question, deadline);
            async {
                match answer.await {
                    Ok(info) => !info.contains("cluster_state:fail"),
                    // Who may not be asked has no opinion.
                    Err(fault) => fault.is_refusal(),
                }
            }
        });
        join_all(answers).await.into_iter().all(|it| it)
    }

    fn show(&self, state: RedisState) {
        // Held to the end, so that it cannot be closed in between.
        let view = self.read();
        if view.is_closed {
            return;
        }
        let previous = *self.state.borrow();
        let state = match (previous, state) {
            // Connecting is for the first time only.
            (RedisState::Up | RedisState::Down, RedisState::Connecting) => RedisState::Down,
            (_, state) => state,
        };
        self.state
            .send_if_modified(|current| std::mem::replace(current, state) != state);
    }
}

/// Looks after the map and the state. Never returns; it is stopped with the last handle.
pub(crate) async fn look_after(cluster: Arc<Cluster>) {
    let mut attempt = 0;
    loop {
        let outcome = cluster.refresh().await;
        let was_up = *cluster.state.borrow() == RedisState::Up
            && !cluster.is_doubtful.swap(false, Ordering::AcqRel);
        let state = match outcome.map(|()| cluster.assess()) {
            Ok(RedisState::Up) if !was_up && !cluster.all_agree().await => RedisState::Connecting,
            Ok(state) => state,
            Err(_) => RedisState::Down,
        };
        cluster.show(state);
        attempt = if state == RedisState::Up {
            0
        } else {
            attempt + 1
        };
        let pause = if state == RedisState::Up {
            cluster.settings.check_interval
        } else {
            // The rest of the cluster needs a moment to agree upon a new owner.
            let random = (cluster.settings.random)();
            (SOON * attempt.min(8)).mul_f64(0.5 + random / 2.0)
        };
        if timeout(pause, cluster.changed.notified()).await.is_ok() {
            // Bad news is shown at once. Good news is asked about first, and in a moment, because
            // what changed may be one of many changes.
            let state = cluster.assess();
            if state != RedisState::Up {
                cluster.show(state);
            }
            sleep(BREATH).await;
        }
    }
}

fn is_up(node: &Node) -> bool {
    matches!(node.shared.link(), Link::Up(_))
}

/// The address in a redirection. Without a host it is another port of the node that said it.
fn next_address(text: &str, from: &Shared) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match (host, &from.finder) {
        ("" | "?", Finder::Fixed(asked)) => asked.host.clone(),
        ("" | "?", Finder::Sentinel { .. }) => return None,
        (host, _) => host.trim_matches(['[', ']']).to_owned(),
    };
    Some(Address { host, port })
}

/// A map that is wrong leads once to the right node, a slot on the move once more.
const MAX_DETOURS: u32 = 8;
/// Of a node that owns nothing, after the last command that was sent there.
const STAY: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(5);
const SOON: Duration = Duration::from_millis(50);
const BREATH: Duration = Duration::from_millis(10);
