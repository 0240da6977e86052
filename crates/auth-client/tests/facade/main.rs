//! The facade over a development controller and a real Redis: what is asked how often, what is
//! decided when nobody answers, and what arrives in the trail.

use std::time::Duration;

use auth_client::AuthClient;
use auth_core::Secret;
use auth_miso::MisoSettings;
use auth_testkit::{MisoController, OidcIssuer, User};

mod grants;
mod redis;
mod shared;
mod trail;
mod way;

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
