//! Parses and validates the body of `POST /v1/customers/search`.

use serde_json::{Map, Value};

use super::error_reply::FieldError;
use super::field::TextField;
use super::formats::timestamp;
use super::page;
use super::quirks::Quirks;
use super::search::{Operator, SearchFilter};

pub(super) fn comparison(members: &Map<String, Value>, errors: &mut Vec<FieldError>) -> bool {
    match members.get("comparison") {
        None => false,
        Some(Value::String(word)) if word == "AND" => false,
        Some(Value::String(word)) if word == "OR" => true,
        Some(Value::String(_)) => {
            errors.push(FieldError::new("comparison", page::NO_CHOICE));
            false
        }
        Some(_) => {
            errors.push(FieldError::wrong_type("comparison", "string"));
            false
        }
    }
}

pub(super) fn filters(
    members: &Map<String, Value>,
    quirks: &Quirks,
    errors: &mut Vec<FieldError>,
) -> Vec<SearchFilter> {
    let list = match members.get("filter") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        None | Some(Value::Null | Value::Array(_)) => {
            errors.push(FieldError::blank("filter"));
            return Vec::new();
        }
        Some(_) => {
            errors.push(FieldError::wrong_type("filter", "array"));
            return Vec::new();
        }
    };
    if quirks.max_filters > 0 && list.len() > quirks.max_filters {
        let message = format!(
            "This collection should contain {} elements or less.",
            quirks.max_filters
        );
        errors.push(FieldError::new("filter", message));
        return Vec::new();
    }
    let mut filters = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match filter(index, entry) {
            Ok(filter) => filters.push(filter),
            Err(error) => errors.push(error),
        }
    }
    filters
}

fn filter(index: usize, entry: &Value) -> Result<SearchFilter, FieldError> {
    let path = |name: &str| format!("filter[{index}].{name}");
    let Value::Object(members) = entry else {
        return Err(FieldError::wrong_type(format!("filter[{index}]"), "object"));
    };
    let known = ["field", "operator", "value"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(FieldError::unexpected(path(name)));
    }
    let word = |name: &str| match members.get(name) {
        Some(Value::String(word)) if !word.is_empty() => Ok(word.as_str()),
        None | Some(Value::Null | Value::String(_)) => Err(FieldError::blank(path(name))),
        Some(_) => Err(FieldError::wrong_type(path(name), "string")),
    };
    let field = word("field")?;
    let operator = operator(word("operator")?)
        .ok_or_else(|| FieldError::new(path("operator"), page::NO_CHOICE))?;
    let value = members.get("value").unwrap_or(&Value::Null);
    let filter = typed(field, operator, value, &path("value"))?
        .ok_or_else(|| FieldError::new(path("field"), page::NO_CHOICE))?;
    if filter.allows() {
        Ok(filter)
    } else {
        let message = "This operator is not allowed for the field.";
        Err(FieldError::new(path("operator"), message))
    }
}

impl SearchFilter {
    /// Whether the documentation allows the operator for a field of this type.
    fn allows(&self) -> bool {
        let contains = |operator| matches!(operator, Operator::Contains | Operator::NotContains);
        let equals = |operator| matches!(operator, Operator::Equal | Operator::NotEqual);
        match self {
            Self::Id(operator, _) | Self::LastSeen(operator, _) => !contains(*operator),
            Self::Text(_, operator, _) | Self::Place(_, operator, _) => {
                equals(*operator) || contains(*operator)
            }
            Self::Tags(operator, _) => equals(*operator),
        }
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word {
        "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" => Operator::GreaterOrEqual,
        "<=" => Operator::LessOrEqual,
        "~" => Operator::Contains,
        "!~" => Operator::NotContains,
        _ => return None,
    })
}

/// Returns the filter for a field, or `None` if search has no such field. Null has the wrong type for all fields.
fn typed(
    field: &str,
    operator: Operator,
    value: &Value,
    path: &str,
) -> Result<Option<SearchFilter>, FieldError> {
    let text = || {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| FieldError::wrong_type(path, "string"))
    };
    let of_text = |field| Ok(Some(SearchFilter::Text(field, operator, text()?)));
    let of_place = |part| Ok(Some(SearchFilter::Place(part, operator, text()?)));
    match field {
        "customers.id" => {
            let id = value
                .as_i64()
                .ok_or_else(|| FieldError::wrong_type(path, "numeric"))?;
            Ok(Some(SearchFilter::Id(operator, id)))
        }
        "customers.lastSeen" => {
            let date = value.as_i64().or_else(|| timestamp(value.as_str()?));
            let message = "This value is not a valid UNIX timestamp.";
            let date = date.ok_or_else(|| FieldError::new(path, message))?;
            Ok(Some(SearchFilter::LastSeen(operator, date)))
        }
        "customers.name" => of_text(TextField::Name),
        "customers.email" => of_text(TextField::Email),
        "customers.company" => of_text(TextField::Company),
        "customers.phone" => of_text(TextField::Phone),
        "customers.userId" => of_text(TextField::UserId),
        "customers.countryCode" => of_place("countryCode"),
        "customers.city" => of_place("city"),
        "customers.regionCode" => of_place("regionCode"),
        "customers.tagsData" => Ok(Some(SearchFilter::Tags(operator, tag_names(value, path)?))),
        _ => Ok(None),
    }
}

fn tag_names(value: &Value, path: &str) -> Result<Vec<String>, FieldError> {
    let Value::Array(list) = value else {
        return Err(FieldError::wrong_type(path, "array"));
    };
    if list.is_empty() {
        return Err(FieldError::blank(path));
    }
    list.iter()
        .enumerate()
        .map(|(index, tag)| match tag.get("name") {
            Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
            None => Err(FieldError::blank(format!("{path}[{index}].name"))),
            Some(_) => Err(FieldError::wrong_type(
                format!("{path}[{index}].name"),
                "string",
            )),
        })
        .collect()
}
