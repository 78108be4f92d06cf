use crate::plan::{Estimate, MissingFigures, PlanCounts, Preview, RemoteFacts};

use super::cause_list::name;
use super::page::{TextPage, View};
use super::screen::{describe_target, render_first, render_left_out};
use super::terminal::{Style, human_count, human_duration, plural};
use super::{preview_attention, preview_changes, preview_examples};
use crate::domain::local_time::local_time;

/// Ignored columns that are listed; `--output json` has them all.
const MAX_IGNORED: usize = 20;

/// Lines that are left for the question below the first screen.
const QUESTION_LINES: usize = 5;

/// Returns the preview as text: the first screen, and below it the details unless the view is brief.
pub fn render_preview(preview: &Preview, view: View) -> String {
    let mut page = TextPage::new(view);
    let changes = changes(&preview.counts);
    let heading = Style::Heading;
    match changes.is_empty() {
        true => page.item("", &preview_headline(preview), heading),
        false => {
            let pieces = separated(&changes);
            let mut line = vec![("Plan: ", heading)];
            line.extend(pieces.iter().map(|(text, style)| (text.as_str(), *style)));
            page.pieces(&line, heading);
        }
    }
    render_facts(&mut page, preview, view);
    let items = preview_attention::items(preview, view);
    let rest = render_first(&mut page, "Needs attention", &items, QUESTION_LINES);
    match view.is_brief() {
        true => render_left_out(&mut page, rest.len()),
        false => render_rest(&mut page, preview, rest),
    }
    page.finish()
}

fn render_rest(page: &mut TextPage, preview: &Preview, rest: &[TextPage]) {
    if !rest.is_empty() {
        page.heading("More that needs attention");
    }
    rest.iter().for_each(|item| page.append(item));
    preview_changes::render(page, preview);
    render_notes(page, preview);
    render_explanation(page, preview);
    preview_examples::render(page, &preview.examples);
}

/// Customers to be changed, each kind with the sign and colour of what happens to them.
fn changes(counts: &PlanCounts) -> Vec<(String, Style)> {
    let changes = [
        ("+", counts.create, "to create", Style::Good),
        ("~", counts.patch, "to patch", Style::Warn),
        ("~", counts.tag, "to tag", Style::Warn),
        ("-", counts.untag, "to untag", Style::Bad),
        ("-", counts.delete, "to delete", Style::Bad),
    ];
    let there = changes.iter().filter(|(_, count, ..)| *count > 0);
    there
        .map(|(sign, count, word, style)| (format!("{sign}{} {word}", human_count(*count)), *style))
        .collect()
}

fn separated(pieces: &[(String, Style)]) -> Vec<(String, Style)> {
    let mut separated = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            separated.push((", ".to_owned(), Style::Plain));
        }
        separated.push(piece.clone());
    }
    separated
}

/// Returns the preview in one line.
pub fn preview_headline(preview: &Preview) -> String {
    let counts = &preview.counts;
    let changes = changes(counts);
    if !changes.is_empty() {
        let texts: Vec<_> = changes.into_iter().map(|(text, _)| text).collect();
        return format!("Plan: {}", texts.join(", "));
    }
    if preview.rows == 0 {
        return "Nothing to change: the input has no rows".to_owned();
    }
    if counts.rejected == 0 {
        return format!("Nothing to change: {}", plural(preview.rows, "row", "rows"));
    }
    match (counts.rejected == preview.rows, preview.rows) {
        (true, 1) => "The only row is rejected".to_owned(),
        (true, rows) => format!("All {} rows are rejected", human_count(rows)),
        (false, rows) => format!(
            "{} of {} rejected, and nothing to change for the others",
            human_count(counts.rejected),
            plural(rows, "row is", "rows are")
        ),
    }
}

fn render_facts(page: &mut TextPage, preview: &Preview, view: View) {
    if let Some(target) = &preview.target {
        page.item("  to        ", &describe_target(target), Style::Plain);
    }
    page.item("  rows      ", &rows(preview), Style::Plain);
    if let Some(missing) = &preview.missing {
        page.item("  missing   ", &missing_line(missing), Style::Warn);
    }
    // Every change takes a request, so none means that the estimate is unknown, as for a saved plan that is shown again.
    if preview.estimate.requests > 0 {
        page.item("  requests  ", &requests(&preview.estimate), Style::Plain);
    }
    page.item("  remote    ", &remote(&preview.remote, view), Style::Plain);
    if !preview.digest.is_empty() {
        page.exact("  digest    ", &preview.digest);
    }
}

