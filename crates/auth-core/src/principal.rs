/// Who was authenticated: the subject a token or a service named, and what it said of them.
///
/// A principal is a description, not a proof: anybody can build one. The proof is
/// [`Identity`](crate::Identity).
///
/// # Example: what an issuer says of a user
///
/// ```
/// use auth_core::Principal;
///
/// let ada = Principal::builder("3f0c…")
///     .issuer("https://issuer.test")
///     .username("ada")
///     .build();
/// assert_eq!(ada.subject(), "3f0c…");
/// assert_eq!(ada.name(), "ada");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    subject: Box<str>,
    issuer: Option<Box<str>>,
    username: Option<Box<str>>,
    email: Option<Box<str>>,
    session_id: Option<Box<str>>,
    client_id: Option<Box<str>>,
}

impl Principal {
    /// Starts a principal with its subject: the identifier that is unique within the issuer.
    pub fn builder(subject: impl Into<Box<str>>) -> PrincipalBuilder {
        PrincipalBuilder(Self {
            subject: subject.into(),
            issuer: None,
            username: None,
            email: None,
            session_id: None,
            client_id: None,
        })
    }

    /// The identifier that is unique within the issuer (`sub`).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who named the subject (`iss`).
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The name the user logs in with. It may change hands; decide by [`subject`](Self::subject).
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The mail address, as far as the issuer told it.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The session at the issuer (`sid`).
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The client the token was issued to (`azp` or `client_id`).
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// A name to show: the username if there is one, otherwise the subject.
    pub fn name(&self) -> &str {
        self.username().unwrap_or(&self.subject)
    }
}

/// Puts a [`Principal`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct PrincipalBuilder(Principal);

impl PrincipalBuilder {
    /// Sets who named the subject.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.0.issuer = Some(issuer.into());
        self
    }

    /// Sets the name the user logs in with.
    pub fn username(mut self, username: impl Into<Box<str>>) -> Self {
        self.0.username = Some(username.into());
        self
    }

    /// Sets the mail address.
    pub fn email(mut self, email: impl Into<Box<str>>) -> Self {
        self.0.email = Some(email.into());
        self
    }

    /// Sets the session at the issuer.
    pub fn session_id(mut self, session_id: impl Into<Box<str>>) -> Self {
        self.0.session_id = Some(session_id.into());
        self
    }

    /// Sets the client the token was issued to.
    pub fn client_id(mut self, client_id: impl Into<Box<str>>) -> Self {
        self.0.client_id = Some(client_id.into());
        self
    }

    /// Finishes the principal.
    pub fn build(self) -> Principal {
        self.0
    }
}
