use std::time::Duration;

use auth_core::{Clock, Problem, SystemClock};
use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::body::{self, BodyError};
use crate::breaker::Sign;
use crate::client::Inner;
use crate::fault::{Fault, FaultKind, Sent};
use crate::record::Record;
use crate::request::RequestBuilder;
use crate::response::{self, Response};
use crate::retry::{Retries, RetryPolicy};
use crate::{connect, credential, problem_body, retry_after};

/// Which answers a caller wants to see as such.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    Success,
    AnyStatus,
}

/// A request that has been checked.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Below the origin's prefix.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Of both, at the client's first origin.
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) deadline: Duration,
    pub(crate) idempotent: bool,
    pub(crate) retry: RetryPolicy,
}

/// Makes one call: checks, sends, and tells those who watch.
pub(crate) async fn send(request: RequestBuilder, accept: Accept) -> Result<Response, Fault> {
    let id = request.correlation_to_send();
    let mut record = Record::begin(request.client(), request.line(), id);
    record.request_bytes = request.body_bytes();
    let outcome = match request.prepare(record.correlation_id.as_ref()) {
        Err(complaint) => Err(Fault::new(FaultKind::InvalidRequest, complaint)),
        Ok(outgoing) => {
            record.path = Some(outgoing.path.as_str().into());
            call(&outgoing, accept, &mut record).await
        }
    };
    record.end(outcome.as_ref().err().map(Fault::kind));
    match outcome {
        Ok((head, body)) => Ok(Response::new(record.line.clone(), head, body)),
        Err(fault) => Err(fault
            .about(&record.line)
            .with_correlation_id(record.correlation_id.as_ref())),
    }
}

type Answer = (http::response::Parts, Bytes);

/// Tries until there is an answer, the retry policy or the budget gives up, or the deadline would
/// pass.
async fn call(outgoing: &Outgoing, accept: Accept, record: &mut Record) -> Result<Answer, Fault> {
    let handle = record.client.clone();
    let client = handle.inner();
    let deadline = later(record.start(), outgoing.deadline);
    let mut retries = Retries::new(&outgoing.retry, outgoing.idempotent);
    let mut first = 0;
    let mut latest = None;
    let mut replayed = false;
    client.budget.deposit();
    loop {
        let mut headers = outgoing.headers.clone();
        let adding = credential::add(handle.credentials(), &mut headers);
        let Ok(tokens) = timeout_at(deadline, adding).await else {
            return Err(deadline_passed("waiting for a token").unsent());
        };
        let tokens = tokens?;
        let (origin, permit) = match client.admit(first) {
            Ok(admitted) => admitted,
            // What opened the circuit says more than that it is open.
            Err(open) => return Err(latest.unwrap_or(open)),
        };
        record.attempt(origin);
        if let Some(credentials) = client.proxy_authorization(origin) {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        let outcome = attempt(client, outgoing, headers, accept, deadline, record).await;
        client.settle(origin, permit, sign(&outcome));
        let refused = record.status() == Some(StatusCode::UNAUTHORIZED);
        if refused && !replayed && outgoing.retry.allows_replay() {
            replayed = true;
            // All that were sent: the answer does not say which of them it means.
            let refused = tokens.iter().filter(|token| token.refused());
            if refused.count() > 0 {
                first = origin;
                continue;
            }
        }
        let fault = match outcome {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let Some(mut pause) = retries.pause(&fault) else {
            return Err(fault);
        };
        first = (origin + 1) % client.origins();
        if (record.attempts as usize) < client.origins() {
            // It has not been asked yet, and owes nothing for the one before.
            pause = Duration::ZERO;
        }
        let resume = later(Instant::now(), pause);
        if resume >= deadline || !client.budget.withdraw() {
            return Err(fault);
        }
        if !pause.is_zero() {
            sleep_until(resume).await;
        }
        latest = Some(fault);
    }
}

/// Sends it once, and takes the answer.
async fn attempt(
    client: &Inner,
    outgoing: &Outgoing,
    headers: HeaderMap,
    accept: Accept,
    deadline: Instant,
    record: &mut Record,
) -> Result<Answer, Fault> {
    let uri = match record.origin {
        0 => Some(outgoing.uri.clone()),
        other => client.origin(other).uri(&outgoing.path, &outgoing.query),
    };
    let Some(uri) = uri else {
        // Its prefix is longer than the first one's.
        let what = "the path and query are too long";
        return Err(Fault::new(FaultKind::InvalidRequest, what));
    };
    let mut request = http::Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    let connection = capture_connection(&mut request);
    let answer = match timeout_at(deadline, client.pool.request(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(connect::fault(error)),
        Err(_) => {
            return Err(match connection.connection_metadata().is_some() {
                true => deadline_passed("waiting for an answer"),
                false => deadline_passed("connecting").unsent(),
            });
        }
    };
    record.answered(answer.status());
    take(client, answer, accept, deadline, record).await
}

/// Makes a fault of an answer that is none of success, and reads the body of one that is.
async fn take(
    client: &Inner,
    answer: http::Response<Incoming>,
    accept: Accept,
    deadline: Instant,
    record: &mut Record,
) -> Result<Answer, Fault> {
    let (head, body) = answer.into_parts();
    let status = head.status;
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
    let reading = timeout_at(deadline, body::read(body, max, &mut record.response_bytes));
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
        Ok(Ok(body)) => Ok((head, body)),
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

/// What an attempt tells of its origin.
fn sign(outcome: &Result<Answer, Fault>) -> Sign {
    let of_status = |status: StatusCode, asked| match status.as_u16() {
        502..=504 => Sign::Failing(asked),
        _ => Sign::Alive,
    };
    let fault = match outcome {
        Ok((head, _)) => {
            let asked = retry_after::read(&head.headers, SystemClock.now());
            return of_status(head.status, asked);
        }
        Err(fault) => fault,
    };
    match (fault.kind(), fault.status()) {
        (FaultKind::InvalidRequest, _) => Sign::None,
        (FaultKind::Send, _) if fault.sent() == Sent::No => Sign::None,
        (FaultKind::Receive | FaultKind::Deadline, _) => Sign::Failing(None),
        (_, Some(status)) => of_status(status, fault.retry_after()),
        _ => Sign::Failing(None),
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
