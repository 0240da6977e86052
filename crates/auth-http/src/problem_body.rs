use auth_core::Problem;
use http::StatusCode;
use serde_json::{Map, Value};

/// Reads what an error body says, whichever of the usual shapes it has.
///
/// RFC 9457 and the platform's shape are [`Problem`]'s own. Besides: FastAPI's `detail` (a
/// sentence, a list of what failed validation, or an object of any of these shapes; a `code` may
/// stand beside it), and `error` with a `code`, a
/// `message` or OAuth's `error_description` (RFC 6749 §5.2), also one level down. What is in none
/// of them, HTML for example, is no problem.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Option<Problem> {
    if body.len() > Problem::MAX_BYTES {
        return None;
    }
    Problem::from_json(status, body).or_else(|| {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return None;
        };
        let problem = Problem::new(status);
        let beside = body.get("code").and_then(Value::as_str);
        let with_code = |problem: Problem| match beside {
            Some(code) if problem.code().is_none() => problem.with_code(code.to_owned()),
            _ => problem,
        };
        match body.get("detail") {
            Some(Value::String(detail)) => Some(with_code(problem.with_detail(detail.clone()))),
            Some(Value::Array(details)) => Some(with_code(with_list(problem, details))),
            Some(Value::Object(detail)) => with_object(problem, detail).map(with_code),
            _ => with_error(problem, &body),
        }
    })
}

/// `detail` as an object: one failed validation, a list of errors, a `detail` within, or as
/// [`with_error`].
fn with_object(problem: Problem, detail: &Map<String, Value>) -> Option<Problem> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let problem = match text("code") {
        Some(code) => problem.with_code(code),
        None => problem,
    };
    if let Some(Value::Array(errors)) = detail.get("errors") {
        let problem = with_detail(problem, text("message").or_else(|| text("detail")));
        return Some(with_list(problem, errors));
    }
    if let Some(failed) = one_of_list(&Value::Object(detail.clone())) {
        return Some(problem.with_error(failed));
    }
    match text("detail") {
        Some(detail) => Some(problem.with_detail(detail)),
        None => with_error(problem, detail),
    }
}

/// `{"error": …, "code" | "message" | "error_description": …}`, or the same within `error`.
fn with_error(problem: Problem, body: &Map<String, Value>) -> Option<Problem> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = text("message").or_else(|| text("error_description"));
    if let Some(Value::Object(error)) = body.get("error") {
        // One level only: a body may be nested as deep as its sender likes.
        let flat = error.iter().filter(|(_, value)| value.is_string());
        let flat = flat.map(|(name, value)| (name.clone(), value.clone()));
        return with_error(problem, &flat.collect());
    }
    match (text("error"), text("code"), message) {
        (None, None, None) => None,
        (error, Some(code), message) => {
            let detail = message.or(error);
            Some(with_detail(problem.with_code(code), detail))
        }
        (Some(error), None, Some(message)) => Some(problem.with_code(error).with_detail(message)),
        // Alone, `error` is a code or a sentence; only one of them has spaces.
        (Some(error), None, None) if error.contains(' ') => Some(problem.with_detail(error)),
        (Some(error), None, None) => Some(problem.with_code(error)),
        (None, None, message) => Some(with_detail(problem, message)),
    }
}

fn with_detail(problem: Problem, detail: Option<String>) -> Problem {
    match detail {
        Some(detail) => problem.with_detail(detail),
        None => problem,
    }
}

/// `[{"loc": ["body", "name"], "msg": "field required"}]`: `body.name: field required`. What was
/// put in, which FastAPI repeats in `input`, is left out.
fn with_list(problem: Problem, details: &[Value]) -> Problem {
    details
        .iter()
        .filter_map(one_of_list)
        .fold(problem, Problem::with_error)
}

