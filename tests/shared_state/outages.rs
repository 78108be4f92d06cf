//! A database that goes away.

use crate::machine::{Place, rows};

#[test]
fn a_database_that_restarts_is_waited_for() {
    let Some(place) = Place::open() else { return };
    let one = place.machine();
    let running = one
        .write("in.csv", &rows(30))
        .start("sync in.csv --requests-per-minute 600");
    place.until("some writes", |log| {
        log.iter().any(|request| request.applied)
    });
    place.postgres.stop();
    let quiet = place.applied();
    place.postgres.resume();
    let ended = running.wait().exits(0);
    assert!(place.applied() > quiet);
    assert!(
        ended.stderr.contains("waiting for the state database"),
        "{}",
        ended.stderr
    );
    assert_eq!(place.user_ids().len(), 30);
    assert_eq!(place.applied(), 30);
}

#[test]
fn a_run_without_its_database_ends_and_can_be_resumed_when_it_is_back() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (place.machine(), place.machine());
    let config = "[limits]\nmax_outage = \"2s\"\nsettle = \"0s\"\n[api]\ntimeout = \"1s\"\n[state]\nlease = \"2s\"\n";
    let running = one
        .write("hcsync.toml", config)
        .write("in.csv", &rows(30))
        .start("sync in.csv --requests-per-minute 600");
    place.until("some writes", |log| {
        log.iter().any(|request| request.applied)
    });
    place.postgres.stop();
    let ended = running.wait().exits(1);
    assert!(
        ended.stderr.contains("the state database"),
        "{}",
        ended.stderr
    );
    let sent = place.applied();
    assert!(sent < 30);
    let refused = two.write("in.csv", &rows(30)).run("sync in.csv").exits(1);
    assert!(
        refused.stderr.contains("cannot be reached"),
        "{}",
        refused.stderr
    );
    place.postgres.resume();
    let _ = two.write("hcsync.toml", config).run("resume").exits(0);
    assert_eq!(place.user_ids().len(), 30);
}
