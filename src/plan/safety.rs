//! Limits that refuse a plan that looks like a mistake, before anything is sent.

use super::{MissingAction, MissingFigures, PlanCounts, SafetySettings};

/// With fewer rows or customers a share means nothing (contract, `[safety]`).
const MIN_SAMPLE: u64 = 20;

/// The figures that the limits check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SafetyFigures {
    pub counts: PlanCounts,
    /// Every row of the input.
    pub all_rows: u64,
    /// Rows that could be matched: all except those rejected for their content.
    pub rows: u64,
    pub matched: u64,
    /// Matched customers that are patched or untagged.
    pub changed: u64,
    /// Matched customers that lose a value.
    pub cleared: u64,
    /// Customers of the account, if known.
    pub customers: Option<u64>,
    /// Runs that this account has finished before.
    pub finished_runs: u64,
    /// What the plan does about customers that the input no longer holds.
    pub missing: Option<MissingFigures>,
}

/// The config key of the limit on rejected rows.
pub const MAX_REJECTED_PERCENT: &str = "max_rejected_percent";

/// A limit that refuses a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The config key.
    pub limit: &'static str,
    pub message: String,
    /// The option that lifts the limit for this plan, as it is typed.
    pub option: String,
}

/// Returns the limits that refuse the plan; none if it is safe.
pub fn check(settings: &SafetySettings, figures: &SafetyFigures) -> Vec<Refusal> {
    let checks = [
        check_changes(settings, figures),
        check_clears(settings, figures),
        check_matches(settings, figures),
        check_creates(settings, figures),
        check_rejected(settings, figures),
        check_missing(settings, figures),
    ];
    checks.into_iter().flatten().collect()
}

/// Returns a share limit, or `None` if it does not apply. The default applies once the account has a finished run, since a first
/// sync changes most customers.
fn share_limit(set: Option<f64>, default: f64, figures: &SafetyFigures) -> Option<f64> {
    let limit = set.or((figures.finished_runs >= 1).then_some(default))?;
    (limit > 0.0 && figures.matched >= MIN_SAMPLE).then_some(limit)
}

/// The contract's default of `max_change_percent`.
const MAX_CHANGE_PERCENT: f64 = 50.0;
/// The contract's default of `max_clear_percent`.
const MAX_CLEAR_PERCENT: f64 = 5.0;

