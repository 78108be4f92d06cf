//! Few of many customers differ.

use crate::bench::{Bench, row, row_with, table};

/// 2,000 rows of which 40 differ in a field and 20 others in a tag.
fn night() -> String {
    table((1..=2000).map(|n| match n % 100 {
        7 | 57 => row_with(n, "Another firm", "known"),
        33 => row_with(n, &format!("Firm {}", n % 7), "known;new"),
        _ => row(n),
    }))
}

#[test]
fn what_differs_costs_a_request_each_and_the_rest_nothing() {
    let bench = Bench::with(2000);
    bench.write("in.csv", night());
    let ran = bench.run("sync in.csv").exits(0).needs_at_most(84);
    assert_eq!(ran.summary["planned"]["patch"], 40);
    assert_eq!(ran.summary["planned"]["tag"], 20);
    assert_eq!(ran.writes(), 60);
    ran.keeps_to_its_estimate(21);
}
