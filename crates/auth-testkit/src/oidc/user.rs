use auth_core::{Permission, Role, Secret};
use uuid::Uuid;

/// A user the issuer knows from the start.
///
/// # Example
///
/// ```
/// use auth_testkit::User;
///
/// let ada = User::new("ada", "correct horse").role("admin").email("ada@example.com");
/// assert_eq!(ada.username(), "ada");
/// ```
#[derive(Clone, Debug)]
pub struct User {
    username: Box<str>,
    password: Secret,
    subject: Box<str>,
    email: Option<Box<str>>,
    roles: Vec<Role>,
    permissions: Vec<Permission>,
}

impl User {
    /// A user without roles. The subject is random.
    pub fn new(username: impl Into<Box<str>>, password: impl Into<Secret>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            subject: Uuid::new_v4().to_string().into(),
            email: None,
            roles: Vec::new(),
            permissions: Vec::new(),
        }
    }

    /// Gives the user a role of the realm.
    #[must_use]
    pub fn role(mut self, role: impl Into<Role>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Gives the user a permission, which a controller tells and a token does not.
    #[must_use]
    pub fn permission(mut self, permission: impl Into<Permission>) -> Self {
        self.permissions.push(permission.into());
        self
    }

    /// Gives the user a mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<Box<str>>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the subject instead of a random one.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<Box<str>>) -> Self {
        self.subject = subject.into();
        self
    }

    /// The name the user logs in with.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The subject of the user's tokens.
    pub fn subject_id(&self) -> &str {
        &self.subject
    }

    /// The roles of the realm.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The permissions.
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    pub(crate) fn email_address(&self) -> Option<&str> {
        self.email.as_deref()
    }

    pub(super) fn has_password(&self, password: &Secret) -> bool {
        self.password == *password
    }
}
