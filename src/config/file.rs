use std::path::PathBuf;

use serde::Deserialize;

use crate::helpcrunch::BaseUrl;
use crate::mapping::{EmptyCells, FieldRules, MappingSettings, PropertyRules, Repair, TagSettings};
use crate::plan::{
    Duplicates, MatchSettings, MissingAction, MissingSettings, SafetySettings, SyncMode,
};

use super::input::{Delimiter, InputConfig, InputEncoding, InputFormat, Quote};
use super::notify::{MetricsConfig, NotifyConfig, OutputConfig};
use super::settings::{ApiConfig, LimitsConfig, RemoteConfig, Settings};
use super::state::StateConfig;

/// A whole config file as it is written; a missing key has its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FileConfig {
    pub api: ApiConfig,
    pub limits: LimitsConfig,
    pub input: InputSection,
    #[serde(rename = "match")]
    pub matching: MatchSettings,
    pub fields: Option<FieldRules>,
    pub custom_data: Option<PropertyRules>,
    pub tags: Option<TagSettings>,
    pub rows: RowsSection,
    pub sync: SyncSection,
    pub remote: RemoteConfig,
    pub safety: SafetySettings,
    pub state: StateConfig,
    pub notify: NotifyConfig,
    pub metrics: MetricsConfig,
    pub output: OutputConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct InputSection {
    pub format: InputFormat,
    pub delimiter: Delimiter,
    pub quote: Quote,
    pub encoding: InputEncoding,
    pub null_values: Vec<String>,
    pub repair: Repair,
    pub header: bool,
    pub columns: Option<Vec<String>>,
    pub sheet: Option<String>,
    pub trim: bool,
    pub skip_lines: u64,
    pub timezone: Option<String>,
    pub files: Vec<PathBuf>,
    pub command: Vec<String>,
}

