use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, Problem, SystemClock};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::body::{self, BodyError};
use crate::client::Inner;
use crate::fault::{Fault, FaultKind, RequestLine};
use crate::observer::Exchange;
use crate::request::RequestBuilder;
use crate::response::{self, Response};
use crate::retry::Retry;
use crate::{connect, problem_body, retry_after};

/// Which answers a caller wants to see as such.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    Success,
    AnyStatus,
}

/// A request that has been checked.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) deadline: Duration,
    pub(crate) idempotent: bool,
}

/// What is known of a call while it runs, whatever becomes of it.
#[derive(Default)]
struct Progress {
    attempts: u32,
    status: Option<StatusCode>,
    response_bytes: u64,
}

/// Makes one call: checks, sends, and tells those who watch.
pub(crate) async fn send(request: RequestBuilder, accept: Accept) -> Result<Response, Fault> {
    let start = Instant::now();
    let client = request.client();
    let client = client.inner();
    let line = request.line();
    let request_bytes = request.body_bytes();
    let correlation_id = request.correlation_to_send();
    let mut progress = Progress::default();
    let mut path = Box::default();

    let outcome = match request.prepare(correlation_id.as_ref()) {
        Err(complaint) => Err(Fault::new(FaultKind::InvalidRequest, complaint)),
        Ok(outgoing) => {
            path = outgoing.path.clone();
            let deadline = later(start, outgoing.deadline);
            let answer = first_answer(client, &outgoing, deadline, &mut progress).await;
            match answer {
                Ok(answer) => take(client, answer, accept, deadline, &line, &mut progress).await,
                Err(fault) => Err(fault),
            }
        }
    };
    let outcome = outcome.map_err(|fault| {
        let fault = fault.about(&line);
        fault.with_correlation_id(correlation_id.as_ref())
    });

    tell(
        client,
        &Exchange {
            method: line.method.clone(),
            origin: Arc::clone(client.origin.text()),
            template: line.template.clone(),
            path,
            status: progress.status,
            fault: outcome.as_ref().err().map(Fault::kind),
            elapsed: start.elapsed(),
            attempts: progress.attempts,
            request_bytes,
            response_bytes: progress.response_bytes,
            correlation_id,
        },
    );
    outcome
}

type Answer = http::Response<Incoming>;

/// Tries until an answer begins, the retry policy gives up, or the deadline would pass.
async fn first_answer(
    client: &Inner,
    outgoing: &Outgoing,
    deadline: Instant,
    progress: &mut Progress,
) -> Result<Answer, Fault> {
    let mut retry = Retry::new(outgoing.idempotent);
    loop {
        progress.attempts += 1;
        let fault = match attempt(client, outgoing, deadline).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let Some(pause) = retry.pause(&fault) else {
            return Err(fault);
        };
        let resume = later(Instant::now(), pause);
        if resume >= deadline {
            return Err(fault);
        }
        sleep_until(resume).await;
    }
}

async fn attempt(client: &Inner, outgoing: &Outgoing, deadline: Instant) -> Result<Answer, Fault> {
    let mut request = http::Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = outgoing.uri.clone();
    *request.headers_mut() = outgoing.headers.clone();
    let connection = capture_connection(&mut request);
    match timeout_at(deadline, client.pool.request(request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(connect::fault(error)),
        Err(_) => {
            let connected = connection.connection_metadata().is_some();
            Err(deadline_passed(if connected {
                "waiting for an answer"
            } else {
                "connecting"
            }))
        }
    }
}

/// Makes a response or a fault of an answer that has begun. From here on nothing is sent again.
async fn take(
    client: &Inner,
    answer: Answer,
    accept: Accept,
    deadline: Instant,
    line: &Arc<RequestLine>,
    progress: &mut Progress,
) -> Result<Response, Fault> {
    let (head, body) = answer.into_parts();
    let status = head.status;
    progress.status = Some(status);
    let about_answer = |fault: Fault| {
        fault
            .with_status(status)
            .with_correlation_id(response::correlation_id(&head.headers).as_ref())
            .with_retry_after(retry_after::read(&head.headers, SystemClock.now()))
    };
    let wanted = status.is_success() || accept == Accept::AnyStatus;
    if !wanted && is_redirect(status) {
        return Err(about_answer(Fault::of_status(
            FaultKind::Redirect,
            status,
            None,
        )));
    }
    // Of an answer nobody wants, only as much is read as a problem may be long.
    let max = match wanted {
        true => client.max_response_bytes,
        false => client.max_response_bytes.min(Problem::MAX_BYTES),
    };
    let reading = timeout_at(
        deadline,
        body::read(body, max, &mut progress.response_bytes),
    );
    let read = reading.await;
    if !wanted {
        // The status is worth more than what may have happened to its explanation.
        let problem = match &read {
            Ok(Ok(body)) => problem_body::read(status, body),
            _ => None,
        };
        return Err(about_answer(Fault::of_status(
            FaultKind::Status,
            status,
            problem,
        )));
    }
    match read {
        Ok(Ok(body)) => Ok(Response::new(Arc::clone(line), status, head.headers, body)),
        Ok(Err(BodyError::TooLarge)) => {
            let what = format!("the answer's body is longer than {max} bytes");
            Err(about_answer(Fault::new(FaultKind::TooLarge, what)))
        }
        Ok(Err(BodyError::Broken(error))) => {
            let fault = Fault::new(FaultKind::Receive, "the answer broke off in its body");
            Err(about_answer(fault.with_source(error)))
        }
        Err(_) => Err(about_answer(deadline_passed("reading the answer's body"))),
    }
}

/// The statuses that send a client elsewhere (RFC 9110 §15.4); 304 and 300 do not.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn deadline_passed(doing: &str) -> Fault {
    Fault::new(
        FaultKind::Deadline,
        format!("the deadline passed while {doing}"),
    )
}

/// A moment that may lie beyond what a clock can say is far enough away in thirty years.
fn later(start: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    start.checked_add(by.min(FAR)).unwrap_or(start)
}

fn tell(client: &Inner, exchange: &Exchange) {
    tracing::debug!(
        method = %exchange.method,
        origin = &*exchange.origin,
        template = &*exchange.template,
        status = exchange.status.map(|status| status.as_u16()),
        fault = exchange.fault.map(FaultKind::code),
        attempts = exchange.attempts,
        elapsed_ms = exchange.elapsed.as_secs_f64() * 1000.0,
        "outgoing call"
    );
    for observer in &client.observers {
        observer.observe(exchange);
    }
}
