//! `hcsync forget`: nothing that is kept names the person any more, and the rest still works.

use std::path::{Path, PathBuf};

use crate::bench::{Bench, Ran, Running, entries};

const CONFIG: &str = "[fields]\nuserId = \"userId\"\nname = \"name\"\nemail = \"email\"\nnotes = \"notes\"\n\
    [remote]\nstrategy = \"snapshot\"\n";

const ANN: &str = "ann.harris@example.com";

/// Three runs: one that creates, one that changes and rejects, and one in which Ann has no e-mail address.
fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("hcsync.toml", CONFIG);
    let rows = |notes: &str| {
        format!(
            "userId,name,email,notes\nu1,Ann,Ann.Harris@example.com,{notes}\nu2,Bob,bob@example.com,{notes}\n\
             u3,Joann,joann.harris@example.com,\n"
        )
    };
    bench.write("first.csv", rows("first"));
    bench.write(
        "second.csv",
        rows("second") + "u4,Carl,carl at example.com,ask ANN.HARRIS@example.com\n",
    );
    bench.write(
        "third.csv",
        "userId,name,email,notes\nu1,Anna,,\nu2,Bobby,,\n",
    );
    let _ = bench.run("sync first.csv").exits(0);
    let _ = bench.run("sync second.csv").exits(3);
    let _ = bench.run("sync third.csv").exits(0);
    bench
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder) {
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => files.push(path),
        }
    }
    files
}

/// A command that needs no API.
#[track_caller]
fn local(bench: &Bench, words: &[&str]) -> Ran {
    let all = [words, &["--state-dir", "state"]].concat();
    Running::start(bench.bare(&all)).wait().exits(0)
}

/// The files in the state directory that hold a text, in any case.
fn holding(bench: &Bench, text: &str) -> Vec<PathBuf> {
    let mut files = files(&bench.path("state"));
    files.retain(|path| {
        let bytes = std::fs::read(path).unwrap().to_ascii_lowercase();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    });
    files
}

#[test]
fn a_person_is_erased_from_all_runs_and_the_others_stay() {
    let bench = bench();
    let before = holding(&bench, "bob@example.com").len();
    assert!(holding(&bench, &format!("\"{ANN}\"")).len() >= 2);

    let ran = bench.run(&format!("forget --email {ANN}")).exits(0);
    has(&ran.out, &["1 e-mail address", "4 rows erased from 3 runs"]);
    for ours in [&ran.out, &ran.err] {
        assert!(!ours.to_lowercase().contains("ann"), "{ours}");
    }
    for left in holding(&bench, "ann.harris") {
        let text = std::fs::read_to_string(left).unwrap().to_lowercase();
        assert_eq!(
            text.matches("ann.harris").count(),
            text.matches("joann.harris").count()
        );
    }
    assert!(holding(&bench, "anna").is_empty());
    assert_eq!(holding(&bench, "bob@example.com").len(), before);

    // The runs can still be read, with as many rows as before.
    for run in entries(&bench.path("state").join("runs")) {
        let run = run.display().to_string();
        let _ = local(&bench, &["show", &run]);
        let results = std::fs::read_to_string(Path::new(&run).join("results.csv")).unwrap();
        assert!(!results.contains("pending"), "{results}");
    }
    has(&local(&bench, &["why", "u1"]).out, &["0 records"]);
    has(&local(&bench, &["why", "u2"]).out, &["3 records"]);
    let again = bench.run(&format!("forget --email {ANN}")).exits(0);
    has(&again.out, &["0 rows erased from 0 runs"]);
}

#[test]
fn who_is_not_in_the_snapshot_any_more_is_not_created_again() {
    let bench = bench();
    let _ = bench.run(&format!("forget --email {ANN}")).exits(0);
    let _ = bench.run("sync first.csv").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 3);
}

