//! Roles and permissions: looked up by identity, remembered, and decided upon.

use std::sync::Arc;

use auth_cache::{Bounded, Fresh, Space};
use auth_core::{AuthenticationError, Authorizer, BoxFuture, Decision, Identity, Permission, Role};

use crate::client::AuthClient;

impl AuthClient {
    /// The roles of the user: remembered for a quarter of an hour (unless set otherwise), and no
    /// longer than the token lives.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Rejected`] if the provider refuses the user's token,
    /// [`AuthenticationError::Unavailable`] if it gave no usable answer.
    pub async fn roles(&self, identity: &Identity) -> Result<Vec<Role>, AuthenticationError> {
        let space = of(identity, Space::new("roles", self.0.roles_ttl));
        let (provider, asking) = (Arc::clone(&self.0.provider), identity.clone());
        let shared = self.0.shared.clone();
        let load = move || async move {
            let Some(shared) = shared else {
                return provider
                    .roles(&asking)
                    .await
                    .map(|it| Fresh::new(names(it)));
            };
            let forgotten = shared.forgotten();
            if let Some(found) = shared.grants.roles(&asking).await {
                return Ok(Fresh::new(names(found.names)).until(found.until));
            }
            let roles = provider.roles(&asking).await?;
            let write = shared.grants.set_roles(&asking, &roles);
            shared.write(&asking, forgotten, write).await;
            Ok(Fresh::new(names(roles)))
        };
        let key = self.key(identity);
        let found = self.0.cache.get_or_load(&space, &key, load).await;
        match found.map_err(|error| error.into_failure(late)) {
            Ok(names) => Ok(names.into_value().into_iter().map(Role::from).collect()),
            // Those who ask for one user at once share an answer, and the token that was refused
            // may have been another one than this.
            Err(AuthenticationError::Rejected(_)) => self.0.provider.roles(identity).await,
            Err(error) => Err(error),
        }
    }

    /// The permissions of the user, remembered as roles are.
    ///
    /// # Errors
    ///
    /// As [`roles`](Self::roles).
    pub async fn permissions(
        &self,
        identity: &Identity,
    ) -> Result<Vec<Permission>, AuthenticationError> {
        let space = of(identity, Space::new("permissions", self.0.permissions_ttl));
        let (provider, asking) = (Arc::clone(&self.0.provider), identity.clone());
        let shared = self.0.shared.clone();
        let load = move || async move {
            let Some(shared) = shared else {
                let permissions = provider.permissions(&asking).await;
                return permissions.map(|it| Fresh::new(names(it)));
            };
            let forgotten = shared.forgotten();
            if let Some(found) = shared.grants.permissions(&asking).await {
                return Ok(Fresh::new(names(found.names)).until(found.until));
            }
            let permissions = provider.permissions(&asking).await?;
            let write = shared.grants.set_permissions(&asking, &permissions);
            shared.write(&asking, forgotten, write).await;
            Ok(Fresh::new(names(permissions)))
        };
        let key = self.key(identity);
        let found = self.0.cache.get_or_load(&space, &key, load).await;
        match found.map_err(|error| error.into_failure(late)) {
            Ok(names) => Ok(names
                .into_value()
                .into_iter()
                .map(Permission::from)
                .collect()),
            Err(AuthenticationError::Rejected(_)) => self.0.provider.permissions(identity).await,
            Err(error) => Err(error),
        }
    }

    /// Forgets the roles and permissions of the user, so that the provider is asked again. Those that
    /// are [shared](crate::AuthClientBuilder::share_grants) are deleted too, if Redis can be reached;
    /// otherwise they are found again for as long as they are believed. What another process is
    /// asking for at that moment may still be written there.
    pub async fn forget_grants(&self, identity: &Identity) {
        if let Some(shared) = &self.0.shared {
            // First, so that nothing is loaded from there once our own are gone.
            shared.forget(identity).await;
        }
        let key = self.key(identity);
        let roles = Space::<Names, Bounded>::new("roles", self.0.roles_ttl);
        let permissions = Space::<Names, Bounded>::new("permissions", self.0.permissions_ttl);
        self.0.cache.delete(&roles, &key).await;
        self.0.cache.delete(&permissions, &key).await;
    }

