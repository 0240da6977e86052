//! Who somebody is, what they may, and what is decided when nobody answers.

use std::time::Duration;

use auth_client::{AuthClient, Condition};
use auth_core::config::Env;
use auth_core::{AuthenticationError, Authorizer, Decision};
use auth_jwt::mint::SigningKey;
use auth_jwt::session::TokenPolicy;
use auth_jwt::session::memory::RevokedTokens;
use auth_jwt::{Algorithm, TokenCache};
use auth_miso::{Miso, MisoSettings};
use auth_testkit::{OidcIssuer, ScriptedFault, TestClock, User};
use http::StatusCode;

use crate::way::Way;
use crate::{PERMISSIONS, ROLES, VALIDATE, client, controller, end, issuer, settings, token};

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

#[tokio::test]
async fn a_token_that_was_revoked_is_refused_though_it_was_known() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let verifier = issuer.verifier().unwrap();
    let verifier = verifier.with_token_cache(TokenCache::new());
    let revoked = RevokedTokens::new();
    let policy = TokenPolicy::new(verifier.clone()).with_revocation_list(revoked.clone());
    let client = AuthClient::miso(settings(&controller)).verify_locally(policy);
    let client = client.build().unwrap();
    let ada = token(&issuer, "ada");
    client.validate_token(&ada).await.unwrap();
    revoked
        .revoke(&verifier.verify(ada.expose()).await.unwrap())
        .unwrap();
    let error = client.validate_token(&ada).await.unwrap_err();
    assert_eq!(error.reason().code(), "revoked");
    client.validate_token(&token(&issuer, "bob")).await.unwrap();
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

#[tokio::test]
async fn a_controller_that_goes_away_and_returns_is_asked_again() {
    let issuer = issuer().await;
    let controller = controller(&issuer).await;
    let mut way = Way::to(controller.url()).await;
    let secret = controller.client_secret().clone();
    let settings = MisoSettings::new(way.url(), controller.client_id(), secret);
    let client = AuthClient::miso(settings).build().unwrap();
    let identity = client.validate_token(&token(&issuer, "ada")).await.unwrap();

    way.cut().await;
    let decision = client.has_role(&identity, "admin").await;
    let Decision::Unknown(reason) = decision else {
        panic!("{decision:?}")
    };
    assert_eq!(reason.code(), "controller_unavailable");
    let bob = client.validate_token(&token(&issuer, "bob")).await;
    assert!(matches!(bob, Err(AuthenticationError::Unavailable(_))));
    assert!(!client.health().is_ready());

    way.reopen().await;
    // By now its circuit may be open, and the first call to it after a while may be the trail's.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    let granted = async {
        while !client.has_role(&identity, "admin").await.is_granted() {
            tokio::task::yield_now().await;
        }
    };
    let granted = tokio::time::timeout(Duration::from_secs(10), granted);
    granted.await.unwrap();
    client.validate_token(&token(&issuer, "bob")).await.unwrap();
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

#[tokio::test]
async fn every_missing_setting_is_told_at_once() {
    let env = Env::from_pairs([
        ("REDIS_PORT", "planted"),
        ("AUTH_PROVIDER", "planted"),
        ("MISO_CONTROLLER_URL", "http://planted.example"),
        ("MISO_CLIENT_TOKEN_URI", "/a?planted"),
        ("MISO_SENSITIVE_FIELDS_CONFIG", "/planted/policy.json"),
    ]);
    let error = AuthClient::from_env_of(&env).unwrap_err();
    let variables: Vec<_> = error.problems().iter().map(|it| it.variable()).collect();
    for variable in [
        "AUTH_PROVIDER",
        "MISO_CLIENTID",
        "MISO_CLIENTSECRET",
        "REDIS_PORT",
        "MISO_SENSITIVE_FIELDS_CONFIG",
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
