//! Scenario files, which configure a server's quirks, faults and agents.
//!
//! ```toml
//! [quirks]                    # names and positions as in `Quirks`
//! patch-custom-data = "replace"
//! search-lag-ms = 4000
//!
//! [[fault]]                   # for a request, the first fault that picks it happens
//! kind = "status"             # status, cut-before, cut-after, cut-body, delay, html, rate-limit
//! status = 503                # with status and html (there 502 where it is absent)
//! processed = true            # with status and html: the request still takes effect
//! endpoint = ["create"]       # create, put, patch, batch, tag, untag, get, list, search, delete
//! probability = 0.05          # drawn from the seed and the request's number
//! max = 3                     # at most 3 times
//!
//! [[fault]]
//! kind = "delay"
//! delay-ms = 45000
//! late = true                 # takes effect at the end of the delay, even if the client is gone
//! endpoint = "create"
//! nth = 2                     # the second create
//!
//! [[fault]]
//! kind = "rate-limit"
//! retry-after = "date"        # none, seconds, date
//! seconds = 20
//! request = [5, 6]            # the fifth and sixth request of all
//!
//! [[fault]]
//! kind = "cut-before"
//! from-seconds = 60           # a minute after the start the server is gone for ten
//! to-seconds = 660            # (`from` and `to` do the same with requests' numbers)
//!
//! [[agent]]                   # all agents that pick a request edit, in this order
//! when = "before"             # or after
//! endpoint = "patch"
//! nth = 3
//! customer = "target"         # the customer of the request; or "random", or an id
//! set = { company = "Acme" }
//! custom-data = { plan = "gold" }
//! tags = ["vip"]
//! untag = ["trial"]           # or: delete = true, or: create = { email = "a@b.c" }
//! ```
//!
//! Requests are counted as in the log. A request that was refused because of its key or the rate limit triggers neither
//! faults nor agents, and `nth` does not count it.

use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

use super::agent::{AgentEdit, AgentRule, When};
use super::faults::{Fault, FaultRule};
use super::quirks::{QuirkError, Quirks};
use super::select::{KEYS, Selector};

/// Faults and agents' edits, with the requests that they are for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The first that picks a request happens.
    pub faults: Vec<FaultRule>,
    /// All that pick a request happen, in this order.
    pub agents: Vec<AgentRule>,
}

/// The contents of a scenario file. The module describes its format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// Defaults for quirks that the file does not name.
    pub quirks: Quirks,
    pub schedule: Schedule,
}

/// Errors in a scenario file.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// It is not TOML, or has unknown tables.
    #[error("bad scenario file")]
    Syntax(#[source] Box<toml::de::Error>),
    /// A fault or an agent is invalid.
    #[error("{table} {number}: {message}")]
    Rule {
        /// `fault` or `agent`.
        table: &'static str,
        /// From 1.
        number: usize,
        message: String,
    },
    /// A quirk is invalid.
    #[error("bad quirks in the scenario file")]
    Quirks(#[source] QuirkError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    #[serde(default)]
    quirks: Table,
    #[serde(default)]
    fault: Vec<Table>,
    #[serde(default)]
    agent: Vec<Table>,
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// If anything in it is unknown or invalid. The error names the table and its number.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let file: ScenarioFile =
            toml::from_str(text).map_err(|error| ScenarioError::Syntax(Box::new(error)))?;
        let quirks = Quirks::default()
            .with(file.quirks)
            .map_err(ScenarioError::Quirks)?;
        let faults = rules("fault", file.fault, fault_rule)?;
        let agents = rules("agent", file.agent, agent_rule)?;
        Ok(Self {
            quirks,
            schedule: Schedule { faults, agents },
        })
    }
}

fn rules<T>(
    table: &'static str,
    tables: Vec<Table>,
    read: fn(Table) -> Result<T, String>,
) -> Result<Vec<T>, ScenarioError> {
    (1..)
        .zip(tables)
        .map(|(number, rule)| {
            read(rule).map_err(|message| ScenarioError::Rule {
                table,
                number,
                message,
            })
        })
        .collect()
}

fn fault_rule(mut table: Table) -> Result<FaultRule, String> {
    let select = selector(&mut table)?;
    let fault: Fault = table.try_into().map_err(message)?;
    Ok(FaultRule { fault, select })
}

fn agent_rule(mut table: Table) -> Result<AgentRule, String> {
    let select = selector(&mut table)?;
    let when = table
        .remove("when")
        .ok_or("`when` is missing: before or after")?;
    let when: When = when.try_into().map_err(message)?;
    let edit: AgentEdit = table.try_into().map_err(message)?;
    if edit.customer.is_none() && edit.create.is_none() {
        return Err("`customer` is missing: an id, \"random\" or \"target\"".to_owned());
    }
    Ok(AgentRule { edit, when, select })
}

/// Removes the keys of a selector from a rule and reads them.
fn selector(table: &mut Table) -> Result<Selector, String> {
    let keys = KEYS.into_iter();
    let taken: Table = keys
        .filter_map(|key| Some((key.to_owned(), table.remove(key)?)))
        .collect();
    let selector: Selector = Value::Table(taken).try_into().map_err(message)?;
    if (0.0..=1.0).contains(&selector.probability) {
        Ok(selector)
    } else {
        Err("`probability` must be from 0 to 1".to_owned())
    }
}

fn message(error: toml::de::Error) -> String {
    error.message().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_is_valid() {
        let lines = include_str!("scenario.rs")
            .lines()
            .map_while(|line| line.strip_prefix("//!"));
        let toml: Vec<_> = lines
            .skip_while(|line| !line.contains("```toml"))
            .skip(1)
            .collect();
        let example = toml
            .split(|line| line.contains("```"))
            .next()
            .unwrap()
            .join("\n");
        let scenario = Scenario::from_toml(&example).unwrap();
        assert_eq!(scenario.schedule.faults.len(), 4);
        assert_eq!(scenario.schedule.agents.len(), 1);
        assert_eq!(scenario.quirks.search_lag_ms, 4000);
    }
}
