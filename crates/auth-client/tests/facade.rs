//! The facade over a development controller and a real Redis: what is asked how often, what is
//! decided when nobody answers, and what arrives in the trail.

use std::time::Duration;

use auth_client::{AuthClient, Condition};
use auth_core::config::Env;
use auth_core::{AuthenticationError, Authorizer, CorrelationId, Decision, RequestContext, Secret};
use auth_jwt::Algorithm;
use auth_jwt::mint::SigningKey;
use auth_miso::{Miso, MisoSettings};
use auth_redis::{Redis, RedisState};
use auth_testkit::{MisoController, OidcIssuer, RedisServer, ScriptedFault, TestClock, User};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const VALIDATE: &str = "/api/v1/auth/validate";
const ROLES: &str = "/api/v1/auth/roles";
const PERMISSIONS: &str = "/api/v1/auth/permissions";
const LOGS: &str = "/api/v1/logs/batch";

async fn issuer() -> OidcIssuer {
    OidcIssuer::builder()
        .user(
            User::new("ada", "x")
                .role("admin")
                .role("auditor")
                .permission("orders:read"),
        )
        .user(User::new("bob", "x"))
        .start()
        .await
        .unwrap()
}

async fn controller(issuer: &OidcIssuer) -> MisoController {
    MisoController::builder(issuer)
        .unwrap()
        .start()
        .await
        .unwrap()
}

fn settings(controller: &MisoController) -> MisoSettings {
    let secret = controller.client_secret().clone();
    MisoSettings::new(controller.url(), controller.client_id(), secret)
}

fn client(controller: &MisoController) -> AuthClient {
    AuthClient::miso(settings(controller)).build().unwrap()
}

fn token(issuer: &OidcIssuer, user: &str) -> Secret {
    issuer.token(user).unwrap().sign().unwrap()
}

/// Ends the client, so that everything has arrived.
async fn end(client: &AuthClient) {
    client.shutdown(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn the_second_decision_asks_nobody() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let ada = token(&issuer, "ada");
    for _ in 0..3 {
        let identity = client.validate_token(&ada).await.unwrap();
        assert!(client.has_role(&identity, "admin").await.is_granted());
        assert_eq!(client.has_role(&identity, "owner").await, Decision::Denied);
        assert!(
            client
                .has_any_role(&identity, ["owner", "admin"])
                .await
                .is_granted()
        );
        assert!(
            client
                .has_all_roles(&identity, ["auditor", "admin"])
                .await
                .is_granted()
        );
        let all = client.has_all_roles(&identity, ["owner", "admin"]).await;
        assert_eq!(all, Decision::Denied);
        assert!(
            client
                .has_permission(&identity, "orders:read")
                .await
                .is_granted()
        );
        assert!(
            client
                .has_any_permission(&identity, ["orders:read", "x"])
                .await
                .is_granted()
        );
        let all = client
            .has_all_permissions(&identity, ["orders:read", "x"])
            .await;
        assert_eq!(all, Decision::Denied);
    }
    for path in [VALIDATE, ROLES, PERMISSIONS] {
        assert_eq!(controller.count(path), 1, "{path}");
    }
    let identity = client.validate_token(&ada).await.unwrap();
    assert_eq!(
        client.user(&identity).await.unwrap().username(),
        Some("ada")
    );
    client.forget_grants(&identity).await;
    client.roles(&identity).await.unwrap();
    assert_eq!(controller.count(ROLES), 2);
    assert!(client.provider::<Miso>().is_some());
}

#[tokio::test]
async fn tokens_may_be_verified_here_and_the_controller_asked_for_grants_only() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller)).verify_locally(issuer.verifier().unwrap());
    let client = client.build().unwrap();
    let ada = token(&issuer, "ada");
    for _ in 0..2 {
        let identity = client.validate_token(&ada).await.unwrap();
        assert!(client.has_role(&identity, "auditor").await.is_granted());
    }
    assert_eq!(
        (controller.count(VALIDATE), controller.count(ROLES)),
        (0, 1)
    );
    let error = client.validate_token(&"forged".into()).await.unwrap_err();
    assert_eq!(error.reason().code(), "malformed");
}

/// Contract miso §13 A1, through the whole facade.
#[tokio::test]
async fn miso_a1_a_forged_token_with_a_cached_users_sub_gets_no_role() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());

    let forger = SigningKey::generate(Algorithm::ES256).unwrap();
    let forger = forger.with_kid(issuer.current_kid());
    let forged = issuer.token("ada").unwrap().sign_with(&forger).unwrap();
    let error = client.validate_token(&forged).await.unwrap_err();
    assert!(matches!(error, AuthenticationError::Rejected(_)), "{error}");
}

/// Contract miso §13 A16: of no roles everybody had all, also when the controller was down.
#[tokio::test]
async fn miso_a16_of_no_roles_nobody_has_any_or_all() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    let none: [&str; 0] = [];
    assert_eq!(client.has_any_role(&identity, none).await, Decision::Denied);
    assert_eq!(
        client.has_all_roles(&identity, none).await,
        Decision::Denied
    );
    assert_eq!(
        client.has_any_permission(&identity, none).await,
        Decision::Denied
    );
    assert_eq!(
        client.has_all_permissions(&identity, none).await,
        Decision::Denied
    );
}

