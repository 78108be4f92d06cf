//! `rows.duplicates = "merge"`: several rows say together what one customer shall be.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::{fits, read_text};

const MERGE: &str = "[rows]\nduplicates = \"merge\"\n";

/// Two customers that are there are written by several rows each, two new ones by several rows each.
const ROWS: &str = "userId,email,name,company,tags,customData.plan\n\
    u1,,Ann,,vip,\n\
    new1,new1@example.com,,Firm,,free\n\
    u1,ann@example.com,Anna,Ann Ltd,lead;vip,pro\n\
    ,NEW1@example.com,New One,Other firm,beta,pro\n\
    ,two@example.com,Two,,,\n\
    u2,two@example.com,,Two Ltd,,\n\
    ,new2@example.com,New Two,,a,\n\
    new2,new2@example.com,,,b,\n\
    new2,,,,c,basic\n\
    other,two@example.com,,,,\n";

fn customers() -> Vec<Value> {
    let one = |id: u64, user_id: Value, email: &str| {
        json!({"id": id, "name": "Old", "email": email, "userId": user_id, "company": null, "phone": null,
            "tags": [], "customData": {}})
    };
    vec![
        one(1, json!("u1"), "ann@example.com"),
        one(2, Value::Null, "two@example.com"),
    ]
}

fn bench(faults: &str) -> Bench {
    let bench = Bench::with(customers(), faults);
    bench.write("hcsync.toml", MERGE).write("in.csv", ROWS);
    bench
}

#[test]
fn rows_of_one_customer_are_merged_into_the_first() {
    let bench = bench("");
    let ran = bench.run("sync in.csv").exits(3);
    let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let note = "rows that are merged into an earlier row of the same customer, and skipped: 5";
    assert!(said.contains(note), "{}", ran.out);
    let run = bench.only_run();
    run.check_results();
    fits("results", &run.results());
    assert_eq!(
        run.statuses(),
        [
            "updated", "created", "skipped", "skipped", "updated", "skipped", "created", "skipped",
            "skipped", "rejected"
        ]
    );
    let into: Vec<_> = run
        .results()
        .iter()
        .map(|r| r["merged_into"].as_u64())
        .collect();
    let (one, new, two, last) = (Some(1), Some(2), Some(5), Some(7));
    assert_eq!(
        into,
        [None, None, one, new, None, two, None, last, last, None]
    );
    assert_eq!(run.results()[9]["error"]["code"], "conflict");
    let by_user = |id: &str| {
        let all = bench.sandbox().customers();
        all.into_iter().find(|c| c["userId"] == *id).unwrap()
    };
    let tags = |customer: &Value| {
        let tags = customer["tags"].as_array().unwrap().iter();
        let mut names: Vec<_> = tags
            .map(|t| t["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let ann = by_user("u1");
    assert_eq!(
        (&ann["name"], &ann["company"]),
        (&json!("Ann"), &json!("Ann Ltd"))
    );
    assert_eq!(ann["customData"]["plan"], "pro");
    assert_eq!(tags(&ann), ["lead", "vip"]);
    assert_eq!(by_user("u2")["company"], "Two Ltd");
    let new1 = by_user("new1");
    assert_eq!(
        (&new1["name"], &new1["company"]),
        (&json!("New One"), &json!("Firm"))
    );
    assert_eq!(new1["customData"]["plan"], "free");
    let new2 = by_user("new2");
    assert_eq!(new2["email"], "new2@example.com");
    assert_eq!(tags(&new2), ["a", "b", "c"]);
    assert_eq!(bench.sandbox().customers().len(), 4);

    let (before, writes) = (bench.runs(), bench.writes());
    let _ = bench.run("sync in.csv").exits(3);
    let second = bench.run_since(&before);
    second.check_results();
    assert_eq!(bench.writes(), writes, "a second sync writes nothing");
    assert_eq!(second.count("unchanged"), 4);
    assert_eq!(second.count("skipped"), 5);
}

#[test]
fn a_dry_run_says_the_same() {
    let bench = bench("");
    let _ = bench.run("sync in.csv --dry-run").exits(3);
    let run = bench.only_run();
    run.check_results();
    assert_eq!(run.count("skipped"), 5);
    assert_eq!(run.summary()["planned"]["skipped"], 5);
    assert_eq!(run.summary()["planned"]["create"], 2);
}

#[test]
fn where_the_first_row_fails_so_do_those_merged_into_it() {
    let bench =
        bench("[[fault]]\nkind = \"status\"\nstatus = 400\nendpoint = \"create\"\nnth = 1\n");
    let _ = bench
        .run("sync in.csv --concurrency 1 --rejected bad.csv")
        .exits(3);
    let run = bench.only_run();
    run.check_results();
    let results = run.results();
    assert_eq!(
        (&results[1]["status"], &results[3]["status"]),
        (&json!("failed"), &json!("failed"))
    );
    let message = results[3]["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("row 2, into which it was merged"),
        "{message}"
    );
    let rejected = read_text(&bench.path("bad.csv"));
    assert!(rejected.contains("NEW1@example.com") && rejected.contains("new1@example.com"));
    assert!(!rejected.contains("new2"));
    // Fed back, nothing of what they say is lost.
    let before = bench.runs();
    let _ = bench.run("sync bad.csv").exits(3);
    let again = bench.run_since(&before);
    assert_eq!(again.statuses(), ["created", "skipped", "rejected"]);
    let all = bench.sandbox().customers();
    let new1 = all.iter().find(|c| c["userId"] == "new1").unwrap();
    assert_eq!(new1["name"], "New One");
}

#[test]
fn a_stopped_run_goes_on_with_what_all_rows_want() {
    let bench = bench("");
    let _ = bench.run("sync in.csv --max-requests 5 --yes").exits(7);
    let run = bench.only_run();
    run.check_results();
    let results = run.results();
    for (first, merged) in [(0, 2), (1, 3), (4, 5), (6, 7), (6, 8)] {
        let reached = results[first]["status"] != "pending";
        let status = if reached { "skipped" } else { "pending" };
        assert_eq!(results[merged]["status"], status, "{merged}");
    }
    assert!(run.count("pending") > 0);
    let _ = bench.run("resume").exits(3);
    run.check_results();
    assert_eq!(run.count("skipped"), 5);
    let all = bench.sandbox().customers();
    let new2 = all.iter().find(|c| c["userId"] == "new2").unwrap();
    assert_eq!(new2["tags"].as_array().unwrap().len(), 3);
}

#[test]
fn rows_that_are_merged_do_not_make_a_right_key_column_look_wrong() {
    let customer = |n: u64| json!({"id": n, "userId": format!("u{n}"), "name": "Old"});
    let bench = Bench::with((1..=100).map(customer).collect(), "");
    let mut rows = String::from("userId,name,company\nnew,New,\n");
    for n in 1..=20 {
        rows += &format!("u{n},Old,\nu{n},,Firm\nu{n},Other,\n");
    }
    bench.write("hcsync.toml", MERGE).write("in.csv", rows);
    let _ = bench.run("sync in.csv").exits(0);
    let run = bench.only_run();
    assert_eq!((run.count("updated"), run.count("skipped")), (20, 40));
}
