//! What HelpCrunch calls the account: asked once by `probe` and `check`, shown from then on, and evidence for a new key.

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::{Value, json};

use crate::bench::{Bench, Running};

const NAME: &str = "Example Inc.";

fn bench(organization: &str) -> Bench {
    let customers = vec![json!({"id": 1, "userId": "u1", "company": "A"})];
    let bench = Bench::with(customers, &quirk(organization));
    bench.write("rows.csv", "userId,company\nu1,B\n");
    bench
}

fn quirk(organization: &str) -> String {
    format!("[quirks]\norganization = \"{organization}\"\n")
}

fn asked(bench: &Bench) -> usize {
    let requests = bench.requests();
    let asked = requests
        .iter()
        .filter(|r| r.path == "/v1/organization" && r.method == "GET");
    asked.count()
}

#[test]
fn the_name_is_asked_once_and_shown_in_reports() {
    let bench = bench(NAME);
    let ran = bench.run("check rows.csv").exits(0);
    let _ = ran.shows(&["for the account Example Inc.: 1"]);
    assert!(!bench.path("state").exists(), "a check writes nothing");
    assert_eq!(asked(&bench), 1);
    let _ = bench.run("probe").exits(0).says(&[NAME]);
    assert_eq!(asked(&bench), 2);
    let ran = bench.run("sync rows.csv --dry-run").exits(0);
    let _ = ran.shows(&["account Example Inc. at 127.0.0.1"]);
    let _ = bench
        .run("sync rows.csv --summary summary.json")
        .exits(0)
        .shows(&["account Example Inc. at 127.0.0.1"]);
    let summary = std::fs::read_to_string(bench.path("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["target"]["organization"], NAME);
    let mut command = bench.bare(&["runs", "--state-dir", "state"]);
    command.env("COLUMNS", "200");
    let _ = Running::start(command)
        .wait()
        .shows(&["account Example Inc."]);
    assert_eq!(asked(&bench), 2, "no other command asks");
}

#[test]
fn where_it_is_not_answered_nothing_changes() {
    // No such path, a firewall, an outage of that path, and answers that are no account.
    let faults = [
        "status = 401\nkind = \"status\"",
        "status = 403\nkind = \"html\"",
        "status = 500\nkind = \"status\"",
        "status = 200\nkind = \"html\"",
        "kind = \"cut-before\"",
    ];
    let faults = faults.map(|fault| {
        format!(
            "{}[[fault]]\nendpoint = \"organization\"\n{fault}\n",
            quirk(NAME)
        )
    });
    for scenario in faults.into_iter().chain([quirk("")]) {
        let bench = Bench::with(Vec::new(), &scenario);
        let ran = bench.run("check").exits(0);
        assert!(!ran.out.contains("for the account"), "{}", ran.out);
        let _ = bench.run("probe").exits(0);
        assert_eq!(asked(&bench), 2, "{scenario}");
        assert!(bench.sandbox().customers().is_empty(), "{scenario}");
    }
}

#[test]
fn it_is_evidence_for_a_new_key_when_the_known_customer_is_gone() {
    for (organization, exit) in [(NAME, 0), ("Another Inc.", 2), ("", 2)] {
        let bench = bench(NAME);
        let _ = bench.run("probe --account a").exits(0);
        let _ = bench.run("sync rows.csv --account a").exits(0);
        let delete = AgentEdit {
            customer: Some(EditTarget::Id(1)),
            delete: true,
            ..AgentEdit::default()
        };
        bench.sandbox().agent(&delete).unwrap();
        let mut quirks = bench.sandbox().quirks();
        quirks.organization = organization.to_owned();
        bench.sandbox().set_quirks(quirks).unwrap();
        let mut command = bench.command("sync rows.csv --account a");
        command.env("HELPCRUNCH_API_KEY", "a-new-key-of-the-account");
        let _ = Running::start(command).wait().exits(exit);
    }
}
