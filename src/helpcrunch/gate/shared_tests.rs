//! Processes that share the pace of an account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::tests::*;
use crate::helpcrunch::{LimitSettings, WireResponse};
use crate::pace::SharedPace;

/// The line in memory.
#[derive(Debug, Clone)]
struct Line(Arc<Mutex<(Instant, Instant)>>);

impl SharedPace for Line {
    fn take_place(&mut self, gap: Duration) -> Option<Duration> {
        let mut line = self.0.lock().unwrap();
        let (next, paused_until) = *line;
        let place = Instant::now().max(next).max(paused_until);
        line.0 = place + gap;
        Some(place - Instant::now())
    }

    fn pause(&mut self, wait: Duration) {
        self.0.lock().unwrap().1 = Instant::now() + wait;
    }
}

fn together(first: fn(&Asked) -> Reply, second: fn(&Asked) -> Reply) -> (Bench, Bench) {
    let line = Line(Arc::new(Mutex::new((Instant::now(), Instant::now()))));
    let limits = || LimitSettings {
        requests_per_minute: 120,
        ..LimitSettings::default()
    };
    let (first, second) = (bench(limits(), first), bench(limits(), second));
    for bench in [&first, &second] {
        bench.gate.share_pace(Box::new(line.clone()));
    }
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn two_processes_keep_the_limit_together_and_take_turns() {
    let (first, second) = together(ok, ok);
    let start = Instant::now();
    let work = async |bench: &Bench| {
        for _ in 0..60 {
            bench.get().await.result.unwrap();
        }
        start.elapsed()
    };
    let (one, other) = tokio::join!(work(&first), work(&second));
    let fastest = Duration::from_secs_f64(119.0 * 60.0 / (120.0 * 0.99));
    let slowest = one.max(other);
    assert!(
        slowest >= fastest && slowest < fastest + Duration::from_secs(1),
        "{slowest:?}"
    );
    // Both were served until the end.
    assert!(
        one.abs_diff(other) < Duration::from_secs(2),
        "{one:?} {other:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_to_one_makes_the_other_wait() {
    let limited_once = |asked: &Asked| match asked.index {
        0 => Reply::Answer(WireResponse {
            retry_after: Some("30".into()),
            ..WireResponse::new(429, "")
        }),
        _ => ok(asked),
    };
    let (first, second) = together(limited_once, ok);
    let start = Instant::now();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        second.get().await.result.unwrap();
        start.elapsed()
    };
    let (limited, waited) = tokio::join!(first.get(), other);
    limited.result.unwrap();
    assert!(waited >= Duration::from_secs(30), "{waited:?}");
}
