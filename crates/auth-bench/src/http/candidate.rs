//! Ours: the call that an application makes.

use auth_core::Secret;
use auth_http::HttpClient;

use crate::case::Operation;
use crate::http::{PATH, Task, operation, runtime};

pub(super) fn prepare(task: &Task, concurrency: usize) -> anyhow::Result<Operation> {
    let builder = HttpClient::builder(&task.base_url).only_root_certificates(&task.pem);
    let (client, body) = (builder.build()?, task.body.clone());
    let token = Secret::from("x");
    Ok(operation(runtime()?, concurrency, move || {
        let call = client.post(PATH).bearer(&token);
        let call = call.body("application/json", body.clone()).send();
        async move { call.await.is_ok_and(|answer| !answer.body().is_empty()) }
    }))
}
