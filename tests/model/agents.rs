//! Agents who edit what a config does not speak of, while the program works.

use std::collections::BTreeMap;

use hcsync::sandbox::{Endpoint, LoggedRequest, Scenario, Schedule};

use super::customer::Customer;
use super::setup::{Setup, TagMode};

/// What agents do to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A property that no config maps, after the reading and before anything is read again.
    Property,
    /// A field that this config does not map, and a tag that it does not manage, directly before a write.
    FieldAndTag,
}

/// Agents that edit what the config does not speak of.
pub(crate) struct Agents {
    field: &'static str,
    tags: bool,
}

impl Agents {
    pub(crate) fn of(setup: &Setup) -> Self {
        let mapped = |field: &&str| setup.fields.iter().any(|rule| rule.attribute == *field);
        let fields = ["referer", "source", "lastPage", "notes", "name", "company"];
        let field = fields.into_iter().find(|field| !mapped(field));
        let tags = setup.tags.as_ref();
        Self {
            field: field.unwrap_or("phone"),
            // An agent's tag is one too many where the row's tags are to be the only ones.
            tags: tags.is_none_or(|tags| {
                tags.mode == TagMode::Add
                    || (tags.mode == TagMode::Managed && !tags.managed.contains(&"*"))
            }),
        }
    }

    pub(crate) fn schedule(&self) -> Schedule {
        let tags = if self.tags { "[\"agent\"]" } else { "[]" };
        let toml = format!(
            "[[agent]]\nwhen = \"after\"\nendpoint = [\"list\", \"search\"]\nnth = 1\ncustomer = \"random\"\n\
             custom-data = {{ stranger = \"edited\" }}\n\
             [[agent]]\nwhen = \"before\"\nendpoint = [\"patch\", \"tag\", \"untag\"]\nprobability = 0.5\n\
             customer = \"target\"\nset = {{ {} = \"edited\" }}\ntags = {tags}\n",
            self.field
        );
        Scenario::from_toml(&toml).unwrap().schedule
    }

    pub(crate) fn edits(&self, requests: &[LoggedRequest]) -> BTreeMap<u64, Vec<Edit>> {
        let mut edits: BTreeMap<u64, Vec<Edit>> = BTreeMap::new();
        for request in requests {
            let edit = match request.endpoint {
                Endpoint::List | Endpoint::Search => Edit::Property,
                _ => Edit::FieldAndTag,
            };
            for id in &request.agent_edits {
                edits.entry(*id).or_default().push(edit);
            }
        }
        edits
    }

    pub(crate) fn make(&self, edit: Edit, customer: &mut Customer) {
        match edit {
            Edit::Property => {
                customer
                    .custom_data
                    .insert("stranger".to_owned(), "edited".into());
            }
            Edit::FieldAndTag => {
                customer
                    .fields
                    .insert(self.field.to_owned(), "edited".into());
                if self.tags {
                    customer.tags.insert("agent".to_owned());
                }
            }
        }
    }
}
