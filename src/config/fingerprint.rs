use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::mapping::{AttributeRule, ManagedTags, MappingSettings, OnInvalid, Repair, TagSettings};
use crate::plan::MatchSettings;

use super::input::{Delimiter, InputConfig, InputEncoding, Quote};
use super::settings::{RunOptions, Settings};

/// Begins the text that is hashed; raised when the same settings would be written differently.
const VERSION: &str = "hcsync config 1";

impl Settings {
    /// SHA-256, in hexadecimal, of the settings that decide what a plan of a given input and remote side holds:
    /// input, mapping, matching, what becomes of rows, mode, row limit. Rates, safety limits, paths and the account
    /// are not among them. The same on every platform, and whatever the order of keys in the file.
    #[must_use]
    pub fn config_sha256(&self) -> String {
        let digest = Sha256::digest(self.canonical().as_bytes());
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Structs are taken apart in full, so that a new setting must be thought of here.
    fn canonical(&self) -> String {
        let Self {
            api: _,
            limits: _,
            input,
            mapping,
            matching,
            duplicates,
            sync_mode,
            remote: _,
            safety: _,
            state: _,
            run,
        } = self;
        let mut lines = Lines(format!("{VERSION}\n"));
        lines.input(input);
        lines.mapping(mapping);
        lines.matching(matching);
        lines.word("rows.duplicates", duplicates);
        lines.word("sync.mode", sync_mode);
        let RunOptions { limit, .. } = run;
        lines.put("limit", limit);
        lines.0
    }
}

/// A line per setting: its name and its value as JSON, which holds no line end.
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl Serialize) {
        // Texts, numbers, and lists and maps of texts: such values always have a JSON form.
        let json = serde_json::to_string(&value).unwrap_or_default();
        let _ = writeln!(self.0, "{} {json}", name.escape_debug());
    }

    /// A choice among names without data.
    fn word(&mut self, name: &str, choice: impl Debug) {
        self.put(name, format!("{choice:?}"));
    }

    fn input(&mut self, input: &InputConfig) {
        let InputConfig {
            format,
            delimiter,
            quote,
            encoding,
            header,
            columns,
            sheet,
            trim,
            skip_lines,
        } = input;
        self.word("input.format", format);
        let delimiter = match delimiter {
            Delimiter::Auto => None,
            Delimiter::Byte(byte) => Some(byte),
        };
        self.put("input.delimiter", delimiter);
        // Without it the hash is what it was before there was this choice.
        match quote {
            Quote::Auto => {}
            Quote::None => self.put("input.quote", ()),
            Quote::Byte(byte) => self.put("input.quote", byte),
        }
        let encoding = match encoding {
            InputEncoding::Auto => None,
            InputEncoding::Named(encoding) => Some(encoding.name()),
        };
        self.put("input.encoding", encoding);
        self.put("input.header", header);
        self.put("input.columns", columns);
        self.put("input.sheet", sheet);
        // Defaults are not written, so that older hashes stay what they were.
        if !trim {
            self.put("input.trim", trim);
        }
        if *skip_lines > 0 {
            self.put("input.skip_lines", skip_lines);
        }
    }

    fn mapping(&mut self, mapping: &MappingSettings) {
        let MappingSettings {
            fields,
            custom_data,
            tags,
            empty_cells,
            null_values,
            repair,
        } = mapping;
        self.rules("fields", fields.as_ref());
        self.rules("custom_data", custom_data.as_ref());
        self.tags(tags.as_ref());
        self.word("rows.empty_cells", empty_cells);
        self.put("input.null_values", null_values);
        // The hash of a config that does not set it stays what it was.
        if *repair != Repair::default() {
            self.word("input.repair", repair);
        }
    }

    fn rules(&mut self, section: &str, rules: Option<&BTreeMap<String, AttributeRule>>) {
        self.put(section, rules.is_some());
        for (name, rule) in rules.into_iter().flatten() {
            self.rule(&format!("{section}.{name}"), rule);
        }
    }

    fn rule(&mut self, name: &str, rule: &AttributeRule) {
        let AttributeRule {
            column,
            template,
            value_type,
            formats,
            timezone,
            decimal,
            thousands,
            true_values,
            false_values,
            region,
            case,
            map,
            default,
            overwrite,
            on_invalid,
        } = rule;
        self.put(name, (column, template, formats, timezone, map, default));
        self.word(name, (value_type, case, overwrite));
        let forms = (decimal, thousands, true_values, false_values, region);
        // A rule without these is written as it was before there were any.
        if forms != (&None, &None, &Vec::new(), &Vec::new(), &None) {
            self.put(name, forms);
        }
        match on_invalid {
            OnInvalid::Reject => {}
            OnInvalid::Skip => self.put(name, "on_invalid = skip"),
        }
    }

    fn tags(&mut self, tags: Option<&TagSettings>) {
        self.put("tags", tags.is_some());
        let Some(tags) = tags else {
            return;
        };
        let TagSettings {
            column,
            separator,
            always,
            remove_column,
            mode,
            managed,
            colors,
        } = tags;
        self.put(
            "tags.from",
            (column, separator, always, remove_column, colors),
        );
        self.word("tags.mode", mode);
        match managed {
            ManagedTags::Named(names) => self.put("tags.managed", names),
            ManagedTags::Ours => self.put("tags.managed", "ours"),
        }
    }

    fn matching(&mut self, matching: &MatchSettings) {
        let MatchSettings {
            keys,
            on_ambiguous,
            on_conflict,
        } = matching;
        self.put("match.keys", keys);
        self.word("match.on_ambiguous", on_ambiguous);
        self.word("match.on_conflict", on_conflict);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::document::Document;
    use super::super::file::FileConfig;
    use super::*;

    fn settings(text: &str) -> Settings {
        let document = Document::parse(Path::new("x.toml"), text.as_bytes()).unwrap();
        FileConfig::from_document(&document)
            .unwrap()
            .into_settings()
    }

    #[test]
    fn the_hash_of_the_defaults_is_pinned() {
        insta::assert_snapshot!(Settings::default().config_sha256(), @"05a60d0ed4e09c466603ebaf887879faf5608949bfc8cad38f03750431491261");
    }

    #[test]
    fn every_setting_that_matters_to_the_plan_changes_the_hash() {
        let texts = [
            "",
            "input.format = \"csv\"",
            "input.delimiter = \";\"",
            "input.quote = \"none\"",
            "input.quote = \"'\"",
            "input.encoding = \"utf-8\"",
            "input.null_values = [\"-\"]",
            "input.repair = \"fix\"",
            "input.header = false",
            "input.columns = [\"a\"]",
            "input.sheet = \"One\"",
            "input.trim = false",
            "input.skip_lines = 1",
            "match.keys = [\"email\"]",
            "match.on_ambiguous = \"skip\"",
            "match.on_conflict = \"create\"",
            "[fields]",
            "[fields]\nname = \"A\"",
            "[fields]\nname = { template = \"A\" }",
            "[fields]\nname = { column = \"A\", type = \"text\" }",
            "[fields]\nname = { column = \"A\", format = \"x\" }",
            "[fields]\nname = { column = \"A\", timezone = \"UTC\" }",
            "[fields]\nname = { column = \"A\", decimal = \",\" }",
            "[fields]\nname = { column = \"A\", thousands = \",\" }",
            "[fields]\nname = { column = \"A\", true_values = [\"ja\"] }",
            "[fields]\nname = { column = \"A\", false_values = [\"ja\"] }",
            "[fields]\nname = { column = \"A\", region = \"UA\" }",
            "[fields]\nname = { column = \"A\", case = \"lower\" }",
            "[fields]\nname = { column = \"A\", map = { a = \"b\" } }",
            "[fields]\nname = { column = \"A\", default = \"b\" }",
            "[fields]\nname = { column = \"A\", overwrite = \"if_empty\" }",
            "[fields]\nname = { column = \"A\", on_invalid = \"skip\" }",
            "[custom_data]",
            "[custom_data]\nname = \"A\"",
            "[tags]",
            "[tags]\ncolumn = \"A\"",
            "[tags]\nseparator = \",\"",
            "[tags]\nalways = [\"A\"]",
            "[tags]\nremove_column = \"A\"",
            "[tags]\nmode = \"exact\"",
            "[tags]\nmanaged = [\"ours\"]",
            "[tags]\nmanaged = \"ours\"",
            "[tags]\ncolors = { A = \"red\" }",
            "rows.empty_cells = \"clear\"",
            "rows.duplicates = \"last\"",
            "sync.mode = \"create\"",
        ];
        let mut hashes: BTreeSet<_> = texts
            .iter()
            .map(|text| settings(text).config_sha256())
            .collect();
        let mut limited = Settings::default();
        limited.run.limit = Some(1);
        hashes.insert(limited.config_sha256());
        assert_eq!(hashes.len(), texts.len() + 1);
    }

    #[test]
    fn what_does_not_matter_to_the_plan_does_not_change_the_hash() {
        for text in [
            "api.account = \"x\"",
            "limits.concurrency = 9",
            "safety.max_creates = 9",
            "remote.batch = \"off\"",
            "state.keep = \"1d\"",
            "# nothing",
        ] {
            assert_eq!(
                settings(text).config_sha256(),
                Settings::default().config_sha256(),
                "{text}"
            );
        }
        let one = settings("[fields]\nname = \"A\"\nemail = \"B\"");
        let other = settings("[fields]\nemail = { column = \"B\" }\nname = \"A\"");
        assert_eq!(one.config_sha256(), other.config_sha256());
    }
}
