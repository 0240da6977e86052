//! What is done for one request, tied together: the context layer, the audit trail in a handler, and
//! the probes, over a development controller.

mod common;

use std::time::Duration;

use auth_client::AuthClient;
use auth_core::RequestContext;
use auth_miso::MisoSettings;
use auth_testkit::{MisoController, OidcIssuer, ScriptedFault, User};
use auth_tower::{AuthLayer, ContextLayer, CurrentUser, Log, RequirePermission, probes};
use axum::Router;
use axum::routing::get;
use common::{ask, ask_with};
use http::StatusCode;
use serde_json::{Value, json};

async fn world() -> (OidcIssuer, MisoController, AuthClient) {
    let issuer = OidcIssuer::builder()
        .user(User::new("ada", "x").permission("doors:open"))
        .start()
        .await
        .unwrap();
    let controller = MisoController::builder(&issuer)
        .unwrap()
        .start()
        .await
        .unwrap();
    let secret = controller.client_secret().clone();
    let settings = MisoSettings::new(controller.url(), controller.client_id(), secret);
    let client = AuthClient::miso(settings).build().unwrap();
    (issuer, controller, client)
}

fn service(client: &AuthClient) -> Router {
    let open = async |user: CurrentUser, log: Log| {
        log.audit("door.opened", "cellar")
            .context(json!({ "password": "hunter2" }))
            .emit();
        log.warn("it is dark down there");
        user.username().unwrap().to_owned()
    };
    Router::new()
        .route("/open", get(open))
        .layer(RequirePermission::new("doors:open"))
        .layer(AuthLayer::new(client.clone()))
        .route(
            "/who",
            get(async || {
                RequestContext::current()
                    .unwrap()
                    .correlation_id()
                    .to_string()
            }),
        )
        .merge(probes(client))
        .layer(ContextLayer::new().audit_log(client.audit_log()))
}

#[tokio::test]
async fn what_a_handler_writes_is_tied_to_the_request_and_its_user() {
    let (issuer, controller, client) = world().await;
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let header = [format!("Bearer {}", token.expose())];
    let answer = ask(&service(&client), "/open", &header).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "ada"));
    assert_eq!(answer.correlation_id.as_deref(), Some("test"));
    client.shutdown(Duration::from_secs(10)).await.unwrap();

    let logs = controller.log_entries();
    let opened = |log: &&Value| log["context"]["action"] == "door.opened";
    let opened = logs.iter().find(opened).unwrap();
    let subject = issuer.users()[0].subject_id();
    assert_eq!(opened["correlationId"], "test");
    assert_eq!(opened["userId"]["id"], subject);
    assert_eq!(opened["context"]["path"], "/open");
    assert_eq!(opened["context"]["password"], "***MASKED***");
    let warning = logs.iter().find(|log| log["level"] == "warn").unwrap();
    assert_eq!(warning["userId"]["id"], subject);
    // Every call made on the way belongs to the same request.
    assert!(
        logs.iter().all(|log| log["correlationId"] == "test"),
        "{logs:?}"
    );
}

#[tokio::test]
async fn every_response_states_the_correlation_id() {
    let (_issuer, _controller, client) = world().await;
    let service = service(&client);
    let answer = ask(&service, "/who", &[]).await;
    assert_eq!(
        (&*answer.body, answer.correlation_id.as_deref()),
        ("test", Some("test"))
    );
    let answer = ask_with(&service, "/who", &[], &[("x-correlation-id", "<script>")]).await;
    assert_eq!(answer.correlation_id.as_deref(), Some(&*answer.body));
    assert_eq!(answer.body.len(), 36);
}

#[tokio::test]
async fn a_log_without_its_layer_is_a_named_error() {
    let service = Router::new().route("/", get(async |_: Log| "passed"));
    let answer = ask(&service, "/", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.code(), "audit_log_missing");
}

#[tokio::test]
async fn the_probes_tell_alive_from_ready() {
    let (issuer, controller, client) = world().await;
    let service = service(&client);
    let ready = async || {
        let answer = get_raw(&service, "/health/ready").await;
        let details: Value = serde_json::from_str(&answer.1).unwrap();
        (answer.0, details["provider"].as_str().unwrap().to_owned())
    };
    assert_eq!(ready().await, (StatusCode::OK, "untried".to_owned()));
    let token = issuer.token("ada").unwrap().sign().unwrap();
    let header = [format!("Bearer {}", token.expose())];

    let broken = ScriptedFault::Status(StatusCode::INTERNAL_SERVER_ERROR);
    controller.script("/api/v1/auth/validate", broken, 1);
    let answer = ask(&service, "/open", &header).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "controller_unavailable");
    assert_eq!(
        ready().await,
        (StatusCode::SERVICE_UNAVAILABLE, "failing".to_owned())
    );
    assert_eq!(get_raw(&service, "/health/live").await.0, StatusCode::OK);

    assert_eq!(ask(&service, "/open", &header).await.status, StatusCode::OK);
    assert_eq!(ready().await, (StatusCode::OK, "good".to_owned()));
}

/// Without the checks of refusals: a probe is none.
async fn get_raw(service: &Router, uri: &str) -> (StatusCode, String) {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let request = http::Request::get(uri)
        .body(axum::body::Body::empty())
        .unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
