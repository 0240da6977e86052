//! `authctl token verify`.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Clock, Secret, SystemClock, UnixTime};
use auth_jwt::{Policy, PolicyError, Rejection, Verifier, danger};

use super::input;
use super::keys::Keys;
use super::verdict::Verdict;
use crate::args::VerifyArguments;
use crate::failure::Failure;
use crate::printable::printable;
use crate::status::Status;
use crate::wait::wait;

pub(super) fn run(arguments: VerifyArguments) -> Result<Status, Failure> {
    let policy = policy(&arguments).map_err(|error| {
        Failure::usage(
            error.to_string(),
            "the same command with `--help` lists its flags",
        )
    })?;
    let VerifyArguments { json, batch, .. } = arguments;
    let clock: Arc<dyn Clock> = match arguments.now {
        Some(secs) => Arc::new(At(UnixTime::from_secs(secs))),
        None => Arc::new(SystemClock),
    };
    let not_compared = not_compared(&arguments);
    let keys = Keys::open(arguments.keys, &arguments.algorithms);
    if let Some(failure) = &keys.failure {
        failure.report(json);
    }
    if !json {
        note(&keys.notes);
    }
    let verifier = Verifier::new(policy, keys.source).with_clock(Arc::clone(&clock));
    let (stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    if batch {
        let (status, unknown_key) = verify_lines(&verifier, stdin, stdout)?;
        if unknown_key && !json {
            note(&keys.notes_on_unknown_key);
        }
        return Ok(status);
    }
    let token = input::read_one(stdin).map_err(|error| Failure::input(&error))?;
    let verdict = judge(&verifier, token);
    let written = if json {
        verdict.write_json(&mut stdout)
    } else {
        verdict.write_text(&mut stdout, clock.unix_now())
    };
    written
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))?;
    if !json {
        if matches!(verdict, Verdict::Accepted(_)) {
            note(&not_compared);
        }
        if verdict.is_unknown_key() {
            note(&keys.notes_on_unknown_key);
        }
    }
    Ok(verdict.status())
}

/// Verifies one token a line, and returns the worst that was found and whether a key was missing.
fn verify_lines(
    verifier: &Verifier,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(Status, bool), Failure> {
    let (mut worst, mut unknown_key) = (None, false);
    while let Some(token) = input::read_line(&mut input).map_err(|error| Failure::input(&error))? {
        let verdict = judge(verifier, token);
        // Flushed line by line: whoever writes the tokens may wait for each answer.
        verdict
            .write_json(&mut output)
            .and_then(|()| output.flush())
            .map_err(|error| Failure::output(&error))?;
        worst = worst.max(Some(verdict.status()));
        unknown_key |= verdict.is_unknown_key();
    }
    // Silence must not pass for success: a broken pipeline in front of us looks just like this.
    let worst = worst.ok_or_else(|| {
        Failure::new(
            "no_input",
            "standard input holds no line, so nothing was verified",
            "pass one token a line on standard input",
        )
    })?;
    Ok((worst, unknown_key))
}

fn judge(verifier: &Verifier, token: Result<Secret, Rejection>) -> Verdict {
    let verified = token.and_then(|token| wait(verifier.verify(token.expose())));
    verified.into()
}

/// Neither issuer nor audience is pinned unless the user does it: who asks about a token on a
/// command line is not a service that acts on the answer.
fn policy(arguments: &VerifyArguments) -> Result<Policy, PolicyError> {
    let mut policy =
        danger::policy_without_issuer_and_audience().leeway(Duration::from_secs(arguments.leeway));
    for issuer in &arguments.issuers {
        policy = policy.issuer(issuer.as_str());
    }
    for audience in &arguments.audiences {
        policy = policy.audience(audience.as_str());
    }
    if !arguments.algorithms.is_empty() {
        policy = policy.algorithms(arguments.algorithms.iter().copied());
    }
    if let Some(token_type) = &arguments.token_type {
        policy = policy.token_type(token_type.as_str());
    }
    policy.build()
}

/// What an acceptance does not say.
fn not_compared(arguments: &VerifyArguments) -> Vec<String> {
    let flags = [
        ("issuer", "--iss", &arguments.issuers),
        ("audience", "--aud", &arguments.audiences),
    ];
    let omitted = flags.iter().filter(|(_, _, values)| values.is_empty());
    omitted
        .map(|(claim, flag, _)| format!("the {claim} was not compared (no {flag})"))
        .collect()
}

fn note(notes: &[String]) {
    let mut stderr = io::stderr().lock();
    for note in notes {
        // A note that nobody can read changes nothing.
        let _ = writeln!(stderr, "note: {}", printable(note));
    }
}

/// A moment that does not pass.
#[derive(Debug)]
struct At(UnixTime);

impl Clock for At {
    fn now(&self) -> SystemTime {
        let distance = Duration::from_secs(self.0.as_secs().unsigned_abs());
        let moment = if self.0.as_secs() < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        // Out of this machine's reach; tokens are judged by `unix_now`, which has no such bounds.
        moment.unwrap_or(UNIX_EPOCH)
    }

    fn unix_now(&self) -> UnixTime {
        self.0
    }
}
