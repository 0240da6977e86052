//! A service, protected; and a client that tries to get in.
//!
//! `cargo run --example quickstart` starts an issuer, a service behind the SDK and a client, all in
//! this process and all talking real HTTP over loopback, and prints what was expected and what
//! came. It exits with 0 only if every answer was the expected one.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use auth_sdk::core::Secret;
use auth_sdk::jwt::mint::SigningKey;
use auth_sdk::jwt::{Algorithm, KeySet, Policy, StaticKeys, Verifier};
use auth_sdk::tower::{AuthLayer, CurrentUser, RequireRole};
use auth_testkit::{OidcIssuer, User};
use axum::{Router, routing::get};
use tokio::net::TcpListener;

mod client;
mod transcript;

use client::Client;
use transcript::{Expected, Transcript};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    // Somebody who issues tokens: here a development issuer, in production Keycloak or its like.
    let issuer = OidcIssuer::builder()
        .audience("quickstart")
        .user(User::new("ada", "correct horse").role("admin"))
        .user(User::new("bob", "battery staple").role("reader"))
        .start()
        .await?;

    // The service, and a client of it.
    let client = Client::new();
    let address = serve(protected_service(&issuer, &client).await?).await?;
    let admin = format!("http://{address}/admin");
    let mut transcript = Transcript::begin(&[
        ("issuer", issuer.url()),
        ("service", &admin),
        ("rule", "a token of the issuer, and the role `admin`"),
    ]);

    let answer = client.get(&admin, None).await?;
    transcript.line("no token", Expected::Challenge(401), &answer);

    // Right name, right key id, wrong key: anybody can make one of these.
    let forger = SigningKey::generate(Algorithm::ES256)?.with_kid(issuer.current_kid());
    let forged = issuer.token("ada")?.sign_with(&forger)?;
    let answer = client.get(&admin, Some(&forged)).await?;
    transcript.line(
        "ada's name, forged key",
        Expected::Code(401, "bad_signature"),
        &answer,
    );

    let expired = issuer
        .token("ada")?
        .expired_for(Duration::from_secs(3600))
        .sign()?;
    let answer = client.get(&admin, Some(&expired)).await?;
    transcript.line(
        "ada, expired an hour ago",
        Expected::Code(401, "expired"),
        &answer,
    );

    let bob = login(&client, &issuer, "bob", "battery staple").await?;
    let answer = client.get(&admin, Some(&bob)).await?;
    transcript.line(
        "bob, without the role",
        Expected::Code(403, "insufficient_scope"),
        &answer,
    );

    let ada = login(&client, &issuer, "ada", "correct horse").await?;
    let answer = client.get(&admin, Some(&ada)).await?;
    transcript.line("ada, an admin", Expected::Body(200, "hello, ada"), &answer);

    transcript.end();
    Ok(ExitCode::from(u8::from(!transcript.all_as_expected())))
}

/// What you would write: a policy, the issuer's keys, and two layers.
async fn protected_service(issuer: &OidcIssuer, client: &Client) -> Result<Router> {
    let jwks = client.get(&issuer.jwks_uri(), None).await?;
    let keys = StaticKeys::new(KeySet::from_jwks(jwks.body.as_bytes())?);
    let policy = Policy::builder(issuer.url(), "quickstart").build()?;

    Ok(Router::new()
        .route("/admin", get(hello))
        .layer(RequireRole::new("admin"))
        .layer(AuthLayer::new(Verifier::new(policy, keys))))
}

async fn hello(user: CurrentUser) -> String {
    format!("hello, {}", user.principal().name())
}

/// Serves on a free port of loopback for as long as this process runs.
async fn serve(service: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

/// Gets a token for a password, as a first-party client does.
async fn login(client: &Client, issuer: &OidcIssuer, user: &str, password: &str) -> Result<Secret> {
    let form = [
        ("grant_type", "password"),
        ("username", user),
        ("password", password),
    ];
    let answer = client.post_form(&issuer.token_endpoint(), &form).await?;
    let answer: serde_json::Value = serde_json::from_str(&answer.body)?;
    let token = answer["access_token"]
        .as_str()
        .ok_or("the issuer gave no token")?;
    Ok(token.into())
}
