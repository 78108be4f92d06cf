//! `[sync] missing`: customers that the input no longer holds.

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::{Value, json};

use crate::bench::{Bench, Running};

const FIELDS: &str = "[fields]\nuserId = \"userId\"\nemail = \"email\"\nname = \"name\"\n[sync]\n";

fn rows(users: impl IntoIterator<Item = u64>) -> String {
    let mut text = String::from("userId,email,name\n");
    for user in users {
        text.push_str(&format!("u{user},u{user}@example.com,Name {user}\n"));
    }
    text
}

fn bench(sync: &str) -> Bench {
    // One customer that no row ever matched.
    let bench = Bench::with(vec![json!({"id": 1, "userId": "foreign"})], "");
    bench.write("hcsync.toml", format!("{FIELDS}{sync}\n"));
    bench
}

fn sync(bench: &Bench, users: impl IntoIterator<Item = u64>) {
    bench.write("in.csv", rows(users));
    let _ = bench.run("sync in.csv").exits(0);
}

/// The userIds of the customers for which this holds.
fn users(bench: &Bench, holds: impl Fn(&Value) -> bool) -> Vec<String> {
    let customers = bench.sandbox().customers().into_iter();
    let users = customers.filter(|customer| holds(customer));
    let mut users: Vec<String> = users
        .map(|customer| customer["userId"].as_str().unwrap().to_owned())
        .collect();
    users.sort_by_key(|user| user.trim_start_matches('u').parse::<u64>().unwrap_or(0));
    users
}

fn tagged(bench: &Bench) -> Vec<String> {
    users(bench, |customer| {
        let tags = customer["tags"].as_array().unwrap();
        tags.iter().any(|tag| tag["name"] == "left-crm")
    })
}

fn agent(bench: &Bench, user: &str, edit: AgentEdit) {
    let customers = bench.sandbox().customers();
    let customer = customers.iter().find(|c| c["userId"] == user).unwrap();
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(customer["id"].as_u64().unwrap())),
        ..edit
    };
    bench.sandbox().agent(&edit).unwrap();
}

#[test]
fn two_of_a_thousand_are_tagged_and_untagged_when_they_are_back() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=1_000);
    assert_eq!(tagged(&bench), [""; 0]);
    bench.write(
        "in.csv",
        rows((1..=1_000).filter(|user| ![7, 500].contains(user))),
    );
    let writes = bench.writes();
    let _ = bench.run("plan in.csv").exits(0).shows(&[
        "~2 to tag",
        "2 customers that the input no longer holds, to be tagged",
    ]);
    assert_eq!(bench.writes(), writes);
    let before = bench.runs();
    let _ = bench
        .run("sync in.csv --results all.jsonl --changes changes.csv")
        .exits(0)
        .shows(&["~2 updated (no longer in the input)"]);
    assert_eq!(tagged(&bench), ["u7", "u500"]);

    let run = bench.run_since(&before);
    let summary = run.summary();
    assert_eq!(summary["input"]["rows"], 998);
    assert_eq!(summary["results"]["unchanged"], 998);
    assert_eq!(
        (&summary["missing"]["updated"], &summary["planned"]["tag"]),
        (&json!(2), &json!(2))
    );
    let results = std::fs::read_to_string(bench.path("all.jsonl")).unwrap();
    let results: Vec<Value> = results
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(results.len(), 1_000);
    let last = &results[999];
    assert_eq!(
        (&last["row"], &last["missing"], &last["line"]),
        (&json!(1_000), &json!(true), &json!(0))
    );
    assert_eq!(
        (&last["key"]["userId"], &last["status"]),
        (&json!("u500"), &json!("updated"))
    );
    let changes = std::fs::read_to_string(bench.path("changes.csv")).unwrap();
    assert_eq!(changes.matches("left-crm").count(), 2);

    let why = Running::start(bench.bare(&["why", "u500", "--state-dir", "state"]));
    let why = why.wait().exits(0);
    let _ = why.shows(&["no longer in the input", "tags: (none) → left-crm"]);

    // A second time nothing is planned, whatever way the customers are read.
    let writes = bench.writes();
    for words in ["sync in.csv", "sync in.csv --refresh"] {
        let _ = bench.run(words).exits(0).shows(&["Nothing to change"]);
    }
    assert_eq!(bench.writes(), writes);

    // One is back and otherwise unchanged, the other stays away.
    sync(&bench, (1..=1_000).filter(|user| *user != 500));
    assert_eq!(tagged(&bench), ["u500"]);
    sync(&bench, 1..=1_000);
    assert_eq!(tagged(&bench), [""; 0]);
    let writes = bench.writes();
    let _ = bench
        .run("sync in.csv")
        .exits(0)
        .shows(&["Nothing to change"]);
    assert_eq!(bench.writes(), writes);
}

