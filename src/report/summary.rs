use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::domain::{IssueKind, RowNumber, RunId};
use crate::plan::{Destination, Estimate, PlanCounts, RemoteFacts};

use super::json_text::write_line;
use super::rate::RateFacts;
use super::result_counts::ResultCounts;

/// Version of the format of `summary.json`.
pub const SUMMARY_VERSION: u32 = 1;

/// `summary.json`: the figures of one run, written for every exit code once the options are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub hcsync_summary: u32,
    /// `None` if the command ended before its run began.
    pub run_id: Option<RunId>,
    pub command: String,
    pub dry_run: bool,
    /// Account, host and mode; `None` if the command ended before they were known.
    #[serde(default)]
    pub target: Option<Destination>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub finished_at: String,
    pub duration_s: f64,
    pub exit_code: u8,
    pub input: InputFacts,
    /// Customers touched by each kind of operation, and rows without one.
    pub planned: PlanCounts,
    pub results: ResultCounts,
    /// How customers ended that the input no longer holds, if something was to be done about any. They are not among the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<ResultCounts>,
    pub requests: RequestFacts,
    pub estimate: EstimateFacts,
    pub rate: RateFacts,
    pub remote: RemoteFacts,
    pub plan_digest: Option<String>,
    /// Most rows first.
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
            target: None,
            started_at: String::new(),
            finished_at: String::new(),
            duration_s: 0.0,
            exit_code: 0,
            input: InputFacts::default(),
            planned: PlanCounts::default(),
            results: ResultCounts::default(),
            missing: None,
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

/// How much was read of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputFacts {
    pub rows: u64,
    pub bytes: u64,
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
    /// `None` if there were none, or in a summary of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<PaceFacts>,
}

/// Requests over time, in pieces of equal length from the first request on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PaceFacts {
    /// Seconds of each piece.
    pub bucket_s: u64,
    pub requests: Vec<u64>,
    /// Of these, answered with 429.
    pub rate_limited: Vec<u64>,
    /// Of these, repeated after a failure.
    pub repeated: Vec<u64>,
}

/// The estimated cost of the plan.
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

/// Rejected and failed rows of one kind, code and column.
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
    /// The exact command that continues the work, if there is one.
    pub next_command: Option<String>,
}

/// The number of results differs from the number of rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rows} rows were read, but {results} have a result")]
pub struct RowsDoNotAddUp {
    pub rows: u64,
    pub results: u64,
}

impl Summary {
    /// Checks that every row of the input has exactly one result.
    ///
    /// # Errors
    /// If the counts differ.
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
            target: Some(Destination {
                account: Some("production".into()),
                account_id: Some("n-production-0123456789ab".into()),
                base_url: "https://api.helpcrunch.com/v1".into(),
                ..Destination::default()
            }),
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
                delete: 0,
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
                pace: None,
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
        insta::assert_snapshot!(text(&sample()), @r#"{"hcsync_summary":1,"run_id":"20261120T031244Z-k3f9","command":"sync","dry_run":false,"target":{"account":"production","account_id":"n-production-0123456789ab","base_url":"https://api.helpcrunch.com/v1","sandbox":false,"dry_run":false},"started_at":"2026-11-20T03:12:44Z","finished_at":"2026-11-20T03:23:08Z","duration_s":624.0,"exit_code":3,"input":{"rows":12345,"bytes":1048576},"planned":{"create":400,"patch":1200,"tag":56,"untag":7,"unchanged":10666,"rejected":40,"skipped":0},"results":{"created":400,"updated":1234,"unchanged":10666,"rejected":40,"skipped":0,"failed":4,"in_doubt":1,"pending":0},"requests":{"total":1234,"read":134,"write":1100,"retries":3,"rate_limited":1,"by_endpoint":{"PATCH /customers/{id}":700,"POST /customers":400}},"estimate":{"requests":1230,"duration_s":621.0},"rate":{"limit_per_minute":120,"achieved_per_minute":118.65,"utilisation":0.989},"remote":{"strategy":"list","customers":12000,"as_of":"2026-11-20T03:12:50Z"},"plan_digest":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b","errors":[{"kind":"input","code":"bad_date","column":"Signed up","count":40,"example_row":13}],"stop":null}"#);
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
}
