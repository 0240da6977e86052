//! What is tried again, what is not, and how connections are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use auth_http::{CircuitBreaker, FaultKind, HttpClient, RequestBuilder, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

#[tokio::test]
async fn a_connection_is_kept_for_the_next_call() {
    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client();
    for _ in 0..5 {
        client.clone().post("/").send().await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

/// Not marked as idempotent, and still it succeeds: nothing was written to the dead connection.
#[tokio::test]
async fn a_connection_the_server_closed_while_idle_is_no_fault() {
    let Act::Answer(bytes) = ok("{}") else {
        unreachable!()
    };
    let mut server = FaultServer::start([Act::AnswerAndClose(bytes), ok("{}")]).await;
    let client = server.client();
    client.post("/first").send().await.unwrap();
    server.closed_one().await;
    client.post("/second").send().await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

/// How often a call that meets a reset was received, and in how many attempts it was told of.
async fn received(
    acts: Vec<Act>,
    call: impl FnOnce(&HttpClient) -> RequestBuilder,
) -> (usize, u32, bool) {
    let server = FaultServer::start(acts).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    let outcome = call(&client).send().await;
    (
        server.requests().len(),
        recorder.only().attempts(),
        outcome.is_ok(),
    )
}

#[tokio::test]
async fn a_call_that_may_have_been_received_is_sent_again_only_if_idempotent() {
    let reset_then_ok = || vec![Act::Reset, ok("{}")];
    assert_eq!(
        received(reset_then_ok(), |c| c.get("/")).await,
        (2, 2, true)
    );
    assert_eq!(
        received(reset_then_ok(), |c| c.post("/").idempotent()).await,
        (2, 2, true)
    );
    assert_eq!(
        received(reset_then_ok(), |c| c.post("/")).await,
        (1, 1, false)
    );
    assert_eq!(
        received(reset_then_ok(), |c| c.put("/")).await,
        (1, 1, false)
    );
    assert_eq!(
        received(reset_then_ok(), |c| c.delete("/")).await,
        (1, 1, false)
    );
    assert_eq!(
        received(vec![Act::Reset], |c| c.get("/")).await,
        (3, 3, false)
    );
}

#[tokio::test]
async fn an_answer_that_says_later_is_asked_for_again_only_if_idempotent() {
    let later = || vec![answer("503 X", &["retry-after: 0"], ""), ok("{}")];
    for (call, expected) in [
        (Call::Get, (2, 2, true)),
        (Call::Post, (1, 1, false)),
        (Call::IdempotentPost, (2, 2, true)),
        (Call::GetNever, (1, 1, false)),
        (Call::GetConnectOnly, (1, 1, false)),
    ] {
        assert_eq!(received(later(), |c| call.of(c)).await, expected);
    }
    for status in [
        "400 X", "401 X", "404 X", "429 X", "500 X", "501 X", "504 X",
    ] {
        let acts = vec![answer(status, &[], ""), ok("{}")];
        let again = matches!(status, "429 X" | "504 X");
        let expected = if again { (2, 2, true) } else { (1, 1, false) };
        assert_eq!(received(acts, |c| c.get("/")).await, expected, "{status}");
    }
}

#[derive(Clone, Copy)]
enum Call {
    Get,
    Post,
    IdempotentPost,
    GetNever,
    GetConnectOnly,
}

impl Call {
    fn of(self, client: &HttpClient) -> RequestBuilder {
        match self {
            Self::Get => client.get("/"),
            Self::Post => client.post("/"),
            Self::IdempotentPost => client.post("/").idempotent(),
            Self::GetNever => client.get("/").retry(RetryPolicy::never()),
            Self::GetConnectOnly => client.get("/").retry(RetryPolicy::connect_only()),
        }
    }
}

/// Both forms of RFC 9110 §10.2.3. What is asked for is more than the policy waits, so the call
/// ends at once, and no retry is early.
#[tokio::test]
async fn a_server_that_asks_for_more_than_is_waited_is_not_asked_again() {
    let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let date = format!("retry-after: {}", httpdate::fmt_http_date(tomorrow));
    for header in ["retry-after: 11", date.as_str()] {
        let server = FaultServer::start([answer("429 X", &[header], ""), ok("{}")]).await;
        let fault = server.client().get("/").send().await.unwrap_err();
        assert!(fault.retry_after().unwrap() > Duration::from_secs(10));
        assert_eq!(server.requests().len(), 1);
    }
}

/// A thousand calls to a server that is there and answers none.
#[tokio::test]
async fn when_everything_fails_a_server_gets_no_more_than_a_fifth_on_top() {
    let server = FaultServer::start([answer("503 X", &[], "")]).await;
    let hasty = RetryPolicy::idempotent().backoff(Duration::ZERO, Duration::ZERO);
    let client = server
        .builder()
        .retry(hasty.max_attempts(10))
        .circuit_breaker(CircuitBreaker::disabled())
        .build()
        .unwrap();
    for _ in 0..1000 {
        client.get("/").send().await.unwrap_err();
    }
    let received = server.requests().len();
    assert!((1001..=1200).contains(&received), "{received}");
}

#[tokio::test]
async fn nothing_is_sent_again_once_an_answer_began() {
    for answer in [
        "H",
        "HTTP/1.1 200 OK\r\ncont",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{",
        "HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n",
        "no http\r\n\r\n",
    ] {
        let acts = vec![Act::AnswerAndClose(answer.into()), ok("{}")];
        assert_eq!(
            received(acts, |c| c.get("/")).await,
            (1, 1, false),
            "{answer}"
        );
    }
}

/// More than the sockets hold, so that most of the request is written after the answer began.
#[tokio::test]
async fn nothing_is_sent_again_once_an_answer_began_while_the_request_was_being_written() {
    for begun in ["HTTP/1.1 200 OK\r\nx-done: ", "\r\nHTTP/1.1 2"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&received);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut some = vec![0; 1024];
                stream.read_exact(&mut some).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(begun.as_bytes()).await.unwrap();
                // So much does not fit into the sockets: by then the client has read that, too.
                let mut some = vec![0; LENGTH - LENGTH / 16];
                stream.read_exact(&mut some).await.unwrap();
            }
        });
        let client = HttpClient::builder(&url).build().unwrap();
        let call = client.put("/").body("text/plain", vec![b'x'; LENGTH]);
        let fault = call.idempotent().send().await.unwrap_err();
        server.abort();
        assert_eq!(received.load(Ordering::SeqCst), 1, "{begun:?}");
        assert_eq!(fault.kind(), FaultKind::Receive, "{fault}");
    }
    const LENGTH: usize = 32 << 20;
}

