//! The log of all requests, with their outcomes.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::Endpoint;

/// A request in the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoggedRequest {
    /// Number in the order of arrival, from 1.
    pub number: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    pub endpoint: Endpoint,
    /// Whether that endpoint changes customers.
    pub writes: bool,
    /// When it arrived, in milliseconds since the server was created.
    pub at_ms: u64,
    /// The body, as text if it is not JSON. Null if there is none.
    pub body: Value,
    /// The status of the answer. Null if there is none, or not yet.
    pub status: Option<u16>,
    /// The fault that it was given.
    pub fault: Option<&'static str>,
    /// Whether the server processed it. It does not if it refuses the key or limits the rate, and with some faults.
    pub processed: bool,
    /// Whether it was a write that took effect, answered or not.
    pub applied: bool,
    /// The customer that it named or created.
    pub customer: Option<u64>,
    /// Ids of customers that agents edited immediately before and after it.
    pub agent_edits: Vec<u64>,
}

/// Counts of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// All requests.
    pub total: u64,
    /// Those to endpoints that change customers, regardless of the answer.
    pub writes: u64,
    /// Those that took effect, answered or not.
    pub applied_writes: u64,
    /// Those answered with 429.
    pub rate_limited: u64,
    /// Edits that agents made before or after requests.
    pub agent_edits: u64,
    /// By endpoint and status. The status is `cut` if there was no answer.
    pub by_endpoint: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// A request in the log. Its body is parsed only when the log is read.
#[derive(Debug)]
struct LogEntry {
    /// Without number and body.
    request: LoggedRequest,
    body: Bytes,
}

#[derive(Debug, Default)]
pub(super) struct RequestLog {
    entries: Vec<LogEntry>,
}

impl RequestLog {
    /// Adds a request and returns its number. Ignores the number and body of `request`.
    pub(super) fn add(&mut self, request: LoggedRequest, body: Bytes) -> u64 {
        self.entries.push(LogEntry { request, body });
        self.entries.len() as u64
    }

    pub(super) fn request(&mut self, number: u64) -> Option<&mut LoggedRequest> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(&mut self.entries.get_mut(index)?.request)
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        (1..)
            .zip(&self.entries)
            .map(|(number, entry)| LoggedRequest {
                number,
                body: json(&entry.body),
                ..entry.request.clone()
            })
            .collect()
    }

    pub(super) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for LogEntry { request, .. } in &self.entries {
            stats.total += 1;
            stats.writes += u64::from(request.writes);
            stats.applied_writes += u64::from(request.applied);
            stats.rate_limited += u64::from(request.status == Some(429));
            stats.agent_edits += request.agent_edits.len() as u64;
            let status = request
                .status
                .map_or_else(|| "cut".to_owned(), |status| status.to_string());
            let endpoint = stats
                .by_endpoint
                .entry(request.endpoint.name())
                .or_default();
            *endpoint.entry(status).or_default() += 1;
        }
        stats
    }
}

fn json(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
