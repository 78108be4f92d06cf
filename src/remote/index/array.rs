//! Arrays that memory holds, or a file once they are too large for that.

use std::fs::File;
use std::io;

use crate::platform::{read_from, write_to};

/// A fixed number of bytes in a file.
pub(super) trait Item: Copy {
    const BYTES: usize;

    fn to_bytes(self, out: &mut Vec<u8>);

    /// `bytes`: [`Self::BYTES`] of them.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Item for u64 {
    const BYTES: usize = 8;

    fn to_bytes(self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

/// Items that wait in memory before they go to the file.
const WAITING: usize = 1 << 12;

/// Items by their index.
#[derive(Debug)]
pub(super) struct Array<T> {
    file: Option<File>,
    /// How many items the file has.
    filed: usize,
    /// Those behind them.
    items: Vec<T>,
}

impl<T> Default for Array<T> {
    fn default() -> Self {
        Self {
            file: None,
            filed: 0,
            items: Vec::new(),
        }
    }
}

/// Neighbouring items that were read from the file together.
#[derive(Debug)]
pub(super) struct Window<T> {
    first: usize,
    items: Vec<T>,
    /// How many are read at a time.
    size: usize,
}

impl<T> Window<T> {
    pub(super) fn new(size: usize) -> Self {
        Self {
            first: 0,
            items: Vec::new(),
            size,
        }
    }
}

impl<T: Item> Array<T> {
    pub(super) fn len(&self) -> usize {
        self.filed + self.items.len()
    }

    pub(super) fn is_in_file(&self) -> bool {
        self.file.is_some()
    }

    /// Makes room in memory for as many items in all, unless they are in a file.
    pub(super) fn reserve(&mut self, items: usize) {
        if self.file.is_none() {
            self.items
                .reserve_exact(items.saturating_sub(self.items.len()));
        }
    }

    /// Moves the items to a file, which is empty, and all that are added from now on.
    pub(super) fn move_to(&mut self, file: File) -> io::Result<()> {
        self.file = Some(file);
        self.flush()?;
        self.items = Vec::with_capacity(WAITING);
        Ok(())
    }

    pub(super) fn push(&mut self, item: T) -> io::Result<()> {
        self.items.push(item);
        match self.file.is_some() && self.items.len() >= WAITING {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        for items in self.items.chunks(WAITING) {
            let mut bytes = Vec::with_capacity(items.len() * T::BYTES);
            items.iter().for_each(|item| item.to_bytes(&mut bytes));
            write_to(file, offset::<T>(self.filed), &bytes)?;
            self.filed += items.len();
        }
        self.items.clear();
        Ok(())
    }

    pub(super) fn get(&self, at: usize) -> io::Result<Option<T>> {
        self.near(at, &mut Window::new(1))
    }

    /// The same where the next items are likely to be wanted, too.
    #[inline]
    pub(super) fn near(&self, at: usize, window: &mut Window<T>) -> io::Result<Option<T>> {
        match at.checked_sub(self.filed) {
            Some(at) => Ok(self.items.get(at).copied()),
            None => self.filed(at, window),
        }
    }

    fn filed(&self, at: usize, window: &mut Window<T>) -> io::Result<Option<T>> {
        let is_before = at < window.first;
        if is_before || at - window.first >= window.items.len() {
            self.fill(at, window)?;
        }
        Ok(window.items.get(at - window.first).copied())
    }

    fn fill(&self, at: usize, window: &mut Window<T>) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let count = window.size.min(self.filed - at);
        let mut bytes = vec![0; count * T::BYTES];
        if read_from(file, offset::<T>(at), &mut bytes)? < bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        window.first = at;
        window.items.clear();
        let items = bytes.chunks_exact(T::BYTES);
        window.items.extend(items.filter_map(T::from_bytes));
        Ok(())
    }

    pub(super) fn set(&mut self, at: usize, item: T) -> io::Result<()> {
        if at >= self.filed {
            if let Some(slot) = self.items.get_mut(at - self.filed) {
                *slot = item;
            }
            return Ok(());
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut bytes = Vec::with_capacity(T::BYTES);
        item.to_bytes(&mut bytes);
        write_to(file, offset::<T>(at), &bytes)
    }

    /// All items in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<T>> {
        let mut window = Window::new(WAITING);
        (0..self.len()).map_while(move |at| self.near(at, &mut window).transpose())
    }
}

impl Array<u64> {
    /// As many zeros, in memory or in an empty file.
    pub(super) fn zeros(count: usize, file: Option<File>) -> io::Result<Self> {
        if let Some(file) = &file {
            file.set_len(offset::<u64>(count))?;
        }
        Ok(match file.is_some() {
            true => Self {
                file,
                filed: count,
                items: Vec::new(),
            },
            false => Self {
                items: vec![0; count],
                ..Self::default()
            },
        })
    }
}

fn offset<T: Item>(at: usize) -> u64 {
    at as u64 * T::BYTES as u64
}
