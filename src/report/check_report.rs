use std::io::{self, Write};

use serde::Serialize;

use super::bad_rows::{BadRow, BadRows};
use super::cause_list::{SEVERAL_PROBLEMS, name};
use super::json_text::write_line;
use super::page::{Page, View};
use super::terminal::{
    Style, clean, human_count, padding, plural, shorten_end, shorten_middle, shorten_start,
    text_width,
};

/// Everything that `check` found. It holds values of customers only as the bad cells of rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CheckReport {
    /// The config file that was used.
    pub config: Option<String>,
    pub state: CheckedState,
    pub inputs: Vec<CheckedInput>,
    /// Attributes with the columns that they are made of.
    pub mapping: Vec<(String, Vec<String>)>,
    pub ignored_columns: Vec<String>,
    pub notes: Vec<String>,
    pub key: CheckedKey,
    pub rows: u64,
    pub bad_rows: u64,
    /// Rows that `rows.duplicates` leaves out.
    pub skipped_rows: u64,
    pub bad: Vec<BadRows>,
    pub columns: Vec<CheckedColumn>,
}

/// The state directory as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CheckedState {
    pub folder: String,
    pub runs: usize,
    /// Ids of interrupted runs that can be resumed.
    pub resumable: Vec<String>,
}

/// An input as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedInput {
    pub path: String,
    /// `csv`, `xlsx` and so on.
    pub format: String,
    pub encoding: String,
    pub delimiter: Option<char>,
    /// The quote character of a table, if it has one.
    pub quote: Option<char>,
    pub columns: usize,
    pub rows: u64,
}

/// The result of trying the key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CheckedKey {
    /// There is no key, so no request was sent.
    #[default]
    Missing,
    Accepted {
        base_url: String,
        /// Customers of the account, if the API says so.
        customers: Option<u64>,
    },
    Failed {
        message: String,
    },
}

/// What is in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedColumn {
    pub input: String,
    pub column: String,
    /// The attributes that use it.
    pub used_for: Vec<String>,
    pub rows: u64,
    pub filled: u64,
    /// The number of distinct values, or None if there are more than are counted.
    pub distinct: Option<u64>,
    /// What its cells look like.
    pub looks_like: String,
    /// Characters of the longest value.
    pub longest: usize,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    hcsync_check: u32,
    #[serde(flatten)]
    report: &'a CheckReport,
}

/// Writes the report for `--output json`, one line.
///
/// # Errors
/// When the writer fails.
pub fn write_check(out: impl Write, report: &CheckReport) -> io::Result<()> {
    let json = CheckJson {
        hcsync_check: 1,
        report,
    };
    write_line(out, &json)
}

/// The report as text: how the input is read, what is wrong with it, what it holds. Of each problem `examples` rows are
/// listed.
#[must_use]
pub fn render_check(report: &CheckReport, examples: usize, view: View) -> String {
    let mut page = Page::new(view);
    headline(&mut page, report);
    page.heading("Config and key");
    let none = "no config file; columns are mapped by their names";
    let config = report.config.as_deref();
    page.item("  config  ", config.unwrap_or(none), Style::Plain);
    state(&mut page, &report.state);
    key(&mut page, &report.key);
    inputs(&mut page, report);
    mapping(&mut page, report);
    bad_rows(&mut page, report, examples);
    columns(&mut page, report);
    page.finish()
}

fn headline(page: &mut Page, report: &CheckReport) {
    let rows = plural(report.rows, "row", "rows");
    let (text, style) = match report.bad_rows {
        0 if report.inputs.is_empty() => ("The config is valid".to_owned(), Style::Good),
        0 => (format!("All good: {rows} checked"), Style::Good),
        bad => (
            format!("{} of {rows} would be rejected", human_count(bad)),
            Style::Bad,
        ),
    };
    page.item("", &text, style);
    if report.skipped_rows > 0 {
        let skipped = plural(report.skipped_rows, "duplicate row", "duplicate rows");
        let text = format!("{skipped} would be skipped or merged, as `rows.duplicates` says");
        page.item("", &text, Style::Plain);
    }
    if report.rows > 0 {
        let scope = "Rows were compared with each other only. `hcsync plan` also compares them with the customers in HelpCrunch.";
        page.item("", scope, Style::Dim);
    }
}

