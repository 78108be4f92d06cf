//! Describes what is wrong with a record of a table.

use memchr::memchr_iter;

use crate::domain::Issue;

use super::cells::{Syntax, quoted_part, spans};
use super::record_extent::{QuotePosition, RecordFlaw};
use super::text_codec::TextCodec;

/// A record with the properties of its table that are needed to describe its problems.
#[derive(Clone, Copy)]
pub(super) struct RecordDiagnosis<'a> {
    pub(super) record: &'a [u8],
    /// All columns, including the reserved ones.
    pub(super) names: &'a [String],
    pub(super) syntax: Syntax,
    pub(super) codec: TextCodec,
}

impl RecordDiagnosis<'_> {
    /// The column of an unquoted cell with a quote that a later cell seems to close. The text between the quotes is then a single
    /// cell, and the cells after it belong to other columns.
    pub(super) fn reopened_quote(&self) -> Option<usize> {
        if self.syntax.quote != Some(b'"') {
            // Apostrophes occur in many names.
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
            let text = self.codec.text(cell).unwrap_or_default();
            match opened {
                Some(column) if may_close(&text) => return Some(column),
                None if !are_inches(&text) => opened = Some(column),
                Some(_) | None => {}
            }
        }
        None
    }

    pub(super) fn lacks_delimiter(&self, column: usize) -> Issue {
        let message = "a quote within the cell is closed in a later cell: the delimiter before it is probably missing";
        let issue = Issue::input("missing_delimiter", message);
        self.named(issue, column)
            .hint("put the delimiter before the quote; if the quote is text, double it and put the cell in quotes")
    }

    pub(super) fn holds_rows(&self, quote: QuotePosition, lines: usize) -> Issue {
        let message = format!(
            "the quoted cell contains {lines} lines that each look like a row: its opening quote is probably a mistake"
        );
        let issue = Issue::input("swallowed_rows", message);
        self.named(issue, self.column_at(quote))
            .hint("remove the quote, or double it and put the whole cell in quotes; these lines were not read as rows")
    }

    pub(super) fn undecodable(&self, column: usize) -> Issue {
        let span = spans(self.record, self.syntax).get(column).cloned();
        let span = span.unwrap_or(0..self.record.len());
        let before = self
            .codec
            .raw(self.record.get(..span.start).unwrap_or_default());
        let cell = self.record.get(span).unwrap_or_default();
        let at = before.len() + self.codec.first_bad(cell).unwrap_or_default();
        let encoding = self.codec.0.name();
        let issue = Issue::input(
            "undecodable",
            format!("the cell is not valid {encoding}: byte {at} of the record, counted from 0"),
        );
        self.named(issue, column).hint(
            "if the whole file is in another encoding, set `input.encoding`; otherwise fix the cell",
        )
    }

    fn named(&self, issue: Issue, column: usize) -> Issue {
        match self.names.get(column) {
            Some(name) => issue.column(name),
            None => issue,
        }
    }

    pub(super) fn flaw(&self, flaw: RecordFlaw) -> Issue {
        match flaw {
            RecordFlaw::Stray(quote) => {
                let place = self.place(quote);
                let message = format!("there is text after the closing quote at {place}");
                let issue = Issue::input("stray_quote", message);
                self.named(issue, self.column_at(quote))
                    .hint("double quotes within a quoted cell; if quotes have no meaning in the file, set `input.quote` to none")
            }
            RecordFlaw::Blank(quote) => {
                let place = self.place(quote);
                let message = format!("there are blanks before the opening quote at {place}");
                let issue = Issue::input("blank_before_quote", message);
                self.named(issue, self.column_at(quote))
                    .hint("remove the blanks; if the quote is text, double it and put the cell in quotes; if quotes have no meaning in the file, set `input.quote` to none")
            }
            RecordFlaw::Unclosed(quote) => {
                let place = self.place(quote);
                let message = format!("the quote that opens at {place} is never closed");
                let issue = Issue::input("unclosed_quote", message);
                self.named(issue, self.column_at(quote))
                    .hint("close it, or double it and put the whole cell in quotes; if quotes have no meaning in the file, set `input.quote` to none; the lines after it were read as rows")
            }
            RecordFlaw::TooLong(bytes) => too_long(bytes),
        }
    }

    fn column_at(&self, quote: QuotePosition) -> usize {
        let before = self.record.get(..quote.at).unwrap_or_default();
        spans(before, self.syntax).len() - 1
    }

    fn place(&self, quote: QuotePosition) -> String {
        let before = self.record.get(quote.line_at..quote.at).unwrap_or_default();
        let characters = self
            .codec
            .text(before)
            .map_or(before.len(), |text| text.chars().count());
        format!("line {}, character {}", quote.line, characters + 1)
    }
}

pub(super) fn ragged(actual: usize, expected: usize) -> Issue {
    let cells = |n: usize| format!("{n} {}", if n == 1 { "cell" } else { "cells" });
    Issue::input(
        "ragged",
        format!(
            "the row has {} where the table has {} columns",
            cells(actual),
            expected
        ),
    )
    .hint("look for a delimiter in an unquoted cell, or for a missing delimiter")
}

pub(super) fn too_long(bytes: u64) -> Issue {
    Issue::input(
        "too_long",
        format!("the record has {bytes} bytes, which is too long"),
    )
    .hint("find it in the input by its line: its contents are not kept")
}

/// Whether every quote in a cell means inches or seconds: it follows a number, and no word follows it directly.
fn are_inches(text: &str) -> bool {
    text.match_indices('"').all(|(at, _)| {
        let (before, after) = text.split_at(at);
        let follows = after.chars().nth(1);
        let is_number = before.trim_end().ends_with(char::is_numeric);
        is_number && follows.is_none_or(|c| !c.is_alphanumeric() || matches!(c, 'x' | 'X'))
    })
}

/// Whether the last quote of a cell can be a closing one: no word follows it directly, as in abbreviations.
fn may_close(text: &str) -> bool {
    let last = text.rsplit('"').next().unwrap_or_default();
    !last.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(record: &str) -> Option<usize> {
        let faults = RecordDiagnosis {
            record: record.as_bytes(),
            names: &[],
            syntax: Syntax::quoted(b','),
            codec: TextCodec(encoding_rs::UTF_8),
        };
        faults.reopened_quote()
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
