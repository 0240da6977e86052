//! One event that a sink refuses or fails at, among others that it takes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_audit::{
    AuditEvent, AuditLog, Batch, Delivered, NotDurable, REJECTED, SUSPECTED, Sink, SinkFault,
};
use auth_core::BoxFuture;
use tokio::time::{sleep, timeout};

use crate::common::{emit, numbers};

const BAD: &str = "bad";
const HOUR: Duration = Duration::from_secs(3600);

type Judge = Box<dyn Fn(&[&AuditEvent]) -> Option<SinkFault> + Send>;

/// Takes a batch in one transaction or not at all.
#[derive(Clone)]
struct Transaction(Arc<Mutex<(Judge, Vec<String>)>>);

impl Transaction {
    fn new(judge: impl Fn(&[&AuditEvent]) -> Option<SinkFault> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new((Box::new(judge), Vec::new()))))
    }

    fn failing_at_bad(fault: fn() -> SinkFault) -> Self {
        Self::new(move |events| {
            let is_bad = events.iter().any(|event| event.action() == BAD);
            is_bad.then(fault)
        })
    }

    fn judge(&self, judge: impl Fn(&[&AuditEvent]) -> Option<SinkFault> + Send + 'static) {
        self.0.lock().unwrap().0 = Box::new(judge);
    }

    fn taken(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }

    /// Without what the log tells of itself.
    fn numbers(&self) -> Vec<String> {
        let mut taken = self.taken();
        taken.retain(|action| !action.starts_with("audit."));
        taken
    }
}

impl Sink for Transaction {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
        let mut state = self.0.lock().unwrap();
        let events: Vec<_> = batch.events().collect();
        let fault = (state.0)(&events);
        if fault.is_none() {
            let actions = events.iter().map(|event| event.action().to_owned());
            state.1.extend(actions);
        }
        Box::pin(async move { fault.map_or(Ok(Delivered::all()), Err) })
    }
}

fn log(sink: &Transaction) -> AuditLog {
    let builder = AuditLog::builder(sink.clone()).jitter(|| 1.0);
    builder.build().unwrap()
}

fn failure() -> SinkFault {
    SinkFault::transient("500")
}

fn refusal() -> SinkFault {
    SinkFault::rejected("400")
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_sink_fails_at_is_set_aside_and_the_others_arrive() {
    for place in [0, 4, 9, 12, 19] {
        let sink = Transaction::failing_at_bad(failure);
        let log = log(&sink);
        emit(&log, 0..place);
        let bad = log.event(BAD, "things").emit_durable();
        emit(&log, place..20);
        assert_eq!(timeout(HOUR, bad).await, Ok(Err(NotDurable::Rejected)));
        let stats = log.shutdown(HOUR).await.unwrap().stats();
        assert_eq!(sink.numbers(), numbers(0..20), "{place}");
        assert_eq!((stats.rejected, stats.dropped), (1, 0));
        assert!(sink.taken().contains(&REJECTED.to_owned()));
        assert_eq!(log.set_aside()[0].action(), BAD);
    }
}

#[tokio::test(start_paused = true)]
async fn several_events_that_the_sink_fails_at_are_set_aside() {
    let sink = Transaction::failing_at_bad(failure);
    let log = log(&sink);
    for number in 0..20 {
        emit(&log, number..number + 1);
        if number < 3 || number == 15 {
            log.event(BAD, "things").emit();
            log.event(BAD, "things").emit();
        }
    }
    let stats = log.shutdown(HOUR).await.unwrap().stats();
    let mut taken = sink.numbers();
    taken.sort_by_key(|number| number.parse::<usize>().unwrap());
    assert_eq!(taken, numbers(0..20));
    assert_eq!(stats.rejected, 8);
}

#[tokio::test(start_paused = true)]
async fn a_lone_event_that_the_sink_fails_at_is_found_by_an_event_of_the_log() {
    let sink = Transaction::failing_at_bad(failure);
    let log = log(&sink);
    let bad = log.event(BAD, "things").emit_durable();
    assert_eq!(timeout(HOUR, bad).await, Ok(Err(NotDurable::Rejected)));
    log.shutdown(HOUR).await.unwrap();
    assert_eq!(sink.taken(), [SUSPECTED, SUSPECTED, REJECTED]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_sink_loses_nothing_and_keeps_the_order() {
    for fault in [failure, || SinkFault::unreachable("no route")] {
        let sink = Transaction::new(move |_| Some(fault()));
        let log = log(&sink);
        emit(&log, 0..30);
        sleep(HOUR).await;
        sink.judge(|_| None);
        let stats = log.shutdown(HOUR).await.unwrap().stats();
        assert_eq!(sink.taken(), numbers(0..30));
        assert_eq!((stats.delivered, stats.rejected), (30, 0));
    }
}

/// A sink that is away for some of the calls says nothing of the events in them.
#[tokio::test(start_paused = true)]
async fn an_event_that_met_an_unreachable_sink_is_not_suspected() {
    let sink = Transaction::failing_at_bad(|| SinkFault::unreachable("429"));
    let log = log(&sink);
    log.event(BAD, "things").emit();
    emit(&log, 0..9);
    sleep(HOUR).await;
    assert_eq!(log.stats().rejected, 0);
    sink.judge(|_| None);
    assert_eq!(log.shutdown(HOUR).await.unwrap().stats().delivered, 10);
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_loses_only_what_is_refused_alone() {
    for place in [0, 4, 9, 15] {
        let sink = Transaction::failing_at_bad(refusal);
        let log = log(&sink);
        emit(&log, 0..place);
        let bad = log.event(BAD, "things").emit_durable();
        emit(&log, place..20);
        let stats = log.shutdown(HOUR).await.unwrap().stats();
        assert_eq!(bad.await, Err(NotDurable::Rejected));
        assert_eq!(sink.numbers(), numbers(0..20), "{place}");
        assert_eq!((stats.rejected, stats.retries), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_are_refused_for_their_number_arrive_in_smaller_batches() {
    let sink = Transaction::new(|events| (events.len() > 3).then(refusal));
    let log = log(&sink);
    emit(&log, 0..25);
    let stats = log.shutdown(HOUR).await.unwrap().stats();
    assert_eq!(sink.taken(), numbers(0..25));
    assert_eq!(stats.rejected, 0);
}
