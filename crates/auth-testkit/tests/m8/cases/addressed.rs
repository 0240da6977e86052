//! From whom and for whom a token is.

use super::{Edit, Oddity, claim};
use crate::judges::Given;

const ISSUER: &str = "https://auth.test";

const FROM: Given = Given {
    issuer: Some(ISSUER),
    audiences: &[],
};
const FOR: Given = Given {
    issuer: None,
    audiences: &["orders"],
};
const FOR_EITHER: Given = Given {
    issuer: None,
    audiences: &["orders", "invoices"],
};

pub(super) fn oddities() -> Vec<Oddity> {
    let issuers = [
        r#""https://auth.test""#,
        r#""https://auth.test/""#,
        r#""https://auth""#,
        r#""HTTPS://auth.test""#,
        r#""https://auth.test.evil""#,
        r#"" https://auth.test""#,
        r#"["https://auth.test"]"#,
        r#"{"https://auth.test":1}"#,
        r#""""#,
        "null",
        "5",
    ];
    let audiences = [
        r#""orders""#,
        r#""invoices""#,
        r#""Orders""#,
        r#""order""#,
        r#""orders ""#,
        r#"["orders"]"#,
        r#"["other","orders"]"#,
        r#"["orders","orders"]"#,
        r#"["other"]"#,
        r#"["orders",5]"#,
        r#"["orders",null]"#,
        r#"[["orders"]]"#,
        r#"{"orders":1}"#,
        "[]",
        r#""""#,
        "null",
        "5",
    ];
    let mut oddities = vec![
        Oddity::new("iss compared: none", [Edit::NoClaim("iss")]).given(FROM),
        Oddity::new("aud compared: none", [Edit::NoClaim("aud")]).given(FOR),
        Oddity::new("aud not compared: another's", [claim("aud", "\"other\"")]),
        Oddity::new("iss not compared: another's", [claim("iss", "\"other\"")]),
    ];
    oddities.extend(issuers.map(|json| {
        Oddity::new(format!("iss compared: {json}"), [claim("iss", json)]).given(FROM)
    }));
    for (name, given) in [
        ("aud compared", FOR),
        ("one of two aud compared", FOR_EITHER),
    ] {
        let oddity =
            |json| Oddity::new(format!("{name}: {json}"), [claim("aud", json)]).given(given);
        oddities.extend(audiences.map(oddity));
    }
    oddities
}
