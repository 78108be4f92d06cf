//! HTTP answers: errors, rate-limit headers, and what faults make of an answer.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::error_reply::ErrorReply;
use super::faults::Fault;
use super::handle::Cut;
use super::quirks::RetryAfter;
use super::reply::{JSON, Reply};
use super::state::{ServerState, since_epoch};

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

const HTML: &str = "<html>\r\n<head><title>Bad gateway</title></head>\r\n\
    <body><center><h1>Bad gateway</h1></center></body>\r\n</html>\r\n";

impl ServerState {
    /// Returns the answer as the fault changes it.
    pub(super) fn answer_with_fault(
        &self,
        fault: &Fault,
        answer: Option<Response<Bytes>>,
        now_ms: u64,
    ) -> Result<Response<Bytes>, Cut> {
        match fault {
            Fault::Status { status, .. } => Ok(self.error(&ErrorReply::Fault(*status))),
            Fault::CutBefore {} | Fault::CutAfter {} => Err(Cut::NoAnswer),
            Fault::CutBody {} => Err(answer.map_or(Cut::NoAnswer, half)),
            Fault::Delay { .. } => answer.ok_or(Cut::NoAnswer),
            Fault::Html { status, .. } => Ok(html(*status)),
            Fault::RateLimit {
                retry_after,
                seconds,
            } => Ok(self.limited(*retry_after, seconds.saturating_mul(1_000), now_ms)),
        }
    }

    pub(super) fn error(&self, error: &ErrorReply) -> Response<Bytes> {
        respond(Reply::json(
            error.status(),
            &error.body(&self.account.quirks),
        ))
    }

    pub(super) fn limited(
        &self,
        retry_after: RetryAfter,
        wait_ms: u64,
        now_ms: u64,
    ) -> Response<Bytes> {
        let mut answer = self.error(&ErrorReply::TooManyRequests);
        let text = match retry_after {
            RetryAfter::None => None,
            RetryAfter::Seconds => Some(wait_ms.div_ceil(1_000).to_string()),
            RetryAfter::Date => {
                // Rounded up to whole seconds, so that it is not too early.
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

    pub(super) fn with_rate_headers(
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
}

/// The page of something in front of the API.
pub(super) fn html(status: StatusCode) -> Response<Bytes> {
    respond(Reply {
        status,
        content_type: "text/html",
        body: HTML.into(),
        customer: None,
    })
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

/// Cuts an answer in the middle of its body.
fn half(mut answer: Response<Bytes>) -> Cut {
    let length = answer.body().len();
    if length < 2 {
        return Cut::NoAnswer;
    }
    answer.body_mut().truncate(length / 2);
    Cut::MidBody(Box::new(answer))
}
