//! How long one operation takes: in CPU time of this thread, or by the clock on the wall.
//!
//! The former stands still while the machine runs other programs, so a busy machine adds less to it
//! than to the time of day. What it still adds is only ever added: the smallest value is the best.

use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::time::{ClockId, clock_gettime};

use crate::case::{Case, Operation, Unit};
use crate::settings::Settings;

/// One value a sample, in the unit of the case.
pub(crate) fn measure(case: &Case, settings: &Settings) -> anyhow::Result<Vec<f64>> {
    let mut operation = case.prepare()?;
    // It warms up the caches and the branch predictor besides.
    let times = repetitions(&mut operation, settings.length, case.unit)?;
    (0..settings.samples)
        .map(|_| {
            let spent = time(&mut operation, times, case.unit)?;
            Ok(match case.unit {
                Unit::CpuTime => spent.as_nanos() as f64 / times as f64,
                Unit::PerSecond => times as f64 / spent.as_secs_f64(),
            })
        })
        .collect()
}

/// How many repetitions fill a sample.
fn repetitions(operation: &mut Operation, length: Duration, unit: Unit) -> anyhow::Result<u64> {
    let mut times = 1;
    loop {
        let spent = time(operation, times, unit)?;
        // Doubling, because a look at the clock costs as much as some operations do.
        if spent >= length / 2 {
            let each = spent.as_secs_f64() / times as f64;
            return Ok(((length.as_secs_f64() / each) as u64).max(1));
        }
        times *= 2;
    }
}

fn time(operation: &mut Operation, times: u64, unit: Unit) -> anyhow::Result<Duration> {
    let (start, begun) = (cpu_time(), Instant::now());
    let right = operation.repeat(times);
    let spent = match unit {
        Unit::CpuTime => cpu_time().saturating_sub(start),
        Unit::PerSecond => begun.elapsed(),
    };
    ensure!(right, "it does not do what it is measured for");
    Ok(spent)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is negative: this clock counts from zero.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
