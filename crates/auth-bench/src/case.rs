use std::fmt;
use std::hint::black_box;

/// One thing that is measured: one implementation of one task.
pub(crate) struct Case {
    /// The task. Implementations of the same task are compared.
    pub(crate) name: String,
    pub(crate) implementation: &'static str,
    pub(crate) role: Role,
    pub(crate) unit: Unit,
    prepare: Box<dyn Fn() -> anyhow::Result<Operation>>,
}

impl Case {
    /// Takes what prepares the work. That happens only if the case is wanted, and right before it
    /// is measured, so that cases do not crowd one another out of the processor's caches.
    pub(crate) fn new(
        name: &str,
        implementation: &'static str,
        role: Role,
        prepare: impl Fn() -> anyhow::Result<Operation> + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            implementation,
            role,
            unit: Unit::CpuTime,
            prepare: Box::new(prepare),
        }
    }

    /// The same, measured by the clock on the wall: where somebody else's work is waited for.
    pub(crate) fn by_the_wall(self) -> Self {
        Self {
            unit: Unit::PerSecond,
            ..self
        }
    }

    pub(crate) fn prepare(&self) -> anyhow::Result<Operation> {
        (self.prepare)()
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// CPU time of this thread for one operation, in nanoseconds.
    CpuTime,
    /// How many operations a second are done, by the clock on the wall.
    PerSecond,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CpuTime => "ns/op",
            Self::PerSecond => "op/s",
        })
    }
}

/// What an implementation is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Ours.
    Candidate,
    /// The one step that nobody can leave out, done as fast as it is known to go.
    Limit,
    /// The least work that still does the whole job, written for that one job.
    Floor,
    /// What somebody would do who does not use us.
    Peer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Candidate => "candidate",
            Self::Limit => "limit",
            Self::Floor => "floor",
            Self::Peer => "peer",
        })
    }
}

/// Work that can be repeated.
pub(crate) struct Operation(Box<dyn FnMut(u64) -> bool>);

impl Operation {
    /// Takes the work. It says whether it came out right: what does not verify is quickly done.
    pub(crate) fn new(mut once: impl FnMut() -> bool + 'static) -> Self {
        // The loop is in here, so that a repetition costs no call through a pointer.
        Self(Box::new(move |times| {
            let mut right = true;
            for _ in 0..times {
                right &= black_box(once());
            }
            right
        }))
    }

    /// Takes work that knows itself how to be done so many times, several at a time perhaps.
    pub(crate) fn repeated(many: impl FnMut(u64) -> bool + 'static) -> Self {
        Self(Box::new(many))
    }

    /// Does the work so many times, and says whether all of them came out right.
    pub(crate) fn repeat(&mut self, times: u64) -> bool {
        (self.0)(times)
    }
}
