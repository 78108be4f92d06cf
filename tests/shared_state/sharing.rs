//! What one machine wrote, another one knows.

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::json;

use crate::machine::{Place, rows};

#[test]
fn a_run_of_one_machine_is_known_on_another_one() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let _ = one.write("in.csv", &rows(5)).run("sync in.csv").exits(0);
    let listed = two.run("runs --output json").exits(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let run = listed["runs"][0]["run_id"].as_str().unwrap().to_owned();
    assert_eq!(listed["runs"][0]["counts"]["created"], 5);
    let shown = two.run(&format!("show {run}")).exits(0).stdout;
    assert!(shown.contains("5 created"), "{shown}");
    // An edit of the agent's is kept, since the other machine knows what was last written.
    let customers = place.sandbox().customers();
    let customer = customers.iter().find(|c| c["userId"] == "u0").unwrap();
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(customer["id"].as_u64().unwrap())),
        set: json!({"name": "Edited"}).as_object().unwrap().clone(),
        ..AgentEdit::default()
    };
    place.sandbox().agent(&edit).unwrap();
    let config = "[fields]\nuserId = \"userId\"\nname = { column = \"name\", overwrite = \"if_unedited\" }\n";
    let planned = two
        .write("in.csv", &rows(5))
        .write("hcsync.toml", config)
        .run("sync in.csv --output json")
        .exits(0)
        .stdout;
    let summary: serde_json::Value = serde_json::from_str(&planned).unwrap();
    assert_eq!(summary["summary"]["results"]["unchanged"], 5, "{planned}");
    assert_eq!(summary["preview"]["kept_edited"][0]["customers"], 1);
    // And takes back what the first one did.
    let _ = two.run(&format!("undo {run} --allow-delete 5")).exits(0);
}

#[test]
fn a_snapshot_is_used_only_where_it_is_the_latest() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    for machine in [&one, &two] {
        machine.write("in.csv", &rows(300));
    }
    let lists = |machine: &crate::machine::Machine<'_>| {
        let before = place.sandbox().requests().len();
        let _ = machine.run("sync in.csv").exits(0);
        place.sandbox().requests().len() - before
    };
    lists(&one);
    let again = lists(&one);
    assert!(again <= 2, "the snapshot of the last run is used: {again}");
    let other = lists(&two);
    assert!(other > again, "there is none on the other machine: {other}");
    let behind = lists(&one);
    assert!(
        behind > again,
        "another machine held the lease since: {behind}"
    );
}

#[test]
fn who_is_forgotten_is_forgotten_in_the_database() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let table = "userId,email,name\na,ann@example.com,Ann\nb,bob@example.com,Bob\n";
    let _ = one.write("in.csv", table).run("sync in.csv").exits(0);
    let holds = |text: &str| {
        let count = format!(
            "select count(*) from hcsync_files where position('{text}'::bytea in content) > 0"
        );
        place.postgres.value(&count) != "0"
    };
    assert!(holds("ann@example.com"));
    let _ = two.run("forget --email ann@example.com").exits(0);
    assert!(!holds("ann@example.com"));
    assert!(holds("bob@example.com"));
}

#[test]
fn the_tables_are_created_updated_and_never_older_than_the_program() {
    let Some(place) = Place::open() else { return };
    let one = place.machine();
    let made = one.run("state migrate").exits(0).stdout;
    assert!(made.contains("created the tables (schema 1)"), "{made}");
    let again = one.run("state migrate").exits(0).stdout;
    assert!(again.contains("nothing to do"), "{again}");
    place
        .postgres
        .value("update hcsync_schema set version = 99");
    let refused = one.write("in.csv", &rows(1)).run("sync in.csv").exits(2);
    assert!(
        refused.stderr.contains("newer version of hcsync"),
        "{}",
        refused.stderr
    );
    assert_eq!(place.applied(), 0);
}

#[test]
fn a_password_is_taken_from_no_place_that_others_can_read() {
    let Some(place) = Place::open() else { return };
    let one = place.machine();
    one.write("in.csv", &rows(1));
    let config = "[state]\nurl = \"postgres://u:hunter2@db/d\"\n";
    let refused = one.write("hcsync.toml", config).run("sync in.csv").exits(2);
    assert!(
        refused.stderr.contains("must not hold the password"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    let refused = one
        .run("sync in.csv --state-url postgres://u:hunter2@db/d")
        .exits(2);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    assert_eq!(place.applied(), 0);
}

#[test]
fn the_fleet_is_seen_as_the_database_knows_it() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let _ = one.write("in.csv", &rows(2)).run("sync in.csv").exits(0);
    two.write("bad.csv", "userId,email\nb,nobody\n");
    let mut command = two.command("sync bad.csv");
    command.env("HCSYNC_ACCOUNT", "other");
    let _ = crate::machine::Running::start(command).wait().exits(3);
    let text = place.machine().run("fleet status").exits(0).stdout;
    assert!(text.contains("2 accounts: 1 fine, 1 attention"), "{text}");
    let json = one.run("fleet status --output json").exits(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    let schema = include_str!("../../docs/formats/fleet-status.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("fleet-status", schema).unwrap();
    let compiled = compiler.compile("fleet-status", &mut schemas).unwrap();
    schemas.validate(&status, compiled).unwrap();
    assert_eq!(status["accounts"][0]["account"], "other");
    assert_eq!(status["accounts"][1]["last_run"]["exit_code"], 0);
    let _ = two.run("fleet status --out fleet.html").exits(0);
    let page = std::fs::read_to_string(two.path("fleet.html")).unwrap();
    assert!(page.contains("demo") && page.contains("other"));
}

#[test]
fn a_command_that_was_refused_leaves_the_database_as_it_was() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let _ = one.write("in.csv", &rows(5)).run("sync in.csv").exits(0);
    let files = "select string_agg(owner || name || part || sha256::text, ',' order by owner, name, part) from hcsync_files";
    let before = place.postgres.value(files);
    // Its account comes after the other one in the database.
    let mut other = one.command("sync more.csv --requests-per-minute 300");
    one.write("more.csv", "userId,name\nz1,A\nz2,B\nz3,C\nz4,D\nz5,E\n");
    other.env("HCSYNC_ACCOUNT", "zoo");
    let sending = crate::machine::Running::start(other);
    place.until("a write of the other account", |log| {
        log.iter().filter(|request| request.applied).count() > 5
    });
    let refused = two.run("forget --email ann@example.com").exits(5);
    assert!(
        refused.stderr.contains("another run is working"),
        "{}",
        refused.stderr
    );
    let demo = "select string_agg(owner || name || part || sha256::text, ',' order by owner, name, part) from hcsync_files where owner like '%demo%' or owner in (select 'run/' || id from hcsync_runs where account like '%demo%')";
    let after = place.postgres.value(demo);
    assert_eq!(after, before);
    let _ = sending.wait().exits(0);
}

#[test]
fn a_run_that_was_removed_does_not_come_back() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let _ = one.write("in.csv", &rows(2)).run("sync in.csv").exits(0);
    let _ = two.run("runs").exits(0);
    let _ = one.write("in.csv", &rows(3)).run("sync in.csv").exits(0);
    let _ = one.run("runs --prune 0s").exits(0);
    let count = || place.postgres.value("select count(*) from hcsync_runs");
    assert_eq!(count(), "1");
    let _ = two.write("in.csv", &rows(3)).run("sync in.csv").exits(0);
    assert_eq!(count(), "2");
    let listed = two.run("runs --output json").exits(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 2);
}
