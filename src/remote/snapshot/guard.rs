use crate::platform::catch_panic;

use super::SnapshotError;

/// Works with the store, which finds many a damaged page with a panic and not with an error: that becomes an error here.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, SnapshotError>,
) -> Result<T, SnapshotError> {
    let damaged = SnapshotError::Damaged("its pages do not fit together");
    catch_panic(work).unwrap_or(Err(damaged))
}
