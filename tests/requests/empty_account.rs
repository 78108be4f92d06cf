//! A migration: everybody is new.

use crate::bench::{Bench, row, table};

#[test]
fn a_thousand_rows_into_an_empty_account_cost_a_create_each_one_reading_and_ten_searches() {
    let bench = Bench::with(0);
    bench.write("in.csv", table((1..=1000).map(row)));
    let ran = bench.run("sync in.csv").exits(0).needs_at_most(1013);
    assert_eq!(ran.writes(), 1000);
    // Whether whom it created is there twice is looked up for a hundred at a time.
    assert_eq!(ran.summary["requests"]["by_endpoint"]["search"], 10);
    ran.keeps_to_its_estimate(1);
    assert_eq!(bench.sandbox().customers().len(), 1000);
}
