use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::super::bad_rows::BadRows;
use super::super::page_facts::{PageFacts, code, places};
use super::super::terminal::{clean, human_count};
use super::chart::{Chart, stacked};
use super::packed_changes::{PackedChanges, ShownValues};
use super::report_charts::charts;
use super::shell::write_page;

/// Places of rows that are listed for each cause.
const MAX_PLACES: usize = 20;

#[derive(Serialize)]
struct ReportPage<'a> {
    title: String,
    verdict: String,
    verdict_class: &'static str,
    personal: bool,
    facts: Vec<Labelled>,
    rows: String,
    outcome_bar: String,
    outcomes: Vec<Labelled>,
    charts: Vec<Chart>,
    causes: Vec<CausePart>,
    warnings: Vec<CausePart>,
    notes: Vec<String>,
    changes: ChangesPart<'a>,
}

#[derive(Serialize)]
struct Labelled {
    label: &'static str,
    text: String,
    count: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct CausePart {
    count: String,
    message: String,
    what_to_do: String,
    code: String,
    places: String,
    /// Rejected rows as they are in the input, if they are shown.
    rows: Vec<RowPart>,
}

#[derive(Serialize)]
struct RowPart {
    place: String,
    text: String,
}

#[derive(Serialize)]
struct ChangesPart<'a> {
    count: u64,
    listed: String,
    left_out: u64,
    values: &'static str,
    link: &'a str,
    /// JSON.
    sources: String,
    choices: Vec<FilterPart>,
    blocks: &'a [String],
}

#[derive(Serialize)]
struct FilterPart {
    id: &'static str,
    label: &'static str,
    options: Vec<String>,
}

/// Writes a plan or run as a page with a table of its changes. `link` is the address of a customer in HelpCrunch, with `{id}`.
pub fn write_report_page(
    out: impl Write,
    facts: &PageFacts<'_>,
    changes: &PackedChanges,
    link: Option<&str>,
) -> io::Result<()> {
    let outcomes = facts.outcomes();
    let parts: Vec<_> = outcomes
        .iter()
        .map(|(_, count, kind)| (*count, *kind))
        .collect();
    let page = ReportPage {
        title: facts.title(),
        verdict: facts.verdict(),
        verdict_class: facts.verdict_class(),
        personal: match changes.values {
            ShownValues::None => false,
            ShownValues::Changed => changes.listed > 0,
            ShownValues::All => true,
        },
        facts: facts.facts().into_iter().map(labelled).collect(),
        rows: facts.rows(),
        outcome_bar: stacked(&parts),
        outcomes: outcomes.into_iter().map(counted).collect(),
        charts: charts(facts),
        causes: facts.errors.iter().map(cause).collect(),
        warnings: facts.warnings.iter().map(cause).collect(),
        notes: facts.notes(),
        changes: changes_part(changes, link),
    };
    write_page(out, include_str!("report.html"), &page)
}

