use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{CustomerId, RowKey, RowNumber, Value};
use crate::outcome::{OperationStatus, RowResult};
use crate::plan::{AttributeChange, AttributeValue, Lane, OperationKind};

use super::json_text::write_line;
use super::place::key_parts;
use super::results_csv::{status_text, text};
use super::spreadsheet::SpreadsheetCsv;

/// One line of `--changes`: one attribute of one customer, old → new. Each tag is an attribute: its name is `new` if it is added
/// and `old` if it is removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub source: String,
    pub line: u64,
    pub row: RowNumber,
    pub key: RowKey,
    /// `None` for a customer that is still to be created.
    pub customer_id: Option<CustomerId>,
    pub op: OperationKind,
    /// `company`, `customData.plan` or `tags`.
    pub field: String,
    /// A JSON scalar, a date as UNIX seconds; null for "no value".
    pub old: Json,
    pub new: Json,
    /// Status of its operation, of a run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OperationStatus>,
    /// When its operation ended (RFC 3339, UTC), of a run only; `None` if it was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A lane with the place and the result of its row.
#[derive(Debug, Clone, Copy)]
pub struct LaneFacts<'a> {
    pub lane: &'a Lane,
    /// The input as the user named it.
    pub source: &'a str,
    /// Physical line of the row in it.
    pub line: u64,
    /// The row's result, of a run only.
    pub result: Option<&'a RowResult>,
}

impl LaneFacts<'_> {
    /// Returns a line for each attribute that the lane changes, in the order in which its operations run.
    pub fn changes(&self) -> Vec<Change> {
        let operations = self.lane.operations.iter();
        let changes = operations.flat_map(|operation| {
            let op = operation.kind();
            let changes = operation.changes().into_iter();
            changes.map(move |change| self.change(op, change))
        });
        changes.collect()
    }

    fn change(&self, op: OperationKind, change: AttributeChange<'_>) -> Change {
        let outcome = self
            .result
            .and_then(|r| r.operations.iter().find(|o| o.op == op));
        Change {
            source: self.source.to_owned(),
            line: self.line,
            row: self.lane.row,
            key: self.lane.key.clone(),
            customer_id: self.lane.customer.or_else(|| self.result?.customer_id),
            op,
            field: change.attribute.to_string(),
            old: json(change.old),
            new: json(change.new),
            status: outcome.map(|o| o.status),
            at: outcome.and_then(|o| o.at.clone()),
        }
    }
}

fn json(value: Option<AttributeValue<'_>>) -> Json {
    match value {
        None => Json::Null,
        Some(AttributeValue::Field(Value::Text(text))) => text.clone().into(),
        Some(AttributeValue::Field(Value::Date(seconds))) => (*seconds).into(),
        Some(AttributeValue::Field(Value::Bool(b))) => (*b).into(),
        Some(AttributeValue::Property(value)) => value.to_json(),
        Some(AttributeValue::Tag(name)) => name.into(),
    }
}

/// Writes one line of `--changes` as JSONL.
pub fn write_change(out: impl Write, change: &Change) -> io::Result<()> {
    write_line(out, change)
}

/// Whether changes are planned, or made by a run and so have status and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeScope {
    Plan,
    Run,
}

const COLUMNS: [&str; 11] = [
    "source",
    "line",
    "row",
    "key",
    "customer_id",
    "op",
    "field",
    "old",
    "new",
    "status",
    "at",
];
/// Columns without status and time.
const PLAN_COLUMNS: usize = 9;

/// Writes `--changes` as CSV for spreadsheets.
#[derive(Debug)]
pub struct ChangesCsv<W: Write> {
    sheet: SpreadsheetCsv<W>,
    columns: usize,
}

impl<W: Write> ChangesCsv<W> {
    /// Writes the header.
    pub fn new(out: W, scope: ChangeScope) -> io::Result<Self> {
        let columns = match scope {
            ChangeScope::Plan => PLAN_COLUMNS,
            ChangeScope::Run => COLUMNS.len(),
        };
        let sheet = SpreadsheetCsv::new(out, COLUMNS.into_iter().take(columns))?;
        Ok(Self { sheet, columns })
    }

    /// Writes one change.
    pub fn write(&mut self, change: &Change) -> io::Result<()> {
        let cells = cells(change);
        self.sheet
            .write(cells.iter().take(self.columns).map(String::as_str))
    }

