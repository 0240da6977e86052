use crate::json::{Element, Place};
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

    /// One role, a text under a name of its own at the top: `role`, for instance.
    Text(Box<str>),
}

impl RoleClaim {
    /// Adds the roles the claim lists, repeated ones included. A claim that is not there lists
    /// none; one that is there and is not a list of texts is an error, and adds none.
    pub(crate) fn read(
        &self,
        claims: Element<'_>,
        roles: &mut Vec<Place>,
    ) -> Result<(), Rejection> {
        let listed = match self {
            Self::Text(name) => return self.read_one(claims.get(name), roles),
            Self::KeycloakRealm => nested(claims, &["realm_access", "roles"]),
            Self::KeycloakClient(client) => nested(claims, &["resource_access", client, "roles"]),
            Self::List(name) => Ok(claims.get(name)),
        };
        match listed {
            Ok(None) => Ok(()),
            Ok(Some(list)) if list.as_texts().is_some() => {
                roles.extend(list.items().map(Element::place));
                Ok(())
            }
            Ok(Some(_)) | Err(NoObject) => Err(Rejection::bad_claim(self.name())),
        }
    }

    fn read_one(
        &self,
        claim: Option<Element<'_>>,
        roles: &mut Vec<Place>,
    ) -> Result<(), Rejection> {
        match claim {
            None => Ok(()),
            Some(claim) if claim.as_text().is_some() => {
                roles.push(claim.place());
                Ok(())
            }
            Some(_) => Err(Rejection::bad_claim(self.name())),
        }
    }

    /// The name the caller has chosen, if there is one.
    pub(crate) fn own_name(&self) -> Option<&str> {
        match self {
            Self::KeycloakRealm => None,
            Self::KeycloakClient(name) | Self::List(name) | Self::Text(name) => Some(name),
        }
    }

    /// The claim at the top of the token.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::KeycloakRealm => "realm_access",
            Self::KeycloakClient(_) => "resource_access",
            Self::List(name) | Self::Text(name) => name,
        }
    }
}

/// Something on the way to a nested claim is not an object.
struct NoObject;

/// Follows members of objects; `None` if one of them is not there.
fn nested<'d>(claims: Element<'d>, path: &[&str]) -> Result<Option<Element<'d>>, NoObject> {
    let mut value = claims;
    for name in path {
        if !value.is_object() {
            return Err(NoObject);
        }
        match value.get(name) {
            Some(member) => value = member,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}
