//! What a person sees who runs one command on a fresh clone, and once more.

use crate::bench::{Bench, tree};

const BAD_ROWS: [(u64, u64, &str, &str, Option<&str>); 8] = [
    (24, 31, "input", "bad_email", Some("E-mail")),
    (62, 73, "input", "bad_date", Some("First seen")),
    (98, 113, "input", "ragged", None),
    (131, 154, "match", "no_key", Some("User ID")),
    (172, 199, "match", "duplicate", None),
    (205, 236, "input", "bad_locale", Some("Locale")),
    (240, 278, "match", "conflict", None),
    (271, 312, "match", "ambiguous", None),
];

fn in_process_sandbox(bench: &Bench) -> crate::bench::Ran {
    bench.sample("customers.csv");
    let words = [
        "sync",
        "customers.csv",
        "--sandbox",
        "--state-dir",
        "state",
        "--results",
        "out.csv",
        "--rejected",
        "bad.csv",
        "--changes",
        "changes.jsonl",
        "--summary",
        "summary.json",
    ];
    crate::bench::Running::start(bench.bare(&words)).wait()
}

#[test]
fn every_bad_row_is_explained_with_its_place() {
    let bench = Bench::empty();
    let ran = in_process_sandbox(&bench).exits(3);
    let run = bench.only_run();
    run.check_results();
    let bad: Vec<_> = run
        .results()
        .into_iter()
        .filter(|r| r["status"] == "rejected")
        .collect();
    assert_eq!(bad.len(), BAD_ROWS.len());
    for (result, (row, line, kind, code, column)) in bad.iter().zip(BAD_ROWS) {
        assert_eq!(result["row"], row);
        assert_eq!(result["line"], line);
        assert_eq!(result["source"], "customers.csv");
        let error = &result["error"];
        assert_eq!(error["kind"], kind);
        assert_eq!(error["code"], code);
        assert_eq!(error["column"].as_str(), column);
        assert!(error["message"].as_str().unwrap().len() > 10);
        let place = format!("customers.csv:{line} (row {row})");
        assert_eq!(
            ran.out.matches(&place).count(),
            2,
            "{place} in preview and end: {}",
            ran.out
        );
    }
    let rejected = crate::files::read_text(&bench.path("bad.csv"));
    let records = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(rejected.as_bytes())
        .into_records()
        .count();
    assert_eq!(records, BAD_ROWS.len());
    assert_eq!(bench.requests(), [], "the bench's own server was not meant");
}

#[test]
fn figures_add_up_and_are_those_of_the_sample() {
    let bench = Bench::empty();
    let _ = in_process_sandbox(&bench).exits(3);
    let summary = bench.only_run().summary();
    assert_eq!(summary["exit_code"], 3);
    assert_eq!(summary["input"]["rows"], 300);
    let size = std::fs::metadata(bench.path("customers.csv"))
        .unwrap()
        .len();
    assert_eq!(summary["input"]["bytes"], size);
    for (name, count) in [
        ("created", 140),
        ("updated", 90),
        ("unchanged", 62),
        ("rejected", 8),
    ] {
        assert_eq!(summary["results"][name], count, "{name}");
    }
    let of_errors: u64 = summary["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["count"].as_u64().unwrap())
        .sum();
    assert_eq!(of_errors, 8);
    let requests = &summary["requests"];
    let by_endpoint: u64 = requests["by_endpoint"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(requests["total"], by_endpoint);
    let (read, write) = (
        requests["read"].as_u64().unwrap(),
        requests["write"].as_u64().unwrap(),
    );
    assert_eq!(requests["total"], read + write);
    assert_eq!(
        crate::files::json(&crate::files::read_text(&bench.path("summary.json"))),
        summary
    );
}

#[test]
fn the_preview_is_on_standard_output_and_comes_first() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = bench.run("sync customers.csv -v").exits(3).shows(&[
        "Plan: +140 to create, ~86 to patch, ~21 to tag",
        "ignored columns: `Account manager`, `Region`",
        "did you mean `Lead`?",
        "39.5 → 29",
    ]);
    let (plan, end) = (
        ran.out.find("Plan:").unwrap(),
        ran.out.find("Finished with problems").unwrap(),
    );
    assert!(plan < end);
    assert!(!ran.err.contains("Plan:"), "{}", ran.err);
    assert!(
        !ran.out.contains("DEBUG") && !ran.out.contains("INFO"),
        "{}",
        ran.out
    );
}

/// Logs name rows, ids and fields, never values.
#[test]
fn logs_hold_no_value_of_a_customer() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = bench.run("sync customers.csv -vvv").exits(3);
    assert!(ran.err.lines().count() > 200, "{}", ran.err);
    for value in [
        "@example.",
        "Martin",
        "Щербак",
        "INV-20",
        "Larsen",
        "u-1003",
        "+380",
    ] {
        let found = ran.err.lines().find(|line| line.contains(value));
        assert_eq!(found, None, "{value}");
    }
}

#[test]
fn without_examples_no_value_reaches_standard_output() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = bench.run("sync customers.csv --examples 0").exits(3);
    for value in ["@example.net", "Martin", "Щербак", "INV-20", "u-1003"] {
        assert!(!ran.out.contains(value), "{value}: {}", ran.out);
    }
}

#[cfg(unix)]
#[test]
fn whatever_is_made_belongs_to_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::empty();
    let _ = in_process_sandbox(&bench).exits(3);
    let mut paths = tree(&bench.path("state"));
    paths.push(bench.path("state"));
    paths.extend(["out.csv", "bad.csv", "changes.jsonl", "summary.json"].map(|f| bench.path(f)));
    assert!(paths.len() > 12, "{paths:?}");
    for path in paths {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}: {mode:o}", path.display());
    }
}

#[test]
fn a_second_sync_plans_nothing_and_writes_nothing() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let _ = bench.run("sync customers.csv").exits(3);
    let (before, customers, writes) = (bench.runs(), bench.sandbox().customers(), bench.writes());
    assert_eq!(writes, 247);
    // Its rejected rows are the same.
    let _ = bench.run("sync customers.csv").exits(3);
    let run = bench.run_since(&before);
    run.check_results();
    let planned = &run.summary()["planned"];
    for kind in ["create", "patch", "tag", "untag"] {
        assert_eq!(planned[kind], 0, "{planned}");
    }
    assert_eq!(run.summary()["requests"]["write"], 0);
    assert_eq!(run.plan().len(), 2, "header and end");
    assert_eq!(run.count("unchanged"), 292);
    assert_eq!(bench.writes(), writes);
    assert_eq!(bench.sandbox().customers(), customers);
}

#[test]
fn a_nightly_file_after_a_migration_changes_what_it_says_and_then_nothing() {
    let bench = Bench::bundled();
    bench.sample("customers.csv").sample("nightly.jsonl");
    let _ = bench.run("sync customers.csv").exits(3);
    let before = bench.runs();
    let _ = bench.run("sync nightly.jsonl").exits(0);
    let nightly = bench.run_since(&before);
    nightly.check_results();
    assert!(nightly.count("unchanged") > 30 && nightly.count("updated") > 0);
    let (before, writes) = (bench.runs(), bench.writes());
    let _ = bench.run("sync nightly.jsonl").exits(0);
    assert_eq!(bench.run_since(&before).count("unchanged"), 60);
    assert_eq!(bench.writes(), writes);
}
