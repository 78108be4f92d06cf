//! Lines of a proposed config. Where the data is ambiguous, all possible lines are offered as comments.

use super::column_kind::ColumnKind;
use super::date_forms::COMPACT_DAY;
use super::profile::ColumnProfile;
use crate::domain::{Field, FieldKind};

/// The line of a field.
///
/// # Errors
/// Commented lines if the data is ambiguous or does not fit the field.
pub(super) fn field_line(
    field: Field,
    name: &str,
    column: &ColumnProfile,
) -> Result<String, Vec<String>> {
    let plain = format!("{} = {}", field.name(), quoted(name));
    let kind = column.kind();
    match (field.kind(), &kind) {
        (_, ColumnKind::Empty) => Ok(plain),
        (_, ColumnKind::Nested) => Err(vec![comment(&plain, "its cells are lists or objects")]),
        (FieldKind::Date, _) if column.unix_format().is_some() => {
            Ok(unix_line(field.name(), name, column.unix_format()))
        }
        (FieldKind::Date, _) => match column.mostly_dates().as_deref() {
            Some([]) => Ok(plain),
            Some([format]) => Ok(date_line(field.name(), name, format)),
            Some(several) => Err(undecided(field.name(), name, several)),
            None => Err(vec![comment(
                &date_line(field.name(), name, "%d.%m.%Y"),
                "its cells are not dates in one format",
            )]),
        },
        (FieldKind::OneWay, _) if column.is_boolean() => Ok(plain),
        (FieldKind::OneWay, _) => column.boolean_words().map_or_else(
            || {
                let line = words_line(field.name(), name, "", &[vec!["ja"], vec!["nein"]]);
                let why = "its cells are neither true nor false: list the words";
                Err(vec![comment(&line, why)])
            },
            |words| Ok(words_line(field.name(), name, "", &words)),
        ),
        (FieldKind::Text, _) if field == Field::Locale && !column.is_mostly_locale() => {
            Err(vec![comment(
                &format!(
                    "locale = {{ column = {}, map = {{ Deutsch = \"de\" }} }}",
                    quoted(name)
                ),
                "its cells are not language codes: translate them",
            )])
        }
        (FieldKind::Text, _) => Ok(plain),
    }
}

/// A line with words for yes and no. `kind`: its type with a comma, unless the field has it.
fn words_line(attribute: &str, column: &str, kind: &str, [yes, no]: &[Vec<&str>; 2]) -> String {
    let list = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        words.join(", ")
    };
    format!(
        "{attribute} = {{ column = {}, {kind}true_values = [{}], false_values = [{}] }}",
        quoted(column),
        list(yes),
        list(no)
    )
}

fn date_line(attribute: &str, column: &str, format: &str) -> String {
    format!(
        "{attribute} = {{ column = {}, type = \"date\", format = {} }}",
        quoted(column),
        quoted(format)
    )
}

/// Seconds need no format. A finer unit is written out, so that it also holds for later files with few rows.
fn unix_line(attribute: &str, column: &str, format: Option<&str>) -> String {
    match format {
        Some(finer) if finer != "unix" => date_line(attribute, column, finer),
        _ => format!("{attribute} = {}", quoted(column)),
    }
}

/// A commented line for each way to read the dates.
fn undecided(attribute: &str, column: &str, formats: &[String]) -> Vec<String> {
    let way = |format: &String| {
        let which = match (format.find("%d"), format.find("%m"), format.find("%y")) {
            (Some(day), _, Some(year)) if year < day => "year first",
            (Some(day), Some(month), _) if day < month => "day first",
            _ => "month first",
        };
        let why = format!("{which}? every date in the file fits both: keep the right line");
        comment(&date_line(attribute, column, format), &why)
    };
    formats.iter().map(way).collect()
}

/// The line of a property that is a text, whatever its values look like.
pub(super) fn text_line(name: &str, column_name: &str) -> String {
    let (key, column) = (key(name), quoted(column_name));
    format!("{key} = {{ column = {column}, type = \"text\" }}")
}

pub(super) fn property_lines(name: &str, column_name: &str, column: &ColumnProfile) -> Vec<String> {
    let key = key(name);
    let quoted_column = quoted(column_name);
    let plain = format!("{key} = {quoted_column}");
    let typed = |value_type: &str| {
        format!("{key} = {{ column = {quoted_column}, type = \"{value_type}\" }}")
    };
    if let Some(words) = column.boolean_words() {
        return vec![words_line(
            &key,
            column_name,
            "type = \"boolean\", ",
            &words,
        )];
    }
    let line = match column.kind() {
        ColumnKind::Empty => comment(&plain, "empty in this file"),
        ColumnKind::Nested => comment(&plain, "lists or objects; name a member as `object.member`"),
        ColumnKind::Number { .. } if column.is_compact_day() => format!(
            "{plain}   # numbers; if they are days, write {}",
            date_line(&key, column_name, COMPACT_DAY)
        ),
        ColumnKind::Number { shortest: false } => typed("number"),
        ColumnKind::Codes | ColumnKind::MixedText => typed("text"),
        ColumnKind::Boolean { plain: false } => typed("boolean"),
        ColumnKind::Timestamp => {
            format!("{plain}   # numbers; if they are UNIX timestamps, add type = \"date\"")
        }
        ColumnKind::Separated { decimal, thousands } => {
            number_line(&key, column_name, [decimal, thousands])
        }
        ColumnKind::NumberUnclear => return number_undecided(&key, column_name),
        ColumnKind::Date { formats } => match formats.as_slice() {
            [] => typed("date"),
            [format] => date_line(&key, column_name, format),
            several => return undecided(&key, column_name, several),
        },
        ColumnKind::Text
        | ColumnKind::Email
        | ColumnKind::Number { shortest: true }
        | ColumnKind::Boolean { plain: true } => plain,
    };
    vec![line]
}

fn number_line(key: &str, column: &str, [decimal, thousands]: [char; 2]) -> String {
    format!(
        "{key} = {{ column = {}, type = \"number\", decimal = \"{decimal}\", thousands = \"{thousands}\" }}",
        quoted(column)
    )
}

/// A commented line for each way to read the numbers.
fn number_undecided(key: &str, column: &str) -> Vec<String> {
    let way = |which: &str, signs| {
        let why = format!(
            "decimal {which}? every number in the file fits both, as 1,101 does: keep the right line"
        );
        comment(&number_line(key, column, signs), &why)
    };
    vec![way("comma", [',', '.']), way("point", ['.', ','])]
}

/// A line that is commented out, and why.
pub(super) fn comment(line: &str, why: &str) -> String {
    format!("# {line}   # {why}")
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A TOML basic string on one line. TOML shares JSON's escapes, except for one character that only TOML requires to be
/// escaped.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007f")
}
