use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Secret;
use auth_core::config::{ConfigError, ConfigProblem, Env, Reader, Variable};
use deadpool_redis::redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
};

use crate::Redis;

/// Where Redis is, and how long to wait for it.
///
/// Made by [`Redis::builder`] or read from the environment. `Debug` shows host and port, and no
/// password.
#[derive(Clone)]
pub struct RedisSettings {
    pub(crate) target: Result<Target, ConfigProblem>,
    pub(crate) key_prefix: Arc<str>,
    pub(crate) command_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) check_interval: Duration,
    pub(crate) max_age: Duration,
    pub(crate) random: Random,
}

/// Numbers from zero up to, but not including, one.
pub(crate) type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    db: i64,
    username: Option<String>,
    password: Option<Secret>,
}

impl RedisSettings {
    pub(crate) fn from_url(url: &str) -> Self {
        Self::new(Target::parse(url).map_err(|fault| {
            ConfigProblem::new("the Redis URL", fault, format!("make it {URL_FORM}"))
        }))
    }

    fn new(target: Result<Target, ConfigProblem>) -> Self {
        Self {
            target,
            key_prefix: "".into(),
            command_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            check_interval: Duration::from_secs(1),
            max_age: Duration::from_secs(10 * 60),
            random: Arc::new(auth_core::spread),
        }
    }

    /// Reads `REDIS_URL`, or else `REDIS_HOST`, `REDIS_PORT` (6379), `REDIS_PASSWORD` and `REDIS_DB`
    /// (0); `REDIS_KEY_PREFIX` goes with both. `Ok(None)` if neither URL nor host is set.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its variable and what to do about it.
    pub fn from_env(env: &Env) -> Result<Option<Self>, ConfigError> {
        let mut reader = env.reader();
        let settings = Self::read(&mut reader);
        reader.finish(|| Some(settings))
    }

    /// As [`from_env`](Self::from_env), but leaves its problems with the reader, so that they are
    /// reported together with those of other settings. `None` both for "not set" and for "wrong".
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.secret(&URL);
        // A URL or a name with a password in it would only fail much later, as a name nobody knows.
        let host = reader.parse_with(&HOST, |text| {
            let host = text.trim();
            let is_name = !host.contains(['/', '@', ' ']);
            is_name.then(|| host.to_owned())
        });
        let port = reader.parse_with(&PORT, |text| {
            text.trim().parse().ok().filter(|port| *port != 0)
        });
        let password = reader.secret(&PASSWORD);
        let db = reader.parse_with(&DB, |text| text.trim().parse().ok().filter(|db| *db >= 0));
        let key_prefix = reader.text(&KEY_PREFIX);

        let target = if let Some(url) = url {
            // A second place for the same thing is a problem and not a guess.
            for (variable, is_set) in [
                (&HOST_TWICE, host.is_some()),
                (&PORT_TWICE, port.is_some()),
                (&DB_TWICE, db.is_some()),
            ] {
                if is_set {
                    reader.reject(variable, "is set beside REDIS_URL");
                }
            }
            match Target::parse(url.expose()) {
                Ok(target) if target.password.is_some() && password.is_some() => {
                    reader.reject(&PASSWORD_TWICE, "is set beside the password of REDIS_URL");
                    target
                }
                Ok(target) => Target {
                    password: target.password.or(password),
                    ..target
                },
                Err(fault) => {
                    reader.reject(&URL, fault);
                    return None;
                }
            }
        } else {
            let Some(host) = host else {
                if port.is_some() || password.is_some() || db.is_some() {
                    // Somebody meant to have a Redis, and it must not silently be left out.
                    reader.required_text(&HOST);
                }
                return None;
            };
            Target {
                host,
                port: port.unwrap_or(DEFAULT_PORT),
                db: db.unwrap_or(0),
                username: None,
                password,
            }
        };
        let settings = Self::new(Ok(target));
        Some(match key_prefix {
            Some(prefix) => settings.key_prefix(prefix),
            None => settings,
        })
    }

    /// Sets what is put before every key. Nothing unless set.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Sets how long a command may take from call to answer. 250 ms unless set.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Sets how long one attempt to connect may take, the first `PING` included. 1 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how often the connection is tried with a `PING`, so that a loss is noticed even when
    /// nobody sends a command. 1 s unless set.
    #[must_use]
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval;
        self
    }

    /// Sets after how long a connection is replaced by a new one, so that a name that moved is
    /// looked up again. 10 minutes unless set.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Replaces the randomness that spreads attempts to reconnect: numbers from zero up to, but not
    /// including, one.
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Makes the handle and starts to connect in the background.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used, or if no tokio runtime is running here. A server that is away is
    /// no error.
    pub fn connect(self) -> Result<Redis, ConfigError> {
        Redis::connect(self)
    }

    /// Host and port, for people.
    pub(crate) fn address(&self) -> String {
        match &self.target {
            Ok(target) => target.address(),
            Err(_) => "unusable".to_owned(),
        }
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("address", &self.address())
            .field("key_prefix", &self.key_prefix)
            .field("command_timeout", &self.command_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Reads a URL; the error continues a sentence and quotes nothing.
    fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.trim().split_once("://").ok_or("is not a URL")?;
        match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => {}
            "rediss" | "valkeys" => return Err("asks for TLS, which is not supported yet"),
            _ => return Err("has a scheme that is not redis"),
        }
        // The library knows a fragment that switches certificate checks off, and parameters that it
        // ignores when they are misspelt. Neither may come in through a URL.
        if rest.contains(['#', '?']) {
            return Err("has a query or a fragment, which is not supported");
        }
        let info = url
            .trim()
            .into_connection_info()
            .map_err(|_| "cannot be used")?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err("has a scheme that is not redis");
        };
        let redis = info.redis_settings();
        if host.is_empty() || *port == 0 || redis.db() < 0 {
            return Err("cannot be used");
        }
        Ok(Self {
            host: host.clone(),
            port: *port,
            db: redis.db(),
            username: redis.username().map(str::to_owned),
            password: redis
                .password()
                .filter(|it| !it.is_empty())
                .map(Secret::from),
        })
    }

    fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }

    /// In the library's own terms. The copy of the password in it is not wiped.
    pub(crate) fn connection_info(&self) -> Option<ConnectionInfo> {
        let mut redis = RedisConnectionInfo::default().set_db(self.db);
        if let Some(username) = &self.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password.expose());
        }
        let info = (self.host.as_str(), self.port)
            .into_connection_info()
            .ok()?;
        Some(info.set_redis_settings(redis))
    }
}

