use std::path::Path;

use redb::{ReadableTable, ReadableTableMetadata, Table};

use super::store::{
    ABOUT, CUSTOMERS, RUNS, StoreError, WRITTEN_VERSION, WrittenError, after_set_aside,
    inconsistent, open_to_write, salt_of,
};
use crate::domain::{CustomerId, RunId};
use crate::plan::{LastWritten, Operation, Salt};
use crate::platform::catch_panic;

/// Merges the writes of one run, in a transaction.
pub struct WrittenUpdate<'a> {
    customers: Table<'a, u64, &'static [u8]>,
    salt: Salt,
    /// Up to which byte of its journal the run was merged in before.
    pub since: u64,
    path: &'a Path,
}

impl std::fmt::Debug for WrittenUpdate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenUpdate")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

impl WrittenUpdate<'_> {
    /// Records operations that took effect.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn learn(
        &mut self,
        customer: CustomerId,
        operations: &[Operation],
    ) -> Result<(), WrittenError> {
        self.merge(customer, operations)
            .map_err(|e| after_set_aside(e.at(self.path)))
    }

    fn merge(&mut self, customer: CustomerId, operations: &[Operation]) -> Result<(), StoreError> {
        let stored = self.customers.get(customer.0)?;
        let bytes = stored.as_ref().map_or(&[][..], |stored| stored.value());
        let before = LastWritten::from_bytes(self.salt, customer, bytes);
        drop(stored);
        let mut written = before.clone();
        operations.iter().for_each(|done| written.record(done));
        if written == before {
            return Ok(());
        }
        if written.is_empty() {
            self.customers.remove(customer.0)?;
        } else {
            self.customers
                .insert(customer.0, written.to_bytes().as_slice())?;
        }
        Ok(())
    }
}

/// Merges runs in one transaction: `work` passes each of them to [`WrittenUpdates::run`].
///
/// # Errors
/// Those of `work`, and if the file cannot be written. A damaged file was set aside, so that the next call creates a new
/// one.
pub fn update_written<E: From<WrittenError>>(
    path: &Path,
    salt: Salt,
    work: impl FnOnce(&WrittenUpdates<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let updated = catch_panic(|| update(path, salt, work));
    updated.unwrap_or_else(|| Err(after_set_aside(inconsistent(path)).into()))
}

/// A transaction that merges runs.
pub struct WrittenUpdates<'a> {
    transaction: redb::WriteTransaction,
    salt: Salt,
    path: &'a Path,
}

impl std::fmt::Debug for WrittenUpdates<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenUpdates").finish_non_exhaustive()
    }
}

fn update<E: From<WrittenError>>(
    path: &Path,
    salt: Salt,
    work: impl FnOnce(&WrittenUpdates<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |e: StoreError| E::from(after_set_aside(e.at(path)));
    let database = open_to_write(path).map_err(|e| E::from(after_set_aside(e)))?;
    let transaction = database.begin_write().map_err(|e| failed(e.into()))?;
    let salt = begin(&transaction, salt).map_err(failed)?;
    let updates = WrittenUpdates {
        transaction,
        salt,
        path,
    };
    work(&updates)?;
    let committed = updates.transaction.commit();
    committed.map_err(|e| failed(e.into()))
}

impl WrittenUpdates<'_> {
    /// Merges a run: `work` records what it wrote, and returns up to which byte of its journal. A run that is `over` is
    /// not merged again.
    ///
    /// # Errors
    /// Those of `work`, and if the file cannot be written.
    pub fn run<E: From<WrittenError>>(
        &self,
        run: &RunId,
        over: bool,
        work: impl FnOnce(&mut WrittenUpdate<'_>) -> Result<u64, E>,
    ) -> Result<(), E> {
        let failed = |e: StoreError| E::from(after_set_aside(e.at(self.path)));
        let since = position(&self.transaction, run).map_err(failed)?;
        let customers = self.transaction.open_table(CUSTOMERS);
        let mut update = WrittenUpdate {
            customers: customers.map_err(|e| failed(e.into()))?,
            salt: self.salt,
            since,
            path: self.path,
        };
        let until = work(&mut update)?;
        drop(update);
        keep_position(&self.transaction, run, (!over).then_some(until)).map_err(failed)
    }
}

fn begin(transaction: &redb::WriteTransaction, salt: Salt) -> Result<Salt, StoreError> {
    let mut about = transaction.open_table(ABOUT)?;
    if about.is_empty()? {
        about.insert("version", WRITTEN_VERSION.to_le_bytes().as_slice())?;
        about.insert("salt", salt.as_slice())?;
    }
    salt_of(&about)
}

fn position(transaction: &redb::WriteTransaction, run: &RunId) -> Result<u64, StoreError> {
    let runs = transaction.open_table(RUNS)?;
    let position = runs.get(run.as_str())?;
    Ok(position.map_or(0, |position| position.value()))
}

fn keep_position(
    transaction: &redb::WriteTransaction,
    run: &RunId,
    position: Option<u64>,
) -> Result<(), StoreError> {
    let mut runs = transaction.open_table(RUNS)?;
    match position {
        Some(position) => runs.insert(run.as_str(), position)?,
        None => runs.remove(run.as_str())?,
    };
    Ok(())
}
