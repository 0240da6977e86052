//! Each claim the original knows, and one it does not, with a value of each kind.

use super::{Edit, Oddity, claim};

const CLAIMS: [&str; 17] = [
    "sub",
    "type",
    "jti",
    "exp",
    "iat",
    "nbf",
    "iss",
    "aud",
    "email",
    "full_name",
    "avatar",
    "is_active",
    "email_verified",
    "is_superuser",
    "role",
    "tenant_id",
    "nobody_knows",
];

const VALUES: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "-1",
    "0.0",
    "1.0",
    "1.5",
    r#""""#,
    r#""x""#,
    r#""1""#,
    "[]",
    r#"["access"]"#,
    "{}",
];

pub(super) fn oddities() -> Vec<Oddity> {
    let set = |name: &'static str| {
        let to = move |json| Oddity::new(format!("{name}: {json}"), [claim(name, json)]);
        VALUES.into_iter().map(to)
    };
    let without = |name| Oddity::new(format!("no {name}"), [Edit::NoClaim(name)]);
    let honest = Oddity::new("nothing odd", []);
    [honest]
        .into_iter()
        .chain(CLAIMS.into_iter().flat_map(set))
        .chain(CLAIMS.map(without))
        .collect()
}
