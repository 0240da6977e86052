//! Tokens that a client fetches, sends along and replaces.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{BoxFuture, Secret};
use auth_http::{
    Fault, FaultKind, HttpClient, NewToken, RetryPolicy, TokenFailure, TokenProvider, TokenSource,
};
use http::HeaderName;
use tokio::task::JoinSet;

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

/// Asks a server for tokens: the body of its answer is one.
struct Issuer(HttpClient);

impl TokenSource for Issuer {
    type Details = ();
    type Error = Arc<Fault>;

    fn fetch(&self) -> BoxFuture<'_, Result<NewToken, Arc<Fault>>> {
        Box::pin(async {
            let response = self.0.post("/token").send().await?;
            let token = String::from_utf8_lossy(response.body()).into_owned();
            Ok(NewToken::new(token.into(), Duration::from_secs(3600)))
        })
    }

    fn failure(&self, error: &Arc<Fault>) -> TokenFailure {
        error.as_ref().into()
    }
}

struct World {
    issuer: FaultServer,
    server: FaultServer,
    recorder: Recorder,
    tokens: TokenProvider<Issuer>,
}

impl World {
    /// An issuer of these tokens, and a server that does this.
    async fn new(tokens: &[&str], acts: Vec<Act>) -> Self {
        let issuer = FaultServer::start(tokens.iter().map(|token| ok(token))).await;
        let server = FaultServer::start(acts).await;
        Self {
            tokens: TokenProvider::new(Issuer(issuer.client())),
            issuer,
            server,
            recorder: Recorder::default(),
        }
    }

    fn client(&self) -> HttpClient {
        let builder = self.server.builder().observer(self.recorder.clone());
        builder.build().unwrap().with_bearer_tokens(&self.tokens)
    }

    /// What each request to the server said of itself.
    fn sent(&self) -> Vec<String> {
        let requests = self.server.requests();
        let line = |request: &String| {
            let mut lines = request.lines();
            let found = lines.find_map(|line| line.strip_prefix("authorization: "));
            found.unwrap_or("-").to_owned()
        };
        requests.iter().map(line).collect()
    }
}

fn unauthorized() -> Act {
    answer("401 Unauthorized", &[], "")
}