fn state(page: &mut Page, state: &CheckedState) {
    page.item("  state   ", &state.folder, Style::Plain);
    if let Some(newest) = state.resumable.first() {
        let waiting = plural(state.resumable.len() as u64, "run was", "runs were");
        page.item(
            "          ",
            &format!("{waiting} interrupted:"),
            Style::Warn,
        );
        page.item(
            "          ",
            &format!("hcsync resume {newest}"),
            Style::Plain,
        );
    }
}

fn key(page: &mut Page, key: &CheckedKey) {
    let lead = "  key     ";
    match key {
        CheckedKey::Missing => {
            page.item(lead, "none found, so the API was not tried", Style::Plain);
        }
        CheckedKey::Accepted {
            base_url,
            customers,
        } => {
            let customers = customers.map(|n| format!(": {}", plural(n, "customer", "customers")));
            let text = format!("accepted by {base_url}{}", customers.unwrap_or_default());
            page.item(lead, &text, Style::Good);
        }
        CheckedKey::Failed { message } => page.item(lead, message, Style::Bad),
    }
}

fn inputs(page: &mut Page, report: &CheckReport) {
    if report.inputs.is_empty() {
        return;
    }
    page.heading("Input");
    for input in &report.inputs {
        let delimiter = input.delimiter.map(|c| match c {
            '\t' => ", separated by tabs".to_owned(),
            c => format!(", separated by `{c}`"),
        });
        let quote = match (input.delimiter, input.quote) {
            (None, _) | (Some(_), Some('"')) => String::new(),
            (Some(_), Some(c)) => format!(", enclosed by `{c}`"),
            (Some(_), None) => ", without quotes".to_owned(),
        };
        let text = format!(
            "{}: {}, {}{}{quote}; {}, {}",
            input.path,
            input.format,
            input.encoding,
            delimiter.unwrap_or_default(),
            plural(input.columns as u64, "column", "columns"),
            plural(input.rows, "row", "rows"),
        );
        page.item("  ", &text, Style::Plain);
    }
    for note in &report.notes {
        page.item("  - ", note, Style::Plain);
    }
}

fn mapping(page: &mut Page, report: &CheckReport) {
    if report.mapping.is_empty() {
        return;
    }
    page.heading("Fields and their columns");
    let labels = report.mapping.iter().map(|(attribute, _)| attribute);
    let width = labels.map(|a| text_width(&clean(a))).max().unwrap_or(0);
    let width = width.min(page.width() * 2 / 5);
    for (attribute, columns) in &report.mapping {
        let attribute = clean(attribute);
        let attribute = shorten_end(&attribute, width);
        let lead = format!("  {attribute}{}  ", padding(&attribute, width));
        page.item(&lead, &names(columns), Style::Plain);
    }
    if !report.ignored_columns.is_empty() {
        let ignored = format!("ignored: {}", names(&report.ignored_columns));
        page.item("  ", &ignored, Style::Dim);
    }
}

fn names(columns: &[String]) -> String {
    let names: Vec<_> = columns.iter().map(|column| name(column)).collect();
    names.join(", ")
}

fn bad_rows(page: &mut Page, report: &CheckReport, examples: usize) {
    if report.bad.is_empty() {
        return;
    }
    page.heading("Rows that would be rejected");
    for bad in &report.bad {
        let lead = format!("  {}  ", human_count(bad.count));
        let code = clean(&bad.code);
        let column = bad.column.as_ref().map(|c| format!(", column {}", name(c)));
        let title = format!(
            "{}: {}{}",
            bad.kind.as_str(),
            shorten_end(&code, 32),
            column.unwrap_or_default()
        );
        page.led((&lead, Style::Bad), &title, Style::Plain);
        let margin = " ".repeat(text_width(&lead));
        page.item(&margin, &bad.message, Style::Plain);
        for row in bad.rows.iter().take(examples) {
            bad_row(page, &margin, row);
        }
        let rest = bad.count.saturating_sub(examples as u64);
        if rest > 0 {
            let rest = match examples {
                0 => plural(rest, "row", "rows"),
                _ => format!("and {}", plural(rest, "more row", "more rows")),
            };
            let rest = format!("{rest}; `--output json` lists them");
            page.item(&margin, &rest, Style::Dim);
        }
        page.item(&format!("{margin}→ "), &bad.what_to_do, Style::Plain);
    }
    let problems: u64 = report.bad.iter().map(|bad| bad.count).sum();
    if problems > report.bad_rows {
        page.item("  ", SEVERAL_PROBLEMS, Style::Dim);
    }
}

