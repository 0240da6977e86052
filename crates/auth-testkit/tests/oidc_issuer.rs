//! The development issuer, asked over real HTTP as any issuer would be.

use auth_jwt::{Algorithm, KeySet, Policy, Rejection, StaticKeys, Verifier};
use auth_testkit::{OidcIssuer, TestClock, TestkitError, User};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

type Body = Full<axum::body::Bytes>;

async fn ask(method: Method, url: &str, form: &str) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(url: &str) -> Value {
    let (status, body) = ask(Method::GET, url, "").await;
    assert_eq!(status, StatusCode::OK, "{url}");
    body
}

async fn issuer() -> OidcIssuer {
    let ada = User::new("ada", "correct horse")
        .role("admin")
        .email("ada@example.com");
    OidcIssuer::builder().user(ada).start().await.unwrap()
}

fn verifier(issuer: &OidcIssuer, jwks: &str) -> Verifier {
    let policy = Policy::builder(issuer.url(), issuer.audience())
        .build()
        .unwrap();
    Verifier::new(
        policy,
        StaticKeys::new(KeySet::from_jwks(jwks.as_bytes()).unwrap()),
    )
}

#[tokio::test]
async fn a_client_finds_its_way_from_discovery_to_a_verified_token() {
    let issuer = issuer().await;
    let discovery = format!("{}/.well-known/openid-configuration", issuer.url());
    let document = get(&discovery).await;
    assert_eq!(document["issuer"], issuer.url());

    let form = "grant_type=password&username=ada&password=correct+horse";
    let endpoint = document["token_endpoint"].as_str().unwrap();
    let (status, answer) = ask(Method::POST, endpoint, form).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 300);

    let jwks = get(document["jwks_uri"].as_str().unwrap())
        .await
        .to_string();
    let verifier = verifier(&issuer, &jwks);
    let claims = verifier
        .verify(answer["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(claims.username(), Some("ada"));
    assert_eq!(claims.email(), Some("ada@example.com"));
    assert!(claims.roles().eq(["admin"]));

    let requests = issuer.requests();
    assert_eq!(
        (requests.discovery, requests.jwks, requests.token),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_brings_the_next() {
    let issuer = issuer().await;
    let first = issuer.refresh_token("ada").unwrap();
    let form = |token: &str| format!("grant_type=refresh_token&refresh_token={token}");
    let (status, answer) = ask(
        Method::POST,
        &issuer.token_endpoint(),
        &form(first.expose()),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let verifier = verifier(&issuer, &issuer.jwks());
    let claims = verifier
        .verify(answer["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(claims.username(), Some("ada"));

    let (_, again) = ask(
        Method::POST,
        &issuer.token_endpoint(),
        &form(first.expose()),
    )
    .await;
    assert_eq!(again["error"], "invalid_grant");
    let next = answer["refresh_token"].as_str().unwrap();
    let (status, _) = ask(Method::POST, &issuer.token_endpoint(), &form(next)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_rfc_6749_says() {
    let issuer = issuer().await;
    for (form, error) in [
        (
            "grant_type=password&username=ada&password=wrong",
            "invalid_grant",
        ),
        (
            "grant_type=password&username=eve&password=correct+horse",
            "invalid_grant",
        ),
        ("grant_type=password&username=ada", "invalid_request"),
        (
            "grant_type=password&username=ada&username=eve&password=x",
            "invalid_request",
        ),
        ("username=ada&password=correct+horse", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("", "invalid_request"),
    ] {
        let (status, answer) = ask(Method::POST, &issuer.token_endpoint(), form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form}");
        assert_eq!(answer["error"], error, "{form}");
    }
    let huge = format!("grant_type=password&username={}", "a".repeat(70_000));
    let (status, answer) = ask(Method::POST, &issuer.token_endpoint(), &huge).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_request".into())
    );
}

#[tokio::test]
async fn rotated_keys_stay_published_until_they_are_retired() {
    let issuer = issuer().await;
    let old = issuer.token("ada").unwrap().sign().unwrap();
    issuer.rotate_keys().unwrap();
    let new = issuer.token("ada").unwrap().sign().unwrap();

    let both = verifier(&issuer, &get(&issuer.jwks_uri()).await.to_string());
    assert!(both.verify(old.expose()).await.is_ok());
    assert!(both.verify(new.expose()).await.is_ok());

    issuer.retire_old_keys();
    let one = verifier(&issuer, &get(&issuer.jwks_uri()).await.to_string());
    assert_eq!(one.verify(old.expose()).await, Err(Rejection::UnknownKey));
    assert!(one.verify(new.expose()).await.is_ok());
}

#[tokio::test]
async fn the_issuers_clock_and_the_verifiers_may_be_one() {
    let clock = TestClock::at_unix_secs(1_000_000);
    let issuer = OidcIssuer::builder()
        .user(User::new("ada", "x"))
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let verifier = verifier(&issuer, &issuer.jwks()).with_clock(clock.clone());
    assert!(verifier.verify(token.expose()).await.is_ok());
    clock.advance(std::time::Duration::from_secs(360));
    assert_eq!(
        verifier.verify(token.expose()).await,
        Err(Rejection::Expired { by: 60 })
    );
}

#[tokio::test]
async fn every_asymmetric_algorithm_can_be_issued_and_an_hmac_cannot() {
    for algorithm in Algorithm::ALL {
        let issuer = OidcIssuer::builder()
            .user(User::new("ada", "x"))
            .algorithm(algorithm);
        match issuer.start().await {
            Ok(issuer) => {
                let token = issuer.token("ada").unwrap().sign().unwrap();
                let verifier = verifier(&issuer, &issuer.jwks());
                assert!(verifier.verify(token.expose()).await.is_ok(), "{algorithm}");
            }
            Err(error) => {
                assert!(algorithm.is_symmetric(), "{algorithm}: {error}");
                assert!(matches!(error, TestkitError::Symmetric), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn after_shutdown_nobody_answers_on_the_port() {
    let issuer = issuer().await;
    let url = issuer.jwks_uri();
    get(&url).await;
    let address = url.split('/').nth(2).unwrap().to_owned();
    issuer.shutdown().await;
    let connected = tokio::net::TcpStream::connect(address).await;
    assert_eq!(
        connected.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}
