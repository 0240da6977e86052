use std::io::Write;

use serde::Serialize;

use crate::case::Case;

/// One line of the output. Its names and their order are those of the programs we are measured
/// beside, so that one reader reads them all.
#[derive(Serialize)]
struct Sample<'a> {
    area: &'a str,
    case: &'a str,
    #[serde(rename = "impl")]
    implementation: &'a str,
    role: String,
    unit: String,
    #[serde(rename = "v")]
    value: f64,
    round: u64,
}

pub(crate) fn write(
    output: &mut impl Write,
    area: &str,
    case: &Case,
    value: f64,
    round: u64,
) -> anyhow::Result<()> {
    let line = serde_json::to_string(&Sample {
        area,
        case: &case.name,
        implementation: case.implementation,
        role: case.role.to_string(),
        unit: case.unit.to_string(),
        // A thousandth is beyond what any clock here tells.
        value: (value * 1000.0).round() / 1000.0,
        round,
    })?;
    writeln!(output, "{line}")?;
    Ok(())
}
