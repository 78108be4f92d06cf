use std::io::{self, Write};

use crate::domain::{Field, KeyField, RemoteCustomer, RowKey, RowNumber, Value};

use super::spreadsheet::Sheet;

/// Columns of `ambiguous.csv`. Who feeds it back fills in the last; `userId` and `email` are what ties it to its row.
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

/// Customers of one row that are described at most; the ids of all may be decided for.
pub const MOST_CANDIDATES: usize = 20;

/// A row whose key matches several customers.
#[derive(Debug, Clone, Copy)]
pub struct AmbiguousRow<'a> {
    pub row: RowNumber,
    /// Physical line in `source` on which the record starts.
    pub line: u64,
    /// The input as the user named it.
    pub source: &'a str,
    /// The key that matches them.
    pub matched_by: KeyField,
    pub key: &'a RowKey,
    /// The first of them.
    pub candidates: &'a [RemoteCustomer],
    /// How many there are besides, earlier rows of the input among them.
    pub others: usize,
}

/// Writes `ambiguous.csv`, made to be filled in and fed back.
#[derive(Debug)]
pub struct AmbiguousCsv<W: Write> {
    sheet: Sheet<W>,
}

impl<W: Write> AmbiguousCsv<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(out: W) -> io::Result<Self> {
        let sheet = Sheet::new(out, COLUMNS)?;
        Ok(Self { sheet })
    }

    /// Writes one row, without a decision.
    ///
    /// # Errors
    /// When the writer fails.
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
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn candidates(row: &AmbiguousRow<'_>) -> String {
    let mut all: Vec<String> = row.candidates.iter().map(candidate).collect();
    if row.others > 0 {
        all.push(format!("and {} more", row.others));
    }
    all.join(" | ")
}

/// The id, and what a person knows the customer by.
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
    fn a_row_shows_its_candidates_and_waits_for_a_decision() {
        let mut ann = RemoteCustomer::unknown(CustomerId(12));
        let text = |text: &str| Some(Value::Text(text.into()));
        ann.set_field(Field::Name, text("Ann, the first"));
        ann.set_field(Field::UserId, text("u1"));
        ann.set_field(Field::Email, text("a@example.com"));
        ann.set_field(Field::LastSeen, Some(Value::Date(1_603_885_746)));
        let nobody = RemoteCustomer::unknown(CustomerId(15));
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
            candidates: &[ann, nobody],
            others: 2,
        })
        .unwrap();
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        let expected = "\u{feff}_line,row,source,matched_by,userId,email,candidates,decision\n\
            4,3,in.csv,email,,'=a@example.com,\"12: Ann, the first, userId u1, a@example.com, last seen 2020-10-28 | 15 | and 2 more\",\n";
        assert_eq!(text, expected);
    }
}
