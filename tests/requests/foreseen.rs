//! Creates on an account that ignores some of their fields.

use hcsync::sandbox::Quirks;

use crate::bench::Bench;

fn ignoring() -> Bench {
    let quirks = Quirks {
        create_ignores: vec!["referer".to_owned(), "lastPage".to_owned()],
        ..Quirks::default()
    };
    Bench::behaving(3, quirks)
}

fn rows(from: u32) -> String {
    let row = |n: u32| match n % 2 {
        0 => format!("new{n},Name,https://example.org,\n"),
        _ => format!("new{n},Name,,\n"),
    };
    std::iter::once("userId,name,referer,lastPage\n".to_owned())
        .chain((from..from + 20).map(row))
        .collect()
}

#[test]
fn what_a_probe_saw_a_create_ignore_is_in_the_estimate() {
    let bench = ignoring();
    bench.probe().write("in.csv", rows(0));
    let ran = bench.run("sync in.csv").exits(0);
    assert_eq!(
        (ran.writes(), &ran.summary["estimate"]["requests"]),
        (30, &31.into())
    );
    ran.keeps_to_its_estimate(1);
}

#[test]
fn what_a_create_is_refused_for_comes_with_a_patch() {
    let quirks = || Quirks {
        create_refuses: vec!["referer".to_owned(), "lastPage".to_owned()],
        ..Quirks::default()
    };
    let bench = Bench::behaving(3, quirks());
    bench.write("in.csv", rows(0));
    let unknown = bench.run("sync in.csv --min-match-percent 0").exits(0);
    assert_eq!(unknown.summary["results"]["created"], 20);
    // Of those that were on their way together each is refused once.
    assert!(
        (31..=34).contains(&unknown.writes()),
        "{}",
        unknown.writes()
    );
    bench.write("in.csv", rows(100));
    let seen = bench.run("sync in.csv --min-match-percent 0").exits(0);
    assert_eq!(seen.writes(), 30);
    seen.keeps_to_its_estimate(1);
    let bench = Bench::behaving(3, quirks());
    bench.probe().write("in.csv", rows(0));
    let probed = bench.run("sync in.csv --min-match-percent 0").exits(0);
    assert_eq!(
        (probed.writes(), &probed.summary["results"]["created"]),
        (30, &20.into())
    );
    probed.keeps_to_its_estimate(1);
}

#[test]
fn what_a_run_saw_is_foreseen_by_the_next_until_it_is_seen_no_more() {
    let bench = ignoring();
    let mut seen = Vec::new();
    for from in [0, 100, 200, 300] {
        bench.write("in.csv", rows(from));
        if from == 200 {
            bench.sandbox().set_quirks(Quirks::default()).unwrap();
        }
        let ran = bench.run("sync in.csv --min-match-percent 0").exits(0);
        seen.push((
            ran.summary["estimate"]["requests"].as_u64().unwrap(),
            ran.writes(),
        ));
    }
    assert_eq!(seen, [(21, 30), (31, 30), (31, 20), (21, 20)]);
}

/// The server's own value stands where the row's was ignored.
#[test]
fn a_flag_that_a_create_ignores_is_foreseen_too() {
    let quirks = Quirks {
        create_ignores: vec!["blocked".to_owned()],
        ..Quirks::default()
    };
    let bench = Bench::behaving(3, quirks);
    let rows = |night: u32| {
        let row = |n: u32| format!("night{night}-{n},true\n");
        let header = "userId,blocked\n".to_owned();
        std::iter::once(header)
            .chain((0..10).map(row))
            .collect::<String>()
    };
    let mut seen = Vec::new();
    for night in 0..2 {
        bench.write("in.csv", rows(night));
        let ran = bench.run("sync in.csv --min-match-percent 0").exits(0);
        seen.push((
            ran.summary["estimate"]["requests"].as_u64().unwrap(),
            ran.writes(),
        ));
    }
    assert_eq!(seen, [(11, 20), (21, 20)]);
}
