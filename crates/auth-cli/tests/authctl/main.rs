//! `authctl` as a shell sees it: arguments and standard input in; output and an exit code out.

mod batch;
mod decode;
mod key_sources;
mod leaks;
mod mask;
mod mint;
mod support;
mod usage;
mod verify;
