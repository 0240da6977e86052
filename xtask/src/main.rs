//! Project commands: `cargo xtask <command>`, from anywhere in the checkout.
//!
//! A rule of the project is a function here and not a sentence in a document, so that it is applied
//! to each change the same way. [`COMMANDS`] is the list; each command is a module of its own name.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to the person who called it"
)]

mod bench;
mod documented;
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
    run: Run,
}

enum Run {
    /// It takes no arguments.
    Alone(fn(&Project) -> anyhow::Result<()>),
    /// It takes some, and says itself what is wrong with them.
    With {
        /// As the usage shows them.
        arguments: &'static str,
        run: fn(&Project, &[String]) -> anyhow::Result<()>,
    },
}

const COMMANDS: &[Command] = &[
    Command {
        name: "setup",
        summary: "find what the tests need, and install what can be installed",
        run: Run::Alone(setup::run),
    },
    Command {
        name: "check-layers",
        summary: "hold every crate to its rank and its fences (xtask/layers.toml)",
        run: Run::Alone(layers::run),
    },
    Command {
        name: "check-parity",
        summary: "hold docs/parity.md against the tests it names",
        run: Run::Alone(parity::run),
    },
    Command {
        name: "check-docs",
        summary: "hold codes and environment variables against docs/",
        run: Run::Alone(documented::run),
    },
    Command {
        name: "test",
        summary: "setup, then every check of the project, cheapest refusal first",
        run: Run::Alone(test::run),
    },
    Command {
        name: "bench",
        summary: "measure an area beside its limits, and beside the peers in a folder",
        run: Run::With {
            arguments: bench::ARGUMENTS,
            run: bench::run,
        },
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
    let Some((name, arguments)) = arguments.split_first() else {
        bail!("no command\n{}", usage());
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        bail!("unknown command `{name}`\n{}", usage());
    };
    match command.run {
        Run::Alone(_) if !arguments.is_empty() => {
            bail!("`{name}` takes no arguments\n{}", usage())
        }
        Run::Alone(run) => run(&Project::find()?),
        Run::With { run, .. } => run(&Project::find()?, arguments),
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <command>\n");
    for Command { name, summary, run } in COMMANDS {
        let call = match run {
            Run::Alone(_) => (*name).to_owned(),
            Run::With { arguments, .. } => format!("{name} {arguments}"),
        };
        text += &format!("    {call:<26}{summary}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(arguments: &[&str], expected: &str) {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        let error = dispatch(&arguments).unwrap_err().to_string();
        let (first, rest) = error.split_once('\n').unwrap_or((&error, ""));
        assert_eq!(first, expected);
        assert_eq!(rest, usage());
    }

    #[test]
    fn what_is_no_command_is_answered_with_the_usage() {
        check_refused(&[], "no command");
        check_refused(&["tset"], "unknown command `tset`");
        check_refused(&["test", "fast"], "`test` takes no arguments");
    }

    #[test]
    fn the_usage_shows_what_a_command_takes() {
        let usage = usage();
        assert!(
            usage.contains("\n    setup                     find what"),
            "{usage}"
        );
        assert!(
            usage.contains("\n    bench AREA [--peers DIR]  measure"),
            "{usage}"
        );
    }
}
