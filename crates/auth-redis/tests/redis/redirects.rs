//! Where the nodes of a cluster send a command, on routes that a real cluster takes for a moment only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_redis::{Redis, RedisErrorKind, RedisState};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{LONG, reach};

/// What a node says to a `GET`.
#[derive(Clone, Copy)]
enum Say {
    Ask(usize),
    Moved(usize),
    TryAgain,
    /// To a text that is no address.
    Nowhere,
    Refuse,
    Value,
}

use Say::{Ask, Moved, Nowhere, Refuse, TryAgain, Value};

/// The node that a `GET` comes to, whether with `ASKING`, and what it says.
type Step = (usize, bool, Say);

/// Three nodes that do nothing but send `GET` on a route. Node 0 owns the slots of all keys here.
struct Nodes {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    ports: Vec<u16>,
    /// How many of them own slots, the first ones.
    owners: usize,
    route: Mutex<VecDeque<Step>>,
    /// To each node.
    connections: Mutex<[usize; 3]>,
}

impl Nodes {
    async fn start(owners: usize) -> Self {
        let mut listeners = Vec::new();
        for _ in 0..3 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let port = |it: &TcpListener| it.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            ports: listeners.iter().map(port).collect(),
            owners,
            route: Mutex::default(),
            connections: Mutex::default(),
        });
        let tasks = listeners.into_iter().enumerate().map(|(node, listener)| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    shared.connections.lock().unwrap()[node] += 1;
                    tokio::spawn(serve(Arc::clone(&shared), node, stream));
                }
            })
        });
        Self {
            tasks: tasks.collect(),
            shared,
        }
    }

    fn handle(&self) -> Redis {
        let url = format!("redis-cluster://127.0.0.1:{}", self.shared.ports[0]);
        let redis = Redis::builder(&url).command_timeout(LONG);
        redis
            .check_interval(Duration::from_millis(1))
            .connect()
            .unwrap()
    }

    fn expect(&self, route: impl IntoIterator<Item = Step>) {
        *self.shared.route.lock().unwrap() = route.into_iter().collect();
    }

    fn left(&self) -> usize {
        self.shared.route.lock().unwrap().len()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn serve(shared: Arc<Shared>, node: usize, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let mut is_asking = false;
    while let Some(words) = command(&mut stream).await {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = match words[..] {
            ["PING"] => "+PONG\r\n".to_owned(),
            ["CLUSTER", "INFO"] => "$16\r\ncluster_state:ok\r\n".to_owned(),
            ["CLUSTER", "SLOTS"] => shared.slots(),
            ["GET", _] => shared.next(node, is_asking),
            _ => "+OK\r\n".to_owned(),
        };
        is_asking = words == ["ASKING"];
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads a list of texts as the protocol writes it.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut lines = stream.lines();
    let count = lines.next_line().await.ok()??;
    let count: usize = count.strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        // The length comes first, and no word here has a line break in it.
        lines.next_line().await.ok()??;
        words.push(lines.next_line().await.ok()??);
    }
    Some(words)
}

impl Shared {
    /// Node 0 has all but the last slots, one of which each of the others has.
    fn slots(&self) -> String {
        let others = self.owners - 1;
        let rows = (0..self.owners).map(|node| {
            let (first, last) = match node {
                0 => (0, 16_383 - others),
                node => (16_383 - others + node, 16_383 - others + node),
            };
            let port = self.ports[node];
            format!("*3\r\n:{first}\r\n:{last}\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n")
        });
        format!("*{}\r\n{}", self.owners, rows.collect::<String>())
    }

    fn next(&self, node: usize, is_asking: bool) -> String {
        let mut route = self.route.lock().unwrap();
        match route.pop_front() {
            Some((to, asking, say)) if (to, asking) == (node, is_asking) => match say {
                Ask(to) => format!("-ASK 12182 127.0.0.1:{}\r\n", self.ports[to]),
                Moved(to) => format!("-MOVED 12182 127.0.0.1:{}\r\n", self.ports[to]),
                Nowhere => "-MOVED 12182 planted\r\n".to_owned(),
                TryAgain => "-TRYAGAIN planted\r\n".to_owned(),
                Refuse => "-WRONGTYPE planted\r\n".to_owned(),
                Value => "$1\r\nv\r\n".to_owned(),
            },
            _ => format!("-ASTRAY at {node}, {is_asking}\r\n"),
        }
    }
}

#[tokio::test]
async fn a_command_is_followed_wherever_it_is_sent() {
    let nodes = Nodes::start(3).await;
    let redis = nodes.handle();
    reach(&redis, RedisState::Up).await;
    let routes: [&[Step]; 7] = [
        &[(0, false, Value)],
        &[(0, false, Moved(1)), (1, false, Value)],
        &[(0, false, Ask(1)), (1, true, Value)],
        &[(0, false, Ask(1)), (1, true, Moved(2)), (2, false, Value)],
        &[(0, false, Ask(1)), (1, true, Ask(2)), (2, true, Value)],
        &[(0, false, Ask(1)), (1, true, TryAgain), (1, true, Value)],
        &[
            (0, false, Moved(1)),
            (1, false, Ask(2)),
            (2, true, Ask(1)),
            (1, true, Moved(0)),
            (0, false, Value),
        ],
    ];
    for (number, route) in routes.into_iter().enumerate() {
        nodes.expect(route.iter().copied());
        let value = redis.get("foo").await;
        assert_eq!(value.unwrap().unwrap(), "v", "route {number}");
        assert_eq!(nodes.left(), 0);
    }
}

#[tokio::test]
async fn a_refusal_at_the_end_of_a_detour_is_told_as_any_other() {
    let nodes = Nodes::start(3).await;
    let redis = nodes.handle();
    nodes.expect([(0, false, Ask(1)), (1, true, Refuse)]);
    let error = redis.get("foo").await.unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Rejected);
    assert_eq!(error.code(), Some("WRONGTYPE"));
}

