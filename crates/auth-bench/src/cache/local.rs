//! A hit in memory.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use auth_cache::{Bounded, Cache, Space};

use super::{Roles, key, order, roles};
use crate::case::{Case, Operation, Role};

const TTL: Duration = Duration::from_secs(900);

/// As they come out of JSON, which is how the level behind keeps them.
const ROLES: Space<std::sync::Arc<Vec<String>>, Bounded> =
    Space::new("roles", TTL).max_entries(100_000);

pub(super) fn cases(alone: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for count in [64, 10_000] {
        let name = format!("local get hit ({count} keys)");
        let ours = move || candidate(count);
        cases.push(Case::new(&name, "auth-cache: get", Role::Candidate, ours));
        let ours = move || loading(count);
        cases.push(Case::new(
            &name,
            "auth-cache: get_or_load",
            Role::Candidate,
            ours,
        ));
        if alone {
            let moka = move || moka(count);
            cases.push(Case::new(
                &name,
                "moka sync (default hasher, no TTL)",
                Role::Limit,
                moka,
            ));
        }
    }
    cases
}

fn candidate(count: usize) -> anyhow::Result<Operation> {
    let (cache, keys) = filled(count)?;
    let mut next = order(count);
    Ok(Operation::new(move || {
        let found = ready(cache.get(&ROLES, &keys[next()])).flatten();
        found.is_some_and(|found| is_auditor(found.value()))
    }))
}

fn loading(count: usize) -> anyhow::Result<Operation> {
    let (cache, keys) = filled(count)?;
    let mut next = order(count);
    Ok(Operation::new(move || {
        let load = || async { Err::<std::sync::Arc<Vec<String>>, _>(()) };
        let found = ready(cache.get_or_load(&ROLES, &keys[next()], load));
        found.is_some_and(|found| found.is_ok_and(|found| is_auditor(found.value())))
    }))
}

fn filled(count: usize) -> anyhow::Result<(Cache, Vec<String>)> {
    let cache = Cache::builder("bench").build();
    let keys: Vec<String> = (0..count).map(key).collect();
    for key in &keys {
        let roles = std::sync::Arc::new(roles().to_vec());
        ready(cache.set(&ROLES, key, roles)).context("memory alone waits for nobody")?;
    }
    ensure!(keys.len() == count);
    Ok((cache, keys))
}

fn moka(count: usize) -> anyhow::Result<Operation> {
    let cache: moka::sync::Cache<String, Roles> = moka::sync::Cache::new(100_000);
    let keys: Vec<String> = (0..count).map(key).collect();
    for key in &keys {
        cache.insert(key.clone(), roles());
    }
    let mut next = order(count);
    Ok(Operation::new(move || {
        cache
            .get(keys[next()].as_str())
            .is_some_and(|roles| is_auditor(&roles))
    }))
}

fn is_auditor(roles: &[String]) -> bool {
    roles.iter().any(|role| role == "auditor")
}

/// What a future has to say at once. A hit waits for nothing. Inlined, because whoever awaits a future
/// does not move it either.
#[inline(always)]
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
