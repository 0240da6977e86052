//! The lax policy and the original on tokens nobody wrote down: two oddities in one token, and
//! addresses put together at random. The same ones in each run.

use auth_jwt::Algorithm;
use serde_json::Value;

use crate::cases::{self, ADDRESSES, Edit, Oddity, claim};
use crate::chance::Chance;
use crate::divergences::{Comparison, LAX, accepted, is_known};
use crate::judges::{Given, oracle, ours, question};

const ALGORITHM: Algorithm = Algorithm::HS256;

/// Two changes to two claims, each of which both judge alike.
#[test]
fn two_oddities_in_one_token_are_accepted_by_both_or_by_neither() {
    let Some(oracle) = oracle() else { return };
    let single: Vec<_> = cases::all()
        .into_iter()
        .filter(|it| changes_a_claim(it) && !is_known(LAX, &it.name))
        .collect();
    let pairs = pairs(8, &single);
    let mut accepted_ones = 0;
    let mut comparison = Comparison::default();
    for (pair, ours, theirs) in judged(&oracle, pairs) {
        accepted_ones += usize::from(accepted(&theirs));
        // What is wrong in two ways may be called by either.
        if accepted(&ours) || accepted(&theirs) {
            comparison.compare(&pair.name, &ours, &theirs);
        }
    }
    comparison.finish(&[], 100);
    assert!(accepted_ones >= 100, "only {accepted_ones} were accepted");
}

/// Cuttings of the known addresses, sewn together.
#[test]
fn an_address_put_together_at_random_is_one_to_both_or_to_neither() {
    let Some(oracle) = oracle() else { return };
    // For letters beyond ASCII, and for those that DNS encodes, the original has tables of its own.
    let plain = |it: &&&str| it.is_ascii() && !it.to_lowercase().contains("xn--");
    let whole: Vec<_> = ADDRESSES.iter().filter(plain).collect();
    let joints = [
        "", "", "", ".", "-", "@", "a", "1", " ", "<", ">", "\"", "_", "--", "co",
    ];
    let mut chance = Chance(12);
    let mut addresses: Vec<String> = Vec::new();
    while addresses.len() < 2_500 {
        let (head, tail) = (chance.one_of(&whole), chance.one_of(&whole));
        let head = &head[..chance.below(head.len() + 1)];
        let tail = &tail[chance.below(tail.len() + 1)..];
        addresses.push(format!("{head}{}{tail}", chance.one_of(&joints)));
    }
    addresses.sort();
    addresses.dedup();
    let oddity = |address: &String| {
        Oddity::new(
            address,
            [claim("email", Value::from(&**address).to_string())],
        )
    };
    let mut accepted_ones = 0;
    let mut comparison = Comparison::default();
    for (oddity, ours, theirs) in judged(&oracle, addresses.iter().map(oddity).collect()) {
        accepted_ones += usize::from(accepted(&theirs));
        comparison.compare(&oddity.name, &ours, &theirs);
    }
    comparison.finish(&[], 1_500);
    assert!(accepted_ones >= 100, "only {accepted_ones} were accepted");
}

/// Letters of many scripts in one word, on either side of the `@`. What tables of Unicode decide is
/// refused here; what is accepted, the original reads alike.
#[test]
fn an_address_in_other_letters_is_refused_or_read_as_the_original_reads_it() {
    let Some(oracle) = oracle() else { return };
    let letters: Vec<_> =
        "aZ19-.äßçéñøœšžıÄŠÉαβγςΣΩабвёЖԱև漢字かなカナー한국אבגابتकखा्ตไทยạế🦀①ﬁſΆ\u{301}\u{200d}"
            .chars()
            .collect();
    let mut chance = Chance(16);
    let mut word = || -> String {
        let length = 1 + chance.below(3);
        (0..length).map(|_| chance.one_of(&letters)).collect()
    };
    let address = |_| format!("{}@{}.{}", word(), word(), word());
    let mut addresses: Vec<String> = (0..3_000).map(address).collect();
    addresses.sort();
    addresses.dedup();
    let oddity = |address: &String| {
        Oddity::new(
            address,
            [claim("email", Value::from(&**address).to_string())],
        )
    };
    let mut accepted_ones = 0;
    for (oddity, ours, theirs) in judged(&oracle, addresses.iter().map(oddity).collect()) {
        if accepted(&ours) {
            accepted_ones += 1;
            assert_eq!(ours, theirs, "{:?}", oddity.name);
        }
    }
    assert!(accepted_ones >= 200, "only {accepted_ones} were accepted");
}

/// Pairs of oddities that change a claim each, and not the same.
pub(crate) fn pairs(seed: u64, of: &[Oddity]) -> Vec<Oddity> {
    let mut chance = Chance(seed);
    let mut pairs = Vec::new();
    while pairs.len() < 800 {
        let (one, other) = (chance.one_of(of), chance.one_of(of));
        if changed_claim(one) == changed_claim(other) {
            continue;
        }
        let name = format!("{} and {}", one.name, other.name);
        let edits = [one.edits.clone(), other.edits.clone()].concat();
        pairs.push(Oddity::new(name, edits).given(both(one.given, other.given)));
    }
    pairs
}

fn judged(oracle: &auth_testkit::Peer, oddities: Vec<Oddity>) -> Vec<(Oddity, Value, Value)> {
    let token = |oddity: &Oddity| oddity.token(ALGORITHM, &cases::honest());
    let questions: Vec<_> = oddities
        .iter()
        .map(|it| question(&token(it), &it.given.config(ALGORITHM), ALGORITHM))
        .collect();
    oddities
        .into_iter()
        .zip(oracle.ask(&questions))
        .map(|(oddity, theirs)| {
            let ours = ours(oddity.given.lax(), ALGORITHM, &token(&oddity));
            (oddity, ours, theirs)
        })
        .collect()
}

pub(crate) fn changes_a_claim(oddity: &Oddity) -> bool {
    changed_claim(oddity).is_some()
}

/// The one claim that an oddity changes.
fn changed_claim(oddity: &Oddity) -> Option<&'static str> {
    match oddity.edits[..] {
        [Edit::Claim(name, _) | Edit::NoClaim(name)] => Some(name),
        _ => None,
    }
}

/// What either is told to check. No pair has a claim in common, so neither contradicts the other.
fn both(one: Given, other: Given) -> Given {
    Given {
        issuer: one.issuer.or(other.issuer),
        audiences: if one.audiences.is_empty() {
            other.audiences
        } else {
            one.audiences
        },
    }
}
