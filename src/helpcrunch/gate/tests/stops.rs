//! Budgets, stops, what closes the gate, and what is counted.

use super::*;

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
