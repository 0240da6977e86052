use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Secret;
use auth_core::config::{ConfigError, ConfigProblem, Env, Reader, Variable};
use deadpool_redis::redis::ConnectionInfo;

use crate::Redis;
use crate::error::Fault;
use crate::target::{Address, Login, PORT as DEFAULT_PORT, Target};
use crate::tls::Tls;

/// Where Redis is, and how long to wait for it.
///
/// Made by [`Redis::builder`] or read from the environment. `Debug` shows host and port, and no
/// password.
#[derive(Clone)]
pub struct RedisSettings {
    pub(crate) target: Result<Target, ConfigProblem>,
    pub(crate) sentinel_login: Option<Login>,
    pub(crate) tls: Tls,
    pub(crate) key_prefix: Arc<str>,
    pub(crate) command_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) check_interval: Duration,
    pub(crate) max_age: Duration,
    pub(crate) random: Random,
}

/// Numbers from zero up to, but not including, one.
pub(crate) type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

impl RedisSettings {
    pub(crate) fn from_url(url: &str) -> Self {
        Self::new(Target::parse(url).map_err(|fault| {
            ConfigProblem::new("the Redis URL", fault, format!("make it {URL_FORM}"))
        }))
    }

    fn new(target: Result<Target, ConfigProblem>) -> Self {
        Self {
            target,
            sentinel_login: None,
            tls: Tls::default(),
            key_prefix: "".into(),
            command_timeout: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
            check_interval: Duration::from_secs(1),
            max_age: Duration::from_secs(10 * 60),
            random: Arc::new(auth_core::spread),
        }
    }

