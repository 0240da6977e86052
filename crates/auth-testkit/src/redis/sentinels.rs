use super::server::wait_until;
use super::{RedisServer, RedisServerBuilder};

/// Three sentinels that watch a primary and its replica, all of our own.
///
/// The service is called `main`. A primary that is silent for 300 ms is given up. The servers ask
/// clients for a [password](Self::PASSWORD), which the URL has, and know the sentinels and each other as a user apart.
#[derive(Debug)]
pub struct RedisSentinels {
    sentinels: Vec<RedisServer>,
    servers: [RedisServer; 2],
}

impl RedisSentinels {
    /// What the servers ask clients for.
    pub const PASSWORD: &str = "of-the-service";

    /// Starts them and waits until they know each other.
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
        settings.lines = vec!["tls-replication yes".to_owned()];
        Self::start_as(&settings)
    }

    fn start_as(settings: &RedisServerBuilder) -> Option<Self> {
        let mut server = settings.clone().password(Self::PASSWORD);
        server.lines.extend([
            format!("user {STAFF} on >{STAFF} ~* &* +@all"),
            format!("masteruser {STAFF}"),
            format!("masterauth {STAFF}"),
        ]);
        let primary = server.clone().start()?;
        let mut replica = server;
        replica.lines.extend([
            format!("replicaof 127.0.0.1 {}", primary.port()),
            "repl-diskless-sync-delay 0".to_owned(),
        ]);
        let replica = replica.start()?;
        wait_until("the replica's link", || {
            let answer = replica.ask("INFO replication").unwrap_or_default();
            answer.contains("master_link_status:up")
        });
        let mut sentinels = Vec::new();
        for _ in 0..SENTINELS {
            let mut sentinel = settings.clone();
            sentinel.is_sentinel = true;
            sentinel.lines.extend([
                format!("sentinel monitor {SERVICE} 127.0.0.1 {} 2", primary.port()),
                format!("sentinel down-after-milliseconds {SERVICE} 300"),
                format!("sentinel failover-timeout {SERVICE} 2000"),
                format!("sentinel auth-user {SERVICE} {STAFF}"),
                format!("sentinel auth-pass {SERVICE} {STAFF}"),
            ]);
            let sentinel = sentinel.start()?;
            for setting in IMPATIENCE {
                let answer = sentinel.ask(&format!("SENTINEL DEBUG {setting}"));
                let answer = answer.unwrap_or_else(|error| error.to_string());
                assert!(answer.starts_with("+OK"), "{setting}: {answer}");
            }
            sentinels.push(sentinel);
        }
        for sentinel in &sentinels {
            wait_until("the sentinels' acquaintance", || {
                let answer = sentinel.ask(&format!("SENTINEL MASTER {SERVICE}"));
                let answer = answer.unwrap_or_default();
                let lines: Vec<&str> = answer.lines().collect();
                // A name, the length of the value, the value.
                let is = |name, value| {
                    let at = lines.iter().position(|line| *line == name);
                    at.and_then(|at| lines.get(at + 2)) == Some(&value)
                };
                is("num-other-sentinels", "2") && is("num-slaves", "1")
            });
        }
        Some(Self {
            sentinels,
            servers: [primary, replica],
        })
    }

    /// Where they are: `redis-sentinel://:password@host:port,host:port,host:port/main`, and
    /// `rediss-…` with TLS.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
            .collect();
        let scheme = self.servers[0].scheme();
        let (password, hosts) = (Self::PASSWORD, hosts.join(","));
        format!("{scheme}-sentinel://:{password}@{hosts}/{SERVICE}")
    }

    /// Makes them watch one server more, under a name of its own. They name it to whoever asks,
    /// whether they reach it or not.
    ///
    /// # Panics
    ///
    /// If they refuse.
    pub fn watch(&self, service: &str, server: &RedisServer) {
        for sentinel in &self.sentinels {
            monitor(sentinel, service, server);
        }
    }

    /// Makes the first so many of them know another server under a name that they
    /// [watch](Self::watch), as if they had agreed upon it and the others had not heard.
    ///
    /// # Panics
    ///
    /// If they refuse.
    pub fn rewatch(&self, service: &str, server: &RedisServer, sentinels: usize) {
        for sentinel in &self.sentinels[..sentinels] {
            tell(sentinel, &format!("SENTINEL REMOVE {service}"));
            monitor(sentinel, service, server);
        }
    }

    /// How many connections were made with the sentinels so far, by whomever; one of each is that of
    /// this question.
    ///
    /// # Panics
    ///
    /// If one does not answer.
    pub fn connections_made(&self) -> u64 {
        let count = |sentinel: &RedisServer| -> Option<u64> {
            let info = sentinel.ask("INFO stats").ok()?;
            let mut lines = info.lines();
            let count = lines.find_map(|it| it.strip_prefix("total_connections_received:"));
            count?.parse().ok()
        };
        let counts: Option<Vec<u64>> = self.sentinels.iter().map(count).collect();
        let counts = counts.unwrap_or_else(|| panic!("a sentinel does not say how it is"));
        counts.iter().sum()
    }

    /// Makes the sentinels hang until [`resume`](Self::resume): they accept, and answer nothing.
    ///
    /// # Panics
    ///
    /// If one does not run.
    pub fn stall(&self) {
        self.sentinels.iter().for_each(RedisServer::stall);
    }

    /// Ends what [`stall`](Self::stall) began.
    ///
    /// # Panics
    ///
    /// If one does not run.
    pub fn resume(&self) {
        self.sentinels.iter().for_each(RedisServer::resume);
    }

    /// Kills the sentinels. The servers stay.
    pub fn stop(&mut self) {
        self.sentinels.iter_mut().for_each(RedisServer::stop);
    }

    /// Cuts the primary off from the sentinels and its replica, as a network that is split would,
    /// and returns its port: it refuses them from now on and closes the connections it had with
    /// them. Clients still reach it, and it takes itself for the primary.
    ///
    /// # Panics
    ///
    /// If no sentinel knows it, or it has been cut off before.
    pub fn cut_off_primary(&self) -> u16 {
        let port = self.primary_port();
        if let Some(server) = self.servers.iter().find(|it| it.port() == port) {
            let answer = server.ask(&format!("ACL DELUSER {STAFF}"));
            let was_done = answer.as_ref().is_ok_and(|it| it.contains(":1"));
            assert!(was_done, "{answer:?}");
        }
        port
    }

    /// The port of the primary, as the first sentinel that answers sees it.
    fn primary_port(&self) -> u16 {
        let command = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {SERVICE}");
        let answer = self.sentinels.iter().find_map(|it| it.ask(&command).ok());
        // Two values, each after a line with its length.
        let port = answer.as_ref().and_then(|it| it.lines().nth(4));
        let port = port.and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("no sentinel knows the primary"))
    }

    /// Kills the primary, as a crash would, and returns the port it had.
    ///
    /// # Panics
    ///
    /// If no sentinel knows it.
    pub fn kill_primary(&mut self) -> u16 {
        let port = self.primary_port();
        if let Some(server) = self.servers.iter_mut().find(|it| it.port() == port) {
            server.stop();
        }
        port
    }

    /// Waits until all sentinels know another primary than this one. The first to act on its death
    /// tells the others a moment later.
    ///
    /// # Panics
    ///
    /// If they do not agree.
    pub fn agree_on_another_than(&self, port: u16) {
        let command = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {SERVICE}");
        let old = format!("\r\n{port}\r\n");
        for sentinel in &self.sentinels {
            wait_until("the sentinels' agreement", || {
                let answer = sentinel.ask(&command);
                answer.is_ok_and(|it| it.starts_with("*2") && !it.contains(&old))
            });
        }
    }
}

fn monitor(sentinel: &RedisServer, service: &str, server: &RedisServer) {
    let port = server.port();
    tell(
        sentinel,
        &format!("SENTINEL MONITOR {service} 127.0.0.1 {port} 2"),
    );
}

fn tell(sentinel: &RedisServer, command: &str) {
    let answer = sentinel.ask(command);
    let was_done = answer.as_ref().is_ok_and(|it| it.starts_with("+OK"));
    assert!(was_done, "{command}: {answer:?}");
}

const SENTINELS: usize = 3;
const SERVICE: &str = "main";

/// The user that the sentinels and the replica are to the servers, and its password.
const STAFF: &str = "staff";

/// What sentinels are told beyond their configuration, in milliseconds: to talk to each other more
/// often than every two seconds, and to believe their clock again at once. A sentinel whose clock
/// was set does nothing for half a minute, and the clock of a virtual machine is set often.
const IMPATIENCE: [&str; 4] = [
    "publish-period 200",
    "info-period 500",
    "tilt-trigger 60000",
    "tilt-period 50",
];
