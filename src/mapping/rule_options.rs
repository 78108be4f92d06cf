//! The options of a rule: which ones fit an attribute, and the formats that they describe.

use jiff::tz::TimeZone;

use super::boolean::BooleanWords;
use super::date::DateReader;
use super::date_format::DateFormat;
use super::field::ValueFormats;
use super::number_form::NumberForm;
use super::phone::PhoneReader;
use super::property::PropertyReader;
use super::rule::AttributeKind;
use super::schema_error::{Nearest, SchemaError};
use super::{AttributeRule, OnInvalid, ValueType};
use crate::domain::{Field, Overwrite};

/// Rejects options that would have no effect: they are mistakes.
pub(super) fn check_options(
    attribute: &str,
    kind: AttributeKind,
    written: &AttributeRule,
) -> Result<(), SchemaError> {
    let refuse = |option: &'static str, reason: &str| {
        Err(SchemaError::Option {
            attribute: attribute.to_owned(),
            option,
            reason: reason.to_owned(),
        })
    };
    let value_type = match (kind.fixed_type(), written.value_type) {
        (Some(fixed), Some(other)) if fixed != other => {
            return refuse(
                "type",
                &format!("does not fit: it is always {}", word(fixed)),
            );
        }
        (fixed, written) => fixed.or(written).unwrap_or(ValueType::Auto),
    };
    if value_type != ValueType::Date {
        let reason = match kind {
            AttributeKind::Property => "is for dates only: add type = \"date\"",
            AttributeKind::Id | AttributeKind::Field(_) => "is for dates only",
        };
        if !written.formats.is_empty() {
            return refuse("format", reason);
        }
        if written.timezone.is_some() {
            return refuse("timezone", reason);
        }
    }
    check_value_formats(kind, value_type, written)
        .or_else(|(option, reason)| refuse(option, reason))?;
    let textual = matches!(value_type, ValueType::Text | ValueType::Auto);
    if written.case.is_some() && !(textual && kind != AttributeKind::Field(Field::Locale)) {
        return refuse("case", "is for texts only");
    }
    if written.default.is_some() && written.map.is_none() {
        return refuse(
            "default",
            "is for values that are not in `map`, but there is no `map`",
        );
    }
    if kind == AttributeKind::Id && written.overwrite != Overwrite::Default {
        return refuse(
            "overwrite",
            "does not fit: an id only identifies its customer and is never written",
        );
    }
    if kind == AttributeKind::Id && written.on_invalid != OnInvalid::Reject {
        return refuse(
            "on_invalid",
            "does not fit: without its id a row would match a different customer, or none",
        );
    }
    Ok(())
}

/// Checks the options for the formats of numbers, booleans and phone numbers.
fn check_value_formats(
    kind: AttributeKind,
    value_type: ValueType,
    written: &AttributeRule,
) -> Result<(), (&'static str, &'static str)> {
    let property = kind == AttributeKind::Property;
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
    if written.region.is_some() && kind != AttributeKind::Field(Field::Phone) {
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

/// The formats of an attribute's values.
///
/// # Errors
/// If an option makes no sense.
pub(super) fn value_formats(
    attribute: &str,
    written: &AttributeRule,
) -> Result<ValueFormats, SchemaError> {
    let refuse = |option: &'static str, reason: String| SchemaError::Option {
        attribute: attribute.to_owned(),
        option,
        reason,
    };
    let words = BooleanWords::new(&written.true_values, &written.false_values);
    let numbers = NumberForm::new(written.decimal, written.thousands);
    let phones = written.region.as_deref().map(PhoneReader::new).transpose();
    Ok(ValueFormats {
        dates: date_reader(attribute, written)?,
        words: words.map_err(|reason| refuse("true_values", reason))?,
        phones: phones.map_err(|reason| refuse("region", reason))?,
        numbers: numbers.map_err(|(option, reason)| refuse(option, reason))?,
    })
}

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
        return Ok(DateReader::without_zone(formats));
    };
    if !formats.is_empty() && !formats.iter().any(DateFormat::is_local) {
        let reason = "has no effect: UNIX timestamps have no zone".to_owned();
        return Err(refuse("timezone", reason));
    }
    let zone = time_zone(name).map_err(|reason| refuse("timezone", reason))?;
    Ok(DateReader::new(formats, zone))
}

/// Returns the time zone with this IANA name.
///
/// # Errors
/// There is none. The message continues a sentence that begins with the key.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        let zones: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let nearest = Nearest::among(name, zones.iter().map(String::as_str));
        format!("`{name}` is not an IANA time zone{nearest}")
    })
}

pub(super) fn property_reader(
    attribute: &str,
    written: &AttributeRule,
) -> Result<PropertyReader, SchemaError> {
    let value_formats = value_formats(attribute, written)?;
    Ok(match written.value_type.unwrap_or(ValueType::Auto) {
        ValueType::Auto => PropertyReader::Auto,
        ValueType::Text => PropertyReader::Text,
        ValueType::Number => PropertyReader::Number(value_formats.numbers),
        ValueType::Boolean => PropertyReader::Boolean(value_formats.words),
        ValueType::Date => PropertyReader::Date(value_formats.dates),
    })
}
