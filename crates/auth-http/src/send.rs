use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use auth_core::{Clock, Problem, SystemClock};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::body::{self, BodyError};
use crate::breaker::{Permit, Sign};
use crate::client::{HttpClient, Inner};
use crate::connections::Call;
use crate::fault::{Fault, FaultKind, Sent};
use crate::payload::Payload;
use crate::record::Record;
use crate::request::RequestBuilder;
use crate::response::{self, Response};
use crate::retry::{Retries, RetryPolicy};
use crate::streaming::StreamingResponse;
use crate::{connect, credential, excerpt, problem_body, retry_after};

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
    pub(crate) path: Arc<str>,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Payload,
    pub(crate) deadline: Duration,
    pub(crate) idempotent: bool,
    pub(crate) retry: RetryPolicy,
}

/// Makes one call, and reads the answer.
pub(crate) async fn send(request: RequestBuilder, accept: Accept) -> Result<Response, Fault> {
    let client = request.client();
    let mut record = Record::begin(&request);
    let outcome = match answer(&client, request, accept, &mut record).await {
        Ok(answer) => read(client.inner(), answer, &mut record).await,
        Err(fault) => Err(fault),
    };
    let outcome = outcome.map_err(|fault| about_call(fault, &record));
    record.end(outcome.as_ref().err().map(Fault::kind));
    outcome
}

/// Makes one call, and leaves the body of its answer to be read.
pub(crate) async fn open(request: RequestBuilder) -> Result<StreamingResponse, Fault> {
    let client = request.client();
    let mut record = Record::begin(&request);
    match answer(&client, request, Accept::Success, &mut record).await {
        Ok(answer) => {
            let sign = sign_of_head(&answer.head);
            client.inner().settle(record.origin, answer.permit, sign);
            let Answer {
                head,
                body,
                deadline,
                ..
            } = answer;
            Ok(StreamingResponse::new(record, head, body, deadline))
        }
        Err(fault) => {
            record.end(Some(fault.kind()));
            Err(about_call(fault, &record))
        }
    }
}

/// An answer that has begun, and that the caller wants.
struct Answer<'c> {
    head: Parts,
    body: Incoming,
    deadline: Instant,
    permit: Permit<'c>,
}

/// Tries until there is an answer that is wanted, the retry policy or the budget gives up, or the
/// deadline would pass.
async fn answer<'c>(
    handle: &'c HttpClient,
    request: RequestBuilder,
    accept: Accept,
    record: &mut Record,
) -> Result<Answer<'c>, Fault> {
    let (mut outgoing, uri) = request
        .prepare(record.correlation_id.as_ref())
        .map_err(|complaint| Fault::new(FaultKind::InvalidRequest, complaint))?;
    record.path = Some(Arc::clone(&outgoing.path));
    let client = handle.inner();
    let deadline = later(record.start(), outgoing.deadline);
    let headers = std::mem::take(&mut outgoing.headers);
    let mut kept = Kept::new(headers, &outgoing.retry);
    let mut retries = Retries::new(&outgoing.retry, outgoing.idempotent);
    // The first attempt takes it, and it is seldom needed again.
    let mut uri = Some(uri);
    let mut first = 0;
    let mut next = None;
    let mut asked = Vec::new();
    let mut latest = None;
    let mut replayed = false;
    client.budget.deposit();
    loop {
        let (headers, tokens) = match next.take() {
            Some(ready) => ready,
            None => credentials(handle, kept.take(), deadline).await?,
        };
        let (origin, permit) = match client.admit(first) {
            Ok(admitted) => admitted,
            // What opened the circuit says more than that it is open.
            Err(open) => return Err(latest.unwrap_or(open)),
        };
        record.attempt(origin);
        let attempt = attempt(client, &outgoing, uri.take(), headers, deadline, record).await;
        let refused = record.status() == Some(StatusCode::UNAUTHORIZED);
        let replaced = || {
            // All that were sent: the answer does not say which of them it means.
            let refused = tokens.iter().filter(|token| token.refused());
            refused.count() > 0
        };
        let worth_it = refused
            && !std::mem::replace(&mut replayed, refused)
            && outgoing.retry.allows_replay()
            && outgoing.body.can_be_sent()
            && replaced();
        if worth_it {
            // With no other token the refusal is the call's last word.
            let ready = credentials(handle, kept.take(), deadline).await.ok();
            next = ready.filter(|(_, others)| credential::has_another(others, &tokens));
        }
        let replay = next.is_some();
        let fault = match attempt {
            Ok((head, body)) if !replay && is_wanted(head.status, accept) => {
                return Ok(Answer {
                    head,
                    body,
                    deadline,
                    permit,
                });
            }
            Ok((head, body)) => {
                let credentials = handle.credentials();
                let was_sent = |text: &str| {
                    kept.repeats(text) || credential::any_repeats(credentials, &tokens, text)
                };
                refusal(client, head, body, deadline, record, was_sent).await
            }
            Err(fault) => fault,
        };
        let is_repeated = client.settle(origin, permit, sign(&fault));
        if replay {
            first = origin;
            continue;
        }
        asked.push(origin);
        first = (origin + 1) % client.origins();
        // If none is to be had, one may be after the pause.
        let other = client.next(first).unwrap_or(first);
        let pause = retries.pause(&fault, !asked.contains(&other));
        let Some(pause) = pause.filter(|_| outgoing.body.can_be_sent()) else {
            return Err(fault);
        };
        let resume = later(Instant::now(), pause);
        // The budget pays once for all the retries that one broken connection causes.
        if resume >= deadline || !(is_repeated || client.budget.withdraw()) {
            return Err(fault);
        }
        if !pause.is_zero() {
            sleep_until(resume).await;
        }
        latest = Some(fault);
    }
}