#[tokio::test]
async fn a_detour_to_nowhere_is_a_refusal_that_quotes_nothing() {
    let nodes = Nodes::start(3).await;
    let redis = nodes.handle();
    nodes.expect([(0, false, Nowhere)]);
    let error = redis.get("foo").await.unwrap_err();
    assert_eq!(error.code(), Some("MOVED"));
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn a_command_that_is_sent_in_circles_is_given_up() {
    let nodes = Nodes::start(3).await;
    let redis = nodes.handle();
    let circle = [(0, false, Ask(1)), (1, true, Moved(0))];
    nodes.expect(circle.into_iter().cycle().take(100));
    let error = redis.get("foo").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(nodes.left() > 80, "{} were left", nodes.left());
    assert_eq!(redis.state(), RedisState::Up);
}

#[tokio::test]
async fn keys_on_the_move_are_waited_for_as_long_as_there_is_time() {
    let nodes = Nodes::start(3).await;
    let redis = nodes.handle();
    let again = [(0, false, TryAgain)].into_iter().cycle().take(30);
    nodes.expect(again.chain([(0, false, Value)]));
    assert_eq!(redis.get("foo").await.unwrap().unwrap(), "v");
}

/// A node that is about to get its first slot owns none yet.
#[tokio::test]
async fn a_node_that_owns_nothing_yet_keeps_its_connection_while_it_is_asked() {
    let nodes = Nodes::start(2).await;
    let redis = nodes.handle();
    reach(&redis, RedisState::Up).await;
    nodes.expect([(0, false, Ask(2)), (2, true, Value)]);
    redis.get("foo").await.unwrap();
    let ups = redis.ups();
    for _ in 0..50 {
        nodes.expect([(0, false, Ask(2)), (2, true, Value)]);
        assert_eq!(redis.get("foo").await.unwrap().unwrap(), "v");
        // This one has the map looked at.
        nodes.expect([(0, false, Moved(1)), (1, false, Value)]);
        redis.get("foo").await.unwrap();
    }
    assert_eq!(redis.ups(), ups);
    assert_eq!(nodes.shared.connections.lock().unwrap()[2], 1);
}

#[test]
fn what_a_caller_causes_outlives_the_callers_runtime() {
    let start = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    };
    let (runtime, callers) = (start(), start());
    let (nodes, redis) = runtime.block_on(async {
        let nodes = Nodes::start(2).await;
        let redis = nodes.handle();
        reach(&redis, RedisState::Up).await;
        (nodes, redis)
    });
    nodes.expect([(0, false, Ask(2)), (2, true, Value)]);
    callers.block_on(redis.get("foo")).unwrap();
    drop(callers);

    nodes.expect([(0, false, Ask(2)), (2, true, Value)]);
    runtime.block_on(redis.get("foo")).unwrap();
    // Nor does it take a runtime to ask for news.
    let _subscription = redis.subscribe("news");
}
