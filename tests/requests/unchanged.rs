//! The night after: everything is as the last sync left it.

use crate::bench::{Bench, row, row_with, table};

fn input() -> String {
    table((1..=2000).map(|n| match n % 100 {
        7 | 57 => row_with(n, "Another firm", "known"),
        33 => row_with(n, &format!("Firm {}", n % 7), "known;new"),
        _ => row(n),
    }))
}

#[test]
fn the_night_after_costs_one_request() {
    let bench = Bench::with(1900);
    bench.write("in.csv", input());
    let first = bench.run("sync in.csv").exits(0);
    assert_eq!(first.summary["remote"]["strategy"], "list");
    assert_eq!(first.summary["planned"]["create"], 100);

    let night = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(night.summary["remote"]["strategy"], "snapshot");
    assert_eq!(night.summary["remote"]["customers"], 2000);
    // It is as old as the reading that it comes from.
    assert_eq!(
        night.summary["remote"]["as_of"],
        first.summary["remote"]["as_of"]
    );
    assert_eq!(night.summary["results"]["unchanged"], 2000);
    assert!(
        night.out.contains("from the last complete reading"),
        "{}",
        night.out
    );
}

#[test]
fn a_dry_run_makes_the_snapshot_that_a_sync_uses() {
    let bench = Bench::with(500);
    bench.write("in.csv", table((1..=500).map(row)));
    assert_eq!(
        bench.run("plan in.csv").exits(0).summary["remote"]["strategy"],
        "list"
    );
    let sync = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(sync.summary["remote"]["strategy"], "snapshot");
}

#[test]
fn an_account_of_one_page_is_read_and_not_believed() {
    let bench = Bench::with(60);
    bench.write("in.csv", table((1..=60).map(row)));
    bench.run("sync in.csv").exits(0);
    let again = bench.run("sync in.csv").exits(0).needs_at_most(1);
    assert_eq!(again.summary["remote"]["strategy"], "list");
}
