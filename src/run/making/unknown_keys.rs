//! Keys of rows that the snapshot does not know.

use crate::remote::{LookupKeys, ReadMethod, ReadProgress};
use crate::run::intake::Taken;

use super::remote::Remote;
use super::row_keys::RowKeys;
use super::{Making, MakingError};

/// With more rows, a look-up of all of them is not weighed against the snapshot: it could only need fewer requests if the
/// snapshot knew hardly any of them.
const MAX_WEIGHED_ROWS: u64 = 5_000;

impl Making<'_> {
    /// Searches for the keys that the snapshot turned out not to know. If no customer has them, the rows were compared
    /// rightly: as new ones.
    ///
    /// # Errors
    /// `UnknownKeys` if the rows have to be compared again.
    pub(super) async fn search_unknown(
        &self,
        remote: &mut Remote,
        (unknown, taken): (LookupKeys, &Taken),
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), MakingError> {
        if unknown.is_empty() {
            return Ok(());
        }
        let opening = remote.opening.take_if(|_| taken.rows > MAX_WEIGHED_ROWS);
        let (Some(opening), Ok(api)) = (opening, self.api()) else {
            return Err(MakingError::UnknownKeys);
        };
        let keys = RowKeys {
            all: LookupKeys::too_many(),
            unknown: Some(unknown),
            taken: taken.clone(),
        };
        let is_kept = remote.is_kept;
        let snapshot = std::mem::replace(&mut remote.side.reading, self.empty_reading()?);
        let opened = Some((remote.began, opening, snapshot));
        *remote = self
            .read_by_keys(api, keys, opened, progress, stopped)
            .await?;
        let side = &remote.side;
        let is_snapshot = side.method == ReadMethod::Snapshot.name();
        if !is_snapshot || !side.absence_counts || side.has_found {
            return Err(MakingError::UnknownKeys);
        }
        remote.is_kept = is_kept;
        Ok(())
    }
}
