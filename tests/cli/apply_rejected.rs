//! A plan holds no rows: those of an `apply` that end badly are read again from the plan's inputs, and go into the
//! rejected file as they stood there.

use hcsync::sandbox::{AgentEdit, EditTarget};
use serde_json::{Value, json};

use crate::bench::Bench;

/// In windows-1251: `Ім'я` is the name's column.
const HEADER: &[u8] = b"userId;\xB2\xEC'\xFF;note\r\n";
const FIRST: &[u8] = b"a;\"\xCE\xEB\xB3\xFF; \xCD\xEE\xE2\xE0\";one\r\n";
const SECOND: &[u8] = b"b;\xC1\xEE\xE3\xE4\xE0\xED;two\r\n";

const CONFIG: &str = "[input]\nencoding = \"windows-1251\"\ndelimiter = \";\"\n\
    [fields]\nuserId = \"userId\"\nname = \"Ім'я\"\n";

fn there(id: u64, user: &str) -> Value {
    json!({"id": id, "userId": user, "name": "Before"})
}

fn planned() -> Bench {
    let bench = Bench::with(vec![there(1, "a"), there(2, "b")], "");
    bench.write("hcsync.toml", CONFIG);
    bench.write("in.csv", [HEADER, FIRST, SECOND].concat());
    let _ = bench.run("plan in.csv --out plan.jsonl").exits(0);
    bench
}

/// Somebody gives the customer another name, so that its planned change holds no more.
fn edit(bench: &Bench, id: u64) {
    let edit = AgentEdit {
        customer: Some(EditTarget::Id(id)),
        set: json!({"name": "Agent"}).as_object().unwrap().clone(),
        ..AgentEdit::default()
    };
    bench.sandbox().agent(&edit).unwrap();
}

#[track_caller]
fn is_first_row(rejected: &[u8]) {
    let mut lines = rejected.split_inclusive(|b| *b == b'\n');
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(lines.next(), None);
    let expected = [b"_line;_status;_error;_hint;".as_slice(), HEADER].concat();
    assert_eq!(header, expected);
    assert!(row.starts_with(b"2;failed;"), "{row:?}");
    assert!(row.ends_with(FIRST), "{row:?}");
}

#[test]
fn a_row_that_failed_is_written_as_it_stood_in_the_input() {
    let bench = planned();
    edit(&bench, 1);
    let before = bench.runs();
    let _ = bench.run("apply plan.jsonl --rejected again.csv").exits(3);
    let run = bench.run_since(&before);
    assert_eq!(run.statuses(), ["failed", "updated"]);
    is_first_row(&std::fs::read(run.path("rejected.csv")).unwrap());
    is_first_row(&std::fs::read(bench.path("again.csv")).unwrap());
    // Fed back, it is the row that it was.
    let _ = bench.run("sync again.csv").exits(0);
    let names: Vec<Value> = bench
        .sandbox()
        .customers()
        .iter()
        .map(|c| c["name"].clone())
        .collect();
    assert_eq!(names, ["Олія; Нова", "Богдан"]);
}

#[test]
fn an_interrupted_apply_has_its_rows_also_when_the_input_is_gone() {
    let bench = planned();
    edit(&bench, 1);
    let before = bench.runs();
    let _ = bench.run("apply plan.jsonl --max-requests 1").exits(7);
    std::fs::remove_file(bench.path("in.csv")).unwrap();
    let run = bench.run_since(&before);
    let _ = bench.run("resume").exits(3);
    assert_eq!(run.statuses(), ["failed", "updated"]);
    is_first_row(&std::fs::read(run.path("rejected.csv")).unwrap());
}

