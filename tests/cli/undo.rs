//! `undo`: a run is taken back value by value, and what was edited since stays.

use hcsync::sandbox::{AgentEdit, EditTarget, Endpoint};
use serde_json::{Value, json};

use crate::bench::{Bench, Running};

const CONFIG: &str = "[fields]\nuserId = \"userId\"\nname = \"name\"\ncompany = \"company\"\n\
    [custom_data]\nplan = \"plan\"\n\
    [tags]\ncolumn = \"tags\"\nmode = \"exact\"\n\
    [safety]\nmax_change_percent = 0\nmax_clear_percent = 0\n";

const ROWS: &str = "userId,name,company,plan,tags\n\
    u1,Ann New,Acme,pro,vip\n\
    u2,Bob New,Acme,pro,vip\n\
    u3,Eve,,,\n";

fn bench() -> Bench {
    let customer = |id: u64| {
        json!({
            "id": id, "userId": format!("u{id}"), "name": "Old", "company": null,
            "customData": {"plan": "free", "seats": 3},
            "tags": [{"name": "trial", "color": "#ff0000"}],
        })
    };
    let bench = Bench::with(vec![customer(1), customer(2)], "");
    bench.write("hcsync.toml", CONFIG);
    bench
}

/// Syncs the rows, and returns the id of the run.
fn synced(bench: &Bench) -> String {
    bench.write("in.csv", ROWS);
    let before = bench.runs();
    let _ = bench.run("sync in.csv").exits(0);
    id_of_run_since(bench, &before)
}

fn id_of_run_since(bench: &Bench, before: &[std::path::PathBuf]) -> String {
    let new = bench.runs().into_iter().find(|run| !before.contains(run));
    new.unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// All customers, without the times that the server keeps.
fn customers(bench: &Bench) -> Vec<Value> {
    let mut customers = bench.sandbox().customers();
    for customer in &mut customers {
        let members = customer.as_object_mut().unwrap();
        members.retain(|name, _| !name.ends_with("At") && name != "lastSeen");
        members
            .get_mut("tags")
            .unwrap()
            .as_array_mut()
            .unwrap()
            .sort_by_key(|t| t["name"].to_string());
    }
    customers
}

fn agent_sets(bench: &Bench, customer: u64, fields: Value) {
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(customer)),
        set: fields.as_object().unwrap().clone(),
        ..AgentEdit::default()
    };
    bench.sandbox().agent(&edit).unwrap();
}

#[test]
fn a_run_is_taken_back_and_created_customers_are_tagged() {
    let bench = bench();
    let at_first = customers(&bench);
    let run = synced(&bench);
    let after = customers(&bench);
    assert_eq!(after.len(), 3);
    assert_ne!(after[0], at_first[0]);
    let undone = bench.run(&format!("undo {run}")).exits(0);
    let tag = format!("hcsync-undo-{run}");
    let _ = undone.says(&["1 customer that the run created", &tag]);
    let now = customers(&bench);
    assert_eq!(now[..2], at_first[..]);
    assert_eq!(now[2]["name"], "Eve");
    assert_eq!(now[2]["tags"][0]["name"], tag.as_str());

    // There is nothing left to take back, and nothing is sent.
    let writes = bench.writes();
    let _ = bench.run(&format!("undo {run}")).exits(0);
    assert_eq!(bench.writes(), writes);
}

#[test]
fn edits_since_the_run_stay_and_are_listed() {
    let bench = bench();
    let run = synced(&bench);
    agent_sets(&bench, 1, json!({"name": "Ann by an agent"}));
    let undone = bench.run(&format!("undo {run}")).exits(0);
    let _ = undone.says(&["customer 1 (row 1) was edited since, and keeps: name"]);
    let now = customers(&bench);
    assert_eq!(now[0]["name"], "Ann by an agent");
    assert_eq!(
        (&now[0]["company"], &now[1]["name"]),
        (&Value::Null, &json!("Old"))
    );
    assert_eq!(now[0]["customData"], json!({"plan": "free", "seats": 3}));
}