/// The same, on a connection that has carried an answer before.
#[tokio::test]
async fn an_answer_that_began_on_a_kept_connection_is_told_from_an_earlier_one() {
    for (second, requests) in [
        (Act::Reset, 3),
        (Act::AnswerAndClose(b"HTTP/1.1 2".to_vec()), 2),
    ] {
        let server = FaultServer::start([ok("{}"), second, ok("{}")]).await;
        let client = server.client();
        client.get("/").send().await.unwrap();
        let outcome = client.get("/").send().await;
        assert_eq!(server.requests().len(), requests, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_call_that_found_no_connection_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let recorder = Recorder::default();
    let client = HttpClient::builder(&url)
        .observer(recorder.clone())
        .build()
        .unwrap();
    let never = RetryPolicy::never();
    for (call, attempts) in [(client.post("/"), 3), (client.get("/").retry(never), 1)] {
        let fault = call.send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Connect);
        assert_eq!(recorder.take_only().attempts(), attempts);
    }
}

#[tokio::test]
async fn attempts_share_one_deadline() {
    let server = FaultServer::start([Act::Reset, Act::AnswerAndStall(Vec::new())]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    let deadline = Duration::from_millis(300);
    let fault = client.get("/").deadline(deadline).send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    let exchange = recorder.only();
    assert_eq!(exchange.attempts(), 2);
    let over = exchange.elapsed().checked_sub(deadline).unwrap();
    assert!(over < Duration::from_millis(250), "{over:?}");
}

/// The clock stands still while anything can be done and jumps when nothing can, so what is
/// measured is what was waited for. A millisecond is as exact as a timer is.
#[tokio::test(start_paused = true)]
async fn no_call_lasts_longer_than_its_deadline_whatever_the_server_does() {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let patient = RetryPolicy::idempotent().max_attempts(1000);
    for act in [
        Act::Reset,
        Act::AnswerAndStall(Vec::new()),
        Act::AnswerAndStall(bytes("HTTP/1.1 200 OK\r\ncontent-le")),
        Act::AnswerAndStall(bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")),
        Act::AnswerAndStall(bytes("HTTP/1.1 503 X\r\ncontent-length: 9\r\n\r\n{")),
        answer("503 X", &[], ""),
        answer("503 X", &["retry-after: 3"], ""),
    ] {
        for deadline in [1, 700, 7_000].map(Duration::from_millis) {
            let server = FaultServer::start([act.clone()]).await;
            let client = server.builder().retry(patient.clone()).build().unwrap();
            let start = Instant::now();
            client.get("/").deadline(deadline).send().await.unwrap_err();
            let took = start.elapsed();
            let most = deadline + Duration::from_millis(1);
            assert!(took <= most, "{act:?}: {took:?} of {deadline:?}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_does_not_spoil_the_next() {
    let server = FaultServer::start([Act::AnswerAndStall(Vec::new()), ok("{}")]).await;
    let client = server.client();
    let dropped = tokio::time::timeout(Duration::from_millis(100), client.post("/1").send());
    assert!(dropped.await.is_err());
    client.post("/2").send().await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_deadline_without_end_is_no_fault() {
    let server = FaultServer::start([ok("{}")]).await;
    server
        .client()
        .get("/")
        .deadline(Duration::MAX)
        .send()
        .await
        .unwrap();
}
