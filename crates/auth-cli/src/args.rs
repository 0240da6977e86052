//! What may be asked for on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use auth_jwt::Algorithm;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::failure::Failure;
use crate::help;
use crate::status::Status;

/// What is left to do after the command line was read.
#[derive(Debug)]
pub(crate) enum Request {
    Token(TokenCommand),
    Mask(MaskArguments),
    Dev(DevArguments),
    /// Nothing: it asked for help, or was wrong and has been told.
    Answered(Status),
}

/// Reads the command line. What is wrong with it is reported here, because whether that has to be
/// JSON cannot be learnt from arguments that could not be read.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Request {
    let arguments: Vec<_> = arguments.collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    match Arguments::try_parse_from(arguments) {
        Ok(Arguments {
            command: Command::Token(command),
        }) => Request::Token(command),
        Ok(Arguments {
            command: Command::Mask(arguments),
        }) => Request::Mask(arguments),
        Ok(Arguments {
            command: Command::Dev(arguments),
        }) => Request::Dev(arguments),
        Err(error) => Request::Answered(answer(&error, json)),
    }
}

#[derive(Debug, Parser)]
#[command(
    name = "authctl",
    version,
    about = "The auth SDK from a shell",
    after_help = help::AUTHCTL
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify a token, look into one, or make one
    #[command(subcommand, after_help = help::TOKEN)]
    Token(TokenCommand),

    /// Mask what is secret in a document from standard input
    #[command(after_help = help::MASK)]
    Mask(MaskArguments),

    /// Run development servers on loopback until interrupted: an OIDC issuer and a Miso controller
    #[command(after_help = help::DEV)]
    Dev(DevArguments),
}

#[derive(Debug, Args)]
pub(crate) struct MaskArguments {
    /// What is masked: iso27001, miso-4.9, strict, or a policy file
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "iso27001",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) policy: String,

    /// Show what goes by this name, whatever the policy says of it; may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) show: Vec<String>,

    /// What the input is
    #[arg(long, value_enum, default_value_t = MaskFormat::Json)]
    pub(crate) format: MaskFormat,

    /// Take each line for a document of its own
    #[arg(long)]
    pub(crate) lines: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum MaskFormat {
    /// One JSON document
    Json,
    /// Any text: an error message, a log line
    Text,
    /// Headers, one a line
    Headers,
    /// A query string, or the body of a form
    Query,
}

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Print one line of JSON when all is ready, and errors as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Verify a token from standard input: its signature, its type and its claims
    #[command(after_help = help::VERIFY, next_line_help = true)]
    Verify(VerifyArguments),

    /// Show what a token says, verifying NOTHING
    #[command(after_help = help::DECODE)]
    Decode(DecodeArguments),

    /// Sign the claims from standard input into a token, as they are
    #[command(after_help = help::MINT)]
    Mint(MintArguments),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) keys: KeyArguments,

    /// Accept tokens of this issuer (`iss`). May be repeated, and any of them will do.
    /// Without it the issuer is not compared
    #[arg(
        verbatim_doc_comment,
        long = "iss",
        value_name = "I",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) issuers: Vec<String>,

    /// Accept tokens for this audience (`aud`). May be repeated, and any of them will do.
    /// Without it the audience is not compared
    #[arg(
        verbatim_doc_comment,
        long = "aud",
        value_name = "A",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) audiences: Vec<String>,

    /// Accept only these algorithms, separated by commas. May be repeated.
    /// Without it, what the type of the key allows; for a secret, HS256.
    /// HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA
    #[arg(
        verbatim_doc_comment,
        long = "alg",
        value_name = "ALG",
        value_delimiter = ',',
        hide_possible_values = true,
        value_parser = algorithm()
    )]
    pub(crate) algorithms: Vec<Algorithm>,

    /// Clock skew to forgive, in seconds, at most a day
    #[arg(
        long,
        value_name = "S",
        default_value_t = 60,
        allow_negative_numbers = true,
        value_parser = leeway()
    )]
    pub(crate) leeway: u64,

    /// Verify as if it were this moment, in seconds since 1970. Without it, now
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    pub(crate) now: Option<i64>,

    /// Accept only tokens of this type (`typ`).
    /// Without it the type may be absent, `JWT` or `at+jwt`
    #[arg(
        verbatim_doc_comment,
        long = "typ",
        value_name = "T",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) token_type: Option<String>,

    /// Print the verdict, and errors, as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Verify one token a line, printing one JSON verdict a line
    #[arg(long)]
    pub(crate) batch: bool,
}

