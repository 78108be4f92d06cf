use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::domain::{IssueKind, RowNumber, RunId};
use crate::outcome::RowStatus;
use crate::plan::{Estimate, PlanCounts, RemoteFacts};

use super::json_text::write_line;

/// Version of the format of `summary.json`.
pub const SUMMARY_VERSION: u32 = 1;

/// `summary.json`: the figures of one run, written for every exit code once the options are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub hcsync_summary: u32,
    /// Nothing where it ended before there was a run.
    pub run_id: Option<RunId>,
    pub command: String,
    pub dry_run: bool,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub finished_at: String,
    pub duration_s: f64,
    pub exit_code: u8,
    pub input: InputFacts,
    /// Customers touched by each kind of operation, and rows without one.
    pub planned: PlanCounts,
    pub results: ResultCounts,
    pub requests: RequestFacts,
    pub estimate: EstimateFacts,
    pub rate: RateFacts,
    pub remote: RemoteFacts,
    pub plan_digest: Option<String>,
    /// Most first.
    pub errors: Vec<ErrorEntry>,
    pub stop: Option<Stop>,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            hcsync_summary: SUMMARY_VERSION,
            run_id: None,
            command: String::new(),
            dry_run: false,
            started_at: String::new(),
            finished_at: String::new(),
            duration_s: 0.0,
            exit_code: 0,
            input: InputFacts::default(),
            planned: PlanCounts::default(),
            results: ResultCounts::default(),
            requests: RequestFacts::default(),
            estimate: EstimateFacts::default(),
            rate: RateFacts::default(),
            remote: RemoteFacts::default(),
            plan_digest: None,
            errors: Vec::new(),
            stop: None,
        }
    }
}

/// What was read of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputFacts {
    pub rows: u64,
    pub bytes: u64,
}

/// Rows by how they ended; each row counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResultCounts {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub skipped: u64,
    pub failed: u64,
    pub in_doubt: u64,
    pub pending: u64,
    /// Of a dry run only, and left out of the file where it is 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub would_create: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub would_update: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ResultCounts {
    pub fn add(&mut self, status: RowStatus) {
        *match status {
            RowStatus::Created => &mut self.created,
            RowStatus::Updated => &mut self.updated,
            RowStatus::Unchanged => &mut self.unchanged,
            RowStatus::Rejected => &mut self.rejected,
            RowStatus::Skipped => &mut self.skipped,
            RowStatus::Failed => &mut self.failed,
            RowStatus::InDoubt => &mut self.in_doubt,
            RowStatus::Pending => &mut self.pending,
            RowStatus::WouldCreate => &mut self.would_create,
            RowStatus::WouldUpdate => &mut self.would_update,
        } += 1;
    }

    #[must_use]
    pub fn get(&self, status: RowStatus) -> u64 {
        match status {
            RowStatus::Created => self.created,
            RowStatus::Updated => self.updated,
            RowStatus::Unchanged => self.unchanged,
            RowStatus::Rejected => self.rejected,
            RowStatus::Skipped => self.skipped,
            RowStatus::Failed => self.failed,
            RowStatus::InDoubt => self.in_doubt,
            RowStatus::Pending => self.pending,
            RowStatus::WouldCreate => self.would_create,
            RowStatus::WouldUpdate => self.would_update,
        }
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        let ended = self.created + self.updated + self.unchanged + self.rejected + self.skipped;
        ended + self.failed + self.in_doubt + self.pending + self.would_create + self.would_update
    }

    /// Rows that are to be mended and fed back.
    #[must_use]
    pub fn need_attention(&self) -> u64 {
        self.rejected + self.failed + self.in_doubt
    }
}

/// HTTP exchanges of the run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestFacts {
    pub total: u64,
    pub read: u64,
    pub write: u64,
    /// Exchanges that repeated an earlier one.
    pub retries: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
    /// Count by method and path template, such as `PATCH /customers/{id}`.
    pub by_endpoint: BTreeMap<String, u64>,
}

