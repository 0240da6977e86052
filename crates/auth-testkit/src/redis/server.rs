use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A real `redis-server` of our own, on a free port of 127.0.0.1, for as long as this value lives.
///
/// It keeps nothing on disk and is killed on drop. What it does on request is what goes wrong with
/// servers: it dies, it hangs, it comes back under the same address.
///
/// # Example: a server that goes and comes back
///
/// ```no_run
/// use auth_testkit::RedisServer;
///
/// let Some(mut server) = RedisServer::start() else {
///     return; // it is not installed, and a line on stderr has said so
/// };
/// println!("{}", server.url());
/// server.stop();
/// server.restart_on_same_port();
/// ```
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    /// Where it listens without TLS, for ourselves: a server with TLS has one such port more.
    plain_port: u16,
    settings: RedisServerBuilder,
    directory: PathBuf,
}

/// Settings of a [`RedisServer`].
#[derive(Clone, Debug, Default)]
pub struct RedisServerBuilder {
    password: Option<&'static str>,
    tls: Option<Tls>,
    /// More of the command line, as lines of a configuration without the dashes.
    pub(super) lines: Vec<String>,
    pub(super) is_sentinel: bool,
}

#[derive(Clone, Debug)]
struct Tls {
    ca: String,
    certificate: String,
    key: String,
}

impl RedisServerBuilder {
    /// Makes it ask for a password, which must need no escapes.
    #[must_use]
    pub fn password(mut self, password: &'static str) -> Self {
        self.password = Some(password);
        self
    }

