//! `export`: every customer once, whole or not at all, and CSV that plans nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bench::{Bench, bundled_customers, entries, tree};
use crate::files::{json_lines, read_text};

fn by_id(customers: &[Value]) -> BTreeMap<u64, &Value> {
    let ids = customers.iter().map(|c| (c["id"].as_u64().unwrap(), c));
    ids.collect()
}

#[test]
fn jsonl_holds_each_customer_as_the_api_answers_it() {
    let bench = Bench::bundled();
    let printed = bench.run("export").exits(0);
    bench
        .run("export -o all.jsonl")
        .exits(0)
        .says(&["200 customers exported to all.jsonl"]);
    let file = read_text(&bench.path("all.jsonl"));
    assert_eq!(printed.out, file);
    let exported = json_lines(&file);
    let bundled = bundled_customers();
    assert_eq!(exported.len(), 200);
    assert_eq!(by_id(&exported), by_id(&bundled));
    assert_eq!(bench.writes(), 0);
}

#[test]
fn csv_fed_back_plans_nothing_also_where_values_are_odd() {
    let mut customers = bundled_customers();
    for (number, odd) in [
        json!({"email": "ann@localhost", "name": "=1+1", "tags": [{"name": "a;b"}]}),
        json!({"name": " spaced \r\n\"quoted\"", "locale": "uk-UA", "phone": "1E+11"}),
        json!({"customData": {"code": "15", "flag": "true", "at": 1603885746, "big": 12345678901234567890_u64,
            "small": 0.1, "whole": 15.0, "list": [1], "null": null, " ": 1}}),
        json!({"userId": " padded ", "email": "padded@example.com"}),
        json!({"userId": null, "email": null, "name": "Nobody"}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut customer = json!({"id": 900_000 + number, "userId": format!("odd-{number}")});
        let members = odd.as_object().unwrap().clone();
        customer.as_object_mut().unwrap().extend(members);
        customers.push(customer);
    }
    let count = customers.len();
    let bench = Bench::with(customers, "");
    bench
        .run("export -o all.csv")
        .exits(0)
        .says(&["of column `email` left empty", "neither userId nor e-mail"]);
    let plan = bench.run("plan all.csv --output json");
    let plan = plan.json();
    assert_eq!(plan["rows"], count);
    for kind in ["create", "patch", "tag", "untag"] {
        assert_eq!(plan["planned"][kind], 0, "{kind}: {}", plan["examples"]);
    }
    let rejected = plan["rejected_by_cause"].as_array().unwrap();
    let codes: Vec<&str> = rejected
        .iter()
        .map(|c| c["code"].as_str().unwrap())
        .collect();
    assert!(
        codes
            .iter()
            .all(|code| ["ambiguous", "no_key"].contains(code)),
        "{codes:?}"
    );
    assert_eq!(plan["ignored_columns"], json!(["id"]));
}

#[test]
fn an_export_stands_for_the_remote_side() {
    let bench = Bench::bundled();
    bench.run("export -o all.jsonl").exits(0);
    bench.run("export -o all.csv").exits(0);
    let before = bench.requests().len();
    let plan = bench.run("plan all.csv --remote-file all.jsonl --output json");
    assert_eq!(plan.json()["planned"]["patch"], 0);
    assert_eq!(bench.requests().len(), before);
}

#[test]
fn json_output_names_the_written_file() {
    let bench = Bench::bundled();
    let reported = bench
        .run("export -o all.jsonl --output json")
        .exits(0)
        .json();
    assert_eq!(reported["customers"], 200);
    assert_eq!(reported["file"], "all.jsonl");
    let reported = bench.run("export --output json").exits(0).out;
    assert_eq!(reported.lines().count(), 200);
}

#[test]
fn a_listing_that_breaks_off_leaves_nothing() {
    let faults = "[[fault]]\nkind = \"status\"\nstatus = 401\nendpoint = \"list\"\nfrom = 2\n";
    let bench = Bench::with(bundled_customers(), faults);
    bench.write("all.csv", "before");
    let before = entries(&bench.path(""));
    let ran = bench.run("export -o all.csv").exits(1);
    assert_eq!(ran.out, "");
    assert_eq!(read_text(&bench.path("all.csv")), "before");
    assert_eq!(bench.run("export").exits(1).out, "");
    let mut after = entries(&bench.path(""));
    after.retain(|path| !path.ends_with("state"));
    assert_eq!(after, before);
    assert_eq!(tree(&bench.path("state")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_anything_is_read() {
    let bench = Bench::bundled();
    bench.run("export -o no/such/folder.csv").exits(2);
    bench.run("export -o all.xlsx").exits(2);
    assert_eq!(bench.requests().len(), 0);
}

#[cfg(unix)]
#[test]
fn it_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::bundled();
    for name in ["all.csv", "all.jsonl"] {
        bench.run(&format!("export -o {name}")).exits(0);
        let mode = std::fs::metadata(bench.path(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
