use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

/// More would wait for the one thread that reads or writes for them.
const MAX_WORKERS: usize = 8;

/// The number of threads that share splittable work.
#[must_use]
pub fn worker_threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    processors.min(MAX_WORKERS)
}

/// Takes items from `next` until it returns `None`, maps them on several threads, and passes the results to `consume` in the
/// order of the items. `next` and `consume` run on the calling thread; as many items are in memory as there are threads.
///
/// # Errors
/// The first error of `next` or `consume`. Nothing more is taken then.
pub fn map_in_order<I: Send, O: Send, E>(
    mut next: impl FnMut() -> Result<Option<I>, E>,
    map: impl Fn(I) -> O + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let map = &map;
    thread::scope(|scope| {
        let start = |_| {
            let (items, received) = sync_channel::<I>(1);
            let (sender, results) = sync_channel(1);
            let worker = scope.spawn(move || {
                for item in received {
                    if sender.send(map(item)).is_err() {
                        return;
                    }
                }
            });
            (items, results, worker)
        };
        let mut idle: VecDeque<_> = (0..worker_threads()).map(start).collect();
        // The results are taken from the workers in the order in which these were given their items.
        let mut busy = VecDeque::new();
        loop {
            let item = next()?;
            let is_last = item.is_none();
            if let (Some(item), Some(worker)) = (item, idle.pop_front()) {
                // A worker that panicked is noticed where its result is taken.
                drop(worker.0.send(item));
                busy.push_back(worker);
            }
            while (is_last || idle.is_empty())
                && let Some((items, results, worker)) = busy.pop_front()
            {
                let Ok(result) = results.recv() else {
                    let Err(panic) = worker.join() else { continue };
                    resume_unwind(panic)
                };
                consume(result)?;
                idle.push_back((items, results, worker));
            }
            if is_last {
                return Ok(());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(last: u64, fails_at: u64) -> (Result<(), u64>, Vec<u64>) {
        let (mut items, mut seen) = (0..last, Vec::new());
        let next = || Ok(items.next());
        let ended = map_in_order(
            next,
            |n| n * n,
            |square| {
                seen.push(square);
                match square == fails_at * fails_at && fails_at > 0 {
                    true => Err(square),
                    false => Ok(()),
                }
            },
        );
        (ended, seen)
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for last in [0, 1, 2, 1_000] {
            let (ended, seen) = squares(last, 0);
            assert_eq!(ended, Ok(()));
            assert_eq!(seen, (0..last).map(|n| n * n).collect::<Vec<_>>());
        }
        let (ended, seen) = squares(1_000, 20);
        assert_eq!((ended, seen.len()), (Err(400), 21));
    }

    #[test]
    #[should_panic(expected = "item 7")]
    fn a_panic_of_a_worker_reaches_the_caller() {
        let mut items = 0..100;
        let map = |n: i32| assert_ne!(n, 7, "item 7");
        let _ = map_in_order::<_, _, ()>(|| Ok(items.next()), map, |()| Ok(()));
    }
}
