//! Posting a kilobyte over a connection that is kept: one call at a time, and sixty-four.
//!
//! What is measured is the CPU time of the thread that calls; the [`server`] has one of its own, or
//! is that of other programs. [`candidate`] is ours, and [`limits`] is what it is compared with:
//! the client that it is built on, and a connection without any client.

mod candidate;
mod limits;
mod server;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::rc::Rc;

use anyhow::Context;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::case::{Case, Operation, Role};
use crate::http::server::Server;
use crate::settings::Settings;

pub(crate) fn cases(settings: &Settings) -> Vec<Case> {
    // Who has a server has clients of his own, and two sets of them would be mixed.
    let alone = settings.data().is_none();
    let place = Rc::new(Place::new(settings));
    let mut cases = Vec::new();
    for tls in [false, true] {
        for concurrency in [1, 64] {
            let mut add = |implementation, role, prepare: Prepare| {
                let place = Rc::clone(&place);
                let tls_or_not = if tls { "TLS " } else { "" };
                let name = format!("{tls_or_not}POST 1 KB, {concurrency} concurrent, client CPU");
                cases.push(Case::new(&name, implementation, role, move || {
                    prepare(&place.task(tls)?, concurrency)
                }));
            };
            add("auth-http", Role::Candidate, candidate::prepare);
            if alone {
                let name = if tls {
                    limits::CLIENT_TLS
                } else {
                    limits::CLIENT
                };
                add(name, Role::Peer, limits::client);
                add(limits::REQWEST, Role::Peer, limits::reqwest);
                if !tls {
                    add(limits::CLIENT_IN_TIME, Role::Peer, limits::client_in_time);
                    add(limits::CONNECTION, Role::Floor, limits::connection);
                }
            }
        }
    }
    cases
}

type Prepare = fn(&Task, usize) -> anyhow::Result<Operation>;

/// What is to be done: where to post what, and whom to trust.
struct Task {
    base_url: String,
    port: u16,
    pem: String,
    body: Bytes,
}

impl Task {
    fn url(&self) -> String {
        self.base_url.clone() + PATH
    }
}

/// Where the server is: that of other programs, or our own, which starts when it is needed.
struct Place {
    data: Option<std::path::PathBuf>,
    port: Option<u16>,
    own: std::cell::OnceCell<Server>,
}

impl Place {
    fn new(settings: &Settings) -> Self {
        Self {
            data: settings.data().map(Into::into),
            port: settings.http_port(),
            own: std::cell::OnceCell::new(),
        }
    }

    fn task(&self, tls: bool) -> anyhow::Result<Task> {
        let (plain, pem, body) = match (&self.data, self.port) {
            (Some(data), Some(port)) => {
                let read = |name| {
                    let path = data.join(name);
                    std::fs::read(&path).with_context(|| path.display().to_string())
                };
                let pem = String::from_utf8(read("server.pem")?)?;
                (port, pem, read("doc_1k.json")?)
            }
            _ => {
                if self.own.get().is_none() {
                    let _ = self.own.set(Server::start()?);
                }
                let server = self.own.get().context("the server has started")?;
                (server.port, server.pem.clone(), server::document())
            }
        };
        let port = plain + u16::from(tls);
        Ok(Task {
            base_url: match tls {
                true => format!("https://localhost:{port}"),
                false => format!("http://127.0.0.1:{port}"),
            },
            port,
            pem,
            body: body.into(),
        })
    }
}

/// Calls by so many tasks on one thread, until all of them have made so many.
fn operation<C, F>(runtime: Runtime, concurrency: usize, call: C) -> Operation
where
    C: Fn() -> F + Clone + 'static,
    F: Future<Output = bool> + 'static,
{
    let mut operation = Operation::repeated(move |times| {
        let left = Rc::new(std::cell::Cell::new(times));
        let tasks = LocalSet::new();
        let callers: Vec<_> = (0..concurrency)
            .map(|_| {
                let (call, left) = (call.clone(), Rc::clone(&left));
                tasks.spawn_local(async move {
                    let mut right = true;
                    while let Some(fewer) = left.get().checked_sub(1) {
                        left.set(fewer);
                        right &= call().await;
                    }
                    right
                })
            })
            .collect();
        runtime.block_on(tasks.run_until(async {
            let mut right = true;
            for caller in callers {
                right &= caller.await.unwrap_or(false);
            }
            right
        }))
    });
    // Connecting costs as much as a sample has time for, and happens once. Whether it comes out
    // right is seen when it is measured.
    operation.repeat(2 * concurrency as u64);
    operation
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

const PATH: &str = "/api/v1/logs";
