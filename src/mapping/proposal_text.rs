//! Writes the sections of a proposed config as TOML.

use std::fmt::Write as _;

use super::proposal::{ConfigDraft, ProposalInput};

impl ConfigDraft {
    pub(super) fn to_text(&self, of: &ProposalInput<'_>) -> String {
        let mut text = String::new();
        let input = one_line(of.input);
        let rows = of.rows;
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "# Proposed by `hcsync init` from {input}, {rows} rows. Uncertain lines are commented out: review it,\n\
             # then run `hcsync check` on the same input. All keys: `hcsync config --example`.\n"
        );
        if let Some(export) = self.export {
            let _ = write!(
                text,
                "#\n# Its columns are those of an export from {}",
                export.tool
            );
            let _ = match &export.hint {
                Some(hint) => writeln!(text, "; {hint}."),
                None => writeln!(text, "."),
            };
        }
        let input: Vec<_> = of.input_lines.iter().chain(&self.input).cloned().collect();
        section(&mut text, "input", &input);
        section(&mut text, "rows", &self.rows);
        if self.keys.is_empty() {
            let _ = write!(
                text,
                "\n# No column can match rows to customers yet. Map one to `userId` or `email`, which are tried in this order.\n"
            );
        }
        let fields: &[String] = &self.fields;
        if fields.iter().any(|line| !line.starts_with('#')) {
            section(&mut text, "fields", fields);
        } else {
            let _ = write!(text, "\n[fields]\n# email = \"E-mail\"\n");
            fields.iter().for_each(|line| push_line(&mut text, line));
        }
        let head = "# property = column; properties are defined in HelpCrunch under Contacts, Custom attributes";
        let _ = write!(text, "\n[custom_data]\n{head}\n");
        self.custom_data
            .iter()
            .for_each(|line| push_line(&mut text, line));
        // Without this section the column `tags` would be used.
        let none = ["# column = \"Tags\"".to_owned()];
        let tags: &[String] = match (self.tags.is_empty(), self.tag_candidates.is_empty()) {
            (false, _) => &self.tags,
            (true, false) => &self.tag_candidates,
            (true, true) => &none,
        };
        section(&mut text, "tags", tags);
        text
    }
}

fn section(text: &mut String, name: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n[{name}]\n");
    lines.iter().for_each(|line| push_line(text, line));
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
