//! Processes a request step by step: log, key, rate limit, fault, agents, customers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::Value;

use super::account::{Account, RequestContext};
use super::admitted::{AdmissionVerdict, Admitted, accepts, is_blocked};
use super::agent::{AgentEdit, AgentError, Agents, When};
use super::answers::{html, respond};
use super::endpoint::Route;
use super::error_reply::ErrorReply;
use super::faults::{Fault, Faults};
use super::handle::Cut;
use super::log::{LoggedRequest, RequestLog};
use super::options::Options;
use super::quirks::Quirks;
use super::select::{RequestMoment, draw};
use super::store::CustomerStore;
use super::window::{Admission, RateWindow};

#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) account: Account,
    pub(super) log: RequestLog,
    pub(super) window: RateWindow,
    faults: Faults,
    agents: Agents,
    seed: u64,
    refused_key: Option<String>,
    pub(super) started_at: SystemTime,
    /// Number of edits made outside of requests. Part of their random numbers.
    edits: u64,
}

impl ServerState {
    pub(super) fn new(options: &Options) -> Self {
        let (kind, limit) = (options.quirks.window, options.requests_per_minute);
        Self {
            account: Account {
                store: CustomerStore::default(),
                quirks: options.quirks.clone(),
            },
            log: RequestLog::default(),
            window: RateWindow::new(kind, limit, phase_ms(options.started_at), 0),
            faults: Faults::new(options.schedule.faults.clone(), options.seed),
            agents: Agents::new(options.schedule.agents.clone(), options.seed),
            seed: options.seed,
            refused_key: options.refused_key.clone(),
            started_at: options.started_at,
            edits: 0,
        }
    }

    pub(super) fn set_quirks(&mut self, quirks: Quirks, now_ms: u64) {
        if quirks.window != self.account.quirks.window {
            let limit = self.window.per_minute();
            self.window = RateWindow::new(quirks.window, limit, phase_ms(self.started_at), now_ms);
        }
        self.account.quirks = quirks;
    }

    /// Makes an agent's edit outside of any request.
    pub(super) fn edit(&mut self, edit: &AgentEdit, now_ms: u64) -> Result<u64, AgentError> {
        self.edits += 1;
        let context = self.context(now_ms, draw(self.seed, 0, self.edits));
        edit.apply(&mut self.account, context, None)
    }

    /// Logs the request and decides on its key, rate limit and fault.
    pub(super) fn admit(&mut self, head: &Parts, body: Bytes, now_ms: u64) -> Admitted {
        let route = Route::find(head.method.as_str(), head.uri.path());
        let number = self.log.add(
            LoggedRequest {
                number: 0,
                method: head.method.to_string(),
                path: head
                    .uri
                    .path_and_query()
                    .map_or_else(String::new, ToString::to_string),
                endpoint: route.endpoint,
                writes: route.endpoint.writes(),
                at_ms: now_ms,
                body: Value::Null,
                status: None,
                fault: None,
                processed: false,
                applied: false,
                customer: route.target.customer(),
                agent_edits: Vec::new(),
            },
            body.clone(),
        );
        let mut remaining = None;
        let verdict = if is_blocked(&self.account.quirks.firewall, &head.uri, &body) {
            AdmissionVerdict::Blocked
        } else if !accepts(&head.headers, self.refused_key.as_deref()) {
            AdmissionVerdict::Unauthorized
        } else {
            match self.window.admit(now_ms) {
                Admission::Refused { wait_ms } => {
                    remaining = Some(0);
                    AdmissionVerdict::Limited { wait_ms }
                }
                Admission::Passed { remaining: left } => {
                    remaining = Some(left);
                    let moment = RequestMoment {
                        number,
                        endpoint: route.endpoint,
                        now_ms,
                    };
                    AdmissionVerdict::Passed(self.faults.fault_for(moment))
                }
            }
        };
        let query = head.uri.query().unwrap_or_default().to_owned();
        Admitted {
            number,
            route,
            query,
            body,
            remaining,
            verdict,
        }
    }

