use std::time::SystemTime;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Gate, StopKind};
use crate::helpcrunch::classify::{ExchangeVerdict, FailureCause, classify, unreadable};
use crate::helpcrunch::{
    ApiError, CallError, DecodeError, Endpoint, ListQuery, SortOrder, TransportError, WireRequest,
    WireResponse, api_error, blocked, decode,
};
use crate::pace::{RetryAfter, parse_retry_after};

/// Limits of texts that are passed on, in characters.
const MAX_LOCATION: usize = 200;
const MAX_CAUSE: usize = 300;

/// One HTTP exchange that ended.
pub(super) struct Exchange {
    pub(super) begun: Instant,
    /// `None`: a hard stop dropped it.
    pub(super) answer: Option<Result<WireResponse, TransportError>>,
}

/// What an exchange means for its call.
pub(super) enum AttemptOutcome<T> {
    Done(Result<T, CallError>),
    /// 429: again, after the pause.
    RateLimited,
    /// Again, if attempts are left.
    Failed(FailureCause),
    /// Never again.
    Permanent(FailureCause),
}

impl Gate {
    pub(super) async fn exchange(&self, request: &WireRequest, attempt: u32) -> Exchange {
        let begun = self.clock.now();
        let answer = tokio::select! {
            biased;
            answer = self.transport.exchange(request) => Some(answer),
            () = self.stops.hard.cancelled() => None,
        };
        let ms =
            u64::try_from(self.clock.now().duration_since(begun).as_millis()).unwrap_or(u64::MAX);
        let endpoint = request.endpoint.name();
        match &answer {
            Some(Ok(response)) => {
                let mut state = self.state();
                state.has_contact = true;
                state.stats.with_rate_headers += u64::from(response.has_rate_headers);
                drop(state);
                tracing::debug!(endpoint, attempt, status = response.status, ms, "answered");
            }
            Some(Err(error)) => tracing::debug!(endpoint, attempt, ms, error = %error, "no answer"),
            None => tracing::debug!(endpoint, attempt, ms, "dropped"),
        }
        Exchange { begun, answer }
    }

    /// Checks with one small read whether the API is back. It is the gate's own request, so that an outage uses up no
    /// operation's attempts and leaves no create in doubt.
    pub(super) async fn check_health(&self) {
        let query = ListQuery {
            limit: 1,
            offset: 0,
            sort: None,
            order: SortOrder::Ascending,
        };
        let request = WireRequest {
            endpoint: Endpoint::List,
            path: query.path(),
            body: None,
        };
        let exchange = self.exchange(&request, 1).await;
        let Some(answer) = exchange.answer else {
            return;
        };
        let read = decode::page;
        if let AttemptOutcome::Failed(_) | AttemptOutcome::Permanent(_) =
            self.judge(Endpoint::List, answer, exchange.begun, &read)
        {
            let now = self.clock.now();
            self.state().check_failed(now);
        }
    }