#[test]
fn an_apply_that_was_begun_before_names_the_command_that_resumes_it() {
    let bench = planned();
    let before = bench.runs();
    let begin = "apply plan.jsonl --max-requests 2 --concurrency 1";
    let _ = bench.run(begin).exits(7);
    let run = bench.run_since(&before).summary();
    let _ = bench.run("apply plan.jsonl --summary again.json").exits(2);
    let summary = std::fs::read(bench.path("again.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    let next = summary["stop"]["next_command"].as_str().unwrap();
    let resume = format!("hcsync resume {}", run["run_id"].as_str().unwrap());
    assert!(next.starts_with(&resume), "{next}");
}

#[test]
fn an_input_that_is_not_what_it_was_is_told_and_passed_over() {
    type Spoil = fn(&Bench);
    let ways: [(Spoil, &str); 3] = [
        (
            |bench| std::fs::remove_file(bench.path("in.csv")).unwrap(),
            "in.csv: no longer exists",
        ),
        (
            |bench| {
                bench.write("in.csv", [HEADER, SECOND].concat());
            },
            "in.csv: has changed since the plan was made",
        ),
        (
            |bench| {
                bench.write(
                    "hcsync.toml",
                    CONFIG.replace(
                        "[fields]",
                        "header = false\ncolumns = [\"userId\", \"Ім'я\", \"note\"]\n[fields]",
                    ),
                );
            },
            "in.csv: is read with other settings than when the plan was made",
        ),
    ];
    for (spoil, told) in ways {
        let bench = planned();
        edit(&bench, 1);
        spoil(&bench);
        let before = bench.runs();
        let ran = bench.run("apply plan.jsonl").exits(3).says(&[told]);
        assert_eq!(ran.err.matches("in.csv: ").count(), 1, "{}", ran.err);
        let run = bench.run_since(&before);
        assert_eq!(run.statuses(), ["failed", "updated"]);
        assert!(!run.path("rejected.csv").exists());
    }
}

#[test]
fn of_several_inputs_those_that_are_there_are_read() {
    let bench = Bench::with(vec![there(1, "a"), there(2, "b")], "");
    bench.write("hcsync.toml", CONFIG);
    bench.write("one.csv", [HEADER, SECOND].concat());
    bench.write("two.csv", [HEADER, FIRST].concat());
    let _ = bench.run("plan one.csv two.csv --out plan.jsonl").exits(0);
    edit(&bench, 1);
    edit(&bench, 2);
    std::fs::remove_file(bench.path("one.csv")).unwrap();
    let before = bench.runs();
    let _ = bench
        .run("apply plan.jsonl")
        .exits(3)
        .says(&["one.csv: no longer exists"]);
    let run = bench.run_since(&before);
    assert_eq!(run.statuses(), ["failed", "failed"]);
    assert!(!run.path("rejected-1.csv").exists());
    is_first_row(&std::fs::read(run.path("rejected-2.csv")).unwrap());
}

/// What was about to be sent when the run stopped, and was not, is as old as what nobody had begun.
#[test]
fn what_was_not_sent_is_read_again_before_it_goes_on() {
    for stop in ["--max-requests 3 --concurrency 1", "--max-requests 4"] {
        let customers = (1..=6).map(|n| there(n, &format!("u{n}"))).collect();
        let bench = Bench::with(customers, "");
        let rows = (1..=6).map(|n| format!("u{n},After\n"));
        let text: String = std::iter::once("userId,name\n".to_owned())
            .chain(rows)
            .collect();
        bench.write("in.csv", text);
        let _ = bench.run("plan in.csv --out plan.jsonl").exits(0);
        let _ = bench.run(&format!("apply plan.jsonl {stop}")).exits(7);
        let unsent: Vec<u64> = bench
            .sandbox()
            .customers()
            .iter()
            .filter(|customer| customer["name"] == "Before")
            .map(|customer| customer["id"].as_u64().unwrap())
            .collect();
        assert!(unsent.len() > 1, "{unsent:?}");
        unsent.iter().for_each(|id| edit(&bench, *id));
        let _ = bench.run("resume --results r.jsonl").exits(3);
        for customer in bench.sandbox().customers() {
            let id = customer["id"].as_u64().unwrap();
            let expected = if unsent.contains(&id) {
                "Agent"
            } else {
                "After"
            };
            assert_eq!(customer["name"], expected, "{stop}: {id}");
        }
        let results = std::fs::read_to_string(bench.path("r.jsonl")).unwrap();
        assert_eq!(results.matches("\"kind\":\"stale\"").count(), unsent.len());
    }
}
