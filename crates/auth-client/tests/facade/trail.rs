//! What arrives in the trail, how often, and with what in it.

use std::time::Duration;

use auth_client::{AuthClient, Condition};
use auth_core::config::Env;
use auth_core::{CorrelationId, RequestContext};
use auth_miso::Miso;
use auth_testkit::ScriptedFault;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{LOGS, ROLES, VALIDATE, client, controller, end, issuer, token};

/// DESIGN §5: nothing is sent twice after a 2xx.
#[tokio::test]
async fn a_batch_that_was_answered_is_not_sent_again() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    for (answer, rejected) in [
        (ScriptedFault::NoContent, 0),
        // A page of a proxy in the way proves nothing, so it is told and not forgotten.
        (ScriptedFault::Html, 1),
        (ScriptedFault::Json(r#"{"failed":7}"#), 1),
        (ScriptedFault::Json(r#"{"success":true}"#), 0),
        (ScriptedFault::Json(r#"{"data":null}"#), 0),
        (
            ScriptedFault::Json(r#"{"processed":1,"failed":1,"errors":[{"index":0}]}"#),
            1,
        ),
        (
            ScriptedFault::Json(r#"{"data":{"processed":0,"failed":1}}"#),
            1,
        ),
    ] {
        let client = client(&controller);
        controller.forget_received();
        controller.script(LOGS, answer, 1);
        client.audit("a", "r").emit();
        end(&client).await;
        let stats = client.health().audit;
        assert_eq!(
            (stats.rejected, stats.pending, stats.retries),
            (rejected, 0, 0),
            "{answer:?}"
        );
        let sent = controller.log_entries();
        let sent = sent
            .iter()
            .filter(|log| log["context"]["action"] == "a")
            .count();
        assert_eq!(sent, 1, "{answer:?}");
    }
}

/// What is put into a path may be a secret; the trail has the path as it was written.
#[tokio::test]
async fn the_trail_has_the_template_of_a_path_and_not_what_was_put_into_it() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let miso = client.provider::<Miso>().unwrap();
    let request = miso
        .http()
        .post("/api/v1/reset/{code}")
        .segment("code", "hunter2secret");
    request.send().await.unwrap_err();
    // Only the trail's own requests are not in it.
    let request = miso
        .http()
        .get("/api/v1/logs/export")
        .query("token", "hunter2secret");
    request.send().await.unwrap_err();
    end(&client).await;
    let logs = controller.log_entries();
    let urls: Vec<_> = logs.iter().map(|log| &log["context"]["url"]).collect();
    assert_eq!(urls, ["/api/v1/reset/{code}", "/api/v1/logs/export"]);
    assert!(!serde_json::to_string(&logs).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn what_is_emitted_arrives_masked_and_correlated_and_the_calls_beside_it() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let ada = token(&issuer, "ada");
    let id = CorrelationId::parse("c-1").unwrap();
    let context = RequestContext::builder(id).path("/orders").build();
    let decision = context.scope(async {
        let identity = client.validate_token(&ada).await.unwrap();
        client.has_role(&identity, "admin").await
    });
    assert!(decision.await.is_granted());
    client
        .audit("order.deleted", "order")
        .entity("order", "17")
        .context(json!({ "password": "hunter2", "note": format!("Bearer {}", ada.expose()) }))
        .emit();
    client
        .log(auth_audit::Level::Warn, "the disk is filling up")
        .emit();
    end(&client).await;

    let logs = controller.log_entries();
    let all = serde_json::to_string(&logs).unwrap();
    for planted in ["hunter2", ada.expose(), controller.client_secret().expose()] {
        assert!(!all.contains(planted), "{planted} in {all}");
    }
    let actions: Vec<_> = logs.iter().map(|log| &log["context"]["action"]).collect();
    // The calls are in the trail, but for minting and for the trail itself.
    let calls = ["http.request.POST", "http.request.GET", "order.deleted"];
    let calls: Vec<Value> = calls.into_iter().map(Value::from).collect();
    assert_eq!(actions[..3], calls.iter().collect::<Vec<_>>(), "{all}");
    assert_eq!(logs.len(), 4, "{all}");
    assert_eq!(logs[0]["context"]["url"], VALIDATE);
    assert_eq!(logs[0]["context"]["statusCode"], 200);
    assert_eq!(logs[0]["correlationId"], "c-1");
    assert_eq!(logs[1]["context"]["url"], ROLES);
    assert_eq!(logs[2]["context"]["entityId"], "17");
    assert_eq!(logs[2]["context"]["password"], "***MASKED***");
    assert_eq!(
        (&logs[3]["level"], &logs[3]["message"]),
        (&"warn".into(), &"the disk is filling up".into())
    );
}

/// Contract miso §5: the original goes on without a policy file that it cannot read, and says nothing.
#[tokio::test]
async fn the_trail_is_masked_by_the_policy_file_or_there_is_no_client() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let folder = std::env::temp_dir().join(format!("auth-client-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("policy.json");
    let build = |policy: &str| {
        std::fs::write(&file, policy).unwrap();
        let env = Env::from_pairs([
            ("AUTH_PROVIDER", "miso"),
            ("MISO_CLIENTID", controller.client_id()),
            ("MISO_CLIENTSECRET", controller.client_secret().expose()),
            ("MISO_CONTROLLER_URL", controller.url()),
            ("MISO_SENSITIVE_FIELDS_CONFIG", file.to_str().unwrap()),
        ]);
        AuthClient::from_env_of(&env)
    };
    let error = build(r#"{"fields":["badge"]}"#).unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    assert_eq!(
        error.problems()[0].variable(),
        "MISO_SENSITIVE_FIELDS_CONFIG"
    );

    let client = build(r#"{"fields":{"ours":["badge"]},"neverMaskFields":["ssn"]}"#).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    client
        .audit("door.opened", "door")
        .context(json!({ "badgeNumber": 7, "ssn": "shown", "password": "hunter2" }))
        .emit();
    end(&client).await;
    let logs = controller.log_entries();
    let context = &logs
        .iter()
        .find(|log| log["context"]["action"] == "door.opened");
    let context = &context.unwrap()["context"];
    assert_eq!(context["badgeNumber"], "***MASKED***");
    assert_eq!(context["password"], "***MASKED***");
    assert_eq!(context["ssn"], "shown");
}

/// Contract miso §13 B4: with debug logging the original's log requests logged themselves for ever.
#[tokio::test]
async fn miso_b4_delivering_the_trail_adds_nothing_to_it() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    for _ in 0..25 {
        client.audit("a", "r").emit();
    }
    end(&client).await;
    assert_eq!(controller.log_entries().len(), 25);
    assert!(controller.count(LOGS) <= 25);
}

/// Contract miso §13 C1: what had not been sent when the original disconnected was lost.
#[tokio::test]
async fn miso_c1_nothing_is_lost_by_an_outage_or_at_the_end() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    controller.script(
        LOGS,
        ScriptedFault::Status(StatusCode::SERVICE_UNAVAILABLE),
        2,
    );
    for n in 0..30 {
        client.audit("a", "r").context(json!({ "n": n })).emit();
    }
    end(&client).await;
    let mut seen: Vec<_> = controller
        .log_entries()
        .iter()
        .map(|log| log["context"]["n"].as_u64().unwrap())
        .collect();
    // The controller remembers refused batches too, so some are there twice.
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    let stats = client.health().audit;
    assert_eq!((stats.dropped, stats.rejected, stats.pending), (0, 0, 0));
}

/// Log entries decide nothing: what fails there keeps no request away and no token from being asked.
#[tokio::test]
async fn a_log_endpoint_that_fails_changes_neither_readiness_nor_authentication() {
    for status in [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ] {
        let issuer = issuer().await;
        let controller = controller(&issuer).await;
        let client = client(&controller);
        controller.script(LOGS, ScriptedFault::Status(status), 1_000);
        client.validate_token(&token(&issuer, "ada")).await.unwrap();
        let miso = client.provider::<Miso>().unwrap();
        let entry = auth_miso::LogEntry::new(
            auth_miso::LogLevel::Info,
            "started",
            std::time::SystemTime::now(),
        );
        for _ in 0..8 {
            miso.log_batch(std::slice::from_ref(&entry))
                .await
                .unwrap_err();
        }
        let health = client.health();
        assert!(health.is_ready(), "{status}");
        assert_eq!(
            (health.provider, health.logs),
            (Condition::Good, Condition::Failing)
        );
        client.validate_token(&token(&issuer, "bob")).await.unwrap();
    }
}

#[tokio::test]
async fn events_that_are_too_large_together_arrive_apart() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    for n in 0..8 {
        let text = "w".repeat(150_000);
        let context = json!({ "n": n, "text": text });
        client.audit("a", "r").context(context).emit();
    }
    end(&client).await;
    let stats = client.health().audit;
    assert_eq!((stats.delivered, stats.rejected), (8, 0));
}

#[tokio::test]
async fn the_end_says_what_is_left() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    controller.script(LOGS, ScriptedFault::Hang, 100);
    for _ in 0..30 {
        client.audit("a", "r").emit();
    }
    let left = client.shutdown(Duration::from_millis(100)).await;
    assert_eq!(left.unwrap_err().left(), 30);
}
