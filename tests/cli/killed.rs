//! Processes that die by SIGKILL while a patch, tag or untag is under way: whichever way the run is closed, its rows tell
//! what the server saw, and the rest of them goes out.

use hcsync::sandbox::{Endpoint, LoggedRequest};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::RunFiles;

/// Tags go by themselves, since nothing is probed.
const CONFIG: &str = "[fields]\nuserId = \"userId\"\nname = \"name\"\n\
    [tags]\ncolumn = \"tags\"\nmode = \"managed\"\nmanaged = \"ours\"\n";

/// The first request to this endpoint is answered so late that its process is dead by then.
fn slow(endpoint: &str) -> Bench {
    slow_at(endpoint, 1)
}

fn slow_at(endpoint: &str, nth: usize) -> Bench {
    let there = json!({"id": 1001, "userId": "a", "name": "Old"});
    let fault = format!(
        "[[fault]]\nkind = \"delay\"\ndelay-ms = 3000\nendpoint = \"{endpoint}\"\nnth = {nth}\n"
    );
    let bench = Bench::with(vec![there], &fault);
    bench.write("hcsync.toml", CONFIG);
    bench.write("in.csv", "userId,name,tags\na,New,vip\n");
    bench
}

fn kill(bench: &Bench, words: &str, endpoint: Endpoint) {
    kill_at(bench, words, endpoint, 1);
}

fn kill_at(bench: &Bench, words: &str, endpoint: Endpoint, nth: usize) {
    let running = bench.start(words);
    let is_applied = |r: &&LoggedRequest| r.endpoint == endpoint && r.applied;
    bench.until("the write is applied", |log| {
        log.iter().filter(is_applied).count() >= nth
    });
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
}

fn sent(bench: &Bench, endpoint: Endpoint) -> usize {
    let requests = bench.requests();
    requests.iter().filter(|r| r.endpoint == endpoint).count()
}

fn operations(row: &Value) -> Vec<(&str, &str)> {
    let operations = row["operations"].as_array().unwrap().iter();
    operations
        .map(|op| (op["op"].as_str().unwrap(), op["status"].as_str().unwrap()))
        .collect()
}

#[track_caller]
fn is_as_wanted(bench: &Bench) {
    let customer = &bench.sandbox().customers()[0];
    assert_eq!(customer["name"], "New");
    assert_eq!(customer["tags"][0]["name"], "vip");
    assert_eq!(sent(bench, Endpoint::Patch), 1, "nothing is sent again");
    assert_eq!(sent(bench, Endpoint::Tag), 1);
}

#[track_caller]
fn has_one_row(run: &RunFiles, status: &str, expected: &[(&str, &str)]) {
    let rows = run.results();
    assert_eq!(rows[0]["status"], status, "{rows:?}");
    assert_eq!(operations(&rows[0]), expected);
}

const BOTH: [(&str, &str); 2] = [("patch", "done"), ("tag", "done")];

#[test]
fn a_resume_finds_in_place_what_was_applied_and_sends_the_rest() {
    for endpoint in [Endpoint::Patch, Endpoint::Tag] {
        let bench = slow(endpoint.name());
        kill(&bench, "sync in.csv", endpoint);
        let _ = bench.run("resume").exits(0);
        let run = bench.only_run();
        run.check_results();
        has_one_row(&run, "updated", &BOTH);
        is_as_wanted(&bench);
    }
}

#[test]
fn an_apply_that_goes_on_finds_in_place_what_was_applied_and_sends_the_rest() {
    for endpoint in [Endpoint::Patch, Endpoint::Tag] {
        let bench = slow(endpoint.name());
        let _ = bench.run("plan in.csv --out p.plan").exits(0);
        let before = bench.runs();
        kill(&bench, "apply p.plan --yes", endpoint);
        let _ = bench.run("resume").exits(0);
        has_one_row(&bench.run_since(&before), "updated", &BOTH);
        is_as_wanted(&bench);
    }
}