    /// Reads `REDIS_URL`, or else `REDIS_HOST`, `REDIS_PORT` (6379), `REDIS_PASSWORD` and `REDIS_DB`
    /// (0). `REDIS_KEY_PREFIX` goes with both; `REDIS_CA`, `REDIS_CLIENT_CERTIFICATE` and
    /// `REDIS_CLIENT_KEY` (PEM, or a file by the name with `_FILE`) with a URL that asks for TLS;
    /// `REDIS_SENTINEL_PASSWORD` with one of sentinels. `Ok(None)` if neither URL nor host is set.
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
        let ca = reader.text(&CA);
        let certificate = reader.text(&CLIENT_CERTIFICATE);
        let key = reader.secret(&CLIENT_KEY);
        let sentinel_password = reader.secret(&SENTINEL_PASSWORD);

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
                Ok(mut target) => {
                    if target.login.password.is_some() && password.is_some() {
                        reader.reject(&PASSWORD_TWICE, "is set beside the password of REDIS_URL");
                    } else if password.is_some() {
                        target.login.password = password;
                    }
                    target
                }
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
            let mut target =
                Target::standalone(host, port.unwrap_or(DEFAULT_PORT), db.unwrap_or(0));
            target.login.password = password;
            target
        };
        let mut settings = Self::new(Ok(target));
        settings.tls.ca = ca.map(|pem| pem.as_bytes().into());
        settings.tls.client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate.as_bytes().into(), key)),
            (None, None) => None,
            (Some(_), None) => {
                reader.reject(&CLIENT_KEY, "is missing beside REDIS_CLIENT_CERTIFICATE");
                None
            }
            (None, Some(_)) => {
                reader.reject(&CLIENT_CERTIFICATE, "is missing beside REDIS_CLIENT_KEY");
                None
            }
        };
        settings.sentinel_login = sentinel_password.map(|password| Login {
            username: None,
            password: Some(password),
        });
        if let Err(fault) = settings.check_tls() {
            reader.reject(&TLS, fault);
        }
        Some(match key_prefix {
            Some(prefix) => settings.key_prefix(prefix),
            None => settings,
        })
    }

    /// Trusts the servers whose certificates these authorities have signed, and no others: PEM, one
    /// or several. The system's own authorities unless set. Needs a URL that asks for TLS.
    #[must_use]
    pub fn ca(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.ca = Some(pem.as_ref().into());
        self
    }

    /// Shows the servers this certificate, with its chain, and proves it with the key; both are PEM.
    /// Needs a URL that asks for TLS.
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl AsRef<[u8]>, key: Secret) -> Self {
        self.tls.client = Some((certificate.as_ref().into(), key));
        self
    }

    /// Sets the login for the sentinels, which need not be that of the servers they watch. None
    /// unless set: the one in the URL is for the servers only.
    #[must_use]
    pub fn sentinel_login(mut self, username: Option<String>, password: Secret) -> Self {
        self.sentinel_login = Some(Login {
            username,
            password: Some(password),
        });
        self
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
        self.command_timeout = timeout.min(LONGEST);
        self
    }

    /// Sets how long one attempt to connect may take, the first `PING` included. 1 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.min(LONGEST);
        self
    }

    /// Sets how often the connection is tried with a `PING`, so that a loss is noticed even when
    /// nobody sends a command, and how often sentinels are asked whether the primary still is it.
    /// 1 s unless set, and a millisecond at least.
    #[must_use]
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval.clamp(SHORTEST_CHECK, LONGEST);
        self
    }

    /// Sets after how long a connection is replaced by a new one, so that a name that moved is
    /// looked up again. 10 minutes unless set. Nobody is told of that, unless it is the sentinels
    /// who name another server now: a move behind one name cannot be seen.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Replaces the randomness that spreads attempts to reconnect: numbers from zero up to, but not
    /// including, one. Anything else counts as one.
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(move || {
            let random = random();
            // A fault of the caller's must not end the task that reconnects.
            if (0.0..1.0).contains(&random) {
                random
            } else {
                1.0
            }
        });
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

    /// Everything about TLS that can be known without connecting. The error continues a sentence.
    pub(crate) fn check_tls(&self) -> Result<(), &'static str> {
        let Ok(target) = &self.target else {
            return Ok(());
        };
        if !target.tls {
            // Somebody who names an authority means to have TLS, and must not silently go without.
            return match self.tls.is_empty() {
                true => Ok(()),
                false => Err("are set, and the URL does not ask for TLS"),
            };
        }
        self.tls.check()?;
        let address = Address::parse("localhost", DEFAULT_PORT)?;
        let info = target.connection_info(&address).ok_or("cannot be used")?;
        self.tls.apply(info).map(drop)
    }

    /// How to connect to a server, in the library's own terms.
    pub(crate) fn info(&self, address: &Address) -> Result<ConnectionInfo, Fault> {
        self.with_tls(|target| target.connection_info(address))
    }

    /// How to connect to a sentinel.
    pub(crate) fn sentinel_info(
        &self,
        address: &Address,
        login: &Login,
    ) -> Result<ConnectionInfo, Fault> {
        self.with_tls(|target| target.sentinel_info(address, login))
    }

    fn with_tls(
        &self,
        info: impl FnOnce(&Target) -> Option<ConnectionInfo>,
    ) -> Result<ConnectionInfo, Fault> {
        let target = self.target.as_ref().map_err(|_| Fault::UNREACHABLE)?;
        let info = info(target).ok_or(Fault::UNREACHABLE)?;
        if target.tls {
            self.tls.apply(info).map_err(|_| Fault::UNUSABLE)
        } else {
            Ok(info)
        }
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

/// What is longer may as well be for ever, and clocks could not add it to the time of day.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// An interval of nothing would leave no time for anything else.
const SHORTEST_CHECK: Duration = Duration::from_millis(1);

const URL_FORM: &str = "a URL such as redis://:password@redis.internal:6379/0";

const URL: Variable = Variable::new("REDIS_URL", URL_FORM);
const HOST: Variable = Variable::new("REDIS_HOST", "the host name of the Redis server");
const PORT: Variable = Variable::new("REDIS_PORT", "a port number from 1 to 65535");
const PASSWORD: Variable = Variable::new("REDIS_PASSWORD", "the password of the Redis server");
const DB: Variable = Variable::new("REDIS_DB", "the number of a database, such as 0");
const CA: Variable = Variable::new("REDIS_CA", "certificates of authorities, as PEM");
const CLIENT_CERTIFICATE: Variable = Variable::new(
    "REDIS_CLIENT_CERTIFICATE",
    "a certificate and its chain, as PEM",
);
const CLIENT_KEY: Variable = Variable::new(
    "REDIS_CLIENT_KEY",
    "the private key of the certificate, as PEM",
);
const TLS: Variable = Variable::new(
    "REDIS_CA, REDIS_CLIENT_CERTIFICATE and REDIS_CLIENT_KEY",
    "PEM, and REDIS_URL to one that begins with rediss",
);
const SENTINEL_PASSWORD: Variable =
    Variable::new("REDIS_SENTINEL_PASSWORD", "the password of the sentinels");
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
                let password = target.login.password.as_ref().map(Secret::expose);
                format!(
                    "{} db {} as {:?} with {password:?}, prefix {:?}",
                    target.address(),
                    target.db,
                    target.login.username,
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
    fn certificates_come_in_pairs_and_with_a_url_that_asks_for_tls() {
        check(
            &[
                ("REDIS_URL", "redis://h"),
                ("REDIS_CA", "-----BEGIN CERTIFICATE-----"),
            ],
            expect![[r#"
                1 setting needs attention
                - REDIS_CA, REDIS_CLIENT_CERTIFICATE and REDIS_CLIENT_KEY are set, and the URL does not ask for TLS; set it to PEM, and REDIS_URL to one that begins with rediss"#]],
        );
        check(
            &[("REDIS_URL", "rediss://h"), ("REDIS_CLIENT_KEY", "planted")],
            expect![[r#"
                1 setting needs attention
                - REDIS_CLIENT_CERTIFICATE is missing beside REDIS_CLIENT_KEY; set it to a certificate and its chain, as PEM"#]],
        );
        check(
            &[
                ("REDIS_URL", "rediss-sentinel://:p@a,b/main"),
                ("REDIS_SENTINEL_PASSWORD", "apart"),
            ],
            expect![[r#"main of a:26379,b:26379 db 0 as None with Some("p"), prefix """#]],
        );
    }
}
