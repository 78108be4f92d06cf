//! The results of rows: which are kept, and that each can be listed.

use serde_json::{Value, json};

use crate::bench::{Bench, Running};
use crate::files::{json_lines, read_text};

const CREATE: &str = "[sync]\nmode = \"create\"\n";

fn rows(names: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let rows = names
        .into_iter()
        .map(|(n, name)| format!("u{n},{name}\n"))
        .collect::<String>();
    format!("userId,name\n{rows}")
}

fn customers(count: u64) -> Vec<Value> {
    (1..=count)
        .map(|n| json!({"id": 1000 + n, "userId": format!("u{n}"), "name": "Ann"}))
        .collect()
}

/// The bytes of the newest run, but for the settings that it keeps.
fn size(bench: &Bench) -> u64 {
    let run = bench.runs().pop().unwrap();
    let files = std::fs::read_dir(run).unwrap().map(Result::unwrap);
    files.map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn a_run_keeps_what_it_changes_and_rejects() {
    for words in ["sync", "plan", "sync --dry-run"] {
        let sizes = [10, 2_000].map(|count| {
            let bench = Bench::with(customers(count), "");
            let names = (1..=count).map(|n| (n, if n == 7 { "Bob" } else { "Ann" }));
            bench.write("in.csv", rows(names) + "u1\n");
            let _ = bench.run(&format!("{words} in.csv")).exits(3);
            size(&bench)
        });
        // The numbers in it are longer.
        assert!(sizes[1] < sizes[0] + 500, "{words}: {sizes:?}");
    }
}

#[test]
fn results_of_all_rows_can_be_listed_during_a_run_and_after_it() {
    let bench = Bench::with(customers(3), "");
    bench.write(
        "in.csv",
        rows([(1, "Ann"), (2, "Bob"), (9, "New"), (3, "Ann")]),
    );
    let _ = bench.run("sync in.csv --results all.jsonl").exits(0);
    let all = json_lines(&read_text(&bench.path("all.jsonl")));
    let facts = |results: &[Value]| {
        let fact = |r: &Value| (r["line"].clone(), r["key"].clone(), r["status"].clone());
        results.iter().map(fact).collect::<Vec<_>>()
    };
    let status = |r: &Value| r["status"].as_str().unwrap().to_owned();
    let statuses: Vec<_> = all.iter().map(status).collect();
    assert_eq!(statuses, ["unchanged", "updated", "created", "unchanged"]);
    assert_eq!(bench.only_run().results(), all);
    // Without it, only what was done is in the folder, and the rest is found in the input.
    let bench = Bench::with(customers(3), "");
    bench.write(
        "in.csv",
        rows([(1, "Ann"), (2, "Bob"), (9, "New"), (3, "Ann")]),
    );
    let _ = bench.run("sync in.csv").exits(0);
    let csv = bench.only_run().text("results.csv");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert_eq!(facts(&bench.only_run().results()), facts(&all));
}

#[test]
fn rows_of_an_input_that_is_gone_are_listed_without_their_keys() {
    let bench = Bench::with(customers(3), "");
    bench.write("hcsync.toml", CREATE);
    bench.write("in.csv", rows([(1, "Ann"), (9, "New"), (3, "Ann")]));
    let _ = bench.run("sync in.csv").exits(0);
    bench.write("in.csv", "userId\nother\n");
    let id = bench.only_run().summary()["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = bench.bare(&[
        "show",
        &id,
        "--state-dir",
        "state",
        "--results",
        "all.jsonl",
    ]);
    let shown = Running::start(shown).wait().exits(0);
    let _ = shown.says(&["in.csv", "has changed", "without their keys"]);
    let all = json_lines(&read_text(&bench.path("all.jsonl")));
    let facts: Vec<_> = all.iter().map(|r| (&r["status"], &r["key"])).collect();
    let (skipped, created) = (json!("skipped"), json!("created"));
    let (none, new) = (json!({}), json!({"userId": "u9"}));
    assert_eq!(
        facts,
        [(&skipped, &none), (&created, &new), (&skipped, &none)]
    );
}

#[test]
fn a_resume_lists_all_rows_whatever_became_of_the_input() {
    for is_changed in [false, true] {
        let bench = Bench::with(customers(3), "");
        let names = [(1, "Ann"), (2, "Bob"), (3, "Bob"), (8, "New"), (9, "New")];
        bench.write("in.csv", rows(names));
        let _ = bench.run("sync in.csv --max-requests 3").exits(7);
        if is_changed {
            bench.write("in.csv", "userId\nother\n");
        }
        let resumed = bench.run("resume --results all.jsonl").exits(0);
        assert_eq!(resumed.err.contains("without their keys"), is_changed);
        let all = json_lines(&read_text(&bench.path("all.jsonl")));
        let statuses: Vec<_> = all.iter().map(|r| r["status"].as_str().unwrap()).collect();
        let expected = ["unchanged", "updated", "updated", "created", "created"];
        assert_eq!(statuses, expected);
    }
}
