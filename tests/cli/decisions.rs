//! Rows whose key matches several customers: written down, decided by the user, given back.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::{RunFiles, fits, read_text};

fn customers() -> Vec<Value> {
    let one = |id: u64, name: &str, user_id: Value, email: &str| {
        json!({"id": id, "name": name, "email": email, "userId": user_id, "company": null,
            "lastSeen": "1603885746", "tags": [], "customData": {}})
    };
    vec![
        one(11, "Ann, one", Value::Null, "ann@example.com"),
        one(12, "Ann two", Value::Null, "Ann@example.com"),
        one(21, "Bob", json!("b1"), "bob@example.com"),
        one(22, "Bob", json!("b2"), "bob@example.com"),
        one(31, "Cy", Value::Null, "cy@example.com"),
        one(32, "Cy", Value::Null, "cy@example.com"),
        one(41, "Di", json!("d1"), "di@example.com"),
    ]
}

const ROWS: &str = "userId,email,company\n\
    ,ann@example.com,A\n\
    b9,bob@example.com,B\n\
    ,cy@example.com,C\n\
    d1,,D\n";

fn bench() -> Bench {
    let bench = Bench::with(customers(), "");
    bench.write("in.csv", ROWS);
    bench
}

/// The last run's ambiguous.csv with a decision for each key, found by e-mail address.
fn decided(run: &RunFiles, decisions: &[(&str, &str)]) -> String {
    let text = read_text(&run.path("ambiguous.csv"));
    let decide = |line: &str| {
        let found = decisions
            .iter()
            .find(|(email, _)| line.contains(&format!(",{email},")));
        format!("{line}{}\n", found.map_or("", |(_, decision)| decision))
    };
    text.lines().map(decide).collect()
}

fn company(bench: &Bench, id: u64) -> Value {
    let all = bench.sandbox().customers();
    all.iter().find(|c| c["id"] == id).unwrap()["company"].clone()
}

