//! Which part of the customers a listing or a search asks for, and in which
//! order.

use serde_json::{Map, Value};

use super::field::Date;
use super::problem::{Complaint, Problem};
use super::quirks::{PageLimit, Quirks};
use super::store::Sort;

/// How many customers come where a request does not say it. Not documented.
const DEFAULT_LIMIT: usize = 100;

pub(super) const NO_CHOICE: &str = "The value you selected is not a valid choice.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) sort: Sort,
}

impl Page {
    /// Reads the query of a listing.
    pub(super) fn of_query(query: &str, quirks: &Quirks) -> Result<Self, Problem> {
        let mut complaints = Vec::new();
        let mut members = Map::new();
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                // A query has no types, so that digits are a number there.
                "limit" | "offset" => text
                    .parse::<u64>()
                    .map_or_else(|_| text.into(), Value::from),
                "sort" | "order" => Value::from(text),
                _ => {
                    complaints.push(Complaint::unexpected(name));
                    continue;
                }
            };
            members.insert(name.into_owned(), value);
        }
        let page = Self::of_body(&members, quirks, &mut complaints);
        if complaints.is_empty() {
            Ok(page)
        } else {
            Err(Problem::Invalid(complaints))
        }
    }

    /// Reads the four members of a search's body.
    pub(super) fn of_body(
        members: &Map<String, Value>,
        quirks: &Quirks,
        complaints: &mut Vec<Complaint>,
    ) -> Self {
        let limit = whole(members, "limit", DEFAULT_LIMIT, complaints);
        if members.contains_key("limit") && limit == 0 {
            complaints.push(Complaint::new("limit", "This value should be positive."));
        }
        let sort = Sort {
            by: choice(members, "sort", SORTS, complaints),
            descending: choice(members, "order", ORDERS, complaints),
        };
        Self {
            limit: within(limit, quirks, complaints),
            offset: whole(members, "offset", 0, complaints),
            sort,
        }
    }
}

const SORTS: [(&str, Date); 2] = [
    ("customers.firstSeen", Date::FirstSeen),
    ("customers.lastSeen", Date::LastSeen),
];
const ORDERS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

fn within(limit: usize, quirks: &Quirks, complaints: &mut Vec<Complaint>) -> usize {
    let most = quirks.page_limit_max;
    match quirks.page_limit {
        PageLimit::Accept => limit,
        PageLimit::Cap => limit.min(most),
        PageLimit::Refuse => {
            if limit > most {
                let message = format!("This value should be {most} or less.");
                complaints.push(Complaint::new("limit", message));
            }
            limit
        }
    }
}

fn whole(
    members: &Map<String, Value>,
    name: &str,
    default: usize,
    complaints: &mut Vec<Complaint>,
) -> usize {
    let Some(value) = members.get(name) else {
        return default;
    };
    match value.as_u64().map(usize::try_from) {
        Some(Ok(number)) => number,
        // Not the 0 that would be complained about once more.
        _ => {
            complaints.push(Complaint::wrong_type(name, "numeric"));
            default.max(1)
        }
    }
}

/// The first choice is the default.
fn choice<T: Copy>(
    members: &Map<String, Value>,
    name: &str,
    [first, second]: [(&str, T); 2],
    complaints: &mut Vec<Complaint>,
) -> T {
    match members.get(name) {
        None => first.1,
        Some(Value::String(word)) if word == first.0 => first.1,
        Some(Value::String(word)) if word == second.0 => second.1,
        Some(_) => {
            complaints.push(Complaint::new(name, NO_CHOICE));
            first.1
        }
    }
}
