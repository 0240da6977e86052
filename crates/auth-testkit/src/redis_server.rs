use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
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
    password: Option<&'static str>,
    directory: PathBuf,
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
        Self::launch(None)
    }

    /// Starts a server that asks for a password.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_password(password: &'static str) -> Option<Self> {
        Self::launch(Some(password))
    }

    /// Where it is, with the password if it asks for one, which must need no escapes.
    pub fn url(&self) -> String {
        match self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
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

    #[expect(
        clippy::print_stderr,
        reason = "a person should learn that a test was skipped"
    )]
    fn launch(password: Option<&'static str>) -> Option<Self> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "auth-testkit-redis-{}-{}",
            std::process::id(),
            SERIAL.fetch_add(1, Ordering::Relaxed)
        );
        for _ in 0..PORTS_TO_TRY {
            let mut server = Self {
                child: None,
                port: free_port(),
                password,
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

    /// Whether it came up. `NotFound` means that there is no such program.
    fn run(&mut self) -> io::Result<bool> {
        // The folder comes first, so that its absence cannot be taken for that of the program.
        fs::create_dir_all(&self.directory).map_err(io::Error::other)?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.directory);
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id();
        self.child = Some(child);
        let deadline = Instant::now() + START_TIME;
        while Instant::now() < deadline {
            if self.answers_as(pid).unwrap_or(false) {
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

    /// Whether the server on our port is our own: a free port may be taken by anybody.
    fn answers_as(&self, pid: u32) -> io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        if let Some(password) = self.password {
            write!(stream, "AUTH {password}\r\n")?;
        }
        stream.write_all(b"INFO server\r\nQUIT\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text.lines().any(|line| line == format!("process_id:{pid}")))
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
    fn drop(&mut self) {
        self.stop();
        // It is empty, and it lies where the system cleans up.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_or(0, |address| address.port())
}

const PORTS_TO_TRY: usize = 5;
const START_TIME: Duration = Duration::from_secs(10);
