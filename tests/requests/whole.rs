//! Customers written as a whole, ten in one request, on an account whose batch resets what it does not name.

use hcsync::sandbox::quirks::{BatchAnswer, CustomDataWrite, Tagging, Unnamed};
use hcsync::sandbox::{Endpoint, Quirks};
use serde_json::{Value, json};

use crate::bench::{Bench, row, row_with, table};

const WHOLE: &str = "[remote]\nbatch = \"whole\"\n";

fn resets() -> Quirks {
    Quirks {
        batch_unnamed: Unnamed::Reset,
        batch_custom_data: CustomDataWrite::Replace,
        batch_tags: Tagging::Replace,
        ..Quirks::default()
    }
}

/// An account whose customers have properties, which was probed and read.
fn known(count: u64, quirks: Quirks) -> Bench {
    let bench = Bench::behaving(count, quirks);
    for n in 1..=count {
        bench.agent(json!({"customer": 5000 + n, "custom-data": {"plan": "free", "n": n}}));
    }
    bench.probe().write("hcsync.toml", WHOLE);
    bench.write("in.csv", table((1..=count).map(row)));
    let _ = bench.run("sync in.csv").exits(0);
    bench
}

/// The customers as they are to be: only the company is another one.
fn expected(before: Vec<Value>) -> Vec<Value> {
    let changed = before.into_iter().map(|mut customer| {
        customer["company"] = json!("Another firm");
        customer
    });
    changed.collect()
}

#[test]
fn a_thousand_changes_cost_a_hundred_batches_and_ten_readings() {
    let bench = known(1000, resets());
    let before = bench.sandbox().customers();
    let changed = (1..=1000).map(|n| row_with(n, "Another firm", "known"));
    bench.write("in.csv", table(changed));
    let ran = bench.run("sync in.csv --max-change-percent 0").exits(0);
    let (batches, searches) = (ran.count(Endpoint::Batch), ran.count(Endpoint::Search));
    assert_eq!((batches, ran.writes()), (100, 100));
    assert!(searches <= 11, "{searches}");
    assert!(ran.out.contains("remote.batch"), "{}", ran.out);
    let ran = ran.needs_at_most(112);
    let listed = ran.count(Endpoint::List);
    let _ = ran.keeps_to_its_estimate(listed);
    assert!(bench.sandbox().customers() == expected(before));
    assert_eq!(bench.run("sync in.csv").exits(0).writes(), 0);
}

#[test]
fn without_the_option_such_an_account_gets_patches() {
    let bench = known(30, resets());
    bench.write("hcsync.toml", "");
    let changed = (1..=30).map(|n| row_with(n, "Another firm", "known"));
    bench.write("in.csv", table(changed));
    let ran = bench.run("sync in.csv --max-change-percent 0").exits(0);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (0, 30)
    );
    assert!(!ran.out.contains("remote.batch"), "{}", ran.out);
}

#[test]
fn properties_tags_and_cleared_values_arrive_whatever_the_batch_does_to_the_rest() {
    let tags = [Tagging::Add, Tagging::Replace, Tagging::Ignore];
    let unnamed = [Unnamed::Keep, Unnamed::Reset];
    let answers = [BatchAnswer::Customers, BatchAnswer::Nothing];
    for (n, (batch_tags, batch_unnamed)) in tags
        .into_iter()
        .flat_map(|tags| unnamed.map(|unnamed| (tags, unnamed)))
        .enumerate()
    {
        let quirks = Quirks {
            batch_tags,
            batch_unnamed,
            batch_answer: answers[n % 2],
            ..resets()
        };
        let bench = known(25, quirks.clone());
        let mut expected = bench.sandbox().customers();
        for customer in &mut expected {
            customer["notes"] = Value::Null;
            customer["customData"]["plan"] = json!("pro");
            customer["tags"] =
                json!([{"name": "known", "color": "#c377e0"}, {"name": "new", "color": "#c377e0"}]);
        }
        bench.write(
            "hcsync.toml",
            format!("{WHOLE}[rows]\nempty_cells = \"clear\"\n"),
        );
        let rows = (1..=25).map(|n| format!("u{n},,pro,new\n"));
        bench.write(
            "in.csv",
            format!(
                "userId,notes,customData.plan,tags\n{}",
                rows.collect::<String>()
            ),
        );
        let sync = "sync in.csv --max-change-percent 0 --max-clear-percent 0";
        let ran = bench.run(sync).exits(0);
        if batch_unnamed == Unnamed::Reset && batch_tags != Tagging::Ignore {
            assert_eq!(
                (ran.count(Endpoint::Batch), ran.writes()),
                (3, 3),
                "{quirks:?}"
            );
        }
        assert_eq!(bench.sandbox().customers(), expected, "{quirks:?}");
        assert_eq!(bench.run(sync).exits(0).writes(), 0, "{quirks:?}");
    }
}

#[test]
fn an_edit_of_what_a_customer_does_not_have_stays_where_the_account_keeps_it() {
    let keeps = Quirks {
        batch_unnamed: Unnamed::Keep,
        ..resets()
    };
    // Without a probe, nothing is known of batches.
    let bench = Bench::behaving(20, keeps);
    bench.write("hcsync.toml", WHOLE);
    bench.write(
        "in.csv",
        table((1..=20).map(|n| row_with(n, "Another firm", "known"))),
    );
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!((ran.count(Endpoint::Batch), ran.writes()), (2, 2));
    let all = bench.sandbox().customers();
    assert!(all.iter().all(|c| c["notes"] == "kept by the agents"));
}
