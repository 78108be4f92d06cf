//! Files and JSON that other programs read: as the contract and the schemas of `docs/formats` say.

use serde_json::{Value, json};

use crate::bench::{Bench, Running};
use crate::files::{fits, json as parsed, json_lines, read_text, sha256};

const CONFIG: &str = "[tags]\ncolumn = \"Tags\"\nremove_column = \"Region\"\nalways = [\"imported\"]\n[tags.colors]\nimported = \"#00ff00\"\n";

fn synced(words: &str) -> Bench {
    let bench = Bench::bundled();
    bench.sample("customers.csv").write("hcsync.toml", CONFIG);
    let _ = bench.run(words).exits(3);
    bench
}

#[test]
fn a_plan_has_a_header_operations_and_an_end_with_its_digest() {
    let bench = synced("plan customers.csv --max-change-percent 0 --out plan.jsonl");
    let text = read_text(&bench.path("plan.jsonl"));
    let lines: Vec<Value> = text.lines().map(parsed).collect();
    fits("plan", &lines);
    let (head, operations, end) = (&lines[0], &lines[1..lines.len() - 1], lines.last().unwrap());
    assert_eq!(head["hcsync_plan"], 1);
    assert_eq!(head["base_url"], bench.base_url());
    let input = &head["inputs"][0];
    assert_eq!(input["path"], "customers.csv");
    assert_eq!(input["rows"], 300);
    let bytes = std::fs::read(bench.path("customers.csv")).unwrap();
    assert_eq!(input["sha256"], sha256(&bytes));
    let before_end = text.trim_end().rfind('\n').unwrap() + 1;
    assert_eq!(end["sha256"], sha256(&text.as_bytes()[..before_end]));
    let summary = bench.only_run().summary();
    assert_eq!(summary["plan_digest"], end["sha256"]);
    for kind in ["create", "patch", "tag", "untag"] {
        let count = operations.iter().filter(|o| o["op"] == kind).count();
        assert_eq!(summary["planned"][kind], count, "{kind}");
        assert_eq!(end["counts"][kind], count, "{kind}");
    }
    // At most one operation of each kind for a customer, in the order create or patch, tag, untag.
    let place = |o: &Value| {
        (
            o["row"].as_u64(),
            ["create", "patch", "tag", "untag"]
                .iter()
                .position(|k| o["op"] == *k),
        )
    };
    assert!(
        operations
            .windows(2)
            .all(|pair| place(&pair[0]) < place(&pair[1]))
    );
    let tag = operations.iter().find(|o| o["op"] == "tag").unwrap();
    let imported = json!({"name": "imported", "color": "#00ff00"});
    assert!(tag["tags"].as_array().unwrap().contains(&imported), "{tag}");
}

#[test]
fn results_and_summary_fit_their_schemas_after_a_run_and_a_dry_run() {
    for words in [
        "sync customers.csv",
        "sync customers.csv --dry-run",
        "plan customers.csv",
    ] {
        let bench = synced(&format!("{words} --results r.jsonl --summary s.json"));
        let run = bench.only_run();
        run.check_results();
        fits("results", &run.results());
        fits("summary", [&run.summary()]);
        fits("plan", &run.plan());
        let wanted = read_text(&bench.path("r.jsonl"));
        assert_eq!(json_lines(&wanted), run.results());
        assert_eq!(read_text(&bench.path("s.json")), run.text("summary.json"));
    }
}

#[test]
fn journals_fit_their_schema_also_where_a_run_is_stopped_and_taken_up_again() {
    let bench = synced("sync customers.csv");
    fits("journal", &bench.only_run().journal());

    let bench = Bench::bundled();
    bench.sample("customers.csv").write("hcsync.toml", CONFIG);
    let mut quirks = bench.sandbox().quirks();
    quirks.set("create-tags=ignore").unwrap();
    bench.sandbox().set_quirks(quirks).unwrap();
    let _ = bench.run("sync customers.csv --max-requests 40").exits(7);
    let _ = bench.run("resume").exits(3);
    let journal = bench.only_run().journal();
    fits("journal", &journal);
    for kind in ["begin", "intent", "outcome", "row", "stopped", "resumed"] {
        assert!(
            journal.iter().any(|line| line["e"]["kind"] == kind),
            "{kind}"
        );
    }
}

#[test]
fn results_hold_the_operations_that_the_server_saw() {
    let bench = synced("sync customers.csv");
    let run = bench.only_run();
    let (mut done, mut attempts) = (0, 0);
    for result in run.results() {
        for operation in result["operations"].as_array().unwrap() {
            done += usize::from(operation["status"] == "done");
            attempts += operation["attempts"].as_u64().unwrap();
            assert!(operation["at"].as_str().unwrap().ends_with('Z'));
            assert!(matches!(operation["http_status"].as_u64(), Some(200 | 201)));
        }
        if result["status"] == "created" {
            let id = result["customer_id"].as_u64();
            let customers = bench.sandbox().customers();
            let made = customers.iter().find(|c| c["id"].as_u64() == id).unwrap();
            assert_eq!(made["userId"], result["key"]["userId"]);
        }
    }
    assert_eq!(bench.writes(), attempts);
    assert_eq!(bench.sandbox().stats().applied_writes as usize, done);
}

