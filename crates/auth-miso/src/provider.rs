//! [`Miso`] as the ports of `auth-core` want it.

use auth_core::{
    AuthenticationError, Authenticator, BoxFuture, Identity, IdentityProvider, Permission,
    Principal, Role, Secret, UnixTime,
};

use crate::miso::Miso;
use crate::record::Record;

impl Miso {
    fn not_over(&self, end: Option<UnixTime>) -> Result<(), AuthenticationError> {
        match end {
            Some(end) if end <= self.clock().unix_now() => Err(AuthenticationError::rejected(
                "expired",
                "the token has expired",
            )),
            _ => Ok(()),
        }
    }
}

impl Authenticator for Miso {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        Box::pin(async move {
            // A token that says itself that it is over needs no controller to be refused.
            self.not_over(Record::own_end(token))?;
            let record = self.record(token).await?;
            self.not_over(record.expires_at())?;
            Ok(record.identity(token))
        })
    }
}

impl IdentityProvider for Miso {
    fn name(&self) -> &'static str {
        "miso"
    }

    fn scope(&self) -> &str {
        Self::scope(self)
    }

    fn user<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move { Ok(Self::user(self, identity).await?.into()) })
    }

    fn roles<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Role>, AuthenticationError>> {
        Box::pin(async move { Ok(Self::roles(self, identity).await?) })
    }

    fn permissions<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Vec<Permission>, AuthenticationError>> {
        Box::pin(async move { Ok(Self::permissions(self, identity).await?) })
    }
}
