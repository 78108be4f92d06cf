use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::{CustomType, Overwrite, TagMode};

/// `[fields]`: the source of each field, by the API's field name or `id`. The schema checks the names.
pub type FieldRules = BTreeMap<String, AttributeRule>;

/// `[custom_data]`: the source of each property.
pub type PropertyRules = BTreeMap<String, AttributeRule>;

/// [`AttributeRule`] as a table of a config file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    column: Option<String>,
    template: Option<String>,
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    #[serde(default)]
    format: OneOrMany,
    timezone: Option<String>,
    decimal: Option<char>,
    thousands: Option<char>,
    #[serde(default)]
    true_values: Vec<String>,
    #[serde(default)]
    false_values: Vec<String>,
    region: Option<String>,
    case: Option<Case>,
    map: Option<BTreeMap<String, String>>,
    default: Option<String>,
    #[serde(default)]
    overwrite: Overwrite,
    #[serde(default)]
    on_invalid: OnInvalid,
}

/// The source of one attribute's value and how it is processed: in a config file a column name or a table. `column` and
/// `template` exclude each other, which the schema checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttributeRule {
    pub column: Option<String>,
    /// A minijinja template over the row's columns. The result is empty if all columns that it uses are empty.
    pub template: Option<String>,
    pub value_type: Option<ValueType>,
    /// Date formats in `strptime` notation, or `unix`, `unix_ms`, `unix_us`, `unix_ns` for timestamps; tried in order.
    pub formats: Vec<String>,
    /// IANA time zone of dates without a zone; the default is UTC.
    pub timezone: Option<String>,
    /// Decimal separator of numbers; the default is a point.
    pub decimal: Option<char>,
    /// Thousands separator of numbers; the default is none.
    pub thousands: Option<char>,
    /// Additional words for booleans, in any case.
    pub true_values: Vec<String>,
    pub false_values: Vec<String>,
    /// ISO 3166 code of the country for phone numbers without a country code, which are converted to E.164. Without it numbers
    /// are sent as written.
    pub region: Option<String>,
    pub case: Option<Case>,
    /// Cell text → value. Other texts stay as they are unless there is a `default`.
    pub map: Option<BTreeMap<String, String>>,
    pub default: Option<String>,
    pub overwrite: Overwrite,
    pub on_invalid: OnInvalid,
}

impl AttributeRule {
    #[must_use]
    pub fn column(name: impl Into<String>) -> Self {
        Self {
            column: Some(name.into()),
            ..Self::default()
        }
    }
}

impl From<RuleTable> for AttributeRule {
    fn from(table: RuleTable) -> Self {
        Self {
            column: table.column,
            template: table.template,
            value_type: table.value_type,
            formats: table.format.0,
            timezone: table.timezone,
            decimal: table.decimal,
            thousands: table.thousands,
            true_values: table.true_values,
            false_values: table.false_values,
            region: table.region,
            case: table.case,
            map: table.map,
            default: table.default,
            overwrite: table.overwrite,
            on_invalid: table.on_invalid,
        }
    }
}

impl<'de> Deserialize<'de> for AttributeRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = AttributeRule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a column name, or a table such as { column = \"E-mail\", case = \"lower\" }",
                )
            }
            fn visit_str<E>(self, text: &str) -> Result<AttributeRule, E> {
                Ok(AttributeRule::column(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AttributeRule, A::Error> {
                RuleTable::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

/// The `type` of a field or property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    Text,
    Number,
    Boolean,
    Date,
    Auto,
}

impl From<ValueType> for CustomType {
    fn from(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Text => Self::Text,
            ValueType::Number => Self::Number,
            ValueType::Boolean => Self::Boolean,
            ValueType::Date => Self::Date,
            ValueType::Auto => Self::Auto,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    Lower,
    Upper,
}

/// What happens to a row with an invalid value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnInvalid {
    /// The row is rejected.
    #[default]
    Reject,
    /// The attribute is left out of the row.
    Skip,
}

/// A text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct OneOrMany(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;
        impl<'de> Visitor<'de> for TextOrList {
            type Value = OneOrMany;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany(texts))
            }
        }
        deserializer.deserialize_any(TextOrList)
    }
}

/// `[tags]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagSettings {
    pub column: Option<String>,
    pub separator: String,
    pub always: Vec<String>,
    pub remove_column: Option<String>,
    pub mode: TagMode,
    pub managed: ManagedTags,
    /// Tag name → CSS colour for the tag when it is added.
    pub colors: BTreeMap<String, String>,
}

impl Default for TagSettings {
    fn default() -> Self {
        Self {
            column: None,
            separator: ";".into(),
            always: Vec::new(),
            remove_column: None,
            mode: TagMode::default(),
            managed: ManagedTags::default(),
            colors: BTreeMap::new(),
        }
    }
}

/// Which tags `mode = "managed"` may remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagedTags {
    /// Names and globs.
    Named(Vec<String>),
    /// The tags that hcsync itself added.
    Ours,
}

impl Default for ManagedTags {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl<'de> Deserialize<'de> for ManagedTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OursOrList;
        impl<'de> Visitor<'de> for OursOrList {
            type Value = ManagedTags;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tag names and globs, or \"ours\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ManagedTags, E> {
                if text == "ours" {
                    Ok(ManagedTags::Ours)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ManagedTags, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(ManagedTags::Named(names))
            }
        }
        deserializer.deserialize_any(OursOrList)
    }
}

/// What an empty cell means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyCells {
    /// The remote value stays.
    #[default]
    Keep,
    /// The remote value is cleared.
    Clear,
}

/// What happens to a damaged id, userId, e-mail or phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repair {
    /// The row is rejected.
    #[default]
    Report,
    /// Damage that has exactly one meaning is repaired and counted.
    Fix,
}

/// All settings of the mapping. A section that is `None` is filled from the names of the input's columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingSettings {
    pub fields: Option<FieldRules>,
    pub custom_data: Option<PropertyRules>,
    pub tags: Option<TagSettings>,
    pub empty_cells: EmptyCells,
    /// Cell texts that mean "no value".
    pub null_values: Vec<String>,
    pub repair: Repair,
    /// IANA time zone of dates that have none, where their rule names none; `None` is UTC.
    pub timezone: Option<String>,
    /// An expression over the row's cells; rows for which it is false are skipped. Empty: all rows are processed.
    pub row_filter: String,
}
