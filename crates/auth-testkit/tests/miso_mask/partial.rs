//! What is shown of a value by its ends.

use auth_mask::mask_partial;
use serde_json::json;

use crate::chance::Chance;
use crate::names;
use crate::oracle::oracle;

#[test]
fn as_much_of_a_value_is_shown_as_the_original_shows() {
    let Some(oracle) = oracle() else { return };
    let mut chance = Chance(4);
    let cases: Vec<_> = (0..4_000)
        .map(|_| {
            let value: String = (0..chance.below(4))
                .map(|_| names::any(&mut chance))
                .collect();
            (value, chance.below(12), chance.below(12))
        })
        .collect();
    let question = |(value, first, last): &(String, usize, usize)| json!({ "do": "partial", "value": value, "first": first, "last": last });
    let questions: Vec<_> = cases.iter().map(question).collect();
    let (mut whole, mut empty) = (0, 0);
    for ((value, first, last), theirs) in cases.iter().zip(oracle.ask(&questions)) {
        let ours = mask_partial(value, *first, *last);
        assert_eq!(theirs["masked"], ours, "{value:?} {first} {last}");
        whole += usize::from(ours == auth_mask::MASK);
        empty += usize::from(value.is_empty());
    }
    assert!((empty + 200..3_000).contains(&whole), "{whole} {empty}");
}
