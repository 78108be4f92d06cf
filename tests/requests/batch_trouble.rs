//! Batches that are refused, that leave somebody out, or that take away what they do not name.

use hcsync::sandbox::quirks::{BatchAnswer, BatchBadEntry, UndefinedProperty, Unnamed};
use hcsync::sandbox::{Endpoint, Quirks};
use serde_json::{Value, json};

use crate::bench::{Bench, row_with, table};

/// Ten rows of which the fourth speaks of a property that the account does not define.
fn with_a_bad_row() -> String {
    let mut text = String::from("userId,company,customData.plan,customData.other\n");
    for n in 1..=10 {
        let other = if n == 4 { "x" } else { "" };
        text.push_str(&format!("u{n},Another firm,pro,{other}\n"));
    }
    text
}

fn refusing(batch_bad_entry: BatchBadEntry, batch_answer: BatchAnswer) -> Bench {
    let bench = Bench::behaving(
        10,
        Quirks {
            batch_bad_entry,
            batch_answer,
            undefined_property: UndefinedProperty::Refuse,
            defined_properties: vec!["plan".to_owned(), "mrr".to_owned()],
            ..Quirks::default()
        },
    );
    for n in 1..=10 {
        let properties = json!({"plan": "free", "mrr": 5});
        bench.agent(json!({"customer": 5000 + n, "custom-data": properties}));
    }
    bench
}

#[test]
fn the_bad_row_of_a_batch_fails_alone_with_its_own_cause() {
    for bad_entry in [BatchBadEntry::FailAll, BatchBadEntry::PassGood] {
        for answer in [BatchAnswer::Customers, BatchAnswer::Count] {
            let bench = refusing(bad_entry, answer);
            bench.probe().write("in.csv", with_a_bad_row());
            let ran = bench.run("sync in.csv --results results.jsonl").exits(3);
            assert!(ran.count(Endpoint::Batch) > 0);
            let results = bench.results();
            let (bad, good): (Vec<Value>, Vec<Value>) =
                results.into_iter().partition(|r| r["row"] == 4);
            assert!(good.iter().all(|r| r["status"] == "updated"), "{good:?}");
            let error = &bad[0]["error"];
            assert_eq!(bad[0]["status"], "failed");
            assert_eq!(error["code"], "customData.other", "{error}");
            assert_eq!(error["column"], "customData.other");
            assert_eq!(
                (&error["http_status"], &error["kind"]),
                (&json!(400), &json!("api"))
            );
            assert_eq!(bad[0]["operations"][0]["http_status"], 400);
            for n in 1..=10 {
                let customer = bench.customer(5000 + n);
                let plan = if n == 4 { "free" } else { "pro" };
                assert_eq!(customer["customData"], json!({"plan": plan, "mrr": 5}));
            }
        }
    }
}

#[test]
fn batches_that_are_always_refused_are_given_up() {
    let bench = refusing(BatchBadEntry::FailAll, BatchAnswer::Customers);
    bench.probe();
    let rows = (1..=10).map(|n| format!("u{n},Another firm,x\n"));
    let text: String = std::iter::once("userId,company,customData.other\n".to_owned())
        .chain(rows)
        .collect();
    bench.write("in.csv", text);
    let ran = bench.run("sync in.csv --results results.jsonl").exits(3);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (9, 10)
    );
    assert!(bench.results().iter().all(|r| r["status"] == "failed"));
}

#[test]
fn what_the_first_batch_takes_away_is_written_back_and_batches_are_off() {
    let bench = Bench::with(40);
    for n in 1..=40 {
        bench.agent(json!({"customer": 5000 + n, "custom-data": {"plan": "free"}}));
    }
    let before: Vec<Value> = bench.sandbox().customers();
    bench.probe();
    let rows = (1..=30).map(|n| row_with(n, "Another firm", "known"));
    bench.write("in.csv", table(rows));
    let mut quirks = bench.sandbox().quirks();
    quirks.batch_unnamed = Unnamed::Reset;
    bench.sandbox().set_quirks(quirks).unwrap();
    let ran = bench.run("sync in.csv --results results.jsonl").exits(0);
    assert_eq!(ran.count(Endpoint::Batch), 1);
    // Ten that are given back what they lost, and the other twenty.
    assert_eq!(ran.count(Endpoint::Patch), 30);
    for was in &before {
        let id = was["id"].as_u64().unwrap();
        let mut is = bench.customer(id);
        if id <= 5030 {
            assert_eq!(is["company"], "Another firm");
            is["company"] = was["company"].clone();
        }
        assert_eq!(is, *was);
    }
    let results = bench.results();
    assert_eq!(told_of_a_loss(&results), 10);
    assert!(results.iter().all(|r| r["status"] == "updated"));

    let known = std::fs::read(bench.account_file("probe.json").unwrap()).unwrap();
    let known: Value = serde_json::from_slice(&known).unwrap();
    for what in [
        "batch_keeps_fields",
        "batch_keeps_properties",
        "batch_keeps_tags",
    ] {
        assert_eq!(known["findings"][what]["answer"], false, "{what}");
    }
    let rows = (11..=40).map(|n| row_with(n, "Another firm", "known"));
    bench.write("in.csv", table(rows));
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (0, 10)
    );
}