    /// Passes what an exchange showed to the state, and returns what it means for its call.
    pub(super) fn judge<T>(
        &self,
        endpoint: Endpoint,
        answer: Result<WireResponse, TransportError>,
        begun: Instant,
        read: &impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> AttemptOutcome<T> {
        let verdict = classify(endpoint.safety(), &answer);
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                if let TransportError::Unreachable(why) = &error {
                    self.with_state(|state| state.unreachable(why));
                }
                return self.fail(verdict, error.into(), RetryAfter::Unspecified);
            }
        };
        let status = response.status;
        match verdict {
            ExchangeVerdict::Success => match self.decode(&response, read) {
                Ok(value) => {
                    self.answered(endpoint);
                    AttemptOutcome::Done(Ok(value))
                }
                Err(why) => self.fail(unreadable(endpoint.safety()), why, RetryAfter::Unspecified),
            },
            ExchangeVerdict::RateLimited => {
                let (asked, now) = (self.asked(&response), self.clock.now());
                self.with_state(|state| state.rate_limited(asked, begun, now));
                AttemptOutcome::RateLimited
            }
            ExchangeVerdict::Refused => {
                self.answered(endpoint);
                if endpoint == Endpoint::Search
                    && status == 404
                    && self.is_from_api(&response)
                    && let Ok(empty) = read(decode::EMPTY_PAGE)
                {
                    // Observed in one public client: a search that finds no customer.
                    return AttemptOutcome::Done(Ok(empty));
                }
                AttemptOutcome::Done(Err(CallError::Refused {
                    status,
                    errors: self.errors(&response),
                }))
            }
            ExchangeVerdict::Forbidden if self.is_from_api(&response) => {
                AttemptOutcome::Done(Err(self.unauthorized(&response)))
            }
            ExchangeVerdict::Forbidden => {
                AttemptOutcome::Done(Err(self.blocked(endpoint, &response)))
            }
            ExchangeVerdict::Redirected => AttemptOutcome::Done(Err(self.redirected(&response))),
            ExchangeVerdict::Retry | ExchangeVerdict::Failed | ExchangeVerdict::Unknown => {
                self.fail(verdict, FailureCause::Status(status), self.asked(&response))
            }
        }
    }

    fn decode<T>(
        &self,
        response: &WireResponse,
        read: &impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, FailureCause> {
        let body = body(response).map_err(Clone::clone)?;
        read(body).map_err(|error| FailureCause::Unreadable {
            error,
            begins: api_error::beginning(body, &self.scrubber),
        })
    }

    fn answered(&self, endpoint: Endpoint) {
        let now = self.clock.now();
        if self.state().answered(endpoint, now) {
            tracing::info!("the API answers again");
            self.news.send_replace(());
        }
    }

    fn fail<T>(
        &self,
        verdict: ExchangeVerdict,
        why: FailureCause,
        asked: RetryAfter,
    ) -> AttemptOutcome<T> {
        let now = self.clock.now();
        let text = self.scrubber.clean(&why.to_string(), MAX_CAUSE);
        tracing::debug!(why = text, "no usable answer");
        self.with_state(|state| state.failed(text, asked, now));
        match verdict {
            ExchangeVerdict::Unknown => AttemptOutcome::Done(Err(CallError::Unknown { why })),
            ExchangeVerdict::Failed => AttemptOutcome::Permanent(why),
            _ => AttemptOutcome::Failed(why),
        }
    }

    fn unauthorized(&self, response: &WireResponse) -> CallError {
        let status = response.status;
        let error = CallError::Unauthorized {
            status,
            errors: self.errors(response),
        };
        self.with_state(|state| state.close(StopKind::Unauthorized, error.to_string()));
        error
    }

    /// A refusal by something in front of the API. It may be about this request alone, unless it is a read or others were
    /// refused as well.
    fn blocked(&self, endpoint: Endpoint, response: &WireResponse) -> CallError {
        let (status, errors) = (response.status, self.errors(response));
        let message = blocked(status, &errors);
        match self.with_state(|state| state.blocked(endpoint, message)) {
            true => CallError::Blocked { status, errors },
            false => CallError::Refused { status, errors },
        }
    }

    fn is_from_api(&self, response: &WireResponse) -> bool {
        api_error::is_from_api(body(response).unwrap_or_default())
    }

    fn redirected(&self, response: &WireResponse) -> CallError {
        let clean = |location: &String| self.scrubber.clean(location, MAX_LOCATION);
        let location = response.location.as_ref().map(clean);
        let error = CallError::Redirected {
            status: response.status,
            location,
        };
        self.with_state(|state| state.close(StopKind::Redirected, error.to_string()));
        error
    }

    fn errors(&self, response: &WireResponse) -> Vec<ApiError> {
        let body = body(response).unwrap_or_default();
        api_error::read(response.status, body, &self.scrubber)
    }

    /// The wait that `Retry-After` asks for. A date in it counts from the server's own clock, if the answer shows that, so
    /// that a wrong clock here does no harm.
    pub(super) fn asked(&self, response: &WireResponse) -> RetryAfter {
        let date = response
            .date
            .as_deref()
            .and_then(|date| httpdate::parse_http_date(date).ok());
        let wall = date
            .and_then(timestamp)
            .unwrap_or_else(|| self.clock.wall());
        parse_retry_after(response.retry_after.as_deref(), wall, self.max_retry_wait)
    }
}

/// The body, without a byte order mark, which some servers put before JSON.
pub(super) fn body(response: &WireResponse) -> Result<&[u8], &TransportError> {
    let body = response.body.as_deref()?;
    Ok(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}