#[test]
fn the_circle_from_ambiguous_rows_to_decisions_and_rest() {
    let bench = bench();
    let _ = bench.run("sync in.csv").exits(3).shows(&[
        "rows whose key matches several customers: 3; fill in",
        "ambiguous.csv",
    ]);
    let run = bench.only_run();
    assert_eq!(
        run.statuses(),
        ["rejected", "rejected", "rejected", "updated"]
    );
    let file = read_text(&run.path("ambiguous.csv"));
    for part in [
        "\u{feff}_line,row,source,matched_by,userId,email,candidates,decision\n",
        "2,1,in.csv,email,,ann@example.com,\"11: Ann, one, ann@example.com, last seen 2020-10-28 | 12: ",
        "3,2,in.csv,email,b9,bob@example.com,\"21: Bob, userId b1, ",
    ] {
        assert!(file.contains(part), "{part}\n{file}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(run.path("ambiguous.csv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // The input is sorted anew meanwhile; the decisions still find their rows.
    let answers = [
        ("ann@example.com", "12"),
        ("bob@example.com", "create"),
        ("cy@example.com", "skip"),
    ];
    bench.write("decisions.csv", decided(&run, &answers)).write(
        "in.csv",
        "userId,email,company\nd1,,D\n,cy@example.com,C\nb9,BOB@example.com,B\n,ann@example.com,A\n",
    );
    let before = bench.runs();
    let ran = bench.run("sync in.csv --decisions decisions.csv").exits(0);
    assert!(!ran.out.contains("not followed"), "{}", ran.out);
    let second = bench.run_since(&before);
    second.check_results();
    fits("results", &second.results());
    assert_eq!(
        second.statuses(),
        ["unchanged", "skipped", "created", "updated"]
    );
    assert!(!second.path("ambiguous.csv").exists());
    assert_eq!(company(&bench, 12), "A");
    assert_eq!(company(&bench, 11), Value::Null);
    let all = bench.sandbox().customers();
    let bob = all.iter().find(|c| c["userId"] == "b9").unwrap();
    assert_eq!(
        (&bob["email"], &bob["company"]),
        (&json!("BOB@example.com"), &json!("B"))
    );

    // The same once more writes nothing; the variable does as the option.
    let (before, writes) = (bench.runs(), bench.writes());
    let mut command = bench.command("sync in.csv");
    command.env("HCSYNC_DECISIONS", "decisions.csv");
    let _ = crate::bench::Running::start(command).wait().exits(0);
    let third = bench.run_since(&before);
    assert_eq!(
        third.statuses(),
        ["unchanged", "skipped", "unchanged", "unchanged"]
    );
    assert_eq!(bench.writes(), writes);
}

#[test]
fn decisions_that_cannot_be_followed_are_reported_and_not_obeyed() {
    let bench = bench();
    let _ = bench.run("plan in.csv").exits(3);
    let run = bench.only_run();
    let wrong = [
        ("ann@example.com", "41"),
        ("bob@example.com", "21"),
        ("cy@example.com", "create"),
    ];
    let text = decided(&run, &wrong) + "9,9,in.csv,email,d1,,,41\n10,10,in.csv,email,gone,,,41\n";
    bench.write("decisions.csv", text);
    let before = bench.runs();
    let ran = bench.run("sync in.csv --decisions decisions.csv").exits(3);
    let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for note in [
        "decisions.csv:2: decision not followed: customer is not among those that the row's key matches now",
        "decisions.csv:4: decision not followed: the row is to create a customer, but the row has no userId",
        "decisions.csv:6: decision not followed: no row has this userId and e-mail address",
    ] {
        assert!(said.contains(note), "{note}\n{}", ran.out);
    }
    let run = bench.run_since(&before);
    let codes: Vec<_> = run
        .results()
        .iter()
        .map(|r| r["error"]["code"].clone())
        .collect();
    // Customer 21 has a userId of its own: a decision lifts no conflict.
    assert_eq!(
        codes,
        [
            json!("decision"),
            json!("conflict"),
            json!("decision"),
            Value::Null
        ]
    );
    assert_eq!(run.count("updated"), 1);
    // What is still open can be decided anew.
    let open = read_text(&run.path("ambiguous.csv"));
    assert_eq!(open.lines().count(), 3, "{open}");
}

#[test]
fn a_file_that_holds_no_decisions_is_refused_with_line_and_column() {
    let bench = bench();
    for (text, words) in [
        (
            "userId,email,decision\n,ann@example.com,12\n,cy@example.com,perhaps\n",
            "d.csv:3: column 3 (`decision`): is neither the id of a candidate",
        ),
        (
            "userId,email\nu,\n",
            "d.csv:1: there is no column `decision`",
        ),
        ("userId,email,decision\nu,,5,6\n", "d.csv:2: "),
        ("", "is empty"),
    ] {
        bench.write("d.csv", text);
        let _ = bench
            .run("sync in.csv --decisions d.csv")
            .exits(2)
            .says(&[words]);
    }
    let _ = bench
        .run("plan in.csv --decisions none.csv")
        .exits(2)
        .says(&["`none.csv` does not exist"]);
    assert_eq!(bench.writes(), 0);
    let _ = bench
        .run("sync in.csv --decisions d.csv --results d.csv")
        .exits(2)
        .says(&["--results"]);
}

#[test]
fn a_saved_plan_holds_what_was_decided() {
    let bench = bench();
    let _ = bench.run("plan in.csv").exits(3);
    let answers = [
        ("ann@example.com", "11"),
        ("bob@example.com", "create"),
        ("cy@example.com", "31"),
    ];
    bench.write("decisions.csv", decided(&bench.only_run(), &answers));
    let _ = bench
        .run("plan in.csv --decisions decisions.csv --out p.plan")
        .exits(0);
    let _ = bench.run("apply p.plan").exits(0);
    assert_eq!(
        (company(&bench, 11), company(&bench, 31)),
        (json!("A"), json!("C"))
    );
    assert_eq!(bench.sandbox().customers().len(), 8);
    let writes = bench.writes();
    let _ = bench.run("sync in.csv --decisions decisions.csv").exits(0);
    assert_eq!(bench.writes(), writes);
}
