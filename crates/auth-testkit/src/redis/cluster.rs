use super::server::{free_port, wait_until};
use super::{RedisServer, RedisServerBuilder};

/// A cluster of our own: three primaries with a third of the slots each, and a replica of each.
#[derive(Debug)]
pub struct RedisCluster {
    /// The primaries first, and their replicas in the same order.
    nodes: Vec<RedisServer>,
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts the nodes and waits until all of them call the cluster whole.
    ///
    /// Returns `None`, and says so on stderr, if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If it is not installed and `CI` is set, or if they do not find together.
    pub fn start() -> Option<Self> {
        Self::start_as(&RedisServer::builder())
    }

    /// The same, where everybody speaks TLS to everybody, with one certificate for all of them;
    /// the arguments are those of [`RedisServerBuilder::tls`].
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_tls(
        ca: impl Into<String>,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Option<Self> {
        let mut settings = RedisServer::builder().tls(ca, certificate, key);
        settings.lines = vec![
            "tls-cluster yes".to_owned(),
            "tls-replication yes".to_owned(),
        ];
        Self::start_as(&settings)
    }

    fn start_as(settings: &RedisServerBuilder) -> Option<Self> {
        let mut nodes = Vec::new();
        for _ in 0..2 * PRIMARIES {
            let mut node = settings.clone();
            node.lines.extend([
                "cluster-enabled yes".to_owned(),
                "cluster-config-file nodes.conf".to_owned(),
                "cluster-node-timeout 1000".to_owned(),
                // One that was just made has not replicated for long, and may be needed at once.
                "cluster-replica-validity-factor 0".to_owned(),
                "repl-diskless-sync-delay 0".to_owned(),
                format!("cluster-port {}", free_port()),
            ]);
            nodes.push(node.start()?);
        }
        let ids = nodes.iter().map(id).collect();
        let cluster = Self { nodes, ids };
        cluster.join();
        Some(cluster)
    }

    fn join(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            tell(node, &format!("CLUSTER SET-CONFIG-EPOCH {}", at + 1));
        }
        for (at, node) in self.nodes[..PRIMARIES].iter().enumerate() {
            let (first, after) = (at * SLOTS / PRIMARIES, (at + 1) * SLOTS / PRIMARIES);
            tell(
                node,
                &format!("CLUSTER ADDSLOTSRANGE {first} {}", after - 1),
            );
        }
        // Everybody meets everybody, because gossip would take its time.
        for node in &self.nodes {
            for other in &self.nodes {
                let bus = bus_port(other);
                tell(
                    node,
                    &format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port()),
                );
            }
        }
        for (node, primary) in self.nodes[PRIMARIES..].iter().zip(&self.ids) {
            let command = format!("CLUSTER REPLICATE {primary}");
            wait_until("a replica", || {
                node.ask(&command)
                    .is_ok_and(|answer| answer.starts_with("+OK"))
            });
        }
        for node in &self.nodes {
            wait_until("the cluster", || {
                let info = node.ask("CLUSTER INFO").unwrap_or_default();
                let nodes = node.ask("CLUSTER NODES").unwrap_or_default();
                info.contains("cluster_state:ok")
                    && nodes.matches("slave").count() == PRIMARIES
                    && nodes.matches(" connected").count() == 2 * PRIMARIES
            });
        }
        for node in &self.nodes[PRIMARIES..] {
            wait_until("a replica's link", || {
                let info = node.ask("INFO replication").unwrap_or_default();
                info.contains("master_link_status:up")
            });
        }
    }

    /// Where it is: `redis-cluster://host:port,…`, with all nodes, and `rediss-…` with TLS.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        let scheme = self.nodes[0].scheme();
        format!("{scheme}-cluster://{}", hosts.join(","))
    }

    /// Moves a slot with all that is in it from one primary (0, 1, 2) to another, as an
    /// administrator would, while clients are at work.
    ///
    /// # Panics
    ///
    /// If there are no such primaries, or they refuse.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        tell(
            target,
            &format!("CLUSTER SETSLOT {slot} IMPORTING {}", self.ids[from]),
        );
        tell(
            source,
            &format!("CLUSTER SETSLOT {slot} MIGRATING {}", self.ids[to]),
        );
        loop {
            let answer = source.ask(&format!("CLUSTER GETKEYSINSLOT {slot} 100"));
            let answer = answer.unwrap_or_default();
            let keys: Vec<&str> = answer
                .lines()
                .filter(|line| !line.starts_with(['*', '$', '+']))
                .collect();
            if keys.is_empty() {
                break;
            }
            let (port, keys) = (target.port(), keys.join(" "));
            tell(
                source,
                &format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS {keys}"),
            );
        }
        for node in [target, source] {
            tell(
                node,
                &format!("CLUSTER SETSLOT {slot} NODE {}", self.ids[to]),
            );
        }
    }

    /// Kills a primary (0, 1, 2), as a crash would. Its replica takes over after a second or two.
    pub fn kill_primary(&mut self, at: usize) {
        self.nodes[at].stop();
    }
}

fn tell(node: &RedisServer, command: &str) {
    let answer = node.ask(command);
    let was_done = answer.as_ref().is_ok_and(|it| it.starts_with('+'));
    assert!(was_done, "{command}: {answer:?}");
}

fn id(node: &RedisServer) -> String {
    let answer = node.ask("CLUSTER MYID").unwrap_or_default();
    // The value comes after a line with its length.
    answer.lines().nth(1).unwrap_or_default().to_owned()
}

fn bus_port(node: &RedisServer) -> String {
    let answer = node.ask("CLUSTER NODES").unwrap_or_default();
    let myself = answer.lines().find(|line| line.contains("myself"));
    let port = myself.and_then(|line| {
        let (_, port) = line.split_once('@')?;
        Some(port.split([',', ' ']).next()?.to_owned())
    });
    port.unwrap_or_else(|| panic!("the node does not say where its bus is"))
}

const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;
