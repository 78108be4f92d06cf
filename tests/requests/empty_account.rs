//! A migration: everybody is new.

use crate::bench::{Bench, row, table};

#[test]
fn a_thousand_rows_into_an_empty_account_cost_a_create_each_and_one_reading() {
    let bench = Bench::with(0);
    bench.write("in.csv", table((1..=1000).map(row)));
    let ran = bench.run("sync in.csv").exits(0).needs_at_most(1003);
    assert_eq!(ran.writes(), 1000);
    ran.keeps_to_its_estimate(1);
    assert_eq!(bench.sandbox().customers().len(), 1000);
}