#[test]
fn an_undo_can_be_undone() {
    let bench = bench();
    let run = synced(&bench);
    let synced = customers(&bench);
    let before = bench.runs();
    let _ = bench.run(&format!("undo {run}")).exits(0);
    let undo = id_of_run_since(&bench, &before);
    assert_ne!(customers(&bench), synced);
    let _ = bench.run(&format!("undo {undo}")).exits(0);
    assert_eq!(customers(&bench), synced);
}

#[test]
fn a_saved_undo_sends_nothing_until_it_is_applied() {
    let bench = bench();
    let at_first = customers(&bench);
    let run = synced(&bench);
    let writes = bench.writes();
    let _ = bench.run(&format!("undo {run} --out undo.plan")).exits(0);
    assert_eq!(bench.writes(), writes);
    let before = bench.runs();
    let _ = bench.run("apply undo.plan").exits(0);
    assert_eq!(customers(&bench)[..2], at_first[..]);
    let applied = id_of_run_since(&bench, &before);
    let runs = Running::start(bench.bare(&["runs", "--state-dir", "state"]));
    let runs = runs.wait().exits(0);
    let _ = runs.shows(&[&applied, &format!("takes back run {run}")]);
}

#[test]
fn a_run_that_was_stopped_is_taken_back_and_cannot_be_resumed() {
    let bench = bench();
    bench.write("in.csv", ROWS);
    let at_first = customers(&bench);
    let _ = bench.run("sync in.csv --max-requests 3").exits(7);
    let run = id_of_run_since(&bench, &[]);
    let _ = bench
        .run(&format!("undo {run} --out undo.plan"))
        .exits(2)
        .says(&["without --out"]);
    let _ = bench.run(&format!("undo {run}")).exits(0);
    assert_eq!(customers(&bench)[..2], at_first[..]);
    let _ = bench
        .run(&format!("resume {run}"))
        .exits(2)
        .says(&["took its place"]);
}

#[test]
fn what_sent_nothing_has_nothing_to_undo() {
    let bench = bench();
    bench.write("in.csv", ROWS);
    let _ = bench.run("sync in.csv --dry-run").exits(0);
    let run = id_of_run_since(&bench, &[]);
    let _ = bench
        .run(&format!("undo {run}"))
        .exits(2)
        .says(&["sent nothing"]);
    let _ = bench
        .run("undo no-such-run")
        .exits(2)
        .says(&["hcsync runs"]);
}

#[test]
fn an_undo_that_was_stopped_is_resumed() {
    let bench = bench();
    let at_first = customers(&bench);
    let run = synced(&bench);
    let before = bench.runs();
    let _ = bench.run(&format!("undo {run} --max-requests 5")).exits(7);
    let undo = id_of_run_since(&bench, &before);
    assert_ne!(customers(&bench)[..2], at_first[..]);
    let _ = bench.run(&format!("resume {undo}")).exits(0);
    assert_eq!(customers(&bench)[..2], at_first[..]);
}

const SEVERAL: &str = "userId,name,company,plan,tags\n\
    u1,Ann New,Acme,pro,vip\n\
    u11,Eve,Acme,pro,vip\n\
    u12,Flo,,,\n\
    u13,Gus,,,\n\
    u14,Hal,,,\n";

/// Syncs a change and four new customers, two of which agents edit, and one of which visits. Returns the id of the run.
fn synced_and_used(bench: &Bench) -> String {
    bench.write("in.csv", SEVERAL);
    let before = bench.runs();
    let _ = bench.run("sync in.csv").exits(0);
    let run = id_of_run_since(bench, &before);
    let id = |user_id: &str| {
        let customers = bench.sandbox().customers();
        let customer = customers.iter().find(|c| c["userId"] == user_id).unwrap();
        customer["id"].as_u64().unwrap()
    };
    agent_sets(bench, id("u12"), json!({"notes": "called"}));
    agent_sets(bench, id("u13"), json!({"lastSeen": "4102444800"}));
    run
}

