use std::time::Duration;

use auth_core::UnixTime;

use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::header::Header;
use crate::rejection::Rejection;
use crate::role_claim::RoleClaim;

/// What a token must satisfy to be accepted.
///
/// Built once, shared by reference. The issuer and the audience have no default, because a default
/// for either would accept someone else's tokens. `exp` and `sub` are always required.
///
/// # Example: an access token of one issuer for one service
///
/// ```
/// use std::time::Duration;
/// use auth_jwt::{Algorithm, Policy, RoleClaim};
///
/// let policy = Policy::builder("https://issuer.test/realms/main", "my-api")
///     .algorithms([Algorithm::ES256, Algorithm::RS256])
///     .leeway(Duration::from_secs(5))
///     .roles_from([RoleClaim::KeycloakClient("my-api".into())])
///     .require_claim("jti")
///     .build()?;
/// # let _ = policy;
/// # Ok::<(), auth_jwt::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    issuers: Option<Vec<Box<str>>>,
    audiences: Option<Vec<Box<str>>>,
    algorithms: Option<Vec<Algorithm>>,
    types: Types,
    leeway: Duration,
    /// Besides `exp` and `sub`, which always are.
    required: Vec<Box<str>>,
    roles_from: Vec<RoleClaim>,
    max_token_bytes: usize,
}

#[derive(Clone, Debug)]
enum Types {
    /// Absent, `JWT` or `at+jwt`.
    AccessToken,
    /// Exactly this one.
    Only(Box<str>),
}

impl Policy {
    /// Starts a policy with the issuer whose tokens are accepted (`iss`) and the audience they
    /// must be for (`aud`).
    pub fn builder(issuer: impl Into<Box<str>>, audience: impl Into<Box<str>>) -> PolicyBuilder {
        Self::unpinned().issuer(issuer).audience(audience)
    }

    /// A policy that compares neither issuer nor audience yet. [`builder`](Self::builder) adds both
    /// at once; only [`danger`](crate::danger) hands it out without them.
    pub(crate) fn unpinned() -> PolicyBuilder {
        PolicyBuilder(Self {
            issuers: None,
            audiences: None,
            algorithms: None,
            types: Types::AccessToken,
            leeway: Duration::from_secs(60),
            required: Vec::new(),
            roles_from: vec![RoleClaim::KeycloakRealm],
            max_token_bytes: 16 * 1024,
        })
    }

    pub(crate) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    pub(crate) fn roles_from(&self) -> &[RoleClaim] {
        &self.roles_from
    }

    pub(crate) fn required(&self) -> &[Box<str>] {
        &self.required
    }

    /// Every name the caller has given.
    fn names(&self) -> impl Iterator<Item = &str> {
        let typ = match &self.types {
            Types::AccessToken => None,
            Types::Only(typ) => Some(&**typ),
        };
        let compared = [&self.issuers, &self.audiences].into_iter().flatten();
        compared
            .flatten()
            .chain(&self.required)
            .map(AsRef::as_ref)
            .chain(self.roles_from.iter().filter_map(RoleClaim::own_name))
            .chain(typ)
    }

    /// What the header alone decides, before a key is looked for.
    pub(crate) fn check_header(&self, header: &Header) -> Result<(), Rejection> {
        let allowed = self.algorithms.as_ref();
        if allowed.is_some_and(|allowed| !allowed.contains(&header.algorithm)) {
            return Err(Rejection::AlgorithmNotAllowed);
        }
        let typ = header.typ.as_deref();
        let fits = match (&self.types, typ) {
            (Types::AccessToken, None) => true,
            (Types::AccessToken, Some(typ)) => is_access_token_type(typ),
            (Types::Only(_), None) => false,
            (Types::Only(only), Some(typ)) => {
                media_type(typ).eq_ignore_ascii_case(media_type(only))
            }
        };
        if fits {
            Ok(())
        } else {
            Err(Rejection::WrongType)
        }
    }

