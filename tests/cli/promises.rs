//! Promises of the contract that were once not kept.

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, Running};

fn ann() -> Value {
    json!({"id": 7, "userId": "a", "email": "ann@example.com", "name": "Ann"})
}

/// HelpCrunch gives a new customer some values of its own, such as `firstSeen`: an empty cell that clears holds for
/// these too, and at once, so that a second sync plans nothing.
#[test]
fn an_empty_cell_that_clears_holds_for_a_new_customer() {
    let bench = Bench::with(vec![ann()], "");
    bench.write("hcsync.toml", "[rows]\nempty_cells = \"clear\"\n");
    bench.write(
        "in.csv",
        "userId,email,name,firstSeen\nnew,new@example.com,New,\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    let made = bench.sandbox().customers().pop().unwrap();
    assert_eq!(made["userId"], "new");
    assert_eq!(made["firstSeen"], Value::Null, "{made}");
    let before = bench.writes();
    let again = bench.run("sync in.csv").exits(0);
    assert!(again.out.contains("Nothing to change"), "{}", again.out);
    assert_eq!(bench.writes(), before);
}

/// A bench with a plan for the account of the usual key, and a config that may name that account.
fn planned(config: &str) -> Bench {
    let bench = Bench::with(vec![ann()], "");
    bench.write("hcsync.toml", config);
    bench.write("in.csv", "userId,name\nnew,New\n");
    let _ = bench.run("plan in.csv --out plan.jsonl").exits(0);
    bench
}

/// From now on the same address leads to another account, where the known customer is not.
fn swap_account(bench: &Bench) {
    let gone = AgentEdit {
        customer: Some(EditTarget::Id(7)),
        delete: true,
        ..AgentEdit::default()
    };
    bench.sandbox().agent(&gone).unwrap();
}

fn with_another_key(bench: &Bench, words: &str) -> Ran {
    let mut command = bench.command(words);
    command.env("HELPCRUNCH_API_KEY", "another-key");
    Running::start(command).wait()
}

#[test]
fn a_plan_for_a_named_account_never_runs_on_another() {
    let bench = planned("[api]\naccount = \"production\"\n");
    swap_account(&bench);
    let ran = with_another_key(&bench, "apply plan.jsonl").exits(2);
    assert!(ran.err.contains("another account"), "{}", ran.err);
    assert_eq!(bench.writes(), 0);
}

/// The same name on another machine, of whose account nothing is known there.
#[test]
fn a_name_alone_does_not_make_it_the_same_account() {
    let bench = planned("[api]\naccount = \"production\"\n");
    std::fs::rename(bench.path("state"), bench.path("away")).unwrap();
    let ran = with_another_key(&bench, "apply plan.jsonl").exits(2);
    assert!(ran.err.contains("another API key"), "{}", ran.err);
    assert_eq!(bench.writes(), 0);
    let _ = bench.run("apply plan.jsonl").exits(0);
}

#[test]
fn a_new_key_of_the_named_account_applies_its_plan() {
    let bench = planned("[api]\naccount = \"production\"\n");
    let _ = with_another_key(&bench, "apply plan.jsonl").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 2);
}

#[test]
fn without_a_name_a_new_key_is_vouched_for_and_checked() {
    let bench = planned("");
    let ran = with_another_key(&bench, "apply plan.jsonl").exits(2);
    assert!(ran.err.contains("--same-account"), "{}", ran.err);
    let _ = with_another_key(&bench, "apply plan.jsonl --same-account").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 2);

    let bench = planned("");
    swap_account(&bench);
    let ran = with_another_key(&bench, "apply plan.jsonl --same-account").exits(2);
    assert!(ran.err.contains("another account"), "{}", ran.err);
    assert_eq!(bench.writes(), 0);
}

/// An account of a few customers that grows by many in one run.
#[test]
fn the_snapshot_that_a_run_leaves_is_believed_by_the_next() {
    let sample = include_str!("../../sample-data/sandbox-customers.jsonl");
    let customers = sample.lines().take(5);
    let customers = customers.map(|line| serde_json::from_str(line).unwrap());
    let bench = Bench::with(customers.collect(), "");
    let rows = |from: u32, to: u32| {
        let row = |n| format!("z{n},N{n},z{n}@ex.com\n");
        let rows: String = (from..to).map(row).collect();
        format!("userId,name,email\n{rows}")
    };
    bench.write("few.csv", rows(0, 3));
    bench.write("many.csv", rows(100, 220));
    for file in ["few.csv", "many.csv", "few.csv", "many.csv"] {
        let ran = bench
            .run(&format!("sync {file} --min-match-percent 0"))
            .exits(0);
        assert!(!ran.err.contains("snapshot"), "{}", ran.err);
    }
}
