//! Weaknesses of miso-client 4.9.0 that must not be ours (contract miso §13), by their numbers.

use auth_core::Secret;
use auth_http::{FaultKind, HttpClient};

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

/// A4: the credential went to any host that a caller passed as an absolute URL.
#[tokio::test]
async fn a4_a_credential_never_leaves_its_origin() {
    let own = FaultServer::start([ok("{}")]).await;
    let other = FaultServer::start([ok("{}")]).await;
    let client = own.client();
    let port = other.port();
    let token = Secret::from("client-token");
    for path in [
        format!("http://127.0.0.1:{port}/steal"),
        format!("//127.0.0.1:{port}/steal"),
        format!("/\\127.0.0.1:{port}/steal"),
        format!("\\\\127.0.0.1:{port}/steal"),
        format!("@127.0.0.1:{port}/steal"),
        format!(":{port}/steal"),
        format!(".127.0.0.1:{port}/steal"),
    ] {
        let call = client.get(&path).secret_header("x-client-token", &token);
        let fault = call.send_any_status().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::InvalidRequest, "{path}");
    }
    let elsewhere = format!("http://127.0.0.1:{port}/steal");
    let call = client.get("/{path}").segment("path", &elsewhere);
    call.secret_header("x-client-token", &token)
        .send()
        .await
        .unwrap();
    let requests = own.requests();
    assert!(
        requests[0].starts_with("GET /http%3A%2F%2F127.0.0.1%3A"),
        "{requests:?}"
    );
    assert!(requests[0].contains(&format!("\r\nhost: 127.0.0.1:{}\r\n", own.port())));
    assert_eq!((requests.len(), other.connections()), (1, 0));
}

/// A7: query strings were shipped to the audit log unmasked.
#[tokio::test]
async fn a7_a_query_is_in_no_record_and_no_message() {
    for act in [ok("{}"), answer("500 X", &[], "{}"), Act::Reset] {
        let server = FaultServer::start([act]).await;
        let recorder = Recorder::default();
        let client = server.builder().observer(recorder.clone()).build().unwrap();
        let call = client.post("/callback").query("token", "s3cr3t");
        let outcome = call.send().await;
        assert!(server.requests()[0].contains("?token=s3cr3t"));
        let printed = match outcome {
            Ok(response) => format!("{response:?}"),
            Err(fault) => format!("{fault} {fault:?} {fault:#?}"),
        };
        let told = recorder.only();
        assert_eq!(told.path(), "/callback");
        assert!(!format!("{told:?} {printed}").contains("s3cr3t"));
    }
}

/// A8: the text of an error was the raw body of the server.
#[tokio::test]
async fn a8_an_error_does_not_repeat_the_servers_body() {
    for body in [
        "s3cr3t",
        r#"{"error":"s3cr3t value","message":"s3cr3t"}"#,
        r#"{"detail":"s3cr3t"}"#,
        r#"{"title":"Bad token s3cr3t","errors":["s3cr3t"],"type":"s3cr3t"}"#,
    ] {
        let server = FaultServer::start([answer("400 X", &["x-s: s3cr3t"], body)]).await;
        let fault = server.client().get("/").send().await.unwrap_err();
        assert_eq!(
            fault.to_string(),
            "GET /: the server answered 400 Bad Request"
        );
        assert!(!format!("{fault:?} {fault:#?}").contains("s3cr3t"));
    }
}

/// A18: path parameters were put into the path as they were.
#[tokio::test]
async fn a18_a_path_parameter_stays_one_segment() {
    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client();
    let status = |environment: &str| {
        let template = "/environments/{env}/applications/{app}/status";
        client
            .get(template)
            .segment("env", environment)
            .segment("app", "a")
    };
    for (environment, encoded) in [
        ("dev", "dev"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("ä b", "%C3%A4%20b"),
    ] {
        status(environment).send().await.unwrap();
        let last = server.requests().pop().unwrap();
        let expected = format!("GET /environments/{encoded}/applications/a/status HTTP/1.1\r\n");
        assert!(last.starts_with(&expected), "{last}");
    }
    for environment in ["", ".", "..", "../..", "a/../b"] {
        let fault = status(environment).send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::InvalidRequest, "{environment}");
    }
    assert_eq!(server.requests().len(), 3);
}

/// B3: a 2xx without a JSON body was sent twice, POST too, and then reported as 401.
#[tokio::test]
async fn b3_an_answer_of_success_is_sent_exactly_once_whatever_its_body() {
    for act in [
        Act::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        answer("200 OK", &[], ""),
        answer("200 OK", &["content-type: text/csv"], "a,b\n1,2\n"),
        answer(
            "202 Accepted",
            &["content-type: text/html"],
            "<html></html>",
        ),
        ok("{"),
    ] {
        let server = FaultServer::start([act]).await;
        let client: HttpClient = server.client();
        for call in [client.post("/logs").idempotent(), client.get("/logs")] {
            let before = server.requests().len();
            let response = call.send().await.unwrap();
            let fault = response.json::<serde_json::Value>().unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Decode);
            assert_eq!(fault.status(), Some(response.status()));
            assert_eq!(server.requests().len(), before + 1);
        }
    }
}
