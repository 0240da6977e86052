//! The transcript: a line for each request, with what was expected and what came.

#![expect(clippy::print_stdout, reason = "printing is what the example is for")]

use auth_sdk::core::Secret;

use super::client::Answer;

/// What a request should lead to.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// This status, and a challenge that asks for a bearer token.
    Challenge(u16),
    /// This status, and a problem with this code.
    Code(u16, &'static str),
    /// This status and this body.
    Body(u16, &'static str),
}

pub(crate) struct Transcript {
    lines: usize,
    as_expected: usize,
}

impl Transcript {
    pub(crate) fn begin(facts: &[(&str, &str)]) -> Self {
        for (name, value) in facts {
            println!("{name:8} {value}");
        }
        println!();
        row("GET /admin with", "expected", "came", "");
        Self {
            lines: 0,
            as_expected: 0,
        }
    }

    pub(crate) fn line(&mut self, request: &str, expected: Expected, answer: &Answer) {
        let (expected, came) = (expected.to_string(), came(expected, answer));
        self.add(request, &expected, &came, expected == came);
    }

    fn add(&mut self, what: &str, expected: &str, came: &str, good: bool) {
        let mark = if good { "ok" } else { "NOT AS EXPECTED" };
        row(what, expected, came, mark);
        self.lines += 1;
        self.as_expected += usize::from(good);
    }

    /// A count that was expected, and the one that came.
    pub(crate) fn check(&mut self, what: &str, expected: usize, came: usize) {
        let good = expected == came;
        self.add(what, &expected.to_string(), &came.to_string(), good);
    }

    /// The trail as it was received; nothing of the secrets may be in it.
    pub(crate) fn audit(&mut self, entries: &[serde_json::Value], secrets: &[&Secret]) {
        println!("\nthe audit trail, as the controller received it");
        let mut leaked = 0;
        for entry in entries {
            let context = &entry["context"];
            let user = entry["userId"]["id"].as_str().unwrap_or("-");
            let action = context["action"].as_str().unwrap_or("-");
            let line = match action {
                "admin.opened" => format!("password {}", context["password"]),
                _ => format!("{} {}", context["url"], context["statusCode"]),
            };
            println!("  {action:18} user {user:.8}  {line}");
            let text = entry.to_string();
            leaked += secrets
                .iter()
                .filter(|it| text.contains(it.expose()))
                .count();
            leaked += usize::from(text.contains("correct horse"));
        }
        println!();
        let opened = |entry: &&serde_json::Value| entry["context"]["action"] == "admin.opened";
        self.check(
            "  doors opened by ada",
            2,
            entries.iter().filter(opened).count(),
        );
        self.check("  secrets in the trail", 0, leaked);
    }

    pub(crate) fn end(&self) {
        println!("\n{} of {} as expected", self.as_expected, self.lines);
    }

    pub(crate) fn all_as_expected(&self) -> bool {
        self.as_expected == self.lines
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Challenge(status) => write!(f, "{status} WWW-Authenticate: Bearer"),
            Self::Code(status, code) => write!(f, "{status} {code}"),
            Self::Body(status, body) => write!(f, "{status} {body}"),
        }
    }
}

/// The same of what came, in the words of what was expected.
fn came(expected: Expected, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match expected {
        Expected::Challenge(_) => {
            let challenge = answer.challenge.as_deref().unwrap_or("missing");
            let scheme = challenge.split(' ').next().unwrap_or_default();
            format!("{status} WWW-Authenticate: {scheme}")
        }
        Expected::Code(..) => {
            let problem: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
            let code = problem
                .as_ref()
                .and_then(|problem| problem["code"].as_str());
            format!("{status} {}", code.unwrap_or("without a code"))
        }
        Expected::Body(..) => format!("{status} {}", answer.body),
    }
}

fn row(request: &str, expected: &str, came: &str, mark: &str) {
    let row = format!("{request:25} {expected:29} {came:29} {mark}");
    println!("{}", row.trim_end());
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn one_unexpected_answer_spoils_the_transcript() {
        let answer = |status, challenge: Option<&str>, body: &str| Answer {
            status,
            challenge: challenge.map(str::to_owned),
            body: body.to_owned(),
        };
        let challenged = answer(StatusCode::UNAUTHORIZED, Some("Bearer realm=\"x\""), "{}");
        let hello = answer(StatusCode::OK, None, "hello");
        let expired = answer(StatusCode::UNAUTHORIZED, None, r#"{"code":"expired"}"#);
        for (expected, answer, good) in [
            (Expected::Challenge(401), &challenged, true),
            (Expected::Challenge(401), &expired, false),
            (Expected::Challenge(403), &challenged, false),
            (Expected::Code(401, "expired"), &expired, true),
            (Expected::Code(401, "issuer"), &expired, false),
            (Expected::Code(401, "expired"), &hello, false),
            (Expected::Body(200, "hello"), &hello, true),
            (Expected::Body(200, "hello, ada"), &hello, false),
            (Expected::Body(500, "hello"), &hello, false),
        ] {
            let mut transcript = Transcript::begin(&[]);
            transcript.line("a request", expected, answer);
            assert_eq!(transcript.all_as_expected(), good, "{expected}");
        }
    }
}
