//! Progress of a command: a bar at a terminal, otherwise a line at intervals, in the log or on standard error.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::RowStatus;
use crate::remote::ReadProgress;
use crate::report::{human_count, human_duration, plural};
use crate::run::executor::SendProgress;

use super::console::{Console, ProgressOutput};

/// Shows how far a command has come: its bar, and when the next line is due.
#[derive(Debug)]
struct Display {
    console: Console,
    bar: ProgressBar,
    started: Instant,
    last: Mutex<Instant>,
}

impl Display {
    fn new(console: &Console, bar: ProgressBar, template: &str) -> Self {
        let bar = console.bars.add(bar);
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if console.progress == ProgressOutput::Bars {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Self {
            console: console.clone(),
            bar,
            started: Instant::now(),
            last: Mutex::new(Instant::now()),
        }
    }

    /// Whether the time for a line has come, which then counts as written.
    fn is_due(&self) -> bool {
        let Ok(mut last) = self.last.lock() else {
            return false;
        };
        let due = last.elapsed() >= self.console.progress_interval;
        if due {
            *last = Instant::now();
        }
        due
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn write_line(&self, text: &str) {
        if self.console.progress == ProgressOutput::Lines {
            self.console.write_line(text);
        }
    }
}

/// Shows how many customers were read.
#[derive(Debug)]
pub(super) struct ReadingProgress(Display);

impl ReadingProgress {
    pub(super) fn new(console: &Console) -> Self {
        let bar = ProgressBar::new_spinner();
        let template = "{spinner} reading HelpCrunch: {msg}";
        Self(Display::new(console, bar, template))
    }

    pub(super) fn finish(&self) {
        self.0.bar.finish_and_clear();
    }
}

impl ReadProgress for ReadingProgress {
    fn read(&self, customers: u64, total: Option<u64>) {
        let display = &self.0;
        let text = reading_text(customers, total, display.seconds());
        if display.is_due() {
            if display.console.progress == ProgressOutput::Log {
                tracing::info!("reading HelpCrunch: {text}");
            }
            display.write_line(&format!("reading HelpCrunch: {text}"));
        }
        display.bar.set_message(text);
    }
}

fn reading_text(customers: u64, total: Option<u64>, seconds: f64) -> String {
    match total.filter(|total| *total >= customers) {
        None => plural(customers, "customer", "customers"),
        Some(total) => {
            let left = time_left(customers, total, seconds);
            let left = left.map(|left| format!(", {left}")).unwrap_or_default();
            let all = plural(total, "customer", "customers");
            format!("{} of {all}{left}", human_count(customers))
        }
    }
}

/// Shows how much of a plan was sent.
#[derive(Debug)]
pub(super) struct SendingProgress {
    display: Display,
    rows: u64,
    /// Estimated time for all of them.
    estimate: f64,
    done: AtomicU64,
    bad: AtomicU64,
}

impl SendingProgress {
    /// `seconds`: the estimated time that the rows take.
    pub(super) fn new(console: &Console, rows: u64, seconds: f64) -> Self {
        let template = "{bar:12} {wide_msg}";
        let progress = Self {
            display: Display::new(console, ProgressBar::new(rows), template),
            rows,
            estimate: seconds,
            done: AtomicU64::default(),
            bad: AtomicU64::default(),
        };
        let text = progress.text();
        progress.display.bar.set_message(text.clone());
        progress.write_line(&text);
        progress
    }

    pub(super) fn finish(&self) {
        self.display.bar.finish_and_clear();
        self.write_line(&self.text());
    }

    fn write_line(&self, text: &str) {
        if self.rows > 0 {
            self.display.write_line(&format!("sending: {text}"));
        }
    }

    fn text(&self) -> String {
        let (done, bad) = (
            self.done.load(Ordering::Relaxed),
            self.bad.load(Ordering::Relaxed),
        );
        sending_text(
            (done, self.rows, bad),
            self.display.seconds(),
            self.estimate,
        )
    }
}

impl SendProgress for SendingProgress {
    fn row_done(&self, status: RowStatus) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if status.needs_attention() {
            self.bad.fetch_add(1, Ordering::Relaxed);
        }
        self.display.bar.inc(1);
        let text = self.text();
        if self.display.is_due() {
            if self.display.console.progress == ProgressOutput::Log {
                let failed = self.bad.load(Ordering::Relaxed);
                tracing::info!(done, of = self.rows, failed, "sending: {text}");
            }
            self.write_line(&text);
        }
        self.display.bar.set_message(text);
    }
}

/// Rows done of all, failed, the rate, and the time that is left: from the rate so far, at first from the estimate.
fn sending_text((done, rows, failed): (u64, u64, u64), seconds: f64, estimate: f64) -> String {
    let mut parts = vec![format!(
        "{} of {}",
        human_count(done),
        plural(rows, "customer", "customers")
    )];
    if failed > 0 {
        parts.push(format!("{} failed", human_count(failed)));
    }
    if let Some(rate) = per_second(done, seconds) {
        parts.push(format!("{:.0} a minute", rate * 60.0));
    }
    let left = time_left(done, rows, seconds);
    parts.push(left.unwrap_or_else(|| format!("about {} left", human_duration(estimate))));
    parts.join(", ")
}

/// `None` until there is something to go by.
#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
fn per_second(done: u64, seconds: f64) -> Option<f64> {
    (done > 0 && seconds >= 1.0).then(|| done as f64 / seconds)
}

#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
pub(super) fn time_left(done: u64, all: u64, seconds: f64) -> Option<String> {
    let rate = per_second(done, seconds)?;
    let left = human_duration(all.saturating_sub(done) as f64 / rate);
    Some(format!("about {left} left"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_rate_failures_and_time_left() {
        assert_eq!(
            sending_text((0, 400, 0), 0.0, 200.0),
            "0 of 400 customers, about 3 min 20 s left"
        );
        assert_eq!(
            sending_text((120, 400, 3), 60.0, 200.0),
            "120 of 400 customers, 3 failed, 120 a minute, about 2 min 20 s left"
        );
        assert_eq!(
            reading_text(500, Some(1_500), 10.0),
            "500 of 1,500 customers, about 20 s left"
        );
        assert_eq!(reading_text(500, None, 10.0), "500 customers");
    }
}
