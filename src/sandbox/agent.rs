//! Agents who edit customers in HelpCrunch while a client works on them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::account::{Account, RequestContext};
use super::applier::Applier;
use super::customer::Customer;
use super::error_reply::{ErrorReply, FieldError};
use super::select::{RequestMoment, Selector, SelectorCounts, chance, draw};
use super::tags::NamedTag;
use super::validate::{self, WriteKind};
use super::write::{ApplyRules, CustomerWrite};

/// Keeps the random numbers of agents apart from those of faults.
const SALT: u64 = 1 << 32;

/// Which customer an agent edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EditTarget {
    /// The customer with this id.
    Id(u64),
    /// A customer chosen when the edit happens.
    Chosen(CustomerChoice),
}

/// How a customer is chosen when an edit happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomerChoice {
    /// A random one, depending on the seed.
    Random,
    /// The customer of the request. Lists and searches have none.
    Target,
}

/// An agent's edit of one customer. Custom properties are merged, tags are added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentEdit {
    /// Required unless the edit creates a customer.
    pub customer: Option<EditTarget>,
    /// Fields, as in the body of an update.
    pub set: Map<String, Value>,
    /// Custom properties by name. Null removes one.
    pub custom_data: Map<String, Value>,
    /// Names of tags to add.
    pub tags: Vec<String>,
    /// Names of tags to remove.
    pub untag: Vec<String>,
    /// Whether the customer is deleted.
    pub delete: bool,
    /// A customer to create. Without an id it gets the next one.
    pub create: Option<Map<String, Value>>,
}

/// Errors of an agent's edit. It has no effect then.
#[derive(Debug, Error)]
pub enum AgentError {
    #[error("the edit names no customer")]
    Unnamed,
    #[error("the customer does not exist")]
    NoCustomer,
    #[error("customer {0} already exists")]
    Exists(u64),
    #[error("bad edit: {0}")]
    Bad(String),
}

/// Whether an edit happens before or after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Immediately before the server processes the request.
    Before,
    /// Immediately after that.
    After,
}

/// An edit, and the requests before or after which it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRule {
    pub edit: AgentEdit,
    pub when: When,
    pub select: Selector,
}

/// The scheduled edits of a server.
#[derive(Debug)]
pub(super) struct Agents {
    rules: Vec<(AgentRule, SelectorCounts)>,
    seed: u64,
}

impl Agents {
    pub(super) fn new(rules: Vec<AgentRule>, seed: u64) -> Self {
        Self {
            rules: rules
                .into_iter()
                .map(|rule| (rule, SelectorCounts::default()))
                .collect(),
            seed,
        }
    }

    /// Returns the edits that happen before or after a request, each with its random number.
    pub(super) fn due(&mut self, moment: RequestMoment, when: When) -> Vec<(AgentEdit, u64)> {
        let seed = self.seed;
        let rules = (SALT..).zip(&mut self.rules);
        rules
            .filter(|(_, (rule, _))| rule.when == when)
            .filter_map(|(salt, (rule, counts))| {
                let chance = chance(seed, moment.number, salt);
                let picked =
                    rule.select.counts(moment, counts) && rule.select.picks(moment, chance, counts);
                picked.then(|| (rule.edit.clone(), draw(seed, moment.number, salt + SALT)))
            })
            .collect()
    }
}

impl AgentEdit {
    /// Makes the edit and returns the customer's id.
    pub(super) fn apply(
        &self,
        account: &mut Account,
        context: RequestContext,
        target: Option<u64>,
    ) -> Result<u64, AgentError> {
        if let Some(object) = &self.create {
            return create(object, account, context);
        }
        let id = match self.customer.ok_or(AgentError::Unnamed)? {
            EditTarget::Id(id) => Some(id),
            EditTarget::Chosen(CustomerChoice::Target) => target,
            EditTarget::Chosen(CustomerChoice::Random) => account.any_id(context.draw),
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
        let mut applier = Applier {
            quirks: &account.quirks,
            book: &mut account.store.tags,
            rules: ApplyRules::agent(),
        };
        applier.apply(&write, &mut customer);
        applier.add_tags(&named(&self.tags), &mut customer);
        applier.remove_tags(&named(&self.untag), &mut customer);
        Ok(account.put(customer, context))
    }

    fn write(&self, account: &Account) -> Result<CustomerWrite, AgentError> {
        let mut body = self.set.clone();
        if !self.custom_data.is_empty() {
            let properties = self.custom_data.iter();
            let list = properties.map(|(name, value)| json!({ "property": name, "value": value }));
            body.insert("customData".to_owned(), list.collect());
        }
        validate::write(&Value::Object(body), WriteKind::Update, &account.quirks).map_err(bad)
    }
}

fn create(
    object: &Map<String, Value>,
    account: &mut Account,
    context: RequestContext,
) -> Result<u64, AgentError> {
    let mut given = Customer::from_object(object).map_err(AgentError::Bad)?;
    given.customer.mark_written(None, context.now_ms);
    given.customer.first_seen.get_or_insert(context.now_unix);
    account
        .store
        .add(given, &account.quirks)
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

fn bad(error: ErrorReply) -> AgentError {
    let text = |one: FieldError| format!("{}: {}", one.code, one.message);
    match error {
        ErrorReply::Invalid(errors) => {
            let all: Vec<_> = errors.into_iter().map(text).collect();
            AgentError::Bad(all.join("; "))
        }
        other => AgentError::Bad(other.status().to_string()),
    }
}
