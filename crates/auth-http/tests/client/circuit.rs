//! Origins that are left alone, and others that are called in their place.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::Secret;
use auth_http::{CircuitBreaker, CircuitState, Exchange, FaultKind, HttpClient, Observer};
use auth_http::{HttpClientBuilder, RetryPolicy};
use tokio::net::TcpListener;

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

/// Remembers how circuits changed.
#[derive(Clone, Default)]
struct Changes(Arc<Mutex<Vec<(String, CircuitState)>>>);

impl Observer for Changes {
    fn observe(&self, _: &Exchange) {}

    fn circuit_changed(&self, origin: &str, state: CircuitState) {
        self.0.lock().unwrap().push((origin.to_owned(), state));
    }
}

impl Changes {
    fn states(&self) -> Vec<CircuitState> {
        let changes = self.0.lock().unwrap();
        changes.iter().map(|(_, state)| *state).collect()
    }
}

/// Where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Lets time pass, and nothing else meanwhile.
async fn later(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

fn state(client: &HttpClient) -> CircuitState {
    client.circuits().next().unwrap().1
}

/// Opens at the first failure, so that a test needs one.
fn touchy(builder: HttpClientBuilder) -> HttpClientBuilder {
    let policy = CircuitBreaker::new().failures(1);
    builder.circuit_breaker(policy).retry(RetryPolicy::never())
}

#[tokio::test(start_paused = true)]
async fn a_dead_origin_costs_a_look_at_its_circuit() {
    let recorder = Recorder::default();
    let client = HttpClient::builder(&nobody().await)
        .observer(recorder.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    for _ in 0..5 {
        let fault = client.get("/").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Connect);
        assert_eq!(recorder.take_only().attempts(), 1);
    }
    assert_eq!(state(&client), CircuitState::Open);
    let start = tokio::time::Instant::now();
    for _ in 0..1000 {
        let fault = client.get("/").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::CircuitOpen);
        assert!(fault.is_transient());
        assert!(fault.retry_after().unwrap() <= Duration::from_millis(1500));
        assert_eq!(recorder.take_only().attempts(), 0);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn an_origin_that_comes_back_is_found_by_a_trial() {
    let server = FaultServer::start([answer("503 X", &[], ""), ok("{}")]).await;
    let changes = Changes::default();
    let policy = CircuitBreaker::new().failures(1).open_for(Duration::ZERO);
    let client = server
        .builder()
        .circuit_breaker(policy)
        .retry(RetryPolicy::never())
        .observer(changes.clone())
        .build()
        .unwrap();
    client.get("/").send().await.unwrap_err();
    client.get("/").send().await.unwrap();
    assert_eq!(state(&client), CircuitState::Closed);
    let expected = [
        CircuitState::Open,
        CircuitState::HalfOpen,
        CircuitState::Closed,
    ];
    assert_eq!(changes.states(), expected);
    assert_eq!(changes.0.lock().unwrap()[0].0, server.url());
}

#[tokio::test]
async fn what_opens_a_circuit_is_an_origin_that_does_not_work_and_not_an_error() {
    let raw = |text: &str| Act::AnswerAndClose(text.as_bytes().to_vec());
    for (act, expected) in [
        (Act::Reset, CircuitState::Open),
        (raw(""), CircuitState::Open),
        (
            raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
            CircuitState::Open,
        ),
        (raw("SSH-2.0-OpenSSH_9.2\r\n"), CircuitState::Open),
        (Act::AnswerAndStall(Vec::new()), CircuitState::Open),
        (answer("502 X", &[], ""), CircuitState::Open),
        (answer("503 X", &[], ""), CircuitState::Open),
        (answer("504 X", &[], ""), CircuitState::Open),
        (answer("500 X", &[], ""), CircuitState::Closed),
        (answer("429 X", &[], ""), CircuitState::Closed),
        (answer("401 X", &[], ""), CircuitState::Closed),
        (answer("302 X", &[], ""), CircuitState::Closed),
        (ok(&"x".repeat(200)), CircuitState::Closed),
    ] {
        for any_status in [false, true] {
            let server = FaultServer::start([act.clone()]).await;
            let builder = touchy(server.builder()).max_response_bytes(100);
            let client = builder.build().unwrap();
            let mut call = client.get("/");
            if matches!(act, Act::AnswerAndStall(_)) {
                call = call.deadline(Duration::from_millis(100));
            }
            let _ = match any_status {
                true => call.send_any_status().await,
                false => call.send().await,
            };
            assert_eq!(state(&client), expected, "{act:?}");
        }
    }
}

/// It is told so by the server, and its clients keep to it.
#[tokio::test]
async fn a_server_that_asks_to_be_left_alone_is_left_alone_by_all() {
    let server = FaultServer::start([answer("503 X", &["retry-after: 20"], "")]).await;
    let client = touchy(server.builder()).build().unwrap();
    client.get("/").send().await.unwrap_err();
    let fault = client.clone().post("/other").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::CircuitOpen);
    let left = fault.retry_after().unwrap().as_secs_f64();
    assert!((19.0..=20.0).contains(&left), "{left}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_trial_whose_caller_goes_away_does_not_keep_the_others_out() {
    let stall = || Act::AnswerAndStall(Vec::new());
    let server = FaultServer::start([answer("503 X", &[], ""), stall(), ok("{}")]).await;
    let client = touchy(server.builder()).build().unwrap();
    client.get("/").send().await.unwrap_err();
    later(Duration::from_secs(2)).await;
    let trial = tokio::spawn(client.get("/trial").send());
    server.received(2).await;
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::CircuitOpen);
    trial.abort();
    assert!(trial.await.unwrap_err().is_cancelled());
    client.get("/").send().await.unwrap();
    assert_eq!(state(&client), CircuitState::Closed);
}

/// A long poll, say, while the server is as well as can be.
#[tokio::test]
async fn a_trial_that_takes_long_does_not_keep_the_others_out() {
    let stall = Act::AnswerAndStall(Vec::new());
    let server = FaultServer::start([answer("503 X", &[], ""), stall, ok("{}")]).await;
    let client = touchy(server.builder()).build().unwrap();
    client.get("/").send().await.unwrap_err();
    later(Duration::from_secs(2)).await;
    let trial = client.get("/poll").deadline(Duration::from_secs(600));
    let trial = tokio::spawn(trial.send());
    server.received(2).await;
    let fault = client.get("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::CircuitOpen);
    later(Duration::from_secs(1)).await;
    client.get("/").send().await.unwrap();
    assert_eq!(state(&client), CircuitState::Closed);
    trial.abort();
}

#[tokio::test]
async fn another_server_of_the_service_is_called_when_the_first_is_not_to_be_had() {
    let second = FaultServer::start([ok("{}")]).await;
    let recorder = Recorder::default();
    let client = HttpClient::builder(&format!("{}/one", nobody().await))
        .fallback(&format!("{}/two", second.url()))
        .observer(recorder.clone())
        .build()
        .unwrap();
    // Nothing was sent, so it need not be idempotent.
    let call = client.post("/orders").bearer(&Secret::from("t0ken"));
    call.send().await.unwrap();
    let told = recorder.take_only();
    assert_eq!(
        (told.origin(), told.path()),
        (&*second.url(), "/two/orders")
    );
    assert_eq!(told.attempts(), 2);
    let request = &second.requests()[0];
    assert!(
        request.starts_with("POST /two/orders HTTP/1.1"),
        "{request}"
    );
    assert!(request.contains("authorization: Bearer t0ken\r\n"));

    for _ in 0..10 {
        client.post("/orders").send().await.unwrap();
    }
    // The first one's circuit is open by now: nobody pays for it any more.
    let told = recorder.0.lock().unwrap().pop().unwrap();
    assert_eq!(told.attempts(), 1);
    let states: Vec<_> = client.circuits().map(|(_, state)| state).collect();
    assert_eq!(states, [CircuitState::Open, CircuitState::Closed]);
}

#[tokio::test]
async fn what_may_have_arrived_goes_to_no_other_server_unless_idempotent() {
    for (idempotent, expected) in [(false, 0), (true, 1)] {
        let first = FaultServer::start([Act::Reset]).await;
        let second = FaultServer::start([ok("{}")]).await;
        let builder = first.builder().fallback(&second.url());
        let client = builder.build().unwrap();
        let mut call = client.post("/orders");
        if idempotent {
            call = call.idempotent();
        }
        assert_eq!(call.send().await.is_ok(), idempotent);
        let received = (first.requests().len(), second.requests().len());
        assert_eq!(received, (1, expected));
    }
}

/// What one server asks for is between it and us: the other is asked at once.
#[tokio::test]
async fn a_server_that_asks_to_be_left_alone_does_not_speak_for_the_others() {
    let first = FaultServer::start([answer("503 X", &["retry-after: 3600"], "")]).await;
    let second = FaultServer::start([ok("{}")]).await;
    let builder = first.builder().fallback(&second.url());
    let client = builder.build().unwrap();
    client.get("/orders").send().await.unwrap();
    let fault = client.post("/orders").send().await.unwrap_err();
    assert_eq!(fault.status().unwrap(), 503);
    assert_eq!((first.requests().len(), second.requests().len()), (2, 1));
}

/// There is another, but that one is left alone itself.
#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_be_left_alone_is_left_alone_while_no_other_is_to_be_had() {
    let busy = answer("503 X", &["retry-after: 3"], "");
    let server = FaultServer::start([ok("{}"), ok("{}"), busy, ok("{}")]).await;
    let builder = HttpClient::builder(&nobody().await).fallback(&server.url());
    let policy = CircuitBreaker::new().failures(2);
    let policy = policy.open_for(Duration::from_secs(20));
    let client = builder.circuit_breaker(policy).build().unwrap();
    for _ in 0..2 {
        client.get("/").send().await.unwrap();
    }
    assert_eq!(state(&client), CircuitState::Open);
    let start = tokio::time::Instant::now();
    client.get("/").send().await.unwrap();
    assert_eq!(server.requests().len(), 4);
    let after = start.elapsed();
    assert!(after >= Duration::from_secs(3), "{after:?}");
}

#[test]
fn every_base_url_is_checked() {
    let builder = HttpClient::builder("https://one.test").fallback("http://two.test");
    assert!(builder.build().is_err());
}