#[test]
fn with_remote_the_customer_is_deleted_and_nobody_else() {
    let bench = bench();
    let unasked = bench
        .run(&format!("forget --email {ANN} --remote"))
        .exits(2);
    has(&unasked.err, &["--yes"]);
    assert_eq!(bench.sandbox().customers().len(), 3);
    let ran = bench
        .run(&format!(
            "forget --email {ANN} --remote --yes --output json"
        ))
        .exits(0);
    let receipt: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(receipt["customers_deleted"], 1);
    assert_eq!(receipt["runs"].as_array().unwrap().len(), 3);
    let left = bench.sandbox().customers();
    assert_eq!(left.len(), 2);
    assert!(!format!("{left:?}").to_lowercase().contains("\"ann.harris"));
}

#[test]
fn a_list_is_read_and_a_wrong_line_is_named_without_its_text() {
    let bench = bench();
    bench.write("leavers.txt", format!("{ANN}\n\nbob@example.com\n"));
    let ran = bench.run("forget --list leavers.txt").exits(0);
    has(&ran.out, &["2 e-mail addresses"]);
    assert!(holding(&bench, "bob@example.com").is_empty());
    bench.write("leavers.txt", "ann@example.com\nsecret\n");
    let ran = bench.run("forget --list leavers.txt").exits(2);
    assert!(ran.err.contains("leavers.txt:2") && !ran.err.contains("secret"));
    let _ = bench.run("forget").exits(2);
}

#[test]
fn a_run_that_is_not_finished_has_to_be_finished_first() {
    let bench = Bench::empty();
    bench.write("hcsync.toml", CONFIG);
    bench.write(
        "new.csv",
        format!("userId,name,email,notes\nu1,Ann,{ANN},\nu2,Bob,bob@example.com,\n"),
    );
    let _ = bench
        .run("sync new.csv --max-requests 2 --concurrency 1")
        .exits(7);
    let before = holding(&bench, ANN);
    let ran = bench
        .run(&format!("forget --email {ANN} --remote --yes"))
        .exits(2);
    has(&ran.err, &["is not finished", "hcsync resume"]);
    assert_eq!(holding(&bench, ANN), before);
    let customers = bench.sandbox().customers().len();
    let _ = bench.run("resume").exits(0);
    assert!(customers < bench.sandbox().customers().len());
    let _ = bench.run(&format!("forget --email {ANN}")).exits(0);
    assert!(holding(&bench, ANN).is_empty());
}

#[test]
fn one_person_can_be_exported() {
    let bench = bench();
    let before = bench.requests().len();
    let ran = bench.run(&format!("export --email {ANN}")).exits(0);
    assert_eq!(ran.out.lines().count(), 1);
    has(&ran.out, &["\"Ann.Harris@example.com\"", "\"Anna\""]);
    assert!(bench.requests().len() <= before + 2);
    let none = bench.run("export --email stranger@example.com").exits(0);
    assert_eq!(none.out, "");
}

#[test]
fn an_interrupted_run_with_them_in_the_copy_of_its_input_alone_is_kept() {
    let bench = Bench::empty();
    bench.write("hcsync.toml", CONFIG);
    let ann = format!("userId,name,email,notes\nu1,Ann,{ANN},\n");
    bench.write("first.csv", &ann);
    let _ = bench.run("sync first.csv").exits(0);
    let runs = bench.runs();
    let rows = format!("{ann}u2,Bob,bob@example.com,\nu3,Cid,cid@example.com,\n");
    let ran = bench.run_with_stdin("sync - --max-requests 4 --concurrency 1", rows.as_bytes());
    let _ = ran.exits(7);
    let ran = bench.run(&format!("forget --email {ANN}")).exits(2);
    has(&ran.err, &["is not finished", "hcsync resume"]);
    assert_eq!(bench.runs().len(), runs.len() + 1);
    let _ = bench.run("resume").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 3);
    let _ = bench.run(&format!("forget --email {ANN}")).exits(0);
    assert!(holding(&bench, ANN).is_empty());
}
