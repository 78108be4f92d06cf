//! The columns of a checked input, as text.

use super::check_report::{CheckReport, CheckedColumn};
use super::page::TextPage;
use super::terminal::{Style, clean, human_count, padding, shorten_end, shorten_start};

pub(super) fn render_columns(page: &mut TextPage, report: &CheckReport) {
    let mut input = None;
    for column in &report.columns {
        if input != Some(&column.input) {
            input = Some(&column.input);
            let room = page.width().saturating_sub("Columns of ".len());
            let path = clean(&column.input);
            page.heading(&format!("Columns of {}", shorten_start(&path, room)));
            let head = table_line("column", ["filled", "distinct", "longest"], "looks like");
            page.line(&[(shorten_end(&head, page.width()).as_ref(), Style::Dim)]);
        }
        let line = column_line(column);
        page.line(&[(shorten_end(&line, page.width()).as_ref(), Style::Plain)]);
    }
}

fn column_line(column: &CheckedColumn) -> String {
    let name = clean(&column.column);
    let distinct = column.distinct.map_or("many".to_owned(), human_count);
    let filled = percent(column.filled, column.rows);
    let longest = human_count(column.longest as u64);
    table_line(&name, [&filled, &distinct, &longest], &column.looks_like)
}

fn table_line(name: &str, [filled, distinct, longest]: [&str; 3], looks_like: &str) -> String {
    let name = shorten_end(name, COLUMN_WIDTH);
    let name = format!("{name}{}", padding(&name, COLUMN_WIDTH));
    let looks_like = shorten_end(looks_like, KIND_WIDTH);
    format!("  {name}{filled:>7}{distinct:>11}{longest:>9}   {looks_like}")
}

/// Whole percents, rounded so that only all is 100 and only none is 0.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".to_owned();
    }
    let percent = u128::from(part) * 100 / u128::from(whole);
    match percent {
        0 => "<1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// Widths in the table of columns.
const COLUMN_WIDTH: usize = 26;
const KIND_WIDTH: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_reach_0_and_100_only_exactly() {
        let percents = [(0, 9), (1, 1_000), (999, 1_000), (9, 9), (0, 0)];
        let texts = percents.map(|(part, whole)| percent(part, whole));
        assert_eq!(texts, ["0 %", "<1 %", "99 %", "100 %", "0 %"]);
    }
}
