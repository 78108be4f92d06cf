use std::time::SystemTime;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Gate, StopKind};
use crate::helpcrunch::classify::{Trouble, Verdict, classify, unreadable};
use crate::helpcrunch::{
    ApiError, CallError, DecodeError, Endpoint, ListQuery, Order, TransportError, WireRequest,
    WireResponse, api_error, decode,
};
use crate::pace::{Asked, retry_after};

/// The longest redirect target that is passed on, in characters.
const LONGEST_LOCATION: usize = 200;
const LONGEST_TROUBLE: usize = 300;

/// What became of one exchange.
pub(super) struct Exchange {
    pub(super) begun: Instant,
    /// Nothing: a hard stop dropped it.
    pub(super) answer: Option<Result<WireResponse, TransportError>>,
}

/// What an exchange means for its call.
pub(super) enum Judged<T> {
    Done(Result<T, CallError>),
    /// By a 429: again, after the pause.
    PutOff,
    /// Again, if attempts are left.
    Failed(Trouble),
    /// Never again.
    Hopeless(Trouble),
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
                self.state().stats.told_rate += u64::from(response.tells_rate);
                tracing::debug!(endpoint, attempt, status = response.status, ms, "answered");
            }
            Some(Err(error)) => tracing::debug!(endpoint, attempt, ms, error = %error, "no answer"),
            None => tracing::debug!(endpoint, attempt, ms, "dropped"),
        }
        Exchange { begun, answer }
    }

    /// Sees with one small read whether the server is back. It is the gate's own request, so that no operation
    /// uses up its attempts on an outage and no create is put in doubt by one.
    pub(super) async fn knock(&self) {
        let query = ListQuery {
            limit: 1,
            offset: 0,
            sort: None,
            order: Order::Ascending,
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
        if let Judged::Failed(_) | Judged::Hopeless(_) =
            self.judge(Endpoint::List, answer, exchange.begun, &read)
        {
            let now = self.clock.now();
            self.state().knocked_in_vain(now);
        }
    }

    /// Tells the state what an exchange showed, and the call what it means.
    pub(super) fn judge<T>(
        &self,
        endpoint: Endpoint,
        answer: Result<WireResponse, TransportError>,
        begun: Instant,
        read: &impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Judged<T> {
        let verdict = classify(endpoint.safety(), &answer);
        let response = match answer {
            Ok(response) => response,
            Err(error) => return self.trouble(verdict, error.into(), Asked::Nothing),
        };
        let status = response.status;
        match verdict {
            Verdict::Success => match body(&response).and_then(|body| Ok(read(body)?)) {
                Ok(value) => {
                    self.answered();
                    Judged::Done(Ok(value))
                }
                Err(why) => self.trouble(unreadable(endpoint.safety()), why, Asked::Nothing),
            },
            Verdict::RateLimited => {
                let (asked, now) = (self.asked(&response), self.clock.now());
                self.with_state(|state| state.rate_limited(asked, begun, now));
                Judged::PutOff
            }
            Verdict::Refused => {
                self.answered();
                Judged::Done(Err(CallError::Refused {
                    status,
                    errors: self.errors(&response),
                }))
            }
            Verdict::Unauthorized => Judged::Done(Err(self.unauthorized(&response))),
            Verdict::Redirected => Judged::Done(Err(self.redirected(&response))),
            Verdict::Retry | Verdict::Failed | Verdict::Unknown => {
                self.trouble(verdict, Trouble::Status(status), self.asked(&response))
            }
        }
    }

    fn answered(&self) {
        let now = self.clock.now();
        if self.state().answered(now) {
            tracing::info!("the API answers again");
            self.news.send_replace(());
        }
    }

    fn trouble<T>(&self, verdict: Verdict, why: Trouble, asked: Asked) -> Judged<T> {
        let now = self.clock.now();
        let told = self.scrubber.clean(&why.to_string(), LONGEST_TROUBLE);
        tracing::debug!(why = told, "no usable answer");
        self.with_state(|state| state.failed(told, asked, now));
        match verdict {
            Verdict::Unknown => Judged::Done(Err(CallError::Unknown { why })),
            Verdict::Failed => Judged::Hopeless(why),
            _ => Judged::Failed(why),
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

    fn redirected(&self, response: &WireResponse) -> CallError {
        let clean = |location: &String| self.scrubber.clean(location, LONGEST_LOCATION);
        let location = response.location.as_ref().map(clean);
        let error = CallError::Redirected {
            status: response.status,
            location,
        };
        self.with_state(|state| state.close(StopKind::Redirected, error.to_string()));
        error
    }

    fn errors(&self, response: &WireResponse) -> Vec<ApiError> {
        let body = response.body.as_deref().unwrap_or_default();
        api_error::read(response.status, body, &self.scrubber)
    }

    /// A date counts from the server's own clock where the answer tells it, so that a wrong clock here changes
    /// nothing.
    fn asked(&self, response: &WireResponse) -> Asked {
        let date = response
            .date
            .as_deref()
            .and_then(|date| httpdate::parse_http_date(date).ok());
        let wall = date
            .and_then(timestamp)
            .unwrap_or_else(|| self.clock.wall());
        retry_after(response.retry_after.as_deref(), wall, self.max_retry_wait)
    }
}

fn body(response: &WireResponse) -> Result<&[u8], Trouble> {
    match &response.body {
        Ok(body) => Ok(body),
        Err(error) => Err(error.clone().into()),
    }
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}
