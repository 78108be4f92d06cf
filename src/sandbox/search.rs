//! The query language of `POST /v1/customers/search`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::customer::Customer;
use super::field::{Date, Text};
use super::page::{self, Page};
use super::problem::{Complaint, Problem};
use super::quirks::{Case, Quirks};
use super::store::Store;
use super::validate;

/// A validated search.
#[derive(Debug)]
pub(super) struct Query {
    any: bool,
    filters: Vec<Filter>,
    pub(super) page: Page,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Contains,
    NotContains,
}

#[derive(Debug)]
enum Filter {
    Id(Operator, i64),
    LastSeen(Operator, i64),
    Text(Text, Operator, String),
    Place(&'static str, Operator, String),
    Tags(Operator, Vec<String>),
}

impl Query {
    /// Reads the body of a search.
    pub(super) fn read(body: &Value, quirks: &Quirks) -> Result<Self, Problem> {
        let Value::Object(members) = body else {
            return Err(Problem::of(Complaint::wrong_type("body", "object")));
        };
        let mut complaints = Vec::new();
        let known = ["comparison", "filter", "limit", "offset", "sort", "order"];
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            complaints.push(Complaint::unexpected(name));
        }
        let any = comparison(members, &mut complaints);
        let filters = filters(members, quirks, &mut complaints);
        let page = Page::of_body(members, quirks, &mut complaints);
        if complaints.is_empty() {
            Ok(Self { any, filters, page })
        } else {
            Err(Problem::Invalid(complaints))
        }
    }

    /// The customers that match as they are `seen`, in no order.
    pub(super) fn matches<'a>(
        &self,
        store: &'a Store,
        quirks: &Quirks,
        seen: impl Fn(&'a Customer) -> Option<&'a Customer>,
    ) -> Vec<&'a Customer> {
        let matches = |customer: &&Customer| {
            let mut results = self
                .filters
                .iter()
                .map(|one| one.matches(customer, store, quirks));
            if self.any {
                results.any(|yes| yes)
            } else {
                results.all(|yes| yes)
            }
        };
        // The indexes hold customers as they are, not as a view that lags behind shows them.
        let candidates = match quirks.search_lag_ms {
            0 => self.candidates(store),
            _ => None,
        };
        match candidates {
            Some(ids) => ids
                .into_iter()
                .filter_map(|id| store.get(id))
                .filter(matches)
                .collect(),
            None if self.any => store.all().filter_map(seen).filter(matches).collect(),
            None => store
                .within(self.ids())
                .filter_map(seen)
                .filter(matches)
                .collect(),
        }
    }

    /// Ids that the indexes say may match, where they can say it.
    fn candidates(&self, store: &Store) -> Option<BTreeSet<u64>> {
        if self.any {
            let mut all = BTreeSet::new();
            for filter in &self.filters {
                all.extend(filter.candidates(store)?);
            }
            return Some(all);
        }
        self.filters
            .iter()
            .find_map(|filter| filter.candidates(store))
            .map(BTreeSet::from_iter)
    }

    /// The range of ids outside of which nothing matches all filters.
    fn ids(&self) -> RangeInclusive<u64> {
        let mut low = 0;
        let mut high = i64::MAX;
        for filter in &self.filters {
            match filter {
                Filter::Id(Operator::Greater, id) => low = low.max(id.saturating_add(1)),
                Filter::Id(Operator::GreaterOrEqual, id) => low = low.max(*id),
                Filter::Id(Operator::Less, id) => high = high.min(id.saturating_sub(1)),
                Filter::Id(Operator::LessOrEqual, id) => high = high.min(*id),
                _ => {}
            }
        }
        let unsigned = |id: i64| u64::try_from(id).unwrap_or_default();
        unsigned(low)..=unsigned(high)
    }
}

impl Filter {
    fn candidates(&self, store: &Store) -> Option<Vec<u64>> {
        match self {
            Self::Id(Operator::Equal, id) => Some(u64::try_from(*id).into_iter().collect()),
            Self::Text(Text::UserId, Operator::Equal, text) => {
                Some(store.with_user_id(text).collect())
            }
            Self::Text(Text::Email, Operator::Equal, text) => {
                Some(store.with_email(text).collect())
            }
            _ => None,
        }
    }

    fn matches(&self, customer: &Customer, store: &Store, quirks: &Quirks) -> bool {
        match self {
            Self::Id(operator, id) => number(*operator, i64::try_from(customer.id).ok(), *id),
            Self::LastSeen(operator, date) => {
                number(*operator, customer.date(Date::LastSeen), *date)
            }
            Self::Text(Text::Email, operator, text) if quirks.email_search == Case::Insensitive => {
                let email = customer.text(Text::Email).map(str::to_lowercase);
                words(*operator, email.as_deref(), &text.to_lowercase())
            }
            Self::Text(field, operator, text) => words(*operator, customer.text(*field), text),
            Self::Place(part, operator, text) => words(*operator, customer.place(part), text),
            Self::Tags(operator, names) => {
                let has = |name: &String| {
                    let number = store.tags.find(name, quirks);
                    number.is_some_and(|number| customer.tags.contains(&number))
                };
                names.iter().all(has) == (*operator == Operator::Equal)
            }
        }
    }
}

fn number(operator: Operator, value: Option<i64>, wanted: i64) -> bool {
    let Some(value) = value else {
        return operator == Operator::NotEqual;
    };
    match operator {
        Operator::Equal => value == wanted,
        Operator::NotEqual => value != wanted,
        Operator::Greater => value > wanted,
        Operator::Less => value < wanted,
        Operator::GreaterOrEqual => value >= wanted,
        Operator::LessOrEqual => value <= wanted,
        Operator::Contains | Operator::NotContains => false,
    }
}