fn one_of_list(detail: &Value) -> Option<String> {
    if let Value::String(detail) = detail {
        return Some(detail.clone());
    }
    let message = detail.get("msg")?.as_str()?;
    let place = detail.get("loc").and_then(Value::as_array);
    let steps = place.into_iter().flatten().map(|step| match step {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    });
    let place = steps.collect::<Vec<_>>().join(".");
    Some(if place.is_empty() {
        message.to_owned()
    } else {
        format!("{place}: {message}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, detail and errors of what was read, with a dash for what is not there.
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let text = read(StatusCode::BAD_REQUEST, body.as_bytes()).map(|problem| {
            let errors = problem.errors().collect::<Vec<_>>().join(", ");
            let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
            let (code, detail) = (or_dash(problem.code()), or_dash(problem.detail()));
            format!("{code} | {detail} | {errors}")
        });
        assert_eq!(text.as_deref().unwrap_or("none"), expected, "{body}");
    }

    #[test]
    fn the_shapes_of_problem_itself() {
        check(r#"{"title":"T","code":"c","detail":"d"}"#, "c | d | ");
        check(
            r#"{"errors":["a","b"],"type":"/Errors/BadRequest","title":"T","statusCode":400}"#,
            "- | - | a, b",
        );
    }

    #[test]
    fn fastapi_detail() {
        check(
            r#"{"detail":"not authenticated"}"#,
            "- | not authenticated | ",
        );
        check(
            r#"{"detail":[{"loc":["body","items",0],"msg":"field required","input":"s3cr3t"},"x",7]}"#,
            "- | - | body.items.0: field required, x",
        );
        check(r#"{"detail":[{"msg":"bad"}]}"#, "- | - | bad");
        check(r#"{"detail":"d","code":"c"}"#, "c | d | ");
        check(r#"{"detail":["a","b"],"code":"c"}"#, "c | - | a, b");
        check(r#"{"detail":{"code":"c","message":"m"}}"#, "c | m | ");
        check(r#"{"detail":{"message":"m"},"code":"c"}"#, "c | m | ");
        check(r#"{"detail":{"error":"e","code":"c"}}"#, "c | e | ");
        check(
            r#"{"detail":{"loc":["query","q"],"msg":"bad","input":"s3cr3t"}}"#,
            "- | - | query.q: bad",
        );
        check(
            r#"{"detail":{"code":"c","message":"m","errors":["a",{"loc":["b"],"msg":"bad"}]}}"#,
            "c | m | a, b: bad",
        );
        check(r#"{"detail":{"detail":"d","code":"c"}}"#, "c | d | ");
        check(r#"{"detail":null,"message":"m"}"#, "- | m | ");
        check(r#"{"detail":[]}"#, "- | - | ");
    }

    #[test]
    fn error_with_code_or_message() {
        check(
            r#"{"error":"not found","code":"not_found"}"#,
            "not_found | not found | ",
        );
        check(
            r#"{"error":"not_found","message":"no such user"}"#,
            "not_found | no such user | ",
        );
        check(
            r#"{"error":"invalid_grant","error_description":"expired"}"#,
            "invalid_grant | expired | ",
        );
        check(
            r#"{"error":{"code":"c","message":"m","error":{}}}"#,
            "c | m | ",
        );
        check(r#"{"error":"invalid_client"}"#, "invalid_client | - | ");
        check(r#"{"error":"no such user"}"#, "- | no such user | ");
        check(r#"{"message":"no such user"}"#, "- | no such user | ");
        check(r#"{"code":"c"}"#, "c | - | ");
    }

    #[test]
    fn what_is_no_problem_is_none() {
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(Problem::MAX_BYTES));
        let deep = format!("{}{}", r#"{"error":"#.repeat(500), "}".repeat(500));
        for body in [
            "",
            "<html>",
            "[]",
            "null",
            "{}",
            r#"{"error":{}}"#,
            r#"{"detail":{}}"#,
            r#"{"detail":{"input":"s3cr3t"}}"#,
            r#"{"detail":7}"#,
            r#"{"error":{"error":{"code":"c"}}}"#,
            r#"{"code":5}"#,
            r#"{"success":false}"#,
            &long,
            &deep,
        ] {
            check(body, "none");
        }
    }
}
