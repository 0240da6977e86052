//! A bound on the connections at a time, and who waits for whom.

use std::time::Duration;

use auth_http::{CircuitBreaker, CircuitState, FaultKind, HttpClient, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time;

use crate::server::{Act, FaultServer, ok};

const SHORT: Duration = Duration::from_millis(200);
/// Longer than it takes, and shorter than the test may hang.
const LONG: Duration = Duration::from_secs(5);

fn at_most(max: usize, server: &FaultServer) -> HttpClient {
    let builder = server.builder().max_connections_per_origin(max);
    let breaker = CircuitBreaker::new().failures(1);
    let builder = builder.circuit_breaker(breaker);
    builder.retry(RetryPolicy::never()).build().unwrap()
}

fn nothing_ever() -> Act {
    Act::AnswerAndStall(Vec::new())
}

fn half_a_body() -> Act {
    Act::AnswerAndStall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec())
}

async fn call_together(client: &HttpClient, count: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        calls.spawn(client.post("/orders").send());
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
}

#[tokio::test]
async fn calls_beyond_the_bound_wait_for_a_connection() {
    let server = FaultServer::start([ok("{}")]).await;
    let bounded = at_most(3, &server);
    call_together(&bounded, 50).await;
    assert_eq!((server.connections(), server.requests().len()), (3, 50));
    // Unless set there is none.
    call_together(&server.client(), 50).await;
    assert!(server.connections() > 3 + 3);
}

#[test]
fn on_several_threads_too() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = FaultServer::start([ok("{}")]).await;
        let client = at_most(3, &server);
        for _ in 0..10 {
            call_together(&client, 100).await;
        }
        assert_eq!((server.connections(), server.requests().len()), (3, 1000));
    });
}

/// The pool would keep on opening connections for calls that were served otherwise.
#[tokio::test]
async fn calls_that_waited_leave_nothing_behind() {
    let server = FaultServer::start([ok("{}")]).await;
    let client = at_most(2, &server);
    let mut before = None;
    for _ in 0..20 {
        call_together(&client, 50).await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let tasks = Handle::current().metrics().num_alive_tasks();
        assert_eq!(*before.get_or_insert(tasks), tasks);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_call_that_waits_ends_with_its_deadline_and_says_why() {
    let server = FaultServer::start([nothing_ever(), ok("{}")]).await;
    let client = at_most(1, &server);
    let hanging = tokio::spawn(client.get("/").send());
    server.received(1).await;
    let fault = client.post("/orders").deadline(SHORT).send().await;
    let fault = fault.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "POST /orders: the deadline passed while the 1 that max_connections_per_origin allows were \
         in use; allow more, or make fewer calls at a time"
    );
    assert_eq!(fault.kind(), FaultKind::NoFreeConnection);
    assert!(fault.is_transient());
    assert_eq!(server.requests().len(), 1);
    // It says nothing of the origin.
    let mut states = client.circuits().map(|(_, state)| state);
    assert_eq!(states.next(), Some(CircuitState::Closed));
    hanging.abort();
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_its_connection_back() {
    let server = FaultServer::start([nothing_ever(), ok("{}")]).await;
    let client = at_most(1, &server);
    let hanging = tokio::spawn(client.get("/").send());
    server.received(1).await;
    let waiting = tokio::spawn(client.get("/").send());
    tokio::task::yield_now().await;
    hanging.abort();
    waiting.await.unwrap().unwrap();
    // Nor does one that only waited keep anything.
    for _ in 0..10 {
        let waiting = tokio::spawn(client.get("/").send());
        tokio::task::yield_now().await;
        waiting.abort();
    }
    client.get("/").send().await.unwrap();
}

/// The stack goes on offering what it has to send, whoever still wants that.
#[tokio::test]
async fn a_server_that_takes_nothing_keeps_no_connection_of_a_call_that_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (_never_read, _) = listener.accept().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1000]).await.unwrap(), 0);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let builder = HttpClient::builder(&url).max_connections_per_origin(1);
    let client = builder.build().unwrap();
    let call = client.post("/files");
    let call = call.body("text/plain", vec![b'x'; 20_000_000]);
    let fault = call.deadline(SHORT).send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    time::pause();
    time::advance(Duration::from_secs(90)).await;
    time::resume();
    client.get("/").deadline(LONG).send().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_streamed_answer_has_its_connection_until_it_was_read_or_dropped() {
    let server = FaultServer::start([ok("{}"), half_a_body(), ok("{}")]).await;
    let client = at_most(1, &server);
    let mut read = client.get("/").send_streaming().await.unwrap();
    while read.chunk().await.unwrap().is_some() {}
    let mut left = client.get("/").send_streaming().await.unwrap();
    assert_eq!(server.connections(), 1);
    left.chunk().await.unwrap();
    let fault = client.get("/").deadline(SHORT).send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::NoFreeConnection);
    let waiting = tokio::spawn(client.get("/").send());
    tokio::task::yield_now().await;
    drop(left);
    waiting.await.unwrap().unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_fails_or_ends_gives_its_place_back() {
    let end = Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec());
    let server = FaultServer::start([Act::Reset, end.clone(), end, ok("{}")]).await;
    let client = at_most(1, &server);
    let fault = client.post("/").send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Send);
    let patient = at_most(1, &server);
    for _ in 0..3 {
        patient.get("/").send().await.unwrap();
    }
    // Nobody is there.
    drop(server);
    for _ in 0..3 {
        let fault = patient.post("/").send().await.unwrap_err();
        assert_ne!(fault.kind(), FaultKind::NoFreeConnection);
    }
}

#[tokio::test]
async fn origins_do_not_share_a_bound() {
    let servers = [
        FaultServer::start([nothing_ever()]).await,
        FaultServer::start([ok("{}")]).await,
    ];
    let builder = servers[0].builder().fallback(&servers[1].url());
    let builder = builder.max_connections_per_origin(1);
    let client = builder.circuit_breaker(CircuitBreaker::new().failures(1));
    let client = client.build().unwrap();
    let call = client.get("/").deadline(SHORT).retry(RetryPolicy::never());
    call.send().await.unwrap_err();
    client.get("/").send().await.unwrap();
    assert_eq!(servers[1].connections(), 1);
}
