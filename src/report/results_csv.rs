use std::io::{self, Write};

use crate::domain::Issue;
use crate::outcome::{OperationResult, OperationStatus, RowResult};
use crate::plan::OperationKind;

use super::spreadsheet::SpreadsheetCsv;

const COLUMNS: [&str; 20] = [
    "source",
    "line",
    "row",
    "status",
    "customer_id",
    "userId",
    "email",
    "id",
    "operations",
    "fields",
    "tags",
    "http_status",
    "attempts",
    "error_kind",
    "error_code",
    "error_message",
    "error_column",
    "at",
    "warnings",
    "merged_into",
];

/// Writes `results.csv` for spreadsheets: one line per row.
#[derive(Debug)]
pub struct ResultsCsv<W: Write> {
    sheet: SpreadsheetCsv<W>,
}

impl<W: Write> ResultsCsv<W> {
    /// Writes the header.
    pub fn new(out: W) -> io::Result<Self> {
        let sheet = SpreadsheetCsv::new(out, COLUMNS)?;
        Ok(Self { sheet })
    }

    /// Writes one row's result.
    pub fn write(&mut self, result: &RowResult) -> io::Result<()> {
        let cells = cells(result);
        self.sheet.write(cells.iter().map(String::as_str))
    }

    /// Flushes, and gives the writer back.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn cells(result: &RowResult) -> [String; COLUMNS.len()] {
    let operations = &result.operations;
    let error = |part: fn(&Issue) -> &str| {
        result
            .error
            .as_ref()
            .map(part)
            .unwrap_or_default()
            .to_owned()
    };
    [
        result.source.clone(),
        text((!result.is_missing).then_some(result.line)),
        result.row.to_string(),
        result.status.as_str().to_owned(),
        text(result.customer_id),
        text(result.key.user_id.as_ref()),
        text(result.key.email.as_ref()),
        text(result.key.id),
        join(
            operations
                .iter()
                .map(|o| format!("{}:{}", o.op.as_str(), status_text(o.status))),
        ),
        join(operations.iter().flat_map(|o| o.fields.clone())),
        join(operations.iter().flat_map(tag_texts)),
        text(http_status(result)),
        operations
            .iter()
            .map(|o| u64::from(o.attempts))
            .sum::<u64>()
            .to_string(),
        error(|e| e.kind.as_str()),
        error(|e| &e.code),
        error(|e| &e.message),
        error(|e| e.column.as_deref().unwrap_or_default()),
        // RFC 3339 in UTC with whole seconds sorts as text.
        text(operations.iter().filter_map(|o| o.at.as_ref()).max()),
        join(result.warnings.iter().map(|w| w.message.clone())),
        text(result.merged_into),
    ]
}

/// Returns the HTTP status of the row's error, else of its last answered operation.
fn http_status(result: &RowResult) -> Option<u16> {
    let of_error = result.error.as_ref().and_then(|e| e.http_status);
    of_error.or_else(|| result.operations.iter().rev().find_map(|o| o.http_status))
}

/// Returns the names of an operation's tags, removed ones with a prefix.
fn tag_texts(operation: &OperationResult) -> impl Iterator<Item = String> {
    let mark = if operation.op == OperationKind::Untag {
        "untag:"
    } else {
        ""
    };
    operation.tags.iter().map(move |tag| format!("{mark}{tag}"))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(";")
}

pub(super) fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

/// Returns the name of a status in results and changes.
pub(super) fn status_text(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::Planned => "planned",
        OperationStatus::Done => "done",
        OperationStatus::Failed => "failed",
        OperationStatus::InDoubt => "in_doubt",
        OperationStatus::NotSent => "not_sent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn render(results: &[RowResult]) -> String {
        let mut csv = ResultsCsv::new(Vec::new()).unwrap();
        for result in results {
            csv.write(result).unwrap();
        }
        String::from_utf8(csv.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_row_is_a_line_and_formulas_are_defused() {
        let mut evil = samples::rejected();
        evil.key.user_id = Some("=HYPERLINK(\"http://x\")".into());
        evil.source = "\"@x.csv".into();
        let text = render(&[
            samples::updated(),
            samples::rejected(),
            samples::failed(),
            evil,
        ]);
        insta::assert_snapshot!(text.trim_start_matches('\u{feff}'), @r#"
        source,line,row,status,customer_id,userId,email,id,operations,fields,tags,http_status,attempts,error_kind,error_code,error_message,error_column,at,warnings,merged_into
        customers.csv,13,12,updated,542335,u12,,,patch:done;tag:done,company;customData.plan,vip,200,3,,,,,2026-11-20T03:12:45Z,,
        customers.csv,14,13,rejected,,,ann@example.com,,,,,,0,input,bad_date,`firstSeen` is no date in the format that is given,Signed up,,,
        customers.csv,15,14,failed,7,u14,,7,patch:failed;untag:not_sent,email,untag:trial,400,1,api,email,This value is not a valid email address.,E-mail,2026-11-20T03:12:46Z,,
        "'""@x.csv",14,13,rejected,,"'=HYPERLINK(""http://x"")",ann@example.com,,,,,,0,input,bad_date,`firstSeen` is no date in the format that is given,Signed up,,,
        "#);
    }

    #[test]
    fn statuses_are_named_as_in_json() {
        use OperationStatus::{Done, Failed, InDoubt, NotSent, Planned};
        for status in [Planned, Done, Failed, InDoubt, NotSent] {
            assert_eq!(serde_json::to_value(status).unwrap(), status_text(status));
        }
    }

    #[test]
    fn without_rows_there_is_a_bom_and_a_header() {
        assert!(render(&[]).starts_with("\u{feff}source,line,row,"));
        assert_eq!(render(&[]).lines().count(), 1);
    }
}
