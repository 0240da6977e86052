use std::fmt;
use std::time::Duration;

use auth_core::Secret;
use auth_core::config::{ConfigError, Env, Reader, Variable};
use auth_http::{BuildError, HttpClient, ProxySettings};

/// Where the controller is, and who we are to it.
///
/// `Debug` shows no secret.
///
/// # Example: from the environment
///
/// ```
/// use auth_core::config::Env;
/// use auth_miso::MisoSettings;
///
/// let env = Env::from_pairs([
///     ("MISO_CLIENTID", "miso-controller-dev-orders"),
///     ("MISO_CLIENTSECRET", "s3cret"),
///     ("MISO_CONTROLLER_URL", "https://controller.example"),
/// ]);
/// let settings = MisoSettings::from_env(&env)?;
/// assert_eq!(settings.environment(), Some("dev"));
/// assert_eq!(settings.application(), "orders");
///
/// let error = MisoSettings::from_env(&Env::from_pairs([("MISO_CLIENTID", "a")])).unwrap_err();
/// let missing: Vec<_> = error.problems().iter().map(|it| it.variable()).collect();
/// assert_eq!(missing, ["MISO_CLIENTSECRET", "MISO_CONTROLLER_URL"]);
/// # Ok::<(), auth_core::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MisoSettings {
    controller_url: Box<str>,
    client_id: Box<str>,
    client_secret: Secret,
    client_token_path: Box<str>,
    plain_http_hosts: Vec<Box<str>>,
    proxy: ProxySettings,
    deadline: Duration,
    validation_ttl: Duration,
}

impl MisoSettings {
    /// Takes the base URL of the controller, the client id and the client secret.
    pub fn new(
        controller_url: impl Into<Box<str>>,
        client_id: impl Into<Box<str>>,
        client_secret: Secret,
    ) -> Self {
        Self {
            controller_url: controller_url.into(),
            client_id: client_id.into(),
            client_secret,
            client_token_path: "/api/v1/auth/token".into(),
            plain_http_hosts: Vec::new(),
            proxy: ProxySettings::none(),
            deadline: Duration::from_secs(30),
            validation_ttl: Duration::from_secs(120),
        }
    }

