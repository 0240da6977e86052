//! The sentinels of a service, and whom they name as its primary.

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, FromRedisValue, Value, cmd};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use crate::error::Fault;
use crate::settings::RedisSettings;
use crate::target::{Address, Login};

/// Each keeps its connection for the next question: one per question would be more work for a
/// sentinel of many clients than the question, and by TLS for us too.
pub(crate) struct Sentinels<'a> {
    service: &'a str,
    each: Vec<Sentinel<'a>>,
}

struct Sentinel<'a> {
    address: &'a Address,
    connection: Option<MultiplexedConnection>,
}

impl<'a> Sentinels<'a> {
    pub(crate) fn new(addresses: &'a [Address], service: &'a str) -> Self {
        let each = addresses.iter().map(|address| Sentinel {
            address,
            connection: None,
        });
        Self {
            service,
            each: each.collect(),
        }
    }

    /// Who may be the primary, the likeliest first; nobody else, once most sentinels have named one.
    pub(crate) async fn candidates(
        &mut self,
        settings: &RedisSettings,
    ) -> Result<Vec<Address>, Fault> {
        let mut named = Named::of(self.each.len());
        let mut fault = Fault::UNREACHABLE;
        // One that hangs must not keep us from the others, so all are asked at once; and one that
        // was cut off knows an old primary, so it is not the fastest that is believed.
        let asking = self.each.iter_mut();
        let mut asking: FuturesUnordered<_> =
            asking.map(|it| it.ask(self.service, settings)).collect();
        while let Some(answer) = asking.next().await {
            match answer {
                Ok(address) => named.vote(address),
                Err(error) => fault = error,
            }
            if named.by_most().is_some() {
                break;
            }
        }
        let found = named.candidates();
        if found.is_empty() {
            Err(fault)
        } else {
            Ok(found)
        }
    }

    /// Whom more than half of all sentinels name, those included that do not answer.
    pub(crate) async fn primary(&mut self, settings: &RedisSettings) -> Option<Address> {
        let mut named = Named::of(self.each.len());
        let asking = self.each.iter_mut();
        // All are heard to the end: an answer that nobody waits for would pile up in a connection
        // that has gone silent.
        let answers = join_all(asking.map(|it| it.ask(self.service, settings))).await;
        answers.into_iter().flatten().for_each(|it| named.vote(it));
        named.by_most().cloned()
    }
}

impl Sentinel<'_> {
    async fn ask(&mut self, service: &str, settings: &RedisSettings) -> Result<Address, Fault> {
        let limit = settings.connect_timeout / 2;
        let answer = timeout(limit, self.answer(service, settings)).await;
        let answer = answer.unwrap_or(Err(Fault::TIMEOUT));
        if answer.as_ref().is_err_and(|fault| !fault.is_refusal()) {
            self.connection = None;
        }
        answer
    }

    async fn answer(&mut self, service: &str, settings: &RedisSettings) -> Result<Address, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(open(self.address, settings).await?),
        };
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        let answer: Value = question
            .query_async(connection)
            .await
            .map_err(|error| Fault::from_redis(&error))?;
        match Option::<(String, u16)>::from_redis_value(answer) {
            Ok(Some((host, port))) => Ok(Address { host, port }),
            Ok(None) => Err(Fault::NO_SERVICE),
            Err(_) => Err(Fault::MISUNDERSTOOD),
        }
    }
}

async fn open(
    sentinel: &Address,
    settings: &RedisSettings,
) -> Result<MultiplexedConnection, Fault> {
    let anonymous = Login::default();
    let login = settings.sentinel_login.as_ref().unwrap_or(&anonymous);
    let info = settings.sentinel_info(sentinel, login)?;
    let client = Client::open(info).map_err(|error| Fault::from_redis(&error))?;
    // The whole has a time of its own.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.map_err(|error| Fault::from_redis(&error))
}

/// Who was named, and how often, by so many sentinels.
struct Named {
    votes: Vec<(Address, usize)>,
    of: usize,
}

impl Named {
    fn of(sentinels: usize) -> Self {
        Self {
            votes: Vec::new(),
            of: sentinels,
        }
    }

    fn vote(&mut self, address: Address) {
        match self.votes.iter_mut().find(|(known, _)| *known == address) {
            Some((_, votes)) => *votes += 1,
            None => self.votes.push((address, 1)),
        }
    }

    /// Whoever has more than half of all votes there are.
    fn by_most(&self) -> Option<&Address> {
        let most = self.votes.iter().find(|(_, votes)| votes * 2 > self.of);
        most.map(|(address, _)| address)
    }

    /// Whoever was named by most, alone: the others know an old primary, which may take itself for
    /// one still. Otherwise those with the most votes first; of those with as many, those that were
    /// named first.
    fn candidates(mut self) -> Vec<Address> {
        if let Some(primary) = self.by_most() {
            return vec![primary.clone()];
        }
        self.votes
            .sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
        self.votes.into_iter().map(|(address, _)| address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(of: usize, ports: &[u16]) -> Named {
        let mut named = Named::of(of);
        for port in ports {
            let host = "h".to_owned();
            named.vote(Address { host, port: *port });
        }
        named
    }

    #[test]
    fn who_is_named_most_often_comes_first_whoever_answers_first() {
        let ports = |named: Named| -> Vec<u16> {
            let found = named.candidates();
            found.iter().map(|it| it.port).collect()
        };
        assert_eq!(ports(named(4, &[1, 2, 3, 2])), [2, 1, 3]);
        assert_eq!(ports(named(4, &[1, 2, 2, 2])), [2]);
        assert!(ports(named(4, &[])).is_empty());
    }

    #[test]
    fn most_are_more_than_half_of_all_and_not_of_those_who_answer() {
        let most = |of, ports: &[u16]| named(of, ports).by_most().map(|it| it.port);
        assert_eq!(most(3, &[1, 2, 2]), Some(2));
        assert_eq!(most(3, &[2, 2]), Some(2));
        assert_eq!(most(3, &[2]), None);
        assert_eq!(most(4, &[2, 2]), None);
        assert_eq!(most(4, &[1, 2, 1, 2]), None);
        assert_eq!(most(1, &[2]), Some(2));
    }
}
