use std::time::Duration;

use auth_core::UnixTime;

use crate::algorithm::Algorithm;
use crate::claims::{Accepted, Claims, Reading, Times};
use crate::header::Header;
use crate::profile::Profile;
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
    /// Compared, though a token without them has another fault than a missing claim.
    compared: Vec<&'static str>,
    roles_from: Vec<RoleClaim>,
    authentication: Authentication,
    profile: Profile,
    max_token_bytes: usize,
}

/// How the user must have been authenticated.
#[derive(Clone, Debug, Default)]
struct Authentication {
    /// One of these, unless there are none.
    classes: Vec<Box<str>>,
    /// All of these.
    methods: Vec<Box<str>>,
    max_age: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Types {
    /// Absent, `JWT` or `at+jwt`.
    AccessToken,
    /// Exactly this one.
    Only(Box<str>),
}

impl Policy {
    /// Starts a policy for the access tokens of a Keycloak realm: those for the client, with the
    /// roles of the realm and of the client.
    ///
    /// Keycloak names a client as the audience of a token only where a mapper says so; without one
    /// there is no telling for whom the token is, and it is refused.
    pub fn keycloak(issuer: impl Into<Box<str>>, client: impl Into<Box<str>>) -> PolicyBuilder {
        let client = client.into();
        Self::builder(issuer, client.clone())
            .roles_from([RoleClaim::KeycloakRealm, RoleClaim::KeycloakClient(client)])
    }

