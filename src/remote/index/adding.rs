//! Adding customers, one by one or many at once.

use std::hash::BuildHasher as _;
use std::io;

use crate::plan::matching::CustomerPlace;

use super::place_table::PlaceTable;
use super::{CustomerIndex, Entry};

/// Customers that there is room for at least, once there is any.
const MIN_ROOM: usize = 256;

impl CustomerIndex {
    /// Adds customers, or replaces what was known of them. Returns what they replaced.
    pub(in crate::remote) fn put_all(&mut self, entries: &[Entry]) -> io::Result<Vec<Entry>> {
        let mut replaced = Vec::new();
        let mut rest = entries;
        while let Some((first, others)) = rest.split_first() {
            rest = match self.append(rest)? {
                0 => {
                    replaced.extend(self.put(*first)?);
                    others
                }
                added => rest.get(added..).unwrap_or_default(),
            };
        }
        Ok(replaced)
    }

    /// Adds the customers at the beginning whose ids go on ascending, and that are new. Returns how many there are.
    fn append(&mut self, entries: &[Entry]) -> io::Result<usize> {
        self.make_room(entries.len())?;
        let first = self.place_of_next();
        for entry in entries {
            let ascends = self.last.is_none_or(|last| last < entry.id);
            if !ascends || self.place(entry.id)?.is_some() {
                break;
            }
            self.entries.push(*entry)?;
            self.last = Some(entry.id);
        }
        let added = self.place_of_next() - first;
        let entries = entries.get(..added as usize).unwrap_or_default();
        // Table by table, since the processor then fetches slots for several customers at once.
        for (at, entry) in (first..).zip(entries) {
            self.add_user_id(at, *entry)?;
        }
        for (at, entry) in (first..).zip(entries) {
            self.add_email(at, *entry)?;
        }
        Ok(added as usize)
    }

    /// Adds a customer, or replaces what was known of it. Returns what it replaced.
    pub(in crate::remote) fn put(&mut self, entry: Entry) -> io::Result<Option<Entry>> {
        self.make_room(1)?;
        if let Some(CustomerPlace(at)) = self.place(entry.id)? {
            let earlier = self.entry(at)?;
            self.entries.set(at as usize, entry)?;
            let keys = earlier.map(|earlier| earlier.keys).unwrap_or_default();
            if keys.user_id != entry.keys.user_id {
                self.add_user_id(at, entry)?;
            }
            if keys.email != entry.keys.email {
                self.add_email(at, entry)?;
            }
            return Ok(earlier);
        }
        if self.last.is_some_and(|last| last >= entry.id) {
            self.begin_ascent()?;
        }
        self.append(&[entry])?;
        Ok(None)
    }

    fn make_room(&mut self, customers: usize) -> io::Result<()> {
        match self.has_room(customers) {
            true => Ok(()),
            false => self.reserve((self.entries.len() / 2 + MIN_ROOM).max(customers)),
        }
    }

    /// No account has more customers than this counts.
    fn place_of_next(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Puts the entries whose ids ascend into the table of ids, since the next id does not.
    fn begin_ascent(&mut self) -> io::Result<()> {
        if self.ids.is_none() {
            self.ids = Some(PlaceTable::default());
            self.reserve(self.room - self.entries.len())?;
        }
        if let Some(ids) = &mut self.ids {
            for at in self.ascending_from..self.entries.len() {
                if let (Some(entry), Ok(place)) = (self.entries.get(at)?, u32::try_from(at)) {
                    ids.insert(self.hashes.hash_one(entry.id), place)?;
                }
            }
        }
        self.ascending_from = self.entries.len();
        self.last = None;
        Ok(())
    }

    fn add_user_id(&mut self, at: u32, entry: Entry) -> io::Result<()> {
        match entry.keys.user_id {
            Some(user_id) => self.user_ids.insert(self.hash(user_id), at),
            None => Ok(()),
        }
    }

    fn add_email(&mut self, at: u32, entry: Entry) -> io::Result<()> {
        let Some(email) = entry.keys.email else {
            return Ok(());
        };
        let sharers = self.having(&self.emails, email, |keys| keys.email);
        // One that cannot be read might be another.
        let is_other =
            |sharer: io::Result<(u32, Entry)>| sharer.map_or(true, |(other, _)| other != at);
        let is_shared = { sharers }.any(is_other);
        if is_shared {
            self.shared_emails.insert(email);
        }
        self.emails.insert(self.hash(email), at)
    }
}
