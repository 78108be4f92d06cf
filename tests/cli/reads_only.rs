//! Commands that write nothing remotely.

use crate::bench::{Bench, KEY, Running};

#[test]
fn a_dry_run_is_the_same_plan_and_sends_no_write() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let customers = bench.sandbox().customers();
    let dry = bench.run("sync --dry-run customers.csv").exits(3);
    let run = bench.only_run();
    run.check_results();
    assert!(bench.requests().len() >= 2);
    assert_eq!(bench.writes(), 0);
    assert_eq!(bench.sandbox().customers(), customers);
    assert_eq!(run.count("would_create"), 140);
    assert_eq!(run.count("would_update"), 90);
    let summary = run.summary();
    assert_eq!(summary["dry_run"], true);
    assert_eq!(summary["requests"]["write"], 0);
    let wet = bench.run("sync customers.csv").exits(3);
    for figures in ["Plan: ", "  rows  ", "  requests  "] {
        let line = |out: &str| {
            let found = out.lines().find(|line| line.starts_with(figures));
            found.map(str::to_owned).unwrap()
        };
        assert_eq!(line(&dry.out), line(&wet.out));
    }
}

#[test]
fn a_plan_sends_no_write_and_is_saved() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = bench
        .run("plan customers.csv --out monday.plan --changes changes.csv")
        .exits(3);
    assert!(bench.requests().len() >= 2);
    assert_eq!(bench.writes(), 0);
    let saved = std::fs::read(bench.path("monday.plan")).unwrap();
    let run = bench.only_run();
    assert_eq!(saved, std::fs::read(run.path("plan.jsonl")).unwrap());
    let digest = run.summary()["plan_digest"].as_str().unwrap().to_owned();
    assert!(ran.out.contains(&digest), "{}", ran.out);
    assert!(bench.path("changes.csv").exists());
}

#[test]
fn a_plan_against_a_file_needs_no_api_and_no_key() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    bench.sample("sandbox-customers.jsonl");
    let words = "plan customers.csv --remote-file sandbox-customers.jsonl --state-dir state";
    let words: Vec<&str> = words.split_whitespace().collect();
    let _ = Running::start(bench.bare(&words))
        .wait()
        .exits(3)
        .shows(&["Plan: +140 to create, ~86 to patch, ~21 to tag"]);
    assert_eq!(bench.requests(), []);
    assert!(bench.only_run().plan()[0]["account"].is_null());
    // The same figures as against the API.
    let before = bench.runs();
    let _ = bench.run("plan customers.csv").exits(3);
    assert_eq!(
        bench.run_since(&before).summary()["planned"]["create"],
        140,
        "{KEY}"
    );
}
