//! Runs that were interrupted before they sent anything, or whose files were damaged, and what comes after them.

use serde_json::json;

use crate::bench::{Bench, KEY, Running};
use crate::exit_codes::{ended, new_customers};

/// Customers enough for three pages of a listing.
fn listed(count: u32) -> Bench {
    let customer = |n: u32| json!({"id": 1000 + n, "userId": format!("old{n}"), "name": "Old"});
    Bench::with((0..count).map(customer).collect(), "")
}

fn stopped(bench: &Bench, words: &str) -> String {
    let _ = bench.run(words).exits(7);
    ended(bench, 7).next_command
}

/// Of both runs: of the one that was stopped, and of the one that took its place.
fn resumed(bench: &Bench, next_command: &str, created: usize) {
    let before = bench.runs();
    let words: Vec<&str> = next_command.split_whitespace().skip(1).collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let _ = Running::start(command).wait().exits(0);
    let run = bench.run_since(&before);
    run.check_results();
    assert_eq!(run.count("created"), created);
    let left = std::fs::read_to_string(before[0].join("run.json")).unwrap();
    assert!(left.contains("superseded"), "{left}");
    for run in bench.runs() {
        assert!(!run.join("input-0.spool").exists(), "{}", run.display());
    }
}

#[test]
fn a_run_that_was_stopped_before_its_plan_is_planned_anew() {
    let bench = listed(250);
    bench.write("new.csv", new_customers(4));
    bench.write("hcsync.toml", "[remote]\nstrategy = \"list\"\n");
    let next = stopped(
        &bench,
        "sync new.csv --min-match-percent 0 --max-requests 2",
    );
    assert!(next.starts_with("hcsync resume "), "{next}");
    assert_eq!(bench.writes(), 0);
    resumed(&bench, &next, 4);
}

#[test]
fn a_restart_that_could_not_ask_leaves_the_run_as_it_was() {
    let bench = listed(250);
    bench.write("new.csv", new_customers(4));
    bench.write("hcsync.toml", "[remote]\nstrategy = \"list\"\n");
    let next = stopped(
        &bench,
        "sync new.csv --min-match-percent 0 --max-requests 2",
    );
    let before = bench.runs();
    let elsewhere = format!("{next} --base-url https://helpcrunch.invalid/v1");
    let words: Vec<&str> = elsewhere.split_whitespace().skip(1).collect();
    let ran = Running::start(bench.bare(&words)).wait();
    let _ = ran.exits(2).says(&["add --yes"]);
    assert_eq!(bench.runs(), before);
    resumed(&bench, &format!("{next} --yes"), 4);
}

#[test]
fn the_command_that_goes_on_does_so_in_any_folder() {
    let bench = listed(10);
    bench.write("new.csv", new_customers(20));
    bench.write("key", KEY);
    bench.write("hcsync.toml", "[api]\nkey_file = \"key\"\n");
    let next = stopped(&bench, "sync new.csv -c hcsync.toml --max-requests 9");
    let words: Vec<&str> = next.split_whitespace().skip(1).collect();
    let mut command = bench.bare(&words);
    std::fs::create_dir(bench.path("elsewhere")).unwrap();
    command.current_dir(bench.path("elsewhere"));
    let _ = Running::start(command).wait().exits(0);
    assert_eq!(bench.sandbox().customers().len(), 30);
}

/// A run goes on with the config that it was started with, also where that is not named, or is gone.
#[test]
fn a_bare_resume_finds_the_config_of_the_run() {
    for is_gone in [false, true] {
        let bench = listed(10);
        bench.write("new.csv", new_customers(20));
        bench.write("key", KEY);
        bench.write("nightly.toml", "[api]\nkey_file = \"key\"\n");
        let _ = stopped(&bench, "sync new.csv -c nightly.toml --max-requests 9");
        if is_gone {
            std::fs::remove_file(bench.path("nightly.toml")).unwrap();
        }
        std::fs::create_dir(bench.path("elsewhere")).unwrap();
        let state = bench.path("state");
        let mut command = bench.bare(&["resume", "--state-dir", state.to_str().unwrap()]);
        command.current_dir(bench.path("elsewhere"));
        let ran = Running::start(command).wait().exits(0);
        assert!(ran.err.contains("nightly.toml"), "{}", ran.err);
        assert_eq!(
            ran.err.contains("does not exist any more"),
            is_gone,
            "{}",
            ran.err
        );
        assert_eq!(bench.sandbox().customers().len(), 30);
    }
}

#[test]
fn standard_input_is_kept_until_the_run_is_over() {
    let bench = listed(250);
    bench.write("hcsync.toml", "[remote]\nstrategy = \"list\"\n");
    let words = "sync - --min-match-percent 0 --max-requests 2";
    let _ = bench
        .run_with_stdin(words, new_customers(3).as_bytes())
        .exits(7);
    let next = ended(&bench, 7).next_command;
    let run = bench.runs().remove(0);
    assert!(run.join("input-0.spool").exists());
    resumed(&bench, &next, 3);
}

/// A process that dies before the safety limits and the question leaves a plan that nobody agreed to.
#[test]
fn a_plan_that_was_not_agreed_to_is_made_again_and_held_against_the_limits() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let _ = bench.run("sync customers.csv --max-requests 9").exits(7);
    let meta = bench.runs()[0].join("run.json");
    let stopped = std::fs::read_to_string(&meta).unwrap();
    let planned = stopped.replace("\"stopped\"", "\"planned\"");
    assert_ne!(planned, stopped);
    std::fs::write(&meta, planned).unwrap();
    let writes = bench.writes();
    bench.write("hcsync.toml", "[safety]\nmax_creates = 1\n");
    let _ = bench.run("resume").exits(4).says(&["--max-creates"]);
    assert_eq!(bench.writes(), writes);
}

