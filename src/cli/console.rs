//! What goes to the terminal and how: format, colour, width, log and progress bar, in step with each other.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::report::{View, clean, is_hidden};

use super::args::{LogArgs, LogFormat, OutputFormat, When};
use super::diagnostics::Blame;
use super::exit::Failure;

/// Widest line that is made for people, however wide the terminal is.
const WIDEST: usize = 120;
const USUAL_WIDTH: usize = 80;

/// The streams of the process. Results go to standard output, everything else to standard error.
#[derive(Debug, Clone)]
pub(super) struct Console {
    pub(super) output: OutputFormat,
    colour_out: bool,
    colour_err: bool,
    pub(super) bars: MultiProgress,
    /// Whether a progress bar is drawn.
    pub(super) draws: bool,
    quiet: bool,
    mute: bool,
    /// Set where standard output could not be written.
    lost_output: Arc<AtomicBool>,
    /// Whether everything on standard error is a log line in JSON.
    json_log: bool,
}

impl Console {
    pub(super) fn new(output: OutputFormat, progress: When, log: &LogArgs) -> Self {
        let draws = match progress {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                io::stderr().is_terminal()
                    && log.log_format == LogFormat::Text
                    && log.verbosity() >= 0
            }
        };
        let target = if draws {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let console = Self {
            output,
            colour_out: coloured(log.color, io::stdout().is_terminal()),
            colour_err: coloured(log.color, io::stderr().is_terminal()),
            bars: MultiProgress::with_draw_target(target),
            draws,
            quiet: log.verbosity() < 0,
            mute: log.verbosity() < -1,
            lost_output: Arc::default(),
            json_log: log.log_format == LogFormat::Json,
        };
        console.start_log(log);
        console
    }

    /// Only this program's own events: those of libraries may show headers.
    fn start_log(&self, log: &LogArgs) {
        let level = match log.verbosity() {
            ..=-2 => Level::ERROR,
            -1 => Level::WARN,
            0 => Level::INFO,
            1 => Level::DEBUG,
            _ => Level::TRACE,
        };
        let filter = Targets::new().with_target("hcsync", level);
        let writer = BesideBars {
            bars: Arc::new(self.bars.clone()),
            colour: self.colour_err,
        };
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(self.colour_err)
            .with_target(false);
        let registry = tracing_subscriber::registry().with(filter);
        // A second subscriber in one process is only met in tests.
        let _ = match log.log_format {
            LogFormat::Text => registry.with(layer.compact()).try_init(),
            LogFormat::Json => registry.with(layer.json()).try_init(),
        };
    }

    /// How texts on standard output are laid out.
    pub(super) fn view(&self) -> View {
        View::new(width(), self.colour_out)
    }

    pub(super) fn is_json(&self) -> bool {
        self.output == OutputFormat::Json
    }

    /// Writes to standard output. A reader that went away is no error: it has seen enough.
    pub(super) fn print(&self, text: &str) {
        self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            if written.is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe) {
                self.lost_output.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Writes what a command has to tell to standard output, as one line of JSON.
    pub(super) fn print_json(&self, told: &impl serde::Serialize) {
        match serde_json::to_string(told) {
            Ok(line) => self.print(&format!("{line}\n")),
            Err(_) => self.lost_output.store(true, Ordering::Relaxed),
        }
    }

    /// Whether something that was to go to standard output is lost.
    pub(super) fn lost_output(&self) -> bool {
        self.lost_output.load(Ordering::Relaxed)
    }

    /// Writes a line for people to standard error.
    pub(super) fn say(&self, line: &str) {
        if self.json_log {
            tracing::info!("{}", clean(line));
        } else if !self.quiet {
            self.tell(line);
        }
    }

    /// Writes a warning to standard error; `-q` leaves it, `-qq` does not.
    pub(super) fn warn(&self, line: &str) {
        if self.json_log {
            tracing::warn!("{}", clean(line));
        } else if !self.mute {
            self.tell(&format!("warning: {line}"));
        }
    }

    /// Writes a line to standard error, also with `-q`. Names out of files may stand in it: whatever could forge a
    /// line or steer the terminal is spelled out.
    pub(super) fn tell(&self, line: &str) {
        self.tell_page(&clean(line));
    }

    /// Writes text to standard error that is laid out for the terminal, and therefore clean.
    pub(super) fn tell_page(&self, text: &str) {
        self.bars.suspend(|| {
            let mut err = io::stderr().lock();
            let _ = writeln!(err, "{text}");
        });
    }

    pub(super) fn fail(&self, failure: &Failure) {
        if self.json_log {
            let Failure {
                reason,
                hint,
                next_command,
                ..
            } = failure;
            tracing::error!(
                reason,
                help = hint,
                next = next_command,
                "{}",
                clean(&failure.message)
            );
            return;
        }
        let (red, plain) = if self.colour_err {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        match failure.blame.as_deref() {
            Some(Blame::Lines(snippet)) => self.tell_page(&snippet.render(self.colour_err)),
            _ => self.tell_page(&format!("{red}error:{plain} {}", clean(&failure.message))),
        }
        if let Some(hint) = &failure.hint {
            self.tell(&format!("  help: {hint}"));
        }
        if let Some(next) = &failure.next_command {
            self.tell(&format!("  next: {next}"));
        }
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
    columns.unwrap_or(USUAL_WIDTH).min(WIDEST)
}

fn console_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout())
        .map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Log lines go above the progress bars and never through them.
#[derive(Debug, Clone)]
struct BesideBars {
    bars: Arc<MultiProgress>,
    colour: bool,
}

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            bars: Arc::clone(&self.bars),
            colour: self.colour,
            text: Vec::new(),
        }
    }
}

/// One event's text, written whole.
struct Line {
    bars: Arc<MultiProgress>,
    colour: bool,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let line = log_line(text.trim_end_matches('\n'), self.colour);
        self.bars.suspend(|| {
            let _ = writeln!(io::stderr().lock(), "{line}");
        });
    }
}

/// An event as one line: what a name in it holds starts no line of its own. The log's own colours stay; the log spells
/// out the escapes of what it is given.
fn log_line(event: &str, colour: bool) -> String {
    let mut line = String::with_capacity(event.len());
    for c in event.chars() {
        if is_hidden(c) && !(colour && c == '\u{1b}') {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        assert_eq!(
            log_line("name\nINFO forged\u{1b}[2J", false),
            "name\\nINFO forged\\u{1b}[2J"
        );
        assert_eq!(
            log_line("\u{1b}[31mred\u{1b}[0m\r", true),
            "\u{1b}[31mred\u{1b}[0m\\r"
        );
    }
}
