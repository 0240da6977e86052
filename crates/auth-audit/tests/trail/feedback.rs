//! A delivery is not audited (contract miso §13 B4).

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use auth_audit::{
    AuditLog, Batch, Delivered, NotDurable, Sink, SinkFault, is_delivering, suppressed,
};
use auth_core::BoxFuture;

/// Writes down whether its calls are known to be its own, and audits them all the same.
#[derive(Clone, Default)]
struct Careless {
    seen: Arc<Mutex<Vec<bool>>>,
    log: Arc<OnceLock<AuditLog>>,
}

impl Careless {
    async fn observed_call(&self) {
        self.seen.lock().unwrap().push(is_delivering());
        let log = self.log.get().unwrap();
        log.event("http.request.POST", "/logs").emit();
        let durable = log.event("http.request.POST", "/logs").emit_durable();
        assert_eq!(durable.await, Err(NotDurable::Suppressed));
    }
}

impl Sink for Careless {
    fn deliver<'a>(&'a self, _: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
        self.seen.lock().unwrap().push(is_delivering());
        Box::pin(async move {
            self.observed_call().await;
            tokio::task::yield_now().await;
            self.observed_call().await;
            Ok(Delivered::all())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_does_is_marked_and_leads_to_no_events() {
    let sink = Careless::default();
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    sink.log.set(log.clone()).unwrap();
    log.event("admin.opened", "dashboard")
        .emit_durable()
        .await
        .unwrap();
    let stats = log.shutdown(Duration::from_secs(60)).await.unwrap().stats();
    assert_eq!(
        (stats.delivered, stats.suppressed, stats.dropped),
        (1, 4, 0)
    );
    assert_eq!(*sink.seen.lock().unwrap(), [true; 3]);
}

#[tokio::test]
async fn the_mark_follows_the_future_and_nothing_else() {
    let marked = suppressed(async {
        let before = is_delivering();
        tokio::task::yield_now().await;
        (
            before,
            is_delivering(),
            suppressed(async { is_delivering() }).await,
            is_delivering(),
        )
    });
    let unmarked = async {
        let before = is_delivering();
        tokio::task::yield_now().await;
        before || is_delivering()
    };
    let (marked, unmarked) = tokio::join!(marked, unmarked);
    assert_eq!(marked, (true, true, true, true));
    assert!(!unmarked && !is_delivering());
}

#[tokio::test]
async fn a_panic_leaves_no_mark_behind() {
    let panicked = tokio::spawn(suppressed(async { panic!("boom") }));
    assert!(panicked.await.is_err());
    assert!(!is_delivering());
}