    /// Whether the user has the role.
    pub async fn has_role(&self, identity: &Identity, role: impl Into<Role>) -> Decision {
        decide(self.roles(identity).await, &[role.into()], false)
    }

    /// Whether the user has at least one of the roles. Of no roles nobody has one.
    pub async fn has_any_role<R: Into<Role>>(
        &self,
        identity: &Identity,
        roles: impl IntoIterator<Item = R>,
    ) -> Decision {
        let wanted: Vec<_> = roles.into_iter().map(Into::into).collect();
        decide(self.roles(identity).await, &wanted, false)
    }

    /// Whether the user has every one of the roles. To require none is a mistake, and denied
    /// (contract miso §13 A16).
    pub async fn has_all_roles<R: Into<Role>>(
        &self,
        identity: &Identity,
        roles: impl IntoIterator<Item = R>,
    ) -> Decision {
        let wanted: Vec<_> = roles.into_iter().map(Into::into).collect();
        decide(self.roles(identity).await, &wanted, true)
    }

    /// Whether the user has the permission.
    pub async fn has_permission(
        &self,
        identity: &Identity,
        permission: impl Into<Permission>,
    ) -> Decision {
        decide(
            self.permissions(identity).await,
            &[permission.into()],
            false,
        )
    }

    /// Whether the user has at least one of the permissions. Of none nobody has one.
    pub async fn has_any_permission<P: Into<Permission>>(
        &self,
        identity: &Identity,
        permissions: impl IntoIterator<Item = P>,
    ) -> Decision {
        let wanted: Vec<_> = permissions.into_iter().map(Into::into).collect();
        decide(self.permissions(identity).await, &wanted, false)
    }

    /// Whether the user has every one of the permissions. To require none is a mistake, and denied.
    pub async fn has_all_permissions<P: Into<Permission>>(
        &self,
        identity: &Identity,
        permissions: impl IntoIterator<Item = P>,
    ) -> Decision {
        let wanted: Vec<_> = permissions.into_iter().map(Into::into).collect();
        decide(self.permissions(identity).await, &wanted, true)
    }

    /// Provider, application and user, with lengths, so that no two of them can be spelled alike
    /// (contract miso §13 A11).
    fn key(&self, identity: &Identity) -> String {
        let issuer = identity.principal().issuer().unwrap_or_default();
        let (name, scope) = (self.0.provider.name(), self.0.provider.scope());
        let parts = [name, scope, issuer, identity.subject()];
        parts.map(|part| format!("{}:{part}", part.len())).join("/")
    }
}

impl Authorizer for AuthClient {
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        Box::pin(Self::has_role(self, identity, role.clone()))
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        Box::pin(Self::has_permission(self, identity, permission.clone()))
    }
}

/// The spaces have no deadline: what the provider asks has its own.
fn late() -> AuthenticationError {
    AuthenticationError::unavailable("too_late", "the provider took too long")
}

/// What is remembered: names, which prove nothing without an identity.
type Names = Vec<String>;

fn names<T: ToString>(names: Vec<T>) -> Names {
    names.iter().map(ToString::to_string).collect()
}

/// The space for what may not outlive the identity.
fn of(identity: &Identity, space: Space<Names, Bounded>) -> Space<Names, Bounded> {
    match identity.expires_at() {
        Some(end) => space.until(end),
        None => space,
    }
}

fn decide<T: PartialEq>(
    granted: Result<Vec<T>, AuthenticationError>,
    wanted: &[T],
    all: bool,
) -> Decision {
    match granted {
        Ok(granted) => {
            let has = |wanted: &T| granted.contains(wanted);
            let enough = if all {
                wanted.iter().all(has)
            } else {
                wanted.iter().any(has)
            };
            (enough && !wanted.is_empty()).into()
        }
        Err(AuthenticationError::Rejected(_)) => Decision::Denied,
        Err(error) => Decision::Unknown(error.reason().clone()),
    }
}
