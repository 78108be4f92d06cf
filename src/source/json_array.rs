use super::buffered_value::BufferedValue;
use super::error::EngineError;
use super::json_document::second_array;
use super::json_nesting::Nesting;
use super::strict_json::is_json;
use super::text_codec::TextCodec;
use super::window::Window;

/// The elements of a JSON array, one at a time.
///
/// An element with balanced brackets and quotes is passed on even if it is not valid JSON, so that only that element is
/// rejected. If it is unclear where the next element begins, reading fails.
pub(super) struct JsonArray {
    window: Window,
    longest: usize,
    line: u64,
    state: ArrayState,
    /// What precedes an array that is not the whole input.
    preamble: Option<Preamble>,
}

/// The part of a document before the array of the rows.
struct Preamble {
    bytes: Vec<u8>,
    codec: TextCodec,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayState {
    Preamble,
    First,
    Between,
    After,
}

impl JsonArray {
    pub(super) fn new(window: Window, longest: usize) -> Self {
        Self {
            window,
            longest,
            line: 1,
            state: ArrayState::Preamble,
            preamble: None,
        }
    }

    /// The array that begins at an offset of a document, which the window must contain.
    pub(super) fn within(mut window: Window, at: usize, longest: usize, codec: TextCodec) -> Self {
        let bytes = window.view().get(..at).unwrap_or_default().to_vec();
        window.consume(at);
        Self {
            line: 1 + memchr::memchr_iter(b'\n', &bytes).count() as u64,
            preamble: Some(Preamble { bytes, codec }),
            ..Self::new(window, longest)
        }
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Reads the next element into a buffer.
    pub(super) fn next(
        &mut self,
        into: &mut Vec<u8>,
    ) -> Result<Option<BufferedValue>, EngineError> {
        into.clear();
        if self.state == ArrayState::Preamble {
            self.expect_start()?;
        }
        if self.state == ArrayState::After {
            return Ok(None);
        }
        match self.skip_blanks()? {
            Some(b']') => return self.expect_end().map(|()| None),
            Some(b',') if self.state == ArrayState::Between => {
                self.window.consume(1);
                self.skip_blanks()?;
            }
            Some(_) if self.state == ArrayState::First => {}
            Some(_) => return Err(self.broken("`,` or `]` is missing after an element")),
            None => return Err(self.broken("the array is cut off")),
        }
        self.state = ArrayState::Between;
        self.element(into).map(Some)
    }

    fn expect_start(&mut self) -> Result<(), EngineError> {
        if self.skip_blanks()? != Some(b'[') {
            return Err(self.broken("it is not an array of objects: it does not begin with `[`"));
        }
        self.window.consume(1);
        self.state = ArrayState::First;
        Ok(())
    }

    fn expect_end(&mut self) -> Result<(), EngineError> {
        self.window.consume(1);
        self.state = ArrayState::After;
        if let Some(preamble) = self.preamble.take() {
            return self.expect_rest(preamble);
        }
        match self.skip_blanks()? {
            None => Ok(()),
            Some(_) => Err(self.broken("there is something after the closing `]`")),
        }
    }

    /// Checks that the rest of a document is JSON and contains no other rows.
    fn expect_rest(&mut self, preamble: Preamble) -> Result<(), EngineError> {
        self.window.fill(self.longest)?;
        let rest = self.window.view();
        let document = [preamble.bytes.as_slice(), b"[]", rest].concat();
        let text = preamble.codec.text(&document);
        if !self.window.ended() || !text.is_some_and(|text| is_json(&text)) {
            return Err(self.broken("the document around the array of the rows is not valid JSON"));
        }
        match second_array(&document, preamble.codec) {
            None => Ok(()),
            Some(path) => Err(self.broken(&format!(
                "another array of objects, `{path}`, follows the rows; extract the right one as JSON Lines with jq -c"
            ))),
        }
    }

    fn element(&mut self, into: &mut Vec<u8>) -> Result<BufferedValue, EngineError> {
        let line = self.line;
        let mut size = 0;
        let mut nesting = Nesting::default();
        loop {
            let view = self.window.view();
            let end = nesting.end_in(view);
            let part = view.get(..end.unwrap_or(view.len())).unwrap_or_default();
            let count = part.len();
            if size <= self.longest as u64 {
                into.extend_from_slice(part);
            }
            size += count as u64;
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            self.window.consume(count);
            if end.is_some() && size > 0 {
                let too_long = (size > self.longest as u64).then_some(size);
                if too_long.is_some() {
                    into.clear();
                }
                return Ok(BufferedValue { line, too_long });
            }
            if end.is_some() || self.window.ended() {
                self.line = line;
                let missing = "an element is missing, or `,` stands before `]`";
                let cut = "the element that begins here is cut off or has an open quote or bracket";
                return Err(self.broken(if end.is_some() { missing } else { cut }));
            }
            self.window.grow()?;
        }
    }

    /// Skips blanks and returns the next byte without consuming it.
    fn skip_blanks(&mut self) -> Result<Option<u8>, EngineError> {
        loop {
            let view = self.window.view();
            let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
            let count = view.iter().position(|b| !blank(b)).unwrap_or(view.len());
            let skipped = view.get(..count).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
            let next = view.get(count).copied();
            self.window.consume(count);
            if next.is_some() || self.window.ended() {
                return Ok(next);
            }
            self.window.grow()?;
        }
    }

    fn broken(&self, problem: &str) -> EngineError {
        EngineError::Broken {
            line: self.line,
            problem: problem.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (Vec<(u64, String)>, Option<(u64, String)>);

    fn read(text: &str) -> Found {
        let mut array = JsonArray::new(
            Window::new(Box::new(std::io::Cursor::new(text.as_bytes().to_vec()))),
            1000,
        );
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        loop {
            match array.next(&mut buffer) {
                Ok(Some(piece)) => {
                    let text = String::from_utf8(buffer.clone()).unwrap();
                    found.push((piece.line, piece.too_long.map_or(text, |n| n.to_string())));
                }
                Ok(None) => return (found, None),
                Err(EngineError::Broken { line, problem }) => {
                    return (found, Some((line, problem)));
                }
                Err(EngineError::Io(error)) => panic!("{error}"),
            }
        }
    }

    fn pieces(pieces: &[(u64, &str)]) -> Vec<(u64, String)> {
        pieces.iter().map(|(l, t)| (*l, (*t).to_owned())).collect()
    }

    #[test]
    fn elements_come_with_their_lines() {
        let (found, fault) = read("\n[ {\"a\":\"]}\\\"\",\n\"b\":[{}]}\n,\n{}, 12 ,\"x,\",null]\n");
        assert_eq!(fault, None);
        let expected = [
            (2, "{\"a\":\"]}\\\"\",\n\"b\":[{}]}"),
            (5, "{}"),
            (5, "12"),
            (5, "\"x,\""),
            (5, "null"),
        ];
        assert_eq!(found, pieces(&expected));
        assert_eq!(read(" [ ] "), (vec![], None));
    }

    #[test]
    fn a_balanced_element_spoils_only_itself() {
        let (found, fault) = read("[{a:1},{\"b\":}, {\"c\":1}]");
        assert_eq!(fault, None);
        assert_eq!(
            found,
            pieces(&[(1, "{a:1}"), (1, "{\"b\":}"), (1, "{\"c\":1}")])
        );
    }

    #[test]
    fn a_broken_array_ends_after_its_good_elements() {
        for (text, count, line) in [
            ("[{},\n{\"a\":1", 1, 2),
            ("[{},\n{\"a\":\"\n}]", 1, 2),
            ("[{}\n{}]", 1, 2),
            ("[{},\n]", 1, 2),
            ("[,{}]", 0, 1),
            ("[{}]\n{}", 1, 2),
            ("{}", 0, 1),
            ("[", 0, 1),
        ] {
            let (found, fault) = read(text);
            assert_eq!(
                (found.len(), fault.map(|f| f.0)),
                (count, Some(line)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_element_that_is_too_long_is_counted() {
        let (found, fault) = read(&format!("[\"{}\",{{}}]", "x".repeat(200_000)));
        assert_eq!((found, fault), (pieces(&[(1, "200002"), (1, "{}")]), None));
    }
}
