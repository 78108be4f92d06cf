//! The query language of `POST /v1/customers/search`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::customer::Customer;
use super::error_reply::{ErrorReply, FieldError};
use super::field::{DateField, TextField};
use super::page::PageRequest;
use super::quirks::{Case, Quirks};
use super::search_body::{comparison, filters};
use super::store::CustomerStore;

/// A validated search.
#[derive(Debug)]
pub(super) struct SearchQuery {
    any: bool,
    filters: Vec<SearchFilter>,
    pub(super) page: PageRequest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
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
pub(super) enum SearchFilter {
    Id(Operator, i64),
    LastSeen(Operator, i64),
    Text(TextField, Operator, String),
    Place(&'static str, Operator, String),
    Tags(Operator, Vec<String>),
}

impl SearchQuery {
    /// Reads the body of a search.
    pub(super) fn read(body: &Value, quirks: &Quirks) -> Result<Self, ErrorReply> {
        let Value::Object(members) = body else {
            return Err(ErrorReply::of(FieldError::wrong_type("body", "object")));
        };
        let mut errors = Vec::new();
        let known = ["comparison", "filter", "limit", "offset", "sort", "order"];
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            errors.push(FieldError::unexpected(name));
        }
        let any = comparison(members, &mut errors);
        let filters = filters(members, quirks, &mut errors);
        let page = PageRequest::of_body(members, quirks, &mut errors);
        if errors.is_empty() {
            Ok(Self { any, filters, page })
        } else {
            Err(ErrorReply::Invalid(errors))
        }
    }

    /// Returns the customers whose versions according to `seen` match, in no order.
    pub(super) fn matches<'a>(
        &self,
        store: &'a CustomerStore,
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
        // The indexes have the current versions, not those that a lagging view shows.
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

    /// Returns ids that may match according to the indexes. `None` if the indexes do not help.
    fn candidates(&self, store: &CustomerStore) -> Option<BTreeSet<u64>> {
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

    /// Returns the range of ids outside of which no customer matches all filters.
    fn ids(&self) -> RangeInclusive<u64> {
        let mut low = 0;
        let mut high = i64::MAX;
        for filter in &self.filters {
            match filter {
                SearchFilter::Id(Operator::Greater, id) => low = low.max(id.saturating_add(1)),
                SearchFilter::Id(Operator::GreaterOrEqual, id) => low = low.max(*id),
                SearchFilter::Id(Operator::Less, id) => high = high.min(id.saturating_sub(1)),
                SearchFilter::Id(Operator::LessOrEqual, id) => high = high.min(*id),
                _ => {}
            }
        }
        let unsigned = |id: i64| u64::try_from(id).unwrap_or_default();
        unsigned(low)..=unsigned(high)
    }
}

impl SearchFilter {
    fn candidates(&self, store: &CustomerStore) -> Option<Vec<u64>> {
        match self {
            Self::Id(Operator::Equal, id) => Some(u64::try_from(*id).into_iter().collect()),
            Self::Text(TextField::UserId, Operator::Equal, text) => {
                Some(store.with_user_id(text).collect())
            }
            Self::Text(TextField::Email, Operator::Equal, text) => {
                Some(store.with_email(text).collect())
            }
            _ => None,
        }
    }

    fn matches(&self, customer: &Customer, store: &CustomerStore, quirks: &Quirks) -> bool {
        match self {
            Self::Id(operator, id) => number(*operator, i64::try_from(customer.id).ok(), *id),
            Self::LastSeen(operator, date) => {
                number(*operator, customer.date(DateField::LastSeen), *date)
            }
            Self::Text(TextField::Email, operator, text)
                if quirks.email_search == Case::Insensitive =>
            {
                let email = customer.text(TextField::Email).map(str::to_lowercase);
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
