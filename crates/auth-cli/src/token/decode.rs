//! `authctl token decode`.

use std::io::{self, Write};

use auth_jwt::Rejection;
use auth_jwt::danger::{self, Unverified};

use super::input;
use crate::args::DecodeArguments;
use crate::failure::Failure;
use crate::json_text;
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
/// Header and claims are shown as they were written, order and numbers and all.
fn write(decoded: &Unverified, json: bool, out: &mut impl Write) -> io::Result<()> {
    let (header, claims) = (decoded.header_json(), decoded.claims_json());
    if json {
        let (header, claims) = (json_text::line(header), json_text::line(claims));
        return writeln!(
            out,
            r#"{{"verified":false,"warning":"{WARNING}","header":{header},"claims":{claims}}}"#
        );
    }
    writeln!(out, "{WARNING}")?;
    writeln!(out, "\nheader\n{}", json_text::pretty(header))?;
    writeln!(out, "\nclaims\n{}", json_text::pretty(claims))
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
