use std::borrow::Cow;
use std::fmt;

/// Everything that is wrong with the settings.
///
/// `Display` shows one line for each problem. No value is quoted anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// The problems, in the order in which the settings were read.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl From<ConfigProblem> for ConfigError {
    fn from(problem: ConfigProblem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl FromIterator<ConfigProblem> for ConfigError {
    fn from_iter<I: IntoIterator<Item = ConfigProblem>>(problems: I) -> Self {
        Self {
            problems: problems.into_iter().collect(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("1 setting needs attention")?,
            count => write!(f, "{count} settings need attention")?,
        }
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    variable: Cow<'static, str>,
    fault: Cow<'static, str>,
    remedy: Cow<'static, str>,
}

impl ConfigProblem {
    /// Names the variable, what is wrong ("is not set") and what to do about it ("set it to …").
    /// None of them may quote a value.
    pub fn new(
        variable: impl Into<Cow<'static, str>>,
        fault: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            variable: variable.into(),
            fault: fault.into(),
            remedy: remedy.into(),
        }
    }

    /// The variable to change.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.variable, self.fault, self.remedy)
    }
}