fn rows(preview: &Preview) -> String {
    let counts = &preview.counts;
    let figures = [
        (preview.matched, "matched"),
        (counts.unchanged, "unchanged"),
        (counts.skipped, "skipped"),
        (counts.rejected, "rejected"),
    ];
    let mut parts = vec![format!("{} read", human_count(preview.rows))];
    let there = figures.iter().filter(|(count, _)| *count > 0);
    parts.extend(there.map(|(count, word)| format!("{} {word}", human_count(*count))));
    parts.join(", ")
}

fn missing_line(missing: &MissingFigures) -> String {
    let customers = plural(missing.customers, "customer", "customers");
    let passive = missing.action.passive();
    format!("{customers} that the input no longer holds, to be {passive}")
}

fn render_notes(page: &mut TextPage, preview: &Preview) {
    let repaired = preview.repaired.sentence();
    if preview.ignored_columns.is_empty() && preview.notes.is_empty() && repaired.is_none() {
        return;
    }
    page.heading("Notes");
    if !preview.ignored_columns.is_empty() {
        let shown: Vec<_> = preview
            .ignored_columns
            .iter()
            .take(MAX_IGNORED)
            .map(|c| name(c))
            .collect();
        let rest = preview.ignored_columns.len() - shown.len();
        let rest = if rest > 0 {
            format!(" and {} more", human_count(rest as u64))
        } else {
            String::new()
        };
        page.item(
            "  - ",
            &format!("ignored columns: {}{rest}", shown.join(", ")),
            Style::Plain,
        );
    }
    for note in repaired.iter().chain(&preview.notes) {
        page.item("  - ", note, Style::Plain);
    }
}

fn render_explanation(page: &mut TextPage, preview: &Preview) {
    let Some(explanation) = &preview.explain else {
        return;
    };
    page.heading("Ways to read the customers (requests after the first)");
    for candidate in &explanation.candidates {
        let taken = candidate.strategy == explanation.taken;
        let price = candidate
            .requests
            .map_or_else(|| "-".to_owned(), human_count);
        let mark = if taken { "taken" } else { "not taken" };
        let why = candidate.out.as_deref().unwrap_or(mark);
        let style = if taken { Style::Good } else { Style::Plain };
        let label = format!("  {:<10}{price:>9}  ", candidate.strategy);
        page.item(&label, why, style);
    }
    for note in &explanation.notes {
        page.item("  - ", note, Style::Warn);
    }
}

fn requests(estimate: &Estimate) -> String {
    let mut text = plural(estimate.requests, "request", "requests");
    match estimate.requests_per_minute {
        Some(limit) => {
            let (time, limit) = (
                human_duration(estimate.duration_s),
                human_count(limit.into()),
            );
            let about = if estimate.duration_s < 1.0 {
                ""
            } else {
                "about "
            };
            text.push_str(&format!(", {about}{time} at {limit} a minute"));
        }
        None => text.push_str(", with no rate limit"),
    }
    if estimate.reads > 0 {
        text.push_str(&format!("; {} to read", human_count(estimate.reads)));
    }
    text
}

