use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Method;
use pin_project_lite::pin_project;

use crate::{CorrelationId, Principal};

/// What is known about the request at hand, for logs, audit and outgoing calls.
///
/// It is not passed from hand to hand: [`scope`](Self::scope) wraps a future, and whatever runs
/// inside sees the context through [`current`](Self::current), on whichever thread and runtime the
/// future is polled. A task spawned from inside does not inherit it; wrap the spawned future too.
///
/// It describes and decides nothing: to decide, take the [`Identity`](crate::Identity).
///
/// # Example: seen inside, gone outside
///
/// ```
/// use auth_core::{CorrelationId, RequestContext};
/// # fn block_on<T>(future: impl Future<Output = T>) -> T {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop {
/// #         if let std::task::Poll::Ready(out) = future.as_mut().poll(&mut context) { return out }
/// #     }
/// # }
///
/// let context = RequestContext::builder(CorrelationId::random()).path("/orders").build();
/// let handler = async { RequestContext::current().unwrap().path().unwrap().to_owned() };
///
/// assert_eq!(block_on(context.scope(handler)), "/orders");
/// assert!(RequestContext::current().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Fields>);

#[derive(Clone, Debug)]
struct Fields {
    correlation_id: CorrelationId,
    method: Option<Method>,
    path: Option<Box<str>>,
    principal: Option<Principal>,
}

impl RequestContext {
    /// Starts a context with the identifier that ties everything together.
    pub fn builder(correlation_id: CorrelationId) -> RequestContextBuilder {
        RequestContextBuilder(Fields {
            correlation_id,
            method: None,
            path: None,
            principal: None,
        })
    }

    /// The context of the future that is being polled on this thread, if it has one.
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Wraps a future so that all it does happens in this context.
    pub fn scope<F: Future>(self, future: F) -> Scoped<F> {
        Scoped {
            context: Some(self),
            future: Some(future),
        }
    }

    /// Runs a function in this context.
    pub fn enter<T>(self, function: impl FnOnce() -> T) -> T {
        let mut context = Some(self);
        let _entered = Entered::new(&mut context);
        function()
    }

    /// A copy that names who was authenticated.
    #[must_use]
    pub fn with_principal(&self, principal: Principal) -> Self {
        let mut fields = (*self.0).clone();
        fields.principal = Some(principal);
        Self(Arc::new(fields))
    }

    /// The identifier that ties everything together.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.0.correlation_id
    }

    /// The method of the request.
    pub fn method(&self) -> Option<&Method> {
        self.0.method.as_ref()
    }

    /// The path of the request, without its query.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Who was authenticated.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }
}

/// Puts a [`RequestContext`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestContextBuilder(Fields);

impl RequestContextBuilder {
    /// Sets the method of the request.
    pub fn method(mut self, method: Method) -> Self {
        self.0.method = Some(method);
        self
    }

    /// Sets the path of the request, of which the first 1,024 bytes are kept. Leave the query out:
    /// it may hold secrets.
    pub fn path(mut self, path: &str) -> Self {
        let end = (0..=path.len().min(MAX_PATH))
            .rev()
            .find(|&end| path.is_char_boundary(end));
        self.0.path = Some(path[..end.unwrap_or(0)].into());
        self
    }

    /// Sets who was authenticated.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.0.principal = Some(principal);
        self
    }

    /// Finishes the context.
    pub fn build(self) -> RequestContext {
        RequestContext(Arc::new(self.0))
    }
}

pin_project! {
    /// A future that runs in a [`RequestContext`]; made by [`RequestContext::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        context: Option<RequestContext>,
        // `None` once it was dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        // What a request leaves behind when it is cancelled is cleaned up in its context too.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.context);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.context);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // Only `drop` takes the future away, and nobody polls after that.
            None => Poll::Pending,
        }
    }
}

/// Swaps a context in, and back out when dropped: also when the future panics.
struct Entered<'a>(&'a mut Option<RequestContext>);

impl<'a> Entered<'a> {
    fn new(context: &'a mut Option<RequestContext>) -> Self {
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, context));
        Self(context)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, self.0));
    }
}

thread_local! {
    static CURRENT: RefCell<Option<RequestContext>> = const { RefCell::new(None) };
}

const MAX_PATH: usize = 1024;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Waker;

    use super::*;

    fn context(path: &str) -> RequestContext {
        RequestContext::builder(CorrelationId::random())
            .path(path)
            .build()
    }

    fn seen() -> Option<String> {
        RequestContext::current().map(|context| context.path().unwrap().to_owned())
    }

    /// Lets others run once before it goes on.
    async fn yield_once() {
        let mut yielded = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut yielded, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn futures_polled_in_turn_each_see_their_own() {
        let work = |path: &'static str| {
            context(path).scope(async {
                let before = seen();
                yield_once().await;
                (before, seen())
            })
        };
        let (mut one, mut two) = (Box::pin(work("/1")), Box::pin(work("/2")));
        assert!(poll(one.as_mut()).is_pending());
        assert!(poll(two.as_mut()).is_pending());
        assert_eq!(seen(), None);
        let both = |path: &str| Poll::Ready((Some(path.to_owned()), Some(path.to_owned())));
        assert_eq!(poll(two.as_mut()), both("/2"));
        assert_eq!(poll(one.as_mut()), both("/1"));
    }

    #[test]
    fn a_future_moved_to_another_thread_keeps_it() {
        let mut future = Box::pin(context("/1").scope(async {
            yield_once().await;
            seen()
        }));
        assert!(poll(future.as_mut()).is_pending());
        let handle = std::thread::spawn(move || poll(future.as_mut()));
        assert_eq!(handle.join().unwrap(), Poll::Ready(Some("/1".to_owned())));
    }

    #[test]
    fn an_inner_one_hides_the_outer_one_and_gives_it_back() {
        context("/outer").enter(|| {
            context("/inner").enter(|| assert_eq!(seen().unwrap(), "/inner"));
            assert_eq!(seen().unwrap(), "/outer");
        });
        assert_eq!(seen(), None);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut future = Box::pin(context("/1").scope(async { panic!("boom") }));
            let _: Poll<()> = poll(future.as_mut());
        }));
        assert!(caught.is_err());
        assert_eq!(seen(), None);
    }

    #[test]
    fn a_future_that_is_cancelled_is_dropped_in_its_context() {
        struct OnDrop<'a>(&'a RefCell<Option<String>>);
        impl Drop for OnDrop<'_> {
            fn drop(&mut self) {
                self.0.replace(seen());
            }
        }
        let dropped_in = RefCell::new(None);
        let mut future = Box::pin(context("/1").scope(async {
            let _on_drop = OnDrop(&dropped_in);
            std::future::pending::<()>().await;
        }));
        assert!(poll(future.as_mut()).is_pending());
        context("/other").enter(move || drop(future));
        assert_eq!(dropped_in.take().as_deref(), Some("/1"));
        assert_eq!(seen(), None);
    }

    #[test]
    fn a_long_path_is_cut_at_a_character() {
        let path = format!("/{}", "ä".repeat(MAX_PATH));
        let context = context(&path);
        let kept = context.path().unwrap();
        assert!(kept.len() <= MAX_PATH && kept.len() > MAX_PATH - 2);
        assert!(path.starts_with(kept));
    }
}
