use super::column_binding::{ColumnBinding, InputColumns};
use super::damage::IdentifierKind;
use super::inspector::Inspector;
use super::invalid_value::InvalidValue;
use super::recode::Recode;
use super::rule_options::check_options;
use super::schema_error::SchemaError;
use super::source_value::SourceValue;
use super::template::Template;
use super::{AttributeRule, OnInvalid, ValueType};
use crate::domain::{Field, FieldKind, Issue, Row};

/// The source of one attribute's value, bound to the inputs' columns.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// As in reports: `email`, `customData.plan`.
    pub(super) attribute: String,
    source: ValueSource,
    recode: Recode,
    /// How its cells are checked for damage.
    identifier: Option<IdentifierKind>,
    pub(super) on_invalid: OnInvalid,
}

#[derive(Debug, Clone)]
enum ValueSource {
    Column(ColumnBinding),
    Template(Box<Template>),
}

/// The kind of an attribute, which decides the options that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttributeKind {
    Id,
    Field(Field),
    Property,
}

impl AttributeKind {
    /// The type of the attribute, or `None` for a property, whose type the config chooses.
    pub(super) fn fixed_type(self) -> Option<ValueType> {
        match self {
            Self::Id => Some(ValueType::Number),
            Self::Field(field) => Some(match field.kind() {
                FieldKind::Text => ValueType::Text,
                FieldKind::Date => ValueType::Date,
                FieldKind::OneWay => ValueType::Boolean,
            }),
            Self::Property => None,
        }
    }

    /// How the cells of the attribute are checked for damage.
    fn identifier(self, has_region: bool) -> Option<IdentifierKind> {
        match self {
            Self::Id => Some(IdentifierKind::Id),
            Self::Field(Field::UserId) => Some(IdentifierKind::UserId),
            Self::Field(Field::Email) => Some(IdentifierKind::Email),
            Self::Field(Field::Phone) if has_region => Some(IdentifierKind::PhoneOfRegion),
            Self::Field(Field::Phone) => Some(IdentifierKind::Phone),
            Self::Field(_) | Self::Property => None,
        }
    }
}

impl Rule {
    pub(super) fn of_column(
        attribute: String,
        kind: AttributeKind,
        binding: ColumnBinding,
    ) -> Self {
        Self {
            identifier: kind.identifier(false),
            attribute,
            source: ValueSource::Column(binding),
            recode: Recode::default(),
            on_invalid: OnInvalid::default(),
        }
    }

    /// # Errors
    /// If there is not exactly one source, a column does not exist, or an option does not fit the attribute.
    pub(super) fn new(
        attribute: String,
        kind: AttributeKind,
        written: &AttributeRule,
        inputs: InputColumns<'_>,
    ) -> Result<Self, SchemaError> {
        check_options(&attribute, kind, written)?;
        let source = match (&written.column, &written.template) {
            (Some(column), None) => ValueSource::Column(inputs.named(&attribute, column)?),
            (None, Some(template)) => {
                ValueSource::Template(Box::new(Template::new(&attribute, template, inputs)?))
            }
            (Some(_), Some(_)) => return Err(SchemaError::ColumnAndTemplate { attribute }),
            (None, None) => return Err(SchemaError::NoSource { attribute }),
        };
        let recode = Recode {
            map: written.map.clone(),
            default: written.default.clone(),
            case: written.case,
        };
        Ok(Self {
            identifier: kind.identifier(written.region.is_some()),
            attribute,
            source,
            recode,
            on_invalid: written.on_invalid,
        })
    }

    pub(super) fn columns(&self) -> Vec<&str> {
        match &self.source {
            ValueSource::Column(binding) => binding.names(),
            ValueSource::Template(template) => template.columns().collect(),
        }
    }

    /// The row's value for the attribute after damage check, `map`, `default` and `case`.
    ///
    /// # Errors
    /// If a cell is damaged or a template fails.
    pub(super) fn value<'a>(
        &'a self,
        row: &'a Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<SourceValue<'a>, InvalidValue> {
        let value = match &self.source {
            ValueSource::Column(binding) => inspector.value(binding.cell(row)),
            ValueSource::Template(template) => template.value(row, inspector, self.identifier)?,
        };
        // The user has seen the values that are in `map`.
        let sound = match self.recode.has_entry_for(&value) {
            true => value,
            false => inspector.sound(value, self.identifier)?,
        };
        Ok(self.recode.apply(sound))
    }

    /// The column that an invalid value comes from, as named in the row's input; `None` if a template combines several.
    pub(super) fn column(&self, row: &Row) -> Option<&str> {
        match &self.source {
            ValueSource::Column(binding) => Some(binding.name_for(row)),
            ValueSource::Template(template) => {
                let mut columns = template.columns();
                columns.next().filter(|_| columns.next().is_none())
            }
        }
    }

    pub(super) fn issue(&self, row: &Row, problem: InvalidValue) -> Issue {
        problem.into_issue(&self.attribute, self.column(row))
    }
}