/// What the plan was thought to cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EstimateFacts {
    pub requests: u64,
    pub duration_s: f64,
}

impl From<Estimate> for EstimateFacts {
    fn from(estimate: Estimate) -> Self {
        Self {
            requests: estimate.requests,
            duration_s: estimate.duration_s,
        }
    }
}

/// How well the rate limit was used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RateFacts {
    /// Nothing where there is no limit.
    pub limit_per_minute: Option<u32>,
    pub achieved_per_minute: f64,
    /// Share of the limit, 1 for all of it; nothing where there is no limit.
    pub utilisation: Option<f64>,
}

impl RateFacts {
    /// `seconds`: the time in which the requests were sent.
    #[must_use]
    pub fn new(limit_per_minute: Option<u32>, requests: u64, seconds: f64) -> Self {
        let achieved = achieved_per_minute(requests, seconds);
        Self {
            limit_per_minute,
            achieved_per_minute: achieved,
            utilisation: utilisation(achieved, limit_per_minute),
        }
    }
}

/// Requests a minute, rounded to hundredths; 0 where no time went by.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "request counts are far below 2^52"
)]
pub fn achieved_per_minute(requests: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        (requests as f64 * 6_000.0 / seconds).round() / 100.0
    } else {
        0.0
    }
}

/// Share of the limit that was used, rounded to thousandths; nothing where there is no limit.
#[must_use]
pub fn utilisation(achieved_per_minute: f64, limit_per_minute: Option<u32>) -> Option<f64> {
    let limit = limit_per_minute.filter(|limit| *limit > 0)?;
    Some((achieved_per_minute / f64::from(limit) * 1_000.0).round() / 1_000.0)
}

/// Rows that ended badly for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEntry {
    pub kind: IssueKind,
    pub code: String,
    pub column: Option<String>,
    pub count: u64,
    pub example_row: RowNumber,
}

/// Why a run ended before its work was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stop {
    /// Stable, machine-readable: `max_requests`, `signal`, `key_refused`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The exact command that goes on from there, where one can.
    pub next_command: Option<String>,
}

/// The results do not account for every row of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rows} rows were read, but {results} have a result")]
pub struct RowsDoNotAddUp {
    pub rows: u64,
    pub results: u64,
}

impl Summary {
    /// Whether every row of the input has exactly one result.
    ///
    /// # Errors
    /// When the counts differ.
    pub fn rows_add_up(&self) -> Result<(), RowsDoNotAddUp> {
        let (rows, results) = (self.input.rows, self.results.total());
        if rows == results {
            Ok(())
        } else {
            Err(RowsDoNotAddUp { rows, results })
        }
    }
}

