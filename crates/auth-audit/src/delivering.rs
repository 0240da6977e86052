use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Whether what runs here is part of a delivery, so that what it does must not be audited.
///
/// It follows the future, on whichever thread that is polled; a task spawned inside does not
/// inherit it.
pub fn is_delivering() -> bool {
    DELIVERING.get()
}

/// Wraps a future so that all it does counts as part of a delivery: a call of the sink's own that
/// it makes outside of [`Sink::deliver`](crate::Sink::deliver), such as fetching a token.
///
/// # Example: seen inside, gone outside
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use auth_audit::{is_delivering, suppressed};
///
/// assert!(suppressed(async { is_delivering() }).await);
/// assert!(!is_delivering());
/// # });
/// ```
pub fn suppressed<F: Future>(future: F) -> Suppressed<F> {
    Suppressed { future }
}

pin_project! {
    /// A future inside of which [`is_delivering`] is true; made by [`suppressed`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Suppressed<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Suppressed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered(DELIVERING.replace(true));
        self.project().future.poll(cx)
    }
}

/// Puts the flag back when dropped: also when the future panics.
struct Entered(bool);

impl Drop for Entered {
    fn drop(&mut self) {
        DELIVERING.set(self.0);
    }
}

thread_local! {
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}
