//! `why`: what runs did with a row or customer, newest first, from their files alone, and what would happen today.

use std::collections::BTreeSet;

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::{Value, json};

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
    let mut command = bench.bare(&all);
    command.env("TZ", "UTC");
    Running::start(command).wait()
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
        "customer 7, found by its userId",
        "already as wanted: email, userId",
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
    // Its e-mail address is no key, and still the row is found by it.
    let _ = why(&bench, "not-an-address").exits(0).shows(&["row 2"]);
    let none = why(&bench, "an-address").exits(0);
    let _ = none.shows(&["0 records of 2 runs"]);
    let none = why(&bench, "2").exits(0);
    let _ = none.shows(&["0 records of 2 runs"]);
    let _ = why(&bench, "u1 --run nothing")
        .exits(2)
        .says(&["hcsync runs"]);
}

fn id_of(run: &std::path::Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn dry_runs_are_shown_only_by_their_id() {
    let bench = bench();
    let before = bench.runs();
    let _ = bench.run("sync in.csv --dry-run").exits(0);
    bench.write("in.csv", "userId,company\nu1,Initech\n");
    let _ = bench.run("sync in.csv --dry-run").exits(0);
    let _ = why(&bench, "u1").exits(0).shows(&["2 records of 2 runs"]);
    let dry: Vec<_> = bench.runs();
    let newest = dry
        .iter()
        .filter(|run| !before.contains(run))
        .max()
        .unwrap();
    let shown = why(&bench, &format!("u1 --run {}", id_of(newest))).exits(0);
    let _ = shown.shows(&["dry run: would update", "company: Globex → Initech"]);
}

const LEFT: &str = "[fields]\nuserId = \"userId\"\nname = \"name\"\n\
    phone = { column = \"phone\", overwrite = \"if_empty\" }\n\
    company = { column = \"company\", overwrite = \"if_unedited\" }\n\
    locale = { column = \"locale\", on_invalid = \"skip\" }\n\
    unsubscribed = \"unsubscribed\"\nnotes = \"notes\"\n\
    firstSeen = \"firstSeen\"\n\
    [custom_data]\nplan = { column = \"plan\", overwrite = \"if_empty\" }\n";

#[test]
fn what_is_left_alone_is_shown_with_the_reason() {
    let there = json!({
        "id": 7, "userId": "u1", "name": "Old", "phone": "+380440000001", "company": "Theirs",
        "unsubscribed": true, "notes": "mine", "firstSeen": 1_600_000_000,
        "customData": {"plan": "free"},
    });
    let bench = Bench::with(vec![there], "");
    bench.write("hcsync.toml", LEFT);
    bench.write(
        "in.csv",
        "userId,name,phone,company,locale,unsubscribed,notes,firstSeen,plan\n\
         u1,New,+380440000002,Ours,elvish,false,,2021-01-01,pro\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    let entry = why(&bench, "u1 --output json").exits(0).json()["entries"][0].clone();
    let left: Vec<_> = entry["left"].as_array().unwrap().iter().collect();
    let value = |field: &str, reason: &str, before: &str, wish: &str| json!({"field": field, "reason": reason, "before": before, "wish": wish});
    let expected = [
        json!({"field": "locale", "reason": "invalid"}),
        value("phone", "if_empty", "+380440000001", "+380440000002"),
        value("company", "if_unedited", "Theirs", "Ours"),
        value("unsubscribed", "one_way", "true", "false"),
        value("customData.plan", "if_empty", "free", "pro"),
        json!({"field": "notes", "reason": "no_value"}),
    ];
    let mut sorted: Vec<Value> = left.into_iter().cloned().collect();
    sorted.sort_by_key(|left| expected.iter().position(|e| e == left));
    assert_eq!(sorted, expected, "{entry}");
    assert_eq!(entry["same"], json!(["userId"]));
    assert_eq!(entry["matched_by"], "userId");
    let _ = why(&bench, "u1").exits(0).shows(&[
        "name: Old → New",
        "firstSeen: 2020-09-13T12:26:40Z → 2021-01-01T00:00:00Z",
        "phone: stays +380440000001, although the row says +380440000002",
        "the row has no value, so what HelpCrunch has is kept: notes",
    ]);
}

#[test]
fn a_run_that_was_refused_says_so() {
    let bench = bench();
    let rows: String = (10..30).map(|n| format!("u{n},,\n")).collect();
    bench.write("in.csv", format!("userId,email,company\n{rows}"));
    let _ = bench.run("sync in.csv --max-creates 5").exits(4);
    let _ = why(&bench, "u10")
        .exits(0)
        .shows(&["pending", "the run sent nothing", "create"]);
}

#[test]
fn a_duplicate_a_conflict_and_an_ambiguous_row_name_the_others() {
    let there =
        |id: u64, user_id: &str, email: &str| json!({"id": id, "userId": user_id, "email": email});
    let bench = Bench::with(
        vec![
            there(1, "a", "one@example.org"),
            there(2, "b", "two@example.org"),
            there(3, "c", "two@example.org"),
        ],
        "",
    );
    bench.write(
        "in.csv",
        "userId,email,name\na,,Ann\na,,Anna\nz,one@example.org,Zoe\n,two@example.org,Tom\n",
    );
    let _ = bench.run("sync in.csv --max-rejected-percent 0").exits(3);
    for (query, code) in [
        ("one@example.org", "conflict"),
        ("two@example.org", "ambiguous"),
    ] {
        let entry = why(&bench, &format!("{query} --output json"))
            .exits(0)
            .json();
        assert_eq!(
            entry["entries"][0]["result"]["error"]["code"], code,
            "{entry}"
        );
        // It would be so today, too.
        let now = now(&bench, query);
        assert_eq!(now["status"], "rejected", "{now}");
        assert_eq!(now["error"]["code"], code);
    }
    agent(&bench, 3, json!({"email": "three@example.org"}));
    let now = now(&bench, "two@example.org");
    assert_eq!(
        (&now["status"], &now["customer_id"]),
        (&json!("would_update"), &json!(2))
    );
}

/// What would happen today.
fn now(bench: &Bench, query: &str) -> Value {
    let writes = bench.writes();
    let why = bench.run(&format!("why {query} --now --output json"));
    assert_eq!(bench.writes(), writes, "nothing is written");
    why.exits(0).json()["today"].clone()
}

fn agent(bench: &Bench, customer: u64, fields: Value) {
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(customer)),
        set: fields.as_object().unwrap().clone(),
        ..AgentEdit::default()
    };
    bench.sandbox().agent(&edit).unwrap();
}

