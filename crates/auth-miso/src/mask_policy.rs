//! The policy file that the original's variable names.

use std::fs::File;
use std::io::{self, Read};

use auth_core::config::{Reader, Variable};
use auth_mask::MaskPolicy;

/// Reads the policy in the file that `MISO_SENSITIVE_FIELDS_CONFIG` names; `None` if the variable is
/// not set. A file that cannot be read, or is no policy, is a problem of the settings: the original
/// goes on without it and says nothing (contract miso §5).
pub fn read_mask_policy(reader: &mut Reader<'_>) -> Option<MaskPolicy> {
    let path = reader.text(&POLICY_FILE)?;
    let Ok(json) = read(path.trim()) else {
        reader.reject(&POLICY_FILE, "names a file that cannot be read");
        return None;
    };
    let policy = MaskPolicy::from_file(&json);
    if policy.is_err() {
        reader.reject(&POLICY_FILE, "names a file that is no mask policy");
    }
    policy.ok()
}

/// At most so much that no file fills the memory; one that is cut is no policy.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut json)?;
    Ok(json)
}

const MAX_BYTES: u64 = 1024 * 1024;

const POLICY_FILE: Variable = Variable::new(
    "MISO_SENSITIVE_FIELDS_CONFIG",
    "the path of a mask policy (docs/masking.md)",
);
