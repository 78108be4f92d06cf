use std::io::{self, Read};

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// A buffered stream whose buffer grows only on request, and drops consumed bytes.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            ended: false,
        }
    }

    /// The bytes that were read and not consumed yet.
    pub(super) fn view(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether the view is the rest of the stream.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Reads more bytes into the view, or detects the end of the stream.
    pub(super) fn grow(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        self.make_room();
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.input.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += read;
        self.ended = read == 0;
        Ok(())
    }

    /// Reads until the view has at least `wanted` bytes or the stream ends.
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.view().len() < wanted && !self.ended {
            self.grow()?;
        }
        Ok(())
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads and discards the rest.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            self.consume(self.view().len());
            if self.ended {
                return Ok(());
            }
            self.grow()?;
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn make_room(&mut self) {
        if self.buffer.len() - self.end >= CHUNK {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < CHUNK {
            let length = (self.buffer.len() * 2).max(self.end + CHUNK);
            self.buffer.resize(length, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_stays_small_while_the_stream_is_consumed() {
        let mut window = Window::new(Box::new(io::repeat(b'x').take(50 << 20)));
        let mut seen = 0;
        while !window.ended() {
            window.grow().unwrap();
            let count = window.view().len();
            seen += count;
            window.consume(count);
        }
        assert_eq!(seen, 50 << 20);
        assert!(window.buffer.len() <= 4 * CHUNK, "{}", window.buffer.len());
    }

    #[test]
    fn what_is_not_consumed_stays() {
        let text: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(text.clone())));
        window.fill(10).unwrap();
        window.consume(7);
        window.fill(usize::MAX).unwrap();
        assert_eq!(window.view(), &text[7..]);
        window.drain().unwrap();
        assert!(window.view().is_empty());
    }
}
