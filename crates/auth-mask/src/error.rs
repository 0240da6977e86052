//! What went wrong, in words that somebody else chose.

use std::error::Error;
use std::iter::successors;
use std::panic::PanicHookInfo;

use crate::memo::Judge;
use crate::text;

/// An error and its causes, from the outermost, each masked, with colons between.
pub(crate) fn mask(judge: &mut Judge<'_>, error: &(dyn Error + 'static)) -> String {
    let mut out = String::new();
    let causes = successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    for error in causes.take(MOST_CAUSES) {
        if !out.is_empty() {
            out.push_str(": ");
        }
        out.push_str(&text::unnamed(judge, &error.to_string()));
    }
    out
}

/// Where somebody panicked, and the masked message.
pub(crate) fn mask_panic(judge: &mut Judge<'_>, panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = text::unnamed(judge, message);
    match panic.location() {
        Some(location) => format!("panicked at {location}: {message}"),
        None => format!("panicked: {message}"),
    }
}

/// An error that is its own cause is told this often.
const MOST_CAUSES: usize = 32;
