//! Turns panics of the database into errors.

use crate::platform::catch_panic;

use super::SnapshotError;

/// Runs `work`, in which redb may panic at a damaged page, and returns an error if it does.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, SnapshotError>,
) -> Result<T, SnapshotError> {
    let damaged = SnapshotError::Damaged("its pages are inconsistent");
    catch_panic(work).unwrap_or(Err(damaged))
}
