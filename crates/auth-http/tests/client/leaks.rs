//! Secrets are planted wherever one can be, and everything is printed.

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use auth_core::Secret;
use auth_http::{Fault, HttpClient, RetryPolicy};
use http::HeaderName;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

const PLANTED: &str = "s3cr3t";

#[track_caller]
fn clean(printed: &impl Debug) {
    for text in [format!("{printed:?}"), format!("{printed:#?}")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
}

/// The fault and all that is behind it.
#[track_caller]
fn clean_fault(fault: &Fault) {
    clean(fault);
    let mut next: Option<&dyn Error> = Some(fault);
    while let Some(error) = next {
        clean(&error.to_string());
        clean(&error);
        next = error.source();
    }
}

fn headers() -> [String; 2] {
    [
        format!("set-cookie: a={PLANTED}"),
        format!("location: /?token={PLANTED}"),
    ]
}

/// All that is traced on this thread, which with tokio's test runtime is all there is.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<String>>);

impl Subscriber for Traced {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Traced {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let line = format!("{field}={value:?}\n");
        self.0.lock().unwrap().push_str(&line);
    }
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_planted_secret() {
    let traced = Traced::default();
    let _guard = tracing::subscriber::set_default(traced.clone());
    // Whether anybody listens is remembered once an event was first reached; that may have been in
    // another test, just before.
    let server = FaultServer::start([ok("{}")]).await;
    server.client().get("/").send().await.unwrap();
    tracing::callsite::rebuild_interest_cache();
    traced.0.lock().unwrap().clear();
    let headers = headers();
    let headers = [headers[0].as_str(), headers[1].as_str()];
    let body = format!(r#"{{"error":"{PLANTED}!","message":"{PLANTED}","token":"{PLANTED}"}}"#);
    let half = format!("HTTP/1.1 200 OK\r\nx-a: {PLANTED}\r\ncontent-length: 99\r\n\r\n{PLANTED}");
    let garbage = format!("{PLANTED} {PLANTED}: {PLANTED}\r\n\r\n");
    for act in [
        answer("200 OK", &headers, &body),
        answer("302 Found", &headers, &body),
        answer("400 Bad Request", &headers, &body),
        answer("401 s3cr3t", &headers, &body),
        answer(
            "500 Internal Server Error",
            &headers,
            &format!("<html>{PLANTED}</html>"),
        ),
        Act::AnswerAndClose(half.into()),
        Act::AnswerAndClose(garbage.into()),
        Act::Reset,
    ] {
        let server = FaultServer::start([act]).await;
        let recorder = Recorder::default();
        let client = server.builder().observer(recorder.clone()).build().unwrap();
        let secret = Secret::from(PLANTED);
        let request = client
            .post("/users/{user}")
            .segment("user", "ada")
            .query("token", PLANTED)
            .query(PLANTED, "")
            .header("cookie", PLANTED)
            .header("x-plain", PLANTED)
            .secret_header("x-client-token", &secret)
            .bearer(&secret)
            .json(&json!({ "password": PLANTED }));
        clean(&request);
        clean(&client);
        match request.send().await {
            Ok(response) => {
                clean(&response);
                clean_fault(&response.json::<Vec<u32>>().unwrap_err());
                clean_fault(&response.json::<u32>().unwrap_err());
            }
            Err(fault) => clean_fault(&fault),
        }
        clean(&recorder.only());
        let form = client.post("/token").form(&[("password", PLANTED)]);
        clean(&form);
    }
    let traced = traced.0.lock().unwrap();
    assert_eq!(traced.matches("message=outgoing call").count(), 8);
    assert!(!traced.contains(PLANTED), "{traced}");
}

/// Nothing in it looks like a secret, but each of these was sent as one.
#[tokio::test]
async fn a_credential_that_the_server_repeats_as_a_code_is_not_printed() {
    const WORDS: &str = "open-sesame";
    let secret = Secret::from(WORDS);
    for (name, is_shown) in [("error", false), ("code", false), ("other", true)] {
        let body = match is_shown {
            false => format!(r#"{{"{name}":"{WORDS}","message":"no good"}}"#),
            true => r#"{"code":"no_good"}"#.to_owned(),
        };
        let server = FaultServer::start([answer("403 X", &[], &body)]).await;
        let client = server.client();
        let fixed = client.with_secret_header(HeaderName::from_static("x-key"), &secret);
        for call in [
            client.get("/").bearer(&secret),
            client
                .post("/")
                .secret_header("x-key", &secret)
                .retry(RetryPolicy::never()),
            fixed.get("/"),
        ] {
            let fault = call.send().await.unwrap_err();
            assert!(fault.problem().unwrap().code().is_some());
            let printed = format!("{fault} {fault:?}");
            assert!(!printed.contains(WORDS), "{printed}");
            assert_eq!(printed.contains("(no_good)"), is_shown, "{printed}");
        }
    }
}

/// Somebody else's, or an earlier one.
#[tokio::test]
async fn a_code_that_looks_like_a_credential_is_not_printed() {
    for code in [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "q7Wd0vZk3nT9sLxYb2RfHg5uJcM1pEoA8iKtVhXe_-N",
    ] {
        let body = format!(r#"{{"code":"{code}","message":"no good"}}"#);
        let server = FaultServer::start([answer("401 X", &[], &body)]).await;
        let fault = server.client().get("/").send().await.unwrap_err();
        let printed = format!("{fault} {fault:?}");
        assert!(!printed.contains(code), "{printed}");
    }
}

#[tokio::test]
async fn a_path_that_was_refused_is_not_repeated() {
    let server = FaultServer::start([ok("{}")]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    for path in [
        format!("/?token={PLANTED}"),
        format!("https://user:{PLANTED}@host.test/"),
        format!("/{{\"token\":\"{PLANTED}\"}}"),
        format!("/a b/{PLANTED}"),
        format!("/../{PLANTED}"),
    ] {
        let request = client.get(&path);
        clean(&request);
        clean_fault(&request.send().await.unwrap_err());
        clean(&recorder.take_only());
    }
}

#[test]
fn a_base_url_with_a_password_is_refused_and_not_repeated() {
    for base_url in [
        format!("https://user:{PLANTED}@host.test"),
        format!("https://{PLANTED}@host.test"),
        format!("https://host.test?key={PLANTED}"),
        format!("https://host.test#{PLANTED}"),
        format!("https://host.test:{PLANTED}"),
    ] {
        let builder = HttpClient::builder(&base_url);
        clean(&builder);
        let error = builder.build().unwrap_err();
        clean(&error);
        clean(&error.to_string());
    }
}
