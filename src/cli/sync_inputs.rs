//! The inputs of a `sync`, `plan` or `check`, and what their columns mean.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::domain::Columns;
use crate::mapping::{
    CustomerFilter, MappingSettings, Schema, SchemaError, key_columns, unmapped_export,
};
use crate::plan::{MatchSettings, MissingAction, Ownership};
use crate::run::intake::{Survey, profile, survey};
use crate::run::planning::{MissingRules, PlanRules};
use crate::source::{InputFile, SourceError, SourceSettings, list_sheets};

use super::exit::{Exit, Failure, OrFail as _};
use super::shell::quoted;
use super::snippet::Blame;
use super::source_settings::source_settings;

/// Inputs with their columns, and the rules for their rows.
#[derive(Debug)]
pub(super) struct SyncInputs {
    pub(super) files: Vec<InputFile>,
    pub(super) source: SourceSettings,
    pub(super) survey: Survey,
    pub(super) schema: Schema,
    pub(super) rules: PlanRules,
}

impl SyncInputs {
    pub(super) fn new(files: Vec<InputFile>, settings: &Settings) -> Result<Self, Failure> {
        let source = source_settings(&settings.input)?;
        let mut survey = survey(&files, &source).or_usage("input")?;
        let columns: Vec<&Columns> = survey.columns.iter().map(AsRef::as_ref).collect();
        let (schema, rules) = schema_and_rules(settings, &columns).map_err(|error| {
            let failure = mapping_failure(error, &files, &survey, &source);
            name_sheets(failure, &files, &source)
        })?;
        check_forced(&rules.forced, &schema)?;
        survey
            .notes
            .extend(absent_columns_note(schema.lacking_columns()));
        Ok(Self {
            files,
            source,
            survey,
            schema,
            rules,
        })
    }

    /// What a run without a mapping loses of a known export: said first, since it cannot be seen in the plan.
    pub(super) fn lost_columns(&self, settings: &Settings) -> Option<String> {
        let mapping = &settings.mapping;
        if mapping.fields.is_some() || mapping.custom_data.is_some() || mapping.tags.is_some() {
            return None;
        }
        let columns = self.survey.columns.first()?.names();
        let unused = self.schema.unused_columns();
        let export = unmapped_export(columns, unused)?;
        let input = self.files.first().map_or("", |input| input.name.as_str());
        let consent: Vec<_> = export
            .consent
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let consent = match consent.as_slice() {
            [] => String::new(),
            names => format!(", consent among them: {}", names.join(", ")),
        };
        Some(format!(
            "{input} is an export from {}, and without a config {} of its {} columns are lost{consent}; `hcsync init {} -o \
             hcsync.toml` proposes a config for all of them",
            export.tool,
            export.lost.len(),
            columns.len(),
            if input == "-" {
                "FILE".to_owned()
            } else {
                quoted(input)
            },
        ))
    }

    /// The inputs as the user named them.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.iter().map(|input| input.name.clone()).collect()
    }
}

/// Adds the names of a workbook's sheets to the hint: the columns may be in another one.
fn name_sheets(failure: Failure, inputs: &[InputFile], source: &SourceSettings) -> Failure {
    let others = |input: &InputFile| list_sheets(input).filter(|sheets| sheets.len() > 1);
    let sheets = match source.sheet {
        Some(_) => None,
        None => inputs.iter().find_map(others),
    };
    let Some(sheets) = sheets else {
        return failure;
    };
    let advice = format!(
        "the first sheet was read; to read another, set `sheet` under [input]: there are {}",
        sheets.join(", ")
    );
    let hint = match &failure.hint {
        Some(hint) => format!("{hint}; {advice}"),
        None => advice,
    };
    failure.hint(hint)
}

/// Returns the error for an input whose first line looks like a title, so that its header is further down.
fn header_below(inputs: &[InputFile], survey: &Survey) -> Option<SourceError> {
    let mut inputs = inputs.iter().zip(&survey.headers_below);
    inputs.find_map(|(input, line)| {
        let name = input.name.clone();
        line.map(|line| SourceError::HeaderBelow { name, line })
    })
}

