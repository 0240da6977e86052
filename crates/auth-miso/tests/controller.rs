//! The client against a development controller, over real sockets: what it asks, how often, and what
//! it makes of an answer that is none.

use std::time::Duration;

use auth_core::config::Env;
use auth_core::{AuthenticationError, Authenticator, Secret};
use auth_jwt::Algorithm;
use auth_jwt::mint::SigningKey;
use auth_miso::{LogEntry, LogLevel, Miso, MisoErrorKind, MisoSettings};
use auth_testkit::{MisoController, OidcIssuer, ScriptedFault, TestClock, User};
use http::StatusCode;

const TOKEN: &str = "/api/v1/auth/token";
const VALIDATE: &str = "/api/v1/auth/validate";
const ROLES: &str = "/api/v1/auth/roles";

struct World {
    issuer: OidcIssuer,
    controller: MisoController,
    clock: TestClock,
}

impl World {
    async fn start() -> Self {
        let clock = TestClock::stopped_now();
        let issuer = OidcIssuer::builder()
            .user(
                User::new("ada", "x")
                    .role("admin")
                    .permission("orders:read"),
            )
            .user(User::new("bob", "x"))
            .clock(clock.clone())
            .start()
            .await
            .unwrap();
        let controller = MisoController::builder(&issuer)
            .unwrap()
            .clock(clock.clone())
            .start()
            .await
            .unwrap();
        Self {
            issuer,
            controller,
            clock,
        }
    }

    fn settings(&self) -> MisoSettings {
        let controller = &self.controller;
        let secret = controller.client_secret().clone();
        MisoSettings::new(controller.url(), controller.client_id(), secret)
            .deadline(Duration::from_secs(5))
    }

    fn miso(&self) -> Miso {
        let builder = Miso::builder(self.settings()).clock(self.clock.clone());
        builder.build().unwrap()
    }

    fn token(&self, user: &str) -> Secret {
        self.issuer.token(user).unwrap().sign().unwrap()
    }

    fn count(&self, path: &str) -> usize {
        self.controller.count(path)
    }
}

fn code(error: &AuthenticationError) -> (&'static str, bool) {
    let unavailable = matches!(error, AuthenticationError::Unavailable(_));
    (error.reason().code(), unavailable)
}

#[tokio::test]
async fn a_user_is_known_by_the_controllers_word() {
    let world = World::start().await;
    let miso = world.miso();
    let identity = miso.authenticate(&world.token("ada")).await.unwrap();
    assert_eq!(identity.principal().username(), Some("ada"));
    assert!(identity.expires_at().is_some());
    assert_eq!(miso.user(&identity).await.unwrap().username, "ada");
    assert_eq!(miso.roles(&identity).await.unwrap(), ["admin".into()]);
    assert_eq!(
        miso.refresh_roles(&identity).await.unwrap(),
        ["admin".into()]
    );
    let permissions = miso.permissions(&identity).await.unwrap();
    assert_eq!(permissions, ["orders:read".into()]);
    assert_eq!(
        miso.refresh_permissions(&identity).await.unwrap(),
        permissions
    );
    // One client token served all of it.
    assert_eq!((world.count(TOKEN), world.count(VALIDATE)), (1, 1));
}

/// Contract miso §13 A1: after a real user was cached, the original answered for any token with
/// that user's subject.
#[tokio::test]
async fn miso_a1_a_forged_token_with_a_cached_users_sub_gets_nothing() {
    let world = World::start().await;
    let miso = world.miso();
    miso.authenticate(&world.token("ada")).await.unwrap();

    let forger = SigningKey::generate(Algorithm::ES256).unwrap();
    let forger = forger.with_kid(world.issuer.current_kid());
    let forged = world
        .issuer
        .token("ada")
        .unwrap()
        .sign_with(&forger)
        .unwrap();
    let error = miso.authenticate(&forged).await.unwrap_err();
    assert_eq!(code(&error), ("token_refused", false));
    // The controller was asked about this token too.
    assert_eq!(world.count(VALIDATE), 2);
}

/// Contract miso §13 A2: a forged *expired* token made the original fetch the victim's new one.
#[tokio::test]
async fn miso_a2_a_forged_expired_token_is_refused_and_starts_nothing() {
    let world = World::start().await;
    let miso = world.miso();
    miso.authenticate(&world.token("ada")).await.unwrap();
    world.controller.forget_received();

    let forger = SigningKey::generate(Algorithm::ES256).unwrap();
    let expired = world
        .issuer
        .token("ada")
        .unwrap()
        .expired_for(Duration::from_secs(600));
    for token in [expired.sign_with(&forger).unwrap(), expired.sign().unwrap()] {
        let error = miso.authenticate(&token).await.unwrap_err();
        assert!(!code(&error).1, "{error}");
    }
    let asked = world.controller.received();
    assert!(asked.iter().all(|it| it.path == VALIDATE), "{asked:?}");
}

