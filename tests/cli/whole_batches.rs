//! Customers written as a whole: what an answer lacks of them is written back, also after a crash.

use hcsync::sandbox::Endpoint;
use serde_json::{Value, json};

use crate::bench::Bench;

const QUIRKS: &str = "[quirks]\nbatch-unnamed = \"reset\"\nbatch-custom-data = \"replace\"\nbatch-tags = \"replace\"\n\
                      batch-answer = \"nothing\"\n";

/// Thirty customers with a phone number, and rows that change their company.
fn bench(scenario: &str) -> Bench {
    let customer = |n: u64| {
        json!({"id": 100 + n, "userId": format!("u{n}"), "company": "A", "phone": format!("+38044{n:07}"),
               "tags": [{"name": "vip", "color": "#ff0000"}], "customData": {"plan": "pro"}})
    };
    let bench = Bench::with(
        (0..30).map(customer).collect(),
        &format!("{QUIRKS}{scenario}"),
    );
    bench.write("hcsync.toml", "[remote]\nbatch = \"whole\"\n");
    let rows = (0..30).map(|n| format!("u{n},B\n"));
    bench.write(
        "rows.csv",
        format!("userId,company\n{}", rows.collect::<String>()),
    );
    bench
}

fn is_as_wanted(customer: &Value) -> bool {
    customer["company"] == "B"
        && customer["phone"].is_string()
        && customer["tags"][0]["name"] == "vip"
        && customer["customData"]["plan"] == "pro"
}

fn count(bench: &Bench, endpoint: Endpoint) -> usize {
    let requests = bench.requests();
    requests.iter().filter(|r| r.endpoint == endpoint).count()
}

#[test]
fn what_is_gone_after_a_whole_batch_is_written_back_and_no_more_are_sent() {
    let bench = bench(
        "[[agent]]\nwhen = \"after\"\nendpoint = [\"batch\"]\nnth = [1]\ncustomer = 103\nset = { phone = \"\" }\n",
    );
    let ran = bench.run("sync rows.csv --concurrency 1").exits(0);
    assert!(ran.out.contains("written back"), "{}", ran.out);
    assert!(bench.sandbox().customers().iter().all(is_as_wanted));
    assert_eq!(count(&bench, Endpoint::Batch), 1);
    // The others, and the phone number.
    assert_eq!(count(&bench, Endpoint::Patch), 20 + 1);
    // Nothing was learned of the account.
    let before = bench.writes();
    let _ = bench.run("sync rows.csv").exits(0);
    assert_eq!(bench.writes(), before);
}

#[test]
fn a_whole_batch_that_may_have_arrived_is_compared_and_finished() {
    for kind in ["cut-after", "cut-before"] {
        let fault =
            format!("[[fault]]\nkind = \"{kind}\"\nendpoint = \"batch\"\nnth = [2]\nmax = 1\n");
        let bench = bench(&fault);
        let _ = bench.run("sync rows.csv").exits(0);
        assert!(bench.sandbox().customers().iter().all(is_as_wanted));
        let run = bench.only_run();
        run.check_results();
        assert_eq!(run.count("updated"), 30);
    }
}

#[test]
fn a_saved_plan_says_so_too_and_is_sent_that_way() {
    let bench = bench("");
    let _ = bench.run("plan rows.csv --out plan.jsonl").exits(0);
    let ran = bench
        .run("apply plan.jsonl --summary summary.json")
        .exits(0);
    assert!(ran.out.contains("remote.batch"), "{}", ran.out);
    assert_eq!(count(&bench, Endpoint::Batch), 3);
    assert!(bench.sandbox().customers().iter().all(is_as_wanted));
    let summary = bench.path("summary.json");
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(summary).unwrap()).unwrap();
    let undo = format!(
        "undo {} --max-change-percent 0",
        summary["run_id"].as_str().unwrap()
    );
    let ran = bench.run(&undo).exits(0);
    assert!(ran.out.contains("remote.batch"), "{}", ran.out);
    assert_eq!(count(&bench, Endpoint::Batch), 6);
    let taken_back = |c: &Value| c["company"] == "A" && c["phone"].is_string();
    assert!(bench.sandbox().customers().iter().all(taken_back));
}