fn words(operator: Operator, value: Option<&str>, wanted: &str) -> bool {
    match operator {
        Operator::Equal => value == Some(wanted),
        Operator::NotEqual => value != Some(wanted),
        Operator::Contains => value.is_some_and(|value| value.contains(wanted)),
        Operator::NotContains => !value.is_some_and(|value| value.contains(wanted)),
        _ => false,
    }
}

fn comparison(members: &Map<String, Value>, complaints: &mut Vec<Complaint>) -> bool {
    match members.get("comparison") {
        None => false,
        Some(Value::String(word)) if word == "AND" => false,
        Some(Value::String(word)) if word == "OR" => true,
        Some(Value::String(_)) => {
            complaints.push(Complaint::new("comparison", page::NO_CHOICE));
            false
        }
        Some(_) => {
            complaints.push(Complaint::wrong_type("comparison", "string"));
            false
        }
    }
}

fn filters(
    members: &Map<String, Value>,
    quirks: &Quirks,
    complaints: &mut Vec<Complaint>,
) -> Vec<Filter> {
    let list = match members.get("filter") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        None | Some(Value::Null | Value::Array(_)) => {
            complaints.push(Complaint::blank("filter"));
            return Vec::new();
        }
        Some(_) => {
            complaints.push(Complaint::wrong_type("filter", "array"));
            return Vec::new();
        }
    };
    if quirks.max_filters > 0 && list.len() > quirks.max_filters {
        let message = format!(
            "This collection should contain {} elements or less.",
            quirks.max_filters
        );
        complaints.push(Complaint::new("filter", message));
        return Vec::new();
    }
    let mut filters = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match filter(index, entry) {
            Ok(filter) => filters.push(filter),
            Err(complaint) => complaints.push(complaint),
        }
    }
    filters
}

fn filter(index: usize, entry: &Value) -> Result<Filter, Complaint> {
    let path = |name: &str| format!("filter[{index}].{name}");
    let Value::Object(members) = entry else {
        return Err(Complaint::wrong_type(format!("filter[{index}]"), "object"));
    };
    let known = ["field", "operator", "value"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Complaint::unexpected(path(name)));
    }
    let word = |name: &str| match members.get(name) {
        Some(Value::String(word)) if !word.is_empty() => Ok(word.as_str()),
        None | Some(Value::Null | Value::String(_)) => Err(Complaint::blank(path(name))),
        Some(_) => Err(Complaint::wrong_type(path(name), "string")),
    };
    let field = word("field")?;
    let operator = operator(word("operator")?)
        .ok_or_else(|| Complaint::new(path("operator"), page::NO_CHOICE))?;
    let value = members.get("value").unwrap_or(&Value::Null);
    let filter = typed(field, operator, value, &path("value"))?
        .ok_or_else(|| Complaint::new(path("field"), page::NO_CHOICE))?;
    if filter.allows() {
        Ok(filter)
    } else {
        let message = "This operator is not allowed for the field.";
        Err(Complaint::new(path("operator"), message))
    }
}

impl Filter {
    /// Whether the documentation gives the operator to a field of this type.
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

/// The filter on a field, `None` where search has no such field. Null is a
/// value of the wrong type for all of them.
fn typed(
    field: &str,
    operator: Operator,
    value: &Value,
    path: &str,
) -> Result<Option<Filter>, Complaint> {
    let text = || {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Complaint::wrong_type(path, "string"))
    };
    let of_text = |field| Ok(Some(Filter::Text(field, operator, text()?)));
    let of_place = |part| Ok(Some(Filter::Place(part, operator, text()?)));
    match field {
        "customers.id" => {
            let id = value
                .as_i64()
                .ok_or_else(|| Complaint::wrong_type(path, "numeric"))?;
            Ok(Some(Filter::Id(operator, id)))
        }
        "customers.lastSeen" => {
            let date = value
                .as_i64()
                .or_else(|| validate::timestamp(value.as_str()?));
            let message = "This value is not a valid UNIX timestamp.";
            let date = date.ok_or_else(|| Complaint::new(path, message))?;
            Ok(Some(Filter::LastSeen(operator, date)))
        }
        "customers.name" => of_text(Text::Name),
        "customers.email" => of_text(Text::Email),
        "customers.company" => of_text(Text::Company),
        "customers.phone" => of_text(Text::Phone),
        "customers.userId" => of_text(Text::UserId),
        "customers.countryCode" => of_place("countryCode"),
        "customers.city" => of_place("city"),
        "customers.regionCode" => of_place("regionCode"),
        "customers.tagsData" => Ok(Some(Filter::Tags(operator, tag_names(value, path)?))),
        _ => Ok(None),
    }
}

fn tag_names(value: &Value, path: &str) -> Result<Vec<String>, Complaint> {
    let Value::Array(list) = value else {
        return Err(Complaint::wrong_type(path, "array"));
    };
    if list.is_empty() {
        return Err(Complaint::blank(path));
    }
    list.iter()
        .enumerate()
        .map(|(index, tag)| match tag.get("name") {
            Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
            None => Err(Complaint::blank(format!("{path}[{index}].name"))),
            Some(_) => Err(Complaint::wrong_type(
                format!("{path}[{index}].name"),
                "string",
            )),
        })
        .collect()
}
