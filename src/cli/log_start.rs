//! Where log records go: standard error or the journal, and the log file.

use std::io;

use tracing::Level;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::platform::is_journal;

use super::args::{LogArgs, LogFormat};
use super::log_file::LogFile;
use super::log_writer::LogWriter;

/// What standard error consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrContent {
    /// Messages and log lines for people.
    Text,
    /// Log records in JSON, and nothing else.
    Json,
    /// Nothing: log records and messages go to the journal that it is connected to, with their priority and fields.
    Journal,
}

impl StderrContent {
    /// Whether messages are log records.
    pub(super) fn is_records(self) -> bool {
        self != Self::Text
    }
}

/// Logs only hcsync's own events: those of libraries may contain request headers.
pub(super) fn start_log(
    log: &LogArgs,
    writer: LogWriter,
    colour: bool,
    file: Option<LogFile>,
) -> StderrContent {
    let level = match log.verbosity() {
        ..=-2 => Level::ERROR,
        -1 => Level::WARN,
        0 => Level::INFO,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let filter = |level| Targets::new().with_target("hcsync", level);
    // `-q` is about standard error.
    let in_file = file.map(|file| {
        let layer = tracing_subscriber::fmt::layer();
        let layer = layer.with_writer(file).with_ansi(false).with_target(false);
        let filter = filter(level.max(Level::INFO));
        match log.log_format {
            LogFormat::Text => layer.compact().with_filter(filter).boxed(),
            LogFormat::Json => layer.json().with_filter(filter).boxed(),
        }
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false);
    let (content, layer) = match (log.log_format, journal(log.log_format)) {
        (LogFormat::Json, _) => (StderrContent::Json, lines.json().boxed()),
        (LogFormat::Text, Some(journal)) => (StderrContent::Journal, journal.boxed()),
        (LogFormat::Text, None) => (StderrContent::Text, lines.compact().boxed()),
    };
    // Fails only in tests, which share a process and so a subscriber.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter(level)))
        .with(in_file)
        .try_init();
    content
}

/// Connects to the journal, if standard error goes there and it accepts records.
fn journal(format: LogFormat) -> Option<tracing_journald::Layer> {
    if format == LogFormat::Json || !is_journal(io::stderr()) {
        return None;
    }
    let layer = tracing_journald::layer().ok()?;
    let layer = layer.with_field_prefix(Some("HCSYNC".to_owned()));
    // Lines on standard error, which other programs write, count as informational too.
    Some(layer.with_priority_mappings(PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        ..PriorityMappings::new()
    }))
}
