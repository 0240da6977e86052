use tokio::sync::watch;

/// How a [`Redis`](crate::Redis) handle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisState {
    /// The first attempt to connect is under way; commands wait for it within their time.
    Connecting,
    /// Commands are sent.
    Up,
    /// Commands fail at once; a task in the background tries to reconnect.
    Down,
}

/// Follows the state of a [`Redis`](crate::Redis) handle.
///
/// A state that lasted too briefly to be seen may be skipped, but never the fact that something
/// happened: after `Up`, another `Up` means that the connection was lost in between, or has been
/// replaced by one to another server. [`Redis::ups`](crate::Redis::ups) has counted it by then.
#[derive(Clone, Debug)]
pub struct RedisStateChanges(watch::Receiver<RedisState>);

impl RedisStateChanges {
    pub(crate) fn new(receiver: watch::Receiver<RedisState>) -> Self {
        Self(receiver)
    }

    /// The state now.
    pub fn current(&self) -> RedisState {
        *self.0.borrow()
    }

    /// Waits for the next change and returns the state then. `None` when the last handle is gone,
    /// because then nothing will change any more.
    pub async fn changed(&mut self) -> Option<RedisState> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }

    /// Waits until the handle is in this state, which it may be already. `false` when the last
    /// handle is gone.
    pub async fn reached(&mut self, state: RedisState) -> bool {
        self.0.wait_for(|current| *current == state).await.is_ok()
    }
}
