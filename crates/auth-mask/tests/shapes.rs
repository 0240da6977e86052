//! What holds for values that are known by their shape, in every text.

use auth_mask::{Category, MASK, MaskPolicy, Masker};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// One of each kind. Nothing of them opens anything.
const SECRETS: &[&str] = &[
    "ghp_FACE0FACE0FACE0FACE0FACE0FACE0FACE0F",
    "sk_live_FACE0FACE0FACE0FACE0FACE",
    "sk-ant-FACE0-FACE0_FACE0FACE0FACE0FACE0",
    "xoxb-000000000000-FACE0FACE0FACE0FACE0FACE",
    "AKIAFACE0FACE0FACE0F",
    "SG.FACE0FACE0FACE0FACE0FA.FACE0FACE0FACE0FACE0FACE0FACE0FACE0FACE0FAC",
    "SK00000000000000000000000000face00",
    "123456789:AAFACE0FACE0FACE0FACE0FACE0FACE0FAC",
    "4111111111111111",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "NO9386011117947",
];

fn policies() -> impl Strategy<Value = Masker> {
    let default = MaskPolicy::iso27001();
    prop_oneof![
        Just(default.clone()),
        Just(default.clone().with(Category::Contact)),
        Just(default.clone().without(Category::Payment)),
        Just(default.without(Category::Credentials)),
    ]
    .prop_map(Masker::new)
}

/// Pieces that may change what stands beside them.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(SECRETS).prop_map(str::to_owned),
        proptest::sample::select(PIECES).prop_map(str::to_owned),
        "[ -~]{1,3}",
        "[0-9]{1,5}",
    ];
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

const PIECES: &[&str] = &[
    "Bearer ",
    "basic ",
    "eyJ",
    "eyJa.eyJb.c",
    ".",
    "://",
    "@",
    ":",
    "=",
    "&",
    "?",
    "password",
    "token",
    "pin",
    "\"",
    "'",
    "\\",
    " ",
    "/",
    "-",
    "_",
    "+",
    ";",
    ",",
    MASK,
    "a",
    "@b.co",
    "-----",
    "-----BEGIN ",
    "PRIVATE KEY",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "\n",
    "sig=",
    "bot",
    "4111 ",
    "4111",
    "1111",
    "sk-",
    "ghp_",
    "http://h:",
    "%2B",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn masking_twice_is_masking_once(masker in policies(), text in texts()) {
        for mask in [Masker::mask_text, Masker::mask_url, Masker::mask_query] {
            let once = mask(&masker, &text);
            prop_assert_eq!(mask(&masker, &once), once, "{:?}", text);
        }
    }

    #[test]
    fn a_planted_secret_is_never_shown(
        before in prop_oneof![any::<String>(), texts()],
        after in prop_oneof![any::<String>(), texts()],
        secret in proptest::sample::select(SECRETS),
        (left, right) in proptest::sample::select(&[("\n", "\n"), ("\"", "\""), ("(", ")"), ("'", "',"), ("\t", "\t")][..]),
    ) {
        let text = format!("{before}{left}{secret}{right}{after}");
        let masker = Masker::default();
        let shown = masker.mask_text(&text);
        // The text around may hold the same one, as a piece of something longer.
        let planted = format!("{left}{secret}{right}");
        prop_assert!(!shown.contains(&planted), "{:?}", shown);
        let value = masker.mask_value(&json!({ "note": [text] }));
        prop_assert!(!value["note"][0].as_str().unwrap().contains(&planted), "{}", value);
    }

    #[test]
    fn a_planted_secret_is_never_shown_in_a_query(secret in proptest::sample::select(SECRETS), page in 0..99) {
        let secret = secret.replace(' ', "+");
        let query = format!("page={page}&x={secret}&y=1");
        prop_assert_eq!(Masker::default().mask_query(&query), format!("page={page}&x={MASK}&y=1"));
    }

    /// No number is masked for looking like a number.
    #[test]
    fn times_and_counters_are_shown(time in 1_000_000_000_000_u64..2_000_000_000_000, count in 0_u64..999_999_999_999) {
        for text in [
            format!("{time}"), format!("{time}000"), format!("{time}000000"), format!("{count}"), format!("0.{time}411"),
            format!("at {time} after {count} of {count}"),
        ] {
            prop_assert_eq!(Masker::default().mask_text(&text), text);
        }
    }
}
