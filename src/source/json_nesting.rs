//! Finds where a JSON value ends, also one that is not valid.

/// The state of a scan for the end of an element.
#[derive(Default)]
pub(super) struct Nesting {
    depth: u64,
    in_text: bool,
    escaped: bool,
    begun: bool,
}

/// Where an element ends, relative to the current byte.
enum ValueEnd {
    Within,
    After,
}

impl Nesting {
    /// Processes the next bytes. Returns how many of them belong to the element if it ends there.
    pub(super) fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().enumerate().find_map(|(at, byte)| {
            let end = self.end(*byte)?;
            Some(at + usize::from(matches!(end, ValueEnd::Within)))
        })
    }

    /// Processes the next byte. Returns where the element ends, if it does.
    fn end(&mut self, byte: u8) -> Option<ValueEnd> {
        let first = !std::mem::replace(&mut self.begun, true);
        if self.in_text {
            let plain = !std::mem::take(&mut self.escaped);
            self.escaped = plain && byte == b'\\';
            self.in_text = !(plain && byte == b'"');
            return (!self.in_text && self.depth == 0).then_some(ValueEnd::Within);
        }
        match byte {
            b'"' if first || self.depth > 0 => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return (self.depth == 0).then_some(ValueEnd::Within);
            }
            b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                return Some(ValueEnd::After);
            }
            _ => {}
        }
        None
    }
}
