//! Values as people write them, from the file to the server.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::RunFiles;

fn customer(bench: &Bench, user_id: &str) -> Value {
    let all = bench.sandbox().customers();
    let found = all.into_iter().find(|c| c["userId"] == user_id);
    found.unwrap_or_else(|| panic!("no {user_id}"))
}

/// Syncs twice; the second time nothing may be left to do.
#[track_caller]
fn settles(bench: &Bench, input: &str, code: i32) -> RunFiles {
    let before = bench.runs();
    let _ = bench.run(&format!("sync {input}")).exits(code);
    let run = bench.run_since(&before);
    run.check_results();
    let writes = bench.writes();
    let _ = bench.run(&format!("sync {input}")).exits(code);
    assert_eq!(bench.writes(), writes, "a second sync writes nothing");
    run
}

#[test]
fn numbers_booleans_dates_and_phones_as_the_config_says_they_are_written() {
    let bench = Bench::empty();
    bench.write(
        "hcsync.toml",
        "[fields]\nuserId = \"id\"\nphone = { column = \"Mobile\", region = \"UA\" }\n\
         unsubscribed = { column = \"out\", true_values = [\"так\"], false_values = [\"ні\"] }\n\
         firstSeen = { column = \"since\", type = \"date\", format = [\"%d.%m.%Y\", \"%Y-%m-%d\", \"unix_ms\"] }\n\
         [custom_data]\nmrr = { column = \"mrr\", type = \"number\", decimal = \",\", thousands = \" \" }\n\
         big = { column = \"big\", type = \"number\" }\ncode = \"code\"\n",
    );
    bench.write(
        "in.csv",
        "id;Mobile;out;since;mrr;big;code\n\
         007;050 123 45 67;Так;31.12.2024;1 234,50;9007199254740993;007\n\
         u2;+1 (415) 555-2671;ні;2024-12-31;-0,5;18446744073709551615;1.50\n\
         u3;;no;1735603200000;12\u{a0}345;1;9007199254740993\n\
         u4;050 12;;;;;\n\
         u5;;vielleicht;;;;\n\
         u6;;;;1.234,5;;\n\
         u7;3,8E+11;;;;;\n\
         1.23E+11;;;;;;\n",
    );
    let run = settles(&bench, "in.csv", 3);
    assert_eq!(run.count("created"), 3);
    let results = run.results();
    let errors: Vec<_> = results[3..]
        .iter()
        .map(|r| (r["error"]["code"].clone(), r["error"]["column"].clone()))
        .collect();
    let expected = [
        ("bad_phone", "Mobile"),
        ("bad_boolean", "out"),
        ("bad_number", "mrr"),
        ("damaged", "Mobile"),
        ("damaged", "id"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b)| (json!(a), json!(b))).collect();
    assert_eq!(errors, expected);
    let one = customer(&bench, "007");
    assert_eq!(one["phone"], "+380501234567");
    assert_eq!(one["unsubscribed"], true);
    assert_eq!(one["firstSeen"], "1735603200");
    assert_eq!(
        one["customData"],
        json!({"mrr": 1234.5, "big": 9_007_199_254_740_993_u64, "code": "007"})
    );
    let two = customer(&bench, "u2");
    assert_eq!(
        (&two["phone"], &two["firstSeen"]),
        (&json!("+14155552671"), &json!("1735603200"))
    );
    assert_eq!(two["customData"]["code"], "1.50");
    let three = customer(&bench, "u3");
    assert_eq!(three["firstSeen"], "1735603200");
    assert_eq!(three["customData"]["mrr"], 12345);
    assert_eq!(three["customData"]["code"], "9007199254740993");
}

#[test]
fn without_a_region_a_phone_number_is_sent_as_it_is_written() {
    let bench = Bench::empty();
    bench.write("in.csv", "userId,phone\nu1,050 123 45 67\n");
    let _ = settles(&bench, "in.csv", 0);
    assert_eq!(customer(&bench, "u1")["phone"], "050 123 45 67");
}

#[test]
fn odd_characters_are_sent_as_they_are_and_counted() {
    let bench = Bench::empty();
    let json = "{\"userId\":\"u1\",\"name\":\"A\\u0000nn\",\"notes\":\"two\\nlines\",\"customData\":{\"c\":\"\\u001b[31m\"}}\n";
    bench.write("in.jsonl", json);
    bench.write(
        "in.csv",
        "userId,name,company\nu2,Bo\u{7}b\u{0},Cafe\u{301}\n",
    );
    for (input, count) in [("in.jsonl", 2), ("in.csv", 1)] {
        let ran = bench
            .run(&format!("sync {input} --dry-run --output json"))
            .exits(0);
        let notes = ran.json()["notes"].to_string();
        let note = format!(
            "values with control characters (such as NUL), which are sent as they are: {count}"
        );
        assert!(notes.contains(&note), "{notes}");
        let _ = settles(&bench, input, 0);
    }
    assert_eq!(customer(&bench, "u1")["name"], "A\u{0}nn");
    assert_eq!(customer(&bench, "u1")["customData"]["c"], "\u{1b}[31m");
    assert_eq!(customer(&bench, "u2")["name"], "Bo\u{7}b\u{0}");
    // The same text in another form of Unicode is no change, and is sent as it is written where it is one.
    assert_eq!(customer(&bench, "u2")["company"], "Cafe\u{301}");
    let writes = bench.writes();
    bench.write(
        "in.csv",
        "userId,name,company\nu2,Bo\u{7}b\u{0},Caf\u{e9}\n",
    );
    let _ = bench.run("sync in.csv").exits(0);
    assert_eq!(bench.writes(), writes);
    // A userId is compared as it is: this is somebody else.
    bench.write("in.csv", "userId,name\ne\u{301},Eve\n\u{e9},Eva\n");
    let _ = settles(&bench, "in.csv", 0);
    assert_eq!(customer(&bench, "e\u{301}")["name"], "Eve");
    assert_eq!(customer(&bench, "\u{e9}")["name"], "Eva");
}