/// What was kept of a bad input is not to be gone on with: it would be as bad again.
#[test]
fn a_run_whose_input_is_bad_is_over() {
    let bench = Bench::empty();
    bench.write("bad.jsonl", "{\"userId\":\"a\"}\n");
    bench.write("hcsync.toml", "[input]\nformat = \"xlsx\"\n");
    let _ = bench.run("sync bad.jsonl").exits(2);
    let _ = bench
        .run("resume")
        .exits(2)
        .says(&["no interrupted run to resume"]);
}

#[test]
fn a_plan_that_was_changed_is_not_gone_on_with() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let _ = bench.run("sync customers.csv --max-requests 9").exits(7);
    let plan = bench.runs()[0].join("plan.jsonl");
    let text = std::fs::read_to_string(&plan).unwrap();
    let changed = text.replacen("\"name\":\"", "\"name\":\"X", 1);
    assert_ne!(text, changed);
    std::fs::write(&plan, changed).unwrap();
    let before = bench.requests().len();
    let _ = bench
        .run("resume")
        .exits(2)
        .says(&["its plan cannot be used"]);
    assert_eq!(
        bench.writes(),
        bench.requests()[..before]
            .iter()
            .filter(|r| r.writes)
            .count() as u64
    );
    std::fs::write(&plan, text).unwrap();
    let _ = bench.run("resume").exits(3);
}

/// Whatever happened to the files of a run, the next one goes on without it.
#[test]
fn damaged_files_of_a_run_stop_no_other() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let emptied: Damage = |_| Vec::new();
    let cut: Damage = |bytes| bytes[..bytes.len() / 2].to_vec();
    let middle: Damage = |mut bytes| {
        let at = bytes.len() / 2;
        bytes[at..at + 8].copy_from_slice(b"\0\0\0\0\0\0\0\0");
        bytes
    };
    for (file, damage) in [
        ("journal.jsonl", emptied),
        ("journal.jsonl", middle),
        ("plan.jsonl", cut),
        ("rows.jsonl", cut),
        ("rows.jsonl", emptied),
    ] {
        let bench = Bench::empty();
        bench.write(
            "hcsync.toml",
            "[api]\ntimeout = \"1s\"\n[limits]\nsettle = \"1s\"\n",
        );
        bench.write("new.csv", new_customers(20));
        let _ = bench.run("sync new.csv --max-requests 12").exits(7);
        let path = bench.runs()[0].join(file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, damage(bytes)).unwrap();
        let ran = bench.run("sync new.csv").exits(0);
        let is_told = ran.err.contains("it is unknown what it sent");
        assert!(is_told, "{file}: {}", ran.err);
        assert_eq!(bench.sandbox().customers().len(), 20, "{file}");
    }
}

#[test]
fn a_run_whose_place_was_taken_tells_so_in_its_summary() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(20));
    let next = stopped(&bench, "sync new.csv --max-requests 12");
    let first = bench.runs().remove(0);
    std::fs::remove_file(first.join("summary.json")).unwrap();
    let _ = bench.run("sync new.csv").exits(0);
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(first.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["stop"]["reason"], "superseded");
    assert_eq!(summary["input"]["rows"], 20);
    let words: Vec<&str> = next.split_whitespace().skip(1).collect();
    let mut command = bench.bare(&words);
    command.env("HELPCRUNCH_API_KEY", KEY);
    let _ = Running::start(command)
        .wait()
        .exits(2)
        .says(&["took its place"]);
}

#[test]
fn many_interrupted_runs_are_told_in_one_line() {
    let bench = Bench::empty();
    bench.write("new.csv", new_customers(8));
    let _ = stopped(&bench, "sync new.csv --max-requests 5");
    let first = bench.runs()[0].clone();
    let id = first.file_name().unwrap().to_str().unwrap().to_owned();
    for n in 0..8 {
        let other = format!("20260101T00000{n}Z-aaaa");
        let folder = first.with_file_name(&other);
        std::fs::create_dir(&folder).unwrap();
        for file in crate::bench::entries(&first) {
            let copy = folder.join(file.file_name().unwrap());
            std::fs::copy(&file, &copy).unwrap();
            if copy.ends_with("run.json") {
                let text = std::fs::read_to_string(&copy).unwrap();
                std::fs::write(&copy, text.replace(&id, &other)).unwrap();
            }
        }
    }
    let ran = bench.run("sync new.csv").exits(0);
    let ran = ran.says(&["9 runs were interrupted; this one takes their place"]);
    assert_eq!(ran.err.matches("was interrupted").count(), 0, "{}", ran.err);
    assert_eq!(bench.sandbox().customers().len(), 8);
    for run in bench.runs() {
        assert!(run.join("summary.json").exists(), "{}", run.display());
    }
}

#[test]
fn a_plan_for_another_host_is_not_recommended_blindly() {
    let bench = listed(3);
    bench.write("new.csv", new_customers(2));
    let _ = bench.run("plan new.csv --out p.plan").exits(0);
    let other = Bench::empty();
    let plan = std::fs::read(bench.path("p.plan")).unwrap();
    other.write("p.plan", plan);
    let ran = other.run("apply p.plan").exits(2);
    let ran = ran.says(&[
        "make the plan again",
        "only if the plan's address is your own",
    ]);
    assert!(
        !ran.err
            .contains(&format!("--base-url {}", bench.base_url()))
    );
    assert!(other.requests().is_empty());
}