fn user_ids(bench: &Bench) -> Vec<String> {
    let customers = bench.sandbox().customers();
    let ids = customers
        .iter()
        .map(|c| c["userId"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    // They are created at the same time.
    ids.sort();
    ids
}

#[test]
fn created_customers_are_deleted_if_nobody_edited_or_used_them() {
    let bench = bench();
    let at_first = customers(&bench);
    let run = synced_and_used(&bench);
    let shown = bench.run(&format!("undo {run} --delete-created --out undo.plan"));
    let _ = shown.exits(0).shows(&["2 to delete", "3 to tag"]);
    assert_eq!(user_ids(&bench).len(), 6);
    let undone = bench.run(&format!("undo {run} --delete-created")).exits(0);
    let _ = undone.says(&[
        "2 customers that the run created: deleted",
        "2 customers that the run created: not deleted",
    ]);
    assert_eq!(user_ids(&bench), ["u1", "u12", "u13", "u2"]);
    assert_eq!(customers(&bench)[..2], at_first[..]);
    let deletes = |bench: &Bench| {
        let requests = bench.requests().into_iter();
        requests.filter(|r| r.endpoint == Endpoint::Delete).count()
    };
    assert_eq!(deletes(&bench), 2);

    // The saved plan is of before: both are gone, and nothing of it is sent again.
    let _ = bench.run("apply undo.plan").exits(3);
    assert_eq!(deletes(&bench), 2);
}

#[test]
fn what_was_edited_after_the_undo_was_planned_is_not_deleted() {
    let bench = bench();
    bench.write(
        "in.csv",
        "userId,name,company,plan,tags\nu11,Eve,,,\nu12,Flo,,,\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    let run = id_of_run_since(&bench, &[]);
    let _ = bench
        .run(&format!("undo {run} --delete-created --out undo.plan"))
        .exits(0);
    let customers = bench.sandbox().customers();
    let flo = customers.iter().find(|c| c["userId"] == "u12").unwrap();
    agent_sets(
        &bench,
        flo["id"].as_u64().unwrap(),
        json!({"notes": "called"}),
    );
    let _ = bench.run("apply undo.plan").exits(3).shows(&["1 failed"]);
    assert_eq!(user_ids(&bench), ["u1", "u12", "u2"]);
}

#[test]
fn deletes_whose_answer_was_cut_are_done_once() {
    for fault in ["\"cut-after\"", "\"cut-before\"", "\"html\"\nstatus = 502"] {
        let scenario = format!("[[fault]]\nkind = {fault}\nendpoint = \"delete\"\nnth = [1]\n");
        let bench = Bench::with(Vec::new(), &scenario);
        bench.write("in.csv", "userId,name\nu11,Eve\nu12,Flo\n");
        let _ = bench.run("sync in.csv").exits(0);
        let run = id_of_run_since(&bench, &[]);
        let _ = bench.run(&format!("undo {run} --delete-created")).exits(0);
        assert_eq!(bench.sandbox().customers().len(), 0, "{fault}");
    }
}

#[test]
fn an_undo_that_was_killed_between_deletes_is_resumed() {
    let bench = bench();
    let run = synced_and_used(&bench);
    let mut max = 4;
    loop {
        let before = bench.runs();
        let ended = bench.run(&format!("undo {run} --delete-created --max-requests {max}"));
        if ended.code == Some(0) {
            break;
        }
        let _ = ended.exits(7);
        let undo = id_of_run_since(&bench, &before);
        let mut resumed = bench.run(&format!("resume {undo} --max-requests 3"));
        while resumed.code == Some(7) {
            resumed = bench.run(&format!("resume {undo} --max-requests 3"));
        }
        let _ = resumed.exits(0);
        max += 1;
        assert_eq!(user_ids(&bench), ["u1", "u12", "u13", "u2"]);
    }
    assert!(max > 4);
}
