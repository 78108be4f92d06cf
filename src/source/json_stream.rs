use super::buffered_value::BufferedValue;
use super::error::EngineError;
use super::text_codec::UTF8_MARK;
use super::window::Window;

/// JSON values in sequence that are not one per line, such as pretty-printed objects.
///
/// A broken value ends before the next line that begins with `{` where no nested value can begin, so that only that value is
/// rejected.
pub(super) struct JsonStream {
    window: Window,
    longest: usize,
    line: u64,
}

impl JsonStream {
    pub(super) fn new(window: Window, longest: usize) -> Self {
        Self {
            window,
            longest,
            line: 1,
        }
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Reads the next value into a buffer.
    pub(super) fn next(
        &mut self,
        into: &mut Vec<u8>,
    ) -> Result<Option<BufferedValue>, EngineError> {
        into.clear();
        if !self.skip_blanks()? {
            return Ok(None);
        }
        let (line, mut size, mut scanner) = (self.line, 0, ValueScanner::default());
        loop {
            let view = self.window.view();
            let end = scanner.end(view);
            let part = view.get(..end.unwrap_or(view.len())).unwrap_or_default();
            let count = part.len();
            if size <= self.longest as u64 {
                into.extend_from_slice(part);
            }
            size += count as u64;
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            self.window.consume(count);
            if end.is_some() || self.window.ended() {
                break;
            }
            self.window.grow()?;
        }
        into.truncate(into.trim_ascii_end().len());
        let too_long = (size > self.longest as u64).then_some(size);
        if too_long.is_some() {
            into.clear();
        }
        Ok(Some(BufferedValue { line, too_long }))
    }

    /// Skips blanks. Returns whether anything follows.
    fn skip_blanks(&mut self) -> Result<bool, EngineError> {
        loop {
            let view = self.window.view();
            let mut rest = view.trim_ascii_start();
            // Concatenated files have byte order marks in the middle.
            while let Some(after) = rest.strip_prefix(UTF8_MARK) {
                rest = after.trim_ascii_start();
            }
            let count = view.len() - rest.len();
            let skipped = view.get(..count).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
            let has_more = !rest.is_empty();
            self.window.consume(count);
            if has_more || self.window.ended() {
                return Ok(has_more);
            }
            self.window.grow()?;
        }
    }
}

/// Finds the end of a value whose bytes may come in parts.
#[derive(Default)]
pub(super) struct ValueScanner {
    /// The open brackets.
    open: Vec<u8>,
    begun: bool,
    in_text: bool,
    escaped: bool,
    /// The last byte that is not blank.
    last: u8,
    after_line_end: bool,
    state: ValueState,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum ValueState {
    #[default]
    Within,
    /// The value is complete. Blanks and another value may follow on its line.
    Closed,
    /// The value is not an object or array, or something that is not a value follows it: it ends with its line.
    Line,
    /// Its brackets or quotes are unbalanced.
    Broken,
}

impl ValueScanner {
    /// Processes the next bytes. Returns how many of them belong to the value if it ends there.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.ends_before(*byte))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == ValueState::Closed
    }

    fn ends_before(&mut self, byte: u8) -> bool {
        let begins_line = std::mem::replace(&mut self.after_line_end, byte == b'\n');
        match self.state {
            ValueState::Line => byte == b'\n',
            ValueState::Closed => match byte {
                b'\n' | b'{' | b'[' => true,
                b' ' | b'\t' | b'\r' => false,
                _ => {
                    self.state = ValueState::Line;
                    false
                }
            },
            ValueState::Broken => begins_line && byte == b'{',
            ValueState::Within => self.ends_within(byte, begins_line),
        }
    }

    fn ends_within(&mut self, byte: u8, begins_line: bool) -> bool {
        if self.in_text {
            let plain = !std::mem::take(&mut self.escaped);
            self.escaped = plain && byte == b'\\';
            self.in_text = !(plain && byte == b'"');
            if byte == b'\n' {
                self.state = ValueState::Broken;
            }
            return false;
        }
        let is_first = !std::mem::replace(&mut self.begun, true);
        if begins_line && byte == b'{' && !is_first && !self.may_hold_a_value() {
            return true;
        }
        match byte {
            b'{' | b'[' => self.open.push(byte),
            _ if is_first => self.state = ValueState::Line,
            b'"' => self.in_text = true,
            b'}' | b']' => self.close(byte),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
        false
    }

    fn close(&mut self, byte: u8) {
        let fits = matches!(
            (self.open.pop(), byte),
            (Some(b'{'), b'}') | (Some(b'['), b']')
        );
        if !fits {
            self.state = ValueState::Broken;
        } else if self.open.is_empty() {
            self.state = ValueState::Closed;
        }
    }

    /// Whether a nested value can follow the last byte.
    fn may_hold_a_value(&self) -> bool {
        match self.last {
            b':' | b'[' => true,
            b',' => self.open.last() == Some(&b'['),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, String)> {
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut stream = JsonStream::new(Window::new(Box::new(bytes)), 1000);
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        while let Some(piece) = stream.next(&mut buffer).unwrap() {
            let text = String::from_utf8(buffer.clone()).unwrap();
            found.push((piece.line, piece.too_long.map_or(text, |n| n.to_string())));
        }
        found
    }

    fn pieces(pieces: &[(u64, &str)]) -> Vec<(u64, String)> {
        pieces.iter().map(|(l, t)| (*l, (*t).to_owned())).collect()
    }

    #[test]
    fn values_come_with_their_lines() {
        let text =
            "\n{\n \"a\":\"}\\\"{\",\n\"b\":[\n{}\n,\n{}]\n}\r\n{\"c\":\n{}} {}{\"d\":1}\n\n[1]\n7";
        let expected = [
            (2, "{\n \"a\":\"}\\\"{\",\n\"b\":[\n{}\n,\n{}]\n}"),
            (9, "{\"c\":\n{}}"),
            (10, "{}"),
            (10, "{\"d\":1}"),
            (12, "[1]"),
            (13, "7"),
        ];
        assert_eq!(read(text), pieces(&expected));
        assert_eq!(read(" \n"), []);
        assert_eq!(
            read("{}\n\u{feff}{\n}\n"),
            pieces(&[(1, "{}"), (2, "{\n}")])
        );
    }

    #[test]
    fn a_broken_value_spoils_only_itself() {
        for broken in [
            "{\"a\":1",
            "{\"a\":\"x}\n \"b\":2\n}",
            "{\n \"a\":[1\n}",
            "{\"a\":1} // Ben",
            "{\"a\":1},",
            "nothing {",
            "{\"a\":{}}}",
        ] {
            let text = format!("{{}}\n{broken}\n{{\"b\":\n2}}\n");
            let line = 3 + broken.matches('\n').count() as u64;
            let expected = [(1, "{}"), (2, broken), (line, "{\"b\":\n2}")];
            assert_eq!(read(&text), pieces(&expected));
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_counted() {
        let text = format!("{{\"a\":\n\"{}\"}}\n{{}}", "x".repeat(200_000));
        assert_eq!(read(&text), pieces(&[(1, "200009"), (3, "{}")]));
    }
}
