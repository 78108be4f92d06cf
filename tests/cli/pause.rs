//! A 429 pauses every worker, not one.

use hcsync::sandbox::{LoggedRequest, Options, Scenario};

use crate::bench::{Bench, KEY, Running};

const WORKERS: usize = 8;

fn new_customers() -> String {
    let rows = (0..60).map(|n| format!("n{n},Name {n}\n"));
    format!("userId,name\n{}", rows.collect::<String>())
}

/// Runs 60 creates with a 429 in their midst; gives the requests from that one on.
fn limited(retry_after: &str, seconds: u64) -> Vec<LoggedRequest> {
    let faults = format!(
        "[[fault]]\nkind = \"rate-limit\"\nretry-after = \"{retry_after}\"\nseconds = {seconds}\nendpoint = \"create\"\nnth = 20\n"
    );
    let bench = Bench::with(Vec::new(), &faults);
    bench.write("new.csv", new_customers());
    let _ = bench
        .run(&format!("sync new.csv --concurrency {WORKERS}"))
        .exits(0);
    assert_eq!(bench.sandbox().customers().len(), 60);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.summary()["requests"]["rate_limited"], 1);
    let log = bench.requests();
    let refused = log.iter().position(|r| r.status == Some(429)).unwrap();
    log.into_iter().skip(refused).collect()
}

/// Requests that were on their way already may still arrive; none that began afterwards does.
#[track_caller]
fn pauses_all(log: &[LoggedRequest], pause_ms: u64) {
    let refused_at = log[0].at_ms;
    let during = log[1..]
        .iter()
        .filter(|r| r.at_ms < refused_at + pause_ms)
        .count();
    assert!(during < WORKERS, "{during} requests during the pause");
    let later = log.len() - 1 - during;
    assert!(later >= 60 - 20 - WORKERS, "{later} requests after it");
}

#[test]
fn for_as_many_seconds_as_the_answer_says() {
    pauses_all(&limited("seconds", 2), 2000);
}

#[test]
fn until_the_date_that_the_answer_names() {
    // A date has whole seconds: the last one of the pause may be cut off.
    pauses_all(&limited("date", 3), 2000);
}

#[test]
fn for_a_time_of_its_own_where_the_answer_says_nothing() {
    pauses_all(&limited("none", 0), 900);
}

#[test]
fn a_wait_that_is_too_long_stops_the_run() {
    let faults = "[[fault]]\nkind = \"rate-limit\"\nretry-after = \"seconds\"\nseconds = 4000\nendpoint = \"create\"\nnth = 3\n";
    let bench = Bench::with(Vec::new(), faults);
    bench.write("new.csv", new_customers());
    let _ = bench.run("sync new.csv --concurrency 1").exits(1);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.summary()["stop"]["reason"], "max_retry_wait");
    assert_eq!(run.count("created"), 2);
    assert_eq!(run.count("pending"), 58);
}

/// The pace is even, at 99 % of the figure: a server that counts strictly has nothing to refuse.
#[test]
fn at_the_pace_of_the_limit_nothing_is_refused() {
    let bench = Bench::of(Options {
        requests_per_minute: 1200,
        quirks: Scenario::from_toml("[quirks]\nwindow = \"sliding\"\n")
            .unwrap()
            .quirks,
        ..Options::default()
    });
    bench.write("new.csv", new_customers());
    let url = bench.base_url();
    let words = format!(
        "sync new.csv --state-dir state --requests-per-minute 1200 --concurrency 8 --base-url {url}"
    );
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let _ = Running::start(command).wait().exits(0);
    let log = bench.requests();
    assert!(log.iter().all(|r| r.status != Some(429)));
    let took = log.last().unwrap().at_ms - log[0].at_ms;
    let gaps = log.len() as u64 - 1;
    assert!(took >= gaps * 50 - 50, "{gaps} gaps of 50 ms in {took} ms");
    let summary = bench.only_run().summary();
    assert_eq!(summary["rate"]["limit_per_minute"], 1200);
}