fn labelled((label, text): (&'static str, String)) -> Labelled {
    Labelled {
        label,
        text,
        count: String::new(),
        kind: "",
    }
}

fn counted((label, count, kind): (&'static str, u64, &'static str)) -> Labelled {
    Labelled {
        label,
        text: String::new(),
        count: human_count(count),
        kind,
    }
}

fn cause(bad: &BadRows) -> CausePart {
    let rows = bad.rows.iter().take(MAX_PLACES);
    let rows = rows.filter_map(|row| {
        let text = clean(row.cell.as_ref()?).into_owned();
        let place = clean(&format!("{}:{}", row.source, row.line)).into_owned();
        Some(RowPart { place, text })
    });
    CausePart {
        count: human_count(bad.count),
        message: clean(&bad.message).into_owned(),
        what_to_do: clean(&bad.what_to_do).into_owned(),
        code: code(bad),
        places: places(bad, MAX_PLACES),
        rows: rows.collect(),
    }
}

fn changes_part<'a>(changes: &'a PackedChanges, link: Option<&'a str>) -> ChangesPart<'a> {
    // Whatever a name holds, the element that holds the names does not end within it.
    let sources = Json::from(changes.sources.as_slice()).to_string();
    let texts = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    let choices = [
        (
            "op",
            "Change",
            texts(&mut changes.operations.iter().copied()),
        ),
        (
            "field",
            "Field",
            texts(&mut changes.fields.iter().map(String::as_str)),
        ),
        (
            "status",
            "Status",
            texts(&mut changes.statuses.iter().map(String::as_str)),
        ),
    ];
    let choices = choices
        .into_iter()
        .map(|(id, label, options)| FilterPart { id, label, options });
    ChangesPart {
        count: changes.listed,
        listed: human_count(changes.listed),
        left_out: changes.left_out,
        values: match changes.values {
            ShownValues::None => "none",
            ShownValues::Changed | ShownValues::All => "some",
        },
        link: link.unwrap_or_default(),
        sources: sources.replace('<', "\\u003c"),
        choices: choices
            .filter(|choice: &FilterPart| !choice.options.is_empty())
            .collect(),
        blocks: &changes.blocks,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::summary::tests::sample;
    use super::super::packed_changes::tests::{lane, packed};
    use super::*;
    use crate::domain::{Issue, RowNumber};
    use crate::plan::{Preview, RowPlace};
    use crate::report::{BadRowList, PaceFacts, Summary, View};

    /// Texts that would be markup, end an element, or turn the direction of a line.
    const HOSTILE: [&str; 5] = [
        "<script>document.title='run'</script>",
        "</style></script><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "\u{202e}gpj.exe",
        "{{ policy }}{% raw %}",
    ];

    fn page(values: ShownValues, link: Option<&str>) -> String {
        let lanes: Vec<_> = HOSTILE.iter().map(|text| lane(text)).collect();
        let changes = packed(values, &lanes);
        let mut bad = BadRowList::default();
        for (row, text) in (1..).zip(HOSTILE) {
            let place = RowPlace {
                row: RowNumber(row),
                source: text,
                line: row + 1,
            };
            bad.add(&Issue::input(text, text).column(text), place, Some(text));
        }
        let bad = bad.finish();
        let mut summary = Summary {
            command: "sync".into(),
            ..sample()
        };
        summary.requests.by_endpoint.insert(HOSTILE[0].into(), 3);
        summary.requests.pace = Some(PaceFacts {
            bucket_s: 10,
            requests: vec![20, 0, 18],
            rate_limited: vec![1, 0, 0],
            repeated: vec![0, 0, 2],
        });
        let preview = Preview {
            changed_fields: HOSTILE.iter().map(|text| ((*text).to_owned(), 5)).collect(),
            notes: HOSTILE.map(str::to_owned).to_vec(),
            ..Preview::default()
        };
        let facts = PageFacts {
            preview: &preview,
            summary: Some(&summary),
            inputs: &HOSTILE.map(str::to_owned),
            errors: &bad,
            warnings: &bad,
            view: View::default(),
        };
        let mut out = Vec::new();
        write_report_page(&mut out, &facts, &changes, link).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_value_becomes_markup_and_none_turns_the_text() {
        let page = page(ShownValues::All, None);
        assert_eq!(page.matches("<style>").count(), 1);
        assert_eq!(page.matches("</style>").count(), 1);
        // The script, the names of the inputs, and a block.
        assert_eq!(page.matches("<script").count(), 3);
        assert_eq!(page.matches("</script>").count(), 3);
        for never in ["<img", "onload=alert(1)>", "\u{202e}", "<script>document"] {
            assert!(!page.contains(never), "{never}");
        }
        assert!(page.contains("{{ policy }}{% raw %}"), "it is text");
    }

    #[test]
    fn the_page_loads_nothing_and_its_policy_forbids_it() {
        let page = page(ShownValues::Changed, None);
        let policy = "content=\"default-src &#x27;none&#x27;; style-src &#x27;sha256-";
        assert!(page.contains(policy), "{}", &page[..600]);
        for never in [
            "http://",
            "https://",
            "src=\"",
            "url(",
            "@import",
            "style=\"",
            "javascript:",
        ] {
            assert!(!page.contains(never), "{never}");
        }
    }

    #[test]
    fn it_says_that_it_holds_personal_data_unless_it_does_not() {
        let warning = "holds personal data";
        assert!(page(ShownValues::Changed, None).contains(warning));
        assert!(!page(ShownValues::None, None).contains(warning));
        let linked = page(ShownValues::None, Some("https://x.example/c/{id}"));
        assert!(linked.contains("data-link=\"https:&#x2f;&#x2f;x.example&#x2f;c&#x2f;{id}\""));
    }
}