/// The headers with the client's credentials, and the tokens among those.
async fn credentials(
    handle: &HttpClient,
    mut headers: HeaderMap,
    deadline: Instant,
) -> Result<(HeaderMap, Vec<Box<dyn credential::Sent + '_>>), Fault> {
    if handle.credentials().is_empty() {
        return Ok((headers, Vec::new()));
    }
    let adding = credential::add(handle.credentials(), &mut headers);
    match timeout_at(deadline, adding).await {
        Ok(added) => added.map(|tokens| (headers, tokens)),
        Err(_) => Err(Fault::deadline("waiting for a token").unsent()),
    }
}

/// The headers of a request, for as many attempts as there will be.
///
/// Mostly there is one, so it gets them as they are: with room for what is added on the way. For the
/// others they are kept as a list, which costs less to make than another map.
struct Kept {
    first: Option<HeaderMap>,
    others: Vec<(HeaderName, HeaderValue)>,
}

impl Kept {
    fn new(headers: HeaderMap, policy: &RetryPolicy) -> Self {
        // Of a call with one attempt the credentials only: no fault may repeat them.
        let all = policy.allows_replay();
        let others = headers
            .iter()
            .filter(|(_, value)| all || value.is_sensitive())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            first: Some(headers),
            others,
        }
    }

    fn take(&mut self) -> HeaderMap {
        let others = || self.others.iter().cloned().collect();
        self.first.take().unwrap_or_else(others)
    }

    /// Whether a text is of a credential among them.
    fn repeats(&self, text: &str) -> bool {
        let values = self.others.iter().map(|(_, value)| value);
        let mut secrets = values.filter(|value| value.is_sensitive());
        secrets.any(|value| credential::repeats(text, value.as_bytes()))
    }
}

/// Sends it once, and waits for the headers of an answer. The URI is that of the first origin.
async fn attempt(
    client: &Inner,
    outgoing: &Outgoing,
    uri: Option<Uri>,
    headers: HeaderMap,
    deadline: Instant,
    record: &mut Record,
) -> Result<(Parts, Incoming), Fault> {
    let origin = client.origin(record.origin);
    let ready = uri.filter(|_| record.origin == 0);
    let uri = ready.or_else(|| origin.uri(&outgoing.path, &outgoing.query));
    let Some(uri) = uri else {
        // Its prefix is longer than the first one's.
        let what = "the path and query are too long";
        return Err(Fault::new(FaultKind::InvalidRequest, what));
    };
    let (body, sending) = outgoing.body.outgoing();
    let mut request = http::Request::new(body);
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    client.address(record.origin, request.headers_mut());
    let mut answering = client.pool.request(request);
    let mut call = Call::default();
    let answering = poll_fn(|cx| {
        let mut poll = || Pin::new(&mut answering).poll(cx);
        match client.connections {
            Some(_) => call.poll(poll),
            None => poll(),
        }
    });
    match timeout_at(deadline, answering).await {
        Ok(Ok(answer)) => {
            record.answered(answer.status());
            Ok(answer.into_parts())
        }
        Ok(Err(error)) => Err(match sending.has_begun() {
            true => connect::fault(error),
            false => connect::fault(error).unsent(),
        }),
        Err(_) => Err(match (sending.has_begun(), &client.connections) {
            (true, _) => Fault::deadline("waiting for an answer"),
            (false, Some(connections)) if call.waits() => no_free_connection(connections.max),
            (false, _) => Fault::deadline("connecting").unsent(),
        }),
    }
}

fn no_free_connection(max: usize) -> Fault {
    let what = format!(
        "the deadline passed while the {max} that max_connections_per_origin allows were in use; \
         allow more, or make fewer calls at a time"
    );
    Fault::new(FaultKind::NoFreeConnection, what)
}

