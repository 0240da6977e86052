use std::fmt;
use std::sync::{Arc, OnceLock};

use http::Uri;

use crate::origin::Origin;
use crate::path::{Complaint, Template};

/// A path that may be asked for, and what follows from it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) template: Template,
    /// At the first origin and without a query, where the path has no names to be filled.
    pub(crate) uri: Option<Uri>,
}

/// The paths that were asked for before. A program calls the same few again and again, and checking
/// one and putting its URI together costs more than finding it here.
///
/// A path has one place it may be in, and whoever comes first keeps it: what is known never changes,
/// so it is read without a lock, and a program that puts values into its paths fills the places and
/// no more memory.
pub(crate) struct Routes(Box<[OnceLock<Arc<Route>>]>);

impl Routes {
    pub(crate) fn new() -> Self {
        Self((0..PLACES).map(|_| OnceLock::new()).collect())
    }

    /// The route of a path, checked now or before.
    pub(crate) fn find(&self, path: &str, origin: &Origin) -> Result<Arc<Route>, Complaint> {
        let make = || -> Result<Arc<Route>, Complaint> {
            let template = Template::parse(path)?;
            let uri = template.whole().and_then(|path| origin.uri(path, ""));
            Ok(Arc::new(Route { template, uri }))
        };
        if path.len() > LONGEST {
            return make();
        }
        let place = &self.0[hash(path) % PLACES];
        match place.get() {
            Some(route) if **route.template.text() == *path => Ok(Arc::clone(route)),
            Some(_) => make(),
            None => {
                let route = make()?;
                // If somebody was faster, so be it.
                let _ = place.set(Arc::clone(&route));
                Ok(route)
            }
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

/// FNV-1a. Who finds paths that meet in one place gains nothing: they are checked each time.
fn hash(path: &str) -> usize {
    let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = path.bytes().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 16)) as usize
}

const PLACES: usize = 64;
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_before_is_not_made_again_and_never_mistaken() {
        let origin = Origin::parse("https://host.test/miso", &[]).unwrap();
        let routes = Routes::new();
        let mut kept = 0;
        // More than there are places, so that some meet.
        for number in 0..4 * PLACES {
            let path = format!("/orders/{number}");
            let first = routes.find(&path, &origin).unwrap();
            let again = routes.find(&path, &origin).unwrap();
            kept += usize::from(Arc::ptr_eq(&first, &again));
            for route in [first, again] {
                assert_eq!(**route.template.text(), *path);
                let uri = route.uri.as_ref().unwrap();
                assert_eq!(*uri, *format!("https://host.test/miso{path}"));
            }
        }
        assert!((1..=PLACES).contains(&kept), "{kept}");
    }

    #[test]
    fn a_path_with_names_has_no_uri_and_one_that_is_refused_is_refused_again() {
        let origin = Origin::parse("https://host.test", &[]).unwrap();
        let routes = Routes::new();
        for _ in 0..2 {
            assert_eq!(routes.find("/orders/{id}", &origin).unwrap().uri, None);
            routes.find("/a/../b", &origin).unwrap_err();
        }
        let long = "/".to_owned() + &"x".repeat(LONGEST);
        let [one, another] = [0, 1].map(|_| routes.find(&long, &origin).unwrap());
        assert!(!Arc::ptr_eq(&one, &another), "what is kept is short");
    }
}
