use auth_core::Role;

use crate::json::{Object, Value};
use crate::rejection::Rejection;

/// A claim that lists roles.
///
/// Which claims count is part of the [`Policy`](crate::Policy): a role that a token grants for
/// another application is not one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleClaim {
    /// Keycloak's roles of the realm: `realm_access.roles`.
    KeycloakRealm,

    /// Keycloak's roles of one client: `resource_access.<client>.roles`.
    KeycloakClient(Box<str>),

    /// A list under a name of its own at the top: `roles`, for instance.
    List(Box<str>),
}

impl RoleClaim {
    /// Adds the roles the claim lists, repeated ones included. A claim that is not there lists
    /// none; one that is there and is not a list of texts spoils the token.
    pub(crate) fn read(&self, claims: &Object<'_>, roles: &mut Vec<Role>) -> Result<(), Rejection> {
        let listed = match self {
            Self::KeycloakRealm => nested(claims, &["realm_access", "roles"]),
            Self::KeycloakClient(client) => nested(claims, &["resource_access", client, "roles"]),
            Self::List(name) => Ok(claims.get(name)),
        };
        let names = match listed {
            Ok(None) => Some(Vec::new()),
            Ok(Some(list)) => list.as_texts(),
            Err(NoObject) => None,
        };
        let names = names.ok_or_else(|| Rejection::BadClaim {
            claim: self.name().into(),
        })?;
        roles.extend(names.into_iter().map(Role::from));
        Ok(())
    }

    /// The name the caller has chosen, if there is one.
    pub(crate) fn own_name(&self) -> Option<&str> {
        match self {
            Self::KeycloakRealm => None,
            Self::KeycloakClient(name) | Self::List(name) => Some(name),
        }
    }

    /// The claim at the top of the token.
    fn name(&self) -> &str {
        match self {
            Self::KeycloakRealm => "realm_access",
            Self::KeycloakClient(_) => "resource_access",
            Self::List(name) => name,
        }
    }
}

/// Something on the way to a nested claim is not an object.
struct NoObject;

/// Follows members of objects; `None` if one of them is not there.
fn nested<'a, 'c>(
    claims: &'a Object<'c>,
    path: &[&str],
) -> Result<Option<&'a Value<'c>>, NoObject> {
    let (mut object, mut found) = (Some(claims), None);
    for name in path {
        found = object.ok_or(NoObject)?.get(name);
        let Some(value) = found else { return Ok(None) };
        object = value.as_object();
    }
    Ok(found)
}
