//! Grants in a Redis that others use too.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::Identity;
use auth_miso::SharedGrants;

/// What is shared, and how often something of it was forgotten: a load that began before must not
/// bring back what is gone.
pub(crate) struct Sharing {
    pub(crate) grants: SharedGrants,
    forgotten: AtomicU64,
}

impl Sharing {
    pub(crate) fn new(grants: SharedGrants) -> Self {
        Self {
            grants,
            forgotten: AtomicU64::new(0),
        }
    }

    /// To be asked before a load begins.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Writes what was loaded, unless something was forgotten since then. If it was while this was
    /// written, nobody knows which came first, so it is forgotten again.
    pub(crate) async fn write<E>(
        &self,
        identity: &Identity,
        forgotten: u64,
        write: impl Future<Output = Result<(), E>>,
    ) {
        if self.forgotten() != forgotten {
            return;
        }
        // Without it the others ask for themselves; Redis tells of its own state.
        let _ = write.await;
        if self.forgotten() != forgotten {
            let _ = self.grants.forget(identity).await;
        }
    }

    /// Deletes what is there of a user, if Redis can be reached.
    pub(crate) async fn forget(&self, identity: &Identity) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        let _ = self.grants.forget(identity).await;
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Role;
    use auth_miso::MisoSettings;
    use auth_redis::{Redis, RedisError};
    use auth_testkit::{MisoController, OidcIssuer, RedisServer, User};

    use super::*;
    use crate::AuthClient;

    /// Only a verifier makes one.
    async fn identity() -> Identity {
        let issuer = OidcIssuer::builder().user(User::new("ada", "x"));
        let issuer = issuer.start().await.unwrap();
        let controller = MisoController::builder(&issuer).unwrap();
        let controller = controller.start().await.unwrap();
        let secret = controller.client_secret().clone();
        let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
        let client = AuthClient::miso(settings).build().unwrap();
        let token = issuer.token("ada").unwrap().sign().unwrap();
        client.validate_token(&token).await.unwrap()
    }

    #[tokio::test]
    async fn a_load_that_began_before_does_not_bring_back_what_was_forgotten() {
        let Some(server) = RedisServer::start() else {
            return;
        };
        let redis = Redis::builder(&server.url()).connect().unwrap();
        let sharing = Sharing::new(SharedGrants::new(redis));
        let identity = identity().await;
        let (grants, roles) = (&sharing.grants, [Role::from("admin")]);
        let set = || grants.set_roles(&identity, &roles);

        sharing.write(&identity, sharing.forgotten(), set()).await;
        assert!(grants.roles(&identity).await.is_some());

        let before = sharing.forgotten();
        sharing.forget(&identity).await;
        sharing.write(&identity, before, set()).await;
        assert_eq!(grants.roles(&identity).await, None);

        let overtaken = async {
            sharing.forget(&identity).await;
            set().await?;
            assert!(grants.roles(&identity).await.is_some());
            Ok::<_, RedisError>(())
        };
        let before = sharing.forgotten();
        sharing.write(&identity, before, overtaken).await;
        assert_eq!(grants.roles(&identity).await, None);
    }
}
