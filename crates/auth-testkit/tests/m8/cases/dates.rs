//! When a token begins and ends.

use super::{Oddity, claim};
use crate::judges::NOW;

pub(super) fn oddities() -> Vec<Oddity> {
    let dates = [
        ("exp", "6 seconds ago", format!("{}", NOW - 6)),
        ("exp", "5 seconds ago", format!("{}", NOW - 5)),
        ("exp", "4 seconds ago", format!("{}", NOW - 4)),
        ("exp", "now", format!("{NOW}")),
        ("exp", "a year ago", format!("{}", NOW - 31_536_000)),
        ("exp", "below zero", "-1".to_owned()),
        ("exp", "text", format!("\"{}\"", NOW + 300)),
        ("exp", "text of the past", format!("\"{}\"", NOW - 300)),
        ("exp", "text with spaces", format!("\" {} \"", NOW + 300)),
        ("exp", "text with a sign", format!("\"+{}\"", NOW + 300)),
        (
            "exp",
            "text with leading zeros",
            format!("\"00{}\"", NOW + 300),
        ),
        (
            "exp",
            "text with an underscore",
            "\"4_102_444_800\"".to_owned(),
        ),
        (
            "exp",
            "text with a fraction of zero",
            format!("\"{}.0\"", NOW + 300),
        ),
        (
            "exp",
            "text with a fraction",
            format!("\"{}.5\"", NOW + 300),
        ),
        (
            "exp",
            "text of digits beyond ASCII",
            "\"٤١٠٢٤٤٤٨٠٠\"".to_owned(),
        ),
        ("exp", "text in hexadecimal", "\"0xf4865700\"".to_owned()),
        ("exp", "text with an exponent", "\"4e9\"".to_owned()),
        ("exp", "whole float", format!("{}.0", NOW + 300)),
        ("exp", "with an exponent", "4.1024448e9".to_owned()),
        ("exp", "fractional", format!("{}.5", NOW + 300)),
        ("exp", "fractional in the past", format!("{}.5", NOW - 300)),
        ("exp", "2^53", "9007199254740992".to_owned()),
        ("exp", "beyond 2^53", "9007199254740993".to_owned()),
        ("exp", "2^63", "9223372036854775808".to_owned()),
        ("exp", "10^30", format!("1{}", "0".repeat(30))),
        ("exp", "1e30", "1e30".to_owned()),
        ("exp", "1e999", "1e999".to_owned()),
        ("exp", "5,000 digits", "9".repeat(5_000)),
        ("exp", "NaN", "NaN".to_owned()),
        ("exp", "Infinity", "Infinity".to_owned()),
        ("exp", "a list", format!("[{}]", NOW + 300)),
        ("iat", "an hour ago", format!("{}", NOW - 3600)),
        ("iat", "now", format!("{NOW}")),
        ("iat", "in 5 seconds", format!("{}", NOW + 5)),
        ("iat", "in 6 seconds", format!("{}", NOW + 6)),
        ("iat", "text", format!("\"{NOW}\"")),
        ("iat", "text of the future", format!("\"{}\"", NOW + 300)),
        ("iat", "fractional", format!("{}.25", NOW - 10)),
        ("iat", "fractional at the edge", format!("{}.25", NOW + 5)),
        ("iat", "below zero", "-5".to_owned()),
        ("nbf", "an hour ago", format!("{}", NOW - 3600)),
        ("nbf", "in 5 seconds", format!("{}", NOW + 5)),
        ("nbf", "in 6 seconds", format!("{}", NOW + 6)),
        ("nbf", "text", format!("\"{NOW}\"")),
        ("nbf", "text of the future", format!("\"{}\"", NOW + 300)),
        ("nbf", "fractional", format!("{}.25", NOW - 10)),
        ("nbf", "fractional at the edge", format!("{}.25", NOW + 5)),
        ("nbf", "NaN", "NaN".to_owned()),
    ];
    let oddity = |(name, what, json)| Oddity::new(format!("{name} {what}"), [claim(name, json)]);
    dates.into_iter().map(oddity).collect()
}
