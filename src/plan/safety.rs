//! Limits that refuse a plan that looks like a mistake, before anything is sent.

use super::{PlanCounts, SafetySettings};

/// Below this many rows or customers a share says nothing (contract, `[safety]`).
const ENOUGH: u64 = 20;

/// The figures that the limits look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SafetyFigures {
    pub counts: PlanCounts,
    /// Rows that could be matched: all but those that are rejected for what they hold.
    pub rows: u64,
    pub matched: u64,
    /// Matched customers that are patched or untagged.
    pub changed: u64,
    /// Matched customers that lose a value that they have.
    pub cleared: u64,
    /// Customers of the account, where that is known.
    pub customers: Option<u64>,
    /// Runs that this account has finished before.
    pub finished_runs: u64,
}

/// A limit that refuses a plan, with the figures and the option that lifts it for this plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The config key.
    pub limit: &'static str,
    pub message: String,
    /// The option as it is typed.
    pub option: String,
}

/// The limits that refuse the plan; none where it is safe.
#[must_use]
pub fn check(settings: &SafetySettings, figures: &SafetyFigures) -> Vec<Refusal> {
    let checks = [
        changes(settings, figures),
        clears(settings, figures),
        matches(settings, figures),
        creates(settings, figures),
    ];
    checks.into_iter().flatten().collect()
}

/// As defaults the shares guard from an account's second finished run on: a first sync changes most.
fn share_limit(set: Option<f64>, default: f64, figures: &SafetyFigures) -> Option<f64> {
    let limit = set.or((figures.finished_runs >= 1).then_some(default))?;
    (limit > 0.0 && figures.matched >= ENOUGH).then_some(limit)
}

/// The contract's default of `max_change_percent`.
const MAX_CHANGE_PERCENT: f64 = 50.0;
/// The contract's default of `max_clear_percent`.
const MAX_CLEAR_PERCENT: f64 = 5.0;

fn changes(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let limit = share_limit(settings.max_change_percent, MAX_CHANGE_PERCENT, figures)?;
    let share = percent(figures.changed, figures.matched);
    (share > limit).then(|| Refusal {
        limit: "max_change_percent",
        message: format!(
            "{} of {} matched customers would be changed ({share:.1} %); safety.max_change_percent allows {limit} %",
            figures.changed, figures.matched
        ),
        option: format!("--max-change-percent {}", share.ceil()),
    })
}

fn clears(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let limit = share_limit(settings.max_clear_percent, MAX_CLEAR_PERCENT, figures)?;
    let share = percent(figures.cleared, figures.matched);
    (share > limit).then(|| Refusal {
        limit: "max_clear_percent",
        message: format!(
            "{} of {} matched customers would lose a value that they have ({share:.1} %); safety.max_clear_percent allows {limit} %",
            figures.cleared, figures.matched
        ),
        option: format!("--max-clear-percent {}", share.ceil()),
    })
}

/// Catches a wrong key column before it creates everybody again.
fn matches(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let customers = figures.customers?;
    let comparable = figures.rows >= ENOUGH
        && customers >= ENOUGH
        && customers.saturating_mul(2) >= figures.rows;
    if settings.min_match_percent <= 0.0 || !comparable || figures.counts.create == 0 {
        return None;
    }
    let share = percent(figures.matched, figures.rows.min(customers));
    (share < settings.min_match_percent).then(|| Refusal {
        limit: "min_match_percent",
        message: format!(
            "only {} of {} rows match one of the account's {customers} customers ({share:.1} %), and {} would be created; \
             safety.min_match_percent asks for {} %. Is the key column the right one?",
            figures.matched, figures.rows, figures.counts.create, settings.min_match_percent
        ),
        option: format!("--min-match-percent {}", share.floor()),
    })
}

fn creates(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let (limit, creates) = (settings.max_creates, figures.counts.create);
    (limit > 0 && creates > limit).then(|| Refusal {
        limit: "max_creates",
        message: format!("{creates} customers would be created; safety.max_creates allows {limit}"),
        option: format!("--max-creates {creates}"),
    })
}

#[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> SafetyFigures {
        SafetyFigures {
            rows: 100,
            matched: 100,
            customers: Some(100),
            finished_runs: 1,
            ..SafetyFigures::default()
        }
    }

    fn refused(settings: &SafetySettings, figures: SafetyFigures) -> Vec<&'static str> {
        check(settings, &figures)
            .into_iter()
            .map(|r| r.limit)
            .collect()
    }

    #[test]
    fn shares_guard_from_the_second_run_on_or_where_they_are_set() {
        let default = SafetySettings::default();
        let many = SafetyFigures {
            changed: 51,
            cleared: 6,
            ..figures()
        };
        assert_eq!(
            refused(&default, many),
            ["max_change_percent", "max_clear_percent"]
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    changed: 50,
                    cleared: 5,
                    ..figures()
                }
            ),
            [""; 0]
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    finished_runs: 0,
                    ..many
                }
            ),
            [""; 0]
        );
        let set = SafetySettings {
            max_change_percent: Some(50.0),
            ..SafetySettings::default()
        };
        assert_eq!(
            refused(
                &set,
                SafetyFigures {
                    finished_runs: 0,
                    ..many
                }
            ),
            ["max_change_percent"]
        );
        assert_eq!(
            refused(
                &set,
                SafetyFigures {
                    matched: 19,
                    changed: 19,
                    ..figures()
                }
            ),
            [""; 0]
        );
        let off = SafetySettings {
            max_change_percent: Some(0.0),
            max_clear_percent: Some(0.0),
            ..SafetySettings::default()
        };
        assert_eq!(refused(&off, many), [""; 0]);
    }

    #[test]
    fn a_wrong_key_column_is_caught() {
        let default = SafetySettings::default();
        let creates = PlanCounts {
            create: 100,
            ..PlanCounts::default()
        };
        let nobody = SafetyFigures {
            matched: 0,
            counts: creates,
            ..figures()
        };
        assert_eq!(refused(&default, nobody), ["min_match_percent"]);
        assert!(
            check(&default, &nobody)[0]
                .option
                .contains("--min-match-percent 0")
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    matched: 50,
                    ..nobody
                }
            ),
            [""; 0]
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    customers: Some(49),
                    ..nobody
                }
            ),
            [""; 0]
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    customers: Some(19),
                    rows: 20,
                    ..nobody
                }
            ),
            [""; 0]
        );
        let few_rows = SafetyFigures {
            rows: 20,
            matched: 9,
            customers: Some(100_000),
            ..nobody
        };
        assert_eq!(refused(&default, few_rows), ["min_match_percent"]);
    }

    #[test]
    fn lifting_a_limit_with_its_own_option_lets_the_plan_pass() {
        let figures = SafetyFigures {
            matched: 97,
            changed: 61,
            cleared: 13,
            rows: 300,
            customers: Some(200),
            counts: PlanCounts {
                create: 203,
                ..PlanCounts::default()
            },
            ..figures()
        };
        let strict = SafetySettings {
            max_creates: 5,
            ..SafetySettings::default()
        };
        let mut lifted = strict.clone();
        for refusal in check(&strict, &figures) {
            let value: f64 = refusal.option.split(' ').nth(1).unwrap().parse().unwrap();
            match refusal.limit {
                "max_change_percent" => lifted.max_change_percent = Some(value),
                "max_clear_percent" => lifted.max_clear_percent = Some(value),
                "min_match_percent" => lifted.min_match_percent = value,
                _ => lifted.max_creates = value as u64,
            }
        }
        assert_eq!(check(&lifted, &figures), []);
    }
}
