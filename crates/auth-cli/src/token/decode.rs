//! `authctl token decode`.

use std::io::{self, Write};

use auth_jwt::Rejection;
use auth_jwt::danger::{self, Unverified};
use serde::Serialize;
use serde_json::Value;

use super::input;
use crate::args::DecodeArguments;
use crate::failure::Failure;
use crate::printable::printable_lines;
use crate::status::Status;

pub(super) fn run(arguments: &DecodeArguments) -> Result<Status, Failure> {
    let json = arguments.json;
    let token = input::read_one(io::stdin().lock()).map_err(|error| Failure::input(&error))?;
    let decoded = token.and_then(|token| danger::decode_without_verifying(token.expose()));
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(rejection) => {
            undecodable(&rejection).report(json);
            return Ok(Status::Refused);
        }
    };
    let mut stdout = io::stdout().lock();
    write(&decoded, json, &mut stdout)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(Status::Good)
}

/// The warning comes first in either form, so that it is not what scrolls away or is cut off.
fn write(decoded: &Unverified, json: bool, out: &mut impl Write) -> io::Result<()> {
    let Unverified { header, claims, .. } = decoded;
    if json {
        let document = Document {
            verified: false,
            warning: WARNING,
            header,
            claims,
        };
        return writeln!(out, "{}", serde_json::to_string(&document)?);
    }
    let pretty = |value| serde_json::to_string_pretty(value).map(|text| printable_lines(&text));
    writeln!(out, "{WARNING}")?;
    writeln!(out, "\nheader\n{}", pretty(header)?)?;
    writeln!(out, "\nclaims\n{}", pretty(claims)?)
}

#[derive(Serialize)]
struct Document<'a> {
    verified: bool,
    warning: &'static str,
    header: &'a Value,
    claims: &'a Value,
}

const WARNING: &str = "NOTHING WAS VERIFIED: anybody can have written this token; \
    to verify it, use `authctl token verify`";

fn undecodable(rejection: &Rejection) -> Failure {
    Failure::new(
        rejection.code(),
        rejection.to_string(),
        "pass one signed token (three parts in base64url with dots between them) on standard \
         input, without `Bearer` and without quotes",
    )
}
