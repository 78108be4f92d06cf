//! What happens to a request, step by step: log, key, rate limit, fault,
//! agents, customers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::account::{Account, Context, JSON, Reply};
use super::agent::{AgentEdit, AgentError, Agents, When};
use super::endpoint::Route;
use super::faults::{Fault, Faults};
use super::handle::Cut;
use super::log::{Entry, Log};
use super::options::Options;
use super::problem::Problem;
use super::quirks::{Quirks, RetryAfter};
use super::select::{Moment, draw};
use super::store::Store;
use super::window::{Admission, Window};

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

const HTML: &str = "<html>\r\n<head><title>Bad gateway</title></head>\r\n\
    <body><center><h1>Bad gateway</h1></center></body>\r\n</html>\r\n";

#[derive(Debug)]
pub(super) struct State {
    pub(super) account: Account,
    pub(super) log: Log,
    window: Window,
    faults: Faults,
    agents: Agents,
    seed: u64,
    refused_key: Option<String>,
    started_at: SystemTime,
    /// Edits made outside of requests, for their draws.
    edits: u64,
}

/// A request after key, rate limit and the choice of its fault.
#[derive(Debug)]
pub(super) struct Admitted {
    number: u64,
    route: Route,
    query: String,
    body: Bytes,
    /// For `X-RateLimit-Remaining`, where the key was good.
    remaining: Option<u64>,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Unauthorized,
    Limited { wait_ms: u64 },
    Passed(Option<Fault>),
}

impl Admitted {
    /// How long to wait before the request takes effect.
    pub(super) fn late(&self) -> Option<Duration> {
        match self.verdict {
            Verdict::Passed(Some(Fault::Delay {
                delay_ms,
                late: true,
            })) => Some(Duration::from_millis(delay_ms)),
            _ => None,
        }
    }
}

impl State {
    pub(super) fn new(options: &Options) -> Self {
        let (kind, limit) = (options.quirks.window, options.requests_per_minute);
        Self {
            account: Account {
                store: Store::default(),
                quirks: options.quirks.clone(),
            },
            log: Log::default(),
            window: Window::new(kind, limit, phase_ms(options.started_at), 0),
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
            self.window = Window::new(quirks.window, limit, phase_ms(self.started_at), now_ms);
        }
        self.account.quirks = quirks;
    }

    /// Makes an agent's edit outside of any request.
    pub(super) fn edit(&mut self, edit: &AgentEdit, now_ms: u64) -> Result<u64, AgentError> {
        self.edits += 1;
        let context = self.context(now_ms, draw(self.seed, 0, self.edits));
        edit.make(&mut self.account, context, None)
    }

