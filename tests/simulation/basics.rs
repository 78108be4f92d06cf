//! Plain syncs, which show that the world turns.

use hcsync::outcome::RowStatus;
use hcsync::sandbox::{Endpoint, Fault, FaultRule, Selector};
use http::StatusCode;
use serde_json::{Value, json};

use crate::plug::{Boundary, Crash, Reach};
use crate::world::{Ended, World, WorldOptions, simulate};

fn rows() -> Vec<Value> {
    let row = |n: u32| {
        json!({
            "userId": format!("u{n}"), "email": format!("u{n}@example.org"), "name": format!("Name {n}"),
            "tags": ["imported"], "customData": {"plan": "pro"},
        })
    };
    (1..=6).map(row).collect()
}

fn options() -> WorldOptions {
    WorldOptions {
        customers: vec![json!({"id": 7, "userId": "u1", "name": "Old", "customData": {"kept": 1}})],
        ..WorldOptions::default()
    }
}

#[test]
fn rows_are_created_and_updated_and_a_second_sync_plans_nothing() {
    simulate(async {
        let mut world = World::new(1, options());
        let first = world.sync(&rows()).await;
        assert_eq!(first.ended, Ended::Finished);
        assert_eq!(
            (
                first.count(RowStatus::Created),
                first.count(RowStatus::Updated)
            ),
            (5, 1)
        );
        let customers = world.customers();
        assert_eq!(customers.len(), 6);
        assert_eq!(
            customers[0]["customData"],
            json!({"kept": 1, "plan": "pro"})
        );
        let writes = world.sandbox().stats().writes;
        let second = world.sync(&rows()).await;
        assert_eq!(
            (second.ended, world.sandbox().stats().writes),
            (Ended::Finished, writes)
        );
    });
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_not() {
    simulate(async {
        let mut world = World::new(1, options());
        let lines: Vec<String> = rows().iter().map(Value::to_string).collect();
        let results = world.dry_run_file("input.jsonl", &lines.join("\n")).await;
        let count = |status| results.iter().filter(|r| r.status == status).count();
        let would = (count(RowStatus::WouldCreate), count(RowStatus::WouldUpdate));
        assert_eq!((would, world.sandbox().stats().writes), ((5, 1), 0));
    });
}

#[test]
fn a_run_goes_on_after_a_crash_at_any_append_or_request() {
    let appends = simulate(async {
        let mut world = World::new(1, options());
        world.sync(&rows()).await;
        world.appends()
    });
    assert!(appends > 12, "{appends}");
    for number in 1..=appends {
        let boundaries = [Boundary::Before, Boundary::Torn(500), Boundary::After];
        let crashes = boundaries
            .map(|boundary| Crash::Append(number, boundary))
            .into_iter();
        let reaches = [Reach::Lost, Reach::Arrived].map(|reach| Crash::Request(number, reach));
        for crash in crashes.chain(reaches) {
            simulate(async {
                let mut world = World::new(1, options());
                world.crash_at(crash);
                let crashed = world.sync(&rows()).await;
                let end = match world.resume().await {
                    Some(end) => end,
                    None => world.sync(&rows()).await,
                };
                let told = (
                    end.ended.clone(),
                    end.count(RowStatus::Created),
                    end.count(RowStatus::Updated),
                );
                assert_eq!(
                    told,
                    (Ended::Finished, 5, 1),
                    "{crash:?} {:?}",
                    crashed.ended
                );
                assert_eq!(world.customers().len(), 6, "{crash:?}");
            });
        }
    }
}

/// The end of a row is on disk only a little later. Whatever a power cut takes back of it, no row is lost and no customer is
/// created twice; a patch that it takes back may have nothing left to do.
#[test]
fn a_power_cut_that_takes_back_all_that_was_not_synced_loses_no_row_and_repeats_no_create() {
    let options = || WorldOptions {
        loses_tail: true,
        ..options()
    };
    let (appends, requests) = simulate(async {
        let mut world = World::new(1, options());
        world.sync(&rows()).await;
        (world.appends(), world.requests().len() as u64)
    });
    let appends = (1..=appends).map(|number| Crash::Append(number, Boundary::Before));
    let requests = (1..=requests).map(|number| Crash::Request(number, Reach::Arrived));
    for crash in appends.chain(requests) {
        simulate(async {
            let mut world = World::new(1, options());
            world.crash_at(crash);
            world.sync(&rows()).await;
            let end = match world.resume().await {
                Some(end) => end,
                None => world.sync(&rows()).await,
            };
            let patched = end.count(RowStatus::Updated) + end.count(RowStatus::Unchanged);
            let done = (end.count(RowStatus::Created), patched);
            assert_eq!((&end.ended, done), (&Ended::Finished, (5, 1)), "{crash:?}");
            assert_eq!(
                (end.results.len(), world.customers().len()),
                (6, 6),
                "{crash:?}"
            );
            let requests = world.requests();
            let creates = requests.iter().filter(|r| r.endpoint == Endpoint::Create);
            assert_eq!(creates.count(), 5, "{crash:?}");
            let again = world.sync(&rows()).await;
            assert_eq!(again.count(RowStatus::Unchanged), 6, "{crash:?}");
        });
    }
}

#[test]
fn an_outage_of_a_minute_before_the_api_costs_no_row() {
    for from in [0, 2, 20] {
        simulate(async {
            let mut options = options();
            let fault = Fault::Html {
                status: StatusCode::from_u16(521).unwrap(),
                processed: false,
            };
            let select = Selector {
                from_seconds: Some(from),
                to_seconds: Some(from + 60),
                ..Selector::default()
            };
            options.schedule.faults = vec![FaultRule { fault, select }];
            let rows: Vec<Value> = (1..=40)
                .map(|n| json!({"userId": format!("u{n}"), "name": format!("Name {n}")}))
                .collect();
            let mut world = World::new(1, options);
            let end = world.sync(&rows).await;
            assert_eq!(end.ended, Ended::Finished, "{from}");
            let done = (end.count(RowStatus::Created), end.count(RowStatus::Updated));
            assert_eq!(done, (39, 1), "{from}");
            assert_eq!(world.customers().len(), 40, "{from}");
        });
    }
}
