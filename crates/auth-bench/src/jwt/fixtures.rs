//! Keys and tokens: somebody else's, if a folder with them is named, and otherwise made here.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, VerificationKey};
use serde::de::DeserializeOwned;

use crate::jwt::claims::{self, KEY_ID};

/// Keys and tokens of every algorithm, each read or made when it is first asked for.
pub(super) struct Fixtures {
    folder: Option<PathBuf>,
    issued: RefCell<HashMap<Algorithm, Rc<Issued>>>,
    crowd: OnceCell<Rc<Crowd>>,
}

/// The key of one algorithm, and what it has signed.
pub(super) struct Issued {
    pub(super) algorithm: Algorithm,
    pub(super) key: Key,
    small: String,
    keycloak: String,
}

/// Many users' tokens, all signed by one ES256 key.
pub(super) struct Crowd {
    pub(super) key: Key,
    pub(super) tokens: Vec<String>,
}

/// What signatures are verified with.
#[derive(Clone)]
pub(super) enum Key {
    /// In PEM.
    Public(String),
    /// For HS256.
    Secret(Vec<u8>),
}

/// How much a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The least that is useful.
    Small,
    /// Roles, audiences and a `kid`, as Keycloak's have.
    Keycloak,
}

impl Fixtures {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Into::into),
            issued: RefCell::default(),
            crowd: OnceCell::new(),
        }
    }

    pub(super) fn issued(&self, algorithm: Algorithm) -> anyhow::Result<Rc<Issued>> {
        if let Some(issued) = self.issued.borrow().get(&algorithm) {
            return Ok(Rc::clone(issued));
        }
        let issued = Rc::new(match &self.folder {
            Some(folder) => Issued::read(folder, algorithm)?,
            None => Issued::make(algorithm)?,
        });
        let mut all = self.issued.borrow_mut();
        all.insert(algorithm, Rc::clone(&issued));
        Ok(issued)
    }

    /// As many tokens as [`Crowd::SIZE`] says.
    pub(super) fn crowd(&self) -> anyhow::Result<Rc<Crowd>> {
        if let Some(crowd) = self.crowd.get() {
            return Ok(Rc::clone(crowd));
        }
        let crowd = Rc::new(match &self.folder {
            Some(folder) => Crowd::read(folder)?,
            None => Crowd::make()?,
        });
        Ok(Rc::clone(self.crowd.get_or_init(|| crowd)))
    }
}

impl Issued {
    pub(super) fn token(&self, form: Form) -> &str {
        match form {
            Form::Small => &self.small,
            Form::Keycloak => &self.keycloak,
        }
    }

    /// This key with somebody else's tokens.
    #[cfg(test)]
    pub(super) fn with_tokens_of(&self, other: &Self) -> Self {
        Self {
            algorithm: self.algorithm,
            key: self.key.clone(),
            small: other.small.clone(),
            keycloak: other.keycloak.clone(),
        }
    }

    fn read(folder: &Path, algorithm: Algorithm) -> anyhow::Result<Self> {
        type Tokens = HashMap<String, HashMap<String, String>>;
        let mut tokens: Tokens = json(&folder.join("tokens.json"))?;
        let mut tokens = tokens.remove(algorithm.name()).unwrap_or_default();
        let mut token = |form: Form| {
            let found = tokens.remove(&form.to_string());
            found.with_context(|| format!("tokens.json has no token {algorithm}/{form}"))
        };
        let (small, keycloak) = (token(Form::Small)?, token(Form::Keycloak)?);
        Ok(Self {
            algorithm,
            key: Key::read(folder, algorithm)?,
            small,
            keycloak,
        })
    }

    fn make(algorithm: Algorithm) -> anyhow::Result<Self> {
        let (signing, key) = Key::make(algorithm)?;
        let small = signing.sign(&claims::small())?;
        let keycloak = signing.with_kid(KEY_ID).sign(&claims::keycloak(0))?;
        Ok(Self {
            algorithm,
            key,
            small: small.expose().to_owned(),
            keycloak: keycloak.expose().to_owned(),
        })
    }
}

impl Crowd {
    /// Together they are larger than any core's own cache.
    pub(super) const SIZE: usize = 4096;

    fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("many.json");
        let tokens: Vec<String> = json(&path)?;
        let enough = tokens.len() >= Self::SIZE;
        anyhow::ensure!(enough, "{} has too few tokens", path.display());
        let key = Key::read(folder, Algorithm::ES256)?;
        Ok(Self { key, tokens })
    }

    fn make() -> anyhow::Result<Self> {
        let (signing, key) = Key::make(Algorithm::ES256)?;
        let signing = signing.with_kid(KEY_ID);
        let token = |number| -> anyhow::Result<String> {
            let token = signing.sign(&claims::keycloak(number))?;
            Ok(token.expose().to_owned())
        };
        let tokens = (0..Self::SIZE).map(token).collect::<Result<_, _>>()?;
        Ok(Self { key, tokens })
    }
}

impl Key {
    /// The key as the SDK takes it, under the name that Keycloak's tokens call it by.
    pub(super) fn verification_key(&self) -> anyhow::Result<VerificationKey> {
        let key = match self {
            Self::Public(pem) => VerificationKey::from_public_pem(pem.as_bytes())?,
            Self::Secret(secret) => {
                let secret = SecretBytes::from(secret.as_slice());
                VerificationKey::from_secret(&secret, Algorithm::HS256)?
            }
        };
        Ok(key.with_kid(KEY_ID))
    }

    fn read(folder: &Path, algorithm: Algorithm) -> anyhow::Result<Self> {
        let name = algorithm.name().to_lowercase();
        if algorithm.is_symmetric() {
            return Ok(Self::Secret(bytes(&folder.join(format!("{name}.key")))?));
        }
        let pem = bytes(&folder.join(format!("{name}.pub.pem")))?;
        Ok(Self::Public(String::from_utf8(pem)?))
    }

    fn make(algorithm: Algorithm) -> anyhow::Result<(SigningKey, Self)> {
        if algorithm.is_symmetric() {
            let mut secret = vec![0; 48];
            aws_lc_rs::rand::fill(&mut secret)?;
            let shared = SecretBytes::from(secret.as_slice());
            let signing = SigningKey::from_secret(&shared, algorithm)?;
            return Ok((signing, Self::Secret(secret)));
        }
        let signing = SigningKey::generate(algorithm)?;
        let pem = signing.public_pem().context("the key has no public half")?;
        Ok((signing, Self::Public(pem)))
    }
}

impl Form {
    pub(super) const ALL: [Self; 2] = [Self::Small, Self::Keycloak];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Keycloak => "kc",
        })
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    serde_json::from_slice(&bytes(path)?)
        .with_context(|| format!("{} is not as expected", path.display()))
}

fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
