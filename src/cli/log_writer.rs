//! Log lines, one an event, that do not run into progress bars.

use std::io::{self, Write};
use std::sync::Arc;

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

use crate::report::is_hidden;

/// Writes log lines to standard error, above the progress bars.
#[derive(Debug, Clone)]
pub(super) struct LogWriter {
    bars: Arc<MultiProgress>,
    colour: bool,
}

impl LogWriter {
    pub(super) fn new(bars: MultiProgress, colour: bool) -> Self {
        Self {
            bars: Arc::new(bars),
            colour,
        }
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            bars: Arc::clone(&self.bars),
            colour: self.colour,
            text: Vec::new(),
        }
    }
}

/// Collects the text of one event, and writes it when dropped.
pub(super) struct Line {
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

/// Returns an event as one line, with control characters escaped. If `colour` is set, ESC stays: the log's own colours
/// need it, and `tracing_subscriber` escapes those in values.
pub(super) fn log_line(event: &str, colour: bool) -> String {
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
