//! Patches of ten customers in one request, on an account whose probe has shown that this is safe.

use hcsync::sandbox::quirks::{BatchAnswer, CustomDataWrite, Tagging, Unnamed};
use hcsync::sandbox::{Endpoint, Quirks};
use serde_json::json;

use crate::bench::{Bench, Ran, row, row_with, table};

const RESULTS: &str = "--results results.jsonl";

/// Rows of which the first `changed` want another company.
fn changed(rows: u64, changed: u64) -> String {
    table((1..=rows).map(|n| match n <= changed {
        true => row_with(n, "Another firm", "known"),
        false => row(n),
    }))
}

fn sync(bench: &Bench) -> Ran {
    let ran = bench.run(&format!("sync in.csv {RESULTS}")).exits(0);
    for result in bench.results() {
        assert_ne!(result["status"], "failed", "{result}");
    }
    let listed = ran.count(Endpoint::List);
    ran.keeps_to_its_estimate(listed)
}

fn companies(bench: &Bench) -> usize {
    let customers = bench.sandbox().customers();
    let new = customers.iter().filter(|c| c["company"] == "Another firm");
    new.count()
}

#[test]
fn two_percent_of_two_thousand_cost_four_batches() {
    let bench = Bench::with(2000);
    let night = (1..=2000).map(|n| match n % 100 {
        7 | 57 => row_with(n, "Another firm", "known"),
        33 => row_with(n, &format!("Firm {}", n % 7), "known;new"),
        _ => row(n),
    });
    bench.probe().write("in.csv", table(night));
    let ran = sync(&bench).needs_at_most(48);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Tag)),
        (4, 20)
    );
    assert_eq!(ran.count(Endpoint::Patch), 0);
    assert_eq!(companies(&bench), 40);
    let again = bench.run("sync in.csv").exits(0);
    assert_eq!(again.writes(), 0);
}

#[test]
fn where_a_batch_replaces_the_properties_that_it_names_names_still_go_in_batches() {
    let replaces = Quirks {
        batch_custom_data: CustomDataWrite::Replace,
        ..Quirks::default()
    };
    let bench = Bench::behaving(2000, replaces);
    bench.probe().write("in.csv", changed(2000, 200));
    let ran = sync(&bench);
    let listed = ran.count(Endpoint::List);
    assert_eq!((ran.count(Endpoint::Batch), ran.writes()), (20, 20));
    let ran = ran.needs_at_most(listed + 20 + 6);
    assert_eq!(ran.count(Endpoint::Patch), 0);
    assert_eq!(companies(&bench), 200);
    assert_eq!(bench.run("sync in.csv").exits(0).writes(), 0);
}

#[test]
fn where_a_batch_replaces_the_properties_that_it_names_it_names_them_all() {
    let replaces = Quirks {
        batch_custom_data: CustomDataWrite::Replace,
        ..Quirks::default()
    };
    let bench = Bench::behaving(30, replaces);
    for id in 5001..=5030_u64 {
        bench.agent(json!({"customer": id, "custom-data": {"plan": "free", "theirs": id}}));
    }
    let rows = (1..=30).map(|n| format!("u{n},pro\n"));
    let input = format!("userId,customData.plan\n{}", rows.collect::<String>());
    bench.probe().write("in.csv", input);
    let ran = bench.run("sync in.csv").exits(0);
    assert!(ran.writes() <= 6, "{} writes", ran.writes());
    for id in 5001..=5030_u64 {
        let properties = bench.customer(id)["customData"].clone();
        assert_eq!(properties, json!({"plan": "pro", "theirs": id}));
    }
    assert_eq!(bench.run("sync in.csv").exits(0).writes(), 0);
}

#[test]
fn only_what_the_account_was_seen_to_keep_is_left_to_batches() {
    let reset = Quirks {
        batch_unnamed: Unnamed::Reset,
        ..Quirks::default()
    };
    let bench = Bench::behaving(30, reset);
    bench.probe().write("in.csv", changed(30, 12));
    let ran = sync(&bench);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (0, 12)
    );

    let unprobed = Bench::with(30);
    unprobed.write("in.csv", changed(30, 12));
    assert_eq!(sync(&unprobed).count(Endpoint::Batch), 0);

    let off = Bench::with(30);
    off.probe().write("in.csv", changed(30, 12));
    off.write("hcsync.toml", "[remote]\nbatch = \"off\"\n");
    assert_eq!(sync(&off).count(Endpoint::Batch), 0);
}

