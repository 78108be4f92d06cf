//! The keys of the rows, for which the remote side is searched.

use std::io;

use crate::remote::{LookupKeys, Reading, ReadingError, RemoteError};
use crate::run::intake::Taken;
use crate::run::passes::each_key;

use super::{Making, MakingError};

/// The keys of the rows.
pub(super) struct RowKeys {
    pub(super) all: LookupKeys,
    /// Those that no customer of the snapshot has, where it was loaded before.
    pub(super) unknown: Option<LookupKeys>,
    pub(super) taken: Taken,
}

impl Making<'_> {
    /// A pass over the rows for their keys. `snapshot`: what was loaded of one before.
    pub(super) fn row_keys(
        &self,
        snapshot: Option<&Reading>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<RowKeys, MakingError> {
        let mut all = LookupKeys::default();
        let mut unknown = snapshot.map(|_| LookupKeys::default());
        let taken = each_key(&self.intake(), stopped, |key| {
            all.add(&key);
            if let (Some(unknown), Some(snapshot)) = (&mut unknown, snapshot) {
                unknown
                    .add_missing(&key, snapshot)
                    .map_err(RemoteError::from)?;
            }
            Ok::<_, MakingError>(())
        })?;
        self.confirm_units(&taken)?;
        Ok(RowKeys {
            all,
            unknown,
            taken,
        })
    }

    /// The rows' keys that no customer in the reading has. More keys than are held in memory are gathered from the rows again.
    pub(super) fn unknown_keys(
        &self,
        keys: &LookupKeys,
        reading: &Reading,
        stopped: &dyn Fn() -> bool,
    ) -> Result<LookupKeys, ReadingError> {
        if !keys.is_too_many() {
            return keys.missing_in(reading);
        }
        let mut unknown = LookupKeys::default();
        let gathered = each_key(&self.intake(), stopped, |key| {
            let added = unknown.add_missing(&key, reading);
            added.map_err(|e| MakingError::Planning(e.into()))
        });
        gathered.map_err(|e| ReadingError::Storage(io::Error::other(e)))?;
        Ok(unknown)
    }
}
