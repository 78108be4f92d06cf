//! A server that fails for a long time.

use super::*;

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
