//! Connections that end under the calls on them, while the server accepts new ones: which calls are
//! sent again, and what the circuit and the budget count.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_http::{CircuitBreaker, CircuitState, FaultKind, HttpClient, RequestBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// What a server of HTTP/2 does to its first connection when all the calls are under way on it.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Sends GOAWAY with this error, answers so many of the calls, and closes.
    GoAway { error: u32, answered: usize },
    /// Sends GOAWAY that names the last call as processed, and closes without an answer.
    ClosedAfterGoAway,
    /// Resets each stream with this error, and answers what comes next.
    StreamReset(u32),
    /// Resets the connection.
    Reset,
}

/// A server that ends its first connection, and how many requests it has answered.
async fn server(ending: Ending, calls: usize) -> (String, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answered = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&answered);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        let mut first = Some((ending, calls));
        while let Ok((stream, _)) = listener.accept().await {
            let (ending, count) = (first.take(), Arc::clone(&count));
            connections.spawn(async move {
                // The client closes it at the end of a test.
                let _ = serve(stream, ending, &count).await;
            });
        }
    });
    (url, answered, tasks)
}

async fn serve(
    mut stream: TcpStream,
    mut ending: Option<(Ending, usize)>,
    answered: &AtomicUsize,
) -> io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut calls = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, _, id @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        if kind != HEADERS {
            continue;
        }
        let id = u32::from_be_bytes(id);
        let Some((how, expected)) = ending else {
            answered.fetch_add(1, Ordering::SeqCst);
            stream.write_all(&no_content(id)).await?;
            continue;
        };
        calls.push(id);
        if calls.len() < expected {
            continue;
        }
        let go_away = |last: u32, error: u32| {
            let payload = [last.to_be_bytes(), error.to_be_bytes()].concat();
            frame(GOAWAY, 0, 0, &payload)
        };
        match how {
            Ending::Reset => return stream.set_zero_linger(),
            Ending::ClosedAfterGoAway => stream.write_all(&go_away(id, 0)).await?,
            Ending::GoAway { error, answered: n } => {
                let last = calls[..n].last().copied().unwrap_or(0);
                stream.write_all(&go_away(last, error)).await?;
                for id in &calls[..n] {
                    answered.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(&no_content(*id)).await?;
                }
            }
            Ending::StreamReset(error) => {
                for id in &calls {
                    let reset = frame(RST_STREAM, 0, *id, &error.to_be_bytes());
                    stream.write_all(&reset).await?;
                }
                ending = None;
                continue;
            }
        }
        stream.shutdown().await?;
        // Closed with unread bytes it would be reset, and what was written be lost.
        return stream.read_to_end(&mut Vec::new()).await.map(drop);
    }
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let head = [0, 0, payload.len() as u8, kind, flags];
    [&head[..], &id.to_be_bytes(), payload].concat()
}

/// `:status: 204` and the end of the stream (RFC 7541 appendix A).
fn no_content(id: u32) -> Vec<u8> {
    frame(HEADERS, 0x5, id, &[0x89])
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;

type Method = fn(&HttpClient) -> RequestBuilder;
const GET: Method = |client| client.get("/orders");
const POST: Method = |client| client.post("/orders").json(&"three");

/// The kinds of the faults of so many calls at a time.
async fn faults(client: &HttpClient, method: Method, calls: usize) -> Vec<FaultKind> {
    let requests = (0..calls).map(|_| method(client).send());
    let mut tasks: JoinSet<_> = requests.collect();
    let mut faults = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        faults.extend(outcome.unwrap().err().map(|fault| fault.kind()));
    }
    faults
}

/// Makes the calls, and returns their faults, how many were answered, and the circuit's state.
async fn run(
    ending: Ending,
    method: Method,
    calls: usize,
    breaker: CircuitBreaker,
) -> (Vec<FaultKind>, usize, CircuitState) {
    let (url, answered, _tasks) = server(ending, calls).await;
    let builder = HttpClient::builder(&url).http2_only();
    let client = builder.circuit_breaker(breaker).build().unwrap();
    let faults = faults(&client, method, calls).await;
    let (_, state) = client.circuits().next().unwrap();
    (faults, answered.load(Ordering::SeqCst), state)
}

#[tokio::test]
async fn request_that_was_not_processed_is_sent_again_whatever_its_method() {
    let go_away = |error, answered| Ending::GoAway { error, answered };
    for ending in [
        go_away(0, 0),
        go_away(0, 1),
        go_away(ENHANCE_YOUR_CALM, 0),
        Ending::StreamReset(REFUSED_STREAM),
    ] {
        for method in [GET, POST] {
            // More of them than the budget has retries.
            for calls in [1, 3, 7, 25] {
                let outcome = run(ending, method, calls, CircuitBreaker::new()).await;
                let expected = (Vec::new(), calls, CircuitState::Closed);
                assert_eq!(outcome, expected, "{ending:?}, {calls} calls");
            }
        }
    }
}

#[tokio::test]
async fn request_that_may_have_been_processed_is_not_sent_again_unless_idempotent() {
    for ending in [
        Ending::Reset,
        Ending::ClosedAfterGoAway,
        Ending::StreamReset(CANCEL),
        Ending::StreamReset(INTERNAL_ERROR),
    ] {
        let outcome = run(ending, POST, 2, CircuitBreaker::new()).await;
        let expected = (vec![FaultKind::Send; 2], 0, CircuitState::Closed);
        assert_eq!(outcome, expected, "{ending:?}");
        let outcome = run(ending, GET, 2, CircuitBreaker::new()).await;
        let expected = (Vec::new(), 2, CircuitState::Closed);
        assert_eq!(outcome, expected, "{ending:?}");
    }
}

#[tokio::test]
async fn one_reset_connection_is_one_failure_and_one_retry_of_the_budget() {
    for (calls, breaker) in [
        (6, CircuitBreaker::new()),
        (6, CircuitBreaker::new().failures(2)),
        (25, CircuitBreaker::new()),
        (25, CircuitBreaker::disabled()),
    ] {
        let outcome = run(Ending::Reset, GET, calls, breaker).await;
        assert_eq!(outcome, (Vec::new(), calls, CircuitState::Closed));
    }
}

#[tokio::test]
async fn one_backend_that_resets_all_its_connections_is_one_failure() {
    let calls = 12;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let all_are_here = Arc::new(Barrier::new(calls));
        let mut connections = JoinSet::new();
        let mut accepted = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            accepted += 1;
            let is_bad = accepted <= calls;
            let all_are_here = Arc::clone(&all_are_here);
            connections.spawn(async move {
                while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                    if is_bad {
                        all_are_here.wait().await;
                        return stream.set_zero_linger().unwrap();
                    }
                    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    let client = HttpClient::builder(&url).build().unwrap();
    assert_eq!(faults(&client, GET, calls).await, []);
    let (_, state) = client.circuits().next().unwrap();
    assert_eq!(state, CircuitState::Closed);
}
