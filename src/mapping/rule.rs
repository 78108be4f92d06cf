use jiff::tz::TimeZone;

use super::boolean::Words;
use super::damage::Identifier;
use super::date::{DateFormat, DateReader};
use super::field::Forms;
use super::given::Given;
use super::inspector::Inspector;
use super::number::NumberForm;
use super::phone::PhoneReader;
use super::problem::Problem;
use super::property::PropertyReader;
use super::recode::Recode;
use super::schema_error::{Nearest, SchemaError};
use super::slot::{Inputs, Slot};
use super::template::Template;
use super::{AttributeRule, OnInvalid, ValueType};
use crate::domain::{Field, FieldKind, Issue, Overwrite, Row};

/// Where one attribute's value comes from, bound to the inputs' columns.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// As reports name it: `email`, `customData.plan`.
    pub(super) attribute: String,
    source: Source,
    recode: Recode,
    /// What its cells are looked at for.
    identifier: Option<Identifier>,
    pub(super) on_invalid: OnInvalid,
}

#[derive(Debug, Clone)]
enum Source {
    Column(Slot),
    Template(Box<Template>),
}

/// What an attribute is, as far as the options that fit it go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Id,
    Field(Field),
    Property,
}

impl Target {
    /// The type that the attribute has whatever the config says; nothing for a property.
    fn fixed_type(self) -> Option<ValueType> {
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

    /// What its cells are looked at for. A phone that has a region is parsed.
    fn identifier(self, has_region: bool) -> Option<Identifier> {
        match self {
            Self::Id => Some(Identifier::Id),
            Self::Field(Field::UserId) => Some(Identifier::UserId),
            Self::Field(Field::Email) => Some(Identifier::Email),
            Self::Field(Field::Phone) if has_region => Some(Identifier::PhoneOfRegion),
            Self::Field(Field::Phone) => Some(Identifier::Phone),
            Self::Field(_) | Self::Property => None,
        }
    }
}

impl Rule {
    pub(super) fn of_column(attribute: String, target: Target, slot: Slot) -> Self {
        Self {
            identifier: target.identifier(false),
            attribute,
            source: Source::Column(slot),
            recode: Recode::default(),
            on_invalid: OnInvalid::default(),
        }
    }

    /// # Errors
    /// When there is not exactly one source, it names a column that is not there, or an option does not fit the
    /// attribute.
    pub(super) fn new(
        attribute: String,
        target: Target,
        written: &AttributeRule,
        inputs: Inputs<'_>,
    ) -> Result<Self, SchemaError> {
        check_options(&attribute, target, written)?;
        let source = match (&written.column, &written.template) {
            (Some(column), None) => Source::Column(inputs.named(&attribute, column)?),
            (None, Some(template)) => {
                Source::Template(Box::new(Template::new(&attribute, template, inputs)?))
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
            identifier: target.identifier(written.region.is_some()),
            attribute,
            source,
            recode,
            on_invalid: written.on_invalid,
        })
    }

    pub(super) fn columns(&self) -> Vec<&str> {
        match &self.source {
            Source::Column(slot) => slot.names(),
            Source::Template(template) => template.columns().collect(),
        }
    }

    /// What the row holds for the attribute: free of damage, translated and in its case.
    ///
    /// # Errors
    /// If a cell is damaged, or a template fails.
    pub(super) fn given<'a>(
        &'a self,
        row: &'a Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Given<'a>, Problem> {
        let given = match &self.source {
            Source::Column(slot) => inspector.given(slot.cell(row)),
            Source::Template(template) => template.given(row, inspector, self.identifier)?,
        };
        // A value that `map` names was looked at by whoever wrote the config.
        let sound = match self.recode.names(&given) {
            true => given,
            false => inspector.sound(given, self.identifier)?,
        };
        Ok(self.recode.apply(sound))
    }

    /// The column to blame for a bad value, as the row's input names it; none where a template puts several
    /// together.
    pub(super) fn column(&self, row: &Row) -> Option<&str> {
        match &self.source {
            Source::Column(slot) => Some(slot.name_for(row)),
            Source::Template(template) => {
                let mut columns = template.columns();
                columns.next().filter(|_| columns.next().is_none())
            }
        }
    }

