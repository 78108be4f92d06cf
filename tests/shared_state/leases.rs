//! One process at a time writes to an account, on whichever machine it is.

use std::collections::HashSet;

use rustix::process::Signal;

use crate::machine::{Machine, Place, rows};

/// A short lease, and nothing to wait for after one that died.
const SHORT: &str = "[state]\nlease = \"2s\"\n[limits]\nsettle = \"0s\"\n[api]\ntimeout = \"1s\"\n";

/// The number of writes that a run of this many rows makes.
fn machine_with<'a>(place: &'a Place, count: usize) -> Machine<'a> {
    let machine = place.machine();
    machine.write("hcsync.toml", SHORT);
    machine.write("in.csv", &rows(count));
    machine
}

/// Tries again until the lease of a process that died has expired.
fn take_over(machine: &Machine<'_>) {
    loop {
        let ended = machine.run("sync in.csv");
        match ended.code {
            Some(5) => std::thread::yield_now(),
            Some(0) => return,
            code => panic!("{code:?}: {}", ended.stderr),
        }
    }
}

#[test]
fn of_eight_processes_on_one_account_one_sends() {
    let Some(place) = Place::open() else { return };
    let machines: Vec<_> = (0..8).map(|_| machine_with(&place, 200)).collect();
    let (first, others) = machines.split_first().unwrap();
    let sending = first.start("sync in.csv --requests-per-minute 600");
    place.until("some writes", |log| {
        log.iter().any(|request| request.applied)
    });
    for other in others {
        let refused = other.run("sync in.csv").exits(5);
        let by = "another run is working on this account: process";
        assert!(refused.stderr.contains(by), "{}", refused.stderr);
    }
    sending.signal(Signal::TERM);
    let _ = sending.wait().exits(143);
    let _ = others[0].run("sync in.csv").exits(0);
    assert_eq!(place.user_ids().len(), 200);
    assert_eq!(place.applied(), 200);
}

#[test]
fn processes_on_different_accounts_run_at_once() {
    let Some(place) = Place::open() else { return };
    let machines: Vec<_> = (0..8).map(|_| machine_with(&place, 2)).collect();
    let names = (0..8).map(|n| format!("account-{n}"));
    let running = machines.iter().zip(names).map(|(machine, name)| {
        let mut command = machine.command("sync in.csv");
        command.env("HCSYNC_ACCOUNT", name);
        crate::machine::Running::start(command)
    });
    let running: Vec<_> = running.collect();
    for running in running {
        // They share one server here, so a row may be refused as another account's; each ran.
        let ended = running.wait();
        assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    }
    assert_eq!(
        place.postgres.value("select count(*) from hcsync_accounts"),
        "8"
    );
}

#[test]
fn a_process_that_was_killed_is_followed_by_one_on_another_machine() {
    let Some(place) = Place::open() else { return };
    for killed_after in [1, 7, 13] {
        let before = place.applied();
        let count = place.user_ids().len() + 20;
        let (one, two) = (machine_with(&place, count), machine_with(&place, count));
        let running = one.start("sync in.csv --requests-per-minute 1200");
        place.until("some writes", |log| {
            log.iter().filter(|request| request.applied).count() >= before + killed_after
        });
        running.signal(Signal::KILL);
        assert_eq!(running.wait().code, None);
        take_over(&two);
        let ids = place.user_ids();
        let distinct: HashSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "no customer is there twice");
        assert_eq!(ids.len(), count);
        assert_eq!(
            place.applied() - before,
            20,
            "no finished write is repeated"
        );
    }
}

#[test]
fn a_process_that_slept_past_its_lease_sends_nothing_more() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (machine_with(&place, 30), machine_with(&place, 30));
    let running = one.start("sync in.csv --requests-per-minute 600");
    place.until("some writes", |log| {
        log.iter().any(|request| request.applied)
    });
    running.signal(Signal::STOP);
    take_over(&two);
    let sent = place.sandbox().requests().len();
    running.signal(Signal::CONT);
    let ended = running.wait().exits(5);
    let by = "the lease of this account was lost";
    assert!(ended.stderr.contains(by), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hcsync resume"), "{}", ended.stderr);
    let late = place.sandbox().requests();
    let late: Vec<_> = late
        .iter()
        .skip(sent)
        .filter(|request| request.writes)
        .collect();
    assert!(late.is_empty(), "{late:?}");
    assert_eq!(place.user_ids().len(), 30);
}

#[test]
fn a_run_is_resumed_on_another_machine() {
    let Some(place) = Place::open() else { return };
    let (one, two) = (machine_with(&place, 30), machine_with(&place, 30));
    let running = one.start("sync in.csv --requests-per-minute 600");
    place.until("some writes", |log| {
        log.iter().any(|request| request.applied)
    });
    running.signal(Signal::TERM);
    let _ = running.wait().exits(143);
    let _ = two.run("resume").exits(0);
    assert_eq!(place.user_ids().len(), 30);
    assert_eq!(place.applied(), 30);
}
