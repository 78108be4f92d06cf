//! One run at a time writes to an account: with two keys or names in one state folder, and, as far as that can be
//! seen afterwards, with two state folders.

#![cfg(unix)]

use hcsync::sandbox::Endpoint;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, Running, bundled_customers};
use crate::exit_codes::new_customers;

const ROWS: u32 = 40;

/// The first answer that tells who is there takes its time: an empty account is listed, another one searched.
fn first_reading(customers: &[Value]) -> Endpoint {
    match customers.is_empty() {
        true => Endpoint::List,
        false => Endpoint::Search,
    }
}

fn bench(customers: Vec<Value>) -> Bench {
    let endpoint = first_reading(&customers).name();
    let slow = format!(
        "[[fault]]\nkind = \"delay\"\ndelay-ms = 2500\nendpoint = \"{endpoint}\"\nmax = 1\n"
    );
    let bench = Bench::with(customers, &slow);
    bench.write("new.csv", new_customers(ROWS));
    let config = "[remote]\nstrategy = \"lookup\"\n[safety]\nmin_match_percent = 0\n";
    bench.write("hcsync.toml", config);
    bench
}

/// A run that looks its rows up and stands still before it has the answer, while `meanwhile` is done.
#[track_caller]
fn while_reading(bench: &Bench, meanwhile: impl FnOnce()) -> Ran {
    let reading = first_reading(&bench.sandbox().customers());
    let running = bench.start("sync new.csv --summary first.json");
    bench.until("the first run reads", |log| {
        log.iter().any(|request| request.endpoint == reading)
    });
    running.signal("STOP");
    meanwhile();
    running.signal("CONT");
    running.wait()
}

#[test]
fn a_run_with_another_key_that_wrote_meanwhile_is_seen() {
    for customers in [Vec::new(), bundled_customers()] {
        let bench = bench(customers);
        let before = bench.sandbox().customers().len();
        let first = while_reading(&bench, || {
            let mut other = bench.command("sync new.csv");
            other.env("HELPCRUNCH_API_KEY", "another-key-of-the-same-account");
            let _ = Running::start(other).wait().exits(0);
        });
        let first = first.exits(5);
        assert!(first.err.contains("with another API key"), "{}", first.err);
        let made = bench.sandbox().customers().len() - before;
        assert_eq!(made, ROWS as usize);
        // It can be done again, and then finds everybody.
        let _ = bench.run("sync new.csv").exits(0);
        assert_eq!(bench.sandbox().customers().len() - before, made);
    }
}

#[test]
fn a_run_under_a_name_does_not_write_beside_one_without() {
    let slow = "[[fault]]\nkind = \"delay\"\ndelay-ms = 25000\nendpoint = \"create\"\nmax = 4\n";
    let bench = Bench::with(bundled_customers(), slow);
    bench.write("new.csv", new_customers(ROWS));
    let first = bench.start("sync new.csv --min-match-percent 0");
    let sent = |bench: &Bench| bench.requests().iter().filter(|r| r.writes).count();
    bench.until("creates are sent", |log| {
        log.iter().filter(|r| r.writes).count() == 4
    });
    let second = bench.run("sync new.csv --min-match-percent 0 --account production");
    let second = second.exits(5);
    for part in [
        "another run is working on",
        "another API key or account name",
        "process",
    ] {
        assert!(second.err.contains(part), "{part}: {}", second.err);
    }
    assert_eq!(sent(&bench), 4);
    drop(first);
}

#[test]
fn customers_that_two_state_folders_created_are_told() {
    let bench = bench(bundled_customers());
    let first = while_reading(&bench, || {
        let url = bench.base_url();
        let mut words = vec!["sync", "new.csv", "--state-dir", "elsewhere"];
        words.extend(["--base-url", &url, "--requests-per-minute", "0"]);
        let mut other = bench.bare(&words);
        other.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
        let _ = Running::start(other).wait().exits(0);
    });
    let first = first.exits(3);
    let summary = crate::files::json(&crate::files::read_text(&bench.path("first.json")));
    assert_eq!(summary["results"]["created"], ROWS);
    assert_eq!(summary["errors"][0]["code"], "created_twice");
    assert_eq!(summary["errors"][0]["count"], ROWS);
    for part in ["40 rows need attention", "same userId"] {
        assert!(first.out.contains(part), "{part}: {}", first.out);
    }
    let requests = json!({"list": 1, "search": 2, "create": ROWS});
    assert_eq!(summary["requests"]["by_endpoint"], requests);
}