#[test]
fn a_mapped_member_that_no_record_has_is_noted_and_a_column_is_refused() {
    let bench = Bench::empty();
    bench.write(
        "hcsync.toml",
        "[fields]\nuserId = \"userId\"\nname = \"full name\"\n[custom_data]\nplan = \"plan\"\n",
    );
    bench.write("in.jsonl", "{\"userId\":\"u1\"}\n");
    let ran = bench.run("sync in.jsonl --dry-run --output json").exits(0);
    let notes = ran.json()["notes"].to_string();
    let note = "mapped, but in no record, so nothing is changed for it: `full name`, `plan`";
    assert!(notes.contains(note), "{notes}");
    let _ = settles(&bench, "in.jsonl", 0);
    bench.write("in.csv", "userId\nu1\n");
    let _ = bench.run("sync in.csv").exits(2).says(&[
        "hcsync.toml:3:8: ",
        "column `full name`, which no input has",
    ]);
}

#[test]
fn a_wrong_option_is_refused_with_its_place() {
    let bench = Bench::empty();
    bench.write("in.csv", "userId,p,out,m\nu1,1,2,3\n");
    for (config, words) in [
        (
            "[fields]\nuserId = \"userId\"\nphone = { column = \"p\", region = \"Ukraine\" }",
            "hcsync.toml:3:34: `phone`: `region` `Ukraine` is not a region",
        ),
        (
            "[fields]\nuserId = \"userId\"\nname = { column = \"p\", region = \"UA\" }",
            "hcsync.toml:3:33: `name`: `region` is for the field `phone` only",
        ),
        (
            "[custom_data]\nm = { column = \"m\", type = \"number\", decimal = \",,\" }",
            "hcsync.toml:2:48: `custom_data.m.decimal` must be one character",
        ),
        (
            "[custom_data]\nm = { column = \"m\", type = \"number\", thousands = \".\" }",
            "hcsync.toml:2:50: `customData.m`: `thousands` and `decimal` are the same",
        ),
        (
            "[custom_data]\nm = { column = \"m\", true_values = [\"x\"] }",
            "hcsync.toml:2:35: `customData.m`: `true_values` is for booleans only",
        ),
        (
            "[fields]\nuserId = \"userId\"\nblocked = { column = \"out\", true_values = [\"X\"], false_values = [\"x\"] }",
            "hcsync.toml:3:43: `blocked`: `true_values` and `false_values` both hold `x`",
        ),
        (
            "[custom_data]\nm = { column = \"m\", decimals = \",\" }",
            "did you mean `decimal`?",
        ),
        ("[rows]\nduplicates = \"unite\"", "hcsync.toml:2:14: "),
    ] {
        bench.write("hcsync.toml", config);
        let _ = bench.run("sync in.csv").exits(2).says(&[words]);
    }
}

#[test]
fn a_damaged_cell_is_shown_where_its_row_is_and_in_no_log() {
    let bench = Bench::empty();
    bench.write(
        "in.csv",
        "userId,name\n'471100815,Ann\nu2\u{200b},Ben\nu3,Cid\n",
    );
    let ran = bench.run("sync in.csv -vv").exits(3);
    let ran = ran.shows(&["“'471100815”", "turns it into “471100815”"]);
    assert!(!ran.err.contains("471100815"), "{}", ran.err);
    let run = bench.only_run();
    let results = run.results();
    let message = results[1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("“u2\\u{200b}”"), "{message}");
    assert!(message.contains("turns it into “u2”"), "{message}");

    let quiet = bench.run("plan in.csv --examples 0").exits(3);
    let quiet = quiet.shows(&["damaged", "`userId` is damaged: “…”"]);
    assert!(!quiet.out.contains("471100815"), "{}", quiet.out);

    bench.write("hcsync.toml", "[input]\nrepair = \"fix\"\n");
    let fixed = bench.run("plan in.csv --output json").exits(0).json();
    let expected = json!({"decimals": 0, "guards": 1, "invisible": 1, "placeholders": 0});
    assert_eq!(fixed["repaired"], expected);
    let check = bench.run("check in.csv").exits(0);
    let _ = check.shows(&["guards: 1"]);
    let run = settles(&bench, "in.csv", 0);
    assert_eq!(run.count("created"), 2);
    let _ = customer(&bench, "471100815");
}