fn absent_columns_note(columns: &[String]) -> Option<String> {
    let quoted: Vec<_> = columns.iter().map(|name| format!("`{name}`")).collect();
    (!quoted.is_empty()).then(|| {
        format!(
            "mapped, but in no record, so nothing is changed for it: {}",
            quoted.join(", ")
        )
    })
}

/// Rows of the first input by whose values a column is recognized.
const SAMPLE_ROWS: u64 = 1_000;

/// The failure for a mapping that does not fit the inputs. If no match key is mapped, the values of the first input are
/// examined, so that the advice can name a column.
fn mapping_failure(
    mut error: SchemaError,
    inputs: &[InputFile],
    survey: &Survey,
    source: &SourceSettings,
) -> Failure {
    let is_column_missing = matches!(
        error,
        SchemaError::NoMatchKey { .. } | SchemaError::NoSuchColumn { .. }
    );
    if let Some(error) = header_below(inputs, survey).filter(|_| is_column_missing) {
        return Failure::from_error(Exit::Usage, "input", &error);
    }
    let SchemaError::NoMatchKey { candidates, .. } = &mut error else {
        return schema_failure(&error);
    };
    let (Some(input), Some(columns)) = (inputs.first(), survey.columns.first()) else {
        return schema_failure(&error);
    };
    // If the input cannot be read, the missing key is reported without advice.
    if let Ok((profile, _)) = profile(input, source, columns, Some(SAMPLE_ROWS)) {
        *candidates = key_columns(&profile);
    }
    let input = match input.name.as_str() {
        "-" => "FILE".to_owned(),
        name => quoted(name),
    };
    schema_failure(&error).hint(format!(
        "`hcsync init {input}` proposes a config for all columns"
    ))
}

pub(super) fn schema_failure(error: &SchemaError) -> Failure {
    Failure {
        blame: Some(Box::new(Blame::Keys(error.config_paths()))),
        ..Failure::from_error(Exit::Usage, "mapping", error)
    }
}

/// Refuses a `--force-field` that names nothing that is sent, such as one with a typing error.
fn check_forced(forced: &[String], schema: &Schema) -> Result<(), Failure> {
    let is_mapped = |name: &str| schema.sources().any(|(attribute, _)| attribute == name);
    match forced.iter().find(|name| !is_mapped(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(format!(
            "--force-field {name}: no column is mapped to a field or property of this name"
        ))
        .hint("names are those of reports, such as notes or customData.plan")),
    }
}

/// Returns the schema and the rules that the settings define for these columns.
///
/// # Errors
/// If the settings do not fit the columns.
pub(super) fn schema_and_rules(
    settings: &Settings,
    columns: &[&Columns],
) -> Result<(Schema, PlanRules), SchemaError> {
    let mapping: &MappingSettings = &settings.mapping;
    let schema = Schema::new(mapping, &settings.matching.keys, columns)?;
    let mut ownership = Ownership {
        fields: schema.fields().collect(),
        custom_data: schema
            .properties()
            .map(|(name, _, overwrite)| (name.to_owned(), overwrite))
            .collect(),
        ..Ownership::default()
    };
    if let Some(tags) = schema.tags() {
        ownership.tag_mode = tags.mode;
        ownership.managed_tags = tags.names.clone();
        ownership.managed_ours = tags.ours;
    }
    let missing = MissingRules {
        action: settings.missing.action,
        tag: settings.missing.tag.clone(),
        scope: CustomerFilter::new(&settings.missing.scope)?,
    };
    ownership.missing_tag = (missing.action == MissingAction::Tag).then(|| missing.tag.clone());
    let matching = MatchSettings {
        keys: schema.keys().to_vec(),
        ..settings.matching.clone()
    };
    let rules = PlanRules {
        matching,
        duplicates: settings.duplicates,
        mode: settings.sync_mode,
        ownership,
        skippable: schema.skippable().map(str::to_owned).collect(),
        forced: settings.run.force_fields.clone(),
        missing,
    };
    Ok((schema, rules))
}

/// The first column of each attribute, for messages.
pub(super) fn attribute_columns(schema: &Schema) -> BTreeMap<String, String> {
    schema
        .sources()
        .filter_map(|(name, columns)| Some((name.to_owned(), (*columns.first()?).to_owned())))
        .collect()
}
