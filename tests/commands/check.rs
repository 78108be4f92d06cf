//! `check`: config, input and key, and not one byte written anywhere.

use serde_json::json;

use crate::bench::{Bench, Running, tree};

#[test]
fn every_bad_row_is_shown_with_its_place_and_cell() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let before = tree(&bench.path(""));
    let ran = check(&bench, "customers.csv").exits(3).shows(&[
        "6 of 300 rows would be rejected",
        "key     accepted by http://127.0.0.1:",
        "200 customers",
        "input: bad_email, column `E-mail`",
        "customers.csv:31  liam.nowak at example.com",
        "customers.csv:73  2024-02-31",
        "customers.csv:113\n",
        "customers.csv:236  ua",
        "`Account manager`, `Region`",
        "99 %        298       33   text",
    ]);
    assert!(
        ran.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.out
    );
    assert_eq!(tree(&bench.path("")), before, "nothing is written locally");
    let stats = bench.sandbox().stats();
    assert_eq!(stats.writes, 0, "nor remotely");
    let requests = bench.requests();
    let paths: Vec<_> = requests.iter().map(|r| r.path.as_str()).collect();
    let cheap = ["/v1/customers?limit=1&offset=0", "/v1/organization"];
    assert_eq!(paths, cheap, "two cheap requests");
}

/// Without a state directory, which it has no use for.
fn check(bench: &Bench, words: &str) -> crate::bench::Ran {
    let url = bench.base_url();
    let all: Vec<&str> = ["check", "--base-url", &url, "--requests-per-minute", "0"]
        .into_iter()
        .chain(words.split_whitespace())
        .collect();
    let mut command = bench.bare(&all);
    command.env("HELPCRUNCH_API_KEY", crate::bench::KEY);
    Running::start(command).wait()
}

#[test]
fn the_same_as_json() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let json = check(&bench, "customers.csv --output json").exits(3).json();
    assert_eq!(json["hcsync_check"], 1);
    assert_eq!(json["bad_rows"], 6);
    assert_eq!(json["key"]["customers"], 200);
    assert_eq!(json["inputs"][0]["delimiter"], ",");
    let codes: Vec<_> = json["bad"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["code"])
        .collect();
    assert_eq!(
        codes,
        [
            "bad_email",
            "bad_date",
            "ragged",
            "no_key",
            "duplicate",
            "bad_locale"
        ]
    );
    assert_eq!(
        json["bad"][1]["rows"][0],
        json!({"source": "customers.csv", "line": 73, "row": 62, "cell": "2024-02-31"})
    );
    assert_eq!(json["columns"].as_array().unwrap().len(), 17);
    assert_eq!(json["columns"][2]["used_for"], json!(["email"]));
    assert_eq!(json["columns"][5]["column"], "First seen");
}

#[test]
fn a_good_input_is_good_and_a_limit_is_obeyed() {
    let bench = Bench::bundled();
    bench.sample("customers.csv").sample("nightly.jsonl");
    check(&bench, "customers.csv --limit 20")
        .exits(0)
        .shows(&["No problem found: 20 rows checked"]);
    let stdin = "userId,name\nu1,Ann\n";
    bench.write("stdin", stdin);
    let mut command = bench.bare(&["check", "-"]);
    command.stdin(std::fs::File::open(bench.path("stdin")).unwrap());
    Running::start(command).wait().exits(0).shows(&[
        "-: csv, UTF-8",
        "key     none found, so the API was not tried",
    ]);
}

#[test]
fn a_config_alone_is_checked_as_well() {
    let bench = Bench::bundled();
    bench.write("hcsync.toml", "[fields]\nemail = \"E-mail\"\n");
    check(&bench, "")
        .exits(0)
        .shows(&["The config is valid", "hcsync.toml"]);
    bench.write("hcsync.toml", "[limits]\nreserve = \"many\"\n");
    check(&bench, "")
        .exits(2)
        .says(&["error: hcsync.toml:2:11: "]);
}

#[test]
fn a_refused_key_is_reported_with_the_problems_of_the_input() {
    let bench = Bench::of(hcsync::sandbox::Options {
        refused_key: Some(crate::bench::KEY.to_owned()),
        ..Default::default()
    });
    bench.sample("customers.csv");
    let ran = check(&bench, "customers.csv").exits(1);
    let ran = ran.shows(&["customers.csv:31  liam.nowak at example.com"]);
    assert!(!ran.out.contains(crate::bench::KEY) && !ran.err.contains(crate::bench::KEY));
    let refused = ran.err.contains("401") || ran.err.contains("refused");
    assert!(refused, "{}", ran.err);
}

#[test]
fn the_state_directory_is_reported_and_not_created() {
    let bench = Bench::bundled();
    bench.sample("customers.csv");
    let ran = check(&bench, "customers.csv --output json --state-dir elsewhere").exits(3);
    let folder = bench.path("elsewhere");
    assert_eq!(ran.json()["state"]["folder"], folder.to_str().unwrap());
    assert!(!folder.exists());

    let _ = bench.run("sync customers.csv --max-requests 10").exits(7);
    let ran = bench.run("check customers.csv --output json").exits(3);
    let state = ran.json()["state"].clone();
    assert_eq!(state["runs"], 1);
    let id = state["resumable"][0].as_str().unwrap();
    bench
        .run("check customers.csv")
        .exits(3)
        .shows(&[&format!("hcsync resume {id}")]);
}

