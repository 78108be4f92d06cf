//! Inputs in object stores, and the files of a run that go there.

use serde_json::Value;

use crate::bench::{Bench, Ran, Running};
use crate::object_store::ObjectServer;

const STORES: [&str; 3] = ["s3", "gs", "az"];

fn run(bench: &Bench, store: &ObjectServer, words: &str) -> Ran {
    let mut command = bench.command(words);
    store.set_variables(&mut command);
    Running::start(command).wait()
}

fn run_id(bench: &Bench) -> String {
    let run = bench.runs().pop().unwrap();
    run.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn an_object_of_each_store_is_an_input_and_the_other_side_of_a_plan() {
    let store = ObjectServer::start();
    store.put("/crm/in/a.csv", "userId,name\na,Ann\nb,\n");
    store.put(
        "/crm/all.jsonl",
        "{\"id\":1,\"userId\":\"a\",\"name\":\"Ann\"}\n",
    );
    for scheme in STORES {
        let bench = Bench::empty();
        let address = format!("{scheme}://crm/in/a.csv");
        let _ = run(&bench, &store, &format!("sync {address} --results r.jsonl")).exits(0);
        let run_files = bench.only_run();
        assert_eq!(run_files.results()[0]["source"], address);
        assert_eq!(bench.sandbox().customers().len(), 2);
        let _ = run(&bench, &store, &format!("check {address}"))
            .exits(0)
            .shows(&[&address]);
        bench.write("c.toml", format!("[input]\nfiles = [\"{address}\"]\n"));
        let _ = run(&bench, &store, "plan -c c.toml")
            .exits(0)
            .shows(&["Nothing to change: 2 rows"]);
        let words =
            format!("plan {address} --remote-file {scheme}://crm/all.jsonl --min-match-percent 0");
        let before = bench.requests().len();
        let _ = run(&bench, &store, &words)
            .exits(0)
            .shows(&["+1 to create"]);
        assert_eq!(bench.requests().len(), before);
    }
    assert_eq!(store.unsigned(), 0);
}

#[test]
fn an_object_larger_than_a_part_is_read_and_written_whole() {
    let store = ObjectServer::start();
    let bench = Bench::empty();
    // More than 8 MiB each way: notes are in changes.csv.
    let notes = "x".repeat(1_000);
    let rows: String = (0..9_000).map(|n| format!("u{n},{notes}\n")).collect();
    store.put("/crm/large.csv", format!("userId,notes\n{rows}"));
    let words = "plan s3://crm/large.csv --out-dir s3://crm/out";
    let _ = run(&bench, &store, words).exits(0);
    let id = run_id(&bench);
    let changes = store.text(&format!("/crm/out/{id}/changes.csv"));
    assert_eq!(changes.matches(&notes).count(), 9_000);
    let summary: Value =
        serde_json::from_str(&store.text(&format!("/crm/out/{id}/summary.json"))).unwrap();
    assert_eq!(summary["input"]["rows"], 9_000);
}

#[test]
fn the_files_of_a_run_go_into_a_folder_of_its_id_in_each_store_or_here() {
    let store = ObjectServer::start();
    for scheme in STORES {
        let bench = Bench::empty();
        bench.write("a.csv", "userId,email\na,a@ex.co\nb,nothing\n");
        let ran = run(
            &bench,
            &store,
            &format!("sync a.csv --out-dir {scheme}://{scheme}/out/"),
        );
        let id = run_id(&bench);
        let _ = ran
            .exits(3)
            .says(&[&format!("files of the run: {scheme}://{scheme}/out/{id}")]);
        let files = [
            "changes.csv",
            "rejected.csv",
            "report.html",
            "results.csv",
            "summary.json",
        ];
        let names = files.map(|name| format!("/{scheme}/out/{id}/{name}"));
        let found: Vec<_> = store
            .names()
            .into_iter()
            .filter(|name| name.starts_with(&format!("/{scheme}/")))
            .collect();
        assert_eq!(found, names);
        for name in ["results.csv", "rejected.csv", "summary.json"] {
            let ours =
                std::fs::read_to_string(bench.path("state/runs").join(&id).join(name)).unwrap();
            assert_eq!(store.text(&format!("/{scheme}/out/{id}/{name}")), ours);
        }
        // A folder here, from the config and relative to it, and as the address of a file.
        std::fs::create_dir(bench.path("conf")).unwrap();
        bench.write("conf/c.toml", "[output]\nfolder = \"out\"\n");
        let here = format!("file://{}", bench.path("there").display());
        for (words, folder) in [
            ("-c conf/c.toml".to_owned(), "conf/out"),
            (format!("--out-dir {here}"), "there"),
        ] {
            let before = bench.runs();
            let _ = run(&bench, &store, &format!("sync a.csv {words}")).exits(3);
            let runs = bench.runs();
            let new = runs.iter().find(|run| !before.contains(run)).unwrap();
            let copies = bench.path(folder).join(new.file_name().unwrap());
            assert_eq!(
                files.map(|name| copies.join(name).exists()),
                [true; 5],
                "{folder}"
            );
        }
    }
    assert_eq!(store.unsigned(), 0);
}

#[test]
fn a_run_that_stops_puts_its_files_there_and_resume_does_again() {
    let store = ObjectServer::start();
    let bench = Bench::empty();
    let rows: String = (0..9).map(|n| format!("u{n},U\n")).collect();
    store.put("/crm/a.csv", format!("userId,name\n{rows}"));
    let words = "sync s3://crm/a.csv --out-dir s3://crm/out --concurrency 1 --max-requests 5";
    let stopped = run(&bench, &store, words).exits(7);
    let id = run_id(&bench);
    let summary = format!("/crm/out/{id}/summary.json");
    let exit_code =
        || serde_json::from_str::<Value>(&store.text(&summary)).unwrap()["exit_code"].clone();
    assert_eq!(exit_code(), 7);
    let _ = stopped.says(&["--out-dir s3://crm/out"]);
    let _ = run(
        &bench,
        &store,
        &format!("resume {id} --out-dir s3://crm/out"),
    )
    .exits(0);
    assert_eq!(exit_code(), 0);
    assert_eq!(bench.sandbox().customers().len(), 9);
}

#[test]
fn a_run_from_an_object_starts_again_from_its_copy() {
    let store = ObjectServer::start();
    let bench = Bench::empty();
    store.put("/crm/a.csv", "userId,name\na,Ann\n");
    let _ = run(&bench, &store, "sync s3://crm/a.csv --max-requests 1").exits(7);
    store.put("/crm/a.csv", "userId,name\nb,Ben\n");
    let _ = run(&bench, &store, "resume").exits(0);
    assert_eq!(bench.sandbox().customers()[0]["userId"], "a");
}

#[test]
fn what_cannot_be_read_is_an_input_error_and_what_cannot_be_written_loses_nothing() {
    let store = ObjectServer::start();
    let bench = Bench::empty();
    bench.write("a.csv", "userId,name\na,Ann\n");
    for (address, said) in [
        ("s3://crm/absent.csv", "s3://crm/absent.csv cannot be read"),
        ("s3:///a.csv", "it names no bucket"),
    ] {
        let _ = run(&bench, &store, &format!("sync {address}"))
            .exits(2)
            .says(&[said]);
        let _ = run(
            &bench,
            &store,
            &format!("plan a.csv --remote-file {address}"),
        )
        .exits(2)
        .says(&[said]);
    }
    let _ = run(&bench, &store, "sync a.csv --out-dir s3://")
        .exits(2)
        .says(&["it names no bucket"]);
    assert_eq!(bench.writes(), 0);
    store.refuse_writes();
    let ran = run(&bench, &store, "sync a.csv --out-dir s3://crm/out").exits(1);
    let id = run_id(&bench);
    let kept = bench.path("state/runs").join(&id);
    let _ = ran.says(&[
        &format!("not all files of run {id} are in s3://crm/out/{id}"),
        &format!("nothing is lost: they are in {}", kept.display()),
    ]);
    assert!(kept.join("results.csv").exists());
    assert_eq!(bench.sandbox().customers().len(), 1);
}

#[test]
fn a_config_that_was_only_found_does_not_say_where_files_go() {
    let bench = Bench::empty();
    bench.write("a.csv", "userId\na\n");
    bench.write("hcsync.toml", "[output]\nfolder = \"s3://else/where\"\n");
    let _ = bench.run("sync a.csv").exits(2).says(&[
        "hcsync.toml:2:10",
        "`output.folder` is not taken",
        "--out-dir",
    ]);
    assert_eq!(bench.writes(), 0);
}
