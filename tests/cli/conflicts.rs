//! Rows whose userId is not the one that HelpCrunch has for their e-mail address.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::files::read_text;

/// Customers as another system numbered them.
fn customers(count: u64) -> Vec<Value> {
    let customer = |n| {
        let (user_id, email) = (format!("old{n}"), format!("p{n}@example.com"));
        json!({"id": 1000 + n, "userId": user_id, "email": email, "name": format!("Person {n}")})
    };
    (0..count).map(customer).collect()
}

fn rows(count: u64) -> String {
    let row = |n| format!("new{n},p{n}@example.com,Person {n}\n");
    format!(
        "userId,email,name\n{}",
        (0..count).map(row).collect::<String>()
    )
}

fn numbered(bench: &Bench, prefix: &str) -> usize {
    let customers = bench.sandbox().customers();
    let is_numbered = |c: &&Value| {
        c["userId"]
            .as_str()
            .is_some_and(|id| id.starts_with(prefix))
    };
    customers.iter().filter(is_numbered).count()
}

#[test]
fn a_plan_in_which_most_rows_conflict_is_refused_with_both_remedies() {
    let bench = Bench::with(customers(479), "");
    bench.write("in.csv", rows(500));
    let ran = bench.run("sync in.csv --min-match-percent 0").exits(4);
    let ran = ran.says(&[
        "479 of 500 rows are rejected (95.8 %)",
        "safety.max_rejected_percent allows 20 %",
        "--max-rejected-percent 96",
        "no userId of the input is known in HelpCrunch",
        "leave userId unmapped and match by e-mail: 479 of these rows",
        "match.on_conflict = \"update\": the same 479 customers",
    ]);
    assert!(!ran.out.contains("Nothing to change"), "{}", ran.out);
    assert_eq!(bench.writes(), 0);
    // A plan of its own shows what a sync would refuse.
    let planned = bench.run("plan in.csv").exits(3);
    let _ = planned.shows(&["a sync would refuse this plan", "--max-rejected-percent 96"]);
    // The limit can be lifted: then the other rows are created.
    let words = "sync in.csv --min-match-percent 0 --max-rejected-percent 96";
    let _ = bench.run(words).exits(3);
    assert_eq!(
        (numbered(&bench, "old"), numbered(&bench, "new")),
        (479, 21)
    );
}

#[test]
fn either_remedy_does_what_was_said_of_it() {
    let bench = Bench::with(customers(40), "");
    bench.write("in.csv", rows(40));
    bench.write(
        "email.toml",
        "[match]\nkeys = [\"email\"]\n[fields]\nemail = \"email\"\nname = \"name\"\n",
    );
    let ran = bench.run("sync in.csv -c email.toml").exits(0);
    let _ = ran.shows(&["unchanged"]);
    assert_eq!(numbered(&bench, "old"), 40);
    bench.write("update.toml", "[match]\non_conflict = \"update\"\n");
    let _ = bench
        .run("sync in.csv -c update.toml --max-change-percent 0")
        .exits(0);
    assert_eq!(numbered(&bench, "new"), 40);
    assert_eq!(bench.sandbox().customers().len(), 40);
    let written = bench.writes();
    let _ = bench.run("sync in.csv -c update.toml").exits(0);
    assert_eq!(bench.writes(), written, "a second sync plans nothing");
}

#[test]
fn conflicts_name_the_other_customer_or_row_wherever_they_are_reported() {
    let bench = Bench::with(customers(2), "");
    let input = "userId,email,name\n\
                 old0,p1@example.com,Two customers\n\
                 new1,p1@example.com,Another userId\n\
                 a,a@example.com,New\n\
                 b,a@example.com,Same address\n\
                 a,other@example.com,Same userId\n";
    bench.write("in.csv", input);
    let ran = bench.run("sync in.csv --results all.jsonl --rejected bad.csv");
    let ran = ran.exits(3);
    let results = read_text(&bench.path("all.jsonl"));
    let rejected = read_text(&bench.path("bad.csv"));
    for part in [
        "its userId belongs to customer 1000, and its e-mail address to customer 1001",
        "its e-mail address belongs to customer 1001, which has another userId",
        "its e-mail address belongs to the customer that in.csv:4 (row 3) creates, which has another userId",
        "in.csv:4 (row 3) is for the same customer",
    ] {
        for (place, text) in [("results", &results), ("rejected", &rejected)] {
            assert!(text.contains(part), "{place}: {part}\n{text}");
        }
        let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{part}\n{}", ran.out);
    }
}
