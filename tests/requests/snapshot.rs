//! What a snapshot is believed, and what not.

use std::fs;

use serde_json::json;

use crate::bench::{Bench, row, row_with, table};

/// An account of 300 customers that was synced once.
fn synced() -> Bench {
    let bench = Bench::with(300);
    bench.write("in.csv", table((1..=300).map(row)));
    bench.run("sync in.csv").exits(0);
    bench
}

#[test]
fn a_damaged_snapshot_is_told_and_made_anew() {
    let bench = synced();
    let path = bench.account_file("snapshot.redb").unwrap();
    for damage in [&b"nothing like a store"[..], b""] {
        fs::write(&path, damage).unwrap();
        let ran = bench.run("sync in.csv").exits(0);
        assert_eq!(ran.summary["remote"]["strategy"], "list");
        let warnings = ran.err.matches("the snapshot cannot be used").count();
        assert_eq!(warnings, 1, "{}", ran.err);
        bench.run("sync in.csv").exits(0).needs_at_most(1);
    }
}

#[test]
fn the_explanation_is_given_where_the_snapshot_has_all_keys_too() {
    let bench = synced();
    let ran = bench.run("sync in.csv --explain --output json");
    let ran = ran.exits(0).needs_at_most(1);
    assert_eq!(ran.summary["remote"]["strategy"], "snapshot");
    assert_eq!(ran.json()["explain"]["taken"], "snapshot");
}

#[test]
fn a_customer_that_somebody_else_made_is_found_and_not_doubled() {
    let bench = synced();
    let theirs = bench.agent(json!({"create": {
        "name": "Theirs", "email": "New@Example.net", "notes": "a talk",
    }}));
    bench.write(
        "in.csv",
        table(
            (1..=300)
                .map(row)
                .chain(["new,new@example.net,Ours,Firm,known\n".to_owned()]),
        ),
    );
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "snapshot");
    assert_eq!(ran.summary["planned"]["create"], 0);
    assert_eq!(bench.sandbox().customers().len(), 301);
    let customer = bench.customer(theirs);
    assert_eq!(
        (&customer["userId"], &customer["notes"]),
        (&json!("new"), &json!("a talk"))
    );
    // First page, one search, patch and tag.
    assert_eq!(ran.total(), 4);
    bench.run("sync in.csv").exits(0).needs_at_most(1);
}

#[test]
fn new_rows_among_many_are_searched_for_together() {
    let bench = Bench::with(5_100);
    let known = || (1..=5_100).map(row);
    bench.write("in.csv", table(known()));
    bench.run("sync in.csv").exits(0);
    bench.agent(json!({"create": {"name": "Theirs", "email": "theirs@example.net"}}));
    let ours = (1..=30).map(|n| format!("new{n},new{n}@example.net,New {n},Firm,known\n"));
    let theirs = "theirs,Theirs@example.net,Theirs,Firm,known\n".to_owned();
    bench.write("new.csv", table(known().chain(ours.clone())));
    bench.write("both.csv", table(known().chain(ours).chain([theirs])));
    for (input, patches) in [("new.csv", 0), ("both.csv", 1)] {
        let ran = bench.run(&format!("plan {input}")).exits(0);
        assert_eq!(ran.summary["remote"]["strategy"], "snapshot", "{input}");
        let planned = &ran.summary["planned"];
        assert_eq!(
            (&planned["create"], &planned["patch"]),
            (&json!(30), &json!(patches))
        );
        // The first page, one search for 30 or 31 userIds and as many addresses, and one that shows whether it ignores their case.
        assert_eq!(ran.total(), 3, "{input}");
    }
}

#[test]
fn an_address_that_somebody_else_has_by_now_is_a_conflict() {
    let bench = synced();
    bench.agent(json!({"create": {"name": "Theirs", "email": "moved@example.net", "userId": "x"}}));
    bench.write(
        "in.csv",
        table((1..=300).map(|n| match n {
            5 => "u5,moved@example.net,Person 5,Firm 5,known\n".to_owned(),
            n => row(n),
        })),
    );
    let ran = bench.run("sync in.csv").exits(3);
    assert_eq!(ran.summary["remote"]["strategy"], "snapshot");
    assert_eq!(ran.summary["results"]["rejected"], 1);
    assert_eq!(ran.writes(), 0);
}

#[test]
fn a_customer_that_is_gone_leaves_the_snapshot() {
    let bench = synced();
    bench.agent(json!({"customer": 5007, "delete": true}));
    bench.write(
        "in.csv",
        table((1..=300).map(|n| match n {
            7 => row_with(7, "Moved", "known"),
            n => row(n),
        })),
    );
    let ran = bench.run("sync in.csv").exits(3);
    assert_eq!(ran.summary["results"]["failed"], 1);
    // By now it is unknown: looked for, not found, and made again.
    let again = bench.run("sync in.csv").exits(0);
    assert_eq!(again.summary["remote"]["strategy"], "snapshot");
    assert_eq!(again.summary["results"]["created"], 1);
    assert_eq!(bench.sandbox().customers().len(), 300);
    bench.run("sync in.csv").exits(0).needs_at_most(1);
}

#[test]
fn an_old_snapshot_is_not_used() {
    let bench = synced();
    bench.write("hcsync.toml", "[remote]\nsnapshot_max_age = \"0s\"\n");
    let ran = bench.run("sync in.csv --explain").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "list");
    assert!(ran.out.contains("snapshot_max_age"), "{}", ran.out);
}

