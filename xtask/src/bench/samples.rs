use serde::Deserialize;

/// One measured value: one line of what `auth-bench` and the peers print.
#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    pub(super) case: String,
    #[serde(rename = "impl")]
    pub(super) implementation: String,
    pub(super) role: String,
    pub(super) unit: String,
    #[serde(rename = "v")]
    pub(super) value: f64,
}

/// The samples of a run.
pub(super) struct Samples {
    pub(super) all: Vec<Sample>,
    /// How many lines are none. A peer that was ended in the middle of a line leaves such a one,
    /// and it spoils nothing but itself.
    pub(super) unreadable: usize,
}

impl Samples {
    pub(super) fn read(lines: &str) -> Self {
        let (mut all, mut unreadable) = (Vec::new(), 0);
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(sample) => all.push(sample),
                Err(_) => unreadable += 1,
            }
        }
        Self { all, unreadable }
    }
}
