use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{CustomValue, CustomerId, RowKey, RowNumber, Tag, Value};
use crate::outcome::{OperationStatus, RowResult};
use crate::plan::{Lane, Operation, OperationKind};

use super::json_text::write_line;
use super::place::key_parts;
use super::results_csv::{status_text, text};
use super::spreadsheet::Sheet;

/// One line of `--changes`: one attribute of one customer, old → new. A tag is an attribute of its own, with its name
/// as `new` where it is added and as `old` where it is removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub source: String,
    pub line: u64,
    pub row: RowNumber,
    pub key: RowKey,
    /// Nothing for a customer that is still to be created.
    pub customer_id: Option<CustomerId>,
    pub op: OperationKind,
    /// `company`, `customData.plan` or `tags`.
    pub field: String,
    /// A JSON scalar, a date as UNIX seconds; null for "no value".
    pub old: Json,
    pub new: Json,
    /// How far its operation came; of a run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OperationStatus>,
    /// When its operation ended (RFC 3339, UTC); of a run only, and nothing where it was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A lane and where its row stands.
#[derive(Debug, Clone, Copy)]
pub struct LaneFacts<'a> {
    pub lane: &'a Lane,
    /// The input as the user named it.
    pub source: &'a str,
    /// Physical line of the row in it.
    pub line: u64,
    /// How the row ended, of a run.
    pub result: Option<&'a RowResult>,
}

impl LaneFacts<'_> {
    /// A line for each attribute that the lane changes, in the order in which its operations run.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let operations = self.lane.operations.iter();
        operations
            .flat_map(|operation| {
                let op = operation.kind();
                attributes(operation)
                    .into_iter()
                    .map(move |attribute| self.change(op, attribute))
            })
            .collect()
    }

    fn change(&self, op: OperationKind, attribute: Attribute) -> Change {
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
            field: attribute.field,
            old: attribute.old,
            new: attribute.new,
            status: outcome.map(|o| o.status),
            at: outcome.and_then(|o| o.at.clone()),
        }
    }
}

struct Attribute {
    field: String,
    old: Json,
    new: Json,
}

impl Attribute {
    fn new(field: impl Into<String>, old: Json, new: Json) -> Self {
        Self {
            field: field.into(),
            old,
            new,
        }
    }

    fn tag(old: Option<&Tag>, new: Option<&Tag>) -> Self {
        let name = |tag: Option<&Tag>| tag.map_or(Json::Null, |t| t.name.clone().into());
        Self::new("tags", name(old), name(new))
    }
}

fn attributes(operation: &Operation) -> Vec<Attribute> {
    let property = |name: &str| format!("customData.{name}");
    match operation {
        Operation::Create(create) => {
            let fields = create.set.iter();
            let fields =
                fields.map(|(f, v)| Attribute::new(f.name(), Json::Null, field_json(Some(v))));
            let properties = create.custom_data.iter();
            let properties =
                properties.map(|(n, v)| Attribute::new(property(n), Json::Null, v.to_json()));
            let tags = create.tags.iter().map(|t| Attribute::tag(None, Some(t)));
            fields.chain(properties).chain(tags).collect()
        }
        Operation::Patch(patch) => {
            let fields = patch.set.iter().map(|c| {
                let (from, to) = (field_json(c.from.as_ref()), field_json(c.to.as_ref()));
                Attribute::new(c.field.name(), from, to)
            });
            let properties = patch.custom_data.iter().map(|c| {
                let (from, to) = (property_json(c.from.as_ref()), property_json(c.to.as_ref()));
                Attribute::new(property(&c.name), from, to)
            });
            fields.chain(properties).collect()
        }
        Operation::Tag(tags) => tags.iter().map(|t| Attribute::tag(None, Some(t))).collect(),
        Operation::Untag(tags) => tags.iter().map(|t| Attribute::tag(Some(t), None)).collect(),
    }
}

fn field_json(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Text(text)) => text.clone().into(),
        Some(Value::Date(seconds)) => (*seconds).into(),
        Some(Value::Bool(b)) => (*b).into(),
    }
}

fn property_json(value: Option<&CustomValue>) -> Json {
    value.map_or(Json::Null, CustomValue::to_json)
}

/// Writes one line of `--changes` as JSONL.
///
/// # Errors
/// When the writer fails.
pub fn write_change(out: impl Write, change: &Change) -> io::Result<()> {
    write_line(out, change)
}

/// Whether changes are planned ones, or those of a run, with status and time.
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
/// How many of the columns a plan has.
const PLANNED: usize = 9;

/// Writes `--changes` as CSV, made for reading in a spreadsheet.
#[derive(Debug)]
pub struct ChangesCsv<W: Write> {
    sheet: Sheet<W>,
    columns: usize,
}

impl<W: Write> ChangesCsv<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(out: W, scope: ChangeScope) -> io::Result<Self> {
        let columns = match scope {
            ChangeScope::Plan => PLANNED,
            ChangeScope::Run => COLUMNS.len(),
        };
        let sheet = Sheet::new(out, COLUMNS.into_iter().take(columns))?;
        Ok(Self { sheet, columns })
    }

    /// Writes one change.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&mut self, change: &Change) -> io::Result<()> {
        let cells = cells(change);
        self.sheet
            .write(cells.iter().take(self.columns).map(String::as_str))
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn cells(change: &Change) -> [String; COLUMNS.len()] {
    let key = key_parts(&change.key).into_iter();
    let key: Vec<_> = key.map(|(name, text)| format!("{name}={text}")).collect();
    [
        change.source.clone(),
        change.line.to_string(),
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
