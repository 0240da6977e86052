//! A two-level cache: memory in front, Redis behind, one loader per key.
//!
//! What is cached is declared once as a [`Space`]: its name, its lifetime, and its class. The class
//! is a type, so that what must never be stale cannot be configured to be. [`Cache::get_or_load`]
//! looks in memory, then in Redis, then asks the loader, and tells where the value came from.
//!
//! ```
//! use std::time::Duration;
//! use auth_cache::{Bounded, Cache, Origin, Space};
//!
//! const ROLES: Space<Vec<String>, Bounded> = Space::new("roles", Duration::from_secs(900))
//!     .max_stale(Duration::from_secs(300));
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let cache = Cache::builder("my-app").build(); // add `.redis(handle)` for the second level
//!
//! let load = || async { Ok::<_, String>(vec!["admin".to_owned()]) };
//! let roles = cache.get_or_load(&ROLES, "user-hash", load).await.unwrap();
//! assert_eq!(roles.origin(), Origin::Loader);
//!
//! let load = || async { Err("the service is away".to_owned()) };
//! let roles = cache.get_or_load(&ROLES, "user-hash", load).await.unwrap();
//! assert_eq!(roles.origin(), Origin::Memory);
//! assert_eq!(roles.value(), &["admin"]);
//! # }
//! ```
//!
//! # What holds
//!
//! - Concurrent misses of one key share one load. The load runs in a task of its own: a caller that
//!   goes away does not end it for the others. Its failure goes to all who wait and is not cached.
//! - A value is served for its lifetime, spread by 10 % so that entries made together do not expire
//!   together. Beyond it only a [`Bounded`] or [`BestEffort`] space serves it, for at most its
//!   `max_stale`, and only when the loader fails.
//! - What was deleted, replaced or cleared is not served any more once the call has returned: not
//!   from memory, not from Redis, and not by a load that began before.
//! - A fault of Redis never reaches the caller. It is counted in [`Cache::stats`], and what could
//!   not be deleted is kept in mind: it is not read again, and it is deleted when Redis is back.
//! - When Redis was away, what [`Strict`] and [`Bounded`] spaces hold in memory is dropped on its
//!   return, because deletions by others may have been missed.
//!
//! # Limits
//!
//! It needs a tokio runtime. A loader must not ask for its own key: it would wait for itself. A key must not be a secret: pass a hash of a token, never the token.
//! Deletions are not announced to other processes yet: until an entry of theirs expires, they
//! serve it from their memory.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod builder;
mod cache;
mod debts;
mod entry;
mod envelope;
mod fence;
mod flight;
mod level_two;
mod loaded;
mod shelf;
mod space;
mod stats;

pub use crate::builder::CacheBuilder;
pub use crate::cache::Cache;
pub use crate::loaded::{Loaded, Origin};
pub use crate::space::{BestEffort, Bounded, Cacheable, Consistency, MayBeStale, Space, Strict};
pub use crate::stats::CacheStats;