#[tokio::test]
async fn a_token_is_fetched_once_and_sent_with_every_call() {
    let world = World::new(&["one"], vec![ok("{}")]).await;
    let client = world.client();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        calls.spawn(client.post("/orders").send());
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert_eq!(world.sent(), ["Bearer one"; 50]);
    assert_eq!(world.issuer.requests().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_and_the_call_sent_once_more() {
    let world = World::new(&["one", "two"], vec![unauthorized(), ok("{}")]).await;
    // What was refused had no effect, so it need not be idempotent.
    world.client().post("/orders").send().await.unwrap();
    assert_eq!(world.sent(), ["Bearer one", "Bearer two"]);
    let told = world.recorder.only();
    assert_eq!((told.attempts(), told.fault()), (2, None));
}

#[tokio::test]
async fn a_server_that_refuses_every_token_hears_a_call_twice_and_then_once() {
    let world = World::new(&["one", "two", "three"], vec![unauthorized()]).await;
    let client = world.client();
    for expected in [2, 3, 4] {
        let fault = client.post("/").send().await.unwrap_err();
        assert_eq!(fault.status().unwrap(), 401);
        assert_eq!(world.sent().len(), expected);
    }
    let response = client.get("/").send_any_status().await.unwrap();
    assert_eq!(response.status(), 401);
    // It refuses the second as it refused the first: a third is not asked for at once.
    assert_eq!(world.issuer.requests().len(), 2);
}

/// One resource refuses the token, whatever the others do, and the issuer is down.
#[tokio::test]
async fn a_refused_token_is_sent_while_no_other_is_to_be_had() {
    let acts = vec![ok("{}"), unauthorized(), unauthorized(), ok("{}")];
    let mut world = World::new(&["one"], acts).await;
    world.issuer = FaultServer::start([ok("one"), answer("503 X", &[], "")]).await;
    world.tokens = TokenProvider::new(Issuer(world.issuer.client()));
    let client = world.client();
    client.get("/orders").send().await.unwrap();
    let fault = client.get("/admin").send().await.unwrap_err();
    assert_eq!(
        fault.kind(),
        FaultKind::Status,
        "the server's word: {fault}"
    );
    assert_eq!(fault.status().unwrap(), 401);
    let response = client.get("/admin").send_any_status().await.unwrap();
    assert_eq!(response.status(), 401);
    client.get("/orders").send().await.unwrap();
    assert_eq!(world.sent(), ["Bearer one"; 4]);
    // The failure is remembered.
    assert_eq!(world.issuer.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_replaced_for_who_takes_any_status_too() {
    let world = World::new(&["one", "two"], vec![unauthorized(), ok("{}")]).await;
    let response = world.client().get("/").send_any_status().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_call_that_is_never_sent_twice_is_not_sent_again_for_a_token_either() {
    let world = World::new(&["one", "two"], vec![unauthorized(), ok("{}")]).await;
    let call = world.client().post("/").retry(RetryPolicy::never());
    assert_eq!(call.send().await.unwrap_err().status().unwrap(), 401);
    assert_eq!(world.sent(), ["Bearer one"]);
}

/// A hundred calls under way with one token, which the server does not know any more.
#[tokio::test]
async fn many_calls_that_are_refused_together_fetch_one_new_token() {
    let world = World::new(
        &["one", "two"],
        [vec![unauthorized(); 100], vec![ok("{}")]].concat(),
    )
    .await;
    let client = world.client();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(client.get("/").send());
    }
    let mut refused = 0;
    while let Some(call) = calls.join_next().await {
        refused += u32::from(call.unwrap().is_err());
    }
    assert_eq!(world.issuer.requests().len(), 2);
    // The server refuses the first hundred, whatever they carry: those that came late enough to
    // carry the new token were refused with it.
    assert!(refused < 100, "{refused}");
}

#[tokio::test]
async fn a_request_that_brings_its_own_is_sent_with_that() {
    let world = World::new(&["one"], vec![ok("{}")]).await;
    let user = Secret::from("user");
    world.client().get("/").bearer(&user).send().await.unwrap();
    assert_eq!(world.sent(), ["Bearer user"]);
    assert_eq!(world.issuer.requests().len(), 0);
}

#[tokio::test]
async fn tokens_and_keys_go_into_the_headers_that_are_named() {
    let world = World::new(&["one"], vec![ok("{}")]).await;
    let client = world.server.client();
    let client = client
        .with_header_tokens(HeaderName::from_static("x-client-token"), &world.tokens)
        .with_secret_header(HeaderName::from_static("x-api-key"), &Secret::from("old"))
        .with_secret_header(HeaderName::from_static("x-api-key"), &Secret::from("key"));
    client.get("/").send().await.unwrap();
    let request = &world.server.requests()[0];
    assert!(request.contains("\r\nx-client-token: one\r\nx-api-key: key\r\n"));
    assert!(!request.contains("old"));
    // The client it was made of stays as it is.
    world.server.client().get("/").send().await.unwrap();
    assert!(!world.server.requests()[1].contains("x-api-key"));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_issuers_word_is_the_source() {
    for (act, transient) in [
        (answer("503 X", &["retry-after: 17"], ""), true),
        (answer("400 X", &[], r#"{"error":"invalid_client"}"#), false),
    ] {
        let issuer = FaultServer::start([act]).await;
        let server = FaultServer::start([ok("{}")]).await;
        let tokens = TokenProvider::new(Issuer(issuer.client()));
        let client = server.client().with_bearer_tokens(&tokens);
        for _ in 0..3 {
            let fault = client.get("/orders").send().await.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Credential);
            assert_eq!(fault.is_transient(), transient);
            assert_eq!(fault.retry_after().is_some(), transient);
            assert_eq!(
                fault.to_string(),
                "GET /orders: there is no token to send along"
            );
            let source = std::error::Error::source(&fault).unwrap().to_string();
            assert!(source.starts_with("POST /token: the server answered"));
        }
        assert_eq!((server.connections(), issuer.requests().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_token_that_no_header_may_hold_is_not_sent() {
    for token in ["", "s3cr3t\r\nx: y", "s3cr3t\u{0}"] {
        let world = World::new(&[token], vec![ok("{}")]).await;
        let fault = world.client().get("/").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Credential);
        assert!(!format!("{fault} {fault:?}").contains("s3cr3t"));
        assert_eq!(world.server.connections(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_token_ends_with_the_deadline() {
    let issuer = FaultServer::start([Act::AnswerAndStall(Vec::new())]).await;
    let tokens = TokenProvider::new(Issuer(issuer.client()));
    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client().with_bearer_tokens(&tokens);
    let start = tokio::time::Instant::now();
    let deadline = Duration::from_secs(3);
    let fault = client.get("/").deadline(deadline).send().await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    assert!(start.elapsed() <= deadline + Duration::from_millis(1));
}

#[tokio::test]
async fn a_credential_is_not_put_into_a_header_that_frames_the_message() {
    let server = FaultServer::start([ok("{}")]).await;
    for name in ["host", "content-length", "transfer-encoding"] {
        let name = HeaderName::from_static(name);
        let client = server.client().with_secret_header(name, &"s3cr3t".into());
        let fault = client.get("/").send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Credential);
        assert!(!fault.is_transient());
    }
    assert_eq!(server.connections(), 0);
}
