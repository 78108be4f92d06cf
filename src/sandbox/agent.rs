//! Agents who edit customers in HelpCrunch's own window while a program
//! works on them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::account::{Account, Context};
use super::customer::Customer;
use super::problem::{Complaint, Problem};
use super::select::{Counts, Moment, Selector, chance, draw};
use super::tags::NamedTag;
use super::validate::{self, Kind};
use super::write::{Pen, Rules};

/// Sets an agent's draws apart from those of faults.
const SALT: u64 = 1 << 32;

/// Whose customer an agent edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Whose {
    /// The customer with this id.
    Id(u64),
    /// A customer found at the time.
    Found(Found),
}

/// How a customer is found at the time of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Any one, by the seed.
    Random,
    /// The one that the request is about; there is none for a list or a search.
    Target,
}

/// What an agent does to one customer, all at once. Custom properties are
/// merged, tags added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentEdit {
    /// Whose; needed unless the edit creates a customer.
    pub customer: Option<Whose>,
    /// Fields, as the body of an update holds them.
    pub set: Map<String, Value>,
    /// Custom properties by name; null removes one.
    pub custom_data: Map<String, Value>,
    /// Names of tags to add.
    pub tags: Vec<String>,
    /// Names of tags to remove.
    pub untag: Vec<String>,
    /// Whether the customer is deleted.
    pub delete: bool,
    /// A whole customer to create; without an id it gets the next one.
    pub create: Option<Map<String, Value>>,
}

/// Why an agent's edit did nothing.
#[derive(Debug, Error)]
pub enum AgentError {
    /// It names nobody.
    #[error("the edit names no customer")]
    Nobody,
    /// Its customer does not exist.
    #[error("the customer does not exist")]
    NoCustomer,
    /// A customer with the id of the one to create exists.
    #[error("customer {0} exists already")]
    Exists(u64),
    /// A value is of the wrong type.
    #[error("bad edit: {0}")]
    Bad(String),
}

/// On which side of a request an edit happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Directly before the server looks at the request.
    Before,
    /// Directly after it has.
    After,
}

/// An edit, and the requests beside which it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRule {
    /// What is edited.
    pub edit: AgentEdit,
    /// On which side of the request.
    pub when: When,
    /// Beside which requests.
    pub select: Selector,
}

/// The scheduled edits of a server.
#[derive(Debug)]
pub(super) struct Agents {
    rules: Vec<(AgentRule, Counts)>,
    seed: u64,
}

impl Agents {
    pub(super) fn new(rules: Vec<AgentRule>, seed: u64) -> Self {
        Self {
            rules: rules
                .into_iter()
                .map(|rule| (rule, Counts::default()))
                .collect(),
            seed,
        }
    }

    /// The edits that happen on one side of a request, each with its draw.
    pub(super) fn due(&mut self, moment: Moment, when: When) -> Vec<(AgentEdit, u64)> {
        let seed = self.seed;
        let rules = (SALT..).zip(&mut self.rules);
        rules
            .filter(|(_, (rule, _))| rule.when == when)
            .filter_map(|(salt, (rule, counts))| {
                let chance = chance(seed, moment.number, salt);
                let picked = rule.select.notices(moment, counts)
                    && rule.select.picks(moment, chance, counts);
                picked.then(|| (rule.edit.clone(), draw(seed, moment.number, salt + SALT)))
            })
            .collect()
    }
}

impl AgentEdit {
    /// Makes the edit and answers the customer's id.
    pub(super) fn make(
        &self,
        account: &mut Account,
        context: Context,
        target: Option<u64>,
    ) -> Result<u64, AgentError> {
        if let Some(object) = &self.create {
            return create(object, account, context);
        }
        let id = match self.customer.ok_or(AgentError::Nobody)? {
            Whose::Id(id) => Some(id),
            Whose::Found(Found::Target) => target,
            Whose::Found(Found::Random) => account.any_id(context.draw),
        };
        let id = id.ok_or(AgentError::NoCustomer)?;
        if self.delete {
            return account
                .store
                .remove(id)
                .map(|_| id)
                .ok_or(AgentError::NoCustomer);
        }
        let write = self.write(account)?;
        let mut customer = account
            .store
            .get(id)
            .cloned()
            .ok_or(AgentError::NoCustomer)?;
        let mut pen = Pen {
            quirks: &account.quirks,
            book: &mut account.store.tags,
            rules: Rules::agent(),
        };
        pen.apply(&write, &mut customer);
        pen.add_tags(&named(&self.tags), &mut customer);
        pen.remove_tags(&named(&self.untag), &mut customer);
        Ok(account.put(customer, context))
    }

    fn write(&self, account: &Account) -> Result<super::write::Write, AgentError> {
        let mut body = self.set.clone();
        if !self.custom_data.is_empty() {
            let properties = self.custom_data.iter();
            let list = properties.map(|(name, value)| json!({ "property": name, "value": value }));
            body.insert("customData".to_owned(), list.collect());
        }
        validate::write(&Value::Object(body), Kind::Update, &account.quirks).map_err(bad)
    }
}

fn create(
    object: &Map<String, Value>,
    account: &mut Account,
    context: Context,
) -> Result<u64, AgentError> {
    let mut given = Customer::from_object(object).map_err(AgentError::Bad)?;
    given.customer.written(None, context.now_ms);
    given.customer.first_seen.get_or_insert(context.now_unix);
    account
        .store
        .take(given, &account.quirks)
        .map_err(AgentError::Exists)
}

fn named(names: &[String]) -> Vec<NamedTag> {
    names
        .iter()
        .map(|name| NamedTag {
            name: name.clone(),
            colour: None,
        })
        .collect()
}

fn bad(problem: Problem) -> AgentError {
    let text = |one: Complaint| format!("{}: {}", one.code, one.message);
    match problem {
        Problem::Invalid(complaints) => {
            let all: Vec<_> = complaints.into_iter().map(text).collect();
            AgentError::Bad(all.join("; "))
        }
        other => AgentError::Bad(other.status().to_string()),
    }
}
