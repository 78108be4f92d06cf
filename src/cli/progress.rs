//! How far a run is: a bar where there is a terminal, a line a minute in the log where there is none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::RowStatus;
use crate::remote::ReadProgress;
use crate::run::executor::SendProgress;

use super::console::Console;

/// Between two lines of progress in the log.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The reading of the remote side.
#[derive(Debug)]
pub(super) struct ReadingShown {
    bar: ProgressBar,
    last: Mutex<Instant>,
}

impl ReadingShown {
    pub(super) fn new(console: &Console) -> Self {
        let bar = console.bars.add(ProgressBar::new_spinner());
        bar.set_style(style(
            "{spinner} reading HelpCrunch: {human_pos} customers{msg}",
        ));
        if console.draws {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            last: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl ReadProgress for ReadingShown {
    fn read(&self, customers: u64, total: Option<u64>) {
        self.bar.set_position(customers);
        if let Some(total) = total {
            self.bar.set_message(format!(" of {total}"));
        }
        if is_due(&self.last) {
            tracing::info!(customers, total, "reading HelpCrunch");
        }
    }
}

/// The sending of a plan.
#[derive(Debug)]
pub(super) struct SendingShown {
    bar: ProgressBar,
    rows: u64,
    done: AtomicU64,
    bad: AtomicU64,
    last: Mutex<Instant>,
}

impl SendingShown {
    /// `seconds`: what the plan is thought to take, at the pace of the limit.
    pub(super) fn new(console: &Console, rows: u64, seconds: f64) -> Self {
        let bar = console.bars.add(ProgressBar::new(rows));
        bar.set_style(style(
            "{bar:24} {human_pos}/{human_len} customers, {elapsed} of about {prefix}{msg}",
        ));
        bar.set_prefix(crate::report::human_duration(seconds));
        if console.draws {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        let (done, bad) = (AtomicU64::new(0), AtomicU64::new(0));
        Self {
            bar,
            rows,
            done,
            bad,
            last: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl SendProgress for SendingShown {
    fn row_done(&self, status: RowStatus) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.inc(1);
        if status.needs_attention() {
            let bad = self.bad.fetch_add(1, Ordering::Relaxed) + 1;
            self.bar.set_message(format!(", {bad} failed"));
        }
        if is_due(&self.last) {
            let failed = self.bad.load(Ordering::Relaxed);
            tracing::info!(done, of = self.rows, failed, "sending");
        }
    }
}

fn is_due(last: &Mutex<Instant>) -> bool {
    let Ok(mut last) = last.lock() else {
        return false;
    };
    let due = last.elapsed() >= LOG_EVERY;
    if due {
        *last = Instant::now();
    }
    due
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
