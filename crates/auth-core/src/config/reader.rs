use std::fs::File;
use std::str::FromStr;

use super::env::{Lookup, Source};
use super::{ConfigError, ConfigProblem, Env, dotenv};
use crate::Secret;

/// A variable a setting is read from: its name, a second name if it has one, and what a person
/// should put there.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    name: &'static str,
    alias: Option<&'static str>,
    expects: &'static str,
}

impl Variable {
    /// Names the variable and what to set it to, as the end of the sentence "set it to …".
    pub const fn new(name: &'static str, expects: &'static str) -> Self {
        Self {
            name,
            alias: None,
            expects,
        }
    }

    /// Adds a second name that is asked if the first is not set.
    #[must_use]
    pub const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Takes settings out of an [`Env`] and remembers what is wrong.
///
/// Every method returns `None` both for "not set" and for "wrong"; the difference is in the
/// problems, which [`finish`](Self::finish) turns into one error.
#[derive(Debug)]
pub struct Reader<'e> {
    env: &'e Env,
    problems: Vec<ConfigProblem>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(env: &'e Env) -> Self {
        Self {
            env,
            problems: Vec::new(),
        }
    }

    /// The text of a variable.
    pub fn text(&mut self, variable: &Variable) -> Option<String> {
        self.secret(variable)
            .map(|secret| secret.expose().to_owned())
    }

    /// The text of a variable; a problem if it is not set.
    pub fn required_text(&mut self, variable: &Variable) -> Option<String> {
        self.required_secret(variable)
            .map(|secret| secret.expose().to_owned())
    }

    /// The value of a variable that must not be shown.
    pub fn secret(&mut self, variable: &Variable) -> Option<Secret> {
        match self.resolve(variable) {
            Ok(value) => value,
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// The value of a variable that must not be shown; a problem if it is not set.
    pub fn required_secret(&mut self, variable: &Variable) -> Option<Secret> {
        match self.resolve(variable) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                let name = variable.name;
                let remedy = format!(
                    "set it to {}, or {name}_FILE to a file that holds it",
                    variable.expects
                );
                self.problems
                    .push(ConfigProblem::new(name, "is not set", remedy));
                None
            }
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// A variable read as `T`, surrounding white space dropped; a problem if it is set and is no
    /// `T`.
    pub fn parse<T: FromStr>(&mut self, variable: &Variable) -> Option<T> {
        self.parse_with(variable, |text| text.trim().parse().ok())
    }

    /// A variable read by a function of the caller's; a problem if it is set and the function
    /// returns `None`.
    pub fn parse_with<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.secret(variable)?;
        let parsed = parse(text.expose());
        if parsed.is_none() {
            self.reject(variable, "cannot be used");
        }
        parsed
    }

    /// A comma-separated list, items trimmed, empty ones dropped.
    pub fn list(&mut self, variable: &Variable) -> Vec<String> {
        let text = self.text(variable).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Records that a variable is set to something that cannot be used. `fault` continues the
    /// sentence that begins with the variable's name and must not quote the value.
    pub fn reject(&mut self, variable: &Variable, fault: &'static str) {
        let remedy = format!("set it to {}", variable.expects);
        self.problems
            .push(ConfigProblem::new(variable.name, fault, remedy));
    }

    /// Builds the settings if nothing was wrong. `build` may use `?` on what the reader returned:
    /// a required setting that is missing has left a problem.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        let incomplete = || {
            ConfigError::from(ConfigProblem::new(
                "the settings",
                "are incomplete",
                "set every variable the program asks for",
            ))
        };
        if self.problems.is_empty() {
            build().ok_or_else(incomplete)
        } else {
            Err(self.problems.into_iter().collect())
        }
    }

    /// The process is asked by every name before the file is asked by any.
    fn resolve(&self, variable: &Variable) -> Result<Option<Secret>, ConfigProblem> {
        for source in [Source::Process, Source::DotEnv] {
            for name in [Some(variable.name), variable.alias].into_iter().flatten() {
                if let Some(value) = self.resolve_name(name, variable.expects, source)? {
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    /// The value of `X`, or what the file named by `X_FILE` holds, as one source has it.
    fn resolve_name(
        &self,
        name: &str,
        expects: &str,
        source: Source,
    ) -> Result<Option<Secret>, ConfigProblem> {
        let problem = |name: String, fault, remedy| Err(ConfigProblem::new(name, fault, remedy));
        let file_name = format!("{name}_FILE");
        let direct = self.text_of(name, expects, source)?;
        let file = self.text_of(&file_name, "the path of a file", source)?;
        let path = match (direct, file) {
            (None, None) => return Ok(None),
            (Some(text), None) => return Ok(Some(text.clone())),
            (None, Some(path)) => path,
            (Some(_), Some(_)) => {
                return problem(
                    name.to_owned(),
                    format!("and {file_name} are both set"),
                    "set one of them".to_owned(),
                );
            }
        };
        let content = File::open(path.expose())
            .map_err(|_| "cannot be opened")
            .and_then(|file| dotenv::read_text(file, MAX_FILE_BYTES));
        match content {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                Ok((!text.is_empty()).then(|| Secret::from(text)))
            }
            Err(fault) => problem(
                file_name,
                format!("names a file that {fault}"),
                format!("make it name a readable file of at most 64 KiB that holds {expects}"),
            ),
        }
    }

    fn text_of(
        &self,
        name: &str,
        expects: &str,
        source: Source,
    ) -> Result<Option<&'e Secret>, ConfigProblem> {
        match self.env.lookup(name) {
            Lookup::Text(text, from) if from == source => Ok(Some(text)),
            Lookup::Text(..) | Lookup::NotSet => Ok(None),
            Lookup::NotUnicode => Err(ConfigProblem::new(
                name.to_owned(),
                "is not UTF-8 text",
                format!("set it to {expects}"),
            )),
        }
    }
}

const MAX_FILE_BYTES: u64 = 64 * 1024;
