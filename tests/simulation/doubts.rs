//! Creates of which it is not known whether they took effect, in worlds made for one of them each.

use std::time::Duration;

use hcsync::outcome::RowStatus;
use hcsync::sandbox::quirks::RetryAfter;
use hcsync::sandbox::{Endpoint, Fault, FaultRule, Quirks, Schedule, Selector};
use http::StatusCode;
use serde_json::{Value, json};

use crate::plug::{Crash, Reach};
use crate::world::{Ended, World, WorldOptions, simulate};

fn row() -> Vec<Value> {
    vec![json!({"userId": "u1", "email": "u1@example.org", "name": "One"})]
}

fn nth_create(nth: u64, fault: Fault) -> FaultRule {
    let select = Selector {
        endpoint: vec![Endpoint::Create],
        nth: vec![nth],
        ..Selector::default()
    };
    FaultRule { fault, select }
}

fn with(faults: Vec<FaultRule>, search_lag_ms: u64) -> WorldOptions {
    WorldOptions {
        quirks: Quirks {
            search_lag_ms,
            list_lag_ms: search_lag_ms,
            ..Quirks::default()
        },
        schedule: Schedule {
            faults,
            agents: Vec::new(),
        },
        ..WorldOptions::default()
    }
}

/// The requests before the first create: one page of the listing.
const BEFORE_CREATES: u64 = 1;

#[test]
fn a_create_that_waited_long_for_its_turn_is_looked_for_as_long_as_any_other() {
    simulate(async {
        let asked = Fault::RateLimit {
            retry_after: RetryAfter::Seconds,
            seconds: 120,
        };
        let mut world = World::new(1, with(vec![nth_create(1, asked)], 20_000));
        // The second create is sent two minutes after the intent, and then the plug is pulled.
        world.crash_at(Crash::Request(BEFORE_CREATES + 2, Reach::Arrived));
        assert_eq!(world.sync(&row()).await.ended, Ended::Crashed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let resumed = world.resume().await.unwrap();
        assert_eq!(
            (resumed.count(RowStatus::Created), world.customers().len()),
            (1, 1)
        );
    });
}

/// With unique userIds a create in doubt is sent again without looking for its customer. If the run stops before that, it
/// stays in doubt.
#[test]
fn a_create_in_doubt_stays_so_if_the_run_stops_before_it_is_repeated() {
    simulate(async {
        let refused = Fault::Status {
            status: StatusCode::UNAUTHORIZED,
            processed: false,
        };
        let faults = vec![nth_create(1, Fault::CutAfter {}), nth_create(2, refused)];
        let mut options = with(faults, 0);
        options.quirks.unique_user_ids = true;
        options.rules.unique_user_ids = true;
        let mut world = World::new(1, options);
        let mut rows = row();
        rows.push(json!({"userId": "u2", "email": "u2@example.org", "name": "Two"}));
        let stopped = world.sync(&rows).await;
        assert!(matches!(stopped.ended, Ended::Stopped(_)), "{stopped:?}");
        assert_eq!(stopped.count(RowStatus::InDoubt), 1, "{stopped:?}");
        let resumed = world.resume().await.unwrap();
        assert_eq!(
            (resumed.count(RowStatus::Created), world.customers().len()),
            (2, 2),
            "{resumed:?}"
        );
    });
}