    /// Reads the variables of the contract (miso §8.1), and those of [`ProxySettings`].
    /// `MISO_CONTROLLER_URL` is required: client secret and user tokens go to no host that was not
    /// named.
    ///
    /// # Errors
    ///
    /// Every variable that is missing or wrong, at once.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut reader = env.reader();
        let settings = Self::read(&mut reader);
        reader.finish(|| settings)
    }

    /// The same with a reader of the caller's, who has other settings to read too.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let client_id = reader.required_text(&CLIENT_ID);
        let client_secret = reader.required_secret(&CLIENT_SECRET);
        let controller_url = reader.required_text(&CONTROLLER_URL);
        let token_path = reader.parse_with(&CLIENT_TOKEN_URI, |text| {
            // Only a path: the client secret goes to the controller and nowhere else
            // (contract miso §13 A4).
            let path = text.trim();
            let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
            let is_path = path.starts_with('/') && !path.starts_with("//");
            (is_path && plain && !path.contains(['?', '#', '{'])).then(|| path.to_owned())
        });
        let plain_http_hosts = reader.list(&ALLOW_PLAIN_HTTP);
        let proxy = ProxySettings::read(reader);
        if let Some(controller_url) = &controller_url {
            let allowed = plain_http_hosts.iter();
            let http = allowed.fold(HttpClient::builder(controller_url), |http, host| {
                http.allow_plain_http(host)
            });
            match http.build() {
                Err(BuildError::PlainHttp { .. }) => reader.reject(&CONTROLLER_URL, PLAIN_HTTP),
                Err(BuildError::BaseUrl { .. }) => {
                    reader.reject(&CONTROLLER_URL, "is not a usable URL");
                }
                // Other faults do not come from a variable; building the client reports them.
                Ok(_) | Err(_) => {}
            }
        }
        let unsendable = |text: &str| text.chars().any(char::is_control);
        if client_id.as_deref().is_some_and(unsendable) {
            reader.reject(&CLIENT_ID, "has control characters");
        }
        if client_secret
            .as_ref()
            .is_some_and(|secret| unsendable(secret.expose()))
        {
            reader.reject(&CLIENT_SECRET, "has control characters");
        }
        let mut settings = Self::new(controller_url?, client_id?, client_secret?).proxy(proxy);
        if let Some(path) = token_path {
            settings = settings.client_token_path(path);
        }
        for host in plain_http_hosts {
            settings = settings.allow_plain_http(host);
        }
        Some(settings)
    }

    /// Sets the path client tokens are minted at; `/api/v1/auth/token` unless set.
    #[must_use]
    pub fn client_token_path(mut self, path: impl Into<Box<str>>) -> Self {
        self.client_token_path = path.into();
        self
    }

    /// Allows plain `http` to this host, besides loopback.
    #[must_use]
    pub fn allow_plain_http(mut self, host: impl Into<Box<str>>) -> Self {
        self.plain_http_hosts.push(host.into());
        self
    }

    /// Says whether the controller is called through a proxy; it is not unless set.
    #[must_use]
    pub fn proxy(mut self, proxy: ProxySettings) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets how long a call may take in all; 30 seconds unless set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long the controller's "yes" to a token is remembered; two minutes unless set, and
    /// never beyond the token's own end.
    #[must_use]
    pub fn validation_ttl(mut self, ttl: Duration) -> Self {
        self.validation_ttl = ttl;
        self
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The environment, as far as the client id tells it: `miso-controller-{environment}-{app}`.
    pub fn environment(&self) -> Option<&str> {
        self.parts().map(|(environment, _)| environment)
    }

    /// The application, as far as the client id tells it; otherwise the client id.
    pub fn application(&self) -> &str {
        self.parts()
            .map_or(&self.client_id, |(_, application)| application)
    }

    pub(crate) fn controller_url(&self) -> &str {
        &self.controller_url
    }

    pub(crate) fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// The path client tokens are minted at.
    pub fn token_path(&self) -> &str {
        &self.client_token_path
    }

    pub(crate) fn plain_http_hosts(&self) -> impl Iterator<Item = &str> {
        self.plain_http_hosts.iter().map(AsRef::as_ref)
    }

    pub(crate) fn way(&self) -> &ProxySettings {
        &self.proxy
    }

    pub(crate) fn total_deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn remembered_for(&self) -> Duration {
        self.validation_ttl
    }

    fn parts(&self) -> Option<(&str, &str)> {
        let (environment, application) = self
            .client_id
            .strip_prefix("miso-controller-")?
            .split_once('-')?;
        (!environment.is_empty() && !application.is_empty()).then_some((environment, application))
    }
}

impl fmt::Debug for MisoSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is left out: nothing keeps a person from writing a password into it.
        f.debug_struct("MisoSettings")
            .field("client_id", &self.client_id)
            .field("deadline", &self.deadline)
            .field("validation_ttl", &self.validation_ttl)
            .finish_non_exhaustive()
    }
}

const CLIENT_ID: Variable =
    Variable::new("MISO_CLIENTID", "the client id of this application").alias("MISO_CLIENT_ID");
const CLIENT_SECRET: Variable =
    Variable::new("MISO_CLIENTSECRET", "the client secret of this application")
        .alias("MISO_CLIENT_SECRET");
const CONTROLLER_URL: Variable =
    Variable::new("MISO_CONTROLLER_URL", "the base URL of the controller");
const CLIENT_TOKEN_URI: Variable = Variable::new(
    "MISO_CLIENT_TOKEN_URI",
    "the path client tokens are minted at, beginning with a slash",
);
const ALLOW_PLAIN_HTTP: Variable = Variable::new(
    "MISO_ALLOW_PLAIN_HTTP",
    "a list of host names that may be called without TLS",
);

const PLAIN_HTTP: &str = "is plain http to a host that is not this machine, and MISO_ALLOW_PLAIN_HTTP \
    does not name it";