#[test]
fn what_is_to_be_written_is_read_again_first_and_planned_from_that() {
    let bench = synced();
    bench.write("hcsync.toml", "[remote]\nrecheck_after = \"0s\"\n");
    bench.agent(json!({"customer": 5208, "set": {"notes": "called", "company": "Theirs"}}));
    bench.agent(json!({"customer": 5209, "set": {"notes": "called", "company": "Ours"}}));
    bench.write(
        "in.csv",
        table((1..=300).map(|n| match n {
            208 | 209 => row_with(n, "Ours", "known"),
            n => row(n),
        })),
    );
    let ran = bench.run("sync in.csv --changes c.jsonl").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "snapshot");
    assert_eq!(ran.summary["planned"]["patch"], 2);
    // The report tells what was sent, and not what was planned before.
    let changes = fs::read_to_string(bench.path("c.jsonl")).unwrap();
    let changes: Vec<serde_json::Value> = changes
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = changes
        .iter()
        .map(|c| (c["customer_id"].as_u64().unwrap(), c["old"].as_str()))
        .collect();
    assert_eq!(told, [(5208, Some("Theirs"))], "{changes:?}");
    // First page, one search for the two; the second one has what was wanted already.
    assert_eq!((ran.total(), ran.writes()), (3, 1));
    assert_eq!(ran.summary["estimate"]["requests"], 3);
    for id in [5208, 5209] {
        let customer = bench.customer(id);
        assert_eq!(
            (&customer["company"], &customer["notes"]),
            (&json!("Ours"), &json!("called"))
        );
    }
}

#[test]
fn refresh_sees_what_others_edited_and_is_the_next_ones_snapshot() {
    let bench = synced();
    bench.agent(json!({"customer": 5150, "set": {"company": "Theirs"}}));
    // As of its time everything is as it should be.
    let believed = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(believed.summary["results"]["unchanged"], 300);
    let seen = bench.run("sync in.csv --refresh").exits(0);
    assert_eq!((seen.total(), seen.writes()), (5, 1));
    let next = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(
        next.summary["remote"]["as_of"],
        seen.summary["remote"]["as_of"]
    );
}

#[test]
fn a_strategy_of_snapshot_without_one_reads_all_and_makes_one() {
    let bench = Bench::with(300);
    bench.write("in.csv", table((1..=5).map(row)));
    bench.write("hcsync.toml", "[remote]\nstrategy = \"snapshot\"\n");
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "list");
    assert!(
        ran.err.contains("the snapshot cannot be used"),
        "{}",
        ran.err
    );
    let next = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(next.summary["remote"]["strategy"], "snapshot");
}

#[test]
fn another_account_behind_the_same_name_is_not_believed_to_be_this_one() {
    let bench = synced();
    for n in 1..=150 {
        bench.agent(json!({"customer": 5000 + n, "delete": true}));
    }
    let ran = bench.run("plan in.csv").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "list");
    assert_eq!(ran.summary["planned"]["create"], 150);
}

#[test]
fn a_sync_that_cannot_have_the_snapshot_voids_it() {
    let bench = synced();
    let folder = bench.account_file("snapshot.redb").unwrap();
    let folder = folder.parent().unwrap();
    let theirs = hcsync::remote::SnapshotFiles::claim(folder).unwrap();
    bench.write(
        "in.csv",
        table((1..=300).map(|n| row_with(n, "Moved", "known"))),
    );
    bench.run("sync in.csv --max-change-percent 0").exits(0);
    drop(theirs);
    let next = bench.run("sync in.csv").exits(0);
    assert_eq!(next.summary["remote"]["strategy"], "list");
    assert_eq!(next.summary["results"]["unchanged"], 300);
}

#[cfg(unix)]
#[test]
fn a_killed_sync_leaves_a_snapshot_that_says_nothing_false() {
    let bench = synced();
    // Also where a listing would cost no more than the look-up of those that the killed process was at.
    bench.write("hcsync.toml", "[remote]\nstrategy = \"snapshot\"\n");
    let quick = bench.sandbox().quirks();
    bench
        .sandbox()
        .set_quirks(hcsync::sandbox::Quirks {
            latency_ms: 5,
            ..quick.clone()
        })
        .unwrap();
    bench.write(
        "in.csv",
        table((1..=320).map(|n| row_with(n, "Moved", "known;new"))),
    );
    let writes = || bench.sandbox().stats().applied_writes;
    let before = writes();
    let mut sync = bench.command("sync in.csv --max-change-percent 0");
    sync.stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = sync.spawn().unwrap();
    while writes() < before + 150 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    bench.sandbox().set_quirks(quick).unwrap();
    let done = writes();

    let resumed = bench.run("resume").exits(0);
    assert!(
        done + resumed.writes() <= before + 660,
        "nothing is written twice"
    );
    assert_eq!(bench.sandbox().customers().len(), 320);
    let next = bench.run("sync in.csv").exits(0);
    assert_eq!(next.summary["remote"]["strategy"], "snapshot");
    assert_eq!(next.summary["results"]["unchanged"], 320);
    assert_eq!(next.writes(), 0);
    bench.run("sync in.csv").exits(0).needs_at_most(1);
}
