//! `runs`, `runs --prune` and `[state] keep`.

use serde_json::Value;

use crate::bench::{Bench, Ran, Running, entries};
use crate::files::{json, read_text};

fn runs(bench: &Bench, words: &[&str]) -> Ran {
    let all: Vec<&str> = ["runs", "--state-dir", "state"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    Running::start(bench.bare(&all)).wait()
}

fn listed(bench: &Bench, words: &[&str]) -> Value {
    let all: Vec<&str> = words.iter().chain(&["--output", "json"]).copied().collect();
    runs(bench, &all).exits(0).json()
}

/// A finished run, moved back in time: its folder sorts first and its facts say when it ended.
fn old_run(bench: &Bench, id: &str, state: &str) {
    let before = entries(&bench.path("state/runs"));
    // With a config that keeps what this test made old before.
    bench.run("plan in.csv -c keep.toml").exits(0);
    let mut made = entries(&bench.path("state/runs"));
    made.retain(|run| !before.contains(run));
    let made = made.pop().unwrap();
    let old = bench.path("state/runs").join(id);
    std::fs::rename(made, &old).unwrap();
    let mut facts = json(&read_text(&old.join("run.json")));
    facts["run_id"] = id.into();
    facts["state"] = state.into();
    // Of another account, so that no sync takes its place.
    facts["account"] = Value::Null;
    facts["dry_run"] = (state == "finished").into();
    facts["created_at"] = "2020-01-01T00:00:00Z".into();
    facts["ended_at"] = "2020-01-01T00:00:01Z".into();
    std::fs::write(old.join("run.json"), facts.to_string()).unwrap();
}

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("in.csv", "userId,name\nu1,Ann\nu2,Bob\n");
    bench.write("keep.toml", "[state]\nkeep = \"4000d\"\n");
    bench
}

#[test]
fn no_runs_is_no_error_and_makes_nothing() {
    let bench = bench();
    runs(&bench, &[]).exits(0).shows(&["no runs in ", "runs\n"]);
    assert!(!bench.path("state").exists());
}

#[test]
fn runs_are_listed_newest_first_with_the_command_that_resumes_them() {
    let bench = bench();
    bench.run("sync in.csv --yes").exits(0);
    old_run(&bench, "20200101T000000Z-aaaa", "stopped");
    let text = runs(&bench, &[]).exits(0).shows(&[
        "sync     applied       0",
        "in.csv: 2 created",
        "20200101T000000Z-aaaa     2020-01-01 00:00Z  plan     nothing sent ",
        "resume with:",
        "hcsync resume 20200101T000000Z-aaaa --state-dir",
    ]);
    assert!(
        text.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        text.out
    );
    let list = listed(&bench, &[]);
    assert_eq!(list["hcsync_runs"], 1);
    assert_eq!(list["runs"].as_array().unwrap().len(), 2);
    assert_eq!(list["runs"][0]["counts"]["created"], 2);
    assert_eq!(list["runs"][0]["exit_code"], 0);
    assert_eq!(list["runs"][0]["resume"], Value::Null);
    assert_eq!(list["runs"][1]["state"], "stopped");
    assert_eq!(list["runs"][1]["inputs"][0], "in.csv");
    // The command that is shown is one that can be given.
    let command = list["runs"][1]["resume"].as_str().unwrap();
    assert!(command.starts_with("hcsync resume 20200101T000000Z-aaaa"));
    let (_, folder) = command.rsplit_once("--state-dir ").unwrap();
    assert!(std::path::Path::new(folder).is_absolute(), "{command}");
}

#[test]
fn a_folder_that_is_no_run_is_listed_as_such() {
    let bench = bench();
    bench.run("plan in.csv").exits(0);
    std::fs::create_dir(bench.path("state/runs/broken")).unwrap();
    let list = listed(&bench, &[]);
    let broken = list["runs"].as_array().unwrap();
    let broken = broken.iter().find(|run| run["run_id"] == "broken").unwrap();
    assert_eq!(broken["state"], "unreadable");
    assert!(broken["problem"].is_string());
}

#[test]
fn pruning_takes_old_finished_runs_and_says_which() {
    let bench = bench();
    old_run(&bench, "20200101T000000Z-aaaa", "finished");
    old_run(&bench, "20200102T000000Z-bbbb", "stopped");
    bench.run("plan in.csv -c keep.toml").exits(0);
    let young = listed(&bench, &["--prune", "4000d"]);
    assert_eq!(young["removed"], serde_json::json!([]));
    runs(&bench, &["--prune", "30d"]).exits(0).shows(&[
        "1 run was removed:\n  20200101T000000Z-aaaa\n",
        "20200102T000000Z-bbbb",
    ]);
    let left = listed(&bench, &["--prune", "0s"]);
    // Neither the newest nor the one that can be resumed.
    assert_eq!(left["removed"], serde_json::json!([]));
    assert_eq!(left["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn old_runs_go_at_the_end_of_a_run_as_the_config_says() {
    for (command, code) in [("sync in.csv --yes", 0), ("plan in.csv", 0)] {
        let bench = bench();
        old_run(&bench, "20200101T000000Z-aaaa", "finished");
        old_run(&bench, "20200102T000000Z-bbbb", "stopped");
        bench.run(&format!("{command} -c keep.toml")).exits(code);
        assert!(bench.path("state/runs/20200101T000000Z-aaaa").exists());
        bench
            .run(command)
            .exits(code)
            .says(&["an old run was removed", "20200101T000000Z-aaaa"]);
        assert!(!bench.path("state/runs/20200101T000000Z-aaaa").exists());
        let stopped = bench.path("state/runs/20200102T000000Z-bbbb");
        assert!(stopped.exists(), "an unfinished run stays");
    }
}