/// Writes `summary.json`, one line.
///
/// # Errors
/// When the writer fails.
pub fn write_summary(out: impl Write, summary: &Summary) -> io::Result<()> {
    write_line(out, summary)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::schema_check;

    pub(in crate::report) fn sample() -> Summary {
        Summary {
            run_id: Some(RunId::new("20261120T031244Z-k3f9").unwrap()),
            command: "sync".into(),
            started_at: "2026-11-20T03:12:44Z".into(),
            finished_at: "2026-11-20T03:23:08Z".into(),
            duration_s: 624.0,
            exit_code: 3,
            input: InputFacts {
                rows: 12_345,
                bytes: 1_048_576,
            },
            planned: PlanCounts {
                create: 400,
                patch: 1_200,
                tag: 56,
                untag: 7,
                unchanged: 10_666,
                rejected: 40,
                skipped: 0,
            },
            results: ResultCounts {
                created: 400,
                updated: 1_234,
                unchanged: 10_666,
                rejected: 40,
                failed: 4,
                in_doubt: 1,
                ..ResultCounts::default()
            },
            requests: RequestFacts {
                total: 1_234,
                read: 134,
                write: 1_100,
                retries: 3,
                rate_limited: 1,
                by_endpoint: BTreeMap::from([
                    ("POST /customers".into(), 400),
                    ("PATCH /customers/{id}".into(), 700),
                ]),
            },
            estimate: EstimateFacts {
                requests: 1_230,
                duration_s: 621.0,
            },
            rate: RateFacts::new(Some(120), 1_234, 624.0),
            remote: RemoteFacts {
                strategy: "list".into(),
                customers: Some(12_000),
                as_of: Some("2026-11-20T03:12:50Z".into()),
            },
            plan_digest: Some(
                "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b".into(),
            ),
            errors: vec![ErrorEntry {
                kind: IssueKind::Input,
                code: "bad_date".into(),
                column: Some("Signed up".into()),
                count: 40,
                example_row: RowNumber(13),
            }],
            stop: None,
            ..Summary::default()
        }
    }

    fn text(summary: &Summary) -> String {
        let mut out = Vec::new();
        write_summary(&mut out, summary).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_and_their_order_are_the_contracts() {
        insta::assert_snapshot!(text(&sample()), @r#"{"hcsync_summary":1,"run_id":"20261120T031244Z-k3f9","command":"sync","dry_run":false,"started_at":"2026-11-20T03:12:44Z","finished_at":"2026-11-20T03:23:08Z","duration_s":624.0,"exit_code":3,"input":{"rows":12345,"bytes":1048576},"planned":{"create":400,"patch":1200,"tag":56,"untag":7,"unchanged":10666,"rejected":40,"skipped":0},"results":{"created":400,"updated":1234,"unchanged":10666,"rejected":40,"skipped":0,"failed":4,"in_doubt":1,"pending":0},"requests":{"total":1234,"read":134,"write":1100,"retries":3,"rate_limited":1,"by_endpoint":{"PATCH /customers/{id}":700,"POST /customers":400}},"estimate":{"requests":1230,"duration_s":621.0},"rate":{"limit_per_minute":120,"achieved_per_minute":118.65,"utilisation":0.989},"remote":{"strategy":"list","customers":12000,"as_of":"2026-11-20T03:12:50Z"},"plan_digest":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b","errors":[{"kind":"input","code":"bad_date","column":"Signed up","count":40,"example_row":13}],"stop":null}"#);
    }

    #[test]
    fn a_summary_fits_its_schema_and_reads_back_whatever_happened() {
        let stopped = Summary {
            exit_code: 7,
            stop: Some(Stop {
                reason: "max_requests".into(),
                message: "1,000 requests were sent".into(),
                next_command: Some("hcsync resume 20261120T031244Z-k3f9".into()),
            }),
            ..sample()
        };
        let mut dry = sample();
        dry.results.would_create = 3;
        for summary in [sample(), stopped, dry, Summary::default()] {
            let text = text(&summary);
            schema_check::assert_fits("summary", &text);
            assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
        }
        schema_check::assert_misfits(
            "summary",
            &text(&sample()).replace("\"created\"", "\"made\""),
        );
        schema_check::assert_misfits(
            "summary",
            &text(&sample()).replace("\"kind\":\"input\"", "\"kind\":\"x\""),
        );
    }

    #[test]
    fn every_row_counts_once() {
        assert_eq!(sample().rows_add_up(), Ok(()));
        let mut short = sample();
        short.results.failed -= 1;
        let error = short.rows_add_up().unwrap_err();
        assert_eq!(
            error.to_string(),
            "12345 rows were read, but 12344 have a result"
        );
        let mut counts = ResultCounts::default();
        for (n, result) in (1..).zip(crate::report::samples::results()) {
            counts.add(result.status);
            assert_eq!(counts.total(), n);
            assert!(counts.get(result.status) > 0);
        }
    }

    #[test]
    fn rates_are_shares_of_the_limit() {
        assert_eq!(achieved_per_minute(1_188, 600.0), 118.8);
        assert_eq!(achieved_per_minute(5, 0.0), 0.0);
        assert_eq!(utilisation(118.8, Some(120)), Some(0.99));
        assert_eq!(utilisation(118.8, None), None);
        assert_eq!(utilisation(118.8, Some(0)), None);
    }
}