#[test]
fn the_newest_row_is_planned_against_the_customer_as_it_is_now() {
    let bench = bench();
    let unchanged = now(&bench, "u1");
    assert_eq!(unchanged["status"], "unchanged");
    assert_eq!(
        (&unchanged["customer_id"], &unchanged["of"]["row"]),
        (&json!(7), &json!(1))
    );
    agent(&bench, 7, json!({"company": "Agent"}));
    let requests = bench.requests().len();
    let changed = now(&bench, "ann@example.org");
    assert!(bench.requests().len() - requests <= 3);
    assert_eq!(changed["status"], "would_update");
    assert_eq!(changed["changes"][0]["old"], "Agent");
    assert_eq!(changed["changes"][0]["new"], "Globex");
    let text = bench.run("why 7 --now").exits(0);
    let _ = text.shows(&["Today: the row would be written", "company: Agent → Globex"]);
    let line = bench.run("why 7 --now -q").exits(0);
    assert_eq!(
        line.out,
        "2 records of 2 runs for `7`; today: the row would be written\n"
    );
    // Another key of its own: the row would find it by the other one.
    agent(&bench, 7, json!({"userId": "u9"}));
    assert_eq!(now(&bench, "u1")["error"]["code"], "conflict");
}

#[test]
fn a_customer_that_is_gone_and_a_row_that_is_not_kept_are_named() {
    let bench = bench();
    let deleted = AgentEdit {
        customer: Some(EditTarget::Id(7)),
        delete: true,
        ..AgentEdit::default()
    };
    bench.sandbox().agent(&deleted).unwrap();
    let gone = now(&bench, "u1");
    assert_eq!(
        (&gone["status"], &gone["gone"]),
        (&json!("would_create"), &json!(7))
    );
    let text = bench.run("why u1 --now").exits(0);
    let _ = text.shows(&[
        "customer 7 does not exist any more",
        "would create a customer",
    ]);

    let rejected = now(&bench, "u2");
    assert_eq!(
        (&rejected["status"], &rejected["error"]["code"]),
        (&json!("rejected"), &json!("bad_email"))
    );

    let customer = json!({"userId": "u5", "email": "eve@example.org"});
    let created = AgentEdit {
        create: Some(customer.as_object().unwrap().clone()),
        ..AgentEdit::default()
    };
    let id = bench.sandbox().agent(&created).unwrap();
    for query in [
        "u5".to_owned(),
        "EVE@example.org".to_owned(),
        id.to_string(),
    ] {
        let unknown = now(&bench, &query);
        assert_eq!(unknown["status"], Value::Null);
        assert_eq!(
            (&unknown["customer_id"], &unknown["of"]),
            (&json!(id), &Value::Null)
        );
    }
    let text = bench.run("why no-such-key --now").exits(0);
    let _ = text.shows(&["no customer was found, and no run keeps a row for it"]);
}

