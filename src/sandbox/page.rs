//! The page and the order that a listing or a search asks for.

use serde_json::{Map, Value};

use super::error_reply::{ErrorReply, FieldError};
use super::field::DateField;
use super::quirks::{PageLimit, Quirks};
use super::store::SortOrder;

/// The page size if a request does not name it. Not documented.
const DEFAULT_LIMIT: usize = 100;

pub(super) const NO_CHOICE: &str = "The value you selected is not a valid choice.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) sort: SortOrder,
}

impl PageRequest {
    /// Reads the query of a listing.
    pub(super) fn of_query(query: &str, quirks: &Quirks) -> Result<Self, ErrorReply> {
        let mut errors = Vec::new();
        let mut members = Map::new();
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                // Query parameters have no types, so digits count as a number.
                "limit" | "offset" => text
                    .parse::<u64>()
                    .map_or_else(|_| text.into(), Value::from),
                "sort" | "order" => Value::from(text),
                _ => {
                    errors.push(FieldError::unexpected(name));
                    continue;
                }
            };
            members.insert(name.into_owned(), value);
        }
        let page = Self::of_body(&members, quirks, &mut errors);
        if errors.is_empty() {
            Ok(page)
        } else {
            Err(ErrorReply::Invalid(errors))
        }
    }

    /// Reads the four members of a search's body.
    pub(super) fn of_body(
        members: &Map<String, Value>,
        quirks: &Quirks,
        errors: &mut Vec<FieldError>,
    ) -> Self {
        let limit = whole(members, "limit", DEFAULT_LIMIT, errors);
        if members.contains_key("limit") && limit == 0 {
            errors.push(FieldError::new("limit", "This value should be positive."));
        }
        let sort = SortOrder {
            by: choice(members, "sort", SORTS, errors),
            descending: choice(members, "order", ORDERS, errors),
        };
        Self {
            limit: within(limit, quirks, errors),
            offset: whole(members, "offset", 0, errors),
            sort,
        }
    }
}

const SORTS: [(&str, DateField); 2] = [
    ("customers.firstSeen", DateField::FirstSeen),
    ("customers.lastSeen", DateField::LastSeen),
];
const ORDERS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

fn within(limit: usize, quirks: &Quirks, errors: &mut Vec<FieldError>) -> usize {
    let max = quirks.page_limit_max;
    match quirks.page_limit {
        PageLimit::Accept => limit,
        PageLimit::Cap => limit.min(max),
        PageLimit::Refuse => {
            if limit > max {
                let message = format!("This value should be {max} or less.");
                errors.push(FieldError::new("limit", message));
            }
            limit
        }
    }
}

fn whole(
    members: &Map<String, Value>,
    name: &str,
    default: usize,
    errors: &mut Vec<FieldError>,
) -> usize {
    let Some(value) = members.get(name) else {
        return default;
    };
    match value.as_u64().map(usize::try_from) {
        Some(Ok(number)) => number,
        // Not 0, which would cause a second error.
        _ => {
            errors.push(FieldError::wrong_type(name, "numeric"));
            default.max(1)
        }
    }
}

/// The first choice is the default.
fn choice<T: Copy>(
    members: &Map<String, Value>,
    name: &str,
    [first, second]: [(&str, T); 2],
    errors: &mut Vec<FieldError>,
) -> T {
    match members.get(name) {
        None => first.1,
        Some(Value::String(word)) if word == first.0 => first.1,
        Some(Value::String(word)) if word == second.0 => second.1,
        Some(_) => {
            errors.push(FieldError::new(name, NO_CHOICE));
            first.1
        }
    }
}
