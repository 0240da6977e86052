//! Settings from the environment, with every problem reported at once.
//!
//! An [`Env`] is a map of variables: the process's own, those of a `.env` file, or whatever a test
//! puts in. A [`Reader`] takes typed settings out of it and remembers what is wrong, so that a
//! person mends a deployment once and not once per variable.
//!
//! ```
//! use auth_core::Secret;
//! use auth_core::config::{ConfigError, Env, Variable};
//!
//! #[derive(Debug)]
//! struct Settings { client_id: String, client_secret: Secret, port: u16 }
//!
//! const CLIENT_ID: Variable =
//!     Variable::new("MISO_CLIENTID", "the client id of this application").alias("MISO_CLIENT_ID");
//! const CLIENT_SECRET: Variable =
//!     Variable::new("MISO_CLIENTSECRET", "the client secret of this application");
//! const PORT: Variable = Variable::new("PORT", "a port number from 1 to 65535");
//!
//! fn settings(env: &Env) -> Result<Settings, ConfigError> {
//!     let mut reader = env.reader();
//!     let client_id = reader.required_text(&CLIENT_ID);
//!     let client_secret = reader.required_secret(&CLIENT_SECRET);
//!     let port = reader.parse(&PORT).unwrap_or(8080);
//!     reader.finish(|| {
//!         Some(Settings { client_id: client_id?, client_secret: client_secret?, port })
//!     })
//! }
//!
//! let env = Env::from_pairs([("MISO_CLIENT_ID", "my-app"), ("PORT", "eighty")]);
//! let error = settings(&env).unwrap_err();
//! assert_eq!(error.problems().len(), 2);
//! assert_eq!(
//!     error.to_string(),
//!     "2 settings need attention\n\
//!      - MISO_CLIENTSECRET is not set; set it to the client secret of this application, \
//!      or MISO_CLIENTSECRET_FILE to a file that holds it\n\
//!      - PORT cannot be used; set it to a port number from 1 to 65535",
//! );
//! ```
//!
//! # Rules
//!
//! - An empty value counts as not set.
//! - `X_FILE` names a file that holds the value of `X` (at most 64 KiB; one trailing newline is
//!   dropped). Setting both is a problem, not a guess.
//! - The process environment wins over `.env`, variable by variable: what the process says of `X`,
//!   under whichever of its names and as `X_FILE` too, outweighs all the file says of it.
//! - No message quotes a value.

mod dotenv;
mod env;
mod error;
mod reader;

pub use self::env::Env;
pub use self::error::{ConfigError, ConfigProblem};
pub use self::reader::{Reader, Variable};
