use std::sync::Arc;

use auth_core::identity::{Evidence, vouch};
use auth_core::{
    AuthenticationError, Authenticator, Authorizer, BoxFuture, Clock, Decision, Identity,
    Permission, Principal, Role, Secret, SystemClock, UnixTime,
};
use zeroize::Zeroizing;

use crate::claims::{Claims, Remembered};
use crate::compact::Compact;
use crate::hooks::{Failure, Reason, Success, TokenUse, ValidationHooks, tell};
use crate::jws;
use crate::key_source::KeySource;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::seen_headers::SeenHeaders;
use crate::token_cache::TokenCache;

/// Checks tokens against a [`Policy`], with the keys of a [`KeySource`].
///
/// Cheap to clone. Also an [`Authenticator`] and an [`Authorizer`]: as the latter it knows the
/// roles and scopes the token itself carried, and nothing else.
///
/// It does not know what was revoked. A [`TokenPolicy`](crate::session::TokenPolicy) does; where
/// there is one, hand that to whoever authenticates, and not the verifier it was made of.
///
/// # Example: keys that are known beforehand
///
/// ```
/// use auth_jwt::{KeySet, Policy, Rejection, StaticKeys, Verifier};
///
/// let policy = Policy::builder("https://issuer.test", "my-api").build()?;
/// let keys = KeySet::from_jwks(br#"{"keys":[]}"#)?;
/// let verifier = Verifier::new(policy, StaticKeys::new(keys));
///
/// let rejection = verifier.verify_with_known_keys("no token").unwrap_err();
/// assert_eq!(rejection.code(), "malformed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    issuers: Arc<[TrustedIssuer]>,
    clock: Arc<dyn Clock>,
    seen_headers: Arc<SeenHeaders>,
    cache: Option<Arc<TokenCache>>,
    hooks: Option<Arc<dyn ValidationHooks>>,
}

/// A policy, and the keys of those it trusts.
#[derive(Clone, Debug)]
struct TrustedIssuer {
    policy: Arc<Policy>,
    keys: Arc<dyn KeySource>,
}

impl TrustedIssuer {
    fn new(policy: Policy, keys: impl KeySource + 'static) -> Self {
        Self {
            policy: Arc::new(policy),
            keys: Arc::new(keys),
        }
    }
}

impl Verifier {
    /// Takes the policy and the keys; the time is the machine's.
    pub fn new(policy: Policy, keys: impl KeySource + 'static) -> Self {
        Self {
            issuers: [TrustedIssuer::new(policy, keys)].into(),
            clock: Arc::new(SystemClock),
            seen_headers: Arc::default(),
            cache: None,
            hooks: None,
        }
    }

