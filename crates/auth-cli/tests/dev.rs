//! `authctl dev`: what it prints is true, and it ends when it is told to.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use auth_client::AuthClient;
use auth_core::Secret;
use auth_core::config::Env;
use serde_json::Value;

/// The program, ended with the test whatever becomes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
    let command = command.arg("dev").args(arguments);
    Running(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
}

/// The one line, which is there as soon as all is ready.
fn facts(running: &mut Running) -> Value {
    let mut line = String::new();
    let stdout = running.0.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn a_client_gets_along_with_what_is_printed() {
    let mut running = start(&["--json"]);
    let facts = facts(&mut running);
    let miso = &facts["miso"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for url in [
        &miso["url"],
        &facts["oidc"]["issuer"],
        &facts["oidc"]["jwksUri"],
    ] {
        let url = text(url);
        assert!(
            url.starts_with("http://127.0.0.1:") && !url.ends_with('/'),
            "{url}"
        );
    }
    assert!(text(&miso["clientId"]).starts_with("miso-controller-dev-"));
    assert_eq!(text(&miso["encryptionKey"]).len(), 64);

    let client = AuthClient::from_env_of(&Env::from_pairs([
        ("AUTH_PROVIDER", "miso".to_owned()),
        ("MISO_CONTROLLER_URL", text(&miso["url"])),
        ("MISO_CLIENTID", text(&miso["clientId"])),
        ("MISO_CLIENTSECRET", text(&miso["clientSecret"])),
    ]))
    .unwrap();
    let mut admins = 0;
    for user in miso["users"].as_array().unwrap() {
        let token = Secret::from(text(&user["token"]));
        let identity = client.validate_token(&token).await.unwrap();
        assert_eq!(identity.principal().username(), user["username"].as_str());
        let lives = identity.expires_at().unwrap();
        let now = auth_core::UnixTime::from(std::time::SystemTime::now());
        assert!(lives.saturating_since(now).as_secs() > 3600);
        let roles = client.roles(&identity).await.unwrap();
        let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        assert_eq!(serde_json::json!(roles), user["roles"]);
        assert!(!text(&user["refreshToken"]).is_empty());
        admins += usize::from(roles.contains(&"admin"));
    }
    assert_eq!((admins, miso["users"].as_array().unwrap().len()), (1, 2));
}

#[test]
fn either_signal_ends_it_with_exit_code_0() {
    for (arguments, name) in [(&["--json"][..], "-TERM"), (&[], "-INT")] {
        let mut running = start(arguments);
        let mut first = [0; 1];
        running
            .0
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        signal(&running.0, name);
        assert_eq!(running.0.wait().unwrap().code(), Some(0), "{name}");
        let mut errors = String::new();
        running
            .0
            .stderr
            .as_mut()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        assert_eq!(errors, "", "{name}");
    }
}
