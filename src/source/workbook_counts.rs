//! Counts the contents of a part of a workbook.

use std::io::{self, BufRead, Read};

use quick_xml::events::{BytesStart, Event};

/// The sums over the events of a part.
#[derive(Default)]
pub(super) struct Counts {
    /// Offset of the end of the last event.
    pub(super) at: u64,
    /// Bytes of text since the start of the last cell or shared string.
    pub(super) text: u64,
    /// The element that the library reads to its end, whatever is inside.
    within: Option<String>,
    pub(super) strings: u64,
    pub(super) string_bytes: u64,
    /// Tags of rows, and tags of rows and cells: two for an element that is not empty.
    pub(super) row_tags: u64,
    pub(super) tags: u64,
    pub(super) markup: u64,
}

impl Counts {
    pub(super) fn see(&mut self, event: &Event<'_>, at: u64) {
        let bytes = at - self.at;
        self.at = at;
        match event {
            Event::Start(tag) => {
                self.tag(tag.local_name().into_inner(), bytes);
                self.begin(tag);
            }
            Event::Empty(tag) => {
                self.tag(tag.local_name().into_inner(), bytes);
                self.count_announced(tag);
            }
            Event::End(tag) => {
                let name = tag.name().into_inner();
                self.tag(tag.local_name().into_inner(), bytes);
                if self.within.as_deref() == Some(name) {
                    self.within = None;
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => self.text += bytes,
            _ => self.markup += bytes,
        }
        if self.strings > 0 {
            self.string_bytes += bytes;
        }
    }

    fn tag(&mut self, name: &str, bytes: u64) {
        let is_of_cells = matches!(name, "row" | "c" | "v" | "f" | "is" | "si" | "t");
        self.markup += if is_of_cells { 0 } else { bytes };
        self.tags += u64::from(is_of_cells);
        self.row_tags += u64::from(name == "row");
    }

    fn begin(&mut self, tag: &BytesStart<'_>) {
        if self.within.is_some() {
            return;
        }
        match tag.local_name().into_inner() {
            "c" => self.text = 0,
            "si" => {
                self.text = 0;
                self.strings += 1;
                self.within = Some(tag.name().into_inner().to_owned());
            }
            "is" | "v" | "f" => self.within = Some(tag.name().into_inner().to_owned()),
            _ => self.count_announced(tag),
        }
    }

    /// Counts announced strings too, because the library allocates memory for them.
    fn count_announced(&mut self, tag: &BytesStart<'_>) {
        if tag.local_name().into_inner() == "sst"
            && let Ok(Some(count)) = tag.try_get_attribute("uniqueCount")
        {
            let announced = count.value.trim().parse();
            // The library ignores values that are not numbers.
            self.strings = self.strings.max(announced.unwrap_or(0));
        }
    }
}

/// Limits the bytes of one event to `max_token`, because the parser keeps an event in memory.
pub(super) struct Metered<R> {
    pub(super) inner: R,
    pub(super) token: u64,
    pub(super) max_token: u64,
}

impl<R> Metered<R> {
    pub(super) fn is_spent(&self) -> bool {
        self.token > self.max_token
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.token += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_spent() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.token += count as u64;
        self.inner.consume(count);
    }
}