#[tokio::test]
async fn an_outage_is_unknown_and_never_a_grant() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller).deadline(Duration::from_millis(300)));
    let client = client.build().unwrap();
    assert_eq!(client.health().provider, Condition::Untried);
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    for fault in [
        ScriptedFault::Status(StatusCode::INTERNAL_SERVER_ERROR),
        ScriptedFault::Html,
        ScriptedFault::NoContent,
        ScriptedFault::WrongShape,
        ScriptedFault::Oversized(2 * 1024 * 1024),
        ScriptedFault::Hang,
    ] {
        for path in [ROLES, PERMISSIONS] {
            controller.script(path, fault, 3);
        }
        let role = client.has_role(&identity, "admin").await;
        let permission = client.has_permission(&identity, "orders:read").await;
        for decision in [role, permission] {
            let Decision::Unknown(reason) = decision else {
                panic!("{fault:?}: {decision:?}")
            };
            assert_eq!(reason.code(), "controller_unavailable", "{fault:?}");
            assert!(!reason.message().contains("eyJ"), "{reason}");
        }
        controller.clear_script();
    }
    assert_eq!(client.health().provider, Condition::Failing);
    assert!(!client.health().is_ready());
    // It recovers by itself.
    assert!(client.has_role(&identity, "admin").await.is_granted());
    assert!(client.health().is_ready());
    end(&client).await;
}

/// A balancer that keeps requests away from a failing instance keeps the call away that would show
/// that it has recovered.
#[tokio::test]
async fn a_failure_is_news_for_half_a_minute() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let clock = TestClock::stopped_now();
    let client = AuthClient::miso(settings(&controller))
        .clock(clock.clone())
        .build()
        .unwrap();
    let broken = ScriptedFault::Status(StatusCode::INTERNAL_SERVER_ERROR);
    controller.script("/api/v1/auth/token", broken, 1);
    client
        .validate_token(&token(&issuer, "ada"))
        .await
        .unwrap_err();
    assert_eq!(client.health().provider, Condition::Failing);
    clock.advance(Duration::from_secs(29));
    assert!(!client.health().is_ready());
    clock.advance(Duration::from_secs(1));
    assert_eq!(client.health().provider, Condition::Untried);
    assert!(client.health().is_ready());
}

#[tokio::test]
async fn a_controller_that_refuses_the_application_or_answers_nonsense_is_failing() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let wrong = MisoSettings::new(controller.url(), controller.client_id(), "wrong".into());
    let client = AuthClient::miso(wrong).build().unwrap();
    client
        .validate_token(&token(&issuer, "ada"))
        .await
        .unwrap_err();
    assert_eq!(client.health().provider, Condition::Failing);
}

/// DESIGN §5: nothing is sent twice after a 2xx.
#[tokio::test]
async fn a_batch_that_was_answered_is_not_sent_again() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    for (answer, rejected) in [
        (ScriptedFault::NoContent, 0),
        (ScriptedFault::Html, 0),
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
async fn a_token_the_controller_no_longer_accepts_is_a_denial() {
    let clock = TestClock::stopped_now();
    let issuer = OidcIssuer::builder()
        .user(User::new("ada", "x").role("admin"))
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    clock.advance(Duration::from_secs(600));
    assert_eq!(client.has_role(&identity, "admin").await, Decision::Denied);
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

#[tokio::test]
async fn the_cache_keeps_values_of_the_applications_own() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = client(&controller);
    let minute = Duration::from_secs(60);
    client.cache_set("number", &"123", minute).await.unwrap();
    client.cache_set("list", &vec![1, 2], minute).await.unwrap();
    // Contract miso §13 B16: types changed on the way through the cache.
    assert_eq!(
        client.cache_get::<String>("number").await.as_deref(),
        Some("123")
    );
    assert_eq!(client.cache_get::<u32>("number").await, None);
    assert_eq!(client.cache_get::<Vec<u8>>("list").await, Some(vec![1, 2]));
    assert!(client.cache_delete("number").await);
    assert_eq!(client.cache_get::<String>("number").await, None);
    client.cache_clear().await;
    assert_eq!(client.cache_get::<Vec<u8>>("list").await, None);
}

/// Contract miso §13 A11: applications that shared a Redis shared their users' roles.
#[tokio::test]
async fn miso_a11_applications_on_one_redis_have_their_own_grants_and_processes_share_them() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let orders = controller(&issuer).await;
    let billing = MisoController::builder(&issuer).unwrap();
    let billing = billing
        .client_id("miso-controller-dev-billing")
        .start()
        .await
        .unwrap();
    let connected = async |controller: &MisoController| {
        let client = AuthClient::miso(settings(controller)).redis(Redis::builder(&redis.url()));
        let client = client.build().unwrap();
        while client.health().redis != Some(RedisState::Up) {
            tokio::task::yield_now().await;
        }
        client
    };
    let ada = token(&issuer, "ada");
    for controller in [&orders, &orders, &billing] {
        let client = connected(controller).await;
        let identity = client.validate_token(&ada).await.unwrap();
        assert!(client.has_role(&identity, "admin").await.is_granted());
        // What was written is in Redis before the next one looks.
        end(&client).await;
    }
    assert_eq!((orders.count(ROLES), billing.count(ROLES)), (1, 1));
    // Who somebody is stays within a process: a store that others can write to makes no identities.
    assert_eq!((orders.count(VALIDATE), billing.count(VALIDATE)), (2, 1));

    // Another controller that calls its client the same is another application.
    let namesake = controller(&issuer).await;
    let client = connected(&namesake).await;
    let identity = client.validate_token(&ada).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    assert_eq!(namesake.count(ROLES), 1);

    // Nor does one read or clear what another has put into the cache.
    let (one, other) = (connected(&orders).await, connected(&billing).await);
    one.cache_set("key", &"secret of orders", Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(other.cache_get::<String>("key").await, None);
    other.cache_clear().await;
    assert!(one.cache_get::<String>("key").await.is_some());
}

/// What is remembered in Redis describes, and proves nothing: whoever can write there cannot make
/// an identity of a token the controller has not accepted.
#[tokio::test]
async fn nothing_that_lies_in_redis_makes_an_identity() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
    let client = client.build().unwrap();
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    // What was written is in Redis after this.
    end(&client).await;

    let mut peer = TcpStream::connect(("127.0.0.1", redis.port()))
        .await
        .unwrap();
    peer.write_all(b"KEYS *\r\nQUIT\r\n").await.unwrap();
    let mut keys = String::new();
    peer.read_to_string(&mut keys).await.unwrap();
    assert!(keys.contains("roles"), "{keys}");
    assert!(!keys.contains("validated"), "{keys}");
}

