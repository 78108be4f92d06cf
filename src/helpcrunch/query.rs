//! Queries of a listing and of a search.

use serde_json::{Value as Json, json};

use crate::domain::CustomerId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    FirstSeen,
    LastSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortOrder {
    #[default]
    Ascending,
    Descending,
}

impl SortField {
    fn name(self) -> &'static str {
        match self {
            Self::FirstSeen => "customers.firstSeen",
            Self::LastSeen => "customers.lastSeen",
        }
    }
}

impl SortOrder {
    fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// One page of the listing. `sort` and `order` are documented, `limit` and `offset` observed; whether a `limit` over 100
/// is honoured is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListQuery {
    pub limit: u32,
    pub offset: u64,
    pub sort: Option<SortField>,
    pub order: SortOrder,
}

impl ListQuery {
    pub(super) fn path(&self) -> String {
        let Self { limit, offset, .. } = self;
        let sort = self
            .sort
            .map(|sort| format!("&sort={}&order={}", sort.name(), self.order.name()));
        format!(
            "/customers?limit={limit}&offset={offset}{}",
            sort.unwrap_or_default()
        )
    }
}

/// A field to search by, of the documented ones, with a value of its type: "a value of the wrong type fails the query".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    Id(CustomerId),
    Email(String),
    UserId(String),
    Name(String),
    Phone(String),
    /// UNIX seconds.
    LastSeen(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    /// `>`, `<` and the like: documented for integers and dates.
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    /// `~` and `!~`: documented for texts.
    Contains,
    ContainsNot,
}

/// One condition: `field operator value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub term: Term,
    pub operator: Operator,
}

/// A search. A range of ids takes two filters, n e-mails take n filters with `any`. How many filters one search may hold
/// is not documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub filters: Vec<Filter>,
    /// One matching filter is enough (`OR`); else all must match (`AND`).
    pub any: bool,
    pub limit: u32,
    pub offset: u64,
    pub sort: Option<SortField>,
    pub order: SortOrder,
}

impl Filter {
    #[must_use]
    pub fn new(term: Term, operator: Operator) -> Self {
        Self { term, operator }
    }

    #[must_use]
    pub fn equal(term: Term) -> Self {
        Self::new(term, Operator::Equal)
    }

    fn json(&self) -> Json {
        let (field, value): (&str, Json) = match &self.term {
            Term::Id(id) => ("customers.id", id.0.into()),
            Term::Email(text) => ("customers.email", text.as_str().into()),
            Term::UserId(text) => ("customers.userId", text.as_str().into()),
            Term::Name(text) => ("customers.name", text.as_str().into()),
            Term::Phone(text) => ("customers.phone", text.as_str().into()),
            Term::LastSeen(seconds) => ("customers.lastSeen", (*seconds).into()),
        };
        json!({ "field": field, "operator": self.operator.sign(), "value": value })
    }
}

impl Operator {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::Contains => "~",
            Self::ContainsNot => "!~",
        }
    }
}

impl Search {
    /// The first hundred customers that match any of the filters.
    #[must_use]
    pub fn any(filters: Vec<Filter>) -> Self {
        Self {
            filters,
            any: true,
            limit: 100,
            offset: 0,
            sort: None,
            order: SortOrder::default(),
        }
    }

    /// The first hundred customers that match all of the filters.
    #[must_use]
    pub fn all(filters: Vec<Filter>) -> Self {
        Self {
            any: false,
            ..Self::any(filters)
        }
    }

    pub(super) fn body(&self) -> String {
        let filters: Vec<Json> = self.filters.iter().map(Filter::json).collect();
        let mut body = json!({
            "comparison": if self.any { "OR" } else { "AND" },
            "filter": filters,
            "limit": self.limit,
            "offset": self.offset,
        });
        if let (Some(sort), Some(body)) = (self.sort, body.as_object_mut()) {
            body.insert("sort".to_owned(), sort.name().into());
            body.insert("order".to_owned(), self.order.name().into());
        }
        body.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_names_its_page() {
        let query = ListQuery {
            limit: 100,
            offset: 200,
            sort: Some(SortField::FirstSeen),
            order: SortOrder::Ascending,
        };
        assert_eq!(
            query.path(),
            "/customers?limit=100&offset=200&sort=customers.firstSeen&order=asc"
        );
        assert_eq!(
            ListQuery {
                sort: None,
                ..query
            }
            .path(),
            "/customers?limit=100&offset=200"
        );
    }

    #[test]
    fn each_term_has_the_type_that_the_api_wants() {
        let search = Search::any(vec![
            Filter::equal(Term::Id(CustomerId(7))),
            Filter::equal(Term::UserId("7".into())),
            Filter::new(Term::LastSeen(9), Operator::GreaterOrEqual),
        ]);
        let body: Json = serde_json::from_str(&search.body()).unwrap();
        assert_eq!(
            body,
            json!({
                "comparison": "OR", "limit": 100, "offset": 0,
                "filter": [
                    {"field": "customers.id", "operator": "=", "value": 7},
                    {"field": "customers.userId", "operator": "=", "value": "7"},
                    {"field": "customers.lastSeen", "operator": ">=", "value": 9}
                ]
            })
        );
    }

    #[test]
    fn all_and_sorted() {
        let mut search = Search::all(vec![Filter::equal(Term::Email("a@b.c".into()))]);
        search.sort = Some(SortField::LastSeen);
        search.order = SortOrder::Descending;
        let body: Json = serde_json::from_str(&search.body()).unwrap();
        assert_eq!(body["comparison"], "AND");
        assert_eq!(
            (&body["sort"], &body["order"]),
            (&json!("customers.lastSeen"), &json!("desc"))
        );
    }
}