#[test]
fn the_sandbox_needs_no_key() {
    let bench = Bench::empty();
    bench.sample("customers.csv");
    let command = bench.bare(&["check", "customers.csv", "--sandbox"]);
    Running::start(command)
        .wait()
        .exits(3)
        .shows(&["accepted by http://127.0.0.1:"]);
    assert_eq!(bench.requests().len(), 0);
}

/// What a row says is shown only where it is wrong.
#[test]
fn values_are_shown_only_as_bad_cells_and_with_no_examples_not_at_all() {
    let bench = Bench::bundled();
    bench.write(
        "in.csv",
        "userId,email,name\nu1,zoe@acme.test,Zoe Archer\nu2,bad at x,Ben Baker\n101.0,,Cid\n",
    );
    let ran = check(&bench, "in.csv")
        .exits(3)
        .shows(&["in.csv:3  bad at x", "in.csv:4  101.0"]);
    assert!(
        !ran.out.contains("Archer") && !ran.out.contains("zoe@"),
        "{}",
        ran.out
    );
    for words in ["in.csv --examples 0", "in.csv --examples 0 --output json"] {
        let ran = check(&bench, words).exits(3).shows(&["bad_email"]);
        let hidden = !ran.out.contains("bad at x") && !ran.out.contains("101.0");
        assert!(hidden, "{words}: {}", ran.out);
    }
}

#[test]
fn duplicates_are_found_exactly_however_many_rows_there_are() {
    let bench = Bench::empty();
    let mut input = "userId,email\n".to_owned();
    for n in 0..5_000 {
        input.push_str(&format!("u{n},U{n}@example.com\n"));
    }
    bench.write("good.csv", &input);
    check(&bench, "good.csv")
        .exits(0)
        .shows(&["No problem found: 5,000 rows checked"]);
    // The same userId; the same address in another case; another userId with a known address.
    input.push_str("u17,\n,u18@EXAMPLE.com\nv1,u19@example.com\n");
    bench.write("bad.csv", &input);
    let ran = check(&bench, "bad.csv").exits(3).shows(&[
        "3 of 5,003 rows would be rejected",
        "2  bad.csv:19 (row 18) is for the same customer",
        "bad.csv:5003  bad.csv:20 (row 19) is for the same customer",
        "match: duplicate",
        "1  its e-mail address belongs to the customer that bad.csv:21 (row 20)",
        "match: conflict",
    ]);
    assert!(
        !ran.out.contains("about ") && !ran.out.contains('~'),
        "{}",
        ran.out
    );
    let config = "[rows]\nduplicates = \"last\"\n[match]\non_conflict = \"create\"\n";
    bench.write("hcsync.toml", config);
    check(&bench, "bad.csv")
        .exits(0)
        .shows(&["No problem found", "2 rows would be left out"]);
}

/// Whether an id exists is for the API to say; that two rows have the same one is not.
#[test]
fn ids_of_helpcrunch_are_taken_to_exist() {
    let bench = Bench::empty();
    bench.write("hcsync.toml", "[fields]\nid = \"id\"\nname = \"name\"\n");
    bench.write("in.csv", "id,name\n7,Ann\n8,Ben\n");
    check(&bench, "in.csv")
        .exits(0)
        .shows(&["No problem found: 2 rows checked"]);
    bench.write("in.csv", "id,name\n7,Ann\n8,Ben\n7,Cid\n");
    check(&bench, "in.csv").exits(3).shows(&[
        "match: duplicate",
        "in.csv:2 (row 1) is for the same customer",
    ]);
}

#[test]
fn the_advice_for_a_missing_key_names_the_column_that_looks_like_one() {
    let bench = Bench::empty();
    let refused = |input: &str, parts: &[&str]| {
        bench.write("in.csv", input);
        let ran = check(&bench, "in.csv").exits(2).says(parts);
        assert!(!ran.err.contains("\"Vorname\""), "{}", ran.err);
        let _ = bench.run("plan in.csv").exits(2).says(parts);
    };
    let init = "hcsync init in.csv";
    refused(
        "Vorname,Email Address\nAnn,ann@example.com\n",
        &["email = \"Email Address\"", init],
    );
    refused(
        "Vorname,Kontakt\nAnn,ann@example.com\n",
        &["email = \"Kontakt\"", init],
    );
    refused(
        "Vorname,Kunden-Nr.\nAnn,17\n",
        &["userId = \"Kunden-Nr.\"", init],
    );
    refused(
        "Vorname,AccountId\nAnn,17\nBen,18\n",
        &["userId = \"AccountId\"", init],
    );
    refused(
        "Vorname,Stadt\nAnn,Kyiv\n",
        &["none of them looks like an e-mail address or an id", init],
    );
}
