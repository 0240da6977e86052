//! What makes a second setup instant.

use std::fs;
use std::path::{Path, PathBuf};

use crate::setup::Unmet;

/// A file that lists the pins that were installed.
///
/// It lies in the folder it speaks of, so whoever deletes the one deletes the other.
pub(super) struct Stamp {
    path: PathBuf,
    content: String,
}

impl Stamp {
    pub(super) fn new(folder: &Path, name: &str, pins: &[&str]) -> Self {
        Self {
            path: folder.join(format!("{name}.stamp")),
            content: pins.join("\n") + "\n",
        }
    }

    /// Whether exactly these pins were installed.
    pub(super) fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|content| content == self.content)
    }

    /// To be called last: a stamp says that everything before it worked.
    pub(super) fn write(&self) -> Result<(), Unmet> {
        fs::write(&self.path, &self.content).map_err(Unmet::retry)
    }
}
