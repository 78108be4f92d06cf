use crate::plan::{Estimate, NewName, Preview, RemoteFacts};

use super::cause_list::{self, name};
use super::page::{Figure, Page, View};
use super::preview_examples;
use super::terminal::{Style, human_count, human_duration, plural};

/// Names that a list shows; `--output json` holds them all.
const MOST: usize = 10;

/// The plan as a text: figures first, examples last.
#[must_use]
pub fn render_preview(preview: &Preview, view: View) -> String {
    let mut page = Page::new(view);
    page.item("", &headline(preview), Style::Heading);
    if preview.counts.has_changes() {
        figures(&mut page, preview);
    }
    rejected(&mut page, preview);
    changed_fields(&mut page, preview);
    new_names(&mut page, preview);
    type_changes(&mut page, preview);
    losses(&mut page, preview);
    left_out(&mut page, preview);
    notes(&mut page, preview);
    this_plan(&mut page, preview);
    explanation(&mut page, preview);
    preview_examples::render(&mut page, &preview.examples);
    page.finish()
}

fn headline(preview: &Preview) -> String {
    let counts = &preview.counts;
    let parts = |list: &[(u64, &str)]| {
        let there = list.iter().filter(|(count, _)| *count > 0);
        there
            .map(|(count, word)| format!("{} {word}", human_count(*count)))
            .collect::<Vec<_>>()
    };
    if counts.has_changes() {
        let changes = [
            (counts.create, "to create"),
            (counts.patch, "to patch"),
            (counts.tag, "to tag"),
            (counts.untag, "to untag"),
        ];
        return format!("Plan: {}", parts(&changes).join(", "));
    }
    if preview.rows == 0 {
        return "Nothing to change: the input has no rows".to_owned();
    }
    let rows = [
        (preview.matched, "matched"),
        (counts.unchanged, "unchanged"),
        (counts.rejected, "rejected"),
        (counts.skipped, "skipped"),
    ];
    let read = plural(preview.rows, "row", "rows");
    format!(
        "Nothing to change: {read} read, {}",
        parts(&rows).join(", ")
    )
}

fn figures(page: &mut Page, preview: &Preview) {
    let counts = &preview.counts;
    let rows = [
        Figure::new("read", preview.rows, Style::Plain),
        Figure::new("matched", preview.matched, Style::Plain),
        Figure::new("unchanged", counts.unchanged, Style::Plain),
        Figure::new("skipped", counts.skipped, Style::Warn),
        Figure::new("rejected", counts.rejected, Style::Bad),
    ];
    let customers = [
        Figure::new("create", counts.create, Style::Good),
        Figure::new("patch", counts.patch, Style::Good),
        Figure::new("tag", counts.tag, Style::Good),
        Figure::new("untag", counts.untag, Style::Warn),
    ];
    page.figures_beside(("Rows", &rows), ("Customers", &customers));
}

fn rejected(page: &mut Page, preview: &Preview) {
    if preview.rejected_by_cause.is_empty() {
        return;
    }
    page.heading("Rejected rows (never sent)");
    let causes: Vec<_> = preview
        .rejected_by_cause
        .iter()
        .map(|c| (c, None))
        .collect();
    cause_list::list(page, &causes, Style::Bad);
    let problems: u64 = preview.rejected_by_cause.iter().map(|c| c.count).sum();
    if problems > preview.counts.rejected {
        page.item("  ", cause_list::SEVERAL_PROBLEMS, Style::Dim);
    }
}

fn changed_fields(page: &mut Page, preview: &Preview) {
    if preview.changed_fields.is_empty() {
        return;
    }
    page.heading("Most changed fields (customers)");
    let fields = preview.changed_fields.iter().take(MOST);
    let fields: Vec<_> = fields
        .map(|(field, count)| Figure::new(field, *count, Style::Plain))
        .collect();
    page.figures(&fields);
    more(page, preview.changed_fields.len(), "field", "fields");
}

fn more(page: &mut Page, all: usize, one: &str, many: &str) {
    let rest = all.saturating_sub(MOST) as u64;
    if rest > 0 {
        let noun = plural(rest, &format!("more {one}"), &format!("more {many}"));
        page.item("  ", &format!("and {noun}"), Style::Dim);
    }
}

fn new_names(page: &mut Page, preview: &Preview) {
    let lists = [
        (
            "New tags (no known customer has them yet)",
            &preview.new_tags,
            "tag",
            "tags",
        ),
        (
            "New properties (no known customer has them yet)",
            &preview.new_properties,
            "property",
            "properties",
        ),
    ];
    for (heading, names, one, many) in lists {
        if names.is_empty() {
            continue;
        }
        page.heading(heading);
        // A near miss is what this list is for: it is never among those that are left out.
        let (near, plain): (Vec<_>, Vec<_>) = names.iter().partition(|n| n.near.is_some());
        for new in near.into_iter().chain(plain).take(MOST) {
            let style = if new.near.is_some() {
                Style::Warn
            } else {
                Style::Plain
            };
            page.item("  ", &new_name(new), style);
        }
        more(page, names.len(), one, many);
    }
}

fn new_name(new: &NewName) -> String {
    let customers = plural(new.customers, "customer", "customers");
    let text = format!("{} is new: {customers}", name(&new.name));
    match &new.near {
        Some(near) => format!("{text}; did you mean {}?", name(near)),
        None => text,
    }
}

fn type_changes(page: &mut Page, preview: &Preview) {
    if preview.type_changes.is_empty() {
        return;
    }
    page.heading("Properties whose type would change");
    for change in preview.type_changes.iter().take(MOST) {
        let (property, customers) = (
            name(&change.property),
            plural(change.customers, "customer", "customers"),
        );
        let (from, to) = (change.from.as_str(), change.to.as_str());
        let text = format!("{property} from {from} to {to}: {customers}");
        page.item("  ", &text, Style::Warn);
    }
    more(page, preview.type_changes.len(), "property", "properties");
}

