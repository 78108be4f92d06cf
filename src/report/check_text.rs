use super::bad_rows::{BadRow, BadRows};
use super::cause_list::{NAME_WIDTH, SEVERAL_PROBLEMS, name};
use super::check_columns::render_columns;
use super::check_report::{CheckReport, CheckedKey, CheckedState, check_headline, unchecked};
use super::page::{TextPage, View};
use super::terminal::{
    Style, clean, human_count, padding, plural, shorten_end, shorten_middle, shorten_start,
    text_width,
};

/// Returns the report as text: how the input is read, what is wrong with it, what its columns contain. Each problem lists up to
/// `examples` rows.
pub fn render_check(report: &CheckReport, examples: usize, view: View) -> String {
    let mut page = TextPage::new(view);
    render_headline(&mut page, report);
    page.heading("Config and key");
    let none = "no config file; columns are mapped by their names";
    let config = report.config.as_deref();
    page.item("  config  ", config.unwrap_or(none), Style::Plain);
    render_state(&mut page, &report.state);
    render_key(&mut page, &report.key);
    render_inputs(&mut page, report);
    render_mapping(&mut page, report);
    render_bad_rows(&mut page, report, examples);
    render_columns(&mut page, report);
    page.finish()
}

fn render_headline(page: &mut TextPage, report: &CheckReport) {
    let style = if report.bad_rows == 0 {
        Style::Good
    } else {
        Style::Bad
    };
    page.item("", &check_headline(report), style);
    if report.skipped_rows > 0 {
        let skipped = plural(report.skipped_rows, "row", "rows");
        let text =
            format!("{skipped} would be left out, as `rows.where` or `rows.duplicates` says");
        page.item("", &text, Style::Plain);
    }
    let unchecked = unchecked(report);
    if !unchecked.is_empty() {
        page.item(
            "",
            &format!("Not checked: {}", unchecked.join("; ")),
            Style::Warn,
        );
    }
}

fn render_state(page: &mut TextPage, state: &CheckedState) {
    page.item("  state   ", &state.folder, Style::Plain);
    if let Some(command) = &state.resume {
        let waiting = plural(state.resumable.len() as u64, "run was", "runs were");
        page.item(
            "          ",
            &format!("{waiting} interrupted:"),
            Style::Warn,
        );
        page.exact("          ", command);
    }
}

fn render_key(page: &mut TextPage, key: &CheckedKey) {
    let lead = "  key     ";
    match key {
        CheckedKey::Missing => {
            page.item(lead, "none found, so the API was not tried", Style::Warn);
        }
        CheckedKey::Accepted {
            base_url,
            customers,
            organization,
        } => {
            let name = organization.iter();
            let name = name.map(|name| format!(" for the account {name}"));
            let customers = customers.iter();
            let customers = customers.map(|n| format!(": {}", plural(*n, "customer", "customers")));
            let text: String = name.chain(customers).collect();
            let text = format!("accepted by {base_url}{text}");
            page.item(lead, &text, Style::Good);
        }
        CheckedKey::Failed { message } => page.item(lead, message, Style::Bad),
    }
}

fn render_inputs(page: &mut TextPage, report: &CheckReport) {
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

fn render_mapping(page: &mut TextPage, report: &CheckReport) {
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

fn render_bad_rows(page: &mut TextPage, report: &CheckReport, examples: usize) {
    if report.bad.is_empty() {
        return;
    }
    page.heading("Rows that would be rejected");
    for bad in &report.bad {
        render_problem(page, bad, examples);
    }
    let problems: u64 = report.bad.iter().map(|bad| bad.count).sum();
    if problems > report.bad_rows {
        page.item("  ", SEVERAL_PROBLEMS, Style::Dim);
    }
}

fn render_problem(page: &mut TextPage, bad: &BadRows, examples: usize) {
    let lead = format!("  {}  ", human_count(bad.count));
    let code = clean(&bad.code);
    let column = bad.column.as_ref().map(|c| format!(", column {}", name(c)));
    let title = format!(
        "{}: {}{}",
        bad.kind.as_str(),
        shorten_end(&code, NAME_WIDTH),
        column.unwrap_or_default()
    );
    page.led((&lead, Style::Bad), &bad.message, Style::Plain);
    let margin = " ".repeat(text_width(&lead));
    for row in bad.rows.iter().take(examples) {
        render_bad_row(page, &margin, row);
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
    page.item(&margin, &title, Style::Dim);
}

fn render_bad_row(page: &mut TextPage, margin: &str, row: &BadRow) {
    let shown = row.cell.as_ref().or(row.message.as_ref());
    let shown = clean(shown.map_or("", String::as_str));
    let gap = if shown.trim().is_empty() { "" } else { "  " };
    let at = format!(":{}{gap}", row.line);
    let room = page.width().saturating_sub(margin.len() + at.len());
    let source = clean(&row.source);
    let source = shorten_start(&source, room / 2);
    let cell_room = room.saturating_sub(text_width(&source));
    let shown = shorten_middle(&shown, cell_room);
    page.line(&[
        (margin, Style::Plain),
        (&source, Style::Dim),
        (&at, Style::Dim),
        (&shown, Style::Warn),
    ]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::check_report::CheckedColumn;
    use super::*;
    use crate::domain::{Issue, RowNumber};
    use crate::plan::RowPlace;
    use crate::report::bad_rows::{BadRowList, MAX_KEPT};
    use crate::report::check_report::{CheckedInput, CheckedState, write_check};
    use crate::report::terminal::is_hidden;

    fn place(row: u64) -> RowPlace<'static> {
        RowPlace {
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
                resume: Some("hcsync resume 20261120T031244Z-k3f9".into()),
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
                organization: Some("Example Inc.".into()),
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
        1 row would be left out, as `rows.where` or `rows.duplicates` says
        Not checked: matches and conflicts with the customers in HelpCrunch (`hcsync
        plan` compares them)

        Config and key
          config  hcsync.toml
          state   /var/lib/hcsync
                  1 run was interrupted:
                  hcsync resume 20261120T031244Z-k3f9
          key     accepted by https://api.helpcrunch.com/v1 for the account Example
                  Inc.: 12,000 customers

        Input
          exports/customers.csv: csv, UTF-8, separated by `;`, enclosed by `'`; 2
          columns, 1,234 rows
          - encoding guessed: windows-1252

        Fields and their columns
          userId     `Kundennummer`
          firstSeen  `Signed up`
          ignored: `x`

        Rows that would be rejected
          12  `firstSeen` is not a date
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
              input: bad_date, column `Signed up`
          1  the row has 3 cells
             exports/customers.csv:41
             → Quote the cell.
             input: ragged

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
        Not checked: an input (none was named); the API key (none was found)

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
    fn a_file_of_bad_rows_is_counted_but_not_listed_in_full() {
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

    proptest! {
        #[test]
        fn no_line_is_too_wide_or_has_hidden_characters(
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
