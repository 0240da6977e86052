//! Project commands: `cargo xtask <command>`, from anywhere in the checkout.
//!
//! A rule of the project is a function here and not a sentence in a document, so that it is applied
//! to each change the same way. [`COMMANDS`] is the list; each command is a module of its own name.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to the person who called it"
)]

mod layers;
mod metadata;
mod parity;
mod project;
mod setup;
mod sources;
mod test;

use std::process::ExitCode;

use anyhow::bail;

use crate::project::Project;

/// One project command.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: fn(&Project) -> anyhow::Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "setup",
        summary: "find what the tests need, and install what can be installed",
        run: setup::run,
    },
    Command {
        name: "check-layers",
        summary: "hold every crate to its rank and its fences (xtask/layers.toml)",
        run: layers::run,
    },
    Command {
        name: "check-parity",
        summary: "hold docs/parity.md against the tests it names",
        run: parity::run,
    },
    Command {
        name: "test",
        summary: "setup, then every check of the project, cheapest refusal first",
        run: test::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    let [name] = arguments else {
        bail!("a command takes no arguments\n{}", usage());
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        bail!("unknown command `{name}`\n{}", usage());
    };
    (command.run)(&Project::find()?)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <command>\n");
    for command in COMMANDS {
        text += &format!("    {:<14}{}\n", command.name, command.summary);
    }
    text
}