fn losses(page: &mut Page, preview: &Preview) {
    let kept = preview.kept_true;
    let stays = if kept == 1 { "stays" } else { "stay" };
    let (cleared, turned) = (
        plural(preview.cleared, "customer", "customers"),
        plural(preview.turned_false, "value", "values"),
    );
    let lines = [
        (
            preview.cleared,
            format!("{cleared} would lose a value"),
            Style::Bad,
        ),
        (
            preview.turned_false,
            format!("{turned} would turn from true to false"),
            Style::Bad,
        ),
        (
            kept,
            format!(
                "{} {stays} true, though the row says false",
                plural(kept, "value", "values")
            ),
            Style::Plain,
        ),
    ];
    if lines.iter().all(|(count, ..)| *count == 0) && preview.kept_edited.is_empty() {
        return;
    }
    page.heading("Values that will be cleared or kept");
    for (_, line, style) in lines.iter().filter(|(count, ..)| *count > 0) {
        page.item("  ", line, *style);
    }
    if !preview.kept_edited.is_empty() {
        page.item("  ", &kept_edited(&preview.kept_edited), Style::Plain);
    }
}

fn left_out(page: &mut Page, preview: &Preview) {
    if preview.left_out.is_empty() {
        return;
    }
    page.heading("Values that do not fit and are left out, in rows");
    let fields = preview.left_out.iter().take(MOST);
    let fields: Vec<_> = fields
        .map(|(field, rows)| Figure::new(field, *rows, Style::Warn))
        .collect();
    page.figures(&fields);
    more(page, preview.left_out.len(), "field", "fields");
}

fn kept_edited(fields: &[(String, u64)]) -> String {
    let total = fields.iter().map(|(_, count)| count).sum();
    let shown = fields.iter().take(MOST);
    let mut shown: Vec<_> = shown
        .map(|(field, count)| format!("{} {count}", name(field)))
        .collect();
    let more = fields.len().saturating_sub(MOST);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    format!(
        "kept: {} edited in HelpCrunch ({})",
        plural(total, "value", "values"),
        shown.join(", ")
    )
}

fn notes(page: &mut Page, preview: &Preview) {
    let repaired = preview.repaired.sentence();
    if preview.ignored_columns.is_empty() && preview.notes.is_empty() && repaired.is_none() {
        return;
    }
    page.heading("Notes");
    if !preview.ignored_columns.is_empty() {
        let shown: Vec<_> = preview
            .ignored_columns
            .iter()
            .take(2 * MOST)
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

fn this_plan(page: &mut Page, preview: &Preview) {
    page.heading("This plan");
    // Every change takes a request: none at all means that the estimate is not known, as of a plan that is shown again.
    if preview.estimate.requests > 0 {
        page.item("  requests  ", &requests(&preview.estimate), Style::Plain);
    }
    page.item("  remote    ", &remote(&preview.remote), Style::Plain);
    if !preview.digest.is_empty() {
        page.exact("  digest    ", &preview.digest);
    }
}

fn explanation(page: &mut Page, preview: &Preview) {
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

fn remote(remote: &RemoteFacts) -> String {
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
    let as_of = remote.as_of.as_ref().map(|time| format!(", as of {time}"));
    format!("{known}, {how}{}", as_of.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{CustomerId, IssueKind, PropertyKind, Repairs, RowKey, RowNumber};
    use crate::plan::{
        Candidate, Cause, Example, Explanation, OperationKind, PlanCounts, ShownChange, TypeChange,
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
            rows: 12_345,
            matched: 11_905,
            counts: PlanCounts {
                create: 400,
                patch: 1_200,
                tag: 56,
                untag: 7,
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
        Nothing to change: 12,345 rows read, 12,345 matched, 12,345 unchanged

        This plan
          remote    12,000 customers, all listed, as of 2026-11-20T03:12:50Z
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
        Nothing to change: 45 rows read, 45 rejected

        Rejected rows (never sent)
          40  input: bad_date, column `Signed up`
              `firstSeen` is no date in the format that is given
              e.g. customers.csv:13 (row 12)
              → Fix the value, or set its `format` in the config.
           5  input: ragged
              the row has 3 cells and the header 12
              e.g. customers.csv:13 (row 12)
              → Quote the cell that holds the separator.

        This plan
          remote    12,000 customers, all listed, as of 2026-11-20T03:12:50Z
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
        Plan: 2,305,843,009,213,693,951 to create, 2,305,843,009,213,693,951 to patch,
        2,305,843,009,213,693,951 to tag

        Rows
          read          2,305,843,009,213,693,951
          matched       2,305,843,009,213,693,951
          unchanged                             0
          skipped                               0
          rejected                              0

        Customers
          create        2,305,843,009,213,693,951
          patch         2,305,843,009,213,693,951
          tag           2,305,843,009,213,693,951
          untag                                 0

        Most changed fields (customers)
          a             2,305,843,009,213,693,951
          b                                     1

        This plan
          requests  2,305,843,009,213,693,951 requests, with no rate limit
          remote    HelpCrunch was not read
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
            text.contains("`t29` is new: 1 customer; did you mean `t`?"),
            "{text}"
        );
        assert!(text.contains("and 20 more tags"), "{text}");
        assert!(text.contains("and 2 more causes, 2,000 rows"), "{text}");
    }

    #[test]
    fn what_was_chosen_between_is_shown_where_it_is_asked_for() {
        let candidate = |strategy: &str, requests, out: Option<&str>| Candidate {
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
