use std::collections::BTreeSet;

use super::date::DateReader;
use super::field::FieldReader;
use super::given::Emptiness;
use super::property::PropertyReader;
use super::rule::{Rule, Target, date_reader, property_reader};
use super::schema_error::{Nearest, SchemaError};
use super::slot::Inputs;
use super::tags::{ManagedTagRule, TagRule};
use super::{AttributeRule, FieldRules, MappingSettings, PropertyRules, TagSettings, auto};
use crate::domain::{Columns, CustomType, Field, FieldKind, KeyField, Overwrite};

/// The mapping of a run: what each attribute is made of, checked and bound to the inputs' columns.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) id: Option<Rule>,
    pub(super) fields: Vec<MappedField>,
    pub(super) properties: Vec<MappedProperty>,
    pub(super) tags: Option<TagRule>,
    pub(super) emptiness: Emptiness,
    keys: Vec<KeyField>,
    unused: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct MappedField {
    pub(super) field: Field,
    pub(super) rule: Rule,
    pub(super) reader: FieldReader,
    /// Whether a row can want the field to have no value: never a match key, nor a one-way field.
    pub(super) clearable: bool,
    overwrite: Overwrite,
}

#[derive(Debug, Clone)]
pub(super) struct MappedProperty {
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) reader: PropertyReader,
    overwrite: Overwrite,
}

impl Schema {
    /// Sections of the settings that are there are used as they are written; the others are filled from the
    /// columns, which are given for each input of the run in order (`Position::source` is the index). An input of
    /// objects gives the dotted names of all its records.
    ///
    /// Where no columns are known at all (no input, or none with a header or record) names are not checked.
    ///
    /// # Errors
    /// When settings and columns do not fit together, or no match key is mapped.
    pub fn new(
        settings: &MappingSettings,
        keys: &[KeyField],
        columns: &[&Columns],
    ) -> Result<Self, SchemaError> {
        let inputs = Inputs(columns);
        let (id, fields) = match &settings.fields {
            Some(rules) => written_fields(rules, inputs)?,
            None => (None, found_fields(inputs)?),
        };
        let properties = match &settings.custom_data {
            Some(rules) => written_properties(rules, inputs)?,
            None => found_properties(inputs)?,
        };
        let tags = tags(settings.tags.as_ref(), inputs)?.filter(TagRule::is_active);
        let mut schema = Self {
            id,
            fields,
            properties,
            tags,
            emptiness: Emptiness::new(&settings.null_values, settings.empty_cells),
            keys: Vec::new(),
            unused: Vec::new(),
        };
        schema.keys = schema.usable_keys(keys, inputs)?;
        schema.unused = schema.left_over(inputs);
        for mapped in &mut schema.fields {
            let is_key = key_of(mapped.field).is_some_and(|key| schema.keys.contains(&key));
            mapped.clearable = !is_key && mapped.field.kind() != FieldKind::OneWay;
        }
        Ok(schema)
    }

    /// The match keys that are mapped, in the order in which they are tried. An `id` that is mapped is one of them
    /// also where the settings do not name it, and then goes first: it can serve nothing else.
    #[must_use]
    pub fn keys(&self) -> &[KeyField] {
        &self.keys
    }

    /// The fields that belong to this sync.
    pub fn fields(&self) -> impl Iterator<Item = (Field, Overwrite)> {
        self.fields
            .iter()
            .map(|mapped| (mapped.field, mapped.overwrite))
    }

    /// The custom properties that belong to this sync.
    pub fn properties(&self) -> impl Iterator<Item = (&str, CustomType, Overwrite)> {
        self.properties.iter().map(|mapped| {
            let custom_type = mapped.reader.custom_type();
            (mapped.name.as_str(), custom_type, mapped.overwrite)
        })
    }

    /// Which tags may be removed; nothing where tags are not managed at all.
    #[must_use]
    pub fn tags(&self) -> Option<&ManagedTagRule> {
        self.tags.as_ref().map(|tags| &tags.managed)
    }

