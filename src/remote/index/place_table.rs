//! A hash table of places in an array, which needs not look at the array to grow and can itself be in a file.

use std::fs::File;
use std::io;

use super::array::{Array, Window};

/// Open addressing. A slot is 0 if it is free; else its upper half is half of the hash, and its lower one the place, from 1.
#[derive(Debug, Default)]
pub(super) struct PlaceTable {
    slots: Array<u64>,
    used: usize,
}

/// Slots that are read from a file at once: a search rarely has to look at more.
const NEAR: usize = 16;

impl PlaceTable {
    /// Bytes that a table for as many places takes.
    pub(super) fn bytes_for(places: usize) -> usize {
        slots_for(places) * size_of::<u64>()
    }

    pub(super) fn bytes(&self) -> usize {
        match self.is_in_file() {
            true => 0,
            false => self.slots.len() * size_of::<u64>(),
        }
    }

    /// Number of places.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Whether as many more places fit in.
    pub(super) fn has_room(&self, places: usize) -> bool {
        slots_for(self.used + places) <= self.slots.len()
    }

    pub(super) fn is_in_file(&self) -> bool {
        self.slots.is_in_file()
    }

    pub(super) fn move_to(&mut self, file: File) -> io::Result<()> {
        self.slots.move_to(file)
    }

    /// Makes room for as many places in all. `file`: where the table goes if it is in a file.
    pub(super) fn reserve(
        &mut self,
        places: usize,
        file: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<()> {
        let wanted = slots_for(places);
        if wanted <= self.slots.len() {
            return Ok(());
        }
        let file = self.is_in_file().then(file).transpose()?;
        let before = std::mem::replace(&mut self.slots, Array::zeros(wanted, file)?);
        for slot in before.iter() {
            match slot? {
                0 => {}
                slot => self.put(slot)?,
            }
        }
        Ok(())
    }

    /// Adds a place, for which there is room.
    pub(super) fn insert(&mut self, hash: u64, place: u32) -> io::Result<()> {
        if !self.has_room(1) {
            return Err(io::Error::other("a table has no room"));
        }
        self.used += 1;
        self.put(half(hash) | (u64::from(place) + 1))
    }

    fn put(&mut self, slot: u64) -> io::Result<()> {
        let mut window = Window::new(NEAR);
        let mut at = self.first(slot);
        while self
            .slots
            .near(at, &mut window)?
            .is_some_and(|slot| slot != 0)
        {
            at = self.next(at);
        }
        self.slots.set(at, slot)
    }

    /// The places that were added under a hash, and hardly ever one of another hash.
    pub(super) fn places(&self, hash: u64) -> impl Iterator<Item = io::Result<u32>> {
        let mut window = Window::new(NEAR);
        let mut at = self.first(half(hash));
        std::iter::from_fn(move || {
            loop {
                let slot = match self.slots.near(at, &mut window) {
                    Ok(Some(0) | None) => return None,
                    Ok(Some(slot)) => slot,
                    Err(error) => return Some(Err(error)),
                };
                at = self.next(at);
                if half(slot) == half(hash) {
                    return Some(Ok(place_of(slot)));
                }
            }
        })
    }

    /// The place that was added under a hash; `None` also if there are several.
    pub(super) fn only(&self, hash: u64) -> Option<u32> {
        let mut places = self.places(hash);
        let first = places.next()?.ok();
        first.filter(|_| places.next().is_none())
    }

    /// Where the search for a slot begins. Slots ascend with their hashes, so that growing reads and writes in one direction.
    fn first(&self, slot: u64) -> usize {
        let at = (u128::from(half(slot)) * self.slots.len() as u128) >> u64::BITS;
        usize::try_from(at).unwrap_or(usize::MAX)
    }

    fn next(&self, at: usize) -> usize {
        match at + 1 < self.slots.len() {
            true => at + 1,
            false => 0,
        }
    }
}

/// Three of four slots are used at most.
fn slots_for(places: usize) -> usize {
    places + places / 3 + 1
}

fn half(hash: u64) -> u64 {
    hash & !u64::from(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "it is the lower half")]
fn place_of(slot: u64) -> u32 {
    (slot as u32).wrapping_sub(1)
}
