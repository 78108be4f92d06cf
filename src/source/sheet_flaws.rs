//! What can be wrong with a cell of a workbook, and how a file of rejected rows says so.

use crate::domain::Issue;

/// Stand before a text that is not what its cell was to hold.
const MARKS: [(&str, &str); 3] = [
    ("inexact_number", "#ROUNDED! "),
    ("bad_date", "#DATE! "),
    ("no_value", "#FORMULA!"),
];

/// The text of a cell as it is given back: with what is wrong with it, where the text alone would not tell.
pub(super) fn marked(code: &str, text: &str) -> String {
    let mark = MARKS.iter().find(|(known, _)| *known == code);
    mark.map_or_else(|| text.to_owned(), |(_, mark)| format!("{mark}{text}"))
}

/// What is wrong with a cell that a workbook's file of rejected rows gave back unmended.
pub(super) fn unmended(text: &str) -> Option<Issue> {
    let mark = MARKS
        .iter()
        .find(|(_, mark)| text.starts_with(mark.trim_end()));
    mark.map(|(code, _)| issue_of(code))
}

pub(super) fn issue_of(code: &str) -> Issue {
    match code {
        "inexact_number" => Issue::input(code, "a spreadsheet keeps only 15 digits of a number")
            .hint("format the column as text and enter it again from its source"),
        "bad_date" => Issue::input(code, "the date is outside of what a spreadsheet can hold"),
        _ => Issue::input(
            code,
            "the cell holds a formula whose value was never stored",
        )
        .hint("open the workbook in a spreadsheet program and save it there: that counts it out"),
    }
}