    /// Makes it speak TLS and ask clients for a certificate. Everything is PEM: the authority that
    /// signs clients, its own certificate, and the key of that.
    #[must_use]
    pub fn tls(
        mut self,
        ca: impl Into<String>,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.tls = Some(Tls {
            ca: ca.into(),
            certificate: certificate.into(),
            key: key.into(),
        });
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// Returns `None`, and says so on stderr, if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If it is not installed and `CI` is set, or if it does not start.
    #[expect(
        clippy::print_stderr,
        reason = "a person should learn that a test was skipped"
    )]
    pub fn start(self) -> Option<RedisServer> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "auth-testkit-redis-{}-{}",
            std::process::id(),
            SERIAL.fetch_add(1, Ordering::Relaxed)
        );
        for _ in 0..PORTS_TO_TRY {
            let port = free_port();
            let mut server = RedisServer {
                child: None,
                port,
                plain_port: if self.tls.is_some() {
                    free_port()
                } else {
                    port
                },
                settings: self.clone(),
                directory: std::env::temp_dir().join(&name),
            };
            match server.run() {
                Ok(true) => return Some(server),
                // Somebody else was given the same free port, and was faster.
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let remedy = "get it with: cargo xtask setup";
                    assert!(
                        std::env::var_os("CI").is_none(),
                        "redis-server is missing; {remedy}"
                    );
                    eprintln!("skipped: redis-server is not installed; {remedy}");
                    return None;
                }
                Err(error) => panic!("redis-server cannot be started: {error}"),
            }
        }
        panic!("redis-server did not start on any of {PORTS_TO_TRY} ports");
    }
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    ///
    /// Returns `None`, and says so on stderr, if `redis-server` is not installed.
    ///
    /// # Panics
    ///
    /// If it is not installed and `CI` is set, or if it does not start.
    pub fn start() -> Option<Self> {
        Self::builder().start()
    }

    /// Starts a server that asks for a password.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_password(password: &'static str) -> Option<Self> {
        Self::builder().password(password).start()
    }

    /// Settings for a server that is not as plain as that.
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::default()
    }

    /// Where it is, with the password if it asks for one, which must need no escapes.
    pub fn url(&self) -> String {
        let scheme = self.scheme();
        match self.settings.password {
            Some(password) => format!("{scheme}://:{password}@127.0.0.1:{}", self.port),
            None => format!("{scheme}://127.0.0.1:{}", self.port),
        }
    }

    pub(super) fn scheme(&self) -> &'static str {
        match self.settings.tls {
            Some(_) => "rediss",
            None => "redis",
        }
    }

    /// The port it listens on, or did before it was stopped.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, as a crash would: connections break, and what it held is gone.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only if it is dead already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, empty, under the address it had; kills it first if it runs.
    ///
    /// # Panics
    ///
    /// If it does not start, for example because somebody took the port meanwhile.
    pub fn restart_on_same_port(&mut self) {
        self.stop();
        assert!(
            self.run().is_ok_and(|started| started),
            "redis-server does not start again on port {}",
            self.port
        );
    }

    /// Makes it hang: connections stay open, and nothing is answered until
    /// [`resume`](Self::resume).
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn stall(&self) {
        self.signal("-STOP");
    }

    /// Ends what [`stall`](Self::stall) began.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// What it answers to a command that needs no quotes, as it came over the wire.
    pub(super) fn ask(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.plain_port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut greeting = String::new();
        if let Some(password) = self.settings.password {
            greeting = format!("AUTH {password}\r\n");
        }
        stream.write_all(format!("{greeting}{command}\r\nQUIT\r\n").as_bytes())?;
        if self.settings.is_sentinel {
            // It knows no QUIT.
            stream.shutdown(Shutdown::Write)?;
        }
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Whether it came up. `NotFound` means that there is no such program.
    fn run(&mut self) -> io::Result<bool> {
        // The folder comes first, so that its absence cannot be taken for that of the program.
        let file = self.configure().map_err(io::Error::other)?;
        let mut command = Command::new("redis-server");
        command.arg(file);
        if self.settings.is_sentinel {
            command.arg("--sentinel");
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(self.log()?)
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id();
        self.child = Some(child);
        let deadline = Instant::now() + START_TIME;
        while Instant::now() < deadline {
            // A free port may be taken by anybody, so it must be our own that answers.
            let answer = self.ask("INFO server").unwrap_or_default();
            if answer
                .lines()
                .any(|line| line == format!("process_id:{pid}"))
            {
                return Ok(true);
            }
            if let Some(child) = &mut self.child
                && child.try_wait()?.is_some()
            {
                self.child = None;
                return Ok(false);
            }
            // Between two attempts, not instead of one.
            thread::sleep(Duration::from_millis(5));
        }
        self.stop();
        Ok(false)
    }

    /// Where the server writes what it does.
    fn log(&self) -> io::Result<fs::File> {
        let mut options = fs::File::options();
        options.append(true).create(true);
        options.open(self.directory.join(LOG))
    }

    /// Writes what the server is to be, and returns where.
    fn configure(&self) -> io::Result<PathBuf> {
        let directory = &self.directory;
        fs::create_dir_all(directory)?;
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {}", self.plain_port),
            format!("dir {}", directory.display()),
        ];
        if !self.settings.is_sentinel {
            lines.extend(["save \"\"".to_owned(), "appendonly no".to_owned()]);
        }
        if let Some(password) = self.settings.password {
            lines.push(format!("requirepass {password}"));
        }
        if let Some(tls) = &self.settings.tls {
            let file = |name: &str, text: &str| -> io::Result<PathBuf> {
                let file = directory.join(name);
                fs::write(&file, text)?;
                Ok(file)
            };
            lines.extend([
                format!("tls-port {}", self.port),
                format!("tls-ca-cert-file {}", file("ca.pem", &tls.ca)?.display()),
                format!(
                    "tls-cert-file {}",
                    file("crt.pem", &tls.certificate)?.display()
                ),
                format!("tls-key-file {}", file("key.pem", &tls.key)?.display()),
            ]);
        }
        lines.extend(self.settings.lines.iter().cloned());
        let file = directory.join("redis.conf");
        fs::write(&file, lines.join("\n") + "\n")?;
        Ok(file)
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref();
        let pid = child.map(|child| child.id().to_string());
        let pid = pid.unwrap_or_else(|| panic!("redis-server does not run"));
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "kill {signal} was not possible"
        );
    }
}

impl Drop for RedisServer {
    #[expect(
        clippy::print_stderr,
        reason = "whoever looks for the reason of a failure should hear the server too"
    )]
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            let log = fs::read_to_string(self.directory.join(LOG)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LINES_OF_LOG)..];
            eprintln!("redis-server on port {}: … {}", self.port, last.join("\n"));
        }
        remove(&self.directory);
    }
}

/// Takes a folder away. It lies where the system cleans up, should this fail.
fn remove(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_or(0, |address| address.port())
}

/// Asks until the answer is as it should be.
///
/// # Panics
///
/// If it never is.
pub(super) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SETTLE_TIME;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        // Between two attempts, not instead of one.
        thread::sleep(Duration::from_millis(10));
    }
}

const LOG: &str = "log.txt";
const LINES_OF_LOG: usize = 40;
const PORTS_TO_TRY: usize = 5;
const START_TIME: Duration = Duration::from_secs(10);
const SETTLE_TIME: Duration = Duration::from_secs(30);
