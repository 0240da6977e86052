//! The samples as text for a person: one block a case, cheapest implementation first.

use crate::bench::samples::Sample;

/// What there is to compare. A case that none of ours takes part in is left out.
pub(super) fn table(samples: &[Sample]) -> String {
    let mut text = String::new();
    for (case, samples) in grouped(samples.iter(), |sample| &sample.case) {
        if !samples.iter().any(|sample| sample.role == CANDIDATE) {
            continue;
        }
        let mut rows: Vec<Row<'_>> = grouped(samples, |sample| &sample.implementation)
            .into_iter()
            .map(|(_, samples)| Row::new(&samples))
            .collect();
        rows.sort_by(|one, other| one.cost.total_cmp(&other.cost));
        text += &block(case, &rows);
    }
    text
}

/// Everything of one key together, in the order in which the keys come first.
fn grouped<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    key: fn(&Sample) -> &str,
) -> Vec<(&'a str, Vec<&'a Sample>)> {
    let mut groups: Vec<(&str, Vec<&Sample>)> = Vec::new();
    for sample in samples {
        let name = key(sample);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(sample),
            None => groups.push((name, vec![sample])),
        }
    }
    groups
}

/// One implementation of one case.
struct Row<'a> {
    implementation: &'a str,
    role: &'a str,
    unit: &'a str,
    best: f64,
    median: f64,
    lowest: f64,
    highest: f64,
    count: usize,
    /// What its best sample costs, smaller being better whatever the unit; NaN if the unit says
    /// nothing of the kind. Other programs on the machine only ever add to a cost, so the best
    /// sample is the one that says most about the code.
    cost: f64,
}

impl<'a> Row<'a> {
    /// Takes the samples of one implementation, of which there is at least one.
    fn new(samples: &[&'a Sample]) -> Self {
        let Sample {
            implementation,
            role,
            unit,
            ..
        } = samples[0];
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let (lowest, highest) = (values[0], values[count - 1]);
        let (best, cost) = match unit.as_str() {
            "ns/op" => (lowest, lowest),
            "op/s" => (highest, 1e9 / highest),
            _ => (lowest, f64::NAN),
        };
        Self {
            implementation,
            role,
            unit,
            best,
            median: (values[(count - 1) / 2] + values[count / 2]) / 2.0,
            lowest,
            highest,
            count,
            cost,
        }
    }
}

fn block(case: &str, rows: &[Row<'_>]) -> String {
    let limit = cheapest(rows, "limit");
    let floor = cheapest(rows, "floor");
    let head = HEAD.map(str::to_owned);
    let cells = rows.iter().map(|row| {
        [
            row.implementation.to_owned(),
            row.role.to_owned(),
            number(row.best),
            format!(
                "{} [{} – {}]",
                number(row.median),
                number(row.lowest),
                number(row.highest)
            ),
            row.count.to_string(),
            row.unit.to_owned(),
            ratio(row.cost, limit),
            ratio(row.cost, floor),
        ]
    });
    let lines: Vec<[String; 8]> = [head].into_iter().chain(cells).collect();

    let mut text = format!("{case}\n");
    for line in &lines {
        let mut padded = String::new();
        for (column, cell) in line.iter().enumerate() {
            let widths = lines.iter().map(|line| line[column].chars().count());
            let width = widths.max().unwrap_or_default();
            padded += &if LEFT.contains(&column) {
                format!("  {cell:<width$}")
            } else {
                format!("  {cell:>width$}")
            };
        }
        text += padded.trim_end();
        text.push('\n');
    }
    text.push('\n');
    text
}

/// The best cost among the implementations of a role.
fn cheapest(rows: &[Row<'_>], role: &str) -> Option<f64> {
    let costs = rows.iter().filter(|row| row.role == role);
    costs.map(|row| row.cost).min_by(f64::total_cmp)
}

fn ratio(cost: f64, to: Option<f64>) -> String {
    match to.map(|to| cost / to).filter(|ratio| ratio.is_finite()) {
        Some(ratio) => format!("{ratio:.2}"),
        None => "-".to_owned(),
    }
}

/// At least three digits, and the thousands apart from one another.
fn number(value: f64) -> String {
    match value.abs() {
        ..10.0 => return format!("{value:.2}"),
        ..100.0 => return format!("{value:.1}"),
        _ => {}
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const HEAD: [&str; 8] = [
    "implementation",
    "role",
    "best",
    "median [min – max]",
    "n",
    "unit",
    "× limit",
    "× floor",
];

/// The columns that are words.
const LEFT: [usize; 3] = [0, 1, 5];

const CANDIDATE: &str = "candidate";
