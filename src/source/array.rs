use super::coding::Coding;
use super::document::second_array;
use super::error::Fault;
use super::object::Piece;
use super::strict_json::is_json;
use super::window::Window;

/// The elements of a JSON array, one at a time.
///
/// An element whose brackets and quotes balance is passed on even where it is no valid JSON, so that it spoils only itself. What
/// leaves no way to tell where the next element begins is a [`Fault`].
pub(super) struct Array {
    window: Window,
    longest: usize,
    line: u64,
    place: Place,
    /// What stands before an array that is not the whole input.
    before: Option<Before>,
}

/// The part of a document before its rows.
struct Before {
    bytes: Vec<u8>,
    coding: Coding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    First,
    Between,
    After,
}

/// How far into an element the scan has come.
#[derive(Default)]
pub(super) struct Nesting {
    depth: u64,
    in_text: bool,
    escaped: bool,
    begun: bool,
}

/// What the byte after an element's last one is to the element.
enum End {
    Within,
    After,
}

impl Array {
    pub(super) fn new(window: Window, longest: usize) -> Self {
        Self {
            window,
            longest,
            line: 1,
            place: Place::Before,
            before: None,
        }
    }

    /// The array that begins at a place of a document, which the window must hold.
    pub(super) fn within(mut window: Window, at: usize, longest: usize, coding: Coding) -> Self {
        let bytes = window.view().get(..at).unwrap_or_default().to_vec();
        window.consume(at);
        Self {
            line: 1 + memchr::memchr_iter(b'\n', &bytes).count() as u64,
            before: Some(Before { bytes, coding }),
            ..Self::new(window, longest)
        }
    }

    pub(super) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Puts the next element into a buffer.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<Piece>, Fault> {
        into.clear();
        if self.place == Place::Before {
            self.expect_start()?;
        }
        if self.place == Place::After {
            return Ok(None);
        }
        match self.skip_blanks()? {
            Some(b']') => return self.expect_end().map(|()| None),
            Some(b',') if self.place == Place::Between => {
                self.window.consume(1);
                self.skip_blanks()?;
            }
            Some(_) if self.place == Place::First => {}
            Some(_) => return Err(self.broken("`,` or `]` is missing after an element")),
            None => return Err(self.broken("the array is cut off")),
        }
        self.place = Place::Between;
        self.element(into).map(Some)
    }

    fn expect_start(&mut self) -> Result<(), Fault> {
        if self.skip_blanks()? != Some(b'[') {
            return Err(self.broken("it is no array of objects: it does not begin with `[`"));
        }
        self.window.consume(1);
        self.place = Place::First;
        Ok(())
    }

    fn expect_end(&mut self) -> Result<(), Fault> {
        self.window.consume(1);
        self.place = Place::After;
        if let Some(before) = self.before.take() {
            return self.expect_rest(before);
        }
        match self.skip_blanks()? {
            None => Ok(()),
            Some(_) => Err(self.broken("something stands after the closing `]`")),
        }
    }

    /// The rest of a document must be JSON, and hold no other rows.
    fn expect_rest(&mut self, before: Before) -> Result<(), Fault> {
        self.window.fill(self.longest)?;
        let rest = self.window.view();
        let document = [before.bytes.as_slice(), b"[]", rest].concat();
        let text = before.coding.text(&document);
        if !self.window.ended() || !text.is_some_and(|text| is_json(&text)) {
            return Err(self.broken("what stands around the array of the rows is no JSON"));
        }
        match second_array(&document, before.coding) {
            None => Ok(()),
            Some(path) => Err(self.broken(&format!(
                "another array of objects, `{path}`, follows that of the rows; make JSON Lines of the one that is meant, with jq -c"
            ))),
        }
    }

    fn element(&mut self, into: &mut Vec<u8>) -> Result<Piece, Fault> {
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
                return Ok(Piece { line, too_long });
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

    /// The next byte that is not blank, not consumed.
    fn skip_blanks(&mut self) -> Result<Option<u8>, Fault> {
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

    fn broken(&self, problem: &str) -> Fault {
        Fault::Broken {
            line: self.line,
            problem: problem.to_owned(),
        }
    }
}

impl Nesting {
    /// Takes the next bytes, and gives how many of them belong to the element if it ends among them.
    pub(super) fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().enumerate().find_map(|(at, byte)| {
            let end = self.end(*byte)?;
            Some(at + usize::from(matches!(end, End::Within)))
        })
    }

    /// Takes the next byte, and tells whether the element ends with it or before it.
    fn end(&mut self, byte: u8) -> Option<End> {
        let first = !std::mem::replace(&mut self.begun, true);
        if self.in_text {
            let plain = !std::mem::take(&mut self.escaped);
            self.escaped = plain && byte == b'\\';
            self.in_text = !(plain && byte == b'"');
            return (!self.in_text && self.depth == 0).then_some(End::Within);
        }
        match byte {
            b'"' if first || self.depth > 0 => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return (self.depth == 0).then_some(End::Within);
            }
            b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                return Some(End::After);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (Vec<(u64, String)>, Option<(u64, String)>);

    fn read(text: &str) -> Found {
        let mut array = Array::new(
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
                Err(Fault::Broken { line, problem }) => return (found, Some((line, problem))),
                Err(Fault::Io(error)) => panic!("{error}"),
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
