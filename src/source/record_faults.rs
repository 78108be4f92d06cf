//! What can be wrong with a record of a table, and how that is told.

use memchr::memchr_iter;

use crate::domain::Issue;

use super::cells::{Syntax, quoted_part, spans};
use super::coding::Coding;
use super::extent::{Flaw, Spot};

/// A record, and what must be known of its table to say what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct Faults<'a> {
    pub(super) record: &'a [u8],
    /// Of every column, the reserved ones too.
    pub(super) names: &'a [String],
    pub(super) syntax: Syntax,
    pub(super) coding: Coding,
}

impl Faults<'_> {
    /// The column of a cell without quotes around it in which a quote seems to open that a later cell closes, so that what stands
    /// between them is one text, and the cells behind it belong to other columns.
    pub(super) fn answered_quote(&self) -> Option<usize> {
        if self.syntax.quote != Some(b'"') {
            // An apostrophe is a part of many names.
            return None;
        }
        let mut opened = None;
        for (column, span) in spans(self.record, self.syntax).into_iter().enumerate() {
            let cell = self.record.get(span).unwrap_or_default();
            if memchr_iter(b'"', cell).count().is_multiple_of(2)
                || quoted_part(cell, self.syntax).is_some()
            {
                continue;
            }
            let text = self.coding.text(cell).unwrap_or_default();
            match opened {
                Some(column) if may_close(&text) => return Some(column),
                None if !are_inches(&text) => opened = Some(column),
                Some(_) | None => {}
            }
        }
        None
    }

    pub(super) fn lacks_delimiter(&self, column: usize) -> Issue {
        let message = "a quote within the cell is closed in a later one, so that a delimiter before it is likely missing";
        let issue = Issue::input("missing_delimiter", message);
        self.named(issue, column)
            .hint("put the delimiter before the quote; a quote that is text is written twice, and its cell in quotes")
    }

    pub(super) fn holds_rows(&self, spot: Spot, lines: usize) -> Issue {
        let message = format!(
            "the quoted cell holds the ends of {lines} lines that each look like a row, so that its opening quote is likely a mistake"
        );
        let issue = Issue::input("swallowed_rows", message);
        self.named(issue, self.column_at(spot))
            .hint("take the quote out, or double it and put the whole cell in quotes; nothing of these lines was read as rows")
    }

    pub(super) fn undecodable(&self, column: usize) -> Issue {
        let span = spans(self.record, self.syntax).get(column).cloned();
        let span = span.unwrap_or(0..self.record.len());
        let before = self
            .coding
            .raw(self.record.get(..span.start).unwrap_or_default());
        let cell = self.record.get(span).unwrap_or_default();
        let at = before.len() + self.coding.first_bad(cell).unwrap_or_default();
        let encoding = self.coding.0.name();
        let issue = Issue::input(
            "undecodable",
            format!("the cell is not valid {encoding}: byte {at} of the record, counted from 0"),
        );
        self.named(issue, column).hint(
            "if the whole file is in another encoding, set `input.encoding`; else mend the cell",
        )
    }

    fn named(&self, issue: Issue, column: usize) -> Issue {
        match self.names.get(column) {
            Some(name) => issue.column(name),
            None => issue,
        }
    }

    pub(super) fn flaw(&self, flaw: Flaw) -> Issue {
        match flaw {
            Flaw::Stray(spot) => {
                let place = self.place(spot);
                let message = format!("text stands after the closing quote at {place}");
                let issue = Issue::input("stray_quote", message);
                self.named(issue, self.column_at(spot))
                    .hint("a quote within a quoted cell is written twice; where quotes mean nothing in the file, set `input.quote` to none")
            }
            Flaw::Blank(spot) => {
                let place = self.place(spot);
                let message = format!("blanks stand before the quote that opens at {place}");
                let issue = Issue::input("blank_before_quote", message);
                self.named(issue, self.column_at(spot))
                    .hint("take the blanks out; a quote that is text is written twice, and its cell in quotes; where quotes mean nothing in the file, set `input.quote` to none")
            }
            Flaw::Unclosed(spot) => {
                let place = self.place(spot);
                let message = format!("the quote that opens at {place} is never closed");
                let issue = Issue::input("unclosed_quote", message);
                self.named(issue, self.column_at(spot))
                    .hint("close it, or write the whole cell in quotes and its own quotes twice; where quotes mean nothing in the file, set `input.quote` to none; the lines after it were read as rows")
            }
            Flaw::TooLong(bytes) => too_long(bytes),
        }
    }

    fn column_at(&self, spot: Spot) -> usize {
        let before = self.record.get(..spot.at).unwrap_or_default();
        spans(before, self.syntax).len() - 1
    }

    fn place(&self, spot: Spot) -> String {
        let before = self.record.get(spot.line_at..spot.at).unwrap_or_default();
        let characters = self
            .coding
            .text(before)
            .map_or(before.len(), |text| text.chars().count());
        format!("line {}, character {}", spot.line, characters + 1)
    }
}

pub(super) fn ragged(found: usize, expected: usize) -> Issue {
    let cells = |n: usize| format!("{n} {}", if n == 1 { "cell" } else { "cells" });
    Issue::input(
        "ragged",
        format!(
            "the row has {} where the table has {} columns",
            cells(found),
            expected
        ),
    )
    .hint("look for a delimiter in a cell without quotes, or for a missing one")
}

pub(super) fn too_long(bytes: u64) -> Issue {
    Issue::input(
        "too_long",
        format!("the record has {bytes} bytes, more than is read of one"),
    )
    .hint("its bytes are not kept: look it up in the input by its line")
}

/// Whether each quote of a cell is a sign for inches or seconds: behind a number, and with no word right after it.
fn are_inches(text: &str) -> bool {
    text.match_indices('"').all(|(at, _)| {
        let (before, after) = text.split_at(at);
        let follows = after.chars().nth(1);
        let is_number = before.trim_end().ends_with(char::is_numeric);
        is_number && follows.is_none_or(|c| !c.is_alphanumeric() || matches!(c, 'x' | 'X'))
    })
}

/// Whether the last quote of a cell can close one: no word goes on right after it, as in abbreviations that are written with one.
fn may_close(text: &str) -> bool {
    let last = text.rsplit('"').next().unwrap_or_default();
    !last.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(record: &str) -> Option<usize> {
        let faults = Faults {
            record: record.as_bytes(),
            names: &[],
            syntax: Syntax::quoted(b','),
            coding: Coding(encoding_rs::UTF_8),
        };
        faults.answered_quote()
    }

    #[test]
    fn a_quote_that_a_later_cell_answers_is_found() {
        for (record, column) in [
            ("u1,Ann\"Smith, Inc\",\"x\"", 1),
            ("u1,12\"Smith, Inc\",\"x\"", 1),
            ("u1,say \"hello,world\" to me,x", 1),
            ("a,b,\"c\",d\"e,f\"", 3),
        ] {
            assert_eq!(answered(record), Some(column), "{record}");
        }
    }

    #[test]
    fn quotes_that_nothing_answers_are_text() {
        for record in [
            "u1,5\" tv,x",
            "u1,5\" tv,6\" radio",
            "u1,5½\",6½\" radio",
            "u1,50° 27' 12\" N,30° 31' 5\" E",
            "u1,Ann \"A\" B,Ben \"B\" C",
            "u1,Ann\",\"x\"",
            "u1,צה\"ל,בע\"מ",
            "u1,5\" tv,\"Smith, \"\"Inc\"\"\"",
            "u1,3\"x5\"x7\",4\"x6\"x8\"",
        ] {
            assert_eq!(answered(record), None, "{record}");
        }
    }
}
