//! No file that is read is written over, and no output twice: that is refused before anything is sent or written.

use crate::bench::{Bench, Ran};

#[track_caller]
fn refused(bench: &Bench, words: &str, output: &str, file: &str) -> Ran {
    let (writes, before) = (bench.writes(), std::fs::read(bench.path(file)).unwrap());
    let ran = bench
        .run(words)
        .exits(2)
        .says(&[&format!("{output} would overwrite")]);
    assert_eq!(std::fs::read(bench.path(file)).unwrap(), before, "{words}");
    assert_eq!(bench.writes(), writes, "{words}");
    ran
}

fn planned() -> Bench {
    let bench = Bench::empty();
    bench.write("in.csv", "userId,name\na,Ann\nb,Bob\n");
    let _ = bench.run("plan in.csv --out plan.jsonl").exits(0);
    bench
}

#[test]
fn the_inputs_of_a_plan_and_the_plan() {
    let bench = planned();
    let _ = refused(
        &bench,
        "apply plan.jsonl --rejected in.csv",
        "--rejected",
        "in.csv",
    );
    let _ = refused(
        &bench,
        "apply plan.jsonl --summary in.csv",
        "--summary",
        "in.csv",
    );
    let mut show = bench.bare(&["show", "plan.jsonl", "--changes", "plan.jsonl"]);
    show.args(["--state-dir", "state"]);
    let ran = crate::bench::Running::start(show).wait().exits(2);
    assert!(
        ran.err.contains("--changes would overwrite the plan"),
        "{}",
        ran.err
    );
    // It is what it was, and can be applied.
    let _ = bench.run("apply plan.jsonl --rejected new.csv").exits(0);
}

#[test]
fn the_inputs_of_a_run_that_goes_on() {
    let bench = planned();
    let _ = bench.run("sync in.csv --max-requests 2").exits(7);
    for output in ["--rejected", "--results", "--summary"] {
        let _ = refused(&bench, &format!("resume {output} in.csv"), output, "in.csv");
    }
    let _ = bench.run("resume --results new.csv").exits(0);
}

#[test]
fn the_config_whether_it_is_named_or_not() {
    let bench = planned();
    bench.write("hcsync.toml", "").write("named.jsonl", "");
    let _ = refused(
        &bench,
        "sync in.csv --summary hcsync.toml",
        "--summary",
        "hcsync.toml",
    );
    let _ = refused(
        &bench,
        "export -c named.jsonl -o named.jsonl",
        "-o",
        "named.jsonl",
    );
}