#[test]
fn a_source_that_lost_half_its_rows_is_refused() {
    for action in ["tag", "block", "delete"] {
        let bench = bench(&format!("missing = \"{action}\""));
        sync(&bench, 1..=40);
        bench.write("in.csv", rows(1..=20));
        let writes = bench.writes();
        let refused = bench.run("sync in.csv --yes").exits(4);
        let _ = refused.says(&["max_missing_percent", "from 40 to 20 rows"]);
        let _ = bench
            .run("plan in.csv")
            .exits(0)
            .shows(&["a sync would refuse this plan"]);
        let _ = bench.run("plan in.csv --out half.plan").exits(0);
        let _ = bench.run("apply half.plan --yes").exits(4);
        assert_eq!(bench.writes(), writes, "{action}");
    }
}

#[test]
fn other_people_in_as_many_rows_are_refused() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=40);
    bench.write("in.csv", rows(21..=60));
    let words = "sync in.csv --min-match-percent 0";
    let _ = bench.run(words).exits(4).says(&["max_missing_percent"]);
    let _ = bench
        .run(&format!("{words} --max-missing-percent 50"))
        .exits(0);
    assert_eq!(tagged(&bench).len(), 20);
}

#[test]
fn an_input_that_is_not_whole_is_refused() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=40);
    let writes = bench.writes();
    let _ = bench
        .run("sync in.csv --limit 39")
        .exits(4)
        .says(&["--limit", "--missing ignore"]);
    let mut text = rows(1..=39);
    text.push_str("u40,not an address,Name 40\n");
    bench.write("in.csv", text);
    let _ = bench.run("sync in.csv").exits(4).says(&["rejected"]);
    bench.write("in.csv", rows(1..=40));
    let filtered = format!("{FIELDS}missing = \"tag\"\n[rows]\nwhere = \"name != 'Name 40'\"\n");
    bench.write("hcsync.toml", filtered);
    let _ = bench.run("sync in.csv").exits(4).says(&["rows.where"]);
    assert_eq!(bench.writes(), writes);
    // The rest is sent if nothing is to be done about them.
    let _ = bench.run("sync in.csv --missing ignore").exits(0);
    assert_eq!(tagged(&bench), [""; 0]);
}

#[test]
fn only_customers_of_the_same_config_and_keys_are_missing() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=40);
    bench.write("in.csv", rows(1..=39));
    bench.write("other.toml", format!("{FIELDS}missing = \"tag\"\n"));
    let _ = bench.run("sync in.csv --config other.toml").exits(0);
    assert_eq!(tagged(&bench), [""; 0]);
    let by_email = format!("{FIELDS}missing = \"tag\"\n[match]\nkeys = [\"email\"]\n");
    bench.write("hcsync.toml", by_email);
    let _ = bench.run("sync in.csv").exits(0);
    assert_eq!(tagged(&bench), [""; 0]);
    bench.write("hcsync.toml", format!("{FIELDS}missing = \"tag\"\n"));
    let _ = bench.run("sync in.csv").exits(0);
    assert_eq!(tagged(&bench), ["u40"]);
}

#[test]
fn scope_limits_whom_it_may_touch_and_a_foreign_tag_stays() {
    let bench = bench("missing = \"tag\"\nscope = \"company != 'Partner'\"");
    sync(&bench, 1..=100);
    let mut set = serde_json::Map::new();
    set.insert("company".into(), json!("Partner"));
    agent(
        &bench,
        "u1",
        AgentEdit {
            set,
            ..AgentEdit::default()
        },
    );
    // This one was tagged by an agent, so that hcsync never takes the tag off.
    let tags = vec!["left-crm".to_owned()];
    agent(
        &bench,
        "u2",
        AgentEdit {
            tags,
            ..AgentEdit::default()
        },
    );
    bench.write("in.csv", rows(4..=100));
    let _ = bench.run("sync in.csv --refresh").exits(0);
    assert_eq!(tagged(&bench), ["u2", "u3"]);
    sync(&bench, 1..=100);
    assert_eq!(tagged(&bench), ["u2"]);
    bench.write(
        "hcsync.toml",
        format!("{FIELDS}missing = \"tag\"\nscope = \"compny == 'x'\"\n"),
    );
    let _ = bench
        .run("sync in.csv")
        .exits(2)
        .says(&["did you mean `company`?"]);
}

