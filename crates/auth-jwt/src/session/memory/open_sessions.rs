use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use auth_core::{BoxFuture, Clock, SystemClock, UnixTime};

use super::{DEFAULT_MAX_ENTRIES, Of, is_ahead, lock, make_room};
use crate::claims::Claims;
use crate::session::{SessionStore, StoreUnavailable};

/// Sessions that are open, each until it is closed or ends. Clones share them.
#[derive(Clone)]
pub struct OpenSessions(Arc<State>);

struct State {
    max_entries: usize,
    clock: Box<dyn Clock>,
    sessions: Mutex<HashMap<Of, Session>>,
}

struct Session {
    subject: Box<str>,
    ends_at: UnixTime,
}

impl OpenSessions {
    /// No session is open, and [`DEFAULT_MAX_ENTRIES`] may be; the time is the machine's.
    pub fn new() -> Self {
        Self::bounded(DEFAULT_MAX_ENTRIES, SystemClock)
    }

    /// No session is open, and so many may be; the time is this clock's.
    pub fn bounded(max_entries: usize, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(State {
            max_entries,
            clock: Box::new(clock),
            sessions: Mutex::default(),
        }))
    }

    /// Opens the session of an issuer's subject. One that is open already is open until the later
    /// moment.
    ///
    /// # Errors
    ///
    /// If too many are open, or this one is somebody else's.
    pub fn open(
        &self,
        issuer: Option<&str>,
        session_id: &str,
        subject: &str,
        ends_at: UnixTime,
    ) -> Result<(), StoreUnavailable> {
        let now = self.0.clock.unix_now();
        let session = Of::new(issuer, session_id);
        let mut sessions = lock(&self.0.sessions);
        let is_open = |session: &&Session| is_ahead(session.ends_at, now);
        match sessions.get(&session).filter(is_open) {
            Some(open) if *open.subject != *subject => {
                return Err(StoreUnavailable::of("the session is somebody else's"));
            }
            Some(open) if open.ends_at >= ends_at => return Ok(()),
            _ => {}
        }
        if !sessions.contains_key(&session) {
            make_room(&mut sessions, self.0.max_entries, |open| {
                is_ahead(open.ends_at, now)
            })?;
        }
        let subject = subject.into();
        sessions.insert(session, Session { subject, ends_at });
        Ok(())
    }

    /// Closes a session. One that is not open stays so.
    pub fn close(&self, issuer: Option<&str>, session_id: &str) {
        lock(&self.0.sessions).remove(&Of::new(issuer, session_id));
    }
}

impl SessionStore for OpenSessions {
    fn is_open<'a>(&'a self, claims: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let session = Of::new(claims.issuer(), claims.session_id().unwrap_or_default());
        let now = self.0.clock.unix_now();
        let sessions = lock(&self.0.sessions);
        let is_theirs =
            |open: &Session| *open.subject == *claims.subject() && is_ahead(open.ends_at, now);
        let open = sessions.get(&session).is_some_and(is_theirs);
        Box::pin(std::future::ready(Ok(open)))
    }
}

impl Default for OpenSessions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for OpenSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSessions")
            .field("sessions", &lock(&self.0.sessions).len())
            .finish_non_exhaustive()
    }
}
