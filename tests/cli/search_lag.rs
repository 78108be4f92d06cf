//! Search that shows a customer some seconds after it was created or changed, and runs that follow each other.

use serde_json::json;

use crate::bench::Bench;

/// Longer than any test takes.
const LAG: &str = "[quirks]\nsearch-lag-ms = 300000\n";
const ROWS: &str = "userId,email,name\nn1,n1@x.org,One\nn2,n2@x.org,Two\nu7,new@x.org,Seven\n";

fn lagging() -> Bench {
    let customer = |n: u32| json!({"id": 1000 + n, "userId": format!("u{n}"), "email": format!("u{n}@x.org"), "name": "Seven"});
    let bench = Bench::with((1..=250).map(customer).collect(), LAG);
    bench
        .write("new.csv", ROWS)
        .write("hcsync.toml", "[remote]\nstrategy = \"lookup\"\n");
    bench
}

#[test]
fn the_next_sync_finds_whom_search_does_not_show_yet() {
    let bench = lagging();
    let _ = bench.run("sync new.csv").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 252);
    for _ in 0..2 {
        let before = bench.runs();
        let _ = bench.run("sync new.csv").exits(0);
        let run = bench.run_since(&before);
        assert_eq!(run.count("unchanged"), 3);
    }
    // By the e-mail address alone, which a patch gave.
    let before = bench.runs();
    bench.write("mail.csv", "email,name\nNEW@x.org,Other\nn1@x.org,One\n");
    let _ = bench.run("sync mail.csv").exits(0);
    let run = bench.run_since(&before);
    assert_eq!((run.count("updated"), run.count("unchanged")), (1, 1));
    assert_eq!(bench.sandbox().customers().len(), 252);
}

#[test]
fn a_run_that_was_stopped_and_superseded_is_not_done_again() {
    let bench = lagging();
    let _ = bench.run("sync new.csv --max-requests 5").exits(7);
    let made = bench.sandbox().customers().len();
    assert!(made > 250, "{made}");
    let _ = bench.run("sync new.csv").exits(0);
    assert_eq!(bench.sandbox().customers().len(), 252);
}

#[test]
fn an_old_plan_does_not_make_them_again() {
    let bench = lagging();
    let _ = bench.run("plan new.csv --out old.plan").exits(0);
    let _ = bench.run("sync new.csv").exits(0);
    let before = bench.runs();
    let _ = bench.run("apply old.plan").exits(3);
    let run = bench.run_since(&before);
    // What was created is told as stale. Whom the sync changed is still found as he was, and given the same value again.
    assert_eq!((run.count("failed"), run.count("updated")), (2, 1));
    assert_eq!(bench.sandbox().customers().len(), 252);
}