fn told_of_a_loss(results: &[Value]) -> usize {
    let told = |r: &&Value| r["warnings"][0]["code"] == "update_lost";
    results.iter().filter(told).count()
}

/// Rows of which those from `from` on want another plan, and the others another company.
fn companies_then_plans(rows: u64, from: u64) -> String {
    let header = "userId,company,customData.plan\n".to_owned();
    let rows = (1..=rows).map(|n| match n < from {
        true => format!("u{n},Another firm,\n"),
        false => format!("u{n},,pro\n"),
    });
    std::iter::once(header).chain(rows).collect()
}

/// Customers with a property that no row speaks of, on an account that takes such away since it was probed.
fn replacing(rows: &str, since: &[&str]) -> Bench {
    let bench = Bench::with(40);
    for n in 1..=40 {
        bench.agent(json!({"customer": 5000 + n, "custom-data": {"plan": "free", "keep": "mine"}}));
    }
    bench.probe().write("in.csv", rows);
    let mut quirks = bench.sandbox().quirks();
    for setting in since {
        quirks.set(setting).unwrap();
    }
    bench.sandbox().set_quirks(quirks).unwrap();
    bench
}

#[test]
fn what_is_written_back_survives_also_where_patch_replaces_properties_by_now() {
    let since = ["patch-custom-data=replace", "batch-custom-data=replace"];
    let bench = replacing(&companies_then_plans(30, 1), &since);
    let ran = bench.run("sync in.csv --results results.jsonl").exits(0);
    assert_eq!(ran.count(Endpoint::Batch), 1);
    for n in 1..=30 {
        let is = bench.customer(5000 + n);
        assert_eq!(
            is["customData"],
            json!({"plan": "pro", "keep": "mine"}),
            "{n}"
        );
    }
}

#[test]
fn the_first_batch_that_names_properties_is_watched_too() {
    let bench = replacing(
        &companies_then_plans(40, 21),
        &["batch-custom-data=replace"],
    );
    let _ = bench.run("sync in.csv --concurrency 1").exits(0);
    for n in 1..=40 {
        let is = bench.customer(5000 + n);
        assert_eq!(is["customData"]["keep"], "mine", "{n}");
    }
}

#[test]
fn the_first_patch_that_goes_by_the_probe_is_watched() {
    let with_tag = |n| format!("u{n},pro,known;new\n");
    let rows: String = (1..=3).map(with_tag).collect();
    let rows = format!("userId,customData.plan,tags\n{rows}");
    let off = "[remote]\nbatch = \"off\"\n";
    let calm = replacing(&rows, &[]);
    calm.write("hcsync.toml", off);
    let ran = calm.run("sync in.csv --concurrency 1").exits(0);
    let listed = ran.count(Endpoint::List);
    let ran = ran.keeps_to_its_estimate(listed);
    assert_eq!(
        (
            ran.count(Endpoint::Get),
            ran.count(Endpoint::Patch),
            ran.count(Endpoint::Tag)
        ),
        (1, 3, 0)
    );

    let bench = replacing(&rows, &["patch-custom-data=replace", "patch-tags=replace"]);
    bench.agent(json!({"customer": 5001, "tags": ["known", "agent"]}));
    bench.write("hcsync.toml", off);
    let ran = bench.run("sync in.csv --results results.jsonl").exits(0);
    for n in 1..=3 {
        let is = bench.customer(5000 + n);
        assert_eq!(
            is["customData"],
            json!({"plan": "pro", "keep": "mine"}),
            "{n}"
        );
    }
    let names = bench.customer(5001)["tags"].to_string();
    assert!(names.contains("agent"), "{names}");
    let results = bench.results();
    assert_eq!(told_of_a_loss(&results), 1);
    assert!(results.iter().all(|r| r["status"] == "updated"));
    // Three that change, and one that gives back.
    assert_eq!(ran.count(Endpoint::Patch), 4);
}

#[test]
fn a_run_that_is_stopped_between_batches_goes_on_with_those_that_are_left() {
    let bench = Bench::with(60);
    bench.probe();
    let rows = (1..=60).map(|n| {
        row_with(
            n,
            "Another firm",
            if n > 40 { "known;new" } else { "known" },
        )
    });
    bench.write("in.csv", table(rows));
    // One page, two readings about the first of two batches.
    let stopped = bench
        .run("sync in.csv --max-requests 5 --concurrency 1")
        .exits(7);
    assert_eq!((stopped.total(), stopped.count(Endpoint::Batch)), (5, 2));
    let ran = bench.run("resume --results results.jsonl").exits(0);
    let bodies = stopped.requests.iter().chain(&ran.requests);
    let bodies = bodies.filter(|r| r.endpoint == Endpoint::Batch);
    let mut ids: Vec<u64> = bodies
        .flat_map(|r| r.body.as_array().unwrap())
        .map(|entry| entry["customer"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (5001..=5060).collect::<Vec<u64>>());
    assert!(bench.results().iter().all(|r| r["status"] == "updated"));
    assert_eq!(ran.count(Endpoint::Tag), 0);
}