    pub(super) fn issue(&self, row: &Row, problem: Problem) -> Issue {
        problem.into_issue(&self.attribute, self.column(row))
    }
}

/// An option that could not change anything is a slip of the user's, so it is refused and not ignored.
fn check_options(
    attribute: &str,
    target: Target,
    written: &AttributeRule,
) -> Result<(), SchemaError> {
    let refuse = |option: &'static str, reason: &str| {
        Err(SchemaError::Option {
            attribute: attribute.to_owned(),
            option,
            reason: reason.to_owned(),
        })
    };
    let value_type = match (target.fixed_type(), written.value_type) {
        (Some(fixed), Some(other)) if fixed != other => {
            return refuse(
                "type",
                &format!("does not fit: it is always {}", word(fixed)),
            );
        }
        (fixed, written) => fixed.or(written).unwrap_or(ValueType::Auto),
    };
    if value_type != ValueType::Date {
        let reason = match target {
            Target::Property => "is for dates only: add type = \"date\"",
            Target::Id | Target::Field(_) => "is for dates only",
        };
        if !written.formats.is_empty() {
            return refuse("format", reason);
        }
        if written.timezone.is_some() {
            return refuse("timezone", reason);
        }
    }
    check_forms(target, value_type, written).or_else(|(option, reason)| refuse(option, reason))?;
    let textual = matches!(value_type, ValueType::Text | ValueType::Auto);
    if written.case.is_some() && !(textual && target != Target::Field(Field::Locale)) {
        return refuse("case", "is for texts only");
    }
    if written.default.is_some() && written.map.is_none() {
        return refuse(
            "default",
            "is for values that `map` does not name, but there is no `map`",
        );
    }
    if target == Target::Id && written.overwrite != Overwrite::Default {
        return refuse(
            "overwrite",
            "does not fit: an id finds its customer and is never written",
        );
    }
    if target == Target::Id && written.on_invalid != OnInvalid::Reject {
        return refuse(
            "on_invalid",
            "does not fit: without its id a row would find another customer, or none",
        );
    }
    Ok(())
}

/// The options that say how numbers, booleans and phone numbers are written.
fn check_forms(
    target: Target,
    value_type: ValueType,
    written: &AttributeRule,
) -> Result<(), (&'static str, &'static str)> {
    let property = target == Target::Property;
    if value_type != ValueType::Number || !property {
        let reason = if property {
            "is for numbers only: add type = \"number\""
        } else {
            "is for numbers in [custom_data] only"
        };
        if written.decimal.is_some() {
            return Err(("decimal", reason));
        }
        if written.thousands.is_some() {
            return Err(("thousands", reason));
        }
    }
    if value_type != ValueType::Boolean {
        let reason = if property {
            "is for booleans only: add type = \"boolean\""
        } else {
            "is for booleans only"
        };
        if !written.true_values.is_empty() {
            return Err(("true_values", reason));
        }
        if !written.false_values.is_empty() {
            return Err(("false_values", reason));
        }
    }
    if written.region.is_some() && target != Target::Field(Field::Phone) {
        return Err(("region", "is for the field `phone` only"));
    }
    Ok(())
}

fn word(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Number => "a number",
        ValueType::Boolean => "a boolean",
        ValueType::Date => "a date",
        ValueType::Auto => "auto",
    }
}

/// How the values of an attribute are written.
///
/// # Errors
/// When an option says something that cannot be meant.
pub(super) fn forms(attribute: &str, written: &AttributeRule) -> Result<Forms, SchemaError> {
    let refuse = |option: &'static str, reason: String| SchemaError::Option {
        attribute: attribute.to_owned(),
        option,
        reason,
    };
    let words = Words::new(&written.true_values, &written.false_values);
    let numbers = NumberForm::new(written.decimal, written.thousands);
    let phones = written.region.as_deref().map(PhoneReader::new).transpose();
    Ok(Forms {
        dates: date_reader(attribute, written)?,
        words: words.map_err(|reason| refuse("true_values", reason))?,
        phones: phones.map_err(|reason| refuse("region", reason))?,
        numbers: numbers.map_err(|(option, reason)| refuse(option, reason))?,
    })
}

/// # Errors
/// When a format cannot read dates, or there is no such time zone.
fn date_reader(attribute: &str, written: &AttributeRule) -> Result<DateReader, SchemaError> {
    let refuse = |option: &'static str, reason: String| SchemaError::Option {
        attribute: attribute.to_owned(),
        option,
        reason,
    };
    let mut formats = Vec::with_capacity(written.formats.len());
    for format in &written.formats {
        let read = DateFormat::new(format);
        formats.push(read.map_err(|why| refuse("format", format!("`{format}` {why}")))?);
    }
    let Some(name) = &written.timezone else {
        return Ok(DateReader::new(formats, TimeZone::UTC));
    };
    if !formats.is_empty() && !formats.iter().any(DateFormat::is_local) {
        let reason = "changes nothing: UNIX timestamps have no zone".to_owned();
        return Err(refuse("timezone", reason));
    }
    let zone = TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let nearest = Nearest::among(name, known.iter().map(String::as_str));
        refuse(
            "timezone",
            format!("`{name}` is no IANA time zone{nearest}"),
        )
    })?;
    Ok(DateReader::new(formats, zone))
}

pub(super) fn property_reader(
    attribute: &str,
    written: &AttributeRule,
) -> Result<PropertyReader, SchemaError> {
    let forms = forms(attribute, written)?;
    Ok(match written.value_type.unwrap_or(ValueType::Auto) {
        ValueType::Auto => PropertyReader::Auto,
        ValueType::Text => PropertyReader::Text,
        ValueType::Number => PropertyReader::Number(forms.numbers),
        ValueType::Boolean => PropertyReader::Boolean(forms.words),
        ValueType::Date => PropertyReader::Date(forms.dates),
    })
}
