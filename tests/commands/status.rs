//! `status`: each account, what runs, what can be resumed.

use serde_json::Value;

use crate::bench::{Bench, Ran, Running};
use crate::files::fits;

fn status(bench: &Bench, words: &[&str]) -> Ran {
    let all: Vec<&str> = ["status", "--state-dir", "state"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    Running::start(bench.bare(&all)).wait()
}

fn account(bench: &Bench) -> Value {
    let report = status(bench, &["--output", "json"]).exits(0).json();
    fits("status", [&report]);
    assert_eq!(report["accounts"].as_array().unwrap().len(), 1, "{report}");
    report["accounts"][0].clone()
}

fn bench(rows: u32) -> Bench {
    let bench = Bench::empty();
    let rows: String = (0..rows).map(|n| format!("u{n},U{n}\n")).collect();
    bench.write("in.csv", format!("userId,name\n{rows}"));
    bench
}

#[test]
fn without_state_it_says_so_and_makes_nothing() {
    let bench = bench(1);
    let ran = status(&bench, &[]).exits(0);
    let _ = ran.shows(&["no account was used yet"]);
    assert!(!bench.path("state").exists());
}

#[test]
fn the_last_run_and_success_are_shown() {
    let bench = bench(3);
    let _ = bench.run("sync in.csv --account production").exits(0);
    let _ = bench.run("plan in.csv --account production").exits(0);
    let account = account(&bench);
    assert_eq!(account["account"], "production");
    assert_eq!(account["base_url"], bench.base_url());
    assert_eq!(account["last_run"]["command"], "sync");
    assert_eq!(account["last_run"]["status"], "applied");
    assert_eq!(account["last_success"], account["last_run"]);
    assert_eq!(account["running"], Value::Null);
    assert!(account["snapshot"]["as_of"].is_string(), "{account}");
    assert_eq!(account["probed_at"], Value::Null);
    let text = status(&bench, &[]).exits(0);
    let _ = text.shows(&[
        "Account production at http://127.0.0.1",
        "exit code 0",
        " ago",
    ]);
}

#[test]
fn a_run_counts_as_interrupted_only_if_it_sent_something() {
    let bench = bench(30);
    // One request reads the empty account, so that nothing is left for the plan.
    let _ = bench.run("sync in.csv --max-requests 1").exits(7);
    let before = account(&bench);
    assert_eq!(before["interrupted"], serde_json::json!([]), "{before}");
    assert_eq!(before["last_run"]["status"], "nothing_sent");
    let _ = bench.run("sync in.csv --max-requests 10").exits(7);
    let after = account(&bench);
    let interrupted = &after["interrupted"][0];
    assert_eq!(interrupted["status"], "interrupted", "{after}");
    let command = interrupted["resume"].as_str().unwrap();
    assert!(command.contains(" --state-dir "), "{command}");
    // `check` has the same command.
    let checked = bench.bare(&["check", "--state-dir", "state"]);
    let _ = Running::start(checked).wait().exits(0).shows(&[command]);
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let mut resume = bench.bare(&words);
    resume.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
    let _ = Running::start(resume).wait().exits(0);
    assert_eq!(account(&bench)["interrupted"], serde_json::json!([]));
}
