//! `authctl dev`: development servers for clients in any language.

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use auth_testkit::{MisoController, OidcIssuer, TestkitError, User};
use serde_json::{Value, json};

use crate::args::DevArguments;
use crate::failure::Failure;
use crate::status::Status;

/// Runs the servers until somebody ends the program.
pub(crate) fn run(arguments: &DevArguments) -> Status {
    let json = arguments.json;
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| not_started(&error))
        .and_then(|runtime| runtime.block_on(serve(json)));
    match served {
        Ok(()) => Status::Good,
        Err(failure) => {
            failure.report(json);
            Status::Undecided
        }
    }
}

async fn serve(json: bool) -> Result<(), Failure> {
    // Listened for before anything is printed: whoever reads that all is ready may end it at once.
    let interrupted = interrupted().map_err(|error| not_started(&error))?;
    let start = async || {
        let issuer = OidcIssuer::builder()
            .token_lifetime(Duration::from_secs(2 * 60 * 60))
            .user(
                User::new("ada", "ada")
                    .email("ada@example.com")
                    .role("admin")
                    .permission("orders:read")
                    .permission("orders:write"),
            )
            .user(
                User::new("bob", "bob")
                    .email("bob@example.com")
                    .role("reader"),
            )
            .start()
            .await?;
        let controller = MisoController::builder(&issuer)?.start().await?;
        let facts = facts(&issuer, &controller)?;
        Ok::<_, TestkitError>((issuer, controller, facts))
    };
    let (issuer, controller, facts) = start().await.map_err(|error| not_started(&error))?;
    let text = if json {
        format!("{facts}\n")
    } else {
        for_a_person(&facts)
    };
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))?;
    drop(stdout);
    interrupted.await;
    controller.shutdown().await;
    issuer.shutdown().await;
    Ok(())
}

/// What a client of the servers needs.
fn facts(issuer: &OidcIssuer, controller: &MisoController) -> Result<Value, TestkitError> {
    let users = issuer
        .users()
        .iter()
        .map(|user| {
            let token = issuer
                .token(user.username())?
                .sign()
                .map_err(TestkitError::Key)?;
            let roles: Vec<_> = user.roles().iter().map(|role| role.as_str()).collect();
            let permissions = user.permissions().iter().map(|it| it.as_str());
            Ok(json!({
                "username": user.username(),
                "token": token.expose(),
                "refreshToken": issuer.refresh_token(user.username())?.expose(),
                "roles": roles,
                "permissions": permissions.collect::<Vec<_>>(),
            }))
        })
        .collect::<Result<Vec<_>, TestkitError>>()?;
    Ok(json!({
        "miso": {
            "url": controller.url(),
            "clientId": controller.client_id(),
            "clientSecret": controller.client_secret().expose(),
            "encryptionKey": controller.encryption_key().expose(),
            "users": users,
        },
        "oidc": {
            "issuer": issuer.url(),
            "jwksUri": issuer.jwks_uri(),
            "audience": issuer.audience(),
        },
    }))
}

fn for_a_person(facts: &Value) -> String {
    let (miso, oidc) = (&facts["miso"], &facts["oidc"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![
        "# development servers on loopback; end them with Ctrl-C".to_owned(),
        String::new(),
        format!("export AUTH_PROVIDER=miso"),
        format!("export MISO_CONTROLLER_URL={}", text(&miso["url"])),
        format!("export MISO_CLIENTID={}", text(&miso["clientId"])),
        format!("export MISO_CLIENTSECRET={}", text(&miso["clientSecret"])),
        format!(
            "export MISO_ENCRYPTION_KEY={}",
            text(&miso["encryptionKey"])
        ),
        String::new(),
        format!("# issuer    {}", text(&oidc["issuer"])),
        format!("# keys      {}", text(&oidc["jwksUri"])),
        format!("# audience  {}", text(&oidc["audience"])),
    ];
    for user in miso["users"].as_array().into_iter().flatten() {
        let name = text(&user["username"]);
        lines.push(String::new());
        lines.push(format!(
            "# {name}: password {name}, roles {}",
            user["roles"]
        ));
        let variable = name.to_uppercase();
        lines.push(format!("export {variable}_TOKEN={}", text(&user["token"])));
    }
    lines.join("\n") + "\n"
}

/// Waits for SIGINT or SIGTERM.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(std::future::poll_fn(move |cx| {
        if interrupt.poll_recv(cx).is_ready() || terminate.poll_recv(cx).is_ready() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }))
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where it cannot be listened for, the program is ended in some other way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn not_started(error: &dyn std::error::Error) -> Failure {
    Failure::new(
        "not_started",
        format!("the development servers cannot be started: {error}"),
        "see whether this machine allows to listen on 127.0.0.1",
    )
}
