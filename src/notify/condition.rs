use std::fmt;
use std::time::Duration;

use super::RunFacts;

/// When somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The run did not finish, or rows failed.
    Failed,
    /// A safety limit refused the plan.
    Refused,
    /// The outcome of rows is unknown.
    InDoubt,
    /// This run succeeded, and the account's run before it did not.
    Recovered,
    Always,
    /// More rows than this were rejected.
    Rejected {
        more_than: u64,
    },
    /// Neither this run nor one before it succeeded for this long.
    NoSuccess {
        since: Duration,
    },
}

const NO_SUCCESS: &str = "no success since";

impl Condition {
    /// Reads a condition; `duration` reads a length of time. The error says what would be right.
    ///
    /// # Errors
    /// The text is no condition.
    pub fn parse(
        text: &str,
        duration: impl Fn(&str) -> Option<Duration>,
    ) -> Result<Self, &'static str> {
        let text = text.trim();
        let unknown = "must be failed, refused, in_doubt, recovered, always, \"rejected > 100\" or \"no success since 26h\"";
        if let Some(length) = text.strip_prefix(NO_SUCCESS) {
            let since = duration(length).filter(|since| !since.is_zero());
            let since =
                since.ok_or("must name a length of time, as in \"no success since 26h\"")?;
            return Ok(Self::NoSuccess { since });
        }
        if let Some((name, count)) = text.split_once('>') {
            let more_than = count.trim().parse().ok();
            let more_than = more_than.filter(|_| name.trim() == "rejected");
            return Ok(Self::Rejected {
                more_than: more_than.ok_or("must be a number of rows, as in \"rejected > 100\"")?,
            });
        }
        match text {
            "failed" => Ok(Self::Failed),
            "refused" => Ok(Self::Refused),
            "in_doubt" => Ok(Self::InDoubt),
            "recovered" => Ok(Self::Recovered),
            "always" => Ok(Self::Always),
            _ => Err(unknown),
        }
    }

    /// Whether somebody is to be called about this run.
    #[must_use]
    pub fn holds(self, run: &RunFacts<'_>) -> bool {
        let results = &run.summary.results;
        match self {
            Self::Failed => run.has_failed(),
            Self::Refused => run.summary.exit_code == 4,
            Self::InDoubt => results.in_doubt > 0,
            Self::Recovered => run.is_success() && run.past.has_failed_before,
            Self::Always => true,
            Self::Rejected { more_than } => results.rejected > more_than,
            Self::NoSuccess { since } => !run.is_success() && run.is_without_success_for(since),
        }
    }
}

/// As it is written in a config.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("failed"),
            Self::Refused => f.write_str("refused"),
            Self::InDoubt => f.write_str("in_doubt"),
            Self::Recovered => f.write_str("recovered"),
            Self::Always => f.write_str("always"),
            Self::Rejected { more_than } => write!(f, "rejected > {more_than}"),
            Self::NoSuccess { since } => {
                let span = jiff::SignedDuration::try_from(*since).unwrap_or_default();
                write!(f, "{NO_SUCCESS} {span:#}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PastRuns;
    use super::*;
    use crate::report::{ResultCounts, Stop, Summary};

    fn hours(text: &str) -> Option<Duration> {
        let hours: u64 = text.trim().strip_suffix('h')?.parse().ok()?;
        Some(Duration::from_secs(hours * 3600))
    }

    fn parse(text: &str) -> Result<Condition, &'static str> {
        Condition::parse(text, hours)
    }

    #[test]
    fn conditions_read_as_they_show() {
        for text in [
            "failed",
            "refused",
            "in_doubt",
            "recovered",
            "always",
            "rejected > 100",
            "no success since 26h",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            parse("rejected>5"),
            Ok(Condition::Rejected { more_than: 5 })
        );
        for wrong in [
            "",
            "Failed",
            "rejected",
            "rejected > x",
            "updated > 5",
            "rejected > -1",
            "no success since",
            "no success since 0h",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    fn summary(exit_code: u8, results: ResultCounts) -> Summary {
        Summary {
            exit_code,
            results,
            finished_at: "2026-11-20T12:00:00Z".into(),
            ..Summary::default()
        }
    }

    fn holding(summary: &Summary, past: &PastRuns) -> String {
        let facts = RunFacts {
            summary,
            past,
            account: None,
            config: None,
            host: "h",
        };
        let all = [
            "failed",
            "refused",
            "in_doubt",
            "recovered",
            "rejected > 2",
            "no success since 26h",
        ];
        let holds = all.iter().filter(|text| parse(text).unwrap().holds(&facts));
        holds.copied().collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_end_of_a_run_calls_by_its_own_conditions() {
        let recent = PastRuns {
            has_failed_before: true,
            last_success: Some("2026-11-20T02:00:00Z".into()),
            first_run: Some("2026-11-01T02:00:00Z".into()),
        };
        let none = ResultCounts::default();
        let call = |code, results| holding(&summary(code, results), &recent);
        assert_eq!(call(0, none), "recovered");
        assert_eq!(call(1, none), "failed");
        assert_eq!(call(2, none), "failed");
        assert_eq!(call(4, none), "refused");
        assert_eq!(call(5, none), "failed");
        assert_eq!(call(7, none), "");
        assert_eq!(call(143, none), "failed");
        let rejected = |rejected| ResultCounts { rejected, ..none };
        assert_eq!(call(3, rejected(2)), "");
        assert_eq!(call(3, rejected(3)), "rejected > 2");
        assert_eq!(call(3, ResultCounts { failed: 1, ..none }), "failed");
        assert_eq!(call(0, ResultCounts { failed: 1, ..none }), "recovered");
        assert_eq!(
            call(
                3,
                ResultCounts {
                    in_doubt: 1,
                    ..none
                }
            ),
            "in_doubt"
        );
    }

    #[test]
    fn an_answer_to_a_question_is_no_failure() {
        let mut declined = summary(130, ResultCounts::default());
        declined.stop = Some(Stop {
            reason: "declined".into(),
            ..Stop::default()
        });
        assert_eq!(holding(&declined, &PastRuns::default()), "");
    }

    #[test]
    fn success_that_is_missing_counts_from_the_last_one_or_the_first_run() {
        let stopped = summary(7, ResultCounts::default());
        let mut past = PastRuns {
            last_success: Some("2026-11-19T09:00:00Z".into()),
            ..PastRuns::default()
        };
        assert_eq!(holding(&stopped, &past), "no success since 26h");
        past.last_success = Some("2026-11-19T11:00:00Z".into());
        assert_eq!(holding(&stopped, &past), "");
        past.last_success = None;
        assert_eq!(holding(&stopped, &past), "");
        past.first_run = Some("2026-11-19T09:00:00Z".into());
        assert_eq!(holding(&stopped, &past), "no success since 26h");
        let done = summary(0, ResultCounts::default());
        assert_eq!(holding(&done, &past), "");
    }
}
