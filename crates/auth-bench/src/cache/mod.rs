//! Hits of the cache: in memory, and in Redis.
//!
//! [`local`] is a hit in memory, beside moka itself; [`remote`] is a value of Redis, beside the handle
//! of the library below and a pool that is asked for a connection each time.

mod local;
mod remote;
#[cfg(test)]
mod tests;

use crate::case::Case;
use crate::settings::Settings;

pub(crate) fn cases(settings: &Settings) -> Vec<Case> {
    // Who is measured beside others has peers enough.
    let alone = settings.data().is_none();
    let mut cases = local::cases(alone);
    cases.extend(remote::cases(settings, alone));
    cases
}

/// A user's roles: what an application keeps most of.
type Roles = std::sync::Arc<[String]>;

fn roles() -> Roles {
    [
        "offline_access",
        "uma_authorization",
        "default-roles-main",
        "auditor",
        "orders:read",
    ]
    .map(str::to_owned)
    .into()
}

fn key(number: usize) -> String {
    format!(
        "miso:roles:5f0c2a9e-7d1b-4c55-9a0e-{:012x}",
        number * 2_654_435_761 % 0xffff_ffff
    )
}

/// Keys in an order that the processor cannot guess.
fn order(count: usize) -> impl FnMut() -> usize {
    let mut at = 0;
    move || {
        at = (at + 7919) % count;
        at
    }
}
