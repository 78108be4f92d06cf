//! Where log lines go: standard error, and the log file.

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{LogArgs, LogFormat};
use super::log_file::LogFile;
use super::log_writer::LogWriter;

/// Logs only hcsync's own events: those of libraries may contain request headers.
pub(super) fn start_log(log: &LogArgs, writer: LogWriter, colour: bool, file: Option<LogFile>) {
    let level = match log.verbosity() {
        ..=-2 => Level::ERROR,
        -1 => Level::WARN,
        0 => Level::INFO,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let filter = |level| Targets::new().with_target("hcsync", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false);
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
    let layer = match log.log_format {
        LogFormat::Text => layer.compact().with_filter(filter(level)).boxed(),
        LogFormat::Json => layer.json().with_filter(filter(level)).boxed(),
    };
    // Fails only in tests, which share a process and so a subscriber.
    let _ = tracing_subscriber::registry()
        .with(layer)
        .with(in_file)
        .try_init();
}