const DEFAULT_PORT: u16 = 6379;

const URL_FORM: &str = "a URL such as redis://:password@redis.internal:6379/0";

const URL: Variable = Variable::new("REDIS_URL", URL_FORM);
const HOST: Variable = Variable::new("REDIS_HOST", "the host name of the Redis server");
const PORT: Variable = Variable::new("REDIS_PORT", "a port number from 1 to 65535");
const PASSWORD: Variable = Variable::new("REDIS_PASSWORD", "the password of the Redis server");
const DB: Variable = Variable::new("REDIS_DB", "the number of a database, such as 0");
const KEY_PREFIX: Variable = Variable::new("REDIS_KEY_PREFIX", "what to put before every key");

const HOST_TWICE: Variable = Variable::new("REDIS_HOST", SAID_ALREADY);
const PORT_TWICE: Variable = Variable::new("REDIS_PORT", SAID_ALREADY);
const PASSWORD_TWICE: Variable = Variable::new("REDIS_PASSWORD", SAID_ALREADY);
const DB_TWICE: Variable = Variable::new("REDIS_DB", SAID_ALREADY);
const SAID_ALREADY: &str = "nothing, because the URL says it already";

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: Expect) {
        let outcome = match RedisSettings::from_env(&Env::from_pairs(pairs.iter().copied())) {
            Ok(Some(settings)) => {
                let target = settings.target.clone().unwrap();
                let password = target.password.as_ref().map(Secret::expose);
                format!(
                    "{} db {} as {:?} with {password:?}, prefix {:?}",
                    target.address(),
                    target.db,
                    target.username,
                    settings.key_prefix,
                )
            }
            Ok(None) => "no redis".to_owned(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&outcome);
    }

    #[test]
    fn a_url_or_single_variables_name_the_server() {
        check(&[], expect!["no redis"]);
        check(&[("REDIS_KEY_PREFIX", "app:")], expect!["no redis"]);
        check(
            &[
                ("REDIS_URL", "redis://ada:p%40ss@redis.test:7000/3"),
                ("REDIS_KEY_PREFIX", "app:"),
            ],
            expect![[r#"redis.test:7000 db 3 as Some("ada") with Some("p@ss"), prefix "app:""#]],
        );
        check(
            &[("REDIS_URL", "redis://[::1]"), ("REDIS_PASSWORD", "apart")],
            expect![[r#"[::1]:6379 db 0 as None with Some("apart"), prefix """#]],
        );
        check(
            &[
                ("REDIS_HOST", "redis.test"),
                ("REDIS_PASSWORD", "p@ss"),
                ("REDIS_DB", "2"),
            ],
            expect![[r#"redis.test:6379 db 2 as None with Some("p@ss"), prefix """#]],
        );
    }

    #[test]
    fn what_cannot_be_meant_is_reported_all_at_once_and_unquoted() {
        check(
            &[
                ("REDIS_HOST", "h"),
                ("REDIS_PORT", "planted"),
                ("REDIS_DB", "-1"),
            ],
            expect![[r#"
                2 settings need attention
                - REDIS_PORT cannot be used; set it to a port number from 1 to 65535
                - REDIS_DB cannot be used; set it to the number of a database, such as 0"#]],
        );
        check(
            &[("REDIS_PASSWORD", "planted")],
            expect![[r#"
            1 setting needs attention
            - REDIS_HOST is not set; set it to the host name of the Redis server, or REDIS_HOST_FILE to a file that holds it"#]],
        );
        check(
            &[
                ("REDIS_URL", "redis://:planted@h"),
                ("REDIS_HOST", "h"),
                ("REDIS_PASSWORD", "planted"),
            ],
            expect![[r#"
                2 settings need attention
                - REDIS_HOST is set beside REDIS_URL; set it to nothing, because the URL says it already
                - REDIS_PASSWORD is set beside the password of REDIS_URL; set it to nothing, because the URL says it already"#]],
        );
    }

    #[test]
    fn a_url_that_asks_for_what_is_not_there_is_refused() {
        for (url, fault) in [
            ("rediss://h", "asks for TLS, which is not supported yet"),
            (
                "redis://h/#insecure",
                "has a query or a fragment, which is not supported",
            ),
            (
                "redis://h/?protocol=planted",
                "has a query or a fragment, which is not supported",
            ),
            ("unix:///tmp/redis.sock", "has a scheme that is not redis"),
            ("http://h", "has a scheme that is not redis"),
            ("planted", "is not a URL"),
            ("redis://h/planted", "cannot be used"),
            ("redis://h:0", "cannot be used"),
            ("redis://", "cannot be used"),
        ] {
            let problem = RedisSettings::from_url(url).target.err().unwrap();
            assert_eq!(problem.fault(), fault, "{url}");
            assert!(!problem.to_string().contains("planted"), "{problem}");
        }
    }
}