fn check_changes(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
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

fn check_clears(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
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

/// Catches a wrong key column before every customer is created again.
fn check_matches(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let customers = figures.customers?;
    let comparable = figures.rows >= MIN_SAMPLE
        && customers >= MIN_SAMPLE
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

fn check_creates(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let (limit, creates) = (settings.max_creates, figures.counts.create);
    (limit > 0 && creates > limit).then(|| Refusal {
        limit: "max_creates",
        message: format!("{creates} customers would be created; safety.max_creates allows {limit}"),
        option: format!("--max-creates {creates}"),
    })
}

/// Most rows are usually rejected for one reason, which is in the config or the export and not in the rows.
fn check_rejected(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let (limit, rejected) = (settings.max_rejected_percent, figures.counts.rejected);
    let share = percent(rejected, figures.all_rows);
    (limit > 0.0 && figures.all_rows >= MIN_SAMPLE && share > limit).then(|| Refusal {
        limit: MAX_REJECTED_PERCENT,
        message: format!(
            "{rejected} of {} rows are rejected ({share:.1} %); safety.max_rejected_percent allows {limit} %",
            figures.all_rows
        ),
        option: format!("--max-rejected-percent {}", share.ceil()),
    })
}

/// Refuses to do anything about missing customers where the input may hold them nevertheless, or where they are too many.
fn check_missing(settings: &SafetySettings, figures: &SafetyFigures) -> Option<Refusal> {
    let missing = figures.missing.filter(|missing| missing.customers > 0)?;
    let refusal = |why: &str, option: String| {
        let (customers, passive) = (missing.customers, missing.action.passive());
        Some(Refusal {
            limit: "max_missing_percent",
            message: format!(
                "{customers} customers that the input no longer holds would be {passive}, but {why}"
            ),
            option,
        })
    };
    let ignore = || "--missing ignore".to_owned();
    if let Some(obstacle) = missing.obstacle {
        return refusal(obstacle.reason(), ignore());
    }
    let rejected = figures.counts.rejected;
    if rejected > 0 {
        let why = format!(
            "rows that are rejected may be theirs ({rejected} of {})",
            figures.all_rows
        );
        return refusal(&why, ignore());
    }
    let limit = settings.max_missing_percent;
    let lost = missing.rows_before.saturating_sub(figures.all_rows);
    let share = percent(lost, missing.rows_before).max(percent(missing.customers, missing.tracked));
    if limit > 0.0 && share > limit {
        let why = format!(
            "the input shrank from {} to {} rows ({share:.1} % are missing); safety.max_missing_percent allows {limit} %",
            missing.rows_before, figures.all_rows
        );
        return refusal(&why, format!("--max-missing-percent {}", share.ceil()));
    }
    let allowed = settings.allow_delete == Some(missing.customers);
    if missing.action == MissingAction::Delete && !allowed {
        let why = "that takes --allow-delete with their exact number";
        return refusal(why, format!("--allow-delete {}", missing.customers));
    }
    None
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
    use crate::plan::MissingObstacle;

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
    fn share_limits_apply_from_the_second_run_on_or_if_set() {
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
        let no_match = SafetyFigures {
            matched: 0,
            counts: creates,
            ..figures()
        };
        assert_eq!(refused(&default, no_match), ["min_match_percent"]);
        assert!(
            check(&default, &no_match)[0]
                .option
                .contains("--min-match-percent 0")
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    matched: 50,
                    ..no_match
                }
            ),
            [""; 0]
        );
        assert_eq!(
            refused(
                &default,
                SafetyFigures {
                    customers: Some(49),
                    ..no_match
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
                    ..no_match
                }
            ),
            [""; 0]
        );
        let few_rows = SafetyFigures {
            rows: 20,
            matched: 9,
            customers: Some(100_000),
            ..no_match
        };
        assert_eq!(refused(&default, few_rows), ["min_match_percent"]);
    }

    #[test]
    fn a_plan_that_rejects_most_rows_is_refused() {
        let with = |rejected, all_rows| SafetyFigures {
            all_rows,
            counts: PlanCounts {
                rejected,
                ..PlanCounts::default()
            },
            ..figures()
        };
        let default = SafetySettings::default();
        assert_eq!(refused(&default, with(479, 500)), ["max_rejected_percent"]);
        assert_eq!(refused(&default, with(100, 500)), [""; 0]);
        assert_eq!(refused(&default, with(5, 20)), ["max_rejected_percent"]);
        assert_eq!(refused(&default, with(19, 19)), [""; 0]);
        let off = SafetySettings {
            max_rejected_percent: 0.0,
            ..SafetySettings::default()
        };
        assert_eq!(refused(&off, with(500, 500)), [""; 0]);
    }

    #[test]
    fn lifting_a_limit_with_its_own_option_lets_the_plan_pass() {
        let figures = SafetyFigures {
            matched: 97,
            changed: 61,
            cleared: 13,
            rows: 300,
            all_rows: 400,
            customers: Some(200),
            counts: PlanCounts {
                create: 203,
                rejected: 99,
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
                "max_rejected_percent" => lifted.max_rejected_percent = value,
                _ => lifted.max_creates = value as u64,
            }
        }
        assert_eq!(check(&lifted, &figures), []);
    }

    #[test]
    fn nothing_is_done_about_missing_customers_unless_the_input_is_whole() {
        let missing = MissingFigures {
            action: MissingAction::Tag,
            customers: 2,
            tracked: 100,
            rows_before: 100,
            obstacle: None,
        };
        let with = |missing: MissingFigures, all_rows, rejected| SafetyFigures {
            all_rows,
            missing: Some(missing),
            counts: PlanCounts {
                rejected,
                ..PlanCounts::default()
            },
            ..figures()
        };
        let default = SafetySettings::default();
        let refusals = |figures: SafetyFigures| check(&default, &figures);
        assert_eq!(refusals(with(missing, 98, 0)), []);
        assert_eq!(refusals(with(missing, 95, 0)), []);
        assert_eq!(
            refusals(with(missing, 94, 0))[0].option,
            "--max-missing-percent 6"
        );
        assert_eq!(refusals(with(missing, 98, 1))[0].option, "--missing ignore");
        let none = MissingFigures {
            customers: 0,
            ..missing
        };
        assert_eq!(refusals(with(none, 50, 1)), []);
        // Other people in as many rows.
        let many = MissingFigures {
            customers: 6,
            ..missing
        };
        assert_eq!(refusals(with(many, 100, 0)).len(), 1);
        let limited = MissingFigures {
            obstacle: Some(MissingObstacle::Limit),
            ..missing
        };
        let refused = refusals(with(limited, 98, 0));
        assert!(refused[0].message.contains("--limit"), "{refused:?}");
        let off = SafetySettings {
            max_missing_percent: 0.0,
            ..SafetySettings::default()
        };
        assert_eq!(check(&off, &with(many, 50, 0)), []);
    }

    #[test]
    fn deletes_take_their_exact_number() {
        let figures = SafetyFigures {
            all_rows: 98,
            missing: Some(MissingFigures {
                action: MissingAction::Delete,
                customers: 2,
                tracked: 100,
                rows_before: 100,
                obstacle: None,
            }),
            ..figures()
        };
        for (allow_delete, is_allowed) in [
            (None, false),
            (Some(1), false),
            (Some(3), false),
            (Some(2), true),
        ] {
            let settings = SafetySettings {
                allow_delete,
                ..SafetySettings::default()
            };
            assert_eq!(
                check(&settings, &figures).is_empty(),
                is_allowed,
                "{allow_delete:?}"
            );
        }
    }
}