/// Where the keys come from: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct KeyArguments {
    /// The issuer's key set (JWKS), or one JWK. A URL is not fetched by this version yet
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) jwks: Option<PathBuf>,

    /// A public key in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,

    /// A shared secret: the bytes of the file as they are, without one trailing newline (LF).
    /// At least as long as the hash: 32 bytes for HS256, 48 for HS384, 64 for HS512
    #[arg(verbatim_doc_comment, long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DecodeArguments {
    /// Print the answer, and errors, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MintArguments {
    /// Sign with this algorithm, one of
    /// HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA
    #[arg(
        verbatim_doc_comment,
        long = "alg",
        value_name = "A",
        hide_possible_values = true,
        value_parser = algorithm()
    )]
    pub(crate) algorithm: Algorithm,

    /// The private key in PEM; for HS256, HS384 and HS512 the shared secret, as --secret-file
    /// of `token verify` reads it: the bytes of the file without one trailing newline (LF)
    #[arg(verbatim_doc_comment, long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Name the key in the header (`kid`). Without it the header names none
    #[arg(long, value_name = "K", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) kid: Option<String>,

    /// State this type in the header (`typ`)
    #[arg(
        long = "typ",
        value_name = "T",
        default_value = "JWT",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) token_type: String,

    /// Print the answer, and errors, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::name))
        .try_map(|name| Algorithm::from_str(&name))
}

/// The limit is that of the policy; here its message can name the flag.
fn leeway() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(..=24 * 60 * 60)
}

/// Answers a command line that asks for nothing that could be run.
fn answer(error: &clap::Error, json: bool) -> Status {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => Status::Good,
            Err(_) => Status::Undecided,
        },
        // An incomplete command is answered with its help, but it remains an error.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            if json {
                Failure::usage("the command is incomplete", SEE_HELP).report(json);
            } else {
                // The exit code says it too, should standard error be closed.
                let _ = error.print();
            }
            Status::Undecided
        }
        _ => {
            usage(error).report(json);
            Status::Undecided
        }
    }
}

/// Puts what clap has found wrong into our own form. Nothing that was typed is repeated, not even
/// where it has the form of a flag: it may be a token, a secret or a private key.
fn usage(error: &clap::Error) -> Failure {
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| error.get(kind));
    let remedy = suggested.map_or(SEE_HELP.to_owned(), |suggested| {
        format!("there is {suggested}; {SEE_HELP}")
    });
    match error.kind() {
        ErrorKind::UnknownArgument => match known_flag(error) {
            Some(flag) => Failure::usage(format!("unexpected argument '{flag}'"), remedy),
            None => stray(&remedy),
        },
        ErrorKind::InvalidSubcommand => stray(&remedy),
        // Of these clap writes the names of flags only.
        ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict => {
            // The message, then tips, then the usage, with an empty line after each.
            let text = error.render().to_string();
            let message = one_line(text.split("\n\n").next().unwrap_or_default());
            Failure::usage(message.strip_prefix("error: ").unwrap_or(&message), remedy)
        }
        ErrorKind::InvalidUtf8 => Failure::usage("an argument is not text in UTF-8", remedy),
        _ => match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(flag)) => {
                let expected = EXPECTED.iter().find(|(name, _)| flag.starts_with(name));
                let remedy = expected.map_or(SEE_HELP, |(_, expected)| expected);
                Failure::usage(format!("the value of {flag} cannot be used"), remedy)
            }
            _ => Failure::usage("the command line cannot be read", remedy),
        },
    }
}

/// A word that fits nowhere, which is most likely a token or a secret.
fn stray(remedy: &str) -> Failure {
    Failure::usage(
        "an argument is neither a command nor a flag",
        format!(
            "tokens are read from standard input and secrets from files, neither is an argument; \
             {remedy}"
        ),
    )
}

/// The argument clap does not know, if it is a flag of another command or a likely guess.
fn known_flag(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let name = argument.strip_prefix("--")?;
    let known = GUESSES.contains(&name) || has_flag(&Arguments::command(), name);
    known.then(|| argument.clone())
}

/// Whether the command, or one below it, has a flag of this name.
fn has_flag(command: &clap::Command, name: &str) -> bool {
    let mut flags = command.get_arguments().filter_map(clap::Arg::get_long);
    flags.any(|flag| flag == name) || command.get_subcommands().any(|below| has_flag(below, name))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Flags of similar tools.
const GUESSES: [&str; 8] = [
    "algorithm",
    "audience",
    "file",
    "issuer",
    "jwk",
    "password",
    "secret",
    "token",
];

/// What a flag takes whose value was refused.
const EXPECTED: [(&str, &str); 8] = [
    (
        "--alg <A>",
        "name one algorithm as tokens do: RS256, for instance",
    ),
    ("--kid", "name the key, or leave the flag out to name none"),
    (
        "--alg",
        "name algorithms as tokens do, separated by commas: RS256,ES256",
    ),
    ("--leeway", "give whole seconds, at most a day: 0 to 86400"),
    ("--now", "give whole seconds since 1970"),
    (
        "--iss",
        "name an issuer, or leave the flag out to compare none",
    ),
    (
        "--aud",
        "name an audience, or leave the flag out to compare none",
    ),
    (
        "--typ",
        "name a type, or leave the flag out for access tokens",
    ),
];

const SEE_HELP: &str = "the same command with `--help` lists its flags";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