    /// Applies the request as far as its fault allows. Returns the delay of the answer, and the answer.
    pub(super) fn finish(
        &mut self,
        admitted: Admitted,
        now_ms: u64,
    ) -> (Duration, Result<Response<Bytes>, Cut>) {
        let mut delay = Duration::from_millis(self.account.quirks.latency_ms);
        let result = match &admitted.verdict {
            AdmissionVerdict::Blocked => Ok(html(StatusCode::FORBIDDEN)),
            AdmissionVerdict::Unauthorized => Ok(self.error(&ErrorReply::Unauthorized)),
            AdmissionVerdict::Limited { wait_ms } => {
                Ok(self.limited(self.account.quirks.retry_after, *wait_ms, now_ms))
            }
            AdmissionVerdict::Passed(fault) => {
                if let Some(Fault::Delay {
                    delay_ms,
                    late: false,
                }) = fault
                {
                    delay += Duration::from_millis(*delay_ms);
                }
                self.act(&admitted, fault.as_ref(), now_ms)
            }
        };
        let result = result.map(|answer| self.with_rate_headers(answer, admitted.remaining));
        if let Some(logged) = self.log.request(admitted.number) {
            logged.status = match &result {
                Ok(answer) => Some(answer.status().as_u16()),
                Err(Cut::MidBody(part)) => Some(part.status().as_u16()),
                Err(Cut::NoAnswer) => None,
            };
        }
        (delay, result)
    }

    /// Makes the edits of agents before the request, applies the request, and makes the edits after it.
    fn act(
        &mut self,
        admitted: &Admitted,
        fault: Option<&Fault>,
        now_ms: u64,
    ) -> Result<Response<Bytes>, Cut> {
        let mut edits = self.agents(admitted, When::Before, now_ms);
        let processed = fault.is_none_or(Fault::processed);
        let answer = processed.then(|| self.process(admitted, now_ms));
        edits.extend(self.agents(admitted, When::After, now_ms));
        if let Some(logged) = self.log.request(admitted.number) {
            logged.fault = fault.map(Fault::name);
            logged.processed = processed;
            logged.agent_edits = edits;
        }
        match fault {
            Some(fault) => self.answer_with_fault(fault, answer, now_ms),
            None => answer.ok_or(Cut::NoAnswer),
        }
    }

    fn agents(&mut self, admitted: &Admitted, when: When, now_ms: u64) -> Vec<u64> {
        let endpoint = admitted.route.endpoint;
        let moment = RequestMoment {
            number: admitted.number,
            endpoint,
            now_ms,
        };
        let target = self
            .log
            .request(admitted.number)
            .and_then(|logged| logged.customer);
        let due = self.agents.due(moment, when).into_iter();
        // An agent cannot edit a customer that does not exist.
        due.filter_map(|(edit, draw)| {
            let context = self.context(now_ms, draw);
            edit.apply(&mut self.account, context, target).ok()
        })
        .collect()
    }

    fn process(&mut self, admitted: &Admitted, now_ms: u64) -> Response<Bytes> {
        let Admitted {
            number,
            route,
            query,
            body,
            ..
        } = admitted;
        let context = self.context(now_ms, draw(self.seed, *number, 0));
        match self.account.answer(*route, query, body, context) {
            Ok(reply) => {
                if let Some(logged) = self.log.request(*number) {
                    logged.applied = route.endpoint.writes();
                    logged.customer = reply.customer.or(logged.customer);
                }
                respond(reply)
            }
            Err(error) => self.error(&error),
        }
    }

    fn context(&self, now_ms: u64, draw: u64) -> RequestContext {
        let now = since_epoch(self.started_at).saturating_add(Duration::from_millis(now_ms));
        RequestContext {
            now_ms,
            now_unix: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            draw,
        }
    }
}

/// Returns the milliseconds since the beginning of the calendar minute.
fn phase_ms(time: SystemTime) -> u64 {
    u64::try_from(since_epoch(time).as_millis() % 60_000).unwrap_or_default()
}

pub(super) fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
