//! Who is the server to connect to: always the same, or whoever the sentinels name.

use deadpool_redis::redis::{Client, FromRedisValue, Value, cmd};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use crate::error::Fault;
use crate::settings::RedisSettings;
use crate::target::{Address, Login};

#[derive(Clone, Debug)]
pub(crate) enum Finder {
    Fixed(Address),
    Sentinel {
        sentinels: Vec<Address>,
        service: String,
    },
}

impl Finder {
    /// Who may be the server, the likeliest first. Whether one is, it has to say itself.
    pub(crate) async fn find(&self, settings: &RedisSettings) -> Result<Vec<Address>, Fault> {
        let (sentinels, service) = match self {
            Self::Fixed(address) => return Ok(vec![address.clone()]),
            Self::Sentinel { sentinels, service } => (sentinels, service),
        };
        // One that hangs must not keep us from the others, so all are asked at once; and one that
        // was cut off knows an old primary, so it is not the fastest that is believed.
        let limit = settings.connect_timeout / 2;
        let mut asking: FuturesUnordered<_> = sentinels
            .iter()
            .map(|sentinel| timeout(limit, ask(settings, sentinel, service)))
            .collect();
        let mut named = Named::default();
        let mut fault = Fault::UNREACHABLE;
        while let Some(answer) = asking.next().await {
            match answer.unwrap_or(Err(Fault::TIMEOUT)) {
                Ok(address) => {
                    if named.vote(address) * 2 > sentinels.len() {
                        break;
                    }
                }
                Err(error) => fault = error,
            }
        }
        let found = named.in_order();
        if found.is_empty() {
            Err(fault)
        } else {
            Ok(found)
        }
    }

    /// Whether the server must be a primary, because a replica would take its place in vain.
    pub(crate) fn wants_primary(&self) -> bool {
        matches!(self, Self::Sentinel { .. })
    }
}

/// Who was named, and how often.
#[derive(Default)]
struct Named(Vec<(Address, usize)>);

impl Named {
    /// Returns how many have named it now.
    fn vote(&mut self, address: Address) -> usize {
        match self.0.iter_mut().find(|(known, _)| *known == address) {
            Some((_, votes)) => {
                *votes += 1;
                *votes
            }
            None => {
                self.0.push((address, 1));
                1
            }
        }
    }

    /// Those with the most votes first; of those with as many, those that were named first.
    fn in_order(mut self) -> Vec<Address> {
        self.0.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
        self.0.into_iter().map(|(address, _)| address).collect()
    }
}

async fn ask(
    settings: &RedisSettings,
    sentinel: &Address,
    service: &str,
) -> Result<Address, Fault> {
    let anonymous = Login::default();
    let login = settings.sentinel_login.as_ref().unwrap_or(&anonymous);
    let info = settings.sentinel_info(sentinel, login)?;
    let client = Client::open(info).map_err(|error| Fault::from_redis(&error))?;
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.map_err(|error| Fault::from_redis(&error))?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let answer: Value = question
        .query_async(&mut connection)
        .await
        .map_err(|error| Fault::from_redis(&error))?;
    let answer = Option::<(String, u16)>::from_redis_value(answer);
    match answer {
        Ok(Some((host, port))) => Ok(Address { host, port }),
        Ok(None) => Err(Fault::NO_SERVICE),
        Err(_) => Err(Fault::MISUNDERSTOOD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_most_often_comes_first_whoever_answers_first() {
        let address = |port| Address {
            host: "h".to_owned(),
            port,
        };
        let mut named = Named::default();
        let votes = [1, 2, 3, 2].map(|port| named.vote(address(port)));
        assert_eq!(votes, [1, 1, 1, 2]);
        let ports: Vec<_> = named.in_order().iter().map(|it| it.port).collect();
        assert_eq!(ports, [2, 1, 3]);
        assert!(Named::default().in_order().is_empty());
    }
}
