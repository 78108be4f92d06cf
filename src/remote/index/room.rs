//! Room for customers: in memory, or in files where the limit allows no more of it.

use std::io;

use super::super::memory_limit::MemoryLimit;
use super::place_table::PlaceTable;
use super::{CustomerIndex, Entry};

/// A claim of `plan::matching::Claims`, which is held for each customer beside the index.
const CLAIM: usize = 4;

/// Room for an e-mail address that several customers share.
const SHARED_EMAIL: usize = 32;

impl CustomerIndex {
    /// Makes room for as many more customers. What would take more memory than the limit allows goes to files.
    pub(in crate::remote) fn reserve(&mut self, customers: usize) -> io::Result<()> {
        if let Some(limit) = self.limit.clone() {
            while self.bytes_with(customers) > limit.for_customers() && self.move_next(&limit)? {}
        }
        self.room = self.entries.len() + customers;
        self.entries.reserve(self.room);
        let limit = self.limit.as_ref();
        let file = || limit.map_or_else(tempfile::tempfile, MemoryLimit::new_file);
        for table in [&mut self.user_ids, &mut self.emails] {
            table.reserve(table.len() + customers, file)?;
        }
        // It may be about to be filled with the customers that are there already.
        match &mut self.ids {
            Some(ids) => ids.reserve(self.room, file),
            None => Ok(()),
        }
    }

    /// Bytes of memory that are needed with as many more customers, while what there is grows to them.
    pub(super) fn bytes_with(&self, customers: usize) -> usize {
        let all = self.entries.len() + customers;
        let entries = match self.entries.is_in_file() {
            true => 0,
            false => (self.entries.len() + all) * size_of::<Entry>(),
        };
        let ids = self.ids.as_ref().map(|ids| (ids, all));
        let keys = [&self.user_ids, &self.emails].map(|table| (table, table.len() + customers));
        let tables = keys
            .into_iter()
            .chain(ids)
            .map(|(table, places)| match table.is_in_file() {
                true => 0,
                false => table.bytes() + PlaceTable::bytes_for(places),
            });
        let others = all * CLAIM + self.shared_emails.capacity() * SHARED_EMAIL;
        entries + tables.sum::<usize>() + others
    }

    /// Moves the largest part that is in memory to a file. Returns whether there was one.
    fn move_next(&mut self, limit: &MemoryLimit) -> io::Result<bool> {
        if !self.entries.is_in_file() {
            self.entries.move_to(limit.new_file()?)?;
            return Ok(true);
        }
        let tables = [&mut self.emails, &mut self.user_ids].into_iter();
        let mut tables = tables.chain(&mut self.ids);
        let Some(table) = tables.find(|table| !table.is_in_file()) else {
            return Ok(false);
        };
        table.move_to(limit.new_file()?)?;
        Ok(true)
    }

    /// Whether as many more customers fit in.
    pub(super) fn has_room(&self, customers: usize) -> bool {
        let tables = [&self.user_ids, &self.emails];
        self.entries.len() + customers <= self.room
            && tables.into_iter().all(|table| table.has_room(customers))
    }
}
