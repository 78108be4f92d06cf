//! `show`: what a plan or a run said, again, without the API.

use hcsync::plan::codec::verify;

use crate::bench::{Bench, Ran, Running};
use crate::files::{json_lines, read_text};

/// Rows that create, change and do nothing, and one that is rejected.
const INPUT: &str = "userId,email,name,tags\n\
    u-1001,roman.shcherbak@example.net,Roman,\n\
    new-1,new@example.com,New,beta\n\
    u-1002,sofia.moreau@example.com,Sofía Moreau,\n\
    new-2,no address,Nobody,\n";

/// Without key, address or server: there is nothing that it could ask.
fn show(bench: &Bench, words: &[&str]) -> Ran {
    let all: Vec<&str> = ["show", "--state-dir", "state"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    let before = bench.requests().len();
    let ran = Running::start(bench.bare(&all)).wait();
    assert_eq!(bench.requests().len(), before);
    ran
}

fn planned() -> Bench {
    let bench = Bench::bundled();
    bench.write("in.csv", INPUT);
    bench
        .run("plan in.csv --out monday.plan --examples 1")
        .exits(3);
    bench
}

fn run_id(bench: &Bench) -> String {
    let runs = bench.runs();
    assert_eq!(runs.len(), 1);
    runs[0].file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_saved_plan_is_shown_with_its_figures_and_examples() {
    let bench = planned();
    let shown = show(&bench, &["monday.plan", "--examples", "1"]).exits(0);
    let digest = verify(read_text(&bench.path("monday.plan")).as_bytes())
        .unwrap()
        .end
        .sha256;
    let shown = shown.shows(&[
        "Plan: +1 to create, ~1 to patch",
        "rows      4 read, 2 matched, 1 unchanged, 1 rejected",
        "Most changed fields",
        "  name                1",
        &digest,
        "+ create in.csv:3 (row 2), userId new-1",
        "Роман Щербак → Roman",
    ]);
    assert!(!shown.out.contains("requests"), "{}", shown.out);
    assert!(!shown.out.contains("is new"), "{}", shown.out);
    let quiet = show(&bench, &["monday.plan", "--examples", "0"]).exits(0);
    assert!(!quiet.out.contains("Roman"), "{}", quiet.out);
}

#[test]
fn its_figures_as_json_are_those_of_the_plan_itself() {
    let bench = Bench::bundled();
    bench.write("in.csv", INPUT);
    let plan = bench
        .run("plan in.csv --out monday.plan --output json")
        .exits(3)
        .json();
    let shown = show(&bench, &["monday.plan", "--output", "json"])
        .exits(0)
        .json();
    for member in [
        "hcsync_preview",
        "rows",
        "matched",
        "planned",
        "changed_fields",
        "plan_digest",
        "examples",
        "remote",
        "cleared",
        "turned_false",
    ] {
        assert_eq!(shown[member], plan[member], "{member}");
    }
    assert!(shown["estimate"].is_null());
    let run = show(&bench, &[&run_id(&bench), "--output", "json"])
        .exits(0)
        .json();
    assert_eq!(run["rejected_by_cause"], plan["rejected_by_cause"]);
    assert_eq!(run["estimate"]["requests"], plan["estimate"]["requests"]);
}

#[test]
fn changes_are_those_that_the_plan_wrote() {
    let bench = Bench::bundled();
    bench.write("in.csv", INPUT);
    bench
        .run("plan in.csv --out monday.plan --changes plan.jsonl")
        .exits(3);
    show(&bench, &["monday.plan", "--changes", "shown.jsonl"])
        .exits(0)
        .says(&["changes written: shown.jsonl"]);
    let wrote = read_text(&bench.path("plan.jsonl"));
    assert!(json_lines(&wrote).len() > 3);
    assert_eq!(read_text(&bench.path("shown.jsonl")), wrote);
    show(&bench, &[&run_id(&bench), "--changes", "shown.csv"]).exits(0);
    assert!(read_text(&bench.path("shown.csv")).starts_with("\u{feff}source,line,row,"));
}

#[test]
fn each_bad_plan_file_is_refused_in_its_own_words() {
    let bench = planned();
    let good = read_text(&bench.path("monday.plan"));
    let last = good.trim_end().rfind('\n').unwrap();
    for (bad, words) in [
        (good.replacen("Roman", "Robot", 1), "it was changed"),
        (good[..=last].to_owned(), "it is cut short"),
        (format!("{good}{{}}\n"), "it has lines after its end"),
        (
            good.replacen("\"hcsync_plan\":1", "\"hcsync_plan\":9", 1),
            "newer hcsync",
        ),
        ("a,b\n1,2\n".to_owned(), "it is not an hcsync plan"),
    ] {
        bench.write("bad.plan", bad);
        let ran = show(&bench, &["bad.plan"])
            .exits(2)
            .says(&["bad.plan cannot be shown", words]);
        assert_eq!(ran.out, "");
    }
}

/// What a text says from the headline of the end on.
fn end_of(text: &str) -> &str {
    let at = text.find("Finished with problems: ").unwrap();
    &text[at..]
}

#[test]
fn a_run_is_shown_with_the_end_that_it_printed() {
    let bench = Bench::bundled();
    bench.write("in.csv", INPUT);
    let reported = bench.run("sync in.csv --yes").exits(3);
    let id = run_id(&bench);
    let shown = show(&bench, &[&id]).exits(0);
    assert_eq!(end_of(&shown.out), end_of(&reported.out));
    let shown = shown.shows(&[
        "Plan: +1 to create, ~1 to patch",
        "input: bad_email, column `email`",
    ]);
    let estimate = reported
        .out
        .lines()
        .find(|line| line.starts_with("  requests  "))
        .unwrap();
    // Unlimited, as the server: the figure is the same in other words.
    assert!(shown.out.contains(&estimate[..14]), "{}", shown.out);
    let json = show(&bench, &[&id, "--output", "json"]).exits(0).json();
    assert_eq!(json["hcsync_ending"], 1);
    assert_eq!(json["summary"]["results"]["created"], 1);
    show(&bench, &[&id, "--changes", "changes.jsonl"]).exits(0);
    let changes = json_lines(&read_text(&bench.path("changes.jsonl")));
    assert!(changes.iter().all(|change| change["status"] == "done"));
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id_or_by_its_folder() {
    let bench = planned();
    let id = run_id(&bench);
    let whole = show(&bench, &[&id]).exits(0).out;
    assert_eq!(show(&bench, &[&id[..6]]).exits(0).out, whole);
    let folder = format!("state/runs/{id}");
    assert_eq!(show(&bench, &[&folder]).exits(0).out, whole);
    bench.run("plan in.csv").exits(3);
    show(&bench, &["20"])
        .exits(2)
        .says(&["2 runs have an id that starts with `20`", &id]);
    for unknown in ["nothing", "no/such.plan", "1999"] {
        show(&bench, &[unknown])
            .exits(2)
            .says(&["is not a file, and no run", "hcsync runs"]);
    }
    std::fs::create_dir(bench.path("empty")).unwrap();
    show(&bench, &["empty"]).exits(2);
}

#[test]
fn a_stopped_run_ends_with_the_command_that_resumes_it() {
    let bench = Bench::empty();
    let rows: String = (0..30).map(|n| format!("u{n},U{n}\n")).collect();
    bench.write("in.csv", format!("userId,name\n{rows}"));
    let reported = bench.run("sync in.csv --yes --max-requests 10").exits(7);
    let id = run_id(&bench);
    let shown = show(&bench, &[&id]).exits(0);
    let next = format!("hcsync resume {id}");
    assert!(reported.out.contains(&next) && shown.out.contains(&next));
    // A crash leaves no summary; what is known is shown without it.
    std::fs::remove_file(bench.path("state/runs").join(&id).join("summary.json")).unwrap();
    show(&bench, &[&id]).exits(0).shows(&[
        "the run has not finished",
        "not reached",
        &format!("{next} --state-dir"),
    ]);
}