#[test]
fn one_changed_customer_is_patched_alone() {
    let bench = Bench::with(30);
    bench.probe().write("in.csv", changed(30, 1));
    let ran = sync(&bench);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (0, 1)
    );
    bench.write("in.csv", changed(30, 12));
    let ran = sync(&bench);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Patch)),
        (1, 1)
    );
    assert_eq!(companies(&bench), 12);
}

#[test]
fn an_answer_without_customers_is_verified_by_one_search() {
    for batch_answer in [BatchAnswer::Data, BatchAnswer::Count, BatchAnswer::Nothing] {
        let quirks = Quirks {
            batch_answer,
            ..Quirks::default()
        };
        let bench = Bench::behaving(60, quirks);
        bench.probe().write("in.csv", changed(60, 30));
        let ran = sync(&bench);
        assert_eq!((ran.count(Endpoint::Batch), ran.writes()), (3, 3));
        // Before and after the first one, and after each that did not tell.
        let untold = u64::from(batch_answer != BatchAnswer::Data) * 2;
        assert_eq!(ran.count(Endpoint::Search), 2 + untold, "{batch_answer:?}");
        assert_eq!(companies(&bench), 30);
        let updated = bench.results();
        let updated = updated.iter().filter(|r| r["status"] == "updated");
        assert_eq!(updated.count(), 30);
    }
}

#[test]
fn tags_ride_along_where_they_come_to_those_that_are_there() {
    let both = |n| row_with(n, "Another firm", "known;new");
    let bench = Bench::with(30);
    bench.probe().write("in.csv", table((1..=20).map(both)));
    let ran = sync(&bench);
    assert_eq!((ran.count(Endpoint::Batch), ran.writes()), (2, 2));
    for result in bench.results() {
        let operations = result["operations"].as_array().unwrap();
        let told: Vec<_> = operations
            .iter()
            .map(|o| (&o["op"], &o["status"]))
            .collect();
        assert_eq!(
            format!("{told:?}"),
            r#"[(String("patch"), String("done")), (String("tag"), String("done"))]"#
        );
        assert_eq!(operations[1]["http_status"], 200);
    }
    let tagged = bench.sandbox().customers();
    let tagged = tagged
        .iter()
        .filter(|c| c["tags"].as_array().unwrap().len() == 2);
    assert_eq!(tagged.count(), 20);

    // Where a batch does not add them, a patch of each customer's own does; where neither does, they go alone.
    for (patch_tags, patches, tags) in [(Tagging::Add, 20, 0), (Tagging::Ignore, 0, 20)] {
        let quirks = Quirks {
            batch_tags: Tagging::Replace,
            patch_tags,
            ..Quirks::default()
        };
        let bench = Bench::behaving(30, quirks);
        bench.probe().write("in.csv", table((1..=20).map(both)));
        let ran = sync(&bench);
        let counts = (ran.count(Endpoint::Patch), ran.count(Endpoint::Tag));
        assert_eq!(counts, (patches, tags), "{patch_tags:?}");
    }
}

#[test]
fn tags_that_do_not_take_any_more_are_added_by_their_own_request() {
    let bench = Bench::with(30);
    let both = |n| row_with(n, "Another firm", "known;new");
    bench.probe().write("in.csv", table((1..=10).map(both)));
    let mut quirks = bench.sandbox().quirks();
    quirks.batch_tags = Tagging::Ignore;
    bench.sandbox().set_quirks(quirks).unwrap();
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!(
        (ran.count(Endpoint::Batch), ran.count(Endpoint::Tag)),
        (1, 10)
    );
    assert_eq!(bench.customer(5003)["tags"].as_array().unwrap().len(), 2);
}

#[test]
fn a_plan_that_is_applied_reads_a_hundred_customers_at_a_time() {
    let bench = Bench::with(250);
    bench.probe().write("in.csv", changed(250, 200));
    bench.run("plan in.csv --out night.plan").exits(0);
    let ran = bench.run("apply night.plan").exits(0);
    assert_eq!(ran.count(Endpoint::Batch), 20);
    // Twice a hundred of them, and the first ten after their batch.
    assert_eq!(ran.count(Endpoint::Search), 3);
    let rest = ran.total() - 23;
    ran.keeps_to_its_estimate(rest);
    assert_eq!(companies(&bench), 200);
}
