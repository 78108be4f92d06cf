//! Limits that were met are learned: what HelpCrunch refuses of a field is rejected by the next plan, at no request.

use serde_json::{Value, json};

use crate::bench::Bench;

/// Forty customers, and rows of which five have notes of 300 characters.
fn long_notes(quirks: &str) -> Bench {
    let customer = |n: u64| json!({"id": 100 + n, "userId": format!("u{n}")});
    let bench = Bench::with((0..40).map(customer).collect(), quirks);
    let notes = |n: u64| {
        if n % 8 == 3 {
            "n".repeat(300)
        } else {
            format!("note {n}")
        }
    };
    let rows = (0..40).map(|n| format!("u{n},C{n},{}\n", notes(n)));
    bench.write(
        "rows.csv",
        format!("userId,company,notes\n{}", rows.collect::<String>()),
    );
    bench
}

const LIMIT: &str = "[quirks]\ntext-limit = 255\n";
const SYNC: &str = "sync rows.csv --max-change-percent 0";

fn with_company(bench: &Bench) -> usize {
    let customers = bench.sandbox().customers();
    customers
        .iter()
        .filter(|c| c["company"].is_string())
        .count()
}

#[test]
fn a_text_that_was_called_too_long_is_rejected_by_the_next_plan() {
    let bench = long_notes(LIMIT);
    let _ = bench.run(&format!("{SYNC} --concurrency 1")).exits(3);
    let run = bench.only_run();
    run.check_results();
    assert_eq!((run.count("updated"), run.count("failed")), (35, 5));
    // The first of the five was refused as a whole, the others lost their notes only.
    assert_eq!(with_company(&bench), 39);
    let (before, writes) = (bench.runs(), bench.writes());
    assert_eq!(writes, 40);
    let ran = bench.run(SYNC).exits(3);
    assert_eq!(bench.writes(), writes);
    let run = bench.run_since(&before);
    run.check_results();
    assert_eq!((run.count("rejected"), run.count("unchanged")), (5, 35));
    let rejected = run
        .results()
        .into_iter()
        .find(|r| r["status"] == "rejected");
    assert_eq!(rejected.unwrap()["error"]["code"], "too_long");
    assert!(ran.out.contains("255 characters"), "{}", ran.out);
    assert!(ran.out.contains("--force-field notes"), "{}", ran.out);
    let shown = bench.run("probe --show").exits(0).out;
    assert!(
        shown.contains("notes longer than 255 characters"),
        "{shown}"
    );
}

#[test]
fn force_field_sends_it_again_and_what_is_accepted_is_forgotten() {
    let bench = long_notes(LIMIT);
    let _ = bench.run(SYNC).exits(3);
    let mut quirks = bench.sandbox().quirks();
    quirks.text_limit = 0;
    bench.sandbox().set_quirks(quirks).unwrap();
    let _ = bench.run(SYNC).exits(3);
    let _ = bench.run(&format!("{SYNC} --force-field note")).exits(2);
    let _ = bench.run(&format!("{SYNC} --force-field notes")).exits(0);
    let changed = bench.sandbox().customers();
    assert!(changed.iter().all(|c| c["notes"].is_string()));
    // Another text as long.
    let rows = std::fs::read_to_string(bench.path("rows.csv")).unwrap();
    bench.write("rows.csv", rows.replace("nnn", "mmm"));
    let _ = bench.run(SYNC).exits(0);
}

#[test]
fn a_value_that_does_not_fit_is_left_out_where_the_config_says_so() {
    let bench = long_notes(LIMIT);
    bench.write(
        "hcsync.toml",
        "[fields]\nuserId = \"userId\"\ncompany = \"company\"\nnotes = { column = \"notes\", on_invalid = \"skip\" }\n",
    );
    let _ = bench.run("probe").exits(0);
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(with_company(&bench), 40);
    let before = bench.writes();
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(bench.writes(), before);
}

#[test]
fn a_probe_measures_lengths_and_the_plan_warns_before_anything_is_sent() {
    let scenario = "[quirks]\ntext-limit = 255\nundefined-property = \"refuse\"\ndefined-properties = [\"bio\"]\n";
    let customers = vec![json!({"id": 1, "userId": "u1", "customData": {"bio": "short"}})];
    let bench = Bench::with(customers, scenario);
    let _ = bench.run("probe").exits(0).says(&[]);
    let long = "b".repeat(256);
    bench.write(
        "rows.csv",
        format!("userId,customData.bio,customData.plan\nu1,{long},pro\n"),
    );
    let before = bench.requests().len();
    let ran = bench.run("sync rows.csv --dry-run").exits(0);
    assert!(bench.requests().len() <= before + 2);
    let out: String = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("no known customer has plan"), "{out}");
    assert!(out.contains("longer than the 255 characters"), "{out}");
    bench.write("rows.csv", format!("userId,notes\nu1,{long}\n"));
    let ran = bench.run("sync rows.csv").exits(3);
    assert!(ran.out.contains("255 characters"), "{}", ran.out);
    let sent = bench.requests().split_off(before);
    assert!(sent.iter().all(|request| !request.writes), "{sent:?}");
}

#[test]
fn a_property_that_was_refused_for_every_row_is_rejected_until_it_is_defined() {
    let customer = |n: u64| json!({"id": 100 + n, "userId": format!("u{n}")});
    let scenario = "[quirks]\nundefined-property = \"refuse\"\ndefined-properties = [\"bio\"]\n";
    let bench = Bench::with((0..40).map(customer).collect(), scenario);
    let rows = (0..40).map(|n| format!("u{n},x\n"));
    bench.write(
        "rows.csv",
        format!("userId,customData.plan\n{}", rows.collect::<String>()),
    );
    let _ = bench.run(SYNC).exits(3);
    let before = bench.writes();
    assert!(before < 15, "{before}");
    // A plan that rejects all its rows is refused.
    let ran = bench.run(SYNC).exits(4);
    let text = format!("{}{}", ran.out, ran.err);
    assert!(text.contains("--force-field customData.plan"), "{text}");
    let _ = bench
        .run(&format!("{SYNC} --max-rejected-percent 0"))
        .exits(3);
    assert_eq!(bench.writes(), before);
    let mut quirks = bench.sandbox().quirks();
    quirks.defined_properties.push("plan".to_owned());
    bench.sandbox().set_quirks(quirks).unwrap();
    let _ = bench
        .run(&format!("{SYNC} --force-field customData.plan"))
        .exits(0);
    let has_plan = |c: &Value| c["customData"]["plan"] == "x";
    assert!(bench.sandbox().customers().iter().all(has_plan));
    let writes = bench.writes();
    let _ = bench.run(SYNC).exits(0);
    assert_eq!(bench.writes(), writes);
}
