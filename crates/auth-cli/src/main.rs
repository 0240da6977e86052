//! `authctl`: the SDK from a shell.
//!
//! The README of this crate says what it does for its user. For its reader, in the order things
//! happen: [`args`] is what may be asked for, [`token`], [`mask`] and [`dev`] do it, [`failure`] is how it says that it
//! could not, and [`status`] is what the shell is told in the end.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod args;
mod dev;
mod failure;
mod help;
mod json_text;
mod mask;
mod printable;
mod status;
mod token;
mod wait;

use std::process::ExitCode;

use crate::args::Request;

fn main() -> ExitCode {
    let status = match args::parse(std::env::args_os()) {
        Request::Token(command) => token::run(command),
        Request::Mask(arguments) => mask::run(&arguments),
        Request::Dev(arguments) => dev::run(&arguments),
        Request::Answered(status) => status,
    };
    status.into()
}
