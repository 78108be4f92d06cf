//! Catches panics of libraries about damaged files, which would look like bugs of this program.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Returns what `work` returns, or `None` if it panics, without any message on standard error. For a library that panics
/// about damaged pages; what it was working on must not be used afterwards.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                others(info);
            }
        }));
    });
    let before = IS_QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(before);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_later_ones_are_reported_again() {
        assert_eq!(
            catch_panic(|| -> u8 { panic!("a page is not a page") }),
            None
        );
        assert!(!IS_QUIET.get());
        assert_eq!(catch_panic(|| 7), Some(7));
    }
}
