//! Where Redis is, as a URL says it.

use auth_core::Secret;
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
};

/// Whom to connect to, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) topology: Topology,
    pub(crate) tls: bool,
    pub(crate) db: i64,
    pub(crate) login: Login,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One server.
    Standalone(Address),
    /// The primary of a service, as the sentinels know it.
    Sentinel {
        sentinels: Vec<Address>,
        service: String,
    },
    /// Whoever owns the slot; these are whom to ask first.
    Cluster(Vec<Address>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

#[derive(Clone, Default)]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
}

impl Target {
    pub(crate) fn standalone(host: String, port: u16, db: i64) -> Self {
        Self {
            topology: Topology::Standalone(Address { host, port }),
            tls: false,
            db,
            login: Login::default(),
        }
    }

    /// Reads a URL; the error continues a sentence and quotes nothing.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.trim().split_once("://").ok_or("is not a URL")?;
        let scheme = scheme.to_ascii_lowercase();
        let (server, kind) = match scheme.split_once('-') {
            Some((server, kind)) => (server, Some(kind)),
            None => (scheme.as_str(), None),
        };
        let tls = match server {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err("has a scheme that is not redis"),
        };
        // The library knows a fragment that switches certificate checks off, and parameters that it
        // ignores when they are misspelt. Neither may come in through a URL.
        if rest.contains(['#', '?']) {
            return Err("has a query or a fragment, which is not supported");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let addresses = |default| -> Result<Vec<Address>, &'static str> {
            hosts
                .split(',')
                .map(|host| Address::parse(host, default))
                .collect()
        };
        let (topology, db) = match kind {
            None => {
                let mut addresses = addresses(PORT)?;
                match (addresses.pop(), addresses.is_empty()) {
                    (Some(address), true) => (Topology::Standalone(address), path),
                    _ => return Err("names several hosts, but neither sentinels nor a cluster"),
                }
            }
            Some("sentinel") => {
                let (service, db) = path.split_once('/').unwrap_or((path, ""));
                let is_name = |it: &str| {
                    let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                    !it.is_empty() && it.bytes().all(ok)
                };
                if !is_name(service) {
                    return Err("does not say which service the sentinels watch");
                }
                let sentinels = addresses(SENTINEL_PORT)?;
                let service = service.to_owned();
                (Topology::Sentinel { sentinels, service }, db)
            }
            Some("cluster") => {
                if !path.is_empty() {
                    return Err("names a database, and a cluster has none");
                }
                (Topology::Cluster(addresses(PORT)?), "")
            }
            Some(_) => return Err("has a scheme that is not redis"),
        };
        let db = match db {
            "" => 0,
            number => number.parse().map_err(|_| "cannot be used")?,
        };
        if db < 0 {
            return Err("cannot be used");
        }
        Ok(Self {
            topology,
            tls,
            db,
            login: login.map(Login::parse).transpose()?.unwrap_or_default(),
        })
    }

    /// Hosts and ports, for people.
    pub(crate) fn address(&self) -> String {
        match &self.topology {
            Topology::Standalone(address) => address.to_string(),
            Topology::Sentinel { sentinels, service } => {
                format!("{service} of {}", list(sentinels))
            }
            Topology::Cluster(seeds) => format!("the cluster of {}", list(seeds)),
        }
    }

    /// In the library's own terms. The copy of the password in it is not wiped.
    pub(crate) fn connection_info(&self, address: &Address) -> Option<ConnectionInfo> {
        self.info(address, &self.login, self.db)
    }

    /// The same for a sentinel, which has a login of its own and no databases.
    pub(crate) fn sentinel_info(&self, address: &Address, login: &Login) -> Option<ConnectionInfo> {
        self.info(address, login, 0)
    }

    fn info(&self, address: &Address, login: &Login, db: i64) -> Option<ConnectionInfo> {
        let mut redis = RedisConnectionInfo::default().set_db(db);
        if let Some(username) = &login.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &login.password {
            redis = redis.set_password(password.expose());
        }
        let Address { host, port } = address.clone();
        let tls = ConnectionAddr::TcpTls {
            host: host.clone(),
            port,
            insecure: false,
            tls_params: None,
        };
        let info = (host.as_str(), port).into_connection_info().ok()?;
        let info = if self.tls { info.set_addr(tls) } else { info };
        // Commands are small and share a connection: none waits for the answer to the one before.
        let tcp = TcpSettings::default().set_nodelay(true);
        Some(info.set_redis_settings(redis).set_tcp_settings(tcp))
    }
}

