use std::fmt;
use std::time::Duration;

use auth_core::BoxFuture;
use bytes::Bytes;

/// What stands behind the memory of several processes: a store that they share, and a channel on
/// which they tell each other what changed.
///
/// [`CacheBuilder::redis`](crate::CacheBuilder::redis) is one. Another one need not be reliable: every
/// call may fail, messages may be lost, doubled or late, and the cache still keeps what it promises, as
/// long as these hold:
///
/// - [`write`](Self::write) compares and writes in one step.
/// - [`announce`](Self::announce) gives consecutive numbers, one to each message of a channel, until
///   the store forgets everything; then it begins anew at a number that is not likely to follow.
/// - Whoever is told [`Notice::Listening`] gets the messages that are announced from then on, or is
///   told [`Notice::Lost`], or loses them without a word; which
///   [`position`](Self::position) shows.
pub trait Backend: Send + Sync + 'static {
    /// Returns the values of keys, in their order.
    fn read<'a>(
        &'a self,
        keys: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, BackendFault>>;

    /// Whether many keys are [read](Self::read) in one step by one server, so that they cost little more than
    /// one, and one of them cannot fail for reasons of its own. Then what is asked for at the same
    /// time is read together, and all who asked drive the call: it may begin on one runtime and end on another.
    /// Not so unless a backend says so.
    fn reads_in_one_step(&self) -> bool {
        false
    }

    /// Writes a value for a time, or for ever, if what is there is as it should be. Returns whether
    /// it was written.
    fn write<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Option<Duration>,
        when: When<'a>,
    ) -> BoxFuture<'a, Result<bool, BackendFault>>;

    /// Tells everybody who listens on the channel, and returns the message's number.
    fn announce<'a>(
        &'a self,
        channel: &'a str,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, BackendFault>>;

    /// The number of the channel's last message, or what the next one will follow.
    fn position<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<u64, BackendFault>>;

    /// Begins to listen on the channel, again and again until the listener is dropped.
    fn listen(&self, channel: &str) -> Box<dyn Listener>;

    /// Waits until it is worth a try. `false` if it never will be again. It must not keep the backend
    /// alive.
    fn ready(&self) -> BoxFuture<'static, bool>;
}

/// Messages of a channel.
pub trait Listener: Send {
    /// Waits for the next notice. `None` when the backend is gone. A future that is dropped must not
    /// take a notice with it.
    fn next(&mut self) -> BoxFuture<'_, Option<Notice>>;
}

/// What a [`Listener`] hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// From here on it hears messages. What was said before is not known.
    Listening,
    /// A message and its number.
    Message(u64, Bytes),
    /// It does not hear anything any more, until it is `Listening` again.
    Lost,
}

/// What must hold for a [`Backend`] to write. The *head* of a value is its first [`HEAD`] bytes, and
/// that of no value is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When<'a> {
    /// Nothing.
    Always,
    /// What is there has this head.
    HeadIs(&'a [u8]),
    /// What is there has a head that sorts before this one, byte by byte.
    HeadIsBefore(&'a [u8]),
}

/// How long the head of a value is, for [`When`].
pub const HEAD: usize = 24;

/// A [`Backend`] did not do it. Whether it has or not need not be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendFault;

impl BackendFault {
    /// Says no more than that.
    pub fn new() -> Self {
        Self
    }
}

impl fmt::Display for BackendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared store did not do it")
    }
}

impl std::error::Error for BackendFault {}