#[test]
fn a_sync_that_takes_its_place_tells_what_was_applied_and_sends_the_rest() {
    for endpoint in [Endpoint::Patch, Endpoint::Tag] {
        let bench = slow(endpoint.name());
        kill(&bench, "sync in.csv", endpoint);
        let first = bench.only_run();
        let before = bench.runs();
        let _ = bench.run("sync in.csv").exits(0);
        if endpoint == Endpoint::Patch {
            has_one_row(&first, "pending", &[("patch", "done"), ("tag", "planned")]);
            has_one_row(&bench.run_since(&before), "updated", &[("tag", "done")]);
        } else {
            has_one_row(&first, "updated", &BOTH);
            has_one_row(&bench.run_since(&before), "unchanged", &[]);
        }
        is_as_wanted(&bench);
    }
}

/// What the dead process added is hcsync's own, so that a later run may remove it.
#[test]
fn a_tag_that_a_dead_process_added_is_remembered() {
    for next in ["resume", "sync in.csv"] {
        let bench = slow("tag");
        kill(&bench, "sync in.csv", Endpoint::Tag);
        let _ = bench.run(next).exits(0);
        bench.write("in.csv", "userId,name,tags\na,New,other\n");
        let _ = bench.run("sync in.csv").exits(0);
        let customer = &bench.sandbox().customers()[0];
        let tags = customer["tags"].as_array().unwrap();
        assert_eq!(tags.len(), 1, "{next}: {tags:?}");
        assert_eq!(tags[0]["name"], "other");
    }
}

/// A write whose answers are all lost: its customer is read once before the row is called failed.
#[test]
fn a_write_without_an_answer_is_looked_at_before_it_is_called_failed() {
    let lost = |endpoints: &str| {
        let fault = format!(
            "[[fault]]\nkind = \"status\"\nstatus = 503\nprocessed = true\nendpoint = {endpoints}\nprobability = 1.0\n"
        );
        let there = json!({"id": 1001, "userId": "a", "name": "Old"});
        let bench = Bench::with(vec![there], &fault);
        bench.write("hcsync.toml", "[limits]\nmax_attempts = 1\n");
        bench.write("in.csv", "userId,name\na,New\n");
        bench
    };
    let bench = lost("[\"patch\"]");
    let _ = bench.run("sync in.csv").exits(0);
    has_one_row(&bench.only_run(), "updated", &[("patch", "done")]);

    let bench = lost("[\"patch\", \"get\"]");
    let _ = bench.run("sync in.csv").exits(3);
    let rows = bench.only_run().results();
    let message = rows[0]["error"]["message"].as_str().unwrap();
    assert_eq!(rows[0]["status"], "failed");
    assert!(message.contains("may have been applied"), "{message}");
}

#[test]
fn an_undo_finds_in_place_what_was_applied_and_sends_the_rest() {
    // The sync patches once.
    for (endpoint, nth) in [
        (Endpoint::Patch, 2),
        (Endpoint::Untag, 1),
        (Endpoint::Delete, 1),
    ] {
        let bench = slow_at(endpoint.name(), nth);
        bench.write("in.csv", "userId,name,tags\na,New,vip\nb,Bob,\n");
        let _ = bench.run("sync in.csv").exits(0);
        let synced = bench.runs();
        let run = synced[0].file_name().unwrap().to_str().unwrap();
        let undo = format!("undo {run} --delete-created");
        kill_at(&bench, &undo, endpoint, nth);
        let _ = bench.run("resume").exits(0);

        let customers = bench.sandbox().customers();
        assert_eq!(customers.len(), 1, "{customers:?}");
        assert_eq!(customers[0]["name"], "Old");
        assert_eq!(customers[0]["tags"], json!([]));
        let undo = bench.run_since(&synced);
        undo.check_results();
        for row in undo.results() {
            assert_eq!(row["status"], "updated", "{row}");
        }
        let writes = [Endpoint::Patch, Endpoint::Untag, Endpoint::Delete];
        assert_eq!(writes.map(|endpoint| sent(&bench, endpoint)), [2, 1, 1]);
    }
}
