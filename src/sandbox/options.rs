//! Options of a server.

use std::time::SystemTime;

use serde_json::{Map, Value};
use thiserror::Error;

use super::customer::Customer;
use super::quirks::{QuirkError, Quirks};
use super::scenario::Schedule;

/// The options of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Customers as in an answer or an export. They are stored as they are: ids stay, missing members are null or
    /// empty, unknown members are returned unchanged. A customer without an id gets the next one. If customers give
    /// a tag different colours, the first one is used.
    pub customers: Vec<Value>,
    /// The documented limit is 120. 0 means no limit.
    pub requests_per_minute: u32,
    /// Seed of all random decisions.
    pub seed: u64,
    /// A key that is answered with 401, like an empty one.
    pub refused_key: Option<String>,
    /// How the API behaves where its documentation is silent.
    pub quirks: Quirks,
    /// Faults and edits by agents.
    pub schedule: Schedule,
    /// Wall-clock time at which the server is created.
    pub started_at: SystemTime,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            customers: Vec::new(),
            requests_per_minute: 120,
            seed: 0,
            refused_key: None,
            quirks: Quirks::default(),
            schedule: Schedule::default(),
            started_at: SystemTime::now(),
        }
    }
}

/// Errors creating a server.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A line of a file with customers is not a customer.
    #[error("line {line}: {message}")]
    Line {
        /// From 1.
        line: usize,
        message: String,
    },
    /// One of [`Options::customers`] is not a customer.
    #[error("customer {number}: {message}")]
    Customer {
        /// From 1.
        number: usize,
        message: String,
    },
    /// The quirks contradict themselves.
    #[error("bad quirks")]
    Quirks(#[from] QuirkError),
}

/// Reads customers from JSON lines, as in an export. Blank lines are skipped.
///
/// # Errors
/// At the first line that is not a customer, with its number.
pub fn customers_from_jsonl(text: &str) -> Result<Vec<Value>, SandboxError> {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(line, text)| {
            let bad = |message| SandboxError::Line { line, message };
            let value: Value = serde_json::from_str(text)
                .map_err(|error| bad(format!("not JSON, column {}", error.column())))?;
            let object = object(&value).map_err(bad)?;
            Customer::from_object(object).map_err(bad)?;
            Ok(value)
        })
        .collect()
}

pub(super) fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| "a customer is a JSON object".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_customers_and_bad_ones_are_numbered() {
        let good = "{\"id\":1,\"email\":\"a@b.c\"}\n\n{\"firstSeen\":5}\n";
        assert_eq!(customers_from_jsonl(good).unwrap().len(), 2);
        for (text, start) in [
            ("{}\n{\"id\":", "line 2: not JSON"),
            ("\n[]", "line 2: a customer is a JSON object"),
            ("{\"id\":\"1\"}", "line 1: `id`"),
            ("{}\n{}\n{\"tags\":[1]}", "line 3: `tags`"),
            ("{\"customData\":5}", "line 1: `customData`"),
            ("{\"name\":5}", "line 1: `name`"),
            ("{\"blocked\":\"no\"}", "line 1: `blocked`"),
            ("{\"lastSeen\":\"yesterday\"}", "line 1: `lastSeen`"),
        ] {
            let message = customers_from_jsonl(text).unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }
}
