//! The gate under a paused clock, with a scripted server in memory.

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

#[tokio::test(start_paused = true)]
async fn the_pace_is_even_and_uses_the_limit() {
    let bench = bench(LimitSettings::default(), |asked| {
        Reply::After(SECOND / 5, Box::new(ok(asked)))
    });
    assert!(
        bench
            .patches(1190)
            .await
            .iter()
            .all(|sent| sent.result.is_ok())
    );
    let times = bench.times();
    let in_ten_minutes = times.iter().filter(|at| at.as_secs() < 600).count();
    assert!((1185..=1190).contains(&in_ten_minutes), "{in_ten_minutes}");
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(478), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_concurrency_is_in_flight() {
    let limits = LimitSettings {
        concurrency: 3,
        ..limits()
    };
    let bench = bench(limits, |asked| Reply::After(SECOND, Box::new(ok(asked))));
    bench.patches(9).await;
    let seconds: Vec<u64> = bench.times().iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

// 429

async fn pause_after_one_429(retry_after: Option<&'static str>) -> Duration {
    let bench = bench(limits(), move |asked| match asked.index {
        0 => too_many(retry_after),
        _ => ok(asked),
    });
    let first = bench.patch();
    let others = async {
        tokio::time::sleep(SECOND / 10).await;
        bench.patches(8).await
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!((first.attempts, first.http_status), (2, Some(200)));
    assert!(others.iter().all(|sent| sent.attempts == 1));
    let stats = bench.gate.stats();
    assert_eq!((stats.rate_limited, stats.retries, stats.total), (1, 0, 10));
    let times = bench.times();
    assert!(times[1..].iter().all(|at| *at >= times[1]));
    times[1]
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_every_worker_as_long_as_it_says() {
    assert_eq!(pause_after_one_429(Some("20")).await.as_secs(), 20);
    assert_eq!(
        pause_after_one_429(Some("Fri, 20 Nov 2026 03:13:14 GMT"))
            .await
            .as_secs(),
        30
    );
    let chosen = pause_after_one_429(None).await;
    assert!(
        chosen >= SECOND && chosen <= SECOND * 2 + SECOND / 10,
        "{chosen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_date_counts_from_the_servers_own_clock() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => {
            let mut response = WireResponse::new(429, "");
            response.retry_after = Some("Sat, 01 Jan 2000 00:00:07 GMT".into());
            response.date = Some("Sat, 01 Jan 2000 00:00:00 GMT".into());
            Reply::Answer(response)
        }
        _ => ok(asked),
    });
    bench.get().await.result.unwrap();
    assert_eq!(bench.times()[1].as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn waiting_out_429s_is_no_attempt() {
    let bench = bench(limits(), |asked| {
        if asked.index < 30 {
            too_many(Some("1"))
        } else {
            ok(asked)
        }
    });
    let sent = bench.create().await;
    assert!(sent.result.is_ok());
    assert_eq!(sent.attempts, 31);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_429s_eases_the_pace_back_once() {
    let limits = LimitSettings {
        requests_per_minute: 600,
        ..LimitSettings::default()
    };
    let bench = bench(limits, |asked| {
        let answer = if asked.index < 4 {
            too_many(Some("5"))
        } else {
            ok(asked)
        };
        Reply::After(SECOND / 2, Box::new(answer))
    });
    bench.patches(8).await;
    let gap = Duration::from_secs_f64(0.1 / 0.99);
    let times = bench.times();
    // One step of ease: the fifth and sixth request are 1.1 gaps apart, less what a late timer may make good of.
    let eased = times[5] - times[4];
    assert!(
        eased > gap.mul_f64(1.02) && eased < gap.mul_f64(1.12),
        "{eased:?}"
    );
    assert_eq!(bench.gate.stats().rate_limited, 4);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_closes_the_gate() {
    let bench = bench(limits(), |_| too_many(Some("301")));
    let sent = bench.create().await;
    assert_eq!(
        sent.result,
        Err(CallError::NotSent(StopKind::RetryAfterTooLong))
    );
    assert_eq!(bench.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_429s_is_an_outage_in_the_end() {
    let bench = bench(limits(), |_| too_many(None));
    assert_eq!(
        bench.get().await.result,
        Err(CallError::NotSent(StopKind::Outage))
    );
    let last = *bench.times().last().unwrap();
    assert!(last.as_secs() >= 900 && last.as_secs() <= 960, "{last:?}");
    assert!(bench.seen().len() < 40);
}

// Retries

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_counted() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => status(503),
        1 => Reply::Fail(TransportError::TimedOut),
        2 => Reply::Answer(WireResponse::new(200, "<html>")),
        3 => Reply::Fail(TransportError::Cut),
        _ => ok(asked),
    });
    let sent = bench.patch().await;
    assert_eq!(sent.result.unwrap().id, CustomerId(7));
    assert_eq!((sent.attempts, sent.http_status), (5, Some(200)));
    assert_eq!(bench.gate.stats().retries, 4);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_as_many_attempts_as_allowed() {
    let limits = LimitSettings {
        max_attempts: 3,
        ..limits()
    };
    let bench = bench(limits, |asked| match asked.endpoint {
        Endpoint::Patch => status(500),
        _ => ok(asked),
    });
    let sent = bench.patch().await;
    assert_eq!(
        sent.result,
        Err(CallError::GaveUp {
            attempts: 3,
            why: FailureCause::Status(500)
        })
    );
    assert_eq!((sent.attempts, sent.http_status), (3, Some(500)));
    assert_eq!(bench.stop_kind(), None);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_obeys_the_retry_after_of_a_503() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => {
            let mut response = WireResponse::new(503, "");
            response.retry_after = Some("120".into());
            Reply::Answer(response)
        }
        _ => ok(asked),
    });
    bench.patch().await.result.unwrap();
    assert_eq!(bench.times()[1].as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_never_repeated() {
    for refusal in [400, 404, 409, 422, 501] {
        let bench = bench(limits(), move |_| status(refusal));
        let sent = bench.patch().await;
        assert_eq!(bench.seen().len(), 1, "{refusal}");
        let error = sent.result.unwrap_err();
        assert_eq!(error.is_not_found(), refusal == 404, "{error}");
        assert_eq!(error.stop(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_never_repeated_once_it_may_have_been_done() {
    let doubts: [fn() -> Reply; 9] = [
        || status(408),
        || status(500),
        || status(501),
        || status(503),
        || status(504),
        || Reply::Fail(TransportError::TimedOut),
        || Reply::Fail(TransportError::Cut),
        || Reply::Answer(WireResponse::new(201, "{\"id\":")),
        || {
            Reply::Answer(WireResponse {
                body: Err(TransportError::Cut),
                ..WireResponse::new(201, "")
            })
        },
    ];
    for doubt in doubts {
        let bench = bench(limits(), move |_| doubt());
        let sent = bench.create().await;
        assert!(
            matches!(sent.result, Err(CallError::Unknown { .. })),
            "{:?}",
            sent.result
        );
        assert_eq!((sent.attempts, bench.seen().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_after_a_429_or_no_connection() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => refused_connection(),
        1 => too_many(None),
        _ => Reply::Answer(WireResponse::new(201, CUSTOMER)),
    });
    let sent = bench.create().await;
    assert!(sent.result.is_ok());
    assert_eq!((sent.attempts, sent.http_status), (3, Some(201)));
}

#[tokio::test(start_paused = true)]
async fn a_third_of_all_answers_failing_fails_no_row() {
    let bench = bench(limits(), |asked| {
        if asked.index % 3 == 0 {
            status(502)
        } else {
            ok(asked)
        }
    });
    assert!(
        bench
            .patches(500)
            .await
            .iter()
            .all(|sent| sent.result.is_ok())
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_mostly_fails_sees_no_more_retries_than_successes() {
    let bench = bench(limits(), |asked| {
        if asked.index % 4 == 0 {
            ok(asked)
        } else {
            status(503)
        }
    });
    let sent = bench.patches(300).await;
    let successes = sent.iter().filter(|sent| sent.result.is_ok()).count() as u64;
    let trickle = bench.server.start.elapsed().as_secs() / 5;
    let retries = bench.gate.stats().retries;
    assert!(
        successes > 200 && retries > successes,
        "{successes} {retries}"
    );
    assert!(
        retries <= successes + 50 + trickle + 1,
        "{successes} {retries} {trickle}"
    );
}

// Outage

#[tokio::test(start_paused = true)]
async fn an_outage_is_no_storm_and_costs_no_row() {
    let out = 30..600;
    let bench = bench(limits(), move |asked| {
        if out.contains(&asked.at.as_secs()) {
            refused_connection()
        } else {
            ok(asked)
        }
    });
    let client = bench.client.clone();
    let mut failed = 0;
    while bench.server.start.elapsed().as_secs() < 700 {
        let patches = bench.patches(4).await;
        failed += patches.iter().filter(|sent| sent.result.is_err()).count();
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(failed, 0);
    assert!(client.get(CustomerId(7)).await.result.is_ok());
    let during = bench
        .seen()
        .into_iter()
        .filter(|asked| (40..600).contains(&asked.at.as_secs()));
    let failed_checks: Vec<Asked> = during.collect();
    assert!(
        failed_checks
            .iter()
            .all(|asked| asked.endpoint == Endpoint::List),
        "{failed_checks:?}"
    );
    assert!(
        (8..60).contains(&failed_checks.len()),
        "{}",
        failed_checks.len()
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_the_run_after_max_outage() {
    let bench = bench(limits(), |_| status(503));
    let sent = bench.patches(6).await;
    for sent in &sent {
        assert_eq!(
            sent.result.as_ref().unwrap_err().stop(),
            Some(StopKind::Outage)
        );
    }
    let last = *bench.times().last().unwrap();
    assert!((900..=905).contains(&last.as_secs()), "{last:?}");
    let creates = bench.create().await;
    assert_eq!(
        (creates.result, creates.attempts),
        (Err(CallError::NotSent(StopKind::Outage)), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn one_knock_at_a_time() {
    let bench = bench(limits(), |asked| {
        let slow = Reply::Fail(TransportError::TimedOut);
        if asked.endpoint == Endpoint::List {
            Reply::After(SECOND * 30, Box::new(slow))
        } else {
            status(503)
        }
    });
    bench.patches(8).await;
    let failed_checks: Vec<Duration> = bench
        .seen()
        .iter()
        .filter(|asked| asked.endpoint == Endpoint::List)
        .map(|asked| asked.at)
        .collect();
    assert!(failed_checks.len() > 5);
    for pair in failed_checks.windows(2) {
        assert!(pair[1] - pair[0] >= SECOND * 30, "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_hours_between_two_failures_are_no_outage() {
    let limits = LimitSettings {
        max_attempts: 1,
        ..limits()
    };
    let bench = bench(limits, |asked| {
        if asked.index < 2 {
            status(503)
        } else {
            ok(asked)
        }
    });
    assert!(bench.patch().await.result.is_err());
    tokio::time::sleep(SECOND * 7200).await;
    assert!(bench.patch().await.result.is_ok());
    assert_eq!(bench.stop_kind(), None);
}

#[tokio::test(start_paused = true)]
async fn so_many_errors_in_a_row_close_the_gate() {
    let limits = LimitSettings {
        max_consecutive_errors: 3,
        ..limits()
    };
    let bench = bench(limits, |_| status(503));
    let sent = bench.patch().await;
    let stop = StopKind::ConsecutiveErrors;
    assert_eq!(
        sent.result,
        Err(CallError::CutShort {
            stop,
            why: FailureCause::Status(503)
        })
    );
    assert_eq!(bench.seen().len(), 3);
}

// Bounds

#[tokio::test(start_paused = true)]
async fn not_one_request_more_than_allowed() {
    let limits = LimitSettings {
        max_requests: Some(5),
        ..limits()
    };
    let bench = bench(limits, ok);
    let sent = bench.patches(9).await;
    let unsent = sent
        .iter()
        .filter(|s| s.result == Err(CallError::NotSent(StopKind::MaxRequests)));
    assert_eq!(unsent.count(), 4);
    assert_eq!((bench.seen().len(), bench.gate.stats().total), (5, 5));
    assert_eq!(bench.stop_kind(), Some(StopKind::MaxRequests));
}

#[tokio::test(start_paused = true)]
async fn no_request_is_begun_after_the_deadline() {
    let deadline = Some(Instant::now() + SECOND * 60);
    let bench = bench(
        LimitSettings {
            deadline,
            ..LimitSettings::default()
        },
        ok,
    );
    bench.patches(300).await;
    let times = bench.times();
    assert!((118..=120).contains(&times.len()), "{}", times.len());
    assert!(times.iter().all(|at| at.as_secs() < 60));
    assert_eq!(bench.stop_kind(), Some(StopKind::MaxDuration));
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_deadline_is_not_waited_out() {
    let deadline = Some(Instant::now() + SECOND * 60);
    let bench = bench(
        LimitSettings {
            deadline,
            ..limits()
        },
        |_| too_many(Some("200")),
    );
    assert_eq!(
        bench.get().await.result,
        Err(CallError::NotSent(StopKind::MaxDuration))
    );
    assert!(bench.server.start.elapsed() < SECOND);
}

// Stops

#[tokio::test(start_paused = true)]
async fn a_soft_stop_lets_end_what_is_in_flight_and_wakes_all_waits() {
    let bench = bench(LimitSettings::default(), |asked| match asked.index {
        0 => Reply::After(SECOND * 10, Box::new(ok(asked))),
        _ => too_many(Some("250")),
    });
    let stop = async {
        tokio::time::sleep(SECOND * 3).await;
        bench.stops.soft.cancel();
        bench.server.start.elapsed()
    };
    let waiting = async {
        tokio::time::sleep(SECOND).await;
        let sent = bench.patches(8).await;
        (sent, bench.server.start.elapsed())
    };
    let (first, (others, woken), _) = tokio::join!(bench.create(), waiting, stop);
    assert!(first.result.is_ok());
    assert!(
        others
            .iter()
            .all(|sent| sent.result == Err(CallError::NotSent(StopKind::Signal)))
    );
    assert!(woken < SECOND * 4, "{woken:?}");
    assert_eq!(bench.stop_kind(), Some(StopKind::Signal));
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_drops_what_is_in_flight() {
    let bench = bench(limits(), |_| Reply::Never);
    let stop = async {
        tokio::time::sleep(SECOND).await;
        bench.stops.soft.cancel();
        tokio::time::sleep(SECOND).await;
        bench.stops.hard.cancel();
    };
    let (sent, ()) = tokio::join!(bench.create(), stop);
    assert_eq!(
        (sent.result, sent.attempts),
        (Err(CallError::Interrupted), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_soft_stop_between_attempts_says_that_one_was_made() {
    let bench = bench(limits(), |asked| {
        if asked.index == 0 {
            Reply::Fail(TransportError::TimedOut)
        } else {
            too_many(Some("200"))
        }
    });
    let stop = async {
        tokio::time::sleep(SECOND * 5).await;
        bench.stops.soft.cancel();
    };
    let (sent, ()) = tokio::join!(bench.patch(), stop);
    let why = TransportError::TimedOut.into();
    assert_eq!(
        sent.result,
        Err(CallError::CutShort {
            stop: StopKind::Signal,
            why
        })
    );
    assert_eq!(sent.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_closes_the_gate_at_once() {
    for refusal in [401, 403] {
        let bench = bench(limits(), move |_| {
            let body =
                r#"{"errors":[{"code":"unauthorized","message":"Bearer k3y-th4t-must-not-l3ak"}]}"#;
            Reply::Answer(WireResponse::new(refusal, body))
        });
        let error = bench.get().await.result.unwrap_err();
        assert!(matches!(error, CallError::Unauthorized { status, .. } if status == refusal));
        let reason = bench.gate.stop_reason().unwrap();
        assert_eq!(reason.kind, StopKind::Unauthorized);
        assert_eq!(error.stop(), Some(StopKind::Unauthorized));
        assert!(!format!("{error} {error:?} {reason:?}").contains(KEY));
        assert_eq!(
            bench.patch().await.result,
            Err(CallError::NotSent(StopKind::Unauthorized))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_named_and_not_followed() {
    let bench = bench(limits(), |_| {
        let location = Some(format!("https://elsewhere.example/?key={KEY}"));
        Reply::Answer(WireResponse {
            location,
            ..WireResponse::new(302, "")
        })
    });
    let error = bench.patch().await.result.unwrap_err();
    let location = Some("https://elsewhere.example/?key=[API key]".to_owned());
    assert_eq!(
        error,
        CallError::Redirected {
            status: 302,
            location
        }
    );
    assert_eq!(
        (bench.stop_kind(), bench.seen().len()),
        (Some(StopKind::Redirected), 1)
    );
}

// The rest

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_its_place_to_others() {
    let limits = LimitSettings {
        concurrency: 1,
        ..limits()
    };
    let bench = bench(limits, |asked| {
        if asked.index == 0 {
            Reply::Never
        } else {
            ok(asked)
        }
    });
    let dropped = tokio::time::timeout(SECOND, bench.create()).await;
    assert!(dropped.is_err());
    assert!(bench.patch().await.result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_is_counted() {
    let bench = bench(limits(), ok);
    let id = CustomerId(7);
    let query = ListQuery {
        limit: 100,
        offset: 0,
        sort: None,
        order: SortOrder::Ascending,
    };
    bench.client.list(&query).await.result.unwrap();
    bench.get().await.result.unwrap();
    bench.create().await.result.unwrap();
    bench
        .client
        .tag(id, &[Tag::named("a")])
        .await
        .result
        .unwrap();
    bench
        .client
        .untag(id, &[Tag::named("a")])
        .await
        .result
        .unwrap();
    bench.client.delete(id).await.result.unwrap();
    let stats = bench.gate.stats();
    assert_eq!((stats.total, stats.read, stats.write), (6, 2, 4));
    let counted: Vec<_> = stats.by_endpoint.into_iter().collect();
    assert_eq!(
        counted,
        [
            ("create", 1),
            ("delete", 1),
            ("get", 1),
            ("list", 1),
            ("tag", 1),
            ("untag", 1)
        ]
    );
    assert!(stats.first_at.is_some() && stats.last_at >= stats.first_at);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_machine_outdates_what_was_read_before() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SUSPENDED_S: AtomicU64 = AtomicU64::new(0);
    let suspended = || Duration::from_secs(SUSPENDED_S.load(Ordering::Relaxed));
    let bench = bench_with(limits(), |clock| clock.with_suspension(suspended), ok);
    let patch = async |read_at| {
        let basis = StalenessGuard {
            read_at,
            good_for: Duration::from_secs(1800),
            is_immediate: false,
            failed: 0,
        };
        let client = bench.client.guarded_by(Some(basis));
        let sent = client.patch(CustomerId(7), &PatchBody::default()).await;
        matches!(sent.result, Err(CallError::Outdated { .. }))
    };
    let before = Instant::now();
    tokio::time::advance(SECOND).await;
    assert!(!patch(before).await);
    SUSPENDED_S.store(3, Ordering::Relaxed);
    assert!(!patch(before).await, "a moment ages nothing");
    SUSPENDED_S.store(3600, Ordering::Relaxed);
    assert!(patch(before).await);
    assert!(patch(before).await, "and stays outdated");
    assert_eq!(bench.seen().len(), 2, "neither was sent");
    assert!(!patch(Instant::now()).await, "a new reading counts");
}
