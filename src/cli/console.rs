//! Writes to the terminal: output format, colour, width, log and progress bars, so that they do not disturb each other.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressDrawTarget};
use jiff::tz::TimeZone;
use tracing::Level;

use crate::platform::FileError;
use crate::report::{View, clean};

use super::args::{ConsoleArgs, LogArgs, LogFormat, OutputFormat, PlainConsoleArgs, When};
use super::log_file::LogFile;
use super::log_start::{StderrContent, start_log};
use super::log_writer::LogWriter;

/// The widest line of a text output, however wide the terminal is.
const MAX_WIDTH: usize = 120;
const DEFAULT_WIDTH: usize = 80;

/// The time zone of the system, found once.
static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// Where progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressOutput {
    /// At a terminal.
    Bars,
    /// On standard error, whatever the log level is.
    Lines,
    Log,
}

/// The streams of the process. Results go to standard output, everything else to standard error.
#[derive(Debug, Clone)]
pub(super) struct Console {
    pub(super) output: OutputFormat,
    colour_out: bool,
    pub(super) colour_err: bool,
    pub(super) bars: MultiProgress,
    pub(super) progress: ProgressOutput,
    /// Time between two lines of progress off a terminal.
    pub(super) progress_interval: Duration,
    /// By `-v` and `-q`, relative to the default.
    pub(super) verbosity: i16,
    /// Whether writing to standard output failed.
    lost_output: Arc<AtomicBool>,
    pub(super) stderr: StderrContent,
    /// The file that gets the same lines, and why it cannot be written.
    log_file: Option<LogFile>,
    log_file_problem: Option<Arc<FileError>>,
}

impl From<&ConsoleArgs> for Console {
    fn from(args: &ConsoleArgs) -> Self {
        let mut console = Self::new(args.output.output, args.progress.progress, &args.log);
        if let Some(interval) = args.progress.progress_interval {
            console.progress_interval = interval;
        }
        console
    }
}

impl From<&PlainConsoleArgs> for Console {
    fn from(args: &PlainConsoleArgs) -> Self {
        Self::new(args.output.output, When::Never, &args.log)
    }
}

impl Console {
    pub(super) fn new(output: OutputFormat, progress: When, log: &LogArgs) -> Self {
        let is_terminal = io::stderr().is_terminal() && log.log_format == LogFormat::Text;
        let progress = match progress {
            When::Always if is_terminal => ProgressOutput::Bars,
            When::Always => ProgressOutput::Lines,
            When::Auto if is_terminal && log.verbosity() >= 0 => ProgressOutput::Bars,
            When::Auto | When::Never => ProgressOutput::Log,
        };
        let target = match progress {
            ProgressOutput::Bars => ProgressDrawTarget::stderr(),
            ProgressOutput::Lines | ProgressOutput::Log => ProgressDrawTarget::hidden(),
        };
        let log_file = log.log_file.as_deref().map(LogFile::open).transpose();
        let (log_file, log_file_problem) = match log_file {
            Ok(file) => (file, None),
            Err(error) => (None, Some(Arc::new(error))),
        };
        let colour_err = coloured(log.color, io::stderr().is_terminal());
        let bars = MultiProgress::with_draw_target(target);
        let writer = LogWriter::new(bars.clone(), colour_err);
        let stderr = start_log(log, writer, colour_err, log_file.clone());
        Self {
            output,
            colour_out: coloured(log.color, io::stdout().is_terminal()),
            colour_err,
            bars,
            progress,
            progress_interval: Duration::from_secs(60),
            verbosity: log.verbosity(),
            lost_output: Arc::default(),
            stderr,
            log_file,
            log_file_problem,
        }
    }

    /// Writes a line that standard error may get to the log file. A log record gets there by itself.
    pub(super) fn keep(&self, level: Level, text: &str) {
        let is_record = self.stderr.is_records();
        if let Some(file) = self.log_file.as_ref().filter(|_| !is_record) {
            file.said(level, text);
        }
    }

    /// Why the log file cannot be written.
    pub(super) fn log_file_problem(&self) -> Option<&FileError> {
        self.log_file_problem.as_deref()
    }

    /// The layout of texts on standard output.
    pub(super) fn view(&self) -> View {
        let zone = ZONE.get_or_init(TimeZone::system);
        View::new(width(), self.colour_out).in_zone(zone)
    }

    /// The same for commands that write: at a terminal only the first screen, unless `-v` is given.
    pub(super) fn brief_view(&self) -> View {
        let is_brief = io::stdout().is_terminal() && self.verbosity <= 0;
        self.view().brief(is_brief)
    }

    /// Whether only one line is to be printed, or nothing.
    pub(super) fn is_quiet(&self) -> bool {
        self.verbosity < 0
    }

    pub(super) fn is_json(&self) -> bool {
        self.output == OutputFormat::Json
    }

    /// Writes to standard output. A closed pipe is no error: the reader has seen enough.
    pub(super) fn print(&self, text: &str) {
        self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            if written.is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe) {
                self.lost_output.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Writes a value to standard output, as one line of JSON.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => self.print(&format!("{line}\n")),
            Err(_) => self.lost_output.store(true, Ordering::Relaxed),
        }
    }

    /// Writes to standard output in the format that the user wants: what `json` writes, or `text`. Of text, `-q` leaves the
    /// headline, and `-qq` nothing.
    pub(super) fn print_result(
        &self,
        json: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
        headline: impl FnOnce() -> String,
        text: impl FnOnce(View) -> String,
    ) {
        if self.is_json() {
            let mut bytes = Vec::new();
            if json(&mut bytes).is_ok() {
                self.print(&String::from_utf8_lossy(&bytes));
            }
        } else if self.verbosity >= 0 {
            self.print(&text(self.view()));
        } else if self.verbosity == -1 {
            self.print(&format!("{}\n", clean(&headline())));
        }
    }

    /// Whether writing to standard output failed.
    pub(super) fn lost_output(&self) -> bool {
        self.lost_output.load(Ordering::Relaxed)
    }

    /// Writes a message to standard error, unless `-q` is given.
    pub(super) fn say(&self, line: &str) {
        self.keep(Level::INFO, line);
        if self.stderr.is_records() {
            tracing::info!("{}", clean(line));
        } else if self.verbosity >= 0 {
            self.write_line(line);
        }
    }

    /// Writes a warning to standard error, unless `-qq` is given.
    pub(super) fn warn(&self, line: &str) {
        self.keep(Level::WARN, line);
        if self.stderr.is_records() {
            tracing::warn!("{}", clean(line));
        } else if self.verbosity >= -1 {
            self.write_line(&format!("warning: {line}"));
        }
    }

    /// Writes a line to standard error, even with `-q`. Line breaks and control characters are escaped, since a name
    /// from a file may contain them.
    pub(super) fn write_line(&self, line: &str) {
        self.write_page(&clean(line));
    }

    /// Writes text to standard error that is laid out for the terminal; names in it are escaped already.
    pub(super) fn write_page(&self, text: &str) {
        self.bars.suspend(|| {
            let mut err = io::stderr().lock();
            let _ = writeln!(err, "{text}");
        });
    }
}

fn coloured(when: When, terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn width() -> usize {
    let columns = console_width().or_else(|| std::env::var("COLUMNS").ok()?.parse().ok());
    columns.unwrap_or(DEFAULT_WIDTH).min(MAX_WIDTH)
}

fn console_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout())
        .map(|(terminal_size::Width(columns), _)| usize::from(columns))
}
