//! A row with several problems is reported with all of them, everywhere.

use serde_json::{Value, json};

use crate::bench::Bench;

const INPUT: &str = "userId,email,firstSeen,locale,customData.note\n\
    u1,bad at x,31.02.2024x,xy,x\n\
    u2,ann@example.com,,xx,y\n\
    u3,,,en,z\n";

#[test]
fn the_preview_the_results_and_the_rejected_rows_hold_every_problem() {
    let bench = Bench::empty();
    bench.write("in.csv", INPUT);
    bench.write("none.jsonl", "");
    let words = "plan in.csv --remote-file none.jsonl --results r.jsonl --rejected j.csv";
    let ran = bench.run(words).exits(3).shows(&[
        "; input: bad_email, column `email`",
        "; input: bad_date, column `firstSeen`",
        "; input: bad_locale, column `locale`",
        "A row with several problems is counted under each of them.",
    ]);
    assert!(ran.out.contains("3 read, 2 rejected"), "{}", ran.out);

    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    let results: Vec<Value> = read("r.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let error = &results[0]["error"];
    assert_eq!(
        (&error["code"], &error["column"]),
        (&json!("bad_email"), &json!("email"))
    );
    let message = error["message"].as_str().unwrap();
    let codes: Vec<_> = results[0]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["code"])
        .collect();
    assert_eq!(codes, ["bad_email", "bad_date", "bad_locale"]);
    assert!(
        results[1].get("errors").is_none(),
        "one problem needs no list: {}",
        results[1]
    );
    assert!(
        results[0].get("warnings").is_none(),
        "a problem is no warning: {}",
        results[0]
    );

    let summary = bench.only_run().summary();
    let counts = summary["errors"].as_array().unwrap().iter();
    let counts: Vec<_> = counts
        .map(|e| (e["code"].clone(), e["count"].clone()))
        .collect();
    let expected = [("bad_locale", 2), ("bad_email", 1), ("bad_date", 1)];
    assert_eq!(
        counts,
        expected.map(|(code, count)| (json!(code), json!(count)))
    );

    let rejected = read("j.csv");
    let mut rows = csv::Reader::from_reader(rejected.as_bytes()).into_records();
    let row = rows.next().unwrap().unwrap();
    for field in ["`email`", "`firstSeen`", "`locale`"] {
        assert!(message.contains(field), "{message}");
        assert!(row[2].contains(field), "{row:?}");
    }
    for advice in ["ann@example.com", "set the date format", "ISO 639"] {
        assert!(row[3].contains(advice), "what to do about each: {row:?}");
    }
    // Fed back, `_hint` is no column of the user's.
    let again = bench
        .run("plan j.csv --remote-file none.jsonl --output json")
        .exits(3)
        .json();
    assert_eq!(again["ignored_columns"], json!([]));
    assert_eq!(again["rejected_by_cause"].as_array().unwrap().len(), 3);
}
