//! What goes out, byte for byte, and what comes back.

use auth_core::{CorrelationId, RequestContext, Secret};
use auth_http::{BuildError, FaultKind, HttpClient, RequestBuilder};
use expect_test::expect;
use serde_json::json;

use crate::server::{Act, FaultServer, answer, ok};

/// The one request a call leads to, with the port taken out.
async fn sent(call: impl FnOnce(&HttpClient) -> RequestBuilder) -> String {
    let server = FaultServer::start([ok("{}")]).await;
    let client = HttpClient::builder(&format!("{}/miso", server.url()));
    let client = client.user_agent("test").build().unwrap();
    call(&client).send().await.unwrap();
    let requests = server.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let request = request.replace(&format!(":{}", server.port()), ":PORT");
    request.replace("\r\n", "\n")
}

#[tokio::test]
async fn a_bare_request_asks_for_nothing_it_does_not_need() {
    expect![[r#"
        GET /miso/api HTTP/1.1
        user-agent: test
        host: 127.0.0.1:PORT

    "#]]
    .assert_eq(&sent(|client| client.get("/api")).await);
    expect![[r#"
        POST /miso/api HTTP/1.1
        user-agent: test
        content-length: 0
        host: 127.0.0.1:PORT

    "#]]
    .assert_eq(&sent(|client| client.post("/api")).await);
}

#[tokio::test]
async fn everything_is_where_it_belongs() {
    let call = |client: &HttpClient| {
        client
            .put("/users/{user}/files/{file}")
            .segment("file", "a/b c?.txt")
            .segment("user", "ada")
            .query("filter", "name:eq:a&b")
            .query("q", "1+1 =2")
            .header("x-client", "first")
            .header("X-Client", "second")
            .secret_header("x-client-token", &Secret::from("ct"))
            .bearer(&Secret::from("ut"))
            .correlation_id(&CorrelationId::parse("c-1").unwrap())
            .json(&json!({ "name": "Ada" }))
    };
    expect![[r#"
        PUT /miso/users/ada/files/a%2Fb%20c%3F.txt?filter=name%3Aeq%3Aa%26b&q=1%2B1%20%3D2 HTTP/1.1
        x-client: second
        x-client-token: ct
        authorization: Bearer ut
        content-type: application/json
        user-agent: test
        x-correlation-id: c-1
        host: 127.0.0.1:PORT
        content-length: 14

        {"name":"Ada"}"#]]
    .assert_eq(&sent(call).await);
}

#[tokio::test]
async fn a_form_is_a_form() {
    let call = |client: &HttpClient| {
        client
            .post("/token")
            .form(&[("grant_type", "password"), ("password", "a&b=c d+é")])
    };
    expect![[r#"
        POST /miso/token HTTP/1.1
        content-type: application/x-www-form-urlencoded
        user-agent: test
        host: 127.0.0.1:PORT
        content-length: 51

        grant_type=password&password=a%26b%3Dc%20d%2B%C3%A9"#]]
    .assert_eq(&sent(call).await);
}

#[tokio::test]
async fn the_correlation_id_is_the_given_one_the_contexts_or_none() {
    let id = |text: &str| CorrelationId::parse(text).unwrap();
    let context = || RequestContext::builder(id("context")).build();
    let line = |request: &str| {
        let line = request
            .lines()
            .find_map(|line| line.strip_prefix("x-correlation-id: "));
        line.map(str::to_owned)
    };
    let get = |client: &HttpClient| client.get("/");
    let given = |client: &HttpClient| client.get("/").correlation_id(&id("given"));
    let without = |client: &HttpClient| client.get("/").without_correlation();
    let inside = context().scope(sent(get)).await;
    assert_eq!(line(&inside).as_deref(), Some("context"));
    let inside = context().scope(sent(given)).await;
    assert_eq!(line(&inside).as_deref(), Some("given"));
    let inside = context().scope(sent(without)).await;
    assert_eq!(line(&inside), None);
    assert_eq!(line(&sent(get).await), None);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("s3cr3t"))
        }
    }
    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client();
    let long = "x".repeat(70_000);
    for call in [
        client.get("no-slash"),
        client.get("/a").segment("s3cr3t", "s3cr3t"),
        client.get("/{a}").segment("a", "../s3cr3t"),
        client.get("/").header("s3cr3t s3cr3t", "v"),
        client.get("/").header("x-a", "s3cr3t\r\nx-b: s3cr3t"),
        client
            .get("/")
            .secret_header("x-a", &Secret::from("s3cr3t\n")),
        client.get("/").bearer(&Secret::from("")),
        client.get("/").bearer(&Secret::from("s3cr3t\n")),
        client.get("/").header("Host", "s3cr3t"),
        client.get("/").header("content-length", "0"),
        client.get("/").header("transfer-encoding", "chunked"),
        client.post("/").json(&Unwritable),
        client.get("/").query("q", &long),
    ] {
        let fault = call.send_any_status().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::InvalidRequest);
        assert!(!fault.is_transient());
        assert!(!format!("{fault} {fault:?}").contains("s3cr3t"), "{fault}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_call_may_run_on_any_thread() {
    fn check(_: impl Send) {}
    fn check_shared(_: impl Send + Sync) {}
    let client = HttpClient::builder("http://127.0.0.1:1").build().unwrap();
    check(client.get("/").send());
    check(client.get("/").send_any_status());
    check_shared(client);
}

#[test]
fn a_client_that_could_not_work_is_not_built() {
    use std::time::Duration;
    let builder = || HttpClient::builder("https://host.test");
    for (builder, expected) in [
        (
            builder().deadline(Duration::ZERO),
            BuildError::Zero {
                setting: "deadline",
            },
        ),
        (
            builder().connect_timeout(Duration::ZERO),
            BuildError::Zero {
                setting: "connect_timeout",
            },
        ),
        (
            builder().max_response_bytes(0),
            BuildError::Zero {
                setting: "max_response_bytes",
            },
        ),
        (builder().user_agent("a\nb"), BuildError::UserAgent),
        (
            HttpClient::builder("http://host.test").allow_plain_http("other.test"),
            BuildError::PlainHttp {
                host: "host.test".into(),
            },
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), expected);
    }
    HttpClient::builder("http://host.test")
        .allow_plain_http("Host.test")
        .build()
        .unwrap();
    expect![[r#"plain http would send credentials to host.test unencrypted; use https, or if the network between is trusted allow it with allow_plain_http("host.test")"#]]
        .assert_eq(&HttpClient::builder("http://host.test").build().unwrap_err().to_string());
}

#[tokio::test]
async fn an_answer_is_read() {
    let server = FaultServer::start([answer(
        "201 Created",
        &["X-Answer: 42", "content-type: text/plain"],
        r#"{"n":42}"#,
    )])
    .await;
    let response = server.client().post("/").send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.header("x-answer"), Some("42"));
    assert_eq!(response.header("x-other"), None);
    assert_eq!(response.body(), br#"{"n":42}"#);
    assert_eq!(
        response.json::<serde_json::Value>().unwrap(),
        json!({ "n": 42 })
    );
}

#[tokio::test]
async fn any_status_is_an_answer_to_who_asks_for_it() {
    let server = FaultServer::start([answer("404 Not Found", &[], "nothing")]).await;
    let response = server.client().get("/").send_any_status().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.body(), b"nothing");
}

/// A HEAD request's answer announces a body it does not have.
#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".to_vec();
    let server = FaultServer::start([Act::Answer(bytes)]).await;
    let call = server.client().request(http::Method::HEAD, "/");
    assert_eq!(call.send().await.unwrap().body(), b"");
}

#[tokio::test]
async fn the_answers_correlation_id_is_taken_in_the_contracts_order() {
    for (headers, expected) in [
        (["request-id: 6", "X-CorrelationId: 5"], Some("5")),
        (["x-correlationid: 5", "correlationId: 4"], Some("4")),
        (["correlationId: 4", "correlation-id: 3"], Some("3")),
        (["correlation-id: 3", "x-request-id: 2"], Some("2")),
        (["x-request-id: 2", "x-correlation-id: 1"], Some("1")),
        (["x-correlation-id: not one", "request-id: 6"], Some("6")),
        (["x-a: 1", "x-b: 1"], None),
    ] {
        let server = FaultServer::start([
            answer("200 OK", &headers, ""),
            answer("404 X", &headers, ""),
        ])
        .await;
        let client = server.client();
        let response = client.get("/").send().await.unwrap();
        let id = response.correlation_id();
        assert_eq!(id.as_ref().map(CorrelationId::as_str), expected);
        let sent = CorrelationId::parse("sent").unwrap();
        let fault = client
            .get("/")
            .correlation_id(&sent)
            .send()
            .await
            .unwrap_err();
        let id = fault.correlation_id().unwrap().as_str();
        assert_eq!(id, expected.unwrap_or("sent"));
    }
}

#[tokio::test]
async fn a_problem_is_read_whatever_its_shape() {
    for (body, code, detail) in [
        (
            r#"{"title":"T","code":"c","detail":"d"}"#,
            Some("c"),
            Some("d"),
        ),
        (r#"{"detail":"d"}"#, None, Some("d")),
        (r#"{"error":"d","code":"c"}"#, Some("c"), Some("d")),
        (r#"{"error":"c","message":"d"}"#, Some("c"), Some("d")),
    ] {
        let server = FaultServer::start([answer("422 X", &[], body)]).await;
        let fault = server.client().post("/").send().await.unwrap_err();
        let problem = fault.problem().unwrap();
        assert_eq!((problem.code(), problem.detail()), (code, detail));
        assert_eq!(problem.status(), 422);
    }
}