    /// Trusts the issuers of another policy too. Its tokens are verified with its keys alone and
    /// judged by its rules alone.
    ///
    /// Whose a token is, is what its `iss` says; with several policies it is read before the
    /// signature is checked, to find the keys to check it with, and for nothing else.
    ///
    /// Roles and scopes keep their names: an `admin` of either issuer is an `admin`. Where that is not
    /// meant, give the policies different [`roles_from`](crate::PolicyBuilder::roles_from), or ask for
    /// the issuer too.
    ///
    /// # Errors
    ///
    /// If one of the policies names no issuer, or two of them name the same one.
    ///
    /// # Example: the employees' and the customers' issuer
    ///
    /// ```
    /// # use auth_jwt::{KeySet, StaticKeys};
    /// use auth_jwt::{Policy, Verifier};
    ///
    /// # let keys = || StaticKeys::new(KeySet::from_jwks(br#"{"keys":[]}"#).unwrap());
    /// # let (employees_keys, customers_keys) = (keys(), keys());
    /// let employees = Policy::builder("https://employees.test", "my-api").build()?;
    /// let customers = Policy::builder("https://customers.test", "my-api").build()?;
    /// let verifier = Verifier::new(employees, employees_keys)
    ///     .with_issuer(customers, customers_keys)?;
    /// # let _ = verifier;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_issuer(
        mut self,
        policy: Policy,
        keys: impl KeySource + 'static,
    ) -> Result<Self, VerifierError> {
        let added = policy.issuers().ok_or(VerifierError::NoIssuer)?;
        for trusted in self.issuers.iter() {
            let known = trusted.policy.issuers().ok_or(VerifierError::NoIssuer)?;
            if known.iter().any(|known| added.contains(known)) {
                return Err(VerifierError::SameIssuer);
            }
        }
        let all = self.issuers.iter().cloned();
        self.issuers = all.chain([TrustedIssuer::new(policy, keys)]).collect();
        Ok(self.with_cache_of_its_own())
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Remembers the tokens it has accepted. Without a cache, each token is verified each time.
    #[must_use]
    pub fn with_token_cache(mut self, cache: TokenCache) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Tells somebody about each verdict.
    #[must_use]
    pub fn with_hooks(mut self, hooks: impl ValidationHooks + 'static) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// Verifies a token. If it names a key that is not known, newer keys are asked for once.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]; only [`Rejection::is_undetermined`] leaves open whether the token is good.
    pub async fn verify(&self, token: &str) -> Result<Claims, Rejection> {
        let verdict = self.verify_untold(token).await;
        self.tell(TokenUse::Access, &verdict);
        verdict
    }

    /// Verifies a token with the keys at hand, without waiting and without asking for newer ones.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]. A key that exists but has not been fetched yet is
    /// [`Rejection::UnknownKey`] here.
    pub fn verify_with_known_keys(&self, token: &str) -> Result<Claims, Rejection> {
        let now = self.now();
        let verdict = match self.recognise(token, now) {
            Some(claims) => Ok(claims),
            None => self
                .screen(token)
                .and_then(|mut screened| self.judge(token, &mut screened, now)),
        };
        self.tell(TokenUse::Access, &verdict);
        verdict
    }

    /// [`verify`](Self::verify), and the hooks are not told yet.
    pub(crate) async fn verify_untold(&self, token: &str) -> Result<Claims, Rejection> {
        let now = self.now();
        if let Some(claims) = self.recognise(token, now) {
            return Ok(claims);
        }
        let mut screened = self.screen(token)?;
        match self.judge(token, &mut screened, now) {
            Err(Rejection::UnknownKey) => {
                let kid = screened.compact.header().kid();
                let refreshed = self.issuers[screened.issuer].keys.refresh(kid).await;
                refreshed.map_err(Rejection::KeysUnavailable)?;
                self.judge(token, &mut screened, self.now())
            }
            verdict => verdict,
        }
    }

    /// The issuer its one policy names, if it names one.
    pub(crate) fn only_issuer(&self) -> Option<&str> {
        let [trusted] = &*self.issuers else {
            return None;
        };
        trusted.policy.issuers()?.first().map(|issuer| &**issuer)
    }

    pub(crate) fn check_is_for_refresh(&self) -> Result<(), VerifierError> {
        let names = self.issuers.iter().filter_map(|it| it.policy.issuers());
        if self.issuers.len() > 1 || names.flatten().count() > 1 {
            return Err(VerifierError::SeveralIssuers);
        }
        if !self.issuers.iter().all(|it| it.policy.refuses_access()) {
            return Err(VerifierError::NotForRefresh);
        }
        Ok(())
    }

    /// Whether it judges m8's refresh tokens.
    pub(crate) fn is_of_m8(&self) -> bool {
        self.issuers.iter().any(|it| it.policy.is_of_m8_refresh())
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.unix_now()
    }

    /// Tells the hooks.
    pub(crate) fn tell(&self, token_use: TokenUse, verdict: &Result<Claims, Rejection>) {
        if self.hooks.is_none() {
            return;
        }
        match verdict {
            Ok(claims) => self.tell_success(token_use, claims.token_id(), claims.subject()),
            Err(rejection) => self.tell_failure(token_use, Reason::from(rejection), rejection),
        }
    }

    pub(crate) fn tell_success(&self, token_use: TokenUse, token_id: Option<&str>, subject: &str) {
        if let Some(hooks) = &self.hooks {
            tell(|| {
                hooks.on_success(&Success {
                    token_id,
                    subject,
                    token_use,
                });
            });
        }
    }

    pub(crate) fn tell_failure(&self, token_use: TokenUse, reason: Reason, rejection: &Rejection) {
        if let Some(hooks) = &self.hooks {
            tell(|| {
                hooks.on_failure(&Failure {
                    reason,
                    rejection,
                    token_use,
                });
            });
        }
    }

    /// An empty cache instead of the one it shares with those it was cloned from.
    pub(crate) fn with_cache_of_its_own(mut self) -> Self {
        self.cache = self.cache.map(|cache| Arc::new(cache.emptied()));
        self
    }

    /// The claims of a token that was verified before, at a time its policy accepts it, and with the
    /// keys that are valid now.
    #[inline]
    fn recognise(&self, token: &str, now: UnixTime) -> Option<Claims> {
        self.cache.as_ref()?.get(token, |accepted, remembered| {
            let (from, until) = accepted.valid;
            let same_keys = |issuer: &TrustedIssuer| issuer.keys.epoch() == remembered.epoch;
            from <= now && now < until && self.issuers.get(remembered.issuer).is_some_and(same_keys)
        })
    }

    /// What can be said before a key is looked for.
    fn screen<'t>(&'t self, token: &'t str) -> Result<Screened<'t>, Rejection> {
        let limits = self.issuers.iter().map(|it| it.policy.max_token_bytes());
        let mut compact =
            Compact::parse(token, limits.max().unwrap_or_default(), &self.seen_headers)?;
        let issuer = self.issuer_of(&mut compact)?;
        let policy = &self.issuers[issuer].policy;
        let limit = policy.max_token_bytes();
        if token.len() > limit {
            return Err(Rejection::TooLarge { limit });
        }
        policy.check_header(compact.header())?;
        Ok(Screened { compact, issuer })
    }

    /// Which of the issuers the token says it is from. Where there is one, the payload is not
    /// looked at before the signature.
    fn issuer_of(&self, compact: &mut Compact<'_>) -> Result<usize, Rejection> {
        if self.issuers.len() == 1 {
            return Ok(0);
        }
        let claims = compact.unverified_claims()?;
        let issuer = match claims.get("iss") {
            Some(issuer) => issuer
                .as_text()
                .ok_or_else(|| Rejection::bad_claim("iss"))?,
            None => return Err(Rejection::missing_claim("iss")),
        };
        let names = |trusted: &TrustedIssuer| {
            let mut names = trusted.policy.issuers().into_iter().flatten();
            names.any(|name| **name == *issuer)
        };
        let named = self.issuers.iter().position(names);
        named.ok_or(Rejection::WrongIssuer)
    }

    /// The signature first: nothing in the payload decides before it is known whose it is.
    fn judge(
        &self,
        token: &str,
        screened: &mut Screened<'_>,
        now: UnixTime,
    ) -> Result<Claims, Rejection> {
        let TrustedIssuer { policy, keys } = &self.issuers[screened.issuer];
        let keys = keys.snapshot();
        jws::check_signature(&screened.compact, &keys)?;
        let mut accepted = policy.reading().read(screened.compact.claims()?)?;
        if self.cache.is_some() {
            accepted.remembered = Some(Remembered {
                token: Zeroizing::new(token.into()),
                issuer: screened.issuer,
                epoch: keys.epoch(),
            });
        }
        let claims = policy.check_claims(accepted, now)?;
        if let Some((text, header)) = screened.compact.new_header() {
            self.seen_headers.add(text, header);
        }
        if let Some(cache) = &self.cache {
            cache.insert(token, claims.clone());
        }
        Ok(claims)
    }
}

/// A token in good form, and which of the issuers is to judge it.
struct Screened<'t> {
    compact: Compact<'t>,
    issuer: usize,
}