fn bad_row(page: &mut Page, margin: &str, row: &BadRow) {
    let told = row.cell.as_ref().or(row.message.as_ref());
    let is_there = told.is_some_and(|text| !text.trim().is_empty());
    let gap = if is_there { "  " } else { "" };
    let at = format!(":{}{gap}", row.line);
    let room = page.width().saturating_sub(margin.len() + at.len());
    let source = clean(&row.source);
    let source = shorten_start(&source, room / 2);
    let message = row.message.as_deref().unwrap_or_default();
    let cell = row.cell.as_deref().unwrap_or(message);
    let cell = clean(cell);
    let cell_room = room.saturating_sub(text_width(&source));
    let cell = shorten_middle(&cell, cell_room);
    page.line(&[
        (margin, Style::Plain),
        (&source, Style::Dim),
        (&at, Style::Dim),
        (&cell, Style::Warn),
    ]);
}

/// Columns that a name may take in the table.
const NAME_WIDTH: usize = 26;
const KIND_WIDTH: usize = 22;

fn columns(page: &mut Page, report: &CheckReport) {
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
    let name = shorten_end(name, NAME_WIDTH);
    let name = format!("{name}{}", padding(&name, NAME_WIDTH));
    let looks_like = shorten_end(looks_like, KIND_WIDTH);
    format!("  {name}{filled:>7}{distinct:>11}{longest:>9}   {looks_like}")
}

