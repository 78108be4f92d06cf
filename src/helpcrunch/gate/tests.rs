//! The gate under a paused clock, with a scripted server in memory.

mod attempts;
mod outages;
mod pace;
mod stops;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::domain::{CustomerId, RemoteCustomer, Tag};
use crate::helpcrunch::classify::FailureCause;
use crate::helpcrunch::{
    BoxFuture, CallError, CallReport, Endpoint, LimitSettings, ListQuery, PatchBody, ReadClient,
    Scrubber, SortOrder, Transport, TransportError, WireRequest, WireResponse, WriteClient,
};
use crate::pace::Clock;
use crate::plan::Create;

const KEY: &str = "k3y-th4t-must-not-l3ak";
const CUSTOMER: &str = r#"{"id":7,"name":"Ann"}"#;
const PAGE: &str = r#"{"data":[],"total":0}"#;
const SECOND: Duration = Duration::from_secs(1);

/// What the server does with one request.
pub(super) enum Reply {
    Answer(WireResponse),
    Fail(TransportError),
    After(Duration, Box<Reply>),
    Never,
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// One request as the server saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) index: usize,
    pub(super) endpoint: Endpoint,
    at: Duration,
}

struct Server {
    start: Instant,
    script: Box<Script>,
    seen: Mutex<Vec<Asked>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Transport for Server {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        let asked = {
            let mut seen = self.seen.lock().unwrap();
            let asked = Asked {
                index: seen.len(),
                endpoint: request.endpoint,
                at: self.start.elapsed(),
            };
            seen.push(asked);
            asked
        };
        Box::pin(async move {
            let mut reply = (self.script)(&asked);
            loop {
                reply = match reply {
                    Reply::Answer(response) => return Ok(response),
                    Reply::Fail(error) => return Err(error),
                    Reply::Never => std::future::pending().await,
                    Reply::After(delay, then) => {
                        tokio::time::sleep(delay).await;
                        *then
                    }
                }
            }
        })
    }
}

pub(super) struct Bench {
    server: Arc<Server>,
    pub(super) gate: Arc<Gate>,
    stops: StopTokens,
    pub(super) client: WriteClient,
}

pub(super) fn limits() -> LimitSettings {
    LimitSettings {
        requests_per_minute: 0,
        ..LimitSettings::default()
    }
}

pub(super) fn bench(
    limits: LimitSettings,
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Bench {
    bench_with(limits, |clock| clock, script)
}

fn bench_with(
    limits: LimitSettings,
    clock: impl FnOnce(Clock) -> Clock,
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Bench {
    let server = Arc::new(Server {
        start: Instant::now(),
        script: Box::new(script),
        seen: Mutex::default(),
    });
    let stops = StopTokens::default();
    let gate = Arc::new(Gate::new(GateParts {
        transport: server.clone(),
        limits,
        clock: clock(Clock::start(
            "2026-11-20T03:12:44Z"
                .parse::<jiff::Timestamp>()
                .unwrap()
                .into(),
        )),
        stops: stops.clone(),
        scrubber: Scrubber::new(&SecretString::from(KEY)),
        seed: 42,
    }));
    let client = WriteClient::new(ReadClient::new(gate.clone()));
    Bench {
        server,
        gate,
        stops,
        client,
    }
}

impl Bench {
    pub(super) fn seen(&self) -> Vec<Asked> {
        self.server.seen.lock().unwrap().clone()
    }

    fn times(&self) -> Vec<Duration> {
        self.seen().iter().map(|asked| asked.at).collect()
    }

    pub(super) fn stop_kind(&self) -> Option<StopKind> {
        self.gate.stop_reason().map(|reason| reason.kind)
    }

    pub(super) async fn get(&self) -> CallReport<RemoteCustomer> {
        self.client.get(CustomerId(7)).await
    }

    async fn create(&self) -> CallReport<RemoteCustomer> {
        self.client.create(&Create::default()).await
    }

    pub(super) async fn patch(&self) -> CallReport<RemoteCustomer> {
        self.client
            .patch(CustomerId(7), &PatchBody::default())
            .await
    }

    /// So many calls at once; their results in the order in which they ended.
    async fn patches(&self, count: usize) -> Vec<CallReport<RemoteCustomer>> {
        let mut calls = JoinSet::new();
        for _ in 0..count {
            let client = self.client.clone();
            calls.spawn(async move { client.patch(CustomerId(7), &PatchBody::default()).await });
        }
        calls.join_all().await
    }
}

fn status(status: u16) -> Reply {
    Reply::Answer(WireResponse::new(status, ""))
}

pub(super) fn ok(asked: &Asked) -> Reply {
    Reply::Answer(WireResponse::new(
        200,
        match asked.endpoint {
            Endpoint::List | Endpoint::Search => PAGE,
            _ => CUSTOMER,
        },
    ))
}

fn too_many(retry_after: Option<&str>) -> Reply {
    let mut response = WireResponse::new(429, "");
    response.retry_after = retry_after.map(str::to_owned);
    Reply::Answer(response)
}

fn refused_connection() -> Reply {
    Reply::Fail(TransportError::NotConnected("connection refused".into()))
}

// Pace
