use std::io;

use memchr::memchr;

use super::buffered_value::BufferedValue;
use super::window::Window;

/// The lines of JSONL that are not blank.
pub(super) struct JsonLines {
    window: Window,
    longest: usize,
    line: u64,
}

impl JsonLines {
    pub(super) fn new(window: Window, longest: usize) -> Self {
        Self {
            window,
            longest,
            line: 0,
        }
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Reads the next line, without its line end, into a buffer.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> io::Result<Option<BufferedValue>> {
        loop {
            into.clear();
            let Some(size) = self.next_line(into)? else {
                return Ok(None);
            };
            if into.last() == Some(&b'\r') {
                into.pop();
            }
            let too_long = (size > self.longest as u64).then_some(size);
            if too_long.is_some() {
                into.clear();
            }
            if too_long.is_some() || !into.trim_ascii().is_empty() {
                let line = self.line;
                return Ok(Some(BufferedValue { line, too_long }));
            }
        }
    }

    /// Reads a line and returns its size. Only the beginning of an overlong line is kept.
    fn next_line(&mut self, into: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut size = 0;
        loop {
            let view = self.window.view();
            let end = memchr(b'\n', view);
            let part = view.get(..end.unwrap_or(view.len())).unwrap_or_default();
            let count = part.len();
            if size <= self.longest as u64 {
                into.extend_from_slice(part);
            }
            size += count as u64;
            self.window.consume(count + usize::from(end.is_some()));
            if end.is_some() || self.window.ended() {
                self.line += 1;
                return Ok((end.is_some() || size > 0).then_some(size));
            }
            self.window.grow()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_and_long_ones_are_not_kept() {
        let text = format!("\n{{}}\r\n \n{}\nlast", "x".repeat(300_000));
        let window = Window::new(Box::new(io::Cursor::new(text.into_bytes())));
        let mut lines = JsonLines::new(window, 1000);
        let mut buffer = Vec::new();
        let mut found = Vec::new();
        while let Some(piece) = lines.next(&mut buffer).unwrap() {
            found.push((piece.line, piece.too_long, buffer.clone()));
            assert!(buffer.capacity() < 200_000);
        }
        let expected = [
            (2, None, b"{}".to_vec()),
            (4, Some(300_000), vec![]),
            (5, None, b"last".to_vec()),
        ];
        assert_eq!(found, expected);
    }
}
