//! `authctl token`: what can be done with a token.

mod decode;
mod input;
mod keys;
mod mint;
mod remedy;
mod verdict;
mod verify;

use crate::args::TokenCommand;
use crate::status::Status;

/// Runs the command, and reports what kept it from being done.
pub(crate) fn run(command: TokenCommand) -> Status {
    let (json, done) = match command {
        TokenCommand::Verify(arguments) => (arguments.json, verify::run(arguments)),
        TokenCommand::Decode(arguments) => (arguments.json, decode::run(&arguments)),
        TokenCommand::Mint(arguments) => (arguments.json, mint::run(&arguments)),
    };
    done.unwrap_or_else(|failure| {
        failure.report(json);
        Status::Undecided
    })
}
