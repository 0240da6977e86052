//! Our m8 policies and the published validators of m8 judge the same tokens, and the verdicts are
//! compared word by word: whether a token is accepted, the text of the refusal, what the hooks hear,
//! and every field of the user. Where they differ on purpose is in [`divergences`], each with its
//! reason; a difference that is not there, or is there and does not show, fails the test.

mod cases;
#[path = "../common/chance.rs"]
mod chance;
mod divergences;
mod generated;
mod judges;
mod lax;
mod minted;
mod refresh;
mod revoked;
mod strict;
