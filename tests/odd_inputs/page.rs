//! The table of `docs/odd-inputs.md`.

use std::path::PathBuf;

use crate::case::{Case, Expected};
use crate::runner::{Outcome, Told};

const BEGIN: &str = "<!-- begin: written by tests/odd_inputs -->\n";
const END: &str = "<!-- end -->\n";
/// Of many rows or notes, so many are shown.
const MOST_SHOWN: usize = 4;
/// A longer message is cut here.
const LONGEST: usize = 240;

pub(crate) struct Section<'a> {
    pub(crate) title: &'a str,
    pub(crate) entries: Vec<(&'a Case, &'a Outcome)>,
}

pub(crate) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/odd-inputs.md")
}

/// The page with its generated part replaced.
pub(crate) fn with_table(page: &str, table: &str) -> String {
    let (before, rest) = page
        .split_once(BEGIN)
        .expect("the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the mark where the table ends");
    [before, BEGIN, table, END, after].concat()
}

pub(crate) fn table(sections: &[Section<'_>]) -> String {
    let mut number = 0;
    let mut text = String::new();
    for section in sections {
        text += &format!(
            "\n## {}\n\n| | input | what hcsync does | what you see |\n| --- | --- | --- | --- |\n",
            section.title
        );
        for (case, outcome) in &section.entries {
            number += 1;
            let cells = [case.input, case.does, &seen(case, outcome)].map(cell);
            text += &format!("| {number} | {} |\n", cells.join(" | "));
        }
    }
    text + "\n"
}

fn seen(case: &Case, outcome: &Outcome) -> String {
    if let Expected::Refused(_) = case.expected {
        return format!("exit {}: {}", outcome.code, shown(&outcome.message));
    }
    let mut parts = vec![format!("exit {}", outcome.code)];
    if outcome.rows.is_empty() {
        parts.push("no rows".to_owned());
    }
    let mut last = None;
    for row in outcome.rows.iter().take(MOST_SHOWN) {
        let told = told(row);
        let same = last.as_ref() == Some(&told);
        let text = if same { ": the same" } else { &told };
        parts.push(format!("line {}{text}", row.line));
        last = Some(told);
    }
    if outcome.rows.len() > MOST_SHOWN {
        parts.push(format!("and {} more rows", outcome.rows.len() - MOST_SHOWN));
    }
    let notes = outcome.notes.iter().take(MOST_SHOWN);
    parts.extend(notes.map(|note| format!("note: {}", shown(note))));
    if outcome.notes.len() > MOST_SHOWN {
        parts.push(format!(
            "and {} more notes",
            outcome.notes.len() - MOST_SHOWN
        ));
    }
    parts.join("<br>")
}

/// What is wrong with a row and what to do, or what would be done for it.
fn told(row: &Told) -> String {
    let Some(rejected) = &row.rejected else {
        let (_, done) = row.text.split_once(": ").unwrap_or(("", &row.text));
        return format!(": `{}`", shown(done).replace('`', "'"));
    };
    let column = rejected.column.as_ref();
    let column = column.map_or_else(String::new, |column| format!(", column `{column}`"));
    let hint = rejected.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!(" → {}", shown(hint)));
    format!("{column}: {}{hint}", shown(&rejected.message))
}

fn shown(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).collect::<String>() + "…"
}

/// Fit for a cell of a Markdown table: one line, no bar, no control character, no tag but our own line break.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in text.replace("<br>", "\u{1}").chars() {
        match c {
            '\u{1}' => safe += "<br>",
            '|' => safe += "\\|",
            '<' => safe += "&lt;",
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}') =>
            {
                safe += &format!("U+{:04X}", u32::from(c))
            }
            c => safe.push(c),
        }
    }
    safe
}
