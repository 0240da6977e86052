//! What a token says of its user, and what kind of token it calls itself.

use super::{Oddity, claim};

pub(super) fn oddities() -> Vec<Oddity> {
    let roles = [
        "user",
        "reader",
        "writer",
        "admin",
        "superadmin",
        "Admin",
        "ADMIN",
        " admin",
        "root",
    ];
    let types = [
        "access", "Access", "ACCESS", " access", "refresh", "Refresh", "id", "bearer", "service",
    ];
    let flags = [
        "true",
        "True",
        "TRUE",
        "tRuE",
        "false",
        "False",
        "yes",
        "YES",
        "no",
        "on",
        "off",
        "t",
        "T",
        "f",
        "y",
        "n",
        "1",
        "0",
        " true",
        "true ",
        "truee",
        "ja",
        "enabled",
        "1.0",
        "00",
        "-0",
        "ｔｒｕｅ",
    ];
    let numbers = [
        "-0",
        "-0.0",
        "1e0",
        "0e5",
        "10",
        "0.5",
        "1.0000000000000001",
    ];
    let quoted = |name: &'static str, text: &str| {
        Oddity::new(
            format!("{name} “{text}”"),
            [claim(name, serde_json::Value::from(text).to_string())],
        )
    };
    let mut oddities: Vec<_> = roles.map(|role| quoted("role", role)).into();
    oddities.extend(types.map(|kind| quoted("type", kind)));
    for name in ["is_active", "is_superuser", "email_verified"] {
        oddities.extend(flags.map(|flag| quoted(name, flag)));
        let number = |json: &str| Oddity::new(format!("{name} {json}"), [claim(name, json)]);
        oddities.extend(numbers.map(number));
    }
    for text in ["Ada Lovelace", "Ädä 🦀", "\"\\\n\u{0}", " ", "null"] {
        oddities.push(quoted("full_name", text));
        oddities.push(quoted("avatar", text));
    }
    for text in ["u1", " ", "Ädä", "\u{0}"] {
        oddities.push(quoted("sub", text));
        oddities.push(quoted("jti", text));
    }
    let several: [(&str, &[(&'static str, &str)]); 5] = [
        (
            "a superadmin who is a superuser",
            &[("role", "\"superadmin\""), ("is_superuser", "true")],
        ),
        (
            "an admin who is a superuser",
            &[("role", "\"admin\""), ("is_superuser", "true")],
        ),
        (
            "a superadmin who is no superuser",
            &[("role", "\"superadmin\"")],
        ),
        ("a user who is switched off", &[("is_active", "false")]),
        (
            "a user with everything",
            &[
                ("full_name", "\"Ada Lovelace\""),
                ("avatar", "\"https://example.com/a.png\""),
                ("is_active", "true"),
                ("email_verified", "true"),
                ("is_superuser", "false"),
                ("role", "\"writer\""),
            ],
        ),
    ];
    oddities.extend(several.map(|(name, claims)| {
        let set = claims.iter().map(|(name, json)| claim(name, *json));
        Oddity::new(name, set.collect::<Vec<_>>())
    }));
    // What other issuers mean by these decides for every policy here; the original never heard of
    // them.
    let foreign = [
        ("cnf", r#"{"jkt":"x"}"#),
        ("typ", "\"Bearer\""),
        ("typ", "\"ID\""),
        ("typ", "5"),
        ("token_use", "\"access\""),
        ("token_use", "\"id\""),
        (
            "events",
            r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#,
        ),
        ("auth_time", "4102444800"),
        ("auth_time", "\"x\""),
        ("scope", "5"),
        ("scope", "\"a b\""),
        ("sid", "5"),
        ("azp", "5"),
        ("client_id", "5"),
        ("acr", "5"),
        ("amr", "5"),
        ("preferred_username", "5"),
        ("realm_access", "5"),
        ("permissions", "[1]"),
    ];
    oddities
        .extend(foreign.map(|(name, json)| {
            Oddity::new(format!("foreign {name} {json}"), [claim(name, json)])
        }));
    oddities
}
