//! `why`: what runs did with a row or customer, newest first, from their files alone.

use serde_json::json;

use crate::bench::{Bench, Ran, Running};

fn bench() -> Bench {
    let bench = Bench::with(
        vec![json!({"id": 7, "userId": "u1", "email": "ann@example.org", "company": "Old"})],
        "",
    );
    let rows = "userId,email,company\nu1,ann@example.org,Acme\nu2,not-an-address,Acme\n";
    bench.write("in.csv", rows);
    let _ = bench.run("sync in.csv").exits(3);
    bench.write(
        "in.csv",
        "userId,email,company\nu1,ann@example.org,Globex\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    bench
}

/// Needs neither the API nor a key.
fn why(bench: &Bench, words: &str) -> Ran {
    let mut all = vec!["why", "--state-dir", "state"];
    all.extend(words.split_whitespace());
    Running::start(bench.bare(&all)).wait()
}

#[test]
fn changes_of_a_customer_are_shown_newest_first() {
    let bench = bench();
    for query in ["u1", "ANN@example.org", "7"] {
        let why = why(&bench, &format!("{query} --output json"))
            .exits(0)
            .json();
        let changes: Vec<_> = why["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (&entry["changes"][0]["old"], &entry["changes"][0]["new"]))
            .collect();
        let expected = [
            (json!("Acme"), json!("Globex")),
            (json!("Old"), json!("Acme")),
        ];
        let expected: Vec<_> = expected.iter().map(|(old, new)| (old, new)).collect();
        assert_eq!(changes, expected, "{query}: {why}");
    }
    let text = why(&bench, "u1").exits(0);
    let _ = text.shows(&[
        "company: Acme → Globex",
        "patch: done, HTTP 200, 1 attempt",
        "customer 7",
    ]);
}

#[test]
fn a_rejected_row_says_what_to_do() {
    let bench = bench();
    let _ = why(&bench, "u2")
        .exits(0)
        .shows(&["rejected", "column email", "one plain address"]);
    let run = bench.runs();
    let first = run
        .iter()
        .min()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    let row = why(&bench, &format!("2 --run {first}")).exits(0);
    let _ = row.shows(&["row 2", "rejected"]);
    let none = why(&bench, "2").exits(0);
    let _ = none.shows(&["0 records of 2 runs"]);
    let _ = why(&bench, "u1 --run nothing")
        .exits(2)
        .says(&["hcsync runs"]);
}
