//! Guesses about the API that turn out wrong.

use hcsync::sandbox::Quirks;

use crate::bench::{Bench, row, table};

#[test]
fn a_search_that_takes_few_filters_is_noticed_remembered_and_priced() {
    let quirks = Quirks {
        max_filters: 10,
        ..Quirks::default()
    };
    let bench = Bench::behaving(2000, quirks);
    bench.write("in.csv", table((1..=60).map(row)));
    let refused = |ran: &crate::bench::Ran| {
        ran.requests
            .iter()
            .filter(|r| r.status == Some(400))
            .count()
    };

    let first = bench.run("plan in.csv --explain").exits(0);
    assert!(refused(&first) > 0);
    // 120 filters, 7 at once, cost as much as the listing that knows more.
    assert_eq!(first.summary["remote"]["strategy"], "lookup");
    assert!(first.total() <= 25, "{}", first.total());
    let second = bench.run("plan in.csv --explain").exits(0);
    assert_eq!(refused(&second), 0);
    assert!(second.out.contains("lookup"), "{}", second.out);

    bench.write("more.csv", table((1..=90).map(row)));
    let third = bench.run("plan more.csv").exits(0).needs_at_most(21);
    assert_eq!(third.summary["remote"]["strategy"], "list");
}

#[test]
fn a_look_up_that_becomes_too_dear_is_given_up_for_a_listing() {
    let quirks = Quirks {
        max_filters: 10,
        ..Quirks::default()
    };
    let bench = Bench::behaving(2000, quirks);
    bench.write("in.csv", table((1..=90).map(row)));
    let ran = bench.run("plan in.csv --explain --output json").exits(0);
    assert_eq!(ran.summary["remote"]["strategy"], "list");
    assert!(ran.total() <= 26, "{}", ran.total());
    let explain = &ran.json()["explain"];
    assert_eq!(explain["taken"], "list");
    assert!(
        explain["notes"][0]
            .as_str()
            .unwrap()
            .contains("fewer filters"),
        "{explain}"
    );
}

#[test]
fn a_page_that_is_capped_is_priced_as_it_is() {
    let quirks = Quirks {
        page_limit_max: 20,
        ..Quirks::default()
    };
    let bench = Bench::behaving(2000, quirks);
    bench.write("in.csv", table((1..=30).map(row)));
    let ran = bench.run("plan in.csv --explain --output json").exits(0);
    assert_eq!(ran.json()["explain"]["candidates"][0]["requests"], 105);
    assert_eq!(ran.summary["remote"]["strategy"], "lookup");
    assert_eq!(ran.summary["planned"]["unchanged"], 30);
}
