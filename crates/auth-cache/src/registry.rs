//! The shelves of a cache, by the names and types of their spaces.
//!
//! Shelves are only ever added, so whoever looks for one takes no lock: every hit in memory begins here.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

#[derive(Default)]
pub(crate) struct Registry {
    first: OnceLock<Box<Named>>,
    /// Held by whoever adds one.
    adding: Mutex<()>,
}

/// The shelf of a space. The types belong to the name: two declarations that disagree get shelves of
/// their own, and neither reads a value of the other's type.
struct Named {
    space: &'static str,
    types: TypeId,
    shelf: AnyArc,
    next: OnceLock<Box<Self>>,
}

type AnyArc = Arc<dyn Any + Send + Sync>;

impl Registry {
    pub(crate) fn find<V: 'static, C: 'static>(&self, space: &str) -> Option<&AnyArc> {
        let types = TypeId::of::<(V, C)>();
        let mut at = &self.first;
        while let Some(named) = at.get() {
            if named.types == types && named.space == space {
                return Some(&named.shelf);
            }
            at = &named.next;
        }
        None
    }

    /// Makes one if there is none, and only then.
    pub(crate) fn find_or_add<V: 'static, C: 'static>(
        &self,
        space: &'static str,
        make: impl FnOnce() -> AnyArc,
    ) -> &AnyArc {
        if let Some(shelf) = self.find::<V, C>(space) {
            return shelf;
        }
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = self.find::<V, C>(space) {
            return shelf;
        }
        let mut end = &self.first;
        while let Some(named) = end.get() {
            end = &named.next;
        }
        let named = end.get_or_init(|| {
            Box::new(Named {
                space,
                types: TypeId::of::<(V, C)>(),
                shelf: make(),
                next: OnceLock::new(),
            })
        });
        &named.shelf
    }
}