impl Address {
    /// Reads `host`, `host:port`, or the same with an address of IPv6 in brackets.
    pub(crate) fn parse(text: &str, default: u16) -> Result<Self, &'static str> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or("cannot be used")?;
                if host.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err("cannot be used");
                }
                (
                    host,
                    port.strip_prefix(':').or(port.is_empty().then_some("")),
                )
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let port = match port.ok_or("cannot be used")? {
            "" => default,
            port => port.parse().map_err(|_| "cannot be used")?,
        };
        let is_name = |it: &str| {
            let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:%".contains(&byte);
            !it.is_empty() && it.bytes().all(ok)
        };
        if port == 0 || !is_name(host) {
            return Err("cannot be used");
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl Login {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (username, password) = text.split_once(':').unwrap_or((text, ""));
        let username = decode(username)?;
        let password = decode(password)?;
        Ok(Self {
            username: (!username.is_empty()).then_some(username),
            password: (!password.is_empty()).then(|| Secret::from(password)),
        })
    }
}

fn list(addresses: &[Address]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// Percent-decoding: a password in a URL may be any text.
fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit(), digit());
            let (high, low) = high.zip(low).ok_or("cannot be used")?;
            // Two digits of base 16 are a byte.
            (high * 16 + low) as u8
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| "cannot be used")
}

pub(crate) const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_server_or_sentinels_or_a_cluster() {
        for (url, expected) in [
            ("redis://h", "h:6379 db 0"),
            ("REDISS://h:1/2", "h:1 db 2 by TLS"),
            ("valkeys://[::1]:1/", "[::1]:1 db 0 by TLS"),
            (
                "redis-sentinel://a,b:1,[::2]/main",
                "main of a:26379,b:1,[::2]:26379 db 0",
            ),
            (
                "rediss-sentinel://u:p@a:1/my-service_2/3",
                "my-service_2 of a:1 db 3 by TLS as u",
            ),
            (
                "redis-cluster://:p@a:7000,b",
                "the cluster of a:7000,b:6379 db 0",
            ),
            ("rediss-cluster://a", "the cluster of a:6379 db 0 by TLS"),
        ] {
            let target = Target::parse(url).unwrap();
            let mut text = format!("{} db {}", target.address(), target.db);
            if target.tls {
                text += " by TLS";
            }
            if let Some(username) = target.login.username {
                text += &format!(" as {username}");
            }
            assert_eq!(text, expected, "{url}");
        }
    }

    #[test]
    fn every_connection_sends_small_commands_at_once() {
        for url in [
            "redis://h",
            "rediss://h",
            "redis-sentinel://h/main",
            "rediss-cluster://h",
        ] {
            let target = Target::parse(url).unwrap();
            let address = Address::parse("h", 6379).unwrap();
            let login = Login::default();
            let infos = [
                target.connection_info(&address),
                target.sentinel_info(&address, &login),
            ];
            for info in infos.map(Option::unwrap) {
                assert!(info.tcp_settings().nodelay(), "{url}");
            }
        }
    }

    #[test]
    fn what_a_url_cannot_mean_is_refused_and_not_quoted() {
        for (url, fault) in [
            ("planted", "is not a URL"),
            ("unix:///tmp/redis.sock", "has a scheme that is not redis"),
            ("http://h", "has a scheme that is not redis"),
            ("redis-planted://h", "has a scheme that is not redis"),
            (
                "redis://h/#insecure",
                "has a query or a fragment, which is not supported",
            ),
            (
                "rediss://h/?protocol=planted",
                "has a query or a fragment, which is not supported",
            ),
            ("redis://h/planted", "cannot be used"),
            ("redis://h/-1", "cannot be used"),
            ("redis://h:0", "cannot be used"),
            ("redis://h:planted", "cannot be used"),
            ("redis://", "cannot be used"),
            ("redis://[planted]", "cannot be used"),
            ("redis://:%zz@h", "cannot be used"),
            (
                "redis://a,b",
                "names several hosts, but neither sentinels nor a cluster",
            ),
            (
                "redis-sentinel://a",
                "does not say which service the sentinels watch",
            ),
            (
                "redis-sentinel://a/pl anted",
                "does not say which service the sentinels watch",
            ),
            ("redis-sentinel://a,/main", "cannot be used"),
            (
                "redis-cluster://a/1",
                "names a database, and a cluster has none",
            ),
        ] {
            assert_eq!(Target::parse(url).err(), Some(fault), "{url}");
        }
    }

    #[test]
    fn a_login_may_be_any_text_once_it_is_encoded() {
        let target = Target::parse("redis://a%40b:p%3A%2F%40%25@h").unwrap();
        assert_eq!(target.login.username.as_deref(), Some("a@b"));
        assert_eq!(target.login.password.unwrap().expose(), "p:/@%");
        // An at sign that nobody encoded belongs to the password: no host has one.
        let target = Target::parse("redis://:p@ss@h").unwrap();
        assert_eq!(target.login.password.unwrap().expose(), "p@ss");
        assert_eq!(
            target.topology,
            Topology::Standalone(
                Address::parse("h", 1)
                    .map(|it| Address { port: PORT, ..it })
                    .unwrap()
            )
        );
    }
}
