//! What an event holds: what it was told, what the request says, and no secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_audit::{AuditLog, Level};
use auth_core::{Clock, CorrelationId, Principal, RequestContext};
use serde_json::{Value, json};

use crate::common::Recorder;

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(1_795_300_950_412_330)
    }
}

fn log() -> AuditLog {
    AuditLog::builder(Recorder::default())
        .clock(Fixed)
        .build()
        .unwrap()
}

fn request() -> RequestContext {
    RequestContext::builder(CorrelationId::parse("req-1").unwrap())
        .method(http::Method::POST)
        .path("/users/4711")
        .principal(
            Principal::builder("u1")
                .username("ada")
                .session_id("SECRET")
                .build(),
        )
        .build()
}

#[tokio::test]
async fn an_event_takes_the_rest_from_the_request() {
    let log = log();
    let event = request()
        .scope(async {
            log.event("role.granted", "users")
                .level(Level::Info)
                .entity("User", "4711")
                .old_values(json!({ "roles": [] }))
                .new_values(json!({ "roles": ["admin"] }))
                .context(json!({ "page": 1 }))
                .message("granted")
                .build()
        })
        .await;
    let mut shown: Value = serde_json::to_value(&event).unwrap();
    assert_eq!(shown["id"].take(), event.id().to_string());
    assert_eq!(
        shown,
        json!({
            "id": null, "timestamp": "2026-11-21T22:42:30.412330Z", "level": "info",
            "action": "role.granted", "resource": "users", "message": "granted",
            "correlationId": "req-1", "subject": "u1", "username": "ada",
            "method": "POST", "path": "/users/4711", "entityType": "User", "entityId": "4711",
            "oldValues": { "roles": [] }, "newValues": { "roles": ["admin"] }, "context": { "page": 1 },
        })
    );
}

#[tokio::test]
async fn what_was_set_outweighs_the_request() {
    let log = log();
    let event = request().enter(|| {
        log.event("a", "r")
            .correlation_id(CorrelationId::parse("mine").unwrap())
            .principal(Principal::builder("u2").build())
            .build()
    });
    assert_eq!(event.correlation_id().unwrap().as_str(), "mine");
    assert_eq!(event.principal().unwrap().subject(), "u2");
    assert_eq!(event.method(), Some("POST"));
}

#[tokio::test]
async fn an_event_outside_of_a_request_has_no_request() {
    let event = log().event("a", "r").build();
    let names: Vec<_> = serde_json::to_value(&event)
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["action", "id", "level", "resource", "timestamp"]);
    assert_eq!(event.level(), Level::Audit);
}

#[tokio::test]
async fn a7_a8_no_part_of_an_event_tells_a_secret() {
    let event = log()
        .event("GET Bearer SECRET", "https://h/p?token=SECRET")
        .entity("https://ada:SECRET@h/", "/p?access_token=SECRET")
        .old_values(json!({ "password": "SECRET" }))
        .new_values(json!([{ "deep": [{ "clientSecret": ["SECRET"] }] }]))
        .context(json!({ "error": "401 for Bearer SECRET", "body": "{\"pin\":\"SECRET\"}" }))
        .message("login with password=SECRET failed")
        .build();
    let shown = format!("{} {event:?}", serde_json::to_string(&event).unwrap());
    assert!(!shown.contains("SECRET"), "{shown}");
    assert!(shown.contains("***MASKED***"));
}

#[tokio::test]
async fn b6_a_context_of_any_depth_is_taken() {
    let mut context = json!("SECRET");
    for _ in 0..200_000 {
        context = Value::Array(vec![context]);
    }
    let event = log().event("a", "r").context(context).build();
    assert!(!event.context().to_string().contains("SECRET"));
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_masked() {
    let sink = Recorder::default();
    let log = AuditLog::builder(sink.clone()).build().unwrap();
    log.event("a", "r")
        .context(json!({ "otp": 1 }))
        .emit_durable()
        .await
        .unwrap();
    assert_eq!(
        sink.accepted()[0].context(),
        &json!({ "otp": "***MASKED***" })
    );
}
