//! A two-level cache: memory in front, Redis behind, one loader per key.
//!
//! What is cached is declared once as a [`Space`]: its name, its lifetime, and its class. The class
//! is a type, so that what must never be stale cannot be configured to be. [`Cache::get_or_load`]
//! looks in memory, then in Redis, then asks the loader, and tells where the value came from. What
//! one process changes, the others learn. Another store takes Redis' place by the port [`Backend`].
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
//! let load = || async { Err::<Vec<String>, _>("the service is away".to_owned()) };
//! let roles = cache.get_or_load(&ROLES, "user-hash", load).await.unwrap();
//! assert_eq!(roles.origin(), Origin::Memory);
//! assert_eq!(roles.value(), &["admin"]);
//! # }
//! ```
//!
//! # What holds
//!
//! - Concurrent misses of one key share one load, in all processes if the space says
//!   [so](Space::one_loader_per_fleet). The load runs in a task of its own: a caller that goes away does
//!   not end it for the others. Its failure goes to all who wait and is not cached.
//! - A value is served for its lifetime, spread by 10 % so that entries made together do not expire
//!   together. Beyond it only a [`Bounded`] or [`BestEffort`] space serves it, for at most its
//!   `max_stale`, and only when the loader fails, takes too long ([`Space::soft_deadline`]) or
//!   [rests](Space::rest_after_failure). A failing loader makes no [`Bounded`] value of which nobody knows
//!   whether others have changed it last for longer than the bound of its class.
//! - What was deleted, replaced or cleared is not served any more once the call has returned: not
//!   from memory, not from Redis, and not by a load that began before, in whichever process.
//! - Other processes with the same namespace drop it from their memory when they hear of it. Until
//!   then they may serve it, by the class of its space: a [`Strict`] one never, a [`Bounded`] one for
//!   at most its bound, a [`BestEffort`] one for its lifetime.
//! - Messages are numbered. One that was lost, an outage, a flush, and a wall clock that was set back by more than
//!   such a time are noticed, at the latest after two [check intervals](CacheBuilder::check_interval), and what [`Strict`] and [`Bounded`] spaces hold
//!   in memory is dropped then.
//! - A fault of Redis never reaches the caller. It is counted in [`Cache::stats`]. What could not be
//!   changed there is not read again, and the last change of each key is made good when Redis is back,
//!   unless somebody else has changed it later. What was set more than four and a half minutes before is
//!   deleted then instead: that somebody has deleted it later is not known any longer.
//!   [`Change::is_shared`] tells the difference.
//!
//! # Limits
//!
//! - It needs a tokio runtime. The one of the first use hears what others change; if it is shut down, that of the next
//!   miss or change does.
//! - A loader must not ask for its own key: it would wait for itself. A key must not be a secret: pass a hash of a
//!   token, never the token.
//! - Values in Redis are 1 MiB at most, and a load that takes more than four and a half minutes is kept in memory only.
//! - Clocks are taken to differ by five minutes at most. Which of two changes by different processes is the later one is
//!   a matter of their clocks, and only where one of them had to be made good. Where the clock of whoever made a value is
//!   ahead of a reader's, the reader's memory keeps it for as much longer, but for no more than one lifetime; Redis does
//!   not, and so [`Strict`] does not either.
//! - What Redis forgets before its time keeps no older load away: be it that it makes room (set `maxmemory-policy
//!   noeviction`), or that another server takes over which had not heard of it yet. And a change that it did not answer in
//!   time it may still carry out, also after a later one by another process.
//! - The bound of a [`Bounded`] value that a loader brings while Redis is away counts from the end of the load.
//! - Whoever can write to Redis can put values there, unless the space is [sealed](Space::sealed). Even then they can put
//!   an older one back under its own key.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod backend;
mod batch;
mod builder;
mod cache;
mod change;
mod debts;
mod due;
mod entry;
mod envelope;
mod error;
mod fence;
mod flight;
mod fresh;
mod hearing;
mod level_two;
mod load;
mod loaded;
mod lock;
mod message;
mod moments;
mod place;
mod record;
mod records;
mod redis;
mod registry;
mod share;
mod shelf;
mod since;
mod space;
mod stamp;
mod stats;
mod token_store;
mod wait;

pub use crate::backend::{Backend, BackendFault, HEAD, Listener, Notice, When};
pub use crate::builder::CacheBuilder;
pub use crate::cache::Cache;
pub use crate::change::Change;
pub use crate::error::LoadError;
pub use crate::fresh::Fresh;
pub use crate::loaded::{Loaded, Origin};
pub use crate::space::{BestEffort, Bounded, Cacheable, Consistency, MayBeStale, Space, Strict};
pub use crate::stats::{CacheEvent, CacheStats};
pub use crate::token_store::{NoKeys, SessionTokens, TokenStore};
