//! One way to misbehave per test, and what the caller hears of it.

use std::error::Error;
use std::time::{Duration, SystemTime};

use auth_http::{CircuitBreaker, Fault, FaultKind, HttpClient};
use expect_test::{Expect, expect};
use serde_json::json;
use tokio::net::TcpListener;

use crate::server::{Act, FaultServer, answer, ok};

/// A call that is not sent twice, and how it ended.
#[track_caller]
fn told(fault: &Fault) -> String {
    let transient = if fault.is_transient() {
        "transient"
    } else {
        "permanent"
    };
    let code = fault.kind().code();
    let status = fault.status().map(|status| status.as_u16());
    let source = if fault.source().is_some() {
        ", with a source"
    } else {
        ""
    };
    format!("{code}, {transient}, {status:?}{source}\n{fault}")
}

async fn check(act: Act, expected: Expect) {
    let server = FaultServer::start([act]).await;
    let client = server.builder().max_response_bytes(100).build().unwrap();
    let call = client
        .post("/orders")
        .json(&json!({}))
        .deadline(SHORT)
        .send();
    expected.assert_eq(&told(&call.await.unwrap_err()));
    assert_eq!(server.requests().len(), 1);
}

/// Long enough for loopback, short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

fn raw(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = HttpClient::builder(&url).build().unwrap();
    let fault = client.post("/orders").send().await.unwrap_err();
    expect![[r#"
        connect, transient, None, with a source
        POST /orders: connecting failed"#]]
    .assert_eq(&told(&fault));
}

/// A label of more than 63 characters has no address, and no server needs to be asked.
#[tokio::test]
async fn unresolvable() {
    let host = format!("{}.test", "a".repeat(64));
    let builder = HttpClient::builder(&format!("http://{host}"));
    let client = builder.allow_plain_http(&host).build().unwrap();
    let fault = client.post("/orders").send().await.unwrap_err();
    expect![[r#"
        resolve, transient, None, with a source
        POST /orders: looking up the host's address failed"#]]
    .assert_eq(&told(&fault));
}

/// It accepts, but never says a word of TLS.
#[tokio::test]
async fn no_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let build = |timeout: Duration| {
        let builder = HttpClient::builder(&url).connect_timeout(timeout);
        builder.build().unwrap()
    };
    let impatient = build(Duration::from_millis(50));
    let fault = impatient.post("/orders").send().await.unwrap_err();
    expect![[r#"
        connect, transient, None, with a source
        POST /orders: connecting took too long"#]]
    .assert_eq(&told(&fault));

    let patient = build(Duration::from_secs(60));
    let call = patient.post("/orders").deadline(Duration::from_millis(50));
    let fault = call.send().await.unwrap_err();
    expect![[r#"
        deadline, transient, None
        POST /orders: the deadline passed while connecting"#]]
    .assert_eq(&told(&fault));
}

#[tokio::test]
async fn reset() {
    check(
        Act::Reset,
        expect![[r#"
            send, transient, None, with a source
            POST /orders: the connection failed before an answer began"#]],
    )
    .await;
}

#[tokio::test]
async fn closed_without_an_answer() {
    check(
        Act::AnswerAndClose(Vec::new()),
        expect![[r#"
            send, transient, None, with a source
            POST /orders: the connection failed before an answer began"#]],
    )
    .await;
}

#[tokio::test]
async fn stalled() {
    check(
        Act::AnswerAndStall(Vec::new()),
        expect![[r#"
            deadline, transient, None
            POST /orders: the deadline passed while waiting for an answer"#]],
    )
    .await;
}

#[tokio::test]
async fn half_a_header() {
    check(
        Act::AnswerAndClose(raw("HTTP/1.1 200 OK\r\ncontent-le")),
        expect![[r#"
            receive, transient, None, with a source
            POST /orders: the answer broke off in its headers"#]],
    )
    .await;
}

#[tokio::test]
async fn no_http_at_all() {
    check(
        Act::AnswerAndClose(raw("SSH-2.0-OpenSSH_9.2\r\n")),
        expect![[r#"
            receive, permanent, None, with a source
            POST /orders: the answer is not HTTP as it should be"#]],
    )
    .await;
}

#[tokio::test]
async fn headers_without_end() {
    let lines = format!("x: {}\r\n", "y".repeat(1000)).repeat(80);
    check(
        Act::AnswerAndStall(raw(&format!("HTTP/1.1 200 OK\r\n{lines}"))),
        expect![[r#"
            receive, permanent, None, with a source
            POST /orders: the answer is not HTTP as it should be"#]],
    )
    .await;
}

#[tokio::test]
async fn half_a_body() {
    check(
        Act::AnswerAndClose(raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\"")),
        expect![[r#"
            receive, transient, Some(200), with a source
            POST /orders: the answer broke off in its body"#]],
    )
    .await;
}

/// Where a message ends must be said once and clearly: two readers of an answer such as these
/// would see two different ones (RFC 9112 §6.3).
#[tokio::test]
async fn wrong_length() {
    for lines in [
        "content-length: ten",
        "content-length: -1",
        "content-length: 1, 2",
        "content-length: 1\r\ncontent-length: 2",
        "content-length: 99999999999999999999999",
    ] {
        check(
            Act::AnswerAndStall(raw(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{{}}"))),
            expect![[r#"
                receive, permanent, None, with a source
                POST /orders: the answer is not HTTP as it should be"#]],
        )
        .await;
    }
    check(
        Act::AnswerAndStall(raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nten\r\n{}",
        )),
        expect![[r#"
            receive, transient, Some(200), with a source
            POST /orders: the answer broke off in its body"#]],
    )
    .await;
}

/// What comes after the announced end belongs to nobody: it is no answer to the next request.
#[tokio::test]
async fn more_than_was_announced() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled";
    let server =
        FaultServer::start([Act::Answer(raw(&format!("{answer}{smuggled}"))), ok("{}")]).await;
    let client = server.client();
    for _ in 0..2 {
        let response = client.get("/orders").send().await.unwrap();
        assert_eq!(response.body(), b"{}");
        // The connection task has to see what is left over before the next request is sent.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn half_a_chunk() {
    check(
        Act::AnswerAndClose(raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a",
        )),
        expect![[r#"
            receive, transient, Some(200), with a source
            POST /orders: the answer broke off in its body"#]],
    )
    .await;
}

#[tokio::test]
async fn a_body_that_stalls() {
    check(
        Act::AnswerAndStall(raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")),
        expect![[r#"
            deadline, transient, Some(200)
            POST /orders: the deadline passed while reading the answer's body"#]],
    )
    .await;
}

/// The server would never send the body it announced: the length alone is refused.
#[tokio::test]
async fn oversize_announced() {
    check(
        Act::AnswerAndStall(raw("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n")),
        expect![[r#"
            too_large, permanent, Some(200)
            POST /orders: the answer's body is longer than 100 bytes"#]],
    )
    .await;
}

#[tokio::test]
async fn oversize_unannounced() {
    let body = "x".repeat(101);
    check(
        Act::AnswerAndClose(raw(&format!("HTTP/1.1 200 OK\r\n\r\n{body}"))),
        expect![[r#"
            too_large, permanent, Some(200)
            POST /orders: the answer's body is longer than 100 bytes"#]],
    )
    .await;
    let chunk = format!("32\r\n{}\r\n", "x".repeat(50)).repeat(3);
    check(
        Act::AnswerAndStall(raw(&format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"
        ))),
        expect![[r#"
            too_large, permanent, Some(200)
            POST /orders: the answer's body is longer than 100 bytes"#]],
    )
    .await;
}

#[tokio::test]
async fn a_body_of_just_the_allowed_length_is_taken() {
    let body = "x".repeat(100);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n32\r\n{0}\r\n32\r\n{0}\r\n0\r\n\r\n",
        "x".repeat(50)
    );
    let to_the_end = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    let acts = [
        ok(&body),
        Act::Answer(raw(&chunked)),
        Act::AnswerAndClose(raw(&to_the_end)),
    ];
    let server = FaultServer::start(acts).await;
    let client = server.builder().max_response_bytes(100).build().unwrap();
    for _ in 0..3 {
        let response = client.get("/").send().await.unwrap();
        assert_eq!(response.body(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_500_with_a_problem() {
    let body =
        r#"{"errors":["no"],"type":"/Errors/X","title":"Controller is tired","statusCode":500}"#;
    check(
        answer("500 Internal Server Error", &[], body),
        expect![[r#"
            status, transient, Some(500)
            POST /orders: the server answered 500 Internal Server Error"#]],
    )
    .await;
}

#[tokio::test]
async fn a_500_with_html() {
    check(
        answer(
            "500 Internal Server Error",
            &["content-type: text/html"],
            "<html>oops</html>",
        ),
        expect![[r#"
            status, transient, Some(500)
            POST /orders: the server answered 500 Internal Server Error"#]],
    )
    .await;
}

#[tokio::test]
async fn a_429() {
    check(
        answer("429 Too Many Requests", &["retry-after: 17"], ""),
        expect![[r#"
            status, transient, Some(429)
            POST /orders: the server answered 429 Too Many Requests"#]],
    )
    .await;
}

#[tokio::test]
async fn a_503() {
    check(
        answer("503 Service Unavailable", &[], "later"),
        expect![[r#"
            status, transient, Some(503)
            POST /orders: the server answered 503 Service Unavailable"#]],
    )
    .await;
}

/// A proxy's page, or one to log in at, in the place of the service's answer.
#[tokio::test]
async fn html_where_json_was_expected() {
    let page = answer("200 OK", &["content-type: text/html"], "<html>hello</html>");
    let server = FaultServer::start([page]).await;
    let answer = server.client().post("/orders").send().await.unwrap();
    let fault = answer.json::<Vec<u32>>().unwrap_err();
    expect![[r#"
        decode, permanent, Some(200)
        POST /orders: the answer's body is HTML where JSON was expected: a proxy or a login page may have answered"#]]
    .assert_eq(&told(&fault));
}

/// Its beginning tells what it is, and of that little is shown anyway.
#[tokio::test]
async fn the_beginning_of_a_refusal_is_kept_however_long_it_is() {
    let html = "<h1>oops</h1><p>token=s3cr3t</p>".to_owned() + &"x".repeat(100_000);
    let server = FaultServer::start([answer("500 X", &["content-type: text/html"], &html)]).await;
    let fault = server.client().post("/").send().await.unwrap_err();
    assert!(fault.problem().is_none());
    let body = fault.body().unwrap();
    assert!(body.starts_with("<h1>oops</h1>"), "{body}");
    assert!(!body.contains("s3cr3t"), "{body}");

    // Cut in the midst of a secret it would show a half of it.
    let client = server.builder().max_response_bytes(28).build().unwrap();
    let fault = client.post("/").send().await.unwrap_err();
    assert_eq!(
        (fault.status().unwrap().as_u16(), fault.body()),
        (500, None)
    );
}

#[tokio::test]
async fn the_body_of_a_refusal_is_kept_masked_and_capped() {
    let html = "<h1>oops</h1><p>token=s3cr3t</p>".to_owned() + &"x".repeat(5000);
    let server = FaultServer::start([
        answer("422 X", &[], r#"{"detail":"no","password":"s3cr3t"}"#),
        answer("500 X", &["content-type: text/html"], &html),
        answer("404 X", &[], ""),
    ])
    .await;
    let client = server.client();
    let mut kept = Vec::new();
    for _ in 0..3 {
        let fault = client.post("/").send().await.unwrap_err();
        let body = fault.body().map(str::to_owned);
        assert!(!format!("{body:?} {fault} {fault:?}").contains("s3cr3t"));
        kept.push(body);
    }
    let json = r#"{"detail":"no","password":"***MASKED***"}"#;
    assert_eq!(kept[0].as_deref(), Some(json));
    let html = kept[1].as_ref().unwrap();
    assert!(html.starts_with("<h1>oops</h1>"), "{html}");
    assert_eq!((html.len(), kept[2].as_ref()), (2048, None));
}

/// Whatever becomes of its explanation, the status is what the caller hears.
#[tokio::test]
async fn an_error_whose_body_is_endless_or_broken() {
    for act in [
        Act::AnswerAndStall(raw("HTTP/1.1 503 X\r\ncontent-length: 999999999\r\n\r\n")),
        Act::AnswerAndStall(raw("HTTP/1.1 503 X\r\ncontent-length: 20\r\n\r\n{")),
        Act::AnswerAndClose(raw("HTTP/1.1 503 X\r\ncontent-length: 20\r\n\r\n{")),
    ] {
        check(
            act,
            expect![[r#"
                status, transient, Some(503)
                POST /orders: the server answered 503 Service Unavailable"#]],
        )
        .await;
    }
}

#[tokio::test]
async fn a_redirect() {
    let elsewhere = FaultServer::start([ok("{}")]).await;
    let location = format!("location: {}/?token=s3cr3t", elsewhere.url());
    for status in ["301 X", "302 Found", "303 X", "307 X", "308 X"] {
        let server = FaultServer::start([answer(status, &[&location], "")]).await;
        let fault = server.client().get("/orders").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Redirect);
        assert!(!fault.is_transient());
        assert!(
            fault
                .to_string()
                .ends_with(", a redirect, which is never followed")
        );

        let response = server
            .client()
            .get("/orders")
            .send_any_status()
            .await
            .unwrap();
        assert!(response.status().is_redirection());
        assert_eq!(server.requests().len(), 2);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_body_that_is_not_what_was_expected() {
    let html = ["content-type: text/html; charset=utf-8"];
    for (act, expected) in [
        (
            answer("200 OK", &html, "hello"),
            "the answer's body is HTML where JSON was expected: a proxy or a login page may have answered",
        ),
        (
            ok("  <!doctype html>"),
            "the answer's body is HTML where JSON was expected: a proxy or a login page may have answered",
        ),
        (
            Act::Answer(raw("HTTP/1.1 204 No Content\r\n\r\n")),
            "the answer's body is empty where JSON was expected",
        ),
        (
            ok("\n"),
            "the answer's body is empty where JSON was expected",
        ),
        (
            ok(r#"{"s3cr3t":"s3cr3t"}"#),
            "the answer's body is JSON of another shape than expected (line 1, column 0)",
        ),
        (
            ok(r#"["s3cr3t"]"#),
            "the answer's body is JSON of another shape than expected (line 1, column 9)",
        ),
        (
            ok("[1"),
            "the answer's body is JSON that breaks off (line 1, column 2)",
        ),
        (
            ok("s3cr3t"),
            "the answer's body is not JSON (line 1, column 1)",
        ),
    ] {
        let server = FaultServer::start([act]).await;
        let response = server.client().get("/orders").send().await.unwrap();
        let fault = response.json::<Vec<u32>>().unwrap_err();
        assert_eq!(fault.to_string(), format!("GET /orders: {expected}"));
        assert_eq!(fault.kind(), FaultKind::Decode);
        assert_eq!(fault.status(), Some(response.status()));
        assert!(!fault.is_transient());
    }
}

#[tokio::test]
async fn a_server_that_asks_to_be_left_alone() {
    let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let date = format!("retry-after: {}", httpdate(tomorrow));
    let server = FaultServer::start([
        answer("429 Too Many Requests", &["retry-after: 17"], ""),
        answer("503 Service Unavailable", &[&date], ""),
        answer("503 Service Unavailable", &[], ""),
    ])
    .await;
    // Each is asked, though the one before asked to be left alone.
    let patient = CircuitBreaker::disabled();
    let client = server.builder().circuit_breaker(patient).build().unwrap();
    let mut asked = Vec::new();
    for _ in 0..3 {
        let fault = client.post("/orders").send().await.unwrap_err();
        assert!(fault.is_transient());
        asked.push(fault.retry_after());
    }
    assert_eq!(asked[0], Some(Duration::from_secs(17)));
    let day = asked[1].unwrap().as_secs_f64() / 3600.0;
    assert!((23.9..=24.0).contains(&day), "{day}");
    assert_eq!(asked[2], None);
}

/// The date as HTTP writes it, without asking the library under test.
fn httpdate(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

#[tokio::test]
async fn statuses_that_may_pass_are_transient_and_others_are_not() {
    for (status, transient) in [
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (408, true),
        (409, false),
        (422, false),
        (425, true),
        (429, true),
        (500, true),
        (501, false),
        (502, true),
        (503, true),
        (504, true),
        (304, false),
    ] {
        let server = FaultServer::start([Act::Answer(raw(&format!(
            "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"
        )))])
        .await;
        let fault = server.client().post("/").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Status, "{status}");
        assert_eq!(fault.is_transient(), transient, "{status}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}