/// Contract miso §13 A10: the original remembered an expired token for another minute.
#[tokio::test]
async fn miso_a10_a_yes_is_remembered_no_longer_than_the_token_lives() {
    let world = World::start().await;
    let miso = world.miso();
    let short = world
        .issuer
        .token("ada")
        .unwrap()
        .expires_in(Duration::from_secs(30));
    let token = short.sign().unwrap();
    miso.authenticate(&token).await.unwrap();
    miso.authenticate(&token).await.unwrap();
    assert_eq!(world.count(VALIDATE), 1);
    world.clock.advance(Duration::from_secs(31));
    // The issuer forgives a minute of skew, and the controller with it; nobody asked them.
    let error = miso.authenticate(&token).await.unwrap_err();
    assert_eq!(code(&error), ("expired", false));

    let token = world.token("ada");
    miso.authenticate(&token).await.unwrap();
    world.clock.advance(Duration::from_secs(130));
    miso.authenticate(&token).await.unwrap();
    // The two minutes a yes is remembered for are over, so it was asked again.
    assert_eq!(world.count(VALIDATE), 3);
}

#[tokio::test]
async fn fifty_callers_share_one_mint() {
    let world = World::start().await;
    let miso = world.miso();
    let calls = (0..50).map(|_| {
        let miso = miso.clone();
        tokio::spawn(async move { miso.client_token().await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(world.count(TOKEN), 1);
}

/// Contract miso §13 C6: those who waited for a failing mint tried one after the other.
#[tokio::test]
async fn miso_c6_a_failed_mint_is_told_to_everybody_who_waited() {
    let world = World::start().await;
    let miso = world.miso();
    let fault = ScriptedFault::Status(StatusCode::BAD_GATEWAY);
    world.controller.script(TOKEN, fault, 1);
    let calls = (0..20).map(|_| {
        let miso = miso.clone();
        async move { miso.client_token().await.map_err(|error| error.kind()) }
    });
    let mut failed = 0;
    let calls: Vec<_> = calls.map(tokio::spawn).collect();
    for call in calls {
        failed += usize::from(call.await.unwrap() == Err(MisoErrorKind::Unreachable));
    }
    // Also to those who came a little later.
    assert_eq!((failed, world.count(TOKEN)), (20, 1));
    // Nobody tries again for a second, and then it is as if nothing had been.
    assert!(miso.client_token().await.is_err());
    assert_eq!(world.count(TOKEN), 1);
    world.clock.advance(Duration::from_secs(1));
    assert!(miso.client_token().await.is_ok());
}

#[tokio::test]
async fn a_client_token_is_renewed_ahead_of_its_end_while_the_old_one_serves() {
    let world = World::start().await;
    let miso = world.miso();
    let first = miso.client_token().await.unwrap();
    // Half an hour, less half a minute for skew, less one to two minutes ahead.
    world
        .clock
        .advance(Duration::from_secs(1800 - 30 - 120 - 1));
    assert_eq!(miso.client_token().await.unwrap(), first);
    world.clock.advance(Duration::from_secs(62));
    assert_eq!(miso.client_token().await.unwrap(), first);
    let mut renewed = first.clone();
    while renewed == first {
        tokio::task::yield_now().await;
        renewed = miso.client_token().await.unwrap();
    }
    assert_eq!(world.count(TOKEN), 2);
}

#[tokio::test]
async fn a_forgotten_client_token_is_replaced_and_the_call_sent_once_more() {
    let world = World::start().await;
    let miso = world.miso();
    let identity = miso.authenticate(&world.token("ada")).await.unwrap();
    world.controller.revoke_client_tokens();
    assert_eq!(miso.roles(&identity).await.unwrap(), ["admin".into()]);
    assert_eq!((world.count(TOKEN), world.count(ROLES)), (2, 2));
}

/// Contract miso §13 B5: a bad user token cost the original its client token.
#[tokio::test]
async fn miso_b5_a_bad_user_token_costs_no_mint_and_no_replay() {
    let world = World::start().await;
    let miso = world.miso();
    let identity = miso.authenticate(&world.token("ada")).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    let error = miso.roles(&identity).await.unwrap_err();
    assert_eq!(error.kind(), MisoErrorKind::UserTokenRefused);
    assert_eq!((world.count(TOKEN), world.count(ROLES)), (1, 1));
}

/// A refusal that blames nobody is the user's, as long as the client token is new.
#[tokio::test]
async fn miso_b5_refusals_that_blame_nobody_make_no_mint_each() {
    let world = World::start().await;
    let miso = world.miso();
    miso.client_token().await.unwrap();
    let refusal = ScriptedFault::Status(StatusCode::UNAUTHORIZED);
    world.controller.script(VALIDATE, refusal, 20);
    for _ in 0..20 {
        let error = miso.authenticate(&"opaque".into()).await.unwrap_err();
        assert_eq!(code(&error), ("token_refused", false));
    }
    assert_eq!((world.count(TOKEN), world.count(VALIDATE)), (1, 20));
}

#[tokio::test]
async fn an_answer_that_says_no_success_grants_nothing() {
    let world = World::start().await;
    let miso = world.miso();
    let token = world.token("ada");
    let identity = miso.authenticate(&token).await.unwrap();
    let roles = r#"{"success":false,"data":{"roles":["admin"]}}"#;
    world
        .controller
        .script(ROLES, ScriptedFault::Json(roles), 1);
    let error = miso.roles(&identity).await.unwrap_err();
    assert_eq!(error.kind(), MisoErrorKind::UnexpectedAnswer);

    let other = world.miso();
    let user =
        r#"{"success":false,"data":{"authenticated":true,"user":{"id":"x","username":"x"}}}"#;
    world
        .controller
        .script(VALIDATE, ScriptedFault::Json(user), 1);
    let error = other.authenticate(&token).await.unwrap_err();
    assert_eq!(code(&error), ("controller_unavailable", true));

    for body in [
        r#"{"success":false,"data":{"token":"t","expiresIn":1800}}"#,
        r#"{"success":false,"token":"t","expiresIn":1800}"#,
        r#"{"data":{"token":"","expiresIn":1800}}"#,
    ] {
        world.controller.script(TOKEN, ScriptedFault::Json(body), 1);
        let error = world.miso().client_token().await.unwrap_err();
        assert_eq!(error.kind(), MisoErrorKind::UnexpectedAnswer, "{body}");
    }
}

/// Contract miso §1.2: the bodies a controller has answered a mint with over time.
#[tokio::test]
async fn every_shape_of_a_mint_is_understood() {
    let world = World::start().await;
    for body in [
        r#"{"data":{"token":"t","expiresIn":1800,"expiresAt":"2099-01-01T00:00:00Z"}}"#,
        r#"{"success":true,"token":"t","expiresIn":1800,"timestamp":"now"}"#,
        r#"{"data":{"token":"t","expiresIn":"1800"}}"#,
        r#"{"data":{"token":"t","expiresAt":"2099-01-01T00:00:00Z"}}"#,
        r#"{"data":{"token":"t","expiresIn":1800,"expiresAt":4070908800}}"#,
        r#"{"data":{"token":"t","expiresIn":-5}}"#,
        r#"{"data":{"token":"t","expiresIn":1e300}}"#,
        r#"{"data":{"token":"t","expiresIn":18446744073709551615}}"#,
        r#"{"data":{"token":"t"}}"#,
    ] {
        world.controller.script(TOKEN, ScriptedFault::Json(body), 1);
        let token = world.miso().client_token().await;
        assert_eq!(token.unwrap(), Secret::from("t"), "{body}");
    }
}

#[tokio::test]
async fn a_call_of_the_applications_own_carries_the_client_token_and_the_user() {
    let world = World::start().await;
    let miso = world.miso();
    let identity = miso.authenticate(&world.token("ada")).await.unwrap();
    let request = miso
        .http()
        .get("/api/v1/auth/{what}")
        .segment("what", "user");
    let answer = request.user(&identity).send().await.unwrap();
    let answer: serde_json::Value = answer.json().unwrap();
    assert_eq!(answer["data"]["user"]["username"], "ada");
}

#[tokio::test]
async fn wrong_credentials_are_an_outage_for_users_and_tried_once() {
    let world = World::start().await;
    let (url, id) = (world.controller.url(), world.controller.client_id());
    let settings = MisoSettings::new(url, id, Secret::from("planted-secret"));
    let miso = Miso::builder(settings).build().unwrap();
    let error = miso.authenticate(&world.token("ada")).await.unwrap_err();
    assert_eq!(code(&error), ("controller_unavailable", true));
    assert_eq!((world.count(TOKEN), world.count(VALIDATE)), (1, 0));
    let error = miso.client_token().await.unwrap_err();
    assert_eq!(error.kind(), MisoErrorKind::ApplicationRefused);
    let text = format!("{error} {error:?} {miso:?}");
    assert!(!text.contains("planted"), "{text}");
}

/// Whatever the controller says instead of an answer: never a grant, never a panic, nothing leaked.
#[tokio::test]
async fn an_answer_that_is_none_is_an_outage() {
    let world = World::start().await;
    let faults = [
        ScriptedFault::Status(StatusCode::INTERNAL_SERVER_ERROR),
        ScriptedFault::Status(StatusCode::TOO_MANY_REQUESTS),
        ScriptedFault::Status(StatusCode::FOUND),
        ScriptedFault::Html,
        ScriptedFault::NoContent,
        ScriptedFault::WrongShape,
        ScriptedFault::Oversized(2 * 1024 * 1024),
        ScriptedFault::Hang,
    ];
    for path in [TOKEN, VALIDATE] {
        for fault in faults {
            let settings = world.settings().deadline(Duration::from_millis(300));
            let miso = Miso::builder(settings).build().unwrap();
            world.controller.clear_script();
            world.controller.script(path, fault, 3);
            let token = world.token("ada");
            let error = miso.authenticate(&token).await.unwrap_err();
            assert_eq!(
                code(&error),
                ("controller_unavailable", true),
                "{path} {fault:?}"
            );
            let text = format!("{error} {error:?}");
            let secret = world.controller.client_secret();
            for planted in [&token, secret] {
                assert!(!text.contains(planted.expose()), "{path} {fault:?}: {text}");
            }
            world.controller.clear_script();
            // It recovers by itself.
            let ready = Miso::builder(world.settings()).build().unwrap();
            assert!(ready.authenticate(&token).await.is_ok(), "{path} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_controller_that_is_away_is_an_outage_and_its_return_is_noticed() {
    let world = World::start().await;
    let (miso, token) = (world.miso(), world.token("ada"));
    world.controller.shutdown().await;
    let error = miso.authenticate(&token).await.unwrap_err();
    assert_eq!(code(&error), ("controller_unavailable", true));
}

#[tokio::test]
async fn log_entries_arrive_one_by_one_and_in_batches() {
    let world = World::start().await;
    let miso = world.miso();
    let entry = |level| {
        LogEntry::new(level, "something", std::time::UNIX_EPOCH)
            .user("u1")
            .context(serde_json::json!({ "action": "a", "resource": "r" }))
    };
    miso.log(&entry(LogLevel::Error)).await.unwrap();
    miso.log(&entry(LogLevel::Audit)).await.unwrap();
    let outcome = miso
        .log_batch(&[entry(LogLevel::Info), entry(LogLevel::Audit)])
        .await;
    assert_eq!(outcome.unwrap().failed, 0);
    let logs = world.controller.log_entries();
    let levels: Vec<_> = logs.iter().map(|log| log["level"].as_str()).collect();
    // The endpoint for one entry has no level for audit events.
    assert_eq!(levels, [Some("error"), None, Some("info"), Some("audit")]);
    assert_eq!(logs[1]["entityType"], "r");
    assert_eq!(logs[3]["clientId"], world.controller.client_id());

    for count in [0, 101] {
        let entries: Vec<_> = (0..count).map(|_| entry(LogLevel::Info)).collect();
        let error = miso.log_batch(&entries).await.unwrap_err();
        assert_eq!(error.kind(), MisoErrorKind::InvalidCall, "{count}");
    }
}

/// Contract miso §13 A4: the original sent the client token to whatever URL it was given.
#[tokio::test]
async fn miso_a4_the_client_token_goes_to_the_controller_only() {
    let world = World::start().await;
    let elsewhere = MisoController::builder(&world.issuer)
        .unwrap()
        .start()
        .await
        .unwrap();
    let miso = world.miso();
    for path in [elsewhere.url(), "//127.0.0.1/x", "no-slash", "/a/../b"] {
        let error = miso.http().get(path).send().await.unwrap_err();
        assert_eq!(error.kind(), MisoErrorKind::InvalidCall, "{path}");
    }
    assert!(elsewhere.received().is_empty());
    let error = miso.http().get("/api/v1/nothing").send().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}

/// A controller that only a proxy can find: here the proxy is the controller itself, which takes
/// requests with a whole URL too.
#[tokio::test]
async fn the_proxy_of_the_environment_is_used_and_must_be_one() {
    let world = World::start().await;
    let secret = world.controller.client_secret().expose().to_owned();
    let settings = |proxy: &str| {
        MisoSettings::from_env(&Env::from_pairs([
            ("MISO_CLIENTID", world.controller.client_id()),
            ("MISO_CLIENTSECRET", &secret),
            ("MISO_CONTROLLER_URL", "http://hidden.test"),
            ("MISO_ALLOW_PLAIN_HTTP", "hidden.test"),
            ("HTTP_PROXY", proxy),
        ]))
    };
    let miso = Miso::builder(settings(world.controller.url()).unwrap());
    miso.build().unwrap().client_token().await.unwrap();
    assert_eq!(world.count(TOKEN), 1);
    let error = settings("socks5://hunter2@proxy.test").unwrap_err();
    assert_eq!(error.problems()[0].variable(), "HTTP_PROXY");
    assert!(!error.to_string().contains("hunter2"));
}
