//! Lines above the header, as reports have them: titles, dates, blank rows.

use std::collections::HashSet;

use crate::domain::Field;

use super::RESERVED_COLUMNS;

/// Records that are looked at.
pub(super) const FIRST_ROWS: usize = 60;
/// Characters of a column's name; longer ones are sentences.
const MAX_NAME: usize = 60;

/// One of the first records of a table: its line and its trimmed cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstRow {
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

impl FirstRow {
    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    /// Whether each cell may be a column's name, and another one.
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

/// Whether a name is one of a customer's attributes, however it is written, or of hcsync's own columns.
fn is_known(name: &str) -> bool {
    let folded = |name: &str| {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let wanted = folded(name);
    let known = Field::ALL.into_iter().map(Field::name);
    let mut known = known.chain(["id", "tags"]).chain(RESERVED_COLUMNS);
    known.any(|known| folded(known) == wanted) || wanted.starts_with("customdata")
}

/// The line on which the header seems to stand, where the first record is a title; or None where it may be the header.
///
/// A header has a name in each of its cells, more of them than any record above it, and most records below are as wide. One
/// that names no field of a customer must have at least twice as many as the first record.
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
