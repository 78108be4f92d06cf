use std::io::{self, Write};

use super::page_facts::{PageFacts, code, places};
use super::terminal::{clean, human_count};

/// Fields and causes that are listed.
const MAX_LISTED: usize = 10;
/// Places of rows that are listed for each cause.
const MAX_PLACES: usize = 5;

/// Writes a plan or run as Markdown, short enough for a pull request or a ticket. It has no customers' values.
pub fn write_report_md(mut out: impl Write, facts: &PageFacts<'_>) -> io::Result<()> {
    let mark = match facts.verdict_class() {
        "good" => "✅",
        "warn" => "⚠️",
        _ => "❌",
    };
    writeln!(
        out,
        "## {}\n\n{mark} **{}**\n",
        plain(&facts.title()),
        plain(&facts.verdict())
    )?;
    writeln!(out, "| | |\n| --- | --- |")?;
    for (label, text) in facts.facts() {
        writeln!(out, "| {label} | {} |", plain(&text))?;
    }
    for (label, count, _) in facts.outcomes() {
        writeln!(out, "| {label} | {} |", human_count(count))?;
    }
    let fields = &facts.preview.changed_fields;
    if !fields.is_empty() {
        writeln!(
            out,
            "\n### What changes most\n\n| field | customers |\n| --- | ---: |"
        )?;
        for (field, count) in fields.iter().take(MAX_LISTED) {
            writeln!(
                out,
                "| {} | {} |",
                plain(&clean(field)),
                human_count(*count)
            )?;
        }
        more(&mut out, fields.len())?;
    }
    if !facts.errors.is_empty() {
        writeln!(out, "\n### Rows that need attention\n")?;
        for bad in facts.errors.iter().take(MAX_LISTED) {
            let count = human_count(bad.count);
            let message = plain(&clean(&bad.message));
            let what_to_do = plain(&clean(&bad.what_to_do));
            writeln!(out, "- **{count} × {message}** {what_to_do}")?;
            writeln!(
                out,
                "  {}; at {}",
                plain(&code(bad)),
                plain(&places(bad, MAX_PLACES))
            )?;
        }
        more(&mut out, facts.errors.len())?;
    }
    let notes = facts.notes();
    if !notes.is_empty() {
        writeln!(out, "\n### Worth knowing\n")?;
    }
    for note in notes.iter().take(MAX_LISTED) {
        writeln!(out, "- {}", plain(note))?;
    }
    Ok(())
}

fn more(out: &mut impl Write, all: usize) -> io::Result<()> {
    match all.saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more"),
    }
}

/// A text on one line that Markdown leaves as it is: no markup, no table, no mention and no link.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '|' => plain.push_str("&#124;"),
            // What is between a mention's sign and its name shows nowhere.
            '@' | '#' => {
                plain.push(c);
                plain.push_str("&#8203;");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '~' => plain.extend(['\\', c]),
            '\n' | '\r' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Issue, RowNumber};
    use crate::plan::{Preview, RowPlace};
    use crate::report::summary::tests::sample;
    use crate::report::{BadRowList, View};

    #[test]
    fn a_run_in_short() {
        let mut bad = BadRowList::without_cells();
        for row in 1..=30 {
            let place = RowPlace {
                row: RowNumber(row),
                source: "customers.csv",
                line: row + 1,
            };
            let issue = Issue::input("bad_date", "a | date of @somebody <b>");
            bad.add(&issue.column("Signed up"), place, None);
        }
        let preview = Preview {
            changed_fields: vec![("customData.plan".into(), 1_234)],
            digest: "0".repeat(64),
            ..Preview::default()
        };
        let facts = PageFacts {
            preview: &preview,
            summary: Some(&sample()),
            inputs: &["customers.csv".to_owned()],
            errors: &bad.finish(),
            warnings: &[],
            view: View::default(),
        };
        let mut out = Vec::new();
        write_report_md(&mut out, &facts).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        ## hcsync sync

        ⚠️ **Finished with problems: of 12,345 rows, 45 rows need attention**

        | | |
        | --- | --- |
        | account | account production at api.helpcrunch.com |
        | input | customers.csv |
        | run | 20261120T031244Z-k3f9 |
        | began | 2026-11-20 03:12 UTC |
        | ended | 2026-11-20 03:23 UTC |
        | requests | 1,234 in 10 min 24 s: 134 to read, 1,100 to write |
        | limit | 120 requests a minute, of which 99 % were used |
        | digest | 0000000000000000000000000000000000000000000000000000000000000000 |
        | created | 400 |
        | updated | 1,234 |
        | unchanged | 10,666 |
        | rejected | 40 |
        | failed | 4 |
        | in doubt | 1 |

        ### What changes most

        | field | customers |
        | --- | ---: |
        | customData.plan | 1,234 |

        ### Rows that need attention

        - **30 × a &#124; date of @&#8203;somebody &lt;b&gt;** Fix the value, or set its \`format\` in the config.
          input: bad\_date, column \`Signed up\`; at customers.csv:2, customers.csv:3, customers.csv:4, customers.csv:5, customers.csv:6, and 25 more
        "#);
    }
}
