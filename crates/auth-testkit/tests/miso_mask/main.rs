//! Our policy `miso-4.9` and the masker of the published Miso client are given the same documents,
//! and what they show is compared byte by byte, or as the original reads it where a document can be
//! spelled in several ways. Where they differ on purpose is in [`divergences`], each with its reason;
//! a difference that is not there, or is there and does not show, fails the test.

#[path = "../common/chance.rs"]
mod chance;
mod divergences;
mod documents;
mod generated;
mod letters;
mod names;
mod oracle;
mod partial;
mod policy_file;
