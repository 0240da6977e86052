//! A token that was verified before: the key of a cache entry, the entry, and its end.

use std::hash::Hash;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use ahash::RandomState;
use anyhow::Context;
use auth_core::{Clock, SystemClock};
use auth_jwt::{Claims, TokenCache};
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::UnitWeighter;

use crate::case::{Case, Operation, Role};
use crate::jwt::CANDIDATE;
use crate::jwt::fixtures::{Crowd, Fixtures, Form};
use crate::jwt::verify;

pub(super) fn cases(fixtures: &Rc<Fixtures>, alone: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for users in USERS {
        let mut add = |implementation, role, prepare: Prepare| {
            let name = format!("cache-hit/{users} tokens");
            let fixtures = Rc::clone(fixtures);
            cases.push(Case::new(&name, implementation, role, move || {
                prepare(&*fixtures.crowd()?, users)
            }));
        };
        add(CANDIDATE, Role::Candidate, remembered);
        if alone {
            add(TAIL, Role::Limit, tail_and_comparison);
            add("moka + SHA-256 key", Role::Peer, digest_of_the_token);
        }
    }
    cases
}

type Prepare = fn(&Crowd, usize) -> anyhow::Result<Operation>;

/// The candidate: the call that verifies any token, of a verifier that remembers.
fn remembered(crowd: &Crowd, users: usize) -> anyhow::Result<Operation> {
    let verifier = verify::verifier(&crowd.key, Form::Keycloak)?;
    let verifier = verifier.with_token_cache(TokenCache::new());
    let mut tokens = Shuffled::new(crowd, users);
    for token in &tokens.tokens {
        verifier.verify_with_known_keys(token)?;
    }
    Ok(Operation::new(move || {
        black_box(verifier.verify_with_known_keys(tokens.next())).is_ok()
    }))
}

/// The end of a signature is as good as random, so it makes a key without any hashing of a
/// kilobyte; whoever copies the end of another's is found out by the comparison.
fn tail_and_comparison(crowd: &Crowd, users: usize) -> anyhow::Result<Operation> {
    let cache = quick_cache::sync::Cache::with(
        CAPACITY,
        CAPACITY as u64,
        UnitWeighter,
        RandomState::new(),
        quick_cache::sync::DefaultLifecycle::default(),
    );
    hits(
        crowd,
        users,
        tail,
        cache,
        |cache, key, entry| cache.insert(key, entry),
        |cache, key, token| cache.get(key).filter(|entry| *entry.token == *token),
    )
}

/// What somebody would write who has a cache and a digest at hand.
fn digest_of_the_token(crowd: &Crowd, users: usize) -> anyhow::Result<Operation> {
    let cache = moka::sync::Cache::builder()
        .max_capacity(CAPACITY as u64)
        .build_with_hasher(RandomState::new());
    hits(
        crowd,
        users,
        sha256,
        cache,
        |cache, key, entry| cache.insert(key, entry),
        |cache, key, _| cache.get(key),
    )
}

/// A token's remembered verdict.
struct Entry {
    token: Box<str>,
    claims: Claims,
}

/// Fills a cache, and then asks it for the tokens of so many users.
fn hits<K: Eq + Hash + 'static, C: 'static>(
    crowd: &Crowd,
    users: usize,
    key: fn(&str) -> Option<K>,
    cache: C,
    insert: fn(&C, K, Arc<Entry>),
    get: fn(&C, &K, &str) -> Option<Arc<Entry>>,
) -> anyhow::Result<Operation> {
    let verifier = verify::verifier(&crowd.key, Form::Keycloak)?;
    let mut tokens = Shuffled::new(crowd, users);
    for token in &tokens.tokens {
        let claims = verifier.verify_with_known_keys(token)?;
        let entry = Entry {
            token: token.as_str().into(),
            claims,
        };
        let key = key(token).context("the token is too short for a key")?;
        insert(&cache, key, Arc::new(entry));
    }
    Ok(Operation::new(move || {
        let token = tokens.next();
        let entry = key(token).and_then(|key| get(&cache, &key, token));
        let now = SystemClock.unix_now();
        entry.is_some_and(|entry| entry.claims.expires_at() > now)
    }))
}

fn tail(token: &str) -> Option<u128> {
    token
        .as_bytes()
        .last_chunk()
        .copied()
        .map(u128::from_le_bytes)
}

fn sha256(token: &str) -> Option<[u8; 32]> {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()
}

/// Tokens in an order in which no two that follow one another lie beside one another.
struct Shuffled {
    tokens: Vec<String>,
    order: Vec<usize>,
    position: usize,
}

impl Shuffled {
    fn new(crowd: &Crowd, users: usize) -> Self {
        Self {
            tokens: crowd.tokens[..users].to_vec(),
            // The stride is odd and the number of users a power of two, so each comes once.
            order: (0..users).map(|index| index * 2731 % users).collect(),
            position: 0,
        }
    }

    fn next(&mut self) -> &str {
        // A division would cost as much as a good part of a hit.
        self.position = (self.position + 1) & (self.order.len() - 1);
        &self.tokens[self.order[self.position]]
    }
}

/// As many as one core's own cache holds, and as many as it does not. Powers of two.
const USERS: [usize; 2] = [64, Crowd::SIZE];

/// More than there are users: nothing is evicted.
const CAPACITY: usize = 64 * 1024;

const TAIL: &str = "quick_cache + 16 B sig tail + full compare";