#[tokio::test]
async fn without_redis_the_client_answers_all_the_same() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
    let client = client.build().unwrap();
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();
    assert!(client.has_role(&identity, "admin").await.is_granted());
    redis.stop();
    for user in ["ada", "bob"] {
        let identity = client.validate_token(&token(&issuer, user)).await.unwrap();
        let expected = Decision::from(user == "ada");
        assert_eq!(
            client.has_role(&identity, "admin").await,
            expected,
            "{user}"
        );
    }
    assert!(client.health().is_ready());
    end(&client).await;
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_used_when_it_comes() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    redis.stop();
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let ada = token(&issuer, "ada");
    let started = || {
        let client = AuthClient::miso(settings(&controller)).redis(Redis::builder(&redis.url()));
        client.build().unwrap()
    };
    let early = started();
    let identity = early.validate_token(&ada).await.unwrap();
    assert!(early.has_role(&identity, "admin").await.is_granted());

    let url = redis.url();
    redis.restart_on_same_port();
    while early.health().redis != Some(RedisState::Up) {
        tokio::task::yield_now().await;
    }
    early.forget_grants(&identity).await;
    early.roles(&identity).await.unwrap();
    end(&early).await;
    // Another process finds there what this one was told.
    let late = AuthClient::miso(settings(&controller)).redis(Redis::builder(&url));
    let late = late.build().unwrap();
    while late.health().redis != Some(RedisState::Up) {
        tokio::task::yield_now().await;
    }
    assert!(late.has_role(&identity, "admin").await.is_granted());
    assert_eq!(controller.count(ROLES), 2);
}

#[tokio::test]
async fn every_missing_setting_is_told_at_once() {
    let env = Env::from_pairs([
        ("REDIS_PORT", "planted"),
        ("AUTH_PROVIDER", "planted"),
        ("MISO_CONTROLLER_URL", "http://planted.example"),
        ("MISO_CLIENT_TOKEN_URI", "/a?planted"),
    ]);
    let error = AuthClient::from_env_of(&env).unwrap_err();
    let variables: Vec<_> = error.problems().iter().map(|it| it.variable()).collect();
    for variable in [
        "AUTH_PROVIDER",
        "MISO_CLIENTID",
        "MISO_CLIENTSECRET",
        "REDIS_PORT",
    ] {
        assert!(variables.contains(&variable), "{variables:?}");
    }
    assert!(!format!("{error} {error:?}").contains("planted"), "{error}");

    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let env = Env::from_pairs([
        ("AUTH_PROVIDER", "miso"),
        ("MISO_CLIENTID", controller.client_id()),
        ("MISO_CLIENTSECRET", controller.client_secret().expose()),
        ("MISO_CONTROLLER_URL", controller.url()),
    ]);
    let client = AuthClient::from_env_of(&env).unwrap();
    let identity = client.validate_token(&token(&issuer, "bob")).await.unwrap();
    let role = "admin".into();
    assert_eq!(
        Authorizer::has_role(&client, &identity, &role).await,
        Decision::Denied
    );
    assert!(!format!("{client:?}").contains(controller.client_secret().expose()));
}