    /// For each attribute the columns that it is made of, as `("email", ["E-mail"])`.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let tags = self.tags.iter().flat_map(|tags| {
            let slots = [
                ("tags", &tags.column),
                ("tags to remove", &tags.remove_column),
            ];
            slots.map(|(name, slot)| (name, slot.iter().map(|s| s.label()).collect()))
        });
        self.rules()
            .map(|rule| (rule.attribute.as_str(), rule.columns()))
            .chain(tags.filter(|(_, columns): &(_, Vec<_>)| !columns.is_empty()))
    }

    /// The columns that nothing uses, in order.
    #[must_use]
    pub fn unused_columns(&self) -> &[String] {
        &self.unused
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        let fields = self.fields.iter().map(|mapped| &mapped.rule);
        let properties = self.properties.iter().map(|mapped| &mapped.rule);
        self.id.iter().chain(fields).chain(properties)
    }

    pub(super) fn key_rule(&self, key: KeyField) -> Option<&Rule> {
        match key {
            KeyField::Id => self.id.as_ref(),
            KeyField::UserId => self.field_rule(Field::UserId),
            KeyField::Email => self.field_rule(Field::Email),
        }
    }

    fn field_rule(&self, field: Field) -> Option<&Rule> {
        let mapped = self.fields.iter().find(|mapped| mapped.field == field);
        mapped.map(|mapped| &mapped.rule)
    }

    fn usable_keys(
        &self,
        keys: &[KeyField],
        inputs: Inputs<'_>,
    ) -> Result<Vec<KeyField>, SchemaError> {
        let mut usable = Vec::with_capacity(keys.len() + 1);
        if self.id.is_some() && !keys.contains(&KeyField::Id) {
            usable.push(KeyField::Id);
        }
        for &key in keys {
            if self.key_rule(key).is_some() && !usable.contains(&key) {
                usable.push(key);
            }
        }
        if usable.is_empty() && !inputs.are_unknown() {
            return Err(SchemaError::NoMatchKey {
                keys: keys.iter().map(ToString::to_string).collect(),
                columns: inputs.names().into_iter().map(str::to_owned).collect(),
            });
        }
        Ok(usable)
    }

    fn left_over(&self, inputs: Inputs<'_>) -> Vec<String> {
        let used: BTreeSet<&str> = self.sources().flat_map(|(_, columns)| columns).collect();
        let names = inputs.names().into_iter();
        names
            .filter(|name| !used.contains(name))
            .map(str::to_owned)
            .collect()
    }
}

fn key_of(field: Field) -> Option<KeyField> {
    match field {
        Field::UserId => Some(KeyField::UserId),
        Field::Email => Some(KeyField::Email),
        _ => None,
    }
}

fn utc_dates() -> DateReader {
    DateReader::new(Vec::new(), jiff::tz::TimeZone::UTC)
}

fn found_fields(inputs: Inputs<'_>) -> Result<Vec<MappedField>, SchemaError> {
    let mapped = |(field, slot): (Field, _)| MappedField {
        field,
        rule: Rule::of_column(field.name().to_owned(), slot),
        reader: FieldReader::new(field, utc_dates),
        clearable: false,
        overwrite: Overwrite::Default,
    };
    Ok(auto::fields(inputs)?.into_iter().map(mapped).collect())
}

fn written_fields(
    rules: &FieldRules,
    inputs: Inputs<'_>,
) -> Result<(Option<Rule>, Vec<MappedField>), SchemaError> {
    let mut id = None;
    let mut fields = Vec::with_capacity(rules.len());
    for (name, written) in rules {
        if name == KeyField::Id.name() {
            id = Some(Rule::new(name.clone(), Target::Id, written, inputs)?);
        } else {
            let field = Field::from_name(name).ok_or_else(|| unknown_field(name))?;
            fields.push(written_field(field, written, inputs)?);
        }
    }
    fields.sort_by_key(|mapped| mapped.field);
    Ok((id, fields))
}

fn written_field(
    field: Field,
    written: &AttributeRule,
    inputs: Inputs<'_>,
) -> Result<MappedField, SchemaError> {
    let name = field.name();
    let rule = Rule::new(name.to_owned(), Target::Field(field), written, inputs)?;
    let dates = date_reader(name, written)?;
    Ok(MappedField {
        field,
        rule,
        reader: FieldReader::new(field, || dates),
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

fn found_properties(inputs: Inputs<'_>) -> Result<Vec<MappedProperty>, SchemaError> {
    let mapped = |(name, slot)| MappedProperty {
        rule: Rule::of_column(format!("customData.{name}"), slot),
        name,
        reader: PropertyReader::Auto,
        overwrite: Overwrite::Default,
    };
    Ok(auto::properties(inputs)?.into_iter().map(mapped).collect())
}

fn written_properties(
    rules: &PropertyRules,
    inputs: Inputs<'_>,
) -> Result<Vec<MappedProperty>, SchemaError> {
    let mut properties = Vec::with_capacity(rules.len());
    for (name, written) in rules {
        if name.trim().is_empty() {
            return Err(SchemaError::NamelessProperty);
        }
        let attribute = format!("customData.{name}");
        let reader = property_reader(&attribute, written);
        let rule = Rule::new(attribute, Target::Property, written, inputs)?;
        properties.push(MappedProperty {
            name: name.clone(),
            rule,
            reader: reader?,
            overwrite: written.overwrite,
        });
    }
    Ok(properties)
}

fn tags(
    settings: Option<&TagSettings>,
    inputs: Inputs<'_>,
) -> Result<Option<TagRule>, SchemaError> {
    let Some(settings) = settings else {
        let Some(column) = auto::tags(inputs)? else {
            return Ok(None);
        };
        return TagRule::new(&TagSettings::default(), Some(column), None).map(Some);
    };
    let slot = |attribute: &str, column: &Option<String>| {
        let named = column
            .as_ref()
            .map(|column| inputs.named(attribute, column));
        named.transpose()
    };
    let column = slot("tags", &settings.column)?;
    let remove_column = slot("tags to remove", &settings.remove_column)?;
    TagRule::new(settings, column, remove_column).map(Some)
}
