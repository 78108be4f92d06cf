//! The flaws of workbook cells, and their marks in files of rejected rows.

use crate::domain::Issue;

/// Issue codes and the marks before texts that are not the intended value of their cell.
const MARKS: [(&str, &str); 3] = [
    ("inexact_number", "#ROUNDED! "),
    ("bad_date", "#DATE! "),
    ("no_value", "#FORMULA!"),
];

/// The text of a cell for a file of rejected rows, with a mark for its flaw.
pub(super) fn marked(code: &str, text: &str) -> String {
    let mark = MARKS.iter().find(|(marked, _)| *marked == code);
    mark.map_or_else(|| text.to_owned(), |(_, mark)| format!("{mark}{text}"))
}

/// The issue of a cell in a workbook's rejected rows that was not fixed.
pub(super) fn unfixed(text: &str) -> Option<Issue> {
    let mark = MARKS
        .iter()
        .find(|(_, mark)| text.starts_with(mark.trim_end()));
    mark.map(|(code, _)| issue_of(code))
}

pub(super) fn issue_of(code: &str) -> Issue {
    match code {
        "inexact_number" => Issue::input(code, "a spreadsheet keeps only 15 digits of a number")
            .hint("format the column as text and enter it again from its source"),
        "bad_date" => Issue::input(code, "the date is outside of the range of a spreadsheet"),
        _ => Issue::input(
            code,
            "the cell has a formula whose value was not saved",
        )
        .hint("open the workbook in a spreadsheet program and save it there, which calculates the value"),
    }
}
