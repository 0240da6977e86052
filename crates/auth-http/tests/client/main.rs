//! The client against real sockets: a server that misbehaves in one named way per test.

mod bodies;
mod circuit;
mod connections;
mod endings;
mod faults;
mod http2;
mod leaks;
mod miso;
mod observer;
mod proxy;
mod requests;
mod retries;
mod server;
mod tls;
mod tokens;
