//! `[metrics] textfile`: the figures of the last run, for Prometheus.

use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;

use crate::notify::RunFacts;
use crate::platform::{AtomicFile, read_file};
use crate::report::{METRICS_START, MetricFacts, last_success_in, render_metrics};

use super::exit::chain;

/// Writes the metrics of a run, whole or not at all. The error says why they were not written.
pub(super) fn write_metrics(path: &Path, run: &RunFacts<'_>) -> Result<(), String> {
    let old = read_file(path).map_err(|error| chain(&error))?;
    let old = old.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let old = old.unwrap_or_default();
    if !old.is_empty() && !old.starts_with(METRICS_START) {
        return Err("this file does not hold metrics of hcsync, and is left alone".to_owned());
    }
    let ended_at = seconds(&run.summary.finished_at);
    let past = run.past.last_success.as_deref().and_then(seconds);
    let last_success = match run.is_success() {
        true => ended_at,
        false => past.or_else(|| last_success_in(&old)),
    };
    let text = render_metrics(&MetricFacts {
        summary: run.summary,
        account: run.account.unwrap_or_default(),
        config: run.config.unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        started_at: seconds(&run.summary.started_at),
        ended_at,
        last_success,
    });
    let mut file = AtomicFile::create_output_like(path).map_err(|error| chain(&error))?;
    let written = file.write_all(text.as_bytes());
    written.map_err(|error| chain(&file.write_error(error)))?;
    file.commit().map_err(|error| chain(&error))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are far below 2^52"
)]
fn seconds(at: &str) -> Option<f64> {
    let at: Timestamp = at.parse().ok()?;
    Some(at.as_second() as f64)
}