/// Whole percents; only all is 100 and only none is 0.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Issue, RowNumber};
    use crate::plan::previewer::Place;
    use crate::report::bad_rows::{BadRowList, MAX_KEPT};
    use crate::report::terminal::is_hidden;

    fn place(row: u64) -> Place<'static> {
        Place {
            row: RowNumber(row),
            source: "exports/customers.csv",
            line: row + 1,
        }
    }

    fn report() -> CheckReport {
        let mut list = BadRowList::default();
        let date = Issue::input("bad_date", "`firstSeen` is not a date").column("Signed up");
        for row in 1..=12 {
            list.row();
            list.add(&date, place(row), Some("31/31/2024"));
        }
        list.row();
        let ragged = Issue::input("ragged", "the row has 3 cells").hint("Quote the cell.");
        list.add(&ragged, place(40), None);
        CheckReport {
            config: Some("hcsync.toml".into()),
            state: CheckedState {
                folder: "/var/lib/hcsync".into(),
                runs: 3,
                resumable: vec!["20261120T031244Z-k3f9".into()],
            },
            inputs: vec![CheckedInput {
                path: "exports/customers.csv".into(),
                format: "csv".into(),
                encoding: "UTF-8".into(),
                delimiter: Some(';'),
                quote: Some('\''),
                columns: 2,
                rows: 1_234,
            }],
            mapping: vec![
                ("userId".into(), vec!["Kundennummer".into()]),
                ("firstSeen".into(), vec!["Signed up".into()]),
            ],
            ignored_columns: vec!["x".into()],
            notes: vec!["encoding guessed: windows-1252".into()],
            key: CheckedKey::Accepted {
                base_url: "https://api.helpcrunch.com/v1".into(),
                customers: Some(12_000),
            },
            rows: 1_234,
            bad_rows: list.rows(),
            skipped_rows: 1,
            bad: list.finish(),
            columns: vec![CheckedColumn {
                input: "exports/customers.csv".into(),
                column: "Signed up".into(),
                used_for: vec!["firstSeen".into()],
                rows: 1_234,
                filled: 1_230,
                distinct: None,
                looks_like: "date, form unclear".into(),
                longest: 10,
            }],
        }
    }

    #[test]
    fn a_report_in_80_columns() {
        insta::assert_snapshot!(render_check(&report(), 10, View::default()), @r#"
        13 of 1,234 rows would be rejected
        1 duplicate row would be skipped or merged, as `rows.duplicates` says
        Rows were compared with each other only. `hcsync plan` also compares them with
        the customers in HelpCrunch.

        Config and key
          config  hcsync.toml
          state   /var/lib/hcsync
                  1 run was interrupted:
                  hcsync resume 20261120T031244Z-k3f9
          key     accepted by https://api.helpcrunch.com/v1: 12,000 customers

        Input
          exports/customers.csv: csv, UTF-8, separated by `;`, enclosed by `'`; 2
          columns, 1,234 rows
          - encoding guessed: windows-1252

        Fields and their columns
          userId     `Kundennummer`
          firstSeen  `Signed up`
          ignored: `x`

        Rows that would be rejected
          12  input: bad_date, column `Signed up`
              `firstSeen` is not a date
              exports/customers.csv:2  31/31/2024
              exports/customers.csv:3  31/31/2024
              exports/customers.csv:4  31/31/2024
              exports/customers.csv:5  31/31/2024
              exports/customers.csv:6  31/31/2024
              exports/customers.csv:7  31/31/2024
              exports/customers.csv:8  31/31/2024
              exports/customers.csv:9  31/31/2024
              exports/customers.csv:10  31/31/2024
              exports/customers.csv:11  31/31/2024
              and 2 more rows; `--output json` lists them
              → Fix the value, or set its `format` in the config.
          1  input: ragged
             the row has 3 cells
             exports/customers.csv:41
             → Quote the cell.

        Columns of exports/customers.csv
          column                     filled   distinct  longest   looks like
          Signed up                    99 %       many       10   date, form unclear
        "#);
    }

    #[test]
    fn without_examples_no_row_is_listed() {
        let text = render_check(&report(), 0, View::default());
        assert!(
            !text.contains("31/31/2024") && !text.contains("customers.csv:2"),
            "{text}"
        );
        assert!(
            text.contains("12 rows; `--output json` lists them"),
            "{text}"
        );
    }

    #[test]
    fn a_config_alone_is_short() {
        let text = render_check(&CheckReport::default(), 10, View::default());
        insta::assert_snapshot!(text, @r#"
        The config is valid

        Config and key
          config  no config file; columns are mapped by their names
          key     none found, so the API was not tried
        "#);
    }

    #[test]
    fn json_lists_every_row_that_was_kept() {
        let mut out = Vec::new();
        write_check(&mut out, &report()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["bad_rows"], 13);
        assert_eq!(json["bad"][0]["rows"].as_array().unwrap().len(), 12);
        assert_eq!(json["bad"][0]["rows"][0]["cell"], "31/31/2024");
        assert_eq!(json["key"]["state"], "accepted");
        assert_eq!(json["columns"][0]["filled"], 1_230);
    }

    #[test]
    fn a_file_of_bad_rows_alone_is_counted_and_not_kept() {
        let mut list = BadRowList::default();
        for row in 0..150_000 {
            list.row();
            let issue = Issue::input(format!("code {}", row % 3), "message");
            list.add(&issue, place(row), None);
        }
        let bad = list.finish();
        assert_eq!(bad.iter().map(|b| b.count).sum::<u64>(), 150_000);
        assert_eq!(bad.iter().map(|b| b.rows.len()).sum::<usize>(), MAX_KEPT);
    }

    #[test]
    fn percents_do_not_flatter() {
        let percents = [(0, 9), (1, 1_000), (999, 1_000), (9, 9), (0, 0)];
        let texts = percents.map(|(part, whole)| percent(part, whole));
        assert_eq!(texts, ["0 %", "<1 %", "99 %", "100 %", "0 %"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_none_hides(
            texts in proptest::collection::vec("\\PC{0,40}|(?s).{0,20}", 8),
            width in 40_usize..120,
        ) {
            let mut report = report();
            report.inputs[0].path = texts[0].clone();
            report.mapping[0].0 = texts[1].clone();
            report.columns[0].column = texts[2].clone();
            report.columns[0].input = texts[3].clone();
            report.notes = vec![texts[4].clone(), texts[5].clone()];
            report.bad[0].rows[0].source = texts[6].clone();
            report.bad[0].rows[0].cell = Some(texts[7].clone());
            for line in render_check(&report, 10, View::new(width, false)).lines() {
                prop_assert!(!line.chars().any(is_hidden), "{line:?}");
                prop_assert!(text_width(line) <= width, "{line:?}");
            }
        }
    }
}
