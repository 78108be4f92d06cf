use std::io::{self, Write};

use crate::domain::{Field, KeyField, RemoteCustomer, RowKey, RowNumber, Value};

use super::spreadsheet::SpreadsheetCsv;

/// Columns of `ambiguous.csv`. The user fills in the last one; `userId` and `email` identify the row.
const COLUMNS: [&str; 8] = [
    "_line",
    "row",
    "source",
    "matched_by",
    "userId",
    "email",
    "candidates",
    "decision",
];

/// Customers that are described per row. The user may also decide for another one's id.
pub const MAX_CANDIDATES: usize = 20;

/// A row whose key matches several customers.
#[derive(Debug, Clone, Copy)]
pub struct AmbiguousRow<'a> {
    pub row: RowNumber,
    /// Physical line in `source` on which the record starts.
    pub line: u64,
    /// The input as the user named it.
    pub source: &'a str,
    /// The key that matches the customers.
    pub matched_by: KeyField,
    pub key: &'a RowKey,
    /// The customers that are described.
    pub candidates: &'a [RemoteCustomer],
    /// Earlier rows that create a customer which the key matches.
    pub creating_rows: &'a [String],
    /// Number of further matches.
    pub others: usize,
}

/// Writes `ambiguous.csv`, which the user fills in and passes to `--decisions`.
#[derive(Debug)]
pub struct AmbiguousCsv<W: Write> {
    sheet: SpreadsheetCsv<W>,
}

impl<W: Write> AmbiguousCsv<W> {
    /// Writes the header.
    pub fn new(out: W) -> io::Result<Self> {
        let sheet = SpreadsheetCsv::new(out, COLUMNS)?;
        Ok(Self { sheet })
    }

    /// Writes one row, without a decision.
    pub fn write(&mut self, row: &AmbiguousRow<'_>) -> io::Result<()> {
        let cells = [
            &row.line.to_string(),
            &row.row.to_string(),
            row.source,
            row.matched_by.name(),
            row.key.user_id.as_deref().unwrap_or_default(),
            row.key.email.as_deref().unwrap_or_default(),
            &candidates(row),
            "",
        ];
        self.sheet.write(cells)
    }

    /// Flushes, and gives the writer back.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn candidates(row: &AmbiguousRow<'_>) -> String {
    let mut all: Vec<String> = row.candidates.iter().map(candidate).collect();
    let created = row.creating_rows.iter();
    all.extend(created.map(|row| format!("new: created by {row}")));
    if row.others > 0 {
        all.push(format!("and {} more", row.others));
    }
    all.join(" | ")
}

/// Describes a customer: its id, and what a person recognizes it by.
fn candidate(customer: &RemoteCustomer) -> String {
    let text = |field: Field| customer.value(field).and_then(Value::as_text);
    let mut facts: Vec<String> = Vec::new();
    facts.extend(text(Field::Name).map(str::to_owned));
    facts.extend(customer.user_id().map(|id| format!("userId {id}")));
    facts.extend(customer.email().map(str::to_owned));
    if let Some(Value::Date(seconds)) = customer.value(Field::LastSeen)
        && let Ok(seen) = jiff::Timestamp::from_second(*seconds)
    {
        facts.push(format!("last seen {}", seen.strftime("%Y-%m-%d")));
    }
    if facts.is_empty() {
        return customer.id.to_string();
    }
    format!("{}: {}", customer.id, facts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;

    #[test]
    fn a_row_lists_its_candidates_and_leaves_the_decision_empty() {
        let mut ann = RemoteCustomer::unknown(CustomerId(12));
        let text = |text: &str| Some(Value::Text(text.into()));
        ann.set_field(Field::Name, text("Ann, the first"));
        ann.set_field(Field::UserId, text("u1"));
        ann.set_field(Field::Email, text("a@example.com"));
        ann.set_field(Field::LastSeen, Some(Value::Date(1_603_885_746)));
        let unnamed = RemoteCustomer::unknown(CustomerId(15));
        let key = RowKey {
            email: Some("=a@example.com".into()),
            ..RowKey::default()
        };
        let mut csv = AmbiguousCsv::new(Vec::new()).unwrap();
        csv.write(&AmbiguousRow {
            row: RowNumber(3),
            line: 4,
            source: "in.csv",
            matched_by: KeyField::Email,
            key: &key,
            candidates: &[ann, unnamed],
            creating_rows: &["in.csv:2 (row 1)".into()],
            others: 2,
        })
        .unwrap();
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        let expected = "\u{feff}_line,row,source,matched_by,userId,email,candidates,decision\n\
            4,3,in.csv,email,,'=a@example.com,\"12: Ann, the first, userId u1, a@example.com, last seen 2020-10-28 | 15 | new: created by in.csv:2 (row 1) | and 2 more\",\n";
        assert_eq!(text, expected);
    }
}
