//! Loads under way, so that those who want the same key wait for the same load.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::shelf::Began;

/// The loads of one space by key.
#[derive(Debug, Default)]
pub(crate) struct Flights(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    flights: HashMap<Box<str>, Flight>,
    next_serial: u64,
}

#[derive(Debug)]
struct Flight {
    serial: u64,
    began: Began,
    /// A `watch::Receiver<Option<T>>`. Callers may differ in the type of their errors.
    outcome: Box<dyn Any + Send>,
}

/// What somebody who wants a key has to do.
pub(crate) enum Role<T> {
    /// Load it, and let it land.
    Lead(Landing<T>, Waiting<T>),
    /// Wait.
    Follow(Waiting<T>),
}

impl Flights {
    /// Joins the load of this key, or starts one. A load that began in another state of the world
    /// is not joined: its value may have been deleted before this caller asked.
    pub(crate) fn join<T: Clone + Send + Sync + 'static>(
        &self,
        key: &str,
        began: Began,
    ) -> Role<T> {
        let mut table = lock(&self.0);
        if let Some(flight) = table.flights.get(key)
            && flight.began == began
            && let Some(outcome) = flight.outcome.downcast_ref::<watch::Receiver<Option<T>>>()
        {
            return Role::Follow(Waiting(outcome.clone()));
        }
        let serial = table.next_serial;
        table.next_serial += 1;
        let (sender, receiver) = watch::channel(None);
        let flight = Flight {
            serial,
            began,
            outcome: Box::new(receiver.clone()),
        };
        table.flights.insert(key.into(), flight);
        let landing = Landing {
            table: Arc::clone(&self.0),
            key: key.into(),
            serial,
            sender,
        };
        Role::Lead(landing, Waiting(receiver))
    }
}

/// The end of a load. Dropped without an outcome (the loader panicked, or the runtime shuts down), it
/// sends those who wait to load for themselves.
pub(crate) struct Landing<T> {
    table: Arc<Mutex<Table>>,
    key: Box<str>,
    serial: u64,
    sender: watch::Sender<Option<T>>,
}

impl<T> Landing<T> {
    /// Hands the outcome to all who wait.
    pub(crate) fn land(mut self, outcome: T) {
        // First, so that whoever is woken does not find it again and take it for a later one.
        self.leave();
        self.sender.send_replace(Some(outcome));
    }

    /// From here on nobody joins it.
    fn leave(&mut self) {
        let mut table = lock(&self.table);
        // Only our own: a later load may have taken the place.
        if let Entry::Occupied(flight) = table.flights.entry(std::mem::take(&mut self.key))
            && flight.get().serial == self.serial
        {
            flight.remove();
        }
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

pub(crate) struct Waiting<T>(watch::Receiver<Option<T>>);

impl<T: Clone> Waiting<T> {
    /// The outcome, or `None` if there will be none.
    pub(crate) async fn outcome(mut self) -> Option<T> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake, Waker};

    use super::*;
    use crate::entry::Era;
    use crate::fence::Fences;

    /// Asks for the key again in the moment in which it is woken.
    struct Eager {
        flights: Flights,
        began: Began,
        leads: AtomicBool,
    }

    impl Wake for Eager {
        fn wake(self: Arc<Self>) {
            let role = self.flights.join::<u32>("k", self.began);
            let leads = matches!(role, Role::Lead(..));
            self.leads.store(leads, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_hears_that_a_load_has_landed_does_not_join_it_again() {
        let began = Began {
            epoch: Fences::new().of("k").epoch(),
            era: Era {
                clearings: 0,
                gaps: 0,
            },
        };
        let eager = Arc::new(Eager {
            flights: Flights::default(),
            began,
            leads: AtomicBool::new(false),
        });
        let Role::Lead(landing, _) = eager.flights.join::<u32>("k", began) else {
            panic!("nobody else flies");
        };
        let Role::Follow(waiting) = eager.flights.join::<u32>("k", began) else {
            panic!("it flies");
        };
        let mut outcome = pin!(waiting.outcome());
        let waker = Waker::from(Arc::clone(&eager));
        let mut context = Context::from_waker(&waker);
        assert!(outcome.as_mut().poll(&mut context).is_pending());
        landing.land(7);
        assert!(outcome.as_mut().poll(&mut context).is_ready());
        assert!(eager.leads.load(Ordering::SeqCst));
    }
}
