//! The client against real sockets: a server that misbehaves in one named way per test.

mod circuit;
mod faults;
mod leaks;
mod miso;
mod observer;
mod proxy;
mod requests;
mod retries;
mod server;
mod tls;
mod tokens;
