//! `--canary`: a few customers first, and the rest only if nothing changed that the plan does not name.

use hcsync::sandbox::Endpoint;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran};

const CONFIG: &str = "[fields]\nuserId = \"userId\"\nname = \"name\"\ncompany = \"company\"\n\
    [tags]\ncolumn = \"tags\"\n[safety]\nmax_change_percent = 0\n";

fn bench(scenario: &str) -> Bench {
    let customer = |id: u64| {
        json!({
            "id": id, "userId": format!("u{id}"), "name": "Old", "company": "Acme", "phone": format!("+38044000{id}"),
            "customData": {"seats": 3}, "tags": [{"name": "vip", "color": "#ff0000"}],
        })
    };
    let bench = Bench::with((1..=20).map(customer).collect(), scenario);
    bench.write("hcsync.toml", CONFIG);
    let mut rows = String::from("userId,name,company,tags\n");
    for user in 1..=20 {
        // Only the last ones change the company and get a tag.
        let (company, tag) = if user > 18 {
            ("Other", "new")
        } else {
            ("Acme", "")
        };
        rows.push_str(&format!("u{user},Name {user},{company},{tag}\n"));
    }
    rows.push_str("u99,New,Acme,\n");
    bench.write("in.csv", rows);
    bench
}

/// The customers, without the times that the server keeps.
fn customers(bench: &Bench) -> Vec<Value> {
    let mut customers = bench.sandbox().customers();
    for customer in &mut customers {
        let members = customer.as_object_mut().unwrap();
        members.retain(|name, _| !name.ends_with("At") && name != "lastSeen");
    }
    customers
}

fn next_command(ran: &Ran) -> String {
    let line = ran.err.lines().chain(ran.out.lines());
    let mut found = line.filter_map(|line| line.find("hcsync undo").map(|at| &line[at..]));
    let words = found.next_back().unwrap().split_whitespace().skip(1);
    let words: Vec<&str> = words.take_while(|word| !word.starts_with("--")).collect();
    words.join(" ")
}

#[test]
fn a_patch_that_wipes_a_field_stops_the_run_after_the_canary_and_undo_restores() {
    let bench = bench("[quirks]\npatch-wipes = [\"phone\"]\n");
    let at_first = customers(&bench);
    let stopped = bench.run("sync in.csv --canary 3").exits(1);
    let stopped = stopped.says(&["canary", "phone"]);
    let patched = bench
        .requests()
        .iter()
        .filter(|r| r.endpoint == Endpoint::Patch)
        .count();
    assert!((1..=3).contains(&patched), "{patched}");
    let wiped = customers(&bench)
        .iter()
        .filter(|c| c["phone"].is_null())
        .count();
    assert!(wiped >= patched, "{wiped}");
    let _ = bench.run(&next_command(&stopped)).exits(0);
    let now = customers(&bench);
    assert_eq!(now[..20], at_first[..]);
}

#[test]
fn without_a_canary_nothing_is_noticed() {
    let bench = bench("[quirks]\npatch-wipes = [\"phone\"]\n");
    let _ = bench.run("sync in.csv").exits(0);
    let wiped = customers(&bench)
        .iter()
        .filter(|c| c["phone"].is_null())
        .count();
    assert_eq!(wiped, 21);
}

#[test]
fn a_canary_without_surprises_is_followed_by_the_rest() {
    let bench = bench("");
    let before = bench.runs();
    let _ = bench.run("sync in.csv --canary 4").exits(0);
    let summary = bench.run_since(&before).summary();
    assert_eq!(
        (
            &summary["results"]["updated"],
            &summary["results"]["created"]
        ),
        (&json!(20), &json!(1))
    );
    let writes = bench.writes();
    let _ = bench.run("sync in.csv --canary 4").exits(0);
    assert_eq!(bench.writes(), writes);
}

#[test]
fn a_paused_canary_covers_the_plan_and_is_resumed() {
    let bench = bench("");
    let before = bench.runs();
    let paused = bench.run("sync in.csv --canary 4 --pause").exits(7);
    let _ = paused.says(&["The rest waits", "hcsync resume"]);
    let run = bench.run_since(&before);
    assert_eq!(run.summary()["results"]["pending"], 17);
    let changed: Vec<Value> = customers(&bench)
        .into_iter()
        .filter(|c| c["name"] != "Old")
        .collect();
    // The create, a name, and a company with a tag are among the four.
    assert_eq!(changed.len(), 4);
    assert!(changed.iter().any(|c| c["userId"] == "u99"));
    assert!(changed.iter().any(|c| c["company"] == "Other"));
    let _ = bench.run("resume").exits(0);
    let old = customers(&bench)
        .iter()
        .filter(|c| c["name"] == "Old")
        .count();
    assert_eq!(old, 0);
}

#[test]
fn an_edit_between_stops_the_run_and_stays() {
    let agent = "[[agent]]\nwhen = \"after\"\nendpoint = \"patch\"\nnth = [1]\ncustomer = \"target\"\nset = { notes = \"called\" }\n";
    let bench = bench(agent);
    let stopped = bench.run("sync in.csv --canary 1").exits(1);
    let stopped = stopped.says(&["notes", "agent"]);
    assert_eq!(
        customers(&bench)
            .iter()
            .filter(|c| c["name"] != "Old")
            .count(),
        1
    );
    let _ = bench.run(&next_command(&stopped)).exits(0);
    let now = customers(&bench);
    assert_eq!(now.iter().filter(|c| c["name"] != "Old").count(), 0);
    assert_eq!(now.iter().filter(|c| c["notes"] == "called").count(), 1);
}

#[test]
fn failures_of_the_canary_count_for_the_rest() {
    let bench = bench("[[fault]]\nkind = \"status\"\nstatus = 422\nendpoint = \"patch\"\n");
    bench.write(
        "hcsync.toml",
        format!("{CONFIG}max_failures = 3\n[limits]\nconcurrency = 1\n"),
    );
    let before = bench.runs();
    let _ = bench.run("sync in.csv --canary 2").exits(1);
    let summary = bench.run_since(&before).summary();
    assert_eq!(summary["results"]["failed"], 3, "{summary:#}");
}

#[test]
fn a_saved_plan_has_a_canary_too() {
    let bench = bench("[quirks]\npatch-wipes = [\"phone\"]\n");
    let _ = bench.run("plan in.csv --out saved.plan").exits(0);
    let _ = bench
        .run("apply saved.plan --canary 2")
        .exits(1)
        .says(&["phone"]);
    let wiped = customers(&bench)
        .iter()
        .filter(|c| c["phone"].is_null())
        .count();
    assert!(wiped <= 3, "{wiped}");
}
