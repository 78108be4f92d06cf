//! Inputs of every shape: each row is told by its own file and line.

use serde_json::Value;

use crate::bench::Bench;

/// `source:line` of every result.
fn places(results: &[Value]) -> Vec<String> {
    results
        .iter()
        .map(|r| format!("{}:{}", r["source"].as_str().unwrap(), r["line"]))
        .collect()
}

fn synced(bench: &Bench, words: &str, code: i32) -> Vec<Value> {
    let before = bench.runs();
    let _ = bench.run(&format!("{words} --concurrency 1")).exits(code);
    let run = bench.run_since(&before);
    run.check_results();
    run.results()
}

/// A pipe gives its bytes once, and inputs are read more than once.
#[cfg(unix)]
#[test]
fn a_pipe_is_read_whole() {
    use std::io::Write;
    let bench = Bench::empty();
    let made = std::process::Command::new("mkfifo")
        .arg(bench.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    let mut text = String::from("userId,name\n");
    (0..60_000).for_each(|n| text.push_str(&format!("u{n},Somebody with a long name {n}\n")));
    bench.write("nobody.jsonl", "");
    let path = bench.path("pipe");
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        pipe.write_all(text.as_bytes()).unwrap();
    });
    let _ = bench.run("plan pipe --remote-file nobody.jsonl").exits(0);
    writer.join().unwrap();
    assert_eq!(bench.only_run().summary()["planned"]["create"], 60_000);
}

#[test]
fn csv_with_a_bom_quoted_line_breaks_and_blank_lines() {
    let bench = Bench::empty();
    let text = "\u{feff}userId,name,notes\r\na,Ann,\"one\r\ntwo\nthree\"\r\nb,\"Ben \"\"B\"\"\",\r\n\r\nc,Cid,\"x,y\"\r\n,nobody,\r\nd,Dan,z";
    bench.write("rows.csv", text);
    let results = synced(&bench, "sync rows.csv", 3);
    assert_eq!(
        places(&results),
        [
            "rows.csv:2",
            "rows.csv:5",
            "rows.csv:7",
            "rows.csv:8",
            "rows.csv:9"
        ]
    );
    assert_eq!(results[3]["status"], "rejected");
    let customers = bench.sandbox().customers();
    assert_eq!(customers.len(), 4);
    assert_eq!(customers[0]["userId"], "a");
    assert!(customers[0]["notes"].as_str().unwrap().starts_with("one"));
    assert_eq!(customers[1]["name"], "Ben \"B\"");
    assert_eq!(customers[2]["notes"], "x,y");
}

#[test]
fn jsonl_with_blank_lines_and_a_bad_one() {
    let bench = Bench::empty();
    let text = "{\"userId\":\"a\",\"name\":\"Ann\",\"customData\":{\"n\":1}}\n\n{\"userId\":\"b\"\n{\"userId\":\"c\",\"tags\":[\"x\",\"y\"]}\n";
    bench.write("rows.jsonl", text);
    let results = synced(&bench, "sync rows.jsonl", 3);
    assert_eq!(
        places(&results),
        ["rows.jsonl:1", "rows.jsonl:3", "rows.jsonl:4"]
    );
    assert_eq!(results[1]["status"], "rejected");
    assert_eq!(results[1]["error"]["kind"], "input");
    let customers = bench.sandbox().customers();
    assert_eq!(customers[0]["customData"]["n"], 1);
    assert_eq!(customers[1]["tags"].as_array().unwrap().len(), 2);
}

#[test]
fn several_inputs_are_one_input_in_their_order() {
    let bench = Bench::empty();
    bench
        .write("one.csv", "userId,name\na,Ann\nb,Ben\n")
        .write(
            "two.jsonl",
            "{\"userId\":\"c\",\"name\":\"Cid\"}\n{\"userId\":\"a\",\"name\":\"Again\"}\n",
        )
        .write("three.csv", "name;userId\nDan;d\n");
    let results = synced(&bench, "sync one.csv two.jsonl three.csv", 3);
    assert_eq!(
        places(&results),
        [
            "one.csv:2",
            "one.csv:3",
            "two.jsonl:1",
            "two.jsonl:2",
            "three.csv:2"
        ]
    );
    let numbers: Vec<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(results[3]["error"]["code"], "duplicate");
    assert_eq!(bench.sandbox().customers().len(), 4);
}

#[test]
fn standard_input_is_read_once_and_named() {
    for text in [
        "userId,name\na,Ann\nb,\"B\nen\"\nc,Cid\n",
        "{\"userId\":\"a\"}\n{\"userId\":\"b\"}\n{\"userId\":\"c\"}\n",
    ] {
        let bench = Bench::empty();
        let _ = bench.run_with_stdin("sync -", text.as_bytes()).exits(0);
        let run = bench.only_run();
        run.check_results();
        let results = run.results();
        assert_eq!(results.len(), 3);
        let lines: Vec<u64> = results
            .iter()
            .map(|r| r["line"].as_u64().unwrap())
            .collect();
        assert_eq!(
            lines,
            if text.starts_with('{') {
                [1, 2, 3]
            } else {
                [2, 3, 5]
            }
        );
        assert_eq!(bench.sandbox().customers().len(), 3);
    }
}

#[test]
fn standard_input_beside_files_and_never_twice() {
    let bench = Bench::empty();
    bench.write("one.csv", "userId\na\n");
    let _ = bench
        .run_with_stdin("sync one.csv -", b"userId\nb\n")
        .exits(0);
    assert_eq!(bench.only_run().results().len(), 2);
    let _ = bench
        .run_with_stdin("sync - -", b"userId\nb\n")
        .exits(2)
        .says(&["only once"]);
    let _ = bench
        .run_with_stdin("sync -", b"")
        .exits(2)
        .says(&["empty"]);
}

#[test]
fn a_limit_takes_the_first_rows_only() {
    let bench = Bench::empty();
    bench.write("rows.csv", "userId\na\nb\nc\nd\n");
    let results = synced(&bench, "sync rows.csv --limit 2", 0);
    assert_eq!(places(&results), ["rows.csv:2", "rows.csv:3"]);
    assert_eq!(bench.sandbox().customers().len(), 2);
}

#[test]
fn other_encodings_are_read_and_bytes_that_are_no_text_reject_their_row_alone() {
    let bench = Bench::empty();
    let (bytes, _, _) =
        encoding_rs::WINDOWS_1251.encode("userId,name\na,Олена Щербак\nb,Назар Їжак\n");
    bench
        .write("cp1251.csv", &bytes)
        .write("cp1251.toml", "[input]\nencoding = \"windows-1251\"\n");
    let _ = synced(&bench, "sync cp1251.csv -c cp1251.toml", 0);
    assert_eq!(bench.sandbox().customers()[0]["name"], "Олена Щербак");
    bench
        .write("bad.csv", b"userId,name\nc,Cid\nd,\xff\xfe\ne,Eve\n")
        .write("utf8.toml", "[input]\nencoding = \"utf-8\"\n");
    let results = synced(&bench, "sync bad.csv -c utf8.toml", 3);
    let statuses: Vec<_> = results
        .iter()
        .map(|r| r["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["created", "rejected", "created"]);
    assert_eq!(results[1]["line"], 3);
}
