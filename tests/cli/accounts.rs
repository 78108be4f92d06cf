//! One run at a time writes to an account: with two keys or names in one state folder, and, as far as that can be
//! seen afterwards, with two state folders.

#![cfg(unix)]

use serde_json::{Value, json};

use crate::bench::{Bench, Ran, Running, bundled_customers};
use crate::exit_codes::new_customers;

const ROWS: u32 = 40;

/// The first answer to a listing takes its time.
const SLOW_LIST: &str =
    "[[fault]]\nkind = \"delay\"\ndelay-ms = 2500\nendpoint = \"list\"\nmax = 1\n";

fn bench(customers: Vec<Value>) -> Bench {
    let bench = Bench::with(customers, SLOW_LIST);
    bench.write("new.csv", new_customers(ROWS));
    bench.write(
        "hcsync.toml",
        "[remote]\nstrategy = \"list\"\n[safety]\nmin_match_percent = 0\n",
    );
    bench
}

/// A run that reads the account, and then stands still while `meanwhile` is done.
#[track_caller]
fn while_reading<T>(bench: &Bench, meanwhile: impl FnOnce() -> T) -> (Ran, T) {
    let running = bench.start("sync new.csv --summary first.json");
    bench.until("the first run lists", |log| !log.is_empty());
    running.signal("STOP");
    let done = meanwhile();
    running.signal("CONT");
    (running.wait(), done)
}

fn with_key(bench: &Bench, words: &str) -> Running {
    let mut command = bench.command(words);
    command.env("HELPCRUNCH_API_KEY", "another key of the same account");
    Running::start(command)
}

#[test]
fn a_run_with_another_key_that_wrote_meanwhile_is_seen() {
    for customers in [Vec::new(), bundled_customers()] {
        let bench = bench(customers);
        let before = bench.sandbox().customers().len();
        let (first, ()) = while_reading(&bench, || {
            let _ = with_key(&bench, "sync new.csv").wait().exits(0);
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
    bench.until("creates are sent", |log| log.iter().any(|r| r.writes));
    let writes = bench.writes();
    let second = bench.run("sync new.csv --min-match-percent 0 --account production");
    let second = second.exits(5);
    for part in [
        "another run works on this account",
        "account name",
        "process",
    ] {
        assert!(second.err.contains(part), "{part}: {}", second.err);
    }
    assert_eq!(bench.writes(), writes);
    drop(first);
}

#[test]
fn customers_that_two_state_folders_created_are_told() {
    let bench = bench(bundled_customers());
    let (first, ()) = while_reading(&bench, || {
        let _ = bench.run("sync new.csv --state-dir elsewhere").exits(0);
    });
    let first = first.exits(3);
    let summary = crate::files::json(&crate::files::read_text(&bench.path("first.json")));
    assert_eq!(summary["results"]["created"], ROWS);
    assert_eq!(summary["errors"][0]["code"], "created_twice");
    assert_eq!(summary["errors"][0]["count"], ROWS);
    assert!(first.out.contains("same userId"), "{}", first.out);
    let looked = json!({"list": 3, "search": 1, "create": ROWS});
    assert_eq!(summary["requests"]["by_endpoint"], looked);
}
