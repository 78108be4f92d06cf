//! Keys that have no effect beside others.

use crate::mapping::ManagedTags;

use super::document::Document;
use super::input::{Delimiter, InputEncoding, InputFormat, Quote};
use super::settings::{RemoteStrategy, Settings};

/// Returns a sentence for each key of the file that has no effect, with its place.
#[must_use]
pub fn ineffective_keys(document: &Document, settings: &Settings) -> Vec<String> {
    let input = &settings.input;
    let is_json = matches!(input.format, InputFormat::Json | InputFormat::Jsonl);
    let is_sheet = input.format == InputFormat::Xlsx;
    let is_text_table = matches!(input.format, InputFormat::Csv | InputFormat::Tsv);
    let format = "with this input.format";
    let tags = settings.mapping.tags.as_ref();
    let manages = |tags: &crate::mapping::TagSettings| tags.mode == crate::domain::TagMode::Managed;
    let has_managed = tags.is_some_and(|tags| tags.managed != ManagedTags::default());
    let has_cells = tags.is_none_or(|tags| tags.column.is_some() || tags.remove_column.is_some());
    let uses_snapshot = matches!(
        settings.remote.strategy,
        RemoteStrategy::Auto | RemoteStrategy::Snapshot
    );
    let keys = [
        (
            "tags.managed",
            has_managed && !tags.is_some_and(manages),
            "unless tags.mode is \"managed\"",
        ),
        (
            "tags.separator",
            !has_cells,
            "without tags.column or tags.remove_column",
        ),
        (
            "input.delimiter",
            (is_json || is_sheet) && input.delimiter != Delimiter::Auto,
            format,
        ),
        (
            "input.quote",
            (is_json || is_sheet) && input.quote != Quote::Auto,
            format,
        ),
        (
            "input.encoding",
            is_sheet && input.encoding != InputEncoding::Auto,
            format,
        ),
        ("input.sheet", is_json || is_text_table, format),
        ("input.header", is_json && !input.header, format),
        ("input.columns", is_json && input.columns.is_some(), format),
        ("input.skip_lines", is_json && input.skip_lines > 0, format),
        (
            "remote.snapshot_max_age",
            !uses_snapshot,
            "unless remote.strategy is \"auto\" or \"snapshot\"",
        ),
    ];
    let written = keys.into_iter().filter_map(|(key, has_no_effect, why)| {
        let place = document.place_of(key).filter(|_| has_no_effect)?;
        Some(format!("{place}: `{key}` has no effect {why}"))
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::FileConfig;
    use super::*;

    fn notes(text: &str) -> Vec<String> {
        let document = Document::parse(Path::new("x.toml"), text.as_bytes()).unwrap();
        let settings = FileConfig::from_document(&document)
            .unwrap()
            .into_settings();
        ineffective_keys(&document, &settings)
    }

    #[test]
    fn keys_without_effect_are_named_with_the_reason() {
        let text = "[tags]\nmode = \"add\"\nmanaged = [\"vip\"]\nseparator = \",\"\nalways = [\"x\"]\n[input]\nformat = \"jsonl\"\nskip_lines = 2\n";
        assert_eq!(
            notes(text),
            [
                "x.toml:3:11: `tags.managed` has no effect unless tags.mode is \"managed\"",
                "x.toml:4:13: `tags.separator` has no effect without tags.column or tags.remove_column",
                "x.toml:8:14: `input.skip_lines` has no effect with this input.format",
            ]
        );
        let text = "[remote]\nstrategy = \"list\"\nsnapshot_max_age = \"2h\"\n";
        assert_eq!(notes(text).len(), 1);
    }

    #[test]
    fn defaults_that_are_written_out_and_keys_with_effect_are_not_named() {
        assert_eq!(
            notes(
                "[tags]\ncolumn = \"t\"\nseparator = \";\"\nmanaged = []\n[input]\nformat = \"jsonl\"\nheader = true\n"
            ),
            [""; 0]
        );
        assert_eq!(
            notes(
                "[tags]\nmode = \"managed\"\nmanaged = \"ours\"\ncolumn = \"t\"\n[input]\nformat = \"csv\"\ndelimiter = \";\"\n"
            ),
            [""; 0]
        );
    }
}
