//! Every request that the server saw, and what became of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::Endpoint;

/// One request as the log shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoggedRequest {
    /// Its place in the order of arrival, from 1.
    pub number: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The endpoint that it is for.
    pub endpoint: Endpoint,
    /// Whether that endpoint changes customers.
    pub writes: bool,
    /// When it arrived, in milliseconds since the server was made.
    pub at_ms: u64,
    /// The body; text where it is not JSON, null where there is none.
    pub body: Value,
    /// What was answered; null where nothing was, or not yet.
    pub status: Option<u16>,
    /// The fault that it met.
    pub fault: Option<&'static str>,
    /// Whether the server looked at it, which it does not when it refuses the key, limits the rate or meets some faults.
    pub processed: bool,
    /// Whether it was a write that took effect, answered or not.
    pub applied: bool,
    /// The customer that it was about, or that it created.
    pub customer: Option<u64>,
    /// Ids of customers that agents edited directly before and after it.
    pub agent_edits: Vec<u64>,
}

/// Counts of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// All requests.
    pub total: u64,
    /// Those to endpoints that change customers, whatever the answer.
    pub writes: u64,
    /// Those that took effect, answered or not.
    pub applied_writes: u64,
    /// Those answered with 429.
    pub rate_limited: u64,
    /// Edits that agents made beside requests.
    pub agent_edits: u64,
    /// By endpoint and then by status, `cut` where nothing was answered.
    pub by_endpoint: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// A request in the log, its body not parsed yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) endpoint: Endpoint,
    pub(super) at_ms: u64,
    pub(super) body: Bytes,
    pub(super) status: Option<u16>,
    pub(super) fault: Option<&'static str>,
    pub(super) processed: bool,
    pub(super) applied: bool,
    pub(super) customer: Option<u64>,
    pub(super) agent_edits: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// Adds a request and answers its number.
    pub(super) fn add(&mut self, entry: Entry) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64
    }

    pub(super) fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.entries.get_mut(index)
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        (1..)
            .zip(&self.entries)
            .map(|(number, entry)| entry.shown(number))
            .collect()
    }

    pub(super) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for entry in &self.entries {
            stats.total += 1;
            stats.writes += u64::from(entry.endpoint.writes());
            stats.applied_writes += u64::from(entry.applied);
            stats.rate_limited += u64::from(entry.status == Some(429));
            stats.agent_edits += entry.agent_edits.len() as u64;
            let status = entry
                .status
                .map_or_else(|| "cut".to_owned(), |status| status.to_string());
            let endpoint = stats.by_endpoint.entry(entry.endpoint.name()).or_default();
            *endpoint.entry(status).or_default() += 1;
        }
        stats
    }
}

impl Entry {
    fn shown(&self, number: u64) -> LoggedRequest {
        LoggedRequest {
            number,
            method: self.method.clone(),
            path: self.path.clone(),
            endpoint: self.endpoint,
            writes: self.endpoint.writes(),
            at_ms: self.at_ms,
            body: self.body(),
            status: self.status,
            fault: self.fault,
            processed: self.processed,
            applied: self.applied,
            customer: self.customer,
            agent_edits: self.agent_edits.clone(),
        }
    }

    fn body(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }
}