impl Default for InputSection {
    fn default() -> Self {
        let input = InputConfig::default();
        Self {
            format: input.format,
            delimiter: input.delimiter,
            quote: input.quote,
            encoding: input.encoding,
            null_values: Vec::new(),
            repair: Repair::default(),
            header: input.header,
            columns: input.columns,
            sheet: input.sheet,
            trim: input.trim,
            skip_lines: input.skip_lines,
            timezone: None,
            files: Vec::new(),
            command: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RowsSection {
    pub empty_cells: EmptyCells,
    pub duplicates: Duplicates,
    #[serde(rename = "where")]
    pub row_filter: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SyncSection {
    pub mode: SyncMode,
    pub missing: MissingAction,
    pub missing_tag: String,
    pub scope: String,
}

impl Default for SyncSection {
    fn default() -> Self {
        let missing = MissingSettings::default();
        Self {
            mode: SyncMode::default(),
            missing: missing.action,
            missing_tag: missing.tag,
            scope: missing.scope,
        }
    }
}

impl FileConfig {
    pub(super) fn into_settings(mut self) -> Settings {
        if let Ok(url) = BaseUrl::parse(&self.api.base_url) {
            self.api.base_url = url.to_string();
        }
        Settings {
            api: self.api,
            limits: self.limits,
            input: InputConfig {
                format: self.input.format,
                delimiter: self.input.delimiter,
                quote: self.input.quote,
                encoding: self.input.encoding,
                header: self.input.header,
                columns: self.input.columns,
                sheet: self.input.sheet,
                trim: self.input.trim,
                skip_lines: self.input.skip_lines,
                files: self.input.files,
                command: self.input.command,
            },
            mapping: MappingSettings {
                fields: self.fields,
                custom_data: self.custom_data,
                tags: self.tags,
                empty_cells: self.rows.empty_cells,
                null_values: self.input.null_values,
                repair: self.input.repair,
                timezone: self.input.timezone,
                row_filter: self.rows.row_filter,
            },
            matching: self.matching,
            duplicates: self.rows.duplicates,
            sync_mode: self.sync.mode,
            missing: MissingSettings {
                action: self.sync.missing,
                tag: self.sync.missing_tag,
                scope: self.sync.scope,
            },
            remote: self.remote,
            safety: self.safety,
            state: self.state,
            notify: self.notify,
            metrics: self.metrics,
            output: self.output,
            ..Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::document::Document;
    use super::super::error::ConfigError;
    use super::super::known_keys::{KNOWN_KEYS, RULE_KEYS, SectionKeys};
    use super::*;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    fn read(text: &str) -> Result<(Document, FileConfig), ConfigError> {
        let document = Document::parse(Path::new("config.example.toml"), text.as_bytes())?;
        let config = FileConfig::from_document(&document)?;
        Ok((document, config))
    }

    /// The example with the keys that stand in it as comments made real.
    fn uncommented() -> String {
        let line = |line: &str| match line.strip_prefix("# ") {
            Some(rest)
                if rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                rest.to_owned()
            }
            _ => line.to_owned(),
        };
        EXAMPLE.lines().map(|text| line(text) + "\n").collect()
    }

    /// The keys that a table of the file takes, as serde names them when it gets another one.
    fn taken(table: &str) -> BTreeSet<String> {
        let text = format!("{table}\nno_such_key = 1\n");
        let error = toml::from_str::<FileConfig>(&text).unwrap_err();
        let (_, expected) = error.message().split_once(", expected ").unwrap();
        expected
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_example_is_valid_as_it_stands_and_with_its_commented_keys() {
        read(EXAMPLE).unwrap();
        let (_, config) = read(&uncommented()).unwrap();
        assert!(config.input.sheet.is_some() && config.input.columns.is_some());
    }

    #[test]
    fn the_example_holds_every_key_with_a_comment() {
        let text = uncommented();
        let (document, _) = read(&text).unwrap();
        for section in KNOWN_KEYS {
            assert_eq!(document.find(section.name).count(), 1, "{}", section.name);
            let SectionKeys::Named(keys) = section.keys else {
                assert!(
                    document
                        .find(&format!("{}.*", section.name))
                        .next()
                        .is_some()
                );
                continue;
            };
            for key in keys {
                let path = format!("{}.{key}", section.name);
                assert_eq!(document.find(&path).count(), 1, "{path}");
            }
        }
        for key in RULE_KEYS {
            let found = ["fields", "custom_data"]
                .map(|section| document.find(&format!("{section}.*.{key}")).count());
            assert!(found != [0, 0], "{key}");
        }
    }

    #[test]
    fn the_table_of_known_keys_is_what_is_read() {
        let names = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let sections: Vec<_> = KNOWN_KEYS.iter().map(|section| section.name).collect();
        assert_eq!(taken(""), names(&sections));
        for section in KNOWN_KEYS {
            if let SectionKeys::Named(keys) = section.keys {
                assert_eq!(
                    taken(&format!("[{}]", section.name)),
                    names(keys),
                    "{}",
                    section.name
                );
            }
        }
        assert_eq!(taken("[fields.name]"), names(RULE_KEYS));
        assert_eq!(taken("[custom_data.plan]"), names(RULE_KEYS));
    }

    #[test]
    fn everything_that_is_wrong_is_reported_at_once_in_the_order_of_the_file() {
        let text = "[api]\ntimeout = 30\n[limits]\nconcurency = 4\nmax_attempts = 0\n[input]\nnull_values = [\"a\", 1]\n\
            [fields]\nname = { column = 3 }\nemail = { column = \"e\", case = \"title\" }\n[rowz]\nx = 1\n[safety]\nmax_creates = -1\n";
        let error = read(text).unwrap_err();
        let ConfigError::Several(errors) = &error else {
            panic!("{error}")
        };
        let places: Vec<_> = errors.iter().filter_map(ConfigError::place).collect();
        let lines: Vec<_> = places.iter().map(|place| place.line).collect();
        assert_eq!(lines, [2, 4, 5, 7, 9, 10, 11, 14], "{error}");
        assert!(
            error
                .to_string()
                .contains("`fields.email.case` must be one of")
        );
        assert!(
            error
                .to_string()
                .contains("config.example.toml:14:15: `safety.max_creates`")
        );
    }

    #[test]
    fn an_unknown_key_hides_no_wrong_value_below_it() {
        let error = read("[api]\nacount = \"x\"\ntimeout = 30\n").unwrap_err();
        let ConfigError::Several(errors) = &error else {
            panic!("{error}")
        };
        let lines: Vec<_> = errors.iter().filter_map(ConfigError::place).collect();
        let lines: Vec<_> = lines.iter().map(|place| place.line).collect();
        assert_eq!(lines, [2, 3], "{error}");
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let (_, config) = read("").unwrap();
        assert_eq!(config.into_settings(), Settings::default());
    }
}