    /// Logs the request and decides what will become of it.
    pub(super) fn admit(&mut self, head: &Parts, body: Bytes, now_ms: u64) -> Admitted {
        let route = Route::find(head.method.as_str(), head.uri.path());
        let number = self.log.add(Entry {
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            endpoint: route.endpoint,
            at_ms: now_ms,
            body: body.clone(),
            status: None,
            fault: None,
            processed: false,
            applied: false,
            customer: route.target.customer(),
            agent_edits: Vec::new(),
        });
        let mut remaining = None;
        let verdict = if !self.accepts(head) {
            Verdict::Unauthorized
        } else {
            match self.window.admit(now_ms) {
                Admission::Refused { wait_ms } => {
                    remaining = Some(0);
                    Verdict::Limited { wait_ms }
                }
                Admission::Passed { remaining: left } => {
                    remaining = Some(left);
                    let moment = Moment {
                        number,
                        endpoint: route.endpoint,
                        now_ms,
                    };
                    Verdict::Passed(self.faults.meet(moment))
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

    fn accepts(&self, head: &Parts) -> bool {
        let header = head.headers.get(http::header::AUTHORIZATION);
        let key = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let key = key.map(str::trim).filter(|key| !key.is_empty());
        key.is_some() && key != self.refused_key.as_deref()
    }

    /// Lets the request take effect, as far as its fault does, and answers.
    pub(super) fn finish(
        &mut self,
        admitted: Admitted,
        now_ms: u64,
    ) -> (Duration, Result<Response<Bytes>, Cut>) {
        let mut delay = Duration::from_millis(self.account.quirks.latency_ms);
        let result = match &admitted.verdict {
            Verdict::Unauthorized => Ok(self.problem(&Problem::Unauthorized)),
            Verdict::Limited { wait_ms } => {
                Ok(self.limited(self.account.quirks.retry_after, *wait_ms, now_ms))
            }
            Verdict::Passed(fault) => {
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
        if let Some(entry) = self.log.entry(admitted.number) {
            entry.status = match &result {
                Ok(answer) => Some(answer.status().as_u16()),
                Err(Cut::MidBody(part)) => Some(part.status().as_u16()),
                Err(Cut::NoAnswer) => None,
            };
        }
        (delay, result)
    }

    /// Agents before, the request itself, agents after.
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
        if let Some(entry) = self.log.entry(admitted.number) {
            entry.fault = fault.map(Fault::name);
            entry.processed = processed;
            entry.agent_edits = edits;
        }
        match fault {
            Some(fault) => self.broken(fault, answer, now_ms),
            None => answer.ok_or(Cut::NoAnswer),
        }
    }

    fn agents(&mut self, admitted: &Admitted, when: When, now_ms: u64) -> Vec<u64> {
        let endpoint = admitted.route.endpoint;
        let moment = Moment {
            number: admitted.number,
            endpoint,
            now_ms,
        };
        let target = self
            .log
            .entry(admitted.number)
            .and_then(|entry| entry.customer);
        let due = self.agents.due(moment, when).into_iter();
        // An edit whose customer is gone is one that no agent could make.
        due.filter_map(|(edit, draw)| {
            let context = self.context(now_ms, draw);
            edit.make(&mut self.account, context, target).ok()
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
                if let Some(entry) = self.log.entry(*number) {
                    entry.applied = route.endpoint.writes();
                    entry.customer = reply.customer.or(entry.customer);
                }
                respond(reply)
            }
            Err(problem) => self.problem(&problem),
        }
    }

    /// The answer as the fault leaves it.
    fn broken(
        &self,
        fault: &Fault,
        answer: Option<Response<Bytes>>,
        now_ms: u64,
    ) -> Result<Response<Bytes>, Cut> {
        match fault {
            Fault::Status { status, .. } => Ok(self.problem(&Problem::Fault(*status))),
            Fault::CutBefore {} | Fault::CutAfter {} => Err(Cut::NoAnswer),
            Fault::CutBody {} => Err(answer.map_or(Cut::NoAnswer, half)),
            Fault::Delay { .. } => answer.ok_or(Cut::NoAnswer),
            Fault::Html { status, .. } => Ok(respond(Reply {
                status: *status,
                content_type: "text/html",
                body: HTML.into(),
                customer: None,
            })),
            Fault::RateLimit {
                retry_after,
                seconds,
            } => Ok(self.limited(*retry_after, seconds.saturating_mul(1_000), now_ms)),
        }
    }

    fn problem(&self, problem: &Problem) -> Response<Bytes> {
        respond(Reply::json(
            problem.status(),
            &problem.body(&self.account.quirks),
        ))
    }

    fn limited(&self, retry_after: RetryAfter, wait_ms: u64, now_ms: u64) -> Response<Bytes> {
        let mut answer = self.problem(&Problem::TooManyRequests);
        let text = match retry_after {
            RetryAfter::None => None,
            RetryAfter::Seconds => Some(wait_ms.div_ceil(1_000).to_string()),
            RetryAfter::Date => {
                // Rounded up: the date has whole seconds, and must not be too soon.
                let wait = Duration::from_millis(now_ms.saturating_add(wait_ms));
                let at = since_epoch(self.started_at)
                    .saturating_add(wait)
                    .as_millis();
                let at = u64::try_from(at.div_ceil(1_000)).unwrap_or_default();
                let at = UNIX_EPOCH.checked_add(Duration::from_secs(at));
                at.map(httpdate::fmt_http_date)
            }
        };
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
        answer
    }

    fn with_rate_headers(
        &self,
        mut answer: Response<Bytes>,
        remaining: Option<u64>,
    ) -> Response<Bytes> {
        let limit = u64::from(self.window.per_minute());
        let remaining = remaining.filter(|_| self.account.quirks.rate_limit_headers && limit > 0);
        if let Some(remaining) = remaining {
            answer
                .headers_mut()
                .insert(RATE_LIMIT, HeaderValue::from(limit));
            answer
                .headers_mut()
                .insert(RATE_REMAINING, HeaderValue::from(remaining));
        }
        answer
    }

    fn context(&self, now_ms: u64, draw: u64) -> Context {
        let now = since_epoch(self.started_at).saturating_add(Duration::from_millis(now_ms));
        Context {
            now_ms,
            now_unix: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            draw,
        }
    }
}

pub(super) fn respond(reply: Reply) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(reply.body));
    *answer.status_mut() = reply.status;
    let length = answer.body().len() as u64;
    let bodiless = reply.status == StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    if !bodiless {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if length > 0 || reply.content_type != JSON {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    answer
}

/// What arrives of an answer whose connection is cut in the body.
fn half(mut answer: Response<Bytes>) -> Cut {
    let length = answer.body().len();
    if length < 2 {
        return Cut::NoAnswer;
    }
    answer.body_mut().truncate(length / 2);
    Cut::MidBody(Box::new(answer))
}

/// How far into a calendar minute a time is.
fn phase_ms(time: SystemTime) -> u64 {
    u64::try_from(since_epoch(time).as_millis() % 60_000).unwrap_or_default()
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
