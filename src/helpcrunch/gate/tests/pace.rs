//! The pace of requests, and waits that the server asks for.

use super::*;

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
