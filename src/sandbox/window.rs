//! The rate limit, with each kind of window. Pure: the time is an argument.

use std::collections::VecDeque;

use super::quirks::Window;

const MINUTE_MS: u64 = 60_000;

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may. `remaining` is how many more may follow immediately.
    Passed { remaining: u64 },
    /// It may not before `wait_ms` have passed.
    Refused { wait_ms: u64 },
}

/// Counts the requests that passed. Refused ones do not count.
#[derive(Clone, Debug)]
pub(super) struct RateWindow {
    per_minute: u32,
    /// Milliseconds from the start of a calendar minute to time 0.
    phase_ms: u64,
    state: WindowState,
}

#[derive(Clone, Debug)]
enum WindowState {
    Fixed {
        minute: u64,
        passed: u64,
    },
    Sliding {
        passed: VecDeque<u64>,
    },
    /// `tokens` are 60,000ths of a request, so that a millisecond adds a whole number of them.
    Bucket {
        tokens: u64,
        as_of_ms: u64,
    },
}

impl RateWindow {
    /// A limit of 0 lets everything pass.
    pub(super) fn new(kind: Window, per_minute: u32, phase_ms: u64, now_ms: u64) -> Self {
        let state = match kind {
            Window::Fixed => WindowState::Fixed {
                minute: 0,
                passed: 0,
            },
            Window::Sliding => WindowState::Sliding {
                passed: VecDeque::new(),
            },
            Window::Bucket => WindowState::Bucket {
                tokens: u64::from(per_minute) * MINUTE_MS,
                as_of_ms: now_ms,
            },
        };
        Self {
            per_minute,
            phase_ms: phase_ms % MINUTE_MS,
            state,
        }
    }

    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Admits or refuses a request. `now_ms` must not decrease from call to call.
    pub(super) fn admit(&mut self, now_ms: u64) -> Admission {
        let limit = u64::from(self.per_minute);
        if limit == 0 {
            return Admission::Passed {
                remaining: u64::MAX,
            };
        }
        match &mut self.state {
            WindowState::Fixed { minute, passed } => {
                let wall = now_ms + self.phase_ms;
                if wall / MINUTE_MS != *minute {
                    (*minute, *passed) = (wall / MINUTE_MS, 0);
                }
                if *passed >= limit {
                    return Admission::Refused {
                        wait_ms: MINUTE_MS - wall % MINUTE_MS,
                    };
                }
                *passed += 1;
                Admission::Passed {
                    remaining: limit - *passed,
                }
            }
            WindowState::Sliding { passed } => {
                while passed
                    .front()
                    .is_some_and(|first| first + MINUTE_MS <= now_ms)
                {
                    passed.pop_front();
                }
                match passed.front() {
                    Some(first) if passed.len() as u64 >= limit => Admission::Refused {
                        wait_ms: first + MINUTE_MS - now_ms,
                    },
                    _ => {
                        passed.push_back(now_ms);
                        Admission::Passed {
                            remaining: limit - passed.len() as u64,
                        }
                    }
                }
            }
            WindowState::Bucket { tokens, as_of_ms } => {
                let grown = now_ms.saturating_sub(*as_of_ms).saturating_mul(limit);
                *tokens = tokens.saturating_add(grown).min(limit * MINUTE_MS);
                *as_of_ms = now_ms;
                match tokens.checked_sub(MINUTE_MS) {
                    Some(left) => {
                        *tokens = left;
                        Admission::Passed {
                            remaining: left / MINUTE_MS,
                        }
                    }
                    None => {
                        let missing = MINUTE_MS - *tokens;
                        Admission::Refused {
                            wait_ms: missing.div_ceil(limit),
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The times at which requests passed, of those that were tried.
    fn passed(kind: Window, limit: u32, phase: u64, tries: &[u64]) -> Vec<u64> {
        let mut window = RateWindow::new(kind, limit, phase, 0);
        let mut now = 0;
        let mut passed = Vec::new();
        for step in tries {
            now += step;
            match window.admit(now) {
                Admission::Passed { .. } => passed.push(now),
                Admission::Refused { wait_ms } => {
                    assert!(wait_ms > 0);
                    let mut later = window.clone();
                    assert!(matches!(
                        later.admit(now + wait_ms),
                        Admission::Passed { .. }
                    ));
                    let mut sooner = window.clone();
                    assert!(matches!(
                        sooner.admit(now + wait_ms - 1),
                        Admission::Refused { .. }
                    ));
                }
            }
        }
        passed
    }

    fn most_within(times: &[u64], ms: u64) -> u64 {
        let within = |from: u64| {
            times
                .iter()
                .filter(|at| (from..from + ms).contains(at))
                .count()
        };
        times
            .iter()
            .map(|start| within(*start) as u64)
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn a_fixed_minute_never_passes_more(
            tries in prop::collection::vec(0u64..3_000, 1..300), limit in 1u32..20, phase in 0u64..60_000,
        ) {
            let times = passed(Window::Fixed, limit, phase, &tries);
            let mut minutes = std::collections::BTreeMap::new();
            for at in times {
                *minutes.entry((at + phase) / MINUTE_MS).or_insert(0) += 1;
            }
            prop_assert!(minutes.values().all(|count| *count <= limit));
        }

        #[test]
        fn no_sixty_seconds_pass_more(
            tries in prop::collection::vec(0u64..3_000, 1..300), limit in 1u32..20,
        ) {
            let times = passed(Window::Sliding, limit, 0, &tries);
            prop_assert!(most_within(&times, MINUTE_MS) <= u64::from(limit));
        }

        #[test]
        fn a_bucket_passes_its_fill_and_what_flowed_in(
            tries in prop::collection::vec(0u64..3_000, 1..300), limit in 1u32..20, span in 1u64..200_000,
        ) {
            let times = passed(Window::Bucket, limit, 0, &tries);
            let limit = u64::from(limit);
            prop_assert!(most_within(&times, span) <= limit + limit * span / MINUTE_MS + 1);
        }
    }

    #[test]
    fn each_window_passes_exactly_its_figure_at_once() {
        for kind in [Window::Fixed, Window::Sliding, Window::Bucket] {
            assert_eq!(passed(kind, 7, 59_000, &[0; 50]).len(), 7, "{kind:?}");
        }
    }

    #[test]
    fn the_windows_differ_where_they_should() {
        // Seven at the end of a minute, and again a second later.
        let mut tries = [0; 20];
        tries[10] = 1_000;
        assert_eq!(passed(Window::Fixed, 7, 59_500, &tries).len(), 14);
        assert_eq!(passed(Window::Sliding, 7, 59_500, &tries).len(), 7);
        tries[10] = 10_000;
        assert_eq!(passed(Window::Bucket, 7, 0, &tries).len(), 8);
    }

    #[test]
    fn no_limit_passes_everything() {
        assert_eq!(passed(Window::Fixed, 0, 0, &[0; 500]).len(), 500);
    }
}
