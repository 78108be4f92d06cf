use std::io::Cursor;

use super::cells::Syntax;
use super::dialect::LineEnd;
use super::extent::Extent;
use super::scan::Scanner;
use super::settings::ReadLimits;
use super::window::Window;

/// Bytes and records that are looked at.
const MAX_BYTES: usize = 256 << 10;
const MAX_RECORDS: usize = 200;

/// The first bytes of a table, from which its dialect is found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    bytes: &'a [u8],
    /// Whether nothing follows.
    is_whole: bool,
    line_end: LineEnd,
}

impl<'a> Sample<'a> {
    pub(super) fn new(bytes: &'a [u8], is_whole: bool, line_end: LineEnd) -> Self {
        let part = bytes.get(..MAX_BYTES).unwrap_or(bytes);
        Self {
            bytes: part,
            is_whole: is_whole && part.len() == bytes.len(),
            line_end,
        }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Shows the first records that are not blank lines. One that the sample cuts off is left out, unless it is the first.
    pub(super) fn records(&self, syntax: Syntax, mut see: impl FnMut(&Extent, &[u8])) {
        let mut window = Window::new(Box::new(Cursor::new(self.bytes.to_vec())));
        let mut scanner = Scanner::new(syntax, self.line_end, ReadLimits::default());
        let mut seen = 0;
        while let Ok(Some(extent)) = scanner.next(&mut window) {
            let is_cut = !self.is_whole && extent.skip == window.view().len();
            let record = window.view().get(..extent.len).unwrap_or_default();
            if !record.trim_ascii().is_empty() && (!is_cut || seen == 0) {
                see(&extent, record);
                seen += 1;
            }
            window.consume(extent.skip);
            if seen == MAX_RECORDS {
                break;
            }
        }
    }
}
