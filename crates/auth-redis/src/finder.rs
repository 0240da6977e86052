//! Who is the server to connect to: always the same, or whoever the sentinels name.

use crate::error::Fault;
use crate::sentinels::Sentinels;
use crate::settings::RedisSettings;
use crate::target::Address;

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
        match self {
            Self::Fixed(address) => Ok(vec![address.clone()]),
            Self::Sentinel { sentinels, service } => {
                Sentinels::new(sentinels, service)
                    .candidates(settings)
                    .await
            }
        }
    }

    /// Whether the server must be a primary, because a replica would take its place in vain.
    pub(crate) fn wants_primary(&self) -> bool {
        matches!(self, Self::Sentinel { .. })
    }
}
