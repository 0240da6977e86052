//! A service, protected; and a client that tries to get in.
//!
//! `cargo run --example quickstart` starts an issuer, a Miso controller, a service behind the SDK and
//! a client, all in this process and all talking real HTTP over loopback, and prints what was
//! expected and what came. It exits with 0 only if everything was as expected. With `REDIS_URL` it
//! keeps what it remembers in that Redis too, for as long as that answers.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use auth_sdk::client::AuthClient;
use auth_sdk::core::Secret;
use auth_sdk::core::config::Env;
use auth_sdk::jwt::mint::SigningKey;
use auth_sdk::jwt::{Algorithm, KeySet, Policy, StaticKeys, TokenCache, Verifier};
use auth_sdk::miso::MisoSettings;
use auth_sdk::redis::{RedisSettings, RedisState};
use auth_sdk::tower::{AuthLayer, ContextLayer, CurrentUser, Log, RequireRole};
use auth_testkit::{MisoController, OidcIssuer, User};
use axum::{Router, routing::get};
use serde_json::json;
use tokio::net::TcpListener;

mod client;
#[cfg(test)]
mod tests;
mod transcript;

use client::Client;
use transcript::{Expected, Transcript};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let as_expected = run(&Env::process()).await?;
    Ok(ExitCode::from(u8::from(!as_expected)))
}

/// The whole play. Whether everything was as expected.
async fn run(env: &Env) -> Result<bool> {
    // Those who issue tokens and know who may do what: here development servers, in production
    // Keycloak and the controller.
    let issuer = OidcIssuer::builder()
        .audience("quickstart")
        .user(User::new("ada", "correct horse").role("admin"))
        .user(User::new("bob", "battery staple").role("reader"))
        .start()
        .await?;
    let controller = MisoController::builder(&issuer)?.start().await?;

    // The SDK, the service behind it, and a client of that service.
    let client = Client::new();
    let jwks = client.get(&issuer.jwks_uri(), None).await?;
    let sdk = sdk(env, &issuer, &jwks.body, &controller)?;
    let memory = match sdk.started().await.redis {
        None => "of this process (with REDIS_URL, of Redis too)",
        Some(RedisState::Up) => "of this process and of Redis",
        Some(_) => "of this process (and of Redis, once it answers)",
    };
    let admin = format!("http://{}/admin", serve(protected_service(&sdk)).await?);
    let mut transcript = Transcript::begin(&[
        ("issuer", issuer.url()),
        ("control", controller.url()),
        ("service", &admin),
        ("memory", memory),
    ]);

    let answer = client.get(&admin, None).await?;
    transcript.line("no token", Expected::Challenge(401), &answer);

    // Right name, right key id, wrong key: anybody can make one of these.
    let forger = SigningKey::generate(Algorithm::ES256)?.with_kid(issuer.current_kid());
    let forged = issuer.token("ada")?.sign_with(&forger)?;
    let answer = client.get(&admin, Some(&forged)).await?;
    let refused = Expected::Code(401, "bad_signature");
    transcript.line("ada's name, forged key", refused, &answer);

    let expired = issuer.token("ada")?.expired_for(Duration::from_secs(3600));
    let answer = client.get(&admin, Some(&expired.sign()?)).await?;
    let refused = Expected::Code(401, "expired");
    transcript.line("ada, expired an hour ago", refused, &answer);

    let bob = login(&client, &issuer, "bob", "battery staple").await?;
    let answer = client.get(&admin, Some(&bob)).await?;
    let refused = Expected::Code(403, "insufficient_scope");
    transcript.line("bob, without the role", refused, &answer);

    let ada = login(&client, &issuer, "ada", "correct horse").await?;
    let calls = Calls::to(&controller);
    let answer = client.get(&admin, Some(&ada)).await?;
    let welcome = Expected::Body(200, "hello, ada");
    transcript.line("ada, an admin", welcome, &answer);
    transcript.check("  calls to the controller", 1, calls.so_far());

    // What she may is remembered: nobody has to be asked.
    let calls = Calls::to(&controller);
    let answer = client.get(&admin, Some(&ada)).await?;
    transcript.line("ada, again", welcome, &answer);
    transcript.check("  calls to the controller", 0, calls.so_far());

    // What happened, as the controller was told: masked, and all of it.
    sdk.shutdown(Duration::from_secs(5)).await?;
    transcript.audit(
        &controller.log_entries(),
        &[&ada, controller.client_secret()],
    );

    transcript.end();
    Ok(transcript.all_as_expected())
}

/// The facade: the issuer's keys say who it is, the controller says what they may.
fn sdk(
    env: &Env,
    issuer: &OidcIssuer,
    jwks: &str,
    controller: &MisoController,
) -> Result<AuthClient> {
    let policy = Policy::builder(issuer.url(), issuer.audience()).build()?;
    let keys = StaticKeys::new(KeySet::from_jwks(jwks.as_bytes())?);

    let secret = controller.client_secret().clone();
    let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
    let verifier = Verifier::new(policy, keys).with_token_cache(TokenCache::new());
    let client = AuthClient::miso(settings).verify_locally(verifier);
    let client = match RedisSettings::from_env(env)? {
        Some(redis) => client.redis(redis),
        None => client,
    };
    Ok(client.build()?)
}

/// What you would write: routes, what they require, and who answers for it.
fn protected_service(sdk: &AuthClient) -> Router {
    Router::new()
        .route("/admin", get(hello))
        .layer(RequireRole::new("admin"))
        .layer(AuthLayer::new(sdk.clone()))
        .layer(ContextLayer::new().audit_log(sdk.audit_log()))
}

async fn hello(user: CurrentUser, log: Log) -> String {
    log.audit("admin.opened", "dashboard")
        .context(json!({ "page": 1, "password": "correct horse" }))
        .emit();
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

/// Counts the questions a request costs; the trail is sent at its own pace.
struct Calls<'a> {
    controller: &'a MisoController,
    before: usize,
}

impl<'a> Calls<'a> {
    fn to(controller: &'a MisoController) -> Self {
        let before = Self::count(controller);
        Self { controller, before }
    }

    fn so_far(&self) -> usize {
        Self::count(self.controller) - self.before
    }

    fn count(controller: &MisoController) -> usize {
        let received = controller.received();
        let questions = received
            .iter()
            .filter(|it| it.path.starts_with("/api/v1/auth/"));
        questions.count()
    }
}
