use std::fmt;

/// There is no value to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader failed, and there was nothing to serve instead.
    Failed(E),
    /// The space's [`hard_deadline`](crate::Space::hard_deadline) passed, and there was nothing to
    /// serve instead. The load goes on.
    TimedOut,
}

impl<E> LoadError<E> {
    /// The loader's own error, or what stands for a deadline that passed.
    pub fn into_failure(self, timed_out: impl FnOnce() -> E) -> E {
        match self {
            Self::Failed(error) => error,
            Self::TimedOut => timed_out(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the loader took too long"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // It shows itself already.
            Self::Failed(error) => error.source(),
            Self::TimedOut => None,
        }
    }
}
