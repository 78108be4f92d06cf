//! Keeps a damaged file from being taken for a fault of this program.

use std::cell::Cell;
use std::panic::{self, UnwindSafe, catch_unwind};
use std::sync::Once;

use super::SnapshotError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does what it is given with the store, which finds many a damaged page by a panic and not by an error. Such a panic
/// becomes an error here, without a word on standard error.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, SnapshotError> + UnwindSafe,
) -> Result<T, SnapshotError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                others(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let done = catch_unwind(work);
    GUARDED.set(outer);
    done.unwrap_or(Err(SnapshotError::Damaged("its pages do not fit together")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_one_is_heard_again() {
        let damaged = guarded(|| -> Result<(), _> { panic!("a page is not a page") });
        assert!(matches!(damaged, Err(SnapshotError::Damaged(_))));
        assert!(!GUARDED.get());
        assert_eq!(guarded(|| Ok(7)).unwrap(), 7);
    }
}