#[test]
fn changes_hold_a_line_for_each_field() {
    for words in ["sync customers.csv", "plan customers.csv"] {
        let bench = synced(&format!("{words} --changes c.jsonl"));
        let text = read_text(&bench.path("c.jsonl"));
        let lines: Vec<Value> = text.lines().map(parsed).collect();
        fits("changes", &lines);
        let patched =
            |l: &&Value| l["op"] == "patch" && l["row"] == 2 && l["field"] == "customData.mrr";
        let line = lines.iter().find(patched).unwrap();
        assert_eq!(line["source"], "customers.csv");
        assert_eq!(line["line"], 3);
        assert_eq!(line["old"], 39.5);
        assert_eq!(line["new"], 29);
    }
}

#[test]
fn csv_for_people_defuses_formulas_and_rejected_rows_are_as_they_were() {
    let bench = Bench::empty();
    let row = "u1,\"=a,\"\"b\"\"\",nobody\n";
    bench.write("f.csv", format!("userId,name,email\n{row}u2,=2+2,\n"));
    let _ = bench
        .run("sync f.csv --results r.csv --changes c.csv --rejected j.csv")
        .exits(3);
    for name in ["r.csv", "c.csv"] {
        let text = read_text(&bench.path(name));
        assert!(text.starts_with('\u{feff}'), "{name}: {text}");
        let cells = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        for record in cells.into_records() {
            let record = record.unwrap();
            assert!(
                !record.iter().any(|cell| cell.starts_with('=')),
                "{record:?}"
            );
        }
    }
    let rejected = read_text(&bench.path("j.csv"));
    assert!(rejected.contains(row.trim_end()), "{rejected}");
    let header = rejected.lines().next().unwrap();
    for name in [
        "userId", "name", "email", "_line", "_status", "_error", "_hint",
    ] {
        assert!(header.contains(name), "{header}");
    }
    // Corrected, it is fed back as it is.
    bench.write("again.csv", rejected.replace("nobody", "a@b.example"));
    let ran = bench.run("sync again.csv").exits(0);
    assert!(!ran.out.contains("_line"), "{}", ran.out);
    assert_eq!(bench.sandbox().customers().len(), 2);
}

#[test]
fn the_json_of_a_plan_has_the_figures_of_its_summary() {
    for words in ["plan", "sync --dry-run"] {
        let bench = Bench::bundled();
        bench.sample("customers.csv");
        let shown = bench
            .run(&format!("{words} customers.csv --output json"))
            .exits(3)
            .json();
        let summary = bench.only_run().summary();
        let text = serde_json::to_string(&shown).unwrap();
        let counts = find(&shown, "create").unwrap_or_else(|| panic!("{text}"));
        for kind in [
            "create",
            "patch",
            "tag",
            "untag",
            "unchanged",
            "rejected",
            "skipped",
        ] {
            assert_eq!(counts[kind], summary["planned"][kind], "{kind}: {text}");
        }
        let digest = summary["plan_digest"].as_str().unwrap();
        assert!(text.contains(digest), "{text}");
        let estimate = find(&shown, "requests").unwrap();
        assert_eq!(
            estimate["requests"], summary["estimate"]["requests"],
            "{text}"
        );
    }
}

/// The object that has this member, wherever it is.
fn find<'a>(value: &'a Value, member: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) if map.get(member).is_some_and(Value::is_number) => Some(value),
        Value::Object(map) => map.values().find_map(|v| find(v, member)),
        Value::Array(items) => items.iter().find_map(|v| find(v, member)),
        _ => None,
    }
}

#[test]
fn the_json_of_a_sync_is_one_document() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let shown = bench
        .run("sync customers.csv --output json")
        .exits(3)
        .json();
    let created = find(&shown, "created").unwrap();
    assert_eq!(*created, bench.only_run().summary()["results"]);
}

#[test]
fn options_come_from_the_environment_and_flags_go_first() {
    let bench = Bench::empty();
    bench.write("new.csv", "userId\na\n");
    let mut command = bench.command("sync new.csv");
    command
        .env("HCSYNC_SUMMARY", "from-env.json")
        .env("HCSYNC_DRY_RUN", "true");
    let _ = Running::start(command).wait().exits(0);
    assert_eq!(
        parsed(&read_text(&bench.path("from-env.json")))["dry_run"],
        true
    );
    let mut command = bench.command("sync new.csv --summary from-flag.json");
    command.env("HCSYNC_SUMMARY", "unused.json");
    let _ = Running::start(command).wait().exits(0);
    assert!(bench.path("from-flag.json").exists() && !bench.path("unused.json").exists());
}