#[test]
fn the_rules_of_the_run_hold_today_too() {
    let there = json!({"id": 7, "userId": "u1", "name": "Old", "phone": "+380440000001"});
    let bench = Bench::with(vec![there], "");
    bench.write("hcsync.toml", LEFT);
    bench.write(
        "in.csv",
        "userId,name,phone,company,locale,unsubscribed,notes,firstSeen,plan\nu1,New,+380440000002,,,,,,\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    let today = now(&bench, "u1");
    assert_eq!(today["status"], "unchanged");
    assert_eq!(today["left"][0]["reason"], "if_empty");
    agent(&bench, 7, json!({"phone": null}));
    let today = now(&bench, "u1");
    assert_eq!(today["changes"][0]["new"], "+380440000002");
    // An account that is not the run's is not read.
    let mut command = bench.command("why u1 --now");
    command.env("HELPCRUNCH_API_KEY", "another-key");
    let refused = Running::start(command).wait();
    let _ = refused.exits(2).says(&["account"]);
}

/// Without times, ids of runs and ids of created customers.
fn stable(text: &str, run: &str, row: &Value) -> String {
    let mut stable = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(" UTC") {
        stable.push_str(&rest[..at - 16]);
        stable.push_str("TIME");
        rest = &rest[at + 4..];
    }
    stable.push_str(rest);
    let stable = stable.replace(run, "RUN");
    match row["status"].as_str() {
        Some("created") => {
            stable.replace(&format!("customer {}", row["customer_id"]), "customer ID")
        }
        _ => stable,
    }
}

#[test]
fn each_status_and_cause_of_the_sample_data_has_an_answer() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let _ = bench.run("sync customers.csv").exits(3);
    let run = id_of(&bench.runs()[0]);
    let mut seen = BTreeSet::new();
    let mut answers = String::new();
    for row in bench.only_run().results() {
        let cause = (row["status"].to_string(), row["error"]["code"].to_string());
        if !seen.insert(cause) {
            continue;
        }
        let answer = why(&bench, &format!("{} --run {run}", row["row"])).exits(0);
        answers.push_str(&stable(&answer.out, &run, &row));
        answers.push('\n');
    }
    insta::assert_snapshot!(answers);
}

#[test]
fn rows_that_failed_were_not_reached_or_became_stale_are_explained() {
    let there = |id: u64| json!({"id": id, "userId": format!("u{id}"), "company": "Old"});
    let refused = "[[fault]]\nkind = \"status\"\nstatus = 418\nendpoint = \"patch\"\nnth = 1\n";
    let bench = Bench::with(vec![there(1), there(2)], refused);
    bench.write("in.csv", "userId,company\nu1,New\n");
    let _ = bench.run("sync in.csv").exits(3);
    let failed = why(&bench, "u1").exits(0);
    let _ = failed.shows(&[": failed", "patch: failed, HTTP 418", "company: Old → New"]);

    bench.write("in.csv", "userId,company\nu2,New\n");
    let _ = bench.run("sync in.csv --max-requests 1").exits(7);
    let pending = why(&bench, "u2").exits(0);
    let _ = pending.shows(&[": pending", "patch: planned"]);
    let _ = bench.run("resume").exits(0);
    let _ = why(&bench, "u2").exits(0).shows(&[": updated"]);

    bench.write("in.csv", "userId,company\nu1,Newest\n");
    let _ = bench.run("plan in.csv --out in.plan").exits(0);
    agent(&bench, 1, json!({"company": "Agent"}));
    let _ = bench.run("apply in.plan").exits(3);
    let stale = why(&bench, "u1").exits(0);
    let _ = stale.shows(&["apply", "company changed since the plan was made"]);
    // A saved plan does not keep what its rows want: the newest row that does is of the sync.
    let now = now(&bench, "u1");
    assert_eq!(now["changes"][0]["new"], "New", "{now}");
}