    /// Flushes, and gives the writer back.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn cells(change: &Change) -> [String; COLUMNS.len()] {
    let key = key_parts(&change.key).into_iter();
    let key: Vec<_> = key.map(|(name, text)| format!("{name}={text}")).collect();
    [
        change.source.clone(),
        text((change.line > 0).then_some(change.line)),
        change.row.to_string(),
        key.join(";"),
        text(change.customer_id),
        change.op.as_str().to_owned(),
        change.field.clone(),
        scalar(&change.old),
        scalar(&change.new),
        text(change.status.map(status_text)),
        text(change.at.as_ref()),
    ]
}

fn scalar(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, schema_check};

    fn facts<'a>(lane: &'a Lane, result: Option<&'a RowResult>) -> LaneFacts<'a> {
        LaneFacts {
            lane,
            source: "customers.csv",
            line: 13,
            result,
        }
    }

    fn csv(scope: ChangeScope, changes: &[Change]) -> String {
        let mut csv = ChangesCsv::new(Vec::new(), scope).unwrap();
        for change in changes {
            csv.write(change).unwrap();
        }
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        text.strip_prefix('\u{feff}').unwrap().to_owned()
    }

    fn jsonl(changes: &[Change]) -> String {
        let mut out = Vec::new();
        for change in changes {
            write_change(&mut out, change).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plan_shows_each_attribute_old_and_new() {
        let mut changes = facts(&samples::create_lane(), None).changes();
        changes.extend(facts(&samples::patch_lane(), None).changes());
        insta::assert_snapshot!(csv(ChangeScope::Plan, &changes), @r#"
        source,line,row,key,customer_id,op,field,old,new
        customers.csv,13,3,userId=u3;email=ann@example.com,,create,name,,Ann
        customers.csv,13,3,userId=u3;email=ann@example.com,,create,firstSeen,,1603885746
        customers.csv,13,3,userId=u3;email=ann@example.com,,create,customData.plan,,pro
        customers.csv,13,3,userId=u3;email=ann@example.com,,create,tags,,lead
        customers.csv,13,12,userId=u12,542335,patch,company,'=A,B
        customers.csv,13,12,userId=u12,542335,patch,phone,'+380 44,
        customers.csv,13,12,userId=u12,542335,patch,customData.plan,,true
        customers.csv,13,12,userId=u12,542335,tag,tags,,vip
        customers.csv,13,12,userId=u12,542335,untag,tags,trial,
        "#);
    }

    #[test]
    fn a_run_adds_status_and_time_and_the_new_customers_id() {
        let lane = samples::patch_lane();
        let result = samples::updated();
        let changes = facts(&lane, Some(&result)).changes();
        insta::assert_snapshot!(jsonl(&changes), @r#"
        {"source":"customers.csv","line":13,"row":12,"key":{"userId":"u12"},"customer_id":542335,"op":"patch","field":"company","old":"=A","new":"B","status":"done","at":"2026-11-20T03:12:44Z"}
        {"source":"customers.csv","line":13,"row":12,"key":{"userId":"u12"},"customer_id":542335,"op":"patch","field":"phone","old":"+380 44","new":null,"status":"done","at":"2026-11-20T03:12:44Z"}
        {"source":"customers.csv","line":13,"row":12,"key":{"userId":"u12"},"customer_id":542335,"op":"patch","field":"customData.plan","old":null,"new":true,"status":"done","at":"2026-11-20T03:12:44Z"}
        {"source":"customers.csv","line":13,"row":12,"key":{"userId":"u12"},"customer_id":542335,"op":"tag","field":"tags","old":null,"new":"vip","status":"done","at":"2026-11-20T03:12:45Z"}
        {"source":"customers.csv","line":13,"row":12,"key":{"userId":"u12"},"customer_id":542335,"op":"untag","field":"tags","old":"trial","new":null}
        "#);
        let last = csv(ChangeScope::Run, &changes);
        assert!(
            last.lines()
                .nth(4)
                .unwrap()
                .ends_with(",tags,,vip,done,2026-11-20T03:12:45Z"),
            "{last}"
        );

        let created = RowResult {
            customer_id: Some(CustomerId(99)),
            ..samples::updated()
        };
        let changes = facts(&samples::create_lane(), Some(&created)).changes();
        assert!(
            changes
                .iter()
                .all(|c| c.customer_id == Some(CustomerId(99)))
        );
    }

    #[test]
    fn lines_fit_their_schema() {
        let (result, lane) = (samples::updated(), samples::patch_lane());
        let mut changes = facts(&lane, Some(&result)).changes();
        changes.extend(facts(&samples::create_lane(), None).changes());
        for line in jsonl(&changes).lines() {
            schema_check::assert_fits("changes", line);
            schema_check::assert_misfits("changes", &line.replace("\"op\":\"", "\"op\":\"re"));
        }
    }
}