    /// What the values of the claims decide, after the signature was verified.
    ///
    /// The dates come last: `expired` then says that the token was good in every other way, which
    /// is what a caller refreshes a token on.
    pub(crate) fn check_claims(&self, claims: &Claims, now: UnixTime) -> Result<(), Rejection> {
        let access_token = match &self.types {
            Types::AccessToken => true,
            Types::Only(only) => is_access_token_type(only),
        };
        if access_token && !claims.is_for_access() {
            return Err(Rejection::WrongType);
        }
        if let Some(issuers) = &self.issuers {
            let ours = |issuer: &str| issuers.iter().any(|ours| **ours == *issuer);
            if !claims.issuer().is_some_and(ours) {
                return Err(Rejection::WrongIssuer);
            }
        }
        if let Some(audiences) = &self.audiences {
            let ours = |audience: &str| audiences.iter().any(|ours| **ours == *audience);
            if !claims.audience().any(ours) {
                return Err(Rejection::WrongAudience);
            }
        }
        for begins in [claims.not_before(), claims.issued_at()]
            .into_iter()
            .flatten()
        {
            if begins > now.saturating_add(self.leeway) {
                let by = begins.saturating_since(now).as_secs();
                return Err(Rejection::NotYetValid { by });
            }
        }
        // RFC 7519 §4.1.4: on or after the moment, it is over.
        if claims.expires_at().saturating_add(self.leeway) <= now {
            let by = now.saturating_since(claims.expires_at()).as_secs();
            return Err(Rejection::Expired { by });
        }
        Ok(())
    }
}

/// Whether a header of this type may be that of an access token.
fn is_access_token_type(typ: &str) -> bool {
    let typ = media_type(typ);
    typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
}

/// RFC 7515 §4.1.9: `application/` may be left out.
fn media_type(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    }
}

/// Puts a [`Policy`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// Accepts tokens of this issuer too. Compared byte by byte.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.0.issuers.get_or_insert_default().push(issuer.into());
        self
    }

    /// Accepts tokens for this audience too. Compared byte by byte.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.0
            .audiences
            .get_or_insert_default()
            .push(audience.into());
        self
    }

    /// Accepts only these algorithms. Unless set, what each key allows.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.0.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Accepts only tokens whose header states this type, such as `at+jwt` (RFC 9068). Unless set,
    /// `typ` may be absent, `JWT` or `at+jwt`. Upper and lower case are not told apart, and
    /// `application/` may stand before either.
    ///
    /// Whatever is set: where the type may be that of an access token, the payload may not call
    /// itself an ID, refresh or logout token.
    pub fn token_type(mut self, typ: impl Into<Box<str>>) -> Self {
        self.0.types = Types::Only(typ.into());
        self
    }

    /// Sets the clock skew to forgive, for `exp`, `nbf` and `iat`. 60 seconds unless set; whole
    /// seconds count.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// Requires a claim to be there and not null, besides `exp`, `sub` and those compared.
    pub fn require_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.0.required.push(name.into());
        self
    }

    /// Sets the claims that list roles. The roles of the Keycloak realm unless set.
    pub fn roles_from(mut self, claims: impl IntoIterator<Item = RoleClaim>) -> Self {
        self.0.roles_from = claims.into_iter().collect();
        self
    }

    /// Sets the size of the largest token that is looked at. 16 KiB unless set.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.0.max_token_bytes = bytes;
        self
    }

    /// Finishes the policy.
    ///
    /// # Errors
    ///
    /// If a name is empty, no algorithm is allowed, the leeway is over a day, or the token size is
    /// over 1 MiB.
    pub fn build(mut self) -> Result<Policy, PolicyError> {
        let policy = &mut self.0;
        if policy.names().any(str::is_empty) {
            return Err(PolicyError::EmptyName);
        }
        if policy.algorithms.as_ref().is_some_and(Vec::is_empty) {
            return Err(PolicyError::NoAlgorithm);
        }
        if policy.leeway > MAX_LEEWAY {
            return Err(PolicyError::LeewayTooLong);
        }
        if policy.max_token_bytes > MAX_TOKEN_BYTES {
            return Err(PolicyError::TokenTooLarge);
        }
        // What is compared is required: missing is never the same as passing.
        for (compared, claim) in [(&policy.issuers, "iss"), (&policy.audiences, "aud")] {
            if compared.is_some() {
                policy.required.push(claim.into());
            }
        }
        Ok(self.0)
    }
}

/// Why a policy cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An issuer, an audience, a claim, a client or a type has no name.
    #[error("an issuer, audience, claim, client or type name is empty; leave it out or name it")]
    EmptyName,

    /// The list of algorithms is empty, so that no token could ever be accepted.
    #[error("no algorithm is allowed; name at least one, or none at all to follow the keys")]
    NoAlgorithm,

    /// A leeway of more than a day keeps expired tokens alive.
    #[error("the leeway is over a day; seconds to minutes are usual")]
    LeewayTooLong,

    /// Tokens are looked at before they are trusted, so their size is bounded.
    #[error("the largest token is over 1 MiB; the default is 16 KiB")]
    TokenTooLarge,
}

const MAX_LEEWAY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_TOKEN_BYTES: usize = 1024 * 1024;