/// Makes a fault of an answer that is not wanted. The status is worth more than what may happen to
/// its explanation, and of that only as much is read as a problem may be long.
async fn refusal(
    client: &Inner,
    head: Parts,
    body: Incoming,
    deadline: Instant,
    record: &mut Record,
    was_sent: impl Fn(&str) -> bool,
) -> Fault {
    let status = head.status;
    if is_redirect(status) {
        let fault = Fault::of_status(FaultKind::Redirect, status, None);
        return about_answer(fault, &head);
    }
    let max = client.max_response_bytes.min(Problem::MAX_BYTES);
    let announced = body::announced(&body, &record.line.method, status);
    let reading = body::read_beginning(body, announced, max, &mut record.response_bytes);
    let Ok(Ok((body, is_whole))) = timeout_at(deadline, reading).await else {
        return about_answer(Fault::of_status(FaultKind::Status, status, None), &head);
    };
    let problem = is_whole.then(|| problem_body::read(status, &body));
    let problem = problem.flatten();
    let is_secret = |code: &str| was_sent(code) || client.masker.mask_text(code) != code;
    let fault = Fault::of_status_hiding(FaultKind::Status, status, problem, is_secret);
    let shown = excerpt::of(&client.masker, &body, is_whole);
    about_answer(fault.with_body(shown), &head)
}

/// Reads the body of an answer to its end. From here on nothing is sent again.
async fn read(client: &Inner, answer: Answer<'_>, record: &mut Record) -> Result<Response, Fault> {
    let Answer {
        head,
        body,
        deadline,
        permit,
    } = answer;
    let max = client.max_response_bytes;
    let announced = body::announced(&body, &record.line.method, head.status);
    let reading = body::read(body, announced, max, &mut record.response_bytes);
    let mut reading = pin!(reading);
    // Mostly it came with the headers, and a timer would be for nothing.
    let read = match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(read) => Ok(read),
        Poll::Pending => timeout_at(deadline, reading).await,
    };
    let fault = match read {
        Ok(Ok(body)) => {
            client.settle(record.origin, permit, sign_of_head(&head));
            return Ok(Response::new(record.line.clone(), head, body));
        }
        Ok(Err(BodyError::TooLarge)) => {
            let what = format!("the answer's body is longer than {max} bytes");
            Fault::new(FaultKind::TooLarge, what)
        }
        Ok(Err(BodyError::Broken(error))) => Fault::broke_off_in_body(error),
        Err(_) => Fault::deadline("reading the answer's body"),
    };
    let fault = about_answer(fault, &head);
    client.settle(record.origin, permit, sign(&fault));
    Err(fault)
}

fn about_answer(fault: Fault, head: &Parts) -> Fault {
    fault
        .with_status(head.status)
        .with_correlation_id(response::correlation_id(&head.headers).as_ref())
        .with_retry_after(retry_after::read(&head.headers, SystemClock.now()))
}

fn about_call(fault: Fault, record: &Record) -> Fault {
    fault
        .about(&record.line)
        .with_correlation_id(record.correlation_id.as_ref())
}

/// What a failed attempt tells of its origin.
fn sign(fault: &Fault) -> Sign {
    match (fault.kind(), fault.status()) {
        (FaultKind::InvalidRequest | FaultKind::NoFreeConnection, _) => Sign::None,
        // A connection that was idle for too long, or that the server ended in good order.
        (FaultKind::Send, _) if fault.sent() == Sent::No => Sign::Drained,
        // A body of ours that failed.
        (FaultKind::Send, _) if !fault.is_transient() => Sign::None,
        (FaultKind::Send, _) => Sign::Broken,
        (FaultKind::Receive, _) if fault.is_transient() => Sign::Broken,
        (FaultKind::Receive | FaultKind::Deadline, _) => Sign::Failing(None),
        (_, Some(status)) => sign_of_status(status, fault.retry_after()),
        _ => Sign::Failing(None),
    }
}

fn sign_of_head(head: &Parts) -> Sign {
    let asked = || retry_after::read(&head.headers, SystemClock.now());
    match head.status.is_server_error() {
        true => sign_of_status(head.status, asked()),
        false => Sign::Alive,
    }
}

fn sign_of_status(status: StatusCode, asked: Option<Duration>) -> Sign {
    match status.as_u16() {
        502..=504 => Sign::Failing(asked),
        _ => Sign::Alive,
    }
}

fn is_wanted(status: StatusCode, accept: Accept) -> bool {
    status.is_success() || accept == Accept::AnyStatus
}

/// The statuses that send a client elsewhere (RFC 9110 §15.4); 304 and 300 do not.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// A moment that may lie beyond what a clock can say is far enough away in thirty years.
fn later(start: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    start.checked_add(by.min(FAR)).unwrap_or(start)
}
