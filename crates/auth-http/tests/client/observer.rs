//! Each call is told of once, whatever becomes of it.

use std::sync::{Arc, Mutex};

use auth_core::CorrelationId;
use auth_http::{Exchange, FaultKind, Observer};
use http::Method;
use serde_json::json;

use crate::server::{Act, FaultServer, answer, ok};

/// Remembers what it was told.
#[derive(Clone, Default)]
pub(crate) struct Recorder(pub(crate) Arc<Mutex<Vec<Exchange>>>);

impl Observer for Recorder {
    fn observe(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

impl Recorder {
    #[track_caller]
    pub(crate) fn only(&self) -> Exchange {
        let told = self.0.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].clone()
    }

    #[track_caller]
    pub(crate) fn take_only(&self) -> Exchange {
        let only = self.only();
        self.0.lock().unwrap().clear();
        only
    }
}

#[tokio::test]
async fn a_call_is_told_with_its_sizes_and_without_its_query() {
    let server = FaultServer::start([ok(r#"{"a":1}"#)]).await;
    let recorder = Recorder::default();
    let client = auth_http::HttpClient::builder(&format!("{}/miso/", server.url()))
        .observer(recorder.clone())
        .build()
        .unwrap();
    let id = CorrelationId::parse("order-17").unwrap();
    let call = client
        .post("/users/{user}")
        .segment("user", "a b")
        .query("q", "1");
    call.json(&json!([1, 2]))
        .correlation_id(&id)
        .send()
        .await
        .unwrap();
    let told = recorder.only();
    assert_eq!(told.method(), Method::POST);
    assert_eq!(told.origin(), server.url());
    assert_eq!(told.template(), "/users/{user}");
    assert_eq!(told.path(), "/miso/users/a%20b");
    assert_eq!(told.status().unwrap(), 200);
    assert_eq!(told.fault(), None);
    assert_eq!(told.attempts(), 1);
    assert_eq!((told.request_bytes(), told.response_bytes()), (5, 7));
    assert_eq!(told.correlation_id(), Some(&id));
    assert!(!told.elapsed().is_zero());
    assert!(told.answered_after().unwrap() <= told.elapsed());
}

/// Somebody who counts wrong.
struct Panicking;

impl Observer for Panicking {
    fn observe(&self, _: &Exchange) {
        panic!("on purpose, when a call has ended");
    }

    fn circuit_changed(&self, _: &str, _: auth_http::CircuitState) {
        panic!("on purpose, when a circuit changes");
    }
}

#[tokio::test]
async fn an_observer_that_panics_costs_no_call_and_no_other_observer_anything() {
    let server = FaultServer::start([ok("{}"), answer("503 X", &[], "")]).await;
    let recorder = Recorder::default();
    let client = server
        .builder()
        .observer(Panicking)
        .observer(recorder.clone())
        .retry(auth_http::RetryPolicy::never())
        .circuit_breaker(auth_http::CircuitBreaker::new().failures(1))
        .build()
        .unwrap();
    assert_eq!(client.get("/").send().await.unwrap().status(), 200);
    assert_eq!(recorder.take_only().fault(), None);
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Status);
    assert_eq!(recorder.take_only().fault(), Some(FaultKind::Status));
    // Also of a call that ends by a panic of its own: a second one would end the process.
    let call = tokio::spawn(async move {
        let mut call = Box::pin(client.get("/").send());
        std::future::poll_fn(|cx| {
            let _ = call.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
        panic!("on purpose, with a call under way");
    });
    assert!(call.await.unwrap_err().is_panic());
    assert!(recorder.take_only().fault().is_some());
}

#[tokio::test]
async fn every_outcome_is_told_once() {
    let broken = Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec());
    let failed = || answer("500 Internal Server Error", &[], "{}");
    for (act, any_status, status, fault, read) in [
        (ok("{}"), false, Some(200), None, 2),
        (failed(), true, Some(500), None, 2),
        (failed(), false, Some(500), Some(FaultKind::Status), 2),
        (
            answer("302 Found", &[], "{}"),
            false,
            Some(302),
            Some(FaultKind::Redirect),
            0,
        ),
        (broken, false, Some(200), Some(FaultKind::Receive), 1),
        (Act::Reset, false, None, Some(FaultKind::Send), 0),
    ] {
        let server = FaultServer::start([act]).await;
        let recorder = Recorder::default();
        let client = server.builder().observer(recorder.clone()).build().unwrap();
        let outcome = match any_status {
            true => client.post("/").send_any_status().await,
            false => client.post("/").send().await,
        };
        let told = recorder.only();
        assert_eq!(told.status().map(|status| status.as_u16()), status);
        assert_eq!(told.fault(), fault);
        assert_eq!(told.fault(), outcome.err().map(|fault| fault.kind()));
        assert_eq!(told.response_bytes(), read);
        assert_eq!(told.attempts(), 1);
    }
}

#[tokio::test]
async fn a_call_that_was_never_sent_is_told_too() {
    let server = FaultServer::start([ok("{}")]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    for (path, template) in [("/?token=x", ""), ("/{unfilled}", "/{unfilled}")] {
        client.get(path).send().await.unwrap_err();
        let told = recorder.take_only();
        assert_eq!(
            (told.template(), told.path(), told.attempts()),
            (template, "", 0)
        );
        assert_eq!(told.fault(), Some(FaultKind::InvalidRequest));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_call_that_was_given_up_is_told_too() {
    let server = FaultServer::start([Act::AnswerAndStall(Vec::new())]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    let call = tokio::spawn(client.post("/orders").send());
    server.received(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let told = recorder.only();
    assert_eq!(told.fault(), Some(FaultKind::Canceled));
    assert_eq!((told.path(), told.attempts()), ("/orders", 1));
    assert_eq!(told.answered_after(), None);
}

#[tokio::test]
async fn all_who_watch_are_told() {
    let server = FaultServer::start([ok("{}")]).await;
    let (one, two) = (Recorder::default(), Recorder::default());
    let builder = server.builder().observer(one.clone());
    let client = builder.observer(Arc::new(two.clone())).build().unwrap();
    client.get("/").send().await.unwrap();
    assert_eq!(one.only().attempts() + two.only().attempts(), 2);
}
