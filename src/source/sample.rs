use std::io::Cursor;

use super::cells::Syntax;
use super::dialect::LineEnd;
use super::record_extent::RecordExtent;
use super::scan::Scanner;
use super::settings::ReadLimits;
use super::window::Window;

/// The maximum number of bytes and records that are examined.
const MAX_BYTES: usize = 256 << 10;
const MAX_RECORDS: usize = 200;

/// The first bytes of a table, from which its dialect is determined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    bytes: &'a [u8],
    /// Whether the sample is the whole table.
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

    /// Passes the first records to a function, without blank lines and, unless it is the first, a record that the sample cuts off.
    pub(super) fn records(&self, syntax: Syntax, mut see: impl FnMut(&RecordExtent, &[u8])) {
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
