//! Loss is never silent: overflow, shutdown, and a log that is dropped.

use std::time::Duration;

use auth_audit::{AuditLog, BuildError, NotDurable};
use tokio::time::Instant;

use crate::common::{Answer, Lines, Recorder, down, emit, numbers};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_the_newest_and_the_trail_tells_how_many() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone())
        .capacity(5)
        .batch_size(2)
        .build()
        .unwrap();
    emit(&log, 0..8);
    let refused = log.event("8", "things").emit_durable().await;
    assert_eq!(refused, Err(NotDurable::Full));
    assert_eq!(log.stats().dropped, 4);

    let stats = log.shutdown(MINUTE).await.unwrap().stats();
    let mut expected = numbers(0..5);
    expected.push(auth_audit::DROPPED.to_owned());
    assert_eq!(sink.actions(), expected);
    assert_eq!(sink.accepted()[5].context()["dropped"], 4);
    assert_eq!((stats.delivered, stats.dropped), (6, 4));
}

#[tokio::test(start_paused = true)]
async fn what_is_on_the_way_counts_against_the_capacity() {
    let sink = Recorder::answering([Answer::Hang]);
    let log = AuditLog::builder(sink.clone())
        .capacity(2)
        .batch_size(2)
        .build()
        .unwrap();
    emit(&log, 0..2);
    while sink.attempts().is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = log.event("2", "things").emit_durable().await;
    assert_eq!(refused, Err(NotDurable::Full));
    assert_eq!(log.stats().pending, 2);
}

#[tokio::test(start_paused = true)]
async fn shutdown_within_the_deadline_delivers_everything() {
    let sink = Recorder::answering([down(), down(), down()]);
    let log = AuditLog::builder(sink.clone())
        .jitter(|| 1.0)
        .build()
        .unwrap();
    emit(&log, 0..25);
    assert!(log.shutdown(MINUTE).await.is_ok());
    assert_eq!(sink.actions(), numbers(0..25));
}

#[tokio::test(start_paused = true)]
async fn shutdown_beyond_the_deadline_says_how_many_are_left() {
    let sink = Recorder::answering([Answer::Accept, Answer::Hang]);
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    emit(&log, 0..24);
    let durable = log.event("24", "things").emit_durable();
    let begin = Instant::now();
    let error = log.shutdown(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 2);
    assert_eq!(error.left(), 15);
    assert_eq!(error.to_string(), "15 audit events were not delivered");
    assert_eq!(durable.await, Err(NotDurable::Closed));
    let again = log.shutdown(MINUTE).await.unwrap_err();
    assert_eq!(again.left(), 15);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_sit_out_a_wait_between_attempts() {
    let sink = Recorder::answering([down()]);
    let log = AuditLog::builder(sink.clone())
        .batch_size(1)
        .jitter(|| 1.0)
        .build()
        .unwrap();
    emit(&log, 0..1);
    while log.stats().retries == 0 {
        tokio::task::yield_now().await;
    }
    let begin = Instant::now();
    log.shutdown(MINUTE).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn after_shutdown_nothing_is_taken_and_everything_counted() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    log.shutdown(MINUTE).await.unwrap();
    emit(&log, 0..2);
    let refused = log.event("2", "things").emit_durable().await;
    assert_eq!(refused, Err(NotDurable::Closed));
    assert_eq!(log.stats().dropped, 3);
    assert!(log.shutdown(MINUTE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_dropped_says_so_and_delivers_what_it_can() {
    let lines = Lines::default();
    let _tracing = tracing::subscriber::set_default(lines.clone());
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    let durable = log.event("0", "things").emit_durable();
    drop(log.clone());
    assert_eq!(lines.text(), "", "it was not the last one");
    drop(log);
    assert!(lines.text().contains("pending=1"), "{}", lines.text());
    durable.await.unwrap();
    assert_eq!(sink.actions(), numbers(0..1));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_dropped_while_the_sink_is_down_says_how_many_are_lost() {
    let lines = Lines::default();
    let _tracing = tracing::subscriber::set_default(lines.clone());
    let log = AuditLog::builder(Recorder::answering([down()]))
        .build()
        .unwrap();
    emit(&log, 0..2);
    let durable = log.event("2", "things").emit_durable();
    drop(log);
    assert_eq!(durable.await, Err(NotDurable::Closed));
    assert!(lines.text().contains("lost=3"), "{}", lines.text());
}

#[test]
fn a_runtime_that_ends_early_says_how_many_are_lost() {
    let lines = Lines::default();
    let _tracing = tracing::subscriber::set_default(lines.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let log = runtime.block_on(async { AuditLog::builder(Recorder::default()).build().unwrap() });
    // Nothing runs here: an event is taken all the same.
    emit(&log, 0..3);
    assert_eq!(log.stats().pending, 3);
    drop(runtime);
    assert!(lines.text().contains("lost=3"), "{}", lines.text());
    emit(&log, 3..4);
    assert_eq!(log.stats().dropped, 1);
}

#[test]
fn a_log_that_cannot_work_is_not_built() {
    let build = |capacity, batch_size| {
        let log = AuditLog::builder(Recorder::default())
            .capacity(capacity)
            .batch_size(batch_size);
        log.build().unwrap_err()
    };
    assert_eq!(build(0, 1), BuildError::Capacity);
    assert_eq!(build(1, 0), BuildError::BatchSize);
    assert_eq!(build(1, 101), BuildError::BatchSize);
    assert_eq!(build(1, 100), BuildError::NoRuntime);
}
