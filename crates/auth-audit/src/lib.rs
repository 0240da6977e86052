//! The audit trail: who did what, told to a [`Sink`] in batches.
//!
//! An [`AuditLog`] takes events from anywhere and never makes anybody wait: an event is masked,
//! queued, and delivered by a task in the background, in order, ten at a time or after 100 ms. An
//! event that must not be missing is emitted with [`emit_durable`](EventDraft::emit_durable).
//!
//! ```
//! use auth_audit::{AuditLog, Batch, Delivered, Sink, SinkFault};
//! use auth_core::BoxFuture;
//! use serde_json::json;
//!
//! struct Print;
//!
//! impl Sink for Print {
//!     fn deliver<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, SinkFault>> {
//!         Box::pin(async move {
//!             for event in batch.events() {
//!                 println!("{} {}", event.action(), event.context());
//!             }
//!             Ok(Delivered::all())
//!         })
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let log = AuditLog::builder(Print).build()?;
//! log.event("admin.opened", "dashboard")
//!     .context(json!({ "page": 1, "password": "hunter2" })) // is queued as ***MASKED***
//!     .emit();
//! log.shutdown(std::time::Duration::from_secs(5)).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What becomes of an event
//!
//! - **Delivered**: the sink accepted it. An event keeps its [`EventId`](auth_core::EventId) in
//!   every attempt, so that a sink that saw an attempt whose answer was lost knows it again.
//! - **Dropped**: the queue was full. The newest is dropped, and an event [`DROPPED`] with the count
//!   is put into the trail as soon as there is room.
//! - **Rejected**: the sink will never take it. It is set aside, and an event [`REJECTED`] with its
//!   id is put into the trail. A batch that is refused, or keeps failing, is halved until the event
//!   is found that is refused, or fails, alone; the others are delivered. That can change their order.
//! - **Left**: the log was shut down or given up before. [`NotDrained`] says how many, or a line of
//!   tracing does.
//!
//! [`AuditLog::stats`] has a count for each.
//!
//! # No feedback
//!
//! A sink makes HTTP calls, and HTTP calls are audited. [`is_delivering`] is true inside of whatever
//! a sink does, so that an observer can look away; events that are emitted there all the same are
//! counted as suppressed.
//!
//! # Limits
//!
//! - Events are kept in memory: a process that is killed takes them along.
//! - The queue is bounded by the number of events, and not by their size.
//! - A task that a sink spawns is not inside of its delivery; wrap it in [`suppressed`].

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod builder;
mod course;
mod delivering;
mod draft;
mod event;
mod log;
mod queue;
mod retry;
mod sink;
mod stats;
mod worker;

pub use crate::builder::{AuditLogBuilder, BuildError};
pub use crate::delivering::{Suppressed, is_delivering, suppressed};
pub use crate::draft::EventDraft;
pub use crate::event::{AuditEvent, Entity, Level};
pub use crate::log::{AuditLog, Drained, NotDrained};
pub use crate::queue::NotDurable;
pub use crate::sink::{Batch, Delivered, Sink, SinkFault};
pub use crate::stats::Stats;

/// The action of the event that tells how many were dropped, as `dropped` in its context.
pub const DROPPED: &str = "audit.dropped";

/// The action of the event that tells what the sink rejected: `rejected` and `ids` in its context.
pub const REJECTED: &str = "audit.rejected";

/// The action of the event that tells which event, as `id` in its context, the sink seems to fail
/// at while there is no other one to try it with. If that is so, [`REJECTED`] follows.
pub const SUSPECTED: &str = "audit.suspected";
