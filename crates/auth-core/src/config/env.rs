use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use super::{ConfigError, ConfigProblem, Reader, dotenv};
use crate::Secret;

/// A map of variables to read settings from.
///
/// `Debug` shows the names and no value.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, Value>,
}

#[derive(Clone)]
struct Value {
    /// `None` if the process holds bytes that are not UTF-8.
    text: Option<Secret>,
    source: Source,
}

/// Where a variable comes from; the later one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    DotEnv,
    Process,
}

/// What a variable holds.
pub(super) enum Lookup<'a> {
    NotSet,
    NotUnicode,
    Text(&'a Secret, Source),
}

impl Env {
    /// The variables of this process, and nothing else.
    pub fn process() -> Self {
        Self::from_os_pairs(std::env::vars_os())
    }

    /// The variables of this process, and below them those of the first `.env` file found from the
    /// working directory upward.
    ///
    /// # Errors
    ///
    /// As [`with_dotenv`](Self::with_dotenv).
    pub fn load() -> Result<Self, ConfigError> {
        match std::env::current_dir() {
            Ok(directory) => Self::process().with_dotenv(&directory),
            // Without a working directory there is no place to look in.
            Err(_) => Ok(Self::process()),
        }
    }

    /// Just these variables, as if the process had them. For tests, and for callers who keep their
    /// settings elsewhere.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut env = Self::default();
        for (name, value) in pairs {
            let text = Some(Secret::from(value.into()));
            env.insert(name.into(), text, Source::Process);
        }
        env
    }

    /// Adds the variables of the first `.env` file found in `directory` or above it. Variables
    /// that are already there win. A missing file is not an error.
    ///
    /// Each line is `NAME=value`, blank, or a `#` comment; `export` may stand before the name. A
    /// value in single quotes is taken as it is; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and
    /// `\$` are understood; both may span lines. Nothing is substituted: `$HOME` stays `$HOME`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is larger than 1 MiB, or has a line that is none of these; all
    /// such lines are named at once.
    pub fn with_dotenv(mut self, directory: &Path) -> Result<Self, ConfigError> {
        let Some(path) = directory
            .ancestors()
            .map(|directory| directory.join(".env"))
            // The first of the name is meant, even if it turns out not to be a file.
            .find(|path| path.symlink_metadata().is_ok())
        else {
            return Ok(self);
        };
        let name = path.display().to_string();
        let text = dotenv::read(&path).map_err(|fault| {
            ConfigError::from(ConfigProblem::new(
                name.clone(),
                fault,
                "make it a readable text file of at most 1 MiB, or remove it",
            ))
        })?;
        let (pairs, faults) = dotenv::parse(&text);
        if !faults.is_empty() {
            return Err(faults
                .into_iter()
                .map(|fault| {
                    ConfigProblem::new(
                        format!("{name} line {}", fault.line),
                        fault.message,
                        "write NAME=value, or start the line with # to make it a comment",
                    )
                })
                .collect());
        }
        for (name, value) in pairs {
            self.insert(name, Some(value.into()), Source::DotEnv);
        }
        Ok(self)
    }

    /// The value of a variable as it stands, or `None` if it is not set, empty or not UTF-8.
    /// [`reader`](Self::reader) also follows `X_FILE` and says what is wrong.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        match self.lookup(name) {
            Lookup::Text(text, _) => Some(text),
            Lookup::NotSet | Lookup::NotUnicode => None,
        }
    }

    /// Starts reading settings.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    pub(super) fn lookup(&self, name: &str) -> Lookup<'_> {
        match self.variables.get(name) {
            None => Lookup::NotSet,
            Some(Value { text: None, .. }) => Lookup::NotUnicode,
            Some(Value {
                text: Some(text),
                source,
            }) => {
                if text.is_empty() {
                    Lookup::NotSet
                } else {
                    Lookup::Text(text, *source)
                }
            }
        }
    }

    fn from_os_pairs(pairs: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut env = Self::default();
        for (name, value) in pairs {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = name.into_string() {
                let text = value.into_string().ok().map(Secret::from);
                env.insert(name, text, Source::Process);
            }
        }
        env
    }

    /// An empty variable of the process does not hide one of the file: it counts as not set.
    fn insert(&mut self, name: String, text: Option<Secret>, source: Source) {
        let wins = match self.variables.get(&name) {
            Some(there) => {
                source >= there.source || there.text.as_ref().is_some_and(Secret::is_empty)
            }
            None => true,
        };
        if wins {
            self.variables.insert(name, Value { text, source });
        }
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_no_value() {
        let env = Env::from_pairs([("A_SECRET", "planted")]);
        assert_eq!(format!("{env:?}"), r#"{"A_SECRET"}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_told_from_one_that_is_not_set() {
        use std::os::unix::ffi::OsStringExt;
        let env = Env::from_os_pairs([("X".into(), OsString::from_vec(vec![0xff]))].into_iter());
        assert!(matches!(env.lookup("X"), Lookup::NotUnicode));
        assert!(matches!(env.lookup("Y"), Lookup::NotSet));
    }
}
