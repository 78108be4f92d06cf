//! The night after: a snapshot of the reading before, and an account that was probed.

use hcsync::sandbox::Endpoint;

use crate::bench::{Bench, row, row_with, table};

/// The figures are those of 100,000 customers too: nobody is listed, and only those that differ are read again.
#[test]
fn two_hundred_of_many_cost_twenty_batches_and_two_readings() {
    let bench = Bench::with(4000);
    // As after a day: everything is read again that is to be written.
    bench.write("hcsync.toml", "[remote]\nrecheck_after = \"0s\"\n");
    bench.probe().write("in.csv", table((1..=4000).map(row)));
    bench.run("sync in.csv").exits(0);
    let night = (1..=4000).map(|n| match n % 20 {
        7 => row_with(n, "Another firm", "known"),
        _ => row(n),
    });
    bench.write("in.csv", table(night));
    let ran = bench.run("sync in.csv").exits(0).needs_at_most(24);
    assert_eq!(ran.summary["remote"]["strategy"], "snapshot");
    assert_eq!(ran.count(Endpoint::Batch), 20);
    assert_eq!(ran.summary["results"]["updated"], 200);
    ran.keeps_to_its_estimate(1);
    // What the batches answered is in the snapshot.
    let again = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(again.summary["results"]["unchanged"], 4000);
}
