//! Few rows against many customers.

use crate::bench::{Bench, row, table};

#[test]
fn fifty_rows_are_looked_up_in_an_account_that_nobody_would_list() {
    let bench = Bench::with(20_000);
    bench.write(
        "in.csv",
        table(
            (1..=48)
                .map(|n| row(n * 400))
                .chain([row(20_001), row(20_002)]),
        ),
    );
    let plan = bench
        .run("plan in.csv --explain --output json")
        .exits(0)
        .needs_at_most(5);
    assert_eq!(plan.summary["remote"]["strategy"], "lookup");
    assert_eq!(plan.summary["planned"]["create"], 2);
    let explain = &plan.json()["explain"];
    assert_eq!(
        (&explain["taken"], &explain["customers"]),
        (&"lookup".into(), &20_000.into())
    );
    let candidates: Vec<_> = explain["candidates"].as_array().unwrap().iter().collect();
    assert_eq!(candidates[0]["requests"], 202);
    assert_eq!(candidates[1]["requests"], 2);
    assert_eq!(candidates[2]["out"], "there is no snapshot");
}
