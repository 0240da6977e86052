use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::Uri;
use http::uri::{Authority, Scheme};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections there may be to each origin at a time.
///
/// A connection has a place from before it is opened until it is closed. A call that finds neither
/// an idle connection nor a place waits in the pool for the one and here for the other, whichever
/// comes first; so a place needs no care of those who read an answer, leave it or give a call up.
pub(crate) struct Connections {
    pub(crate) max: usize,
    origins: Vec<((Scheme, Authority), Arc<Semaphore>)>,
}

/// What a connection holds.
pub(crate) type Place = OwnedSemaphorePermit;

/// The pool had a connection for the call meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("the connection is not needed any more")]
pub(crate) struct NotNeeded;

impl Connections {
    /// So many to each origin, of which any URI will do. Of one that is named twice the first counts.
    pub(crate) fn new(max: usize, origins: impl Iterator<Item = Uri>) -> Self {
        let origins = origins.filter_map(|uri| {
            let origin = (uri.scheme()?.clone(), uri.authority()?.clone());
            let places = Semaphore::new(max.min(Semaphore::MAX_PERMITS));
            Some((origin, Arc::new(places)))
        });
        Self {
            max,
            origins: origins.collect(),
        }
    }

    /// Waits for a place, as long as a [`Call`] does so; `None` if nobody bounded the origin.
    ///
    /// When a connection of the pool becomes idle first, the pool goes on with this in a task of its
    /// own, to have one more. There the wait would be for nothing, and each call could leave another
    /// one behind.
    pub(crate) async fn place(&self, uri: &Uri) -> Result<Option<Place>, NotNeeded> {
        let Some(places) = self.places(uri) else {
            return Ok(None);
        };
        let mut place = pin!(Arc::clone(places).acquire_owned());
        poll_fn(|cx| {
            if POLLED.get() == Polled::InBackground {
                return Poll::Ready(Err(NotNeeded));
            }
            let place = place.as_mut().poll(cx);
            if place.is_pending() {
                POLLED.set(Polled::ByCallThatWaits);
            }
            place.map(|place| Ok(place.ok()))
        })
        .await
    }

    fn places(&self, uri: &Uri) -> Option<&Arc<Semaphore>> {
        let of = |(scheme, authority): &(Scheme, Authority)| {
            uri.scheme() == Some(scheme) && uri.authority() == Some(authority)
        };
        let mut origins = self.origins.iter();
        let found = origins.find(|(origin, _)| of(origin));
        found.map(|(_, places)| places)
    }
}

/// By whom a connection is being opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    /// By the pool, for whoever may want it.
    InBackground,
    ByCall,
    /// By a call for which there is no place.
    ByCallThatWaits,
}

thread_local! {
    static POLLED: Cell<Polled> = const { Cell::new(Polled::InBackground) };
}

/// A call, as far as it waits for a connection.
#[derive(Default)]
pub(crate) struct Call {
    waits: bool,
}

impl Call {
    /// Polls what may open a connection, for this call.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let before = Before(POLLED.replace(Polled::ByCall));
        let polled = poll();
        self.waits = POLLED.get() == Polled::ByCallThatWaits;
        drop(before);
        polled
    }

    /// Whether there was no place for a connection when it was last polled.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }
}

/// What is put back, also if the poll panics.
struct Before(Polled);

impl Drop for Before {
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}
