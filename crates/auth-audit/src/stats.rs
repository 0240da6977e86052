/// What has become of the events of an [`AuditLog`](crate::AuditLog), counted since it was built.
///
/// Events that the log puts into the trail itself are counted too. What was emitted is the sum of
/// `pending`, `delivered`, `rejected`, `dropped` and `suppressed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Waiting, or on the way to the sink.
    pub pending: u64,
    /// Accepted by the sink.
    pub delivered: u64,
    /// Refused by the sink for good, and set aside.
    pub rejected: u64,
    /// Lost at the door: the queue was full, or the log was shut down.
    pub dropped: u64,
    /// Emitted by what is itself part of a delivery.
    pub suppressed: u64,
    /// Batches that the sink could not take and that were, or will be, tried again.
    pub retries: u64,
}
