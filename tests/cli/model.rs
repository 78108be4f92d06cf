//! A second, simple answer to the question what a sync should do, from the contract alone: it shares no code with
//! the program, looks everything up by walking over all customers, and knows only the cells that its rows have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Fields that the rows of these tests speak of.
const FIELDS: [&str; 5] = ["name", "email", "userId", "company", "phone"];
const PROPERTIES: [&str; 2] = ["plan", "seats"];

/// A row: cells by the names of [`FIELDS`] and [`PROPERTIES`], and `tags`. An empty cell is there and empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelRow(pub(crate) BTreeMap<&'static str, String>);

impl ModelRow {
    pub(crate) fn set(mut self, column: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(column, value.into());
        self
    }

    fn cell(&self, column: &str) -> Option<&str> {
        let text = self.0.get(column)?.as_str();
        (!text.is_empty()).then_some(text)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModelCustomer {
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// Values as JSON text.
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) tags: BTreeSet<String>,
    /// Made by this row.
    made_by: Option<usize>,
    /// This row is for it.
    claimed: bool,
}

/// What the rows make of the customers, and how each row ends.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) customers: Vec<ModelCustomer>,
    pub(crate) statuses: Vec<&'static str>,
}

impl Model {
    /// `clears`: whether an empty cell empties the remote value.
    pub(crate) fn of(customers: &[Value], rows: &[ModelRow], clears: bool) -> Self {
        let mut model = Self {
            customers: customers.iter().map(customer).collect(),
            statuses: Vec::new(),
        };
        for (number, row) in rows.iter().enumerate() {
            let status = model.take(number, row, clears);
            model.statuses.push(status);
        }
        model
    }

    fn take(&mut self, number: usize, row: &ModelRow, clears: bool) -> &'static str {
        let (user_id, email) = (row.cell("userId"), row.cell("email"));
        if email.is_some_and(|e| !e.contains('@')) || (user_id, email) == (None, None) {
            return "rejected";
        }
        let having = |field: &'static str, wanted: Option<&str>| -> Vec<usize> {
            let same = |value: &str| match field {
                "email" => wanted.is_some_and(|w| w.to_lowercase() == value.to_lowercase()),
                _ => wanted == Some(value),
            };
            let all = self.customers.iter().enumerate();
            all.filter(|(_, c)| c.fields.get(field).is_some_and(|v| same(v)))
                .map(|(index, _)| index)
                .collect()
        };
        let (by_user_id, by_email) = (having("userId", user_id), having("email", email));
        let found = match (by_user_id.as_slice(), by_email.as_slice()) {
            ([one], many) if many.is_empty() || many.contains(one) => Some(*one),
            ([_], _) | ([_, _, ..], _) => return "rejected",
            ([], []) => None,
            ([], [one]) => {
                let theirs = self.customers[*one].fields.get("userId");
                if user_id.is_some() && theirs.is_some() {
                    return "rejected";
                }
                Some(*one)
            }
            ([], _) => return "rejected",
        };
        match found {
            Some(index) if self.customers[index].claimed => "rejected",
            Some(index) => {
                let before = self.customers[index].clone();
                self.customers[index].apply(row, clears);
                let changed = self.customers[index] != before;
                self.customers[index].claimed = true;
                if changed { "updated" } else { "unchanged" }
            }
            None => {
                let mut made = ModelCustomer {
                    claimed: true,
                    made_by: Some(number),
                    ..ModelCustomer::default()
                };
                made.apply(row, clears);
                self.customers.push(made);
                "created"
            }
        }
    }

    /// All customers, in an order of their own.
    pub(crate) fn state(&self) -> Vec<ModelCustomer> {
        let mut customers = self.customers.clone();
        for customer in &mut customers {
            (customer.made_by, customer.claimed) = (None, false);
        }
        customers.sort();
        customers
    }
}

impl ModelCustomer {
    fn apply(&mut self, row: &ModelRow, clears: bool) {
        for field in FIELDS {
            // A match key is never cleared.
            let clears = clears && !["email", "userId"].contains(&field);
            match row.0.get(field).map(String::as_str) {
                Some("") if clears => drop(self.fields.remove(field)),
                None | Some("") => {}
                // E-mail is compared ignoring case: another spelling is no other value.
                Some(value) if field == "email" && self.has_email(value) => {}
                Some(value) => drop(self.fields.insert(field, value.to_owned())),
            }
        }
        for property in PROPERTIES {
            match row.0.get(property).map(String::as_str) {
                Some("") if clears => drop(self.properties.remove(property)),
                None | Some("") => {}
                Some(value) => {
                    // A number only in its shortest form: 12, not 007.
                    let number = value.parse::<i64>().ok();
                    let shown = match number.filter(|n| n.to_string() == value) {
                        Some(number) => json!(number),
                        None => json!(value),
                    };
                    self.properties
                        .insert(property.to_owned(), shown.to_string());
                }
            }
        }
        let tags = row
            .cell("tags")
            .into_iter()
            .flat_map(|cell| cell.split(';'));
        self.tags.extend(tags.map(|tag| tag.trim().to_owned()));
    }

    fn has_email(&self, value: &str) -> bool {
        let theirs = self.fields.get("email");
        theirs.is_some_and(|theirs| theirs.to_lowercase() == value.to_lowercase())
    }
}

/// A customer as the API answers it.
pub(crate) fn customer(answer: &Value) -> ModelCustomer {
    let field = |name: &'static str| Some((name, answer[name].as_str()?.to_owned()));
    let data = answer["customData"].as_object().into_iter().flatten();
    let tags = answer["tags"].as_array().into_iter().flatten();
    ModelCustomer {
        fields: FIELDS.into_iter().filter_map(field).collect(),
        properties: data
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect(),
        tags: tags
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect(),
        ..ModelCustomer::default()
    }
}

/// All customers of an API, in the order of [`Model::state`].
pub(crate) fn state(answers: &[Value]) -> Vec<ModelCustomer> {
    let mut customers: Vec<_> = answers.iter().map(customer).collect();
    customers.sort();
    customers
}
