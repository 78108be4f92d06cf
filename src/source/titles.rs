//! Detects lines above the header, as in reports: titles, dates, blank rows.

use std::collections::HashSet;

use crate::domain::Field;
use crate::domain::text::fold;

use super::RESERVED_COLUMNS;

/// The number of records that are examined.
pub(super) const FIRST_ROWS: usize = 60;
/// The maximum length of a column name in characters; longer texts are sentences.
const MAX_NAME: usize = 60;

/// One of the first records of a table, with trimmed cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstRow {
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

impl FirstRow {
    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    /// Whether every cell may be a column name, and all are different.
    fn may_be_header(&self) -> bool {
        let mut seen = HashSet::new();
        let is_name = |name: &String| {
            let is_short = name.chars().nth(MAX_NAME).is_none();
            let has_letter = name.chars().any(char::is_alphabetic);
            let begins_well = !name.starts_with(|c: char| c.is_ascii_digit());
            is_short && has_letter && begins_well && !name.contains('@')
        };
        self.cells.len() > 1
            && self.cells.iter().all(is_name)
            && self
                .cells
                .iter()
                .all(|name| seen.insert(name.to_lowercase()))
    }

    fn names_a_field(&self) -> bool {
        self.cells.iter().any(|name| is_known(name))
    }
}

/// Whether a name is an attribute of a customer, in any spelling, or one of hcsync's own columns.
fn is_known(name: &str) -> bool {
    let wanted = fold(name);
    let fields = Field::ALL.into_iter().map(Field::name);
    let mut names = fields.chain(["id", "tags"]).chain(RESERVED_COLUMNS);
    names.any(|name| fold(name) == wanted) || wanted.starts_with("customdata")
}

/// Returns the line that seems to be the header if the first record is a title, or `None` if that may be the header.
///
/// Every cell of a header is a name. It has more cells than any record above it, and most records below are as wide. Unless it
/// names a field of a customer, it must have at least twice as many cells as the first record.
pub(super) fn header_line(rows: &[FirstRow]) -> Option<u64> {
    let first = rows.iter().find(|row| row.filled() > 0)?;
    if first.names_a_field() {
        return None;
    }
    let mut widest = 0;
    for (at, row) in rows.iter().enumerate() {
        let names = row.filled();
        let is_wider = match row.names_a_field() {
            true => names > widest,
            false => names > widest && names >= 2 * first.filled(),
        };
        let below = rows.get(at + 1..).unwrap_or_default();
        let alike = below
            .iter()
            .filter(|other| other.cells.len() == row.cells.len());
        let fits = !below.is_empty() && 2 * alike.count() > below.len();
        if row != first && is_wider && fits && row.may_be_header() {
            return Some(row.line);
        }
        widest = widest.max(names);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<u64> {
        let rows = text.lines().zip(1..).map(|(line, number)| FirstRow {
            line: number,
            cells: line.split(',').map(|cell| cell.trim().to_owned()).collect(),
        });
        header_line(&rows.collect::<Vec<_>>())
    }

    #[test]
    fn a_header_below_titles_is_found() {
        let table = "userId,email,name\nu1,ann@example.com,Ann\n";
        for (above, line) in [
            ("Contact export,,\nGenerated,2024-05-01,\n,,\n", 4),
            ("Contact export\n", 2),
            ("Report,May,\n", 2),
            ("Acme, Inc.\nall customers\n,,\n", 4),
        ] {
            assert_eq!(of(&format!("{above}{table}")), Some(line), "{above}");
        }
        assert_eq!(
            of("Kunden,,,\nNummer,Vorname,Nachname,Ort\n7,A,B,C\n"),
            Some(2)
        );
    }

    #[test]
    fn a_header_in_its_place_is_not_looked_for_elsewhere() {
        for text in [
            "userId,email,name\nu1,a@example.com,Ann\nu2,b@example.com,Ben\n",
            "Nummer,Vorname\nx,Ann\ny,Ben\n",
            "userId,,\na,Ann,x\nb,Ben,y\n",
            "_line,_status,_error,a\n1,rejected,x,y\n",
            "note\na\nb,c\nd\n",
            "Titel\n1,2\n3,4\n",
            "",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