    /// Starts a policy for access tokens as RFC 9068 has them: `typ` is `at+jwt`, and `client_id`,
    /// `iat` and `jti` are there (§2.2). Roles are taken from `roles` (§2.2.3.1).
    pub fn rfc9068(issuer: impl Into<Box<str>>, audience: impl Into<Box<str>>) -> PolicyBuilder {
        let policy = Self::builder(issuer, audience)
            .token_type("at+jwt")
            .roles_from([RoleClaim::List("roles".into())]);
        ["client_id", "iat", "jti"]
            .into_iter()
            .fold(policy, PolicyBuilder::require_claim)
    }

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
            compared: Vec::new(),
            roles_from: vec![RoleClaim::KeycloakRealm],
            authentication: Authentication::default(),
            profile: Profile::Plain,
            max_token_bytes: 16 * 1024,
        })
    }

    pub(crate) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    /// The issuers whose tokens are accepted, if they are compared.
    pub(crate) fn issuers(&self) -> Option<&[Box<str>]> {
        self.issuers.as_deref()
    }

    /// Whether no access token can pass, by its type alone.
    pub(crate) fn refuses_access(&self) -> bool {
        match &self.types {
            Types::AccessToken => self.profile.is_refresh(),
            Types::Only(only) => !is_access_token_type(only),
        }
    }

    pub(crate) fn is_of_m8_refresh(&self) -> bool {
        self.profile.is_refresh()
    }

    /// How the payload is to be read.
    pub(crate) fn reading(&self) -> Reading<'_> {
        Reading {
            roles_from: &self.roles_from,
            required: &self.required,
            compared: &self.compared,
            profile: self.profile,
        }
    }

    /// Every name the caller has given.
    fn names(&self) -> impl Iterator<Item = &str> {
        let typ = match &self.types {
            Types::AccessToken => None,
            Types::Only(typ) => Some(media_type(typ)),
        };
        let compared = [&self.issuers, &self.audiences].into_iter().flatten();
        compared
            .flatten()
            .chain(&self.required)
            .chain(&self.authentication.classes)
            .chain(&self.authentication.methods)
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
        let typ = header.typ();
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
    pub(crate) fn check_claims(
        &self,
        mut accepted: Accepted,
        now: UnixTime,
    ) -> Result<Claims, Rejection> {
        accepted.valid = self.validity(&accepted.times);
        let claims = Claims::from(accepted);
        self.check_values(&claims)?;
        self.check_times(&claims.0.times, now)?;
        Ok(claims)
    }

    fn check_values(&self, claims: &Claims) -> Result<(), Rejection> {
        let access_token = match &self.types {
            Types::AccessToken => !self.profile.is_refresh(),
            Types::Only(only) => is_access_token_type(only),
        };
        if access_token && !claims.0.for_access {
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
        self.profile.check(claims, self.audiences.is_some())?;
        self.authentication.check(claims)
    }

    fn check_times(&self, times: &Times, now: UnixTime) -> Result<(), Rejection> {
        let Some(begins) = times.begins() else {
            return self.check_end(times, now);
        };
        if begins > now.saturating_add(self.leeway) {
            let by = begins.saturating_since(now).as_secs();
            return Err(Rejection::NotYetValid { by });
        }
        self.check_end(times, now)
    }

    fn check_end(&self, times: &Times, now: UnixTime) -> Result<(), Rejection> {
        // RFC 7519 §4.1.4: on or after the moment, it is over.
        if times.expires_at.saturating_add(self.leeway) <= now {
            let by = now.saturating_since(times.expires_at).as_secs();
            return Err(Rejection::Expired { by });
        }
        if self
            .authentication_ends(times)
            .is_some_and(|end| end <= now)
        {
            return Err(insufficient("auth_time"));
        }
        Ok(())
    }

    /// When [`check_times`](Self::check_times) passes: from the first moment on, and before the
    /// second.
    fn validity(&self, times: &Times) -> (UnixTime, UnixTime) {
        let begins = times.begins();
        let from = begins.map_or(i64::MIN, |begins| {
            let leeway = i64::try_from(self.leeway.as_secs()).unwrap_or(i64::MAX);
            begins.as_secs().saturating_sub(leeway)
        });
        let expires_at = times.expires_at.saturating_add(self.leeway);
        let ends = self.authentication_ends(times);
        let until = ends.map_or(expires_at, |ends| ends.min(expires_at));
        (UnixTime::from_secs(from), until)
    }

    /// The first moment at which the authentication is too long ago.
    fn authentication_ends(&self, times: &Times) -> Option<UnixTime> {
        let (max_age, at) = (self.authentication.max_age?, times.authenticated_at?);
        let just_over = max_age + self.leeway + Duration::from_secs(1);
        Some(at.saturating_add(just_over))
    }
}

impl Authentication {
    fn check(&self, claims: &Claims) -> Result<(), Rejection> {
        let class = claims.authentication_class();
        let fits = |class: &str| self.classes.iter().any(|wanted| **wanted == *class);
        if !self.classes.is_empty() && !class.is_some_and(fits) {
            return Err(insufficient("acr"));
        }
        let used = |method: &str| claims.authentication_methods().any(|used| used == method);
        if !self.methods.iter().all(|method| used(method)) {
            return Err(insufficient("amr"));
        }
        // Not to know when is the same as too long ago.
        if self.max_age.is_some() && claims.authenticated_at().is_none() {
            return Err(insufficient("auth_time"));
        }
        Ok(())
    }
}

fn insufficient(claim: &str) -> Rejection {
    Rejection::InsufficientAuthentication {
        claim: claim.into(),
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
    ///
    /// A claim this crate reads must then be of its type too. Unless required or compared, one that
    /// only describes (`amr`, `acr`, `auth_time`, `email`, `sid`, `azp`, `client_id`,
    /// `preferred_username`, `scope`, and those of the roles) counts as absent if it is not.
    pub fn require_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.0.required.push(name.into());
        self
    }

    /// Sets the claims that list roles. The roles of the Keycloak realm unless set.
    pub fn roles_from(mut self, claims: impl IntoIterator<Item = RoleClaim>) -> Self {
        self.0.roles_from = claims.into_iter().collect();
        self
    }

    /// Accepts only tokens of this class of authentication (`acr`), or of another one that is named
    /// here too. Unless set, the claim is not compared.
    pub fn authentication_class(mut self, class: impl Into<Box<str>>) -> Self {
        self.0.authentication.classes.push(class.into());
        self
    }

    /// Accepts only tokens of users who were authenticated with this method (`amr`), such as `mfa`
    /// or `otp` (RFC 8176), and with every other one that is named here. Unless set, the claim is
    /// not compared.
    pub fn authentication_method(mut self, method: impl Into<Box<str>>) -> Self {
        self.0.authentication.methods.push(method.into());
        self
    }

    /// Accepts only tokens of users who were authenticated at most so long ago (`auth_time`, leeway
    /// added). Unless set, the claim may be missing; whatever is set, it may not lie in the future.
    pub fn max_authentication_age(mut self, age: Duration) -> Self {
        self.0.authentication.max_age = Some(age);
        self
    }

    pub(crate) fn profile(mut self, profile: Profile) -> Self {
        self.0.profile = profile;
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
    /// If a name is empty or blank, no algorithm or no token is allowed, the leeway is over a day, the age of an
    /// authentication over ten years, or the token size over 1 MiB.
    pub fn build(mut self) -> Result<Policy, PolicyError> {
        let policy = &mut self.0;
        if policy.names().any(|name| name.trim().is_empty()) {
            return Err(PolicyError::EmptyName);
        }
        if policy.algorithms.as_ref().is_some_and(Vec::is_empty) {
            return Err(PolicyError::NoAlgorithm);
        }
        if policy.leeway > MAX_LEEWAY {
            return Err(PolicyError::LeewayTooLong);
        }
        let max_age = policy.authentication.max_age;
        if max_age.is_some_and(|age| age > MAX_AUTHENTICATION_AGE) {
            return Err(PolicyError::AuthenticationTooOld);
        }
        if policy.max_token_bytes == 0 {
            return Err(PolicyError::NoToken);
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
        let Authentication {
            classes,
            methods,
            max_age,
        } = &policy.authentication;
        policy.compared = [
            ("acr", !classes.is_empty()),
            ("amr", !methods.is_empty()),
            ("auth_time", max_age.is_some()),
        ]
        .into_iter()
        .filter_map(|(claim, compared)| compared.then_some(claim))
        .collect();
        Ok(self.0)
    }
}

/// Why a policy cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An issuer, an audience, a claim, a client or a type has no name.
    #[error(
        "the name of an issuer, audience, claim, client, type, or of a class or method of \
         authentication is empty; leave it out or name it"
    )]
    EmptyName,

    /// The list of algorithms is empty, so that no token could ever be accepted.
    #[error(
        "no algorithm is allowed; name at least one, or do not call `algorithms` at all, and the keys decide"
    )]
    NoAlgorithm,

    /// A leeway of more than a day keeps expired tokens alive.
    #[error("the leeway is over a day; seconds to minutes are usual")]
    LeewayTooLong,

    /// An authentication of over ten years ago does not show that anybody is there now.
    #[error("the longest age of an authentication is over ten years; minutes to days are usual")]
    AuthenticationTooOld,

    /// No token has no bytes.
    #[error("the largest token is of zero bytes; the default is 16 KiB")]
    NoToken,

    /// Tokens are looked at before they are trusted, so their size is bounded.
    #[error("the largest token is over 1 MiB; the default is 16 KiB")]
    TokenTooLarge,
}

/// The longest leeway a policy may have.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_AUTHENTICATION_AGE: Duration = Duration::from_secs(3660 * 24 * 60 * 60);
const MAX_TOKEN_BYTES: usize = 1024 * 1024;