#[test]
fn block_blocks_once_and_an_undo_unblocks() {
    let bench = bench("missing = \"block\"");
    sync(&bench, 1..=100);
    let before = bench.runs();
    sync(&bench, 3..=100);
    let blocked = |bench: &Bench| users(bench, |customer| customer["blocked"] == true);
    assert_eq!(blocked(&bench), ["u1", "u2"]);
    let writes = bench.writes();
    sync(&bench, 3..=100);
    assert_eq!(bench.writes(), writes);
    let run = bench
        .runs()
        .into_iter()
        .find(|run| !before.contains(run))
        .unwrap();
    let run = run.file_name().unwrap().to_str().unwrap().to_owned();
    let _ = bench.run(&format!("undo {run}")).exits(0);
    assert_eq!(blocked(&bench), [""; 0]);
    // An undo does not bring their rows back.
    sync(&bench, 3..=100);
    assert_eq!(blocked(&bench), ["u1", "u2"]);
}

#[test]
fn deletes_need_their_number_and_consent_the_first_time() {
    let bench = bench("missing = \"delete\"");
    sync(&bench, 1..=100);
    bench.write("in.csv", rows(3..=100));
    let writes = bench.writes();
    let _ = bench
        .run("sync in.csv --yes")
        .exits(4)
        .says(&["--allow-delete 2"]);
    for number in ["1", "3"] {
        let _ = bench
            .run(&format!("sync in.csv --yes --allow-delete {number}"))
            .exits(4);
    }
    let _ = bench
        .run("sync in.csv --yes --allow-delete 2")
        .exits(2)
        .says(&["first time", "terminal"]);
    assert_eq!(bench.writes(), writes);
    // Somebody agreed before.
    let tracked = tracked_file(&bench);
    let bytes = std::fs::read(&tracked).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let first = text.lines().next().unwrap();
    let agreed = first.replace("\"deletes_agreed\":false", "\"deletes_agreed\":true");
    assert_ne!(first, agreed);
    let mut changed = agreed.into_bytes();
    changed.extend_from_slice(&bytes[first.len()..]);
    std::fs::write(&tracked, changed).unwrap();
    let before = bench.runs();
    let _ = bench.run("sync in.csv --yes --allow-delete 2").exits(0);
    let left = users(&bench, |_| true);
    assert_eq!(left.len(), 99);
    assert!(left.contains(&"foreign".to_owned()) && !left.contains(&"u1".to_owned()));
    let summary = bench.run_since(&before).summary();
    assert_eq!(summary["planned"]["delete"], 2);
    let writes = bench.writes();
    let _ = bench
        .run("sync in.csv --yes")
        .exits(0)
        .shows(&["Nothing to change"]);
    assert_eq!(bench.writes(), writes);
}

fn tracked_file(bench: &Bench) -> std::path::PathBuf {
    let files = crate::bench::tree(&bench.path("state")).into_iter();
    let mut tracked = files.filter(|file| {
        file.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("tracked-")
    });
    tracked.next().unwrap()
}

#[test]
fn what_was_interrupted_is_done_by_resume_and_by_the_next_sync() {
    for ends_by_resume in [true, false] {
        let bench = bench("missing = \"tag\"");
        sync(&bench, 1..=200);
        bench.write("in.csv", rows(6..=200));
        let writes = bench.writes();
        let mut max = 1;
        let stopped = loop {
            let ran = bench.run(&format!("sync in.csv --max-requests {max}"));
            if bench.writes() > writes || ran.code == Some(0) {
                break ran;
            }
            max += 1;
        };
        let _ = stopped.exits(7);
        let words = if ends_by_resume {
            "resume"
        } else {
            "sync in.csv"
        };
        let _ = bench.run(words).exits(0);
        assert_eq!(tagged(&bench).len(), 5);
        assert_eq!(bench.writes() - writes, 5);
        // All are found again, those of the interrupted run too.
        sync(&bench, 1..=200);
        assert_eq!(tagged(&bench), [""; 0]);
    }
}

#[test]
fn a_saved_plan_tags_missing_customers_too() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=100);
    bench.write("in.csv", rows(3..=101));
    let _ = bench.run("plan in.csv --out saved.plan").exits(0);
    let before = bench.runs();
    let _ = bench.run("apply saved.plan").exits(0);
    assert_eq!(tagged(&bench), ["u1", "u2"]);
    let summary = bench.run_since(&before).summary();
    assert_eq!(
        (&summary["input"]["rows"], &summary["results"]["created"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(summary["missing"]["updated"], 2);
    let writes = bench.writes();
    let _ = bench.run("sync in.csv").exits(0);
    assert_eq!(bench.writes(), writes);
}

#[test]
fn a_customer_who_is_gone_is_no_longer_missing() {
    let bench = bench("missing = \"tag\"");
    sync(&bench, 1..=100);
    agent(
        &bench,
        "u1",
        AgentEdit {
            delete: true,
            ..AgentEdit::default()
        },
    );
    sync(&bench, 2..=100);
    assert_eq!(tagged(&bench), [""; 0]);
    let requests = bench.requests().len();
    sync(&bench, 2..=100);
    let after = bench.requests().len();
    sync(&bench, 2..=100);
    assert!(bench.requests().len() - after <= after - requests);
}
