//! Builds the rules of a schema: from its settings, or from the names of the columns where there are no settings.

use super::column_binding::InputColumns;
use super::field::FieldReader;
use super::implicit_columns;
use super::property::PropertyReader;
use super::rule::{AttributeKind, Rule};
use super::rule_options::{property_reader, value_formats};
use super::schema::{MappedField, MappedProperty};
use super::schema_error::{Nearest, SchemaError};
use super::tags::TagRule;
use super::{AttributeRule, FieldRules, PropertyRules, TagSettings};
use crate::domain::{Field, KeyField, Overwrite};

pub(super) fn implicit_fields(inputs: InputColumns<'_>) -> Result<Vec<MappedField>, SchemaError> {
    let mapped = |(field, binding): (Field, _)| MappedField {
        field,
        rule: Rule::of_column(
            field.name().to_owned(),
            AttributeKind::Field(field),
            binding,
        ),
        reader: FieldReader::plain(field),
        clearable: false,
        overwrite: Overwrite::Default,
    };
    Ok(implicit_columns::fields(inputs)?
        .into_iter()
        .map(mapped)
        .collect())
}

pub(super) fn explicit_fields(
    rules: &FieldRules,
    inputs: InputColumns<'_>,
) -> Result<(Option<Rule>, Vec<MappedField>), SchemaError> {
    let mut id = None;
    let mut fields = Vec::with_capacity(rules.len());
    for (name, written) in rules {
        if name == KeyField::Id.name() {
            id = Some(Rule::new(name.clone(), AttributeKind::Id, written, inputs)?);
        } else {
            let field = Field::from_name(name).ok_or_else(|| unknown_field(name))?;
            fields.push(explicit_field(field, written, inputs)?);
        }
    }
    fields.sort_by_key(|mapped| mapped.field);
    Ok((id, fields))
}

fn explicit_field(
    field: Field,
    written: &AttributeRule,
    inputs: InputColumns<'_>,
) -> Result<MappedField, SchemaError> {
    let name = field.name();
    let rule = Rule::new(
        name.to_owned(),
        AttributeKind::Field(field),
        written,
        inputs,
    )?;
    let value_formats = value_formats(name, written)?;
    Ok(MappedField {
        field,
        rule,
        reader: FieldReader::new(field, value_formats),
        clearable: false,
        overwrite: written.overwrite,
    })
}

fn unknown_field(name: &str) -> SchemaError {
    let section = match name.to_lowercase().as_str() {
        "tags" | "tag" => Some("[tags]"),
        "customdata" | "custom_data" | "custom" => Some("[custom_data]"),
        _ => None,
    };
    if let Some(section) = section {
        return SchemaError::OwnSection {
            name: name.to_owned(),
            section,
        };
    }
    let known = Field::ALL.into_iter().map(Field::name);
    SchemaError::UnknownField {
        name: name.to_owned(),
        nearest: Nearest::among(name, known.chain([KeyField::Id.name()])),
    }
}

pub(super) fn implicit_properties(
    inputs: InputColumns<'_>,
) -> Result<Vec<MappedProperty>, SchemaError> {
    let mapped = |(name, binding)| MappedProperty {
        rule: Rule::of_column(
            format!("customData.{name}"),
            AttributeKind::Property,
            binding,
        ),
        name,
        reader: PropertyReader::Auto,
        overwrite: Overwrite::Default,
    };
    Ok(implicit_columns::properties(inputs)?
        .into_iter()
        .map(mapped)
        .collect())
}

pub(super) fn explicit_properties(
    rules: &PropertyRules,
    inputs: InputColumns<'_>,
) -> Result<Vec<MappedProperty>, SchemaError> {
    let mut properties = Vec::with_capacity(rules.len());
    for (name, written) in rules {
        if name.trim().is_empty() {
            return Err(SchemaError::NamelessProperty);
        }
        let attribute = format!("customData.{name}");
        let reader = property_reader(&attribute, written);
        let rule = Rule::new(attribute, AttributeKind::Property, written, inputs)?;
        properties.push(MappedProperty {
            name: name.clone(),
            rule,
            reader: reader?,
            overwrite: written.overwrite,
        });
    }
    Ok(properties)
}

pub(super) fn tags(
    settings: Option<&TagSettings>,
    inputs: InputColumns<'_>,
) -> Result<Option<TagRule>, SchemaError> {
    let Some(settings) = settings else {
        let Some(column) = implicit_columns::tags(inputs)? else {
            return Ok(None);
        };
        return TagRule::new(&TagSettings::default(), Some(column), None).map(Some);
    };
    let binding = |attribute: &str, column: &Option<String>| {
        let named = column
            .as_ref()
            .map(|column| inputs.named(attribute, column));
        named.transpose()
    };
    let column = binding("tags", &settings.column)?;
    let remove_column = binding("tags to remove", &settings.remove_column)?;
    TagRule::new(settings, column, remove_column).map(Some)
}
