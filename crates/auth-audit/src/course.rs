use crate::queue::Settled;

/// How the delivery of one batch goes: what is left of it, in which pieces, and what is known of
/// the cause if it fails.
pub(crate) struct Course {
    /// The sizes of the pieces that are left; the last one is the first of the queue.
    pub(crate) pieces: Vec<usize>,
    /// Attempts in a row that failed.
    pub(crate) failures: u32,
    /// Failed attempts of which an event may be the cause.
    suspicions: u32,
    /// How often another event was taken right after the first one had failed alone.
    evidence: u32,
    /// How many others were tried in search of one that passes.
    tried: usize,
    /// What the trail is to tell of it.
    pub(crate) settled: Settled,
}

impl Course {
    pub(crate) fn of(count: usize) -> Self {
        Self {
            pieces: vec![count],
            failures: 0,
            suspicions: 0,
            evidence: 0,
            tried: 0,
            settled: Settled::default(),
        }
    }

    /// The first piece left the queue.
    pub(crate) fn has_passed(&mut self, settled: Settled) {
        self.settled.add(settled);
        self.failures = 0;
        self.evidence = 0;
    }

    /// The first piece failed. True if an event of it may well be the cause, and not the sink.
    pub(crate) fn has_failed(&mut self, may_be_an_event: bool) -> bool {
        self.failures = self.failures.saturating_add(1);
        if may_be_an_event {
            self.suspicions = self.suspicions.saturating_add(1);
        }
        may_be_an_event && self.suspicions >= PATIENCE
    }

    /// Whether the sink fails at this one event: others were taken in between, more than once.
    pub(crate) fn is_proven(&self) -> bool {
        self.evidence >= PROOF
    }

    /// Another event was taken while the first one fails.
    pub(crate) fn another_passed(&mut self) {
        self.evidence = self.evidence.saturating_add(1);
        self.failures = 0;
        self.tried = 0;
    }

    /// Where in the queue the next other event is that has not been tried, with so many of them.
    pub(crate) fn next_other(&mut self, behind: usize) -> usize {
        let place = 1 + self.tried % behind.clamp(1, FARTHEST);
        self.tried = self.tried.wrapping_add(1);
        place
    }

    /// Takes a piece of this size, which was taken out, in two.
    pub(crate) fn halve(&mut self, count: usize) {
        let first = count / 2;
        self.pieces.extend([count - first, first]);
    }
}

/// How often a batch fails before it is tried in parts.
const PATIENCE: u32 = 5;
/// How often others are to pass while one event fails before that event is set aside.
const PROOF: u32 = 2;
/// How far behind a suspect another event is looked for.
const FARTHEST: usize = 100;
