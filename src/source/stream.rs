use super::error::Fault;
use super::object::{MARK, Piece};
use super::window::Window;

/// JSON values one after another that do not keep to one on a line, such as pretty-printed objects.
///
/// A value that is broken ends before the next line that begins with `{` where no value can begin, so that it spoils only itself.
pub(super) struct Stream {
    window: Window,
    longest: usize,
    line: u64,
}

impl Stream {
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

    /// Puts the next value into a buffer.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<Piece>, Fault> {
        into.clear();
        if !self.skip_blanks()? {
            return Ok(None);
        }
        let (line, mut size, mut extent) = (self.line, 0, Extent::default());
        loop {
            let view = self.window.view();
            let end = extent.end(view);
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
        Ok(Some(Piece { line, too_long }))
    }

    /// Whether anything follows.
    fn skip_blanks(&mut self) -> Result<bool, Fault> {
        loop {
            let view = self.window.view();
            let mut rest = view.trim_ascii_start();
            // Files that were put together have byte order marks in their middle.
            while let Some(after) = rest.strip_prefix(MARK) {
                rest = after.trim_ascii_start();
            }
            let count = view.len() - rest.len();
            let skipped = view.get(..count).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
            let found = !rest.is_empty();
            self.window.consume(count);
            if found || self.window.ended() {
                return Ok(found);
            }
            self.window.grow()?;
        }
    }
}

/// Finds where a value ends; the bytes may come in parts.
#[derive(Default)]
pub(super) struct Extent {
    /// The brackets that are open.
    open: Vec<u8>,
    begun: bool,
    in_text: bool,
    escaped: bool,
    /// The last byte that is no blank.
    last: u8,
    after_line_end: bool,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Within,
    /// It is closed; blanks and another value may follow on its line.
    Closed,
    /// It is no object and no array, or something that is no value follows it: it ends with its line.
    Line,
    /// Its brackets or quotes do not pair.
    Broken,
}

impl Extent {
    /// Takes the next bytes, and gives how many of them belong to the value if it ends before or with them.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.ends_before(*byte))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn ends_before(&mut self, byte: u8) -> bool {
        let begins_line = std::mem::replace(&mut self.after_line_end, byte == b'\n');
        match self.state {
            State::Line => byte == b'\n',
            State::Closed => match byte {
                b'\n' | b'{' | b'[' => true,
                b' ' | b'\t' | b'\r' => false,
                _ => {
                    self.state = State::Line;
                    false
                }
            },
            State::Broken => begins_line && byte == b'{',
            State::Within => self.ends_within(byte, begins_line),
        }
    }

    fn ends_within(&mut self, byte: u8, begins_line: bool) -> bool {
        if self.in_text {
            let plain = !std::mem::take(&mut self.escaped);
            self.escaped = plain && byte == b'\\';
            self.in_text = !(plain && byte == b'"');
            if byte == b'\n' {
                self.state = State::Broken;
            }
            return false;
        }
        let is_first = !std::mem::replace(&mut self.begun, true);
        if begins_line && byte == b'{' && !is_first && !self.may_hold_a_value() {
            return true;
        }
        match byte {
            b'{' | b'[' => self.open.push(byte),
            _ if is_first => self.state = State::Line,
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
            self.state = State::Broken;
        } else if self.open.is_empty() {
            self.state = State::Closed;
        }
    }

    /// Whether a value can stand behind the last byte.
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
        let mut stream = Stream::new(Window::new(Box::new(bytes)), 1000);
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