/// Why a verifier cannot be put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// With several policies, a token finds its own by the issuer.
    #[error("a policy names no issuer; each of several policies has to name its own")]
    NoIssuer,

    /// Two policies would disagree about one token.
    #[error("two policies name the same issuer")]
    SameIssuer,

    /// A policy for refresh tokens has to refuse access tokens.
    #[error("the policy accepts access tokens; use m8::refresh or name a token_type of its own")]
    NotForRefresh,

    /// Refresh tokens of two issuers may have one identifier.
    #[error("a refresh token policy has one issuer; make one for each")]
    SeveralIssuers,
}

impl Authenticator for Verifier {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Identity, AuthenticationError>> {
        Box::pin(async move {
            let claims = self.verify(token.expose()).await.map_err(into_error)?;
            Ok(identity(&claims, token))
        })
    }
}

/// Answers from the token itself: its roles (from the claims the policy names), and its scopes as
/// permissions.
impl Authorizer for Verifier {
    fn has_role<'a>(&'a self, identity: &'a Identity, role: &'a Role) -> BoxFuture<'a, Decision> {
        let granted = identity.roles().contains(role);
        Box::pin(std::future::ready(granted.into()))
    }

    fn has_permission<'a>(
        &'a self,
        identity: &'a Identity,
        permission: &'a Permission,
    ) -> BoxFuture<'a, Decision> {
        let granted = identity.permissions().contains(permission);
        Box::pin(std::future::ready(granted.into()))
    }
}

pub(crate) fn into_error(rejection: Rejection) -> AuthenticationError {
    let (code, message) = (rejection.code(), rejection.to_string());
    if rejection.is_undetermined() {
        AuthenticationError::unavailable(code, message)
    } else {
        AuthenticationError::rejected(code, message)
    }
}

/// The identity that accepted claims prove; made once for a token that is remembered.
pub(crate) fn identity(claims: &Claims, bearer: &Secret) -> Identity {
    let proven = || vouch(evidence(claims, bearer.clone()));
    claims.0.identity.get_or_init(proven).clone()
}

/// The claims can only come from [`Verifier::verify`].
fn evidence(claims: &Claims, bearer: Secret) -> Evidence {
    let mut principal = Principal::builder(claims.subject());
    if let Some(issuer) = claims.issuer() {
        principal = principal.issuer(issuer);
    }
    if let Some(username) = claims.username() {
        principal = principal.username(username);
    }
    if let Some(email) = claims.email() {
        principal = principal.email(email);
    }
    if let Some(session_id) = claims.session_id() {
        principal = principal.session_id(session_id);
    }
    if let Some(client_id) = claims.client_id() {
        principal = principal.client_id(client_id);
    }
    Evidence::new(principal.build(), bearer)
        .expires_at(claims.expires_at())
        .roles(claims.roles().map(Role::from))
        .permissions(claims.scopes().map(Permission::from))
        .claims(claims.as_json())
}
