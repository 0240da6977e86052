use std::process::ExitCode;

/// What the shell is told. Ordered from good to bad, so that the worst of several is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// What was asked for was done; a token was accepted.
    Good,
    /// A token was looked at and refused.
    Refused,
    /// Nobody knows: the keys, the input or the flags were of no use.
    Undecided,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Good => 0,
            Status::Refused => 1,
            Status::Undecided => 2,
        })
    }
}
