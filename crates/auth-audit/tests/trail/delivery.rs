//! How events come to the sink: in order, in batches, once.

use std::collections::HashMap;
use std::time::Duration;

use auth_audit::{AuditLog, NotDurable, SinkFault};
use tokio::time::Instant;

use crate::common::{Answer, Recorder, down, emit, numbers};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn events_arrive_in_order_in_batches_of_the_size() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone())
        .batch_size(4)
        .build()
        .unwrap();
    emit(&log, 0..10);
    let stats = log.shutdown(MINUTE).await.unwrap().stats();
    assert_eq!(
        sink.batches(),
        [numbers(0..4), numbers(4..8), numbers(8..10)]
    );
    assert_eq!((stats.delivered, stats.pending, stats.dropped), (10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_leaves_after_the_interval() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    let begin = Instant::now();
    emit(&log, 0..2);
    log.event("2", "things").emit_durable().await.unwrap();
    assert_eq!(sink.batches(), [numbers(0..3)]);
    let millis = begin.elapsed().as_millis();
    assert!((100..110).contains(&millis), "{millis}");
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone())
        .batch_interval(Duration::from_secs(3600))
        .build()
        .unwrap();
    emit(&log, 0..9);
    let begin = Instant::now();
    log.event("9", "things").emit_durable().await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(sink.batches(), [numbers(0..10)]);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_down_gets_the_same_events_again_and_none_twice() {
    let sink = Recorder::answering([down(), down(), Answer::Panic, down()]);
    let log = AuditLog::builder(sink.clone())
        .jitter(|| 1.0)
        .build()
        .unwrap();
    emit(&log, 0..15);
    let begin = Instant::now();
    log.event("15", "things").emit_durable().await.unwrap();
    // 100 + 200 + 400 + 800 ms, and the second batch's interval.
    assert_eq!(begin.elapsed().as_millis() / 10, 160);
    assert_eq!(sink.actions(), numbers(0..16));
    let ids = |attempt: usize| {
        let attempts = sink.attempts();
        attempts[attempt]
            .iter()
            .map(|event| event.id())
            .collect::<Vec<_>>()
    };
    assert!((1..5).all(|attempt| ids(attempt) == ids(0)));
    assert_eq!(log.stats().retries, 4);
    assert_eq!(log.stats().delivered, 16);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_is_tried_again() {
    let sink = Recorder::answering([Answer::Hang]);
    let log = AuditLog::builder(sink.clone())
        .patience(Duration::from_secs(5))
        .build()
        .unwrap();
    log.event("0", "things").emit_durable().await.unwrap();
    assert_eq!(sink.attempts().len(), 2);
    assert_eq!(sink.actions(), numbers(0..1));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_asks_for_time_gets_it() {
    let busy = SinkFault::transient("429").retry_after(Duration::from_secs(20));
    let sink = Recorder::answering([Answer::Fault(busy)]);
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    let begin = Instant::now();
    log.event("0", "things").emit_durable().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn durable_resolves_when_the_sink_has_it_and_not_before() {
    let sink = Recorder::answering([down(), down()]);
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    let durable = log.event("0", "things").emit_durable();
    assert!(sink.actions().is_empty());
    assert_eq!(log.stats().pending, 1, "it is queued before it is awaited");
    durable.await.unwrap();
    assert_eq!(sink.actions(), numbers(0..1));
}

#[tokio::test(start_paused = true)]
async fn what_the_sink_rejects_is_set_aside_and_told() {
    let partial = SinkFault::rejected_some([1, 99], "207");
    let sink = Recorder::answering([Answer::Fault(partial)]);
    let log = AuditLog::builder(sink.clone())
        .batch_size(3)
        .build()
        .unwrap();
    let answers = [0, 1, 2].map(|n| log.event(n.to_string(), "things").emit_durable());
    let [zero, one, two] = answers;
    assert_eq!((zero.await, two.await), (Ok(()), Ok(())));
    assert_eq!(one.await, Err(NotDurable::Rejected));

    let stats = log.shutdown(MINUTE).await.unwrap().stats();
    assert_eq!((stats.delivered, stats.rejected), (3, 1));
    let aside = log.set_aside();
    assert_eq!(aside.len(), 1);
    let told = &sink.accepted()[0];
    assert_eq!(told.action(), auth_audit::REJECTED);
    assert_eq!(told.context()["rejected"], 1);
    assert_eq!(told.context()["ids"][0], aside[0].id().to_string());
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_rejects_everything_is_told_of_it_once() {
    let refuse = || Answer::Fault(SinkFault::rejected("400"));
    let sink = Recorder::answering([refuse(), refuse(), refuse(), refuse()]);
    let log = AuditLog::builder(sink.clone())
        .batch_size(2)
        .build()
        .unwrap();
    emit(&log, 0..2);
    let stats = log.shutdown(MINUTE).await.unwrap().stats();
    assert_eq!((stats.rejected, stats.delivered), (3, 0));
    assert_eq!(
        sink.attempts().len(),
        4,
        "the events, each of them alone, and the report of them"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_emitters_at_once_lose_nothing() {
    let sink = Recorder::answering([down(), down()]);
    let log = AuditLog::builder(sink.clone())
        .batch_size(100)
        .jitter(|| 0.0)
        .build()
        .unwrap();
    let emitters: Vec<_> = (0..1000)
        .map(|emitter| {
            let log = log.clone();
            tokio::spawn(async move {
                for number in 0..5 {
                    log.event(number.to_string(), emitter.to_string()).emit();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for emitter in emitters {
        emitter.await.unwrap();
    }
    log.shutdown(MINUTE).await.unwrap();
    let mut seen: HashMap<String, Vec<String>> = HashMap::new();
    for event in sink.accepted() {
        let actions = seen.entry(event.resource().to_owned()).or_default();
        actions.push(event.action().to_owned());
    }
    assert_eq!(seen.len(), 1000);
    assert!(seen.values().all(|actions| *actions == numbers(0..5)));
}