fn remote(remote: &RemoteFacts, view: View) -> String {
    let how = match remote.strategy.as_str() {
        "" | "none" => return "HelpCrunch was not read".to_owned(),
        "list" => "all listed",
        "lookup" => "looked up by the keys of the rows",
        "snapshot" => "from the last complete reading",
        "file" => "from a file",
        other => other,
    };
    let known = remote
        .customers
        .map(|count| plural(count, "customer", "customers"));
    let known = known.unwrap_or_else(|| "customers".to_owned());
    let as_of = remote.as_of.as_ref();
    let as_of = as_of.map(|time| format!(", as of {}", local_time(time, view.zone())));
    format!("{known}, {how}{}", as_of.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{CustomerId, IssueKind, PropertyKind, Repairs, RowKey, RowNumber};
    use crate::plan::{
        Cause, Destination, Example, Explanation, NewName, OperationKind, PlanCounts, ShownChange,
        StrategyCost, TypeChange,
    };
    use crate::report::terminal::{is_hidden, text_width};

    const DIGEST: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

    fn cause(code: &str, count: u64, column: Option<&str>) -> Cause {
        Cause {
            kind: IssueKind::Input,
            code: code.into(),
            column: column.map(Into::into),
            count,
            example_row: RowNumber(12),
            example_source: "customers.csv".into(),
            example_line: 13,
            message: "`firstSeen` is no date in the format that is given".into(),
            hint: None,
        }
    }

    fn change(field: &str, old: Option<&str>, new: Option<&str>) -> ShownChange {
        ShownChange {
            field: field.into(),
            old: old.map(Into::into),
            new: new.map(Into::into),
        }
    }

    fn new_name(name: &str, customers: u64, near: Option<&str>) -> NewName {
        NewName {
            name: name.into(),
            customers,
            near: near.map(Into::into),
        }
    }

    fn example(op: OperationKind, id: Option<u64>, changes: Vec<ShownChange>) -> Example {
        Example {
            op,
            row: RowNumber(12),
            source: "exports/2026/november/customers-of-the-whole-group.csv".into(),
            line: 13,
            key: RowKey {
                user_id: Some("u12".into()),
                ..RowKey::default()
            },
            customer_id: id.map(CustomerId),
            changes,
        }
    }

    fn examples() -> Vec<Example> {
        let long = "Antidisestablishmentarianism and Sons, Purveyors of Very Long Names since 1824";
        vec![
            example(
                OperationKind::Create,
                None,
                vec![
                    change("name", None, Some("Ann")),
                    change("notes", None, Some(long)),
                ],
            ),
            example(
                OperationKind::Patch,
                Some(542_335),
                vec![
                    change("company", Some("Example Inc."), Some("Example Ltd.")),
                    change(
                        "customData.subscription status of the account",
                        None,
                        Some("active"),
                    ),
                    change("name", Some("Eve\u{1b}[31m"), Some("\u{202e}evE\nnext")),
                    change("notes", Some(long), Some("short")),
                    change("phone", Some("+380 44 123 45 67"), None),
                ],
            ),
            example(
                OperationKind::Untag,
                Some(1),
                vec![change("tags", Some("trial"), None)],
            ),
        ]
    }

    fn full() -> Preview {
        Preview {
            target: Some(Destination {
                account: Some("production".into()),
                account_id: Some("n-production-0123456789ab".into()),
                base_url: "https://api.helpcrunch.com/v1".into(),
                ..Destination::default()
            }),
            refused: vec![],
            rows: 12_345,
            matched: 11_905,
            counts: PlanCounts {
                create: 400,
                patch: 1_200,
                tag: 56,
                untag: 7,
                delete: 0,
                unchanged: 10_666,
                rejected: 45,
                skipped: 0,
            },
            rejected_by_cause: vec![
                cause("bad_date", 40, Some("Signed up")),
                Cause {
                    message: "the row has 3 cells and the header 12".into(),
                    hint: Some("Quote the cell that holds the separator.".into()),
                    ..cause("ragged", 5, None)
                },
            ],
            changed_fields: vec![("company".into(), 1_100), ("customData.plan".into(), 150)],
            new_tags: vec![new_name("imported", 1_600, None), new_name("Leads", 12, Some("Lead"))],
            new_properties: vec![new_name("mrr", 1, None)],
            type_changes: vec![TypeChange {
                property: "vip".into(),
                from: PropertyKind::Boolean,
                to: PropertyKind::Text,
                customers: 7,
            }],
            cleared: 3,
            turned_false: 1,
            kept_true: 2,
            kept_edited: vec![("phone".into(), 12), ("customData.plan".into(), 1)],
            repaired: Repairs {
                decimals: 3,
                ..Repairs::default()
            },
            left_out: vec![("locale".into(), 3)],
            missing: None,
            ignored_columns: vec!["Internal note".into(), "x".into()],
            notes: vec![
                "PATCH is not known to merge custom data: 150 customers are read again before they are written. \
                 `hcsync probe` can spare these requests."
                    .into(),
            ],
            estimate: Estimate {
                requests: 1_234,
                reads: 134,
                duration_s: 624.0,
                requests_per_minute: Some(120),
            },
            explain: None,
            remote: RemoteFacts {
                strategy: "list".into(),
                customers: Some(12_000),
                as_of: Some("2026-11-20T03:12:50Z".into()),
            },
            digest: DIGEST.into(),
            examples: examples(),
        }
    }

    fn text(preview: &Preview) -> String {
        render_preview(preview, View::default())
    }

    #[test]
    fn a_full_preview_in_80_columns() {
        insta::assert_snapshot!(text(&full()));
    }

    #[test]
    fn the_same_in_colour() {
        let text = render_preview(&full(), View::new(80, true));
        insta::assert_snapshot!(text.replace('\u{1b}', "␛"));
    }

    #[test]
    fn the_same_in_a_narrow_terminal() {
        insta::assert_snapshot!(render_preview(&full(), View::new(44, false)));
    }

    #[test]
    fn an_empty_plan_says_so_in_one_line() {
        let empty = Preview {
            rows: 12_345,
            matched: 12_345,
            counts: PlanCounts {
                unchanged: 12_345,
                ..PlanCounts::default()
            },
            remote: full().remote,
            digest: DIGEST.into(),
            ..Preview::default()
        };
        insta::assert_snapshot!(text(&empty), @r#"
        Nothing to change: 12,345 rows
          rows      12,345 read, 12,345 matched, 12,345 unchanged
          remote    12,000 customers, all listed, as of 2026-11-20 03:12 UTC
          digest    6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
        "#);
        assert!(
            text(&Preview::default()).starts_with("Nothing to change: the input has no rows\n")
        );
    }

    #[test]
    fn only_rejected_rows() {
        let rejected = Preview {
            rows: 45,
            counts: PlanCounts {
                rejected: 45,
                ..PlanCounts::default()
            },
            rejected_by_cause: full().rejected_by_cause,
            remote: full().remote,
            ..Preview::default()
        };
        insta::assert_snapshot!(text(&rejected), @r#"
        All 45 rows are rejected
          rows      45 read, 45 rejected
          remote    12,000 customers, all listed, as of 2026-11-20 03:12 UTC

        Needs attention
          40  `firstSeen` is no date in the format that is given
              → Fix the value, or set its `format` in the config.
              e.g. customers.csv:13 (row 12); input: bad_date, column `Signed up`
           5  the row has 3 cells and the header 12
              → Quote the cell that holds the separator.
              e.g. customers.csv:13 (row 12); input: ragged
        "#);
    }

    #[test]
    fn it_says_where_rows_are_counted_more_than_once() {
        let note = "A row with several problems is counted under each of them.";
        assert!(!text(&full()).contains(note));
        let mut several = full();
        several.counts.rejected -= 1;
        assert!(text(&several).contains(note));
    }

    #[test]
    fn the_first_screen_has_24_lines_and_details_are_below() {
        let mut many = full();
        many.refused = vec!["a sync would refuse this plan: 45 of 100 rows are rejected".into()];
        many.rejected_by_cause = (0..9)
            .map(|n| cause(&format!("c{n}"), 1_000, None))
            .collect();
        for width in [44, 80, 120] {
            let view = View::new(width, false);
            let brief = render_preview(&many, view.brief(true));
            assert!(brief.lines().count() <= 24, "{brief}");
            assert!(brief.contains("would refuse"), "{brief}");
            assert!(!brief.contains("Examples"), "{brief}");
            let whole = render_preview(&many, view);
            let start = brief.lines().take_while(|line| !line.starts_with("  and "));
            assert!(whole.lines().zip(start).all(|(a, b)| a == b), "{brief}");
            // Each problem once.
            let words = whole.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words.matches("input: c3").count(), 1, "{whole}");
        }
    }

    #[test]
    fn huge_numbers_stay_aligned() {
        let max = u64::MAX / 8;
        let huge = Preview {
            rows: max,
            matched: max,
            counts: PlanCounts {
                create: max,
                patch: max,
                tag: max,
                ..PlanCounts::default()
            },
            changed_fields: vec![("a".into(), max), ("b".into(), 1)],
            estimate: Estimate {
                requests: max,
                reads: 0,
                duration_s: 1e15,
                requests_per_minute: None,
            },
            ..Preview::default()
        };
        insta::assert_snapshot!(text(&huge), @r#"
        Plan: +2,305,843,009,213,693,951 to create, ~2,305,843,009,213,693,951 to patch,
        ~2,305,843,009,213,693,951 to tag
          rows      2,305,843,009,213,693,951 read, 2,305,843,009,213,693,951 matched
          requests  2,305,843,009,213,693,951 requests, with no rate limit
          remote    HelpCrunch was not read

        Most changed fields (customers)
          a             2,305,843,009,213,693,951
          b                                     1
        "#);
    }

    #[test]
    fn long_lists_end_in_a_count_and_near_misses_come_first() {
        let mut many = full();
        many.new_tags = (0..30)
            .map(|n| new_name(&format!("t{n}"), 1, (n == 29).then_some("t")))
            .collect();
        many.rejected_by_cause = (0..12)
            .map(|n| cause(&format!("c{n}"), 1_000, None))
            .collect();
        let text = text(&many);
        assert!(
            text.contains("the tag `t29` is new (1 customer); did you mean `t`?"),
            "{text}"
        );
        assert!(text.contains("and 19 more tags"), "{text}");
        assert!(text.contains("and 2 more causes, 2,000 rows"), "{text}");
    }

    #[test]
    fn what_was_chosen_between_is_shown_where_it_is_asked_for() {
        let candidate = |strategy: &str, requests, out: Option<&str>| StrategyCost {
            strategy: strategy.into(),
            requests,
            out: out.map(Into::into),
        };
        let explain = Explanation {
            taken: "lookup".into(),
            customers: Some(750_000),
            candidates: vec![
                candidate("list", Some(7_575), None),
                candidate("lookup", Some(2), None),
                candidate("snapshot", None, Some("there is none")),
            ],
            notes: vec![],
        };
        let preview = Preview {
            explain: Some(explain),
            ..full()
        };
        let text = text(&preview);
        for line in [
            "  list          7,575  not taken\n",
            "  lookup            2  taken\n",
            "  snapshot          -  there is none\n",
        ] {
            assert!(text.contains(line), "{line:?}: {text}");
        }
    }

    #[test]
    fn json_holds_the_same_figures() {
        let mut out = Vec::new();
        super::super::write_preview(&mut out, &full()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.trim_end().chars().any(is_hidden));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["planned"]["patch"], 1_200);
        assert_eq!(
            json["changed_fields"][0],
            serde_json::json!({"field": "company", "customers": 1_100})
        );
        assert_eq!(json["rejected_by_cause"][1]["code"], "ragged");
        assert_eq!(json["new_tags"][1]["near"], "Lead");
        assert_eq!(json["repaired"]["decimals"], 3);
        assert_eq!(json["estimate"]["requests"], 1_234);
        assert_eq!(json["plan_digest"], DIGEST);
        let read: Vec<Example> = serde_json::from_value(json["examples"].clone()).unwrap();
        assert_eq!(read, examples());
    }

    fn without_colour(text: &str) -> String {
        let codes = [
            "\u{1b}[0m",
            "\u{1b}[1m",
            "\u{1b}[2m",
            "\u{1b}[31m",
            "\u{1b}[32m",
            "\u{1b}[33m",
        ];
        codes
            .iter()
            .fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_nothing_hides(
            texts in proptest::collection::vec("\\PC{0,30}|[a-z ]{0,90}|(?s).{0,20}", 12),
            width in 40_usize..120,
            count: u32,
        ) {
            let mut preview = full();
            let text = |n: usize| texts[n].clone();
            preview.rows = count.into();
            preview.counts.patch = u64::from(count) + 1;
            preview.rejected_by_cause = vec![Cause {
                message: text(0),
                hint: Some(text(1)),
                example_source: text(2),
                ..cause(&texts[3], count.into(), Some(&texts[4]))
            }];
            preview.changed_fields = vec![(text(5), count.into())];
            preview.new_tags = vec![new_name(&texts[6], count.into(), Some(&texts[7]))];
            preview.ignored_columns = vec![text(8), text(9)];
            preview.notes = vec![text(10)];
            preview.examples[1].changes = vec![change(&texts[11], Some(&texts[0]), Some(&texts[1]))];
            preview.examples[1].key.email = Some(text(2));
            let plain = render_preview(&preview, View::new(width, false));
            for line in plain.lines().filter(|line| !line.contains(DIGEST)) {
                prop_assert!(text_width(line) <= width, "{line:?}");
                prop_assert!(!line.chars().any(is_hidden), "{line:?}");
            }
            prop_assert_eq!(without_colour(&render_preview(&preview, View::new(width, true))), plain);
        }
    }
}
