//! A sink that records what it was given and answers by a script.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use auth_audit::{AuditEvent, AuditLog, Batch, Delivered, Sink, SinkFault};
use auth_core::BoxFuture;
use tracing::field::{Field, Visit};
use tracing::span;

pub(crate) enum Answer {
    Accept,
    Fault(SinkFault),
    Hang,
    Panic,
}

/// Accepts everything once its script is done.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    script: VecDeque<Answer>,
    attempts: Vec<Vec<AuditEvent>>,
    accepted: Vec<Vec<AuditEvent>>,
}

impl Recorder {
    pub(crate) fn answering(script: impl IntoIterator<Item = Answer>) -> Self {
        let recorder = Self::default();
        recorder.0.lock().unwrap().script = script.into_iter().collect();
        recorder
    }

    /// The batches that were accepted, by the actions of their events.
    pub(crate) fn batches(&self) -> Vec<Vec<String>> {
        let records = self.0.lock().unwrap();
        let action = |event: &AuditEvent| event.action().to_owned();
        let batches = records.accepted.iter();
        batches
            .map(|batch| batch.iter().map(action).collect())
            .collect()
    }

    /// The actions of all accepted events.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.batches().concat()
    }

    pub(crate) fn accepted(&self) -> Vec<AuditEvent> {
        self.0.lock().unwrap().accepted.concat()
    }

    pub(crate) fn attempts(&self) -> Vec<Vec<AuditEvent>> {
        self.0.lock().unwrap().attempts.clone()
    }
}

impl Sink for Recorder {
    fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
        let events: Vec<_> = batch.events().cloned().collect();
        let mut records = self.0.lock().unwrap();
        records.attempts.push(events.clone());
        let answer = records.script.pop_front().unwrap_or(Answer::Accept);
        if matches!(answer, Answer::Accept) {
            records.accepted.push(events);
        }
        drop(records);
        Box::pin(async move {
            match answer {
                Answer::Accept => Ok(Delivered::all()),
                Answer::Fault(fault) => Err(fault),
                Answer::Hang => std::future::pending().await,
                Answer::Panic => panic!("the sink's own fault"),
            }
        })
    }
}

pub(crate) fn down() -> Answer {
    Answer::Fault(SinkFault::transient("down"))
}

/// Emits events whose actions are numbers.
pub(crate) fn emit(log: &AuditLog, numbers: std::ops::Range<usize>) {
    for number in numbers {
        log.event(number.to_string(), "things").emit();
    }
}

pub(crate) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// Takes the lines of tracing as text.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<String>>);

impl Lines {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
