//! Whole runs from seeds, whose invariants hold whatever happens in them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::case::Case;
use crate::happened::Happened;
use crate::invariants::{End, Sessions};
use crate::plug::{Boundary, Crash};
use crate::world::{Ended, RunOutcome, World, simulate};

/// More processes than any case needs.
const MOST_PROCESSES: usize = 90;

/// Far more virtual time than any case needs: a simulation that waits for nothing ends here.
const MOST_TIME: Duration = Duration::from_secs(400 * 24 * 3600);

/// Runs a case to its end, and holds it against every invariant.
fn run(case: &Case) -> Result<Happened, String> {
    simulate(async {
        let mut world = World::new(case.seed, case.options.clone());
        match tokio::time::timeout(MOST_TIME, play(case, &mut world)).await {
            Ok(played) => played,
            Err(_) => Err("the run waits for ever".into()),
        }
    })
}

async fn play(case: &Case, world: &mut World) -> Result<Happened, String> {
    let mut sessions = Sessions::default();
    let mut happened = Happened::default();
    let mut outcome = None;
    for process in 0..MOST_PROCESSES {
        if let Some(crash) = case.crashes.get(process).copied().flatten() {
            world.crash_at(crash);
        }
        sessions.begin(world, case);
        happened.found(world);
        let ended = match process {
            0 => world.sync(&case.rows).await,
            _ if case.is_fresh => {
                tokio::time::sleep(case.lag()).await;
                world.sync_anew(&case.rows).await
            }
            _ => match world.resume().await {
                Some(ended) => ended,
                None => world.sync(&case.rows).await,
            },
        };
        sessions.end(world, &ended, case)?;
        happened.process(&ended);
        let is_finished = ended.ended == Ended::Finished;
        outcome = Some(ended);
        if is_finished {
            break;
        }
        tokio::time::sleep(case.rests[process % case.rests.len()]).await;
    }
    let outcome = outcome.filter(|o| o.ended == Ended::Finished);
    let outcome: RunOutcome = outcome.ok_or("the run does not come to its end")?;
    happened.world(world, &outcome);
    End {
        case,
        world,
        outcome: &outcome,
    }
    .check()?;
    again(case, world, &outcome).await?;
    Ok(happened)
}

/// A second sync, once everything can be seen, plans nothing for rows that are done, unless agents were at them.
async fn again(case: &Case, world: &mut World, first: &RunOutcome) -> Result<(), String> {
    tokio::time::sleep(Duration::from_secs(300)).await;
    let mut quirks = world.sandbox().quirks();
    (quirks.search_lag_ms, quirks.list_lag_ms) = (0, 0);
    world.sandbox().set_quirks(quirks).unwrap();
    let edited: Vec<u64> = world
        .requests()
        .iter()
        .flat_map(|r| r.agent_edits.clone())
        .collect();
    for _ in 0..MOST_PROCESSES {
        let second = world.sync(&case.rows).await;
        if second.results.is_empty() {
            tokio::time::sleep(Duration::from_secs(60)).await;
            continue;
        }
        return crate::invariants::nothing_left(first, &second, &edited);
    }
    Err("the second sync does not come to its end".into())
}

/// What a seed that breaks an invariant leaves behind.
fn verdict(seed: u64) -> Result<Happened, String> {
    verdict_of(&Case::new(seed))
}

pub(crate) fn verdict_of(case: &Case) -> Result<Happened, String> {
    match catch_unwind(AssertUnwindSafe(|| run(case))) {
        Ok(verdict) => verdict,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}

/// Runs seeds on all cores; gives what happened in all of them, or what broke.
pub(crate) fn run_all(
    seeds: u64,
    verdict: impl Fn(u64) -> Result<Happened, String> + Sync,
) -> Happened {
    let next = AtomicU64::new(0);
    let all = Mutex::new((Happened::default(), Vec::new()));
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let verdict = verdict(seed);
                    let mut all = all.lock().unwrap();
                    match verdict {
                        Ok(happened) => all.0.add(&happened),
                        Err(what) => all.1.push((seed, what)),
                    }
                }
            });
        }
    });
    let (happened, mut broken) = all.into_inner().unwrap();
    broken.sort();
    let told: Vec<String> = broken.iter().take(20).map(|(seed, what)| {
        format!("seed {seed}: {what}\n  HCSYNC_SEED={seed} cargo test --test simulation replay -- --nocapture")
    }).collect();
    assert!(
        broken.is_empty(),
        "{} of {seeds} seeds broke an invariant\n{}",
        broken.len(),
        told.join("\n")
    );
    happened
}

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// `HCSYNC_SEEDS` says how many.
#[test]
fn no_seed_breaks_an_invariant() {
    let seeds = number("HCSYNC_SEEDS").unwrap_or(200);
    let happened = run_all(seeds, verdict);
    println!("{seeds} seeds: {happened:?}");
    assert_eq!(
        happened.never(),
        Vec::<&str>::new(),
        "this never happened in {seeds} seeds"
    );
}

/// An agent changes custom data while search lags, directly before a whole set is sent; search is behind a patch that was in
/// doubt.
#[test]
fn seeds_that_once_broke_an_invariant_hold() {
    for seed in [4942, 8837] {
        verdict(seed).unwrap();
    }
}

/// Every append of a run, with each way to die in it. `HCSYNC_BOUNDARY_SEEDS` says in how many runs.
#[test]
fn no_crash_at_any_boundary_of_the_journal_breaks_an_invariant() {
    run_all(number("HCSYNC_BOUNDARY_SEEDS").unwrap_or(6), |seed| {
        let case = Case {
            crashes: Vec::new(),
            ..Case::new(seed)
        };
        let mut all = Happened::default();
        for number in 1..=appends(&case) {
            for way in 0..3 {
                let happened = verdict_of(&at_boundary(&case, number, way));
                all.add(&happened.map_err(|what| format!("HCSYNC_APPEND={number}.{way} {what}"))?);
            }
        }
        Ok(all)
    });
}

/// The case with a crash at this append, and another one soon after.
fn at_boundary(case: &Case, number: u64, way: u64) -> Case {
    let torn = usize::try_from(number * 37 % 1000).unwrap();
    let boundary = match way {
        0 => Boundary::Before,
        1 => Boundary::Torn(torn),
        _ => Boundary::After,
    };
    let crashes = [number, 1 + number % 5].map(|number| Some(Crash::Append(number, boundary)));
    Case {
        crashes: crashes.to_vec(),
        ..case.clone()
    }
}

fn appends(case: &Case) -> u64 {
    simulate(async {
        let mut world = World::new(case.seed, case.options.clone());
        world.sync(&case.rows).await;
        world.appends()
    })
}

/// The same seed is the same run, to the millisecond.
#[test]
fn a_seed_is_one_run() {
    let log = |seed| {
        let case = Case::new(seed);
        simulate(async {
            let mut world = World::new(seed, case.options.clone());
            world.sync_to_the_end(&case.rows, 20).await;
            world.requests()
        })
    };
    for seed in 0..10 {
        assert_eq!(log(seed), log(seed), "seed {seed}");
    }
}

/// Runs the seed `HCSYNC_SEED` once more, and shows what the server saw; with `HCSYNC_APPEND=12.0` as it was with a
/// crash at the twelfth append, in the first of the ways; `HCSYNC_BATCHES=1`, `=reset` or `=replace` for a case with batches.
#[test]
fn replay() {
    let Some(seed) = number("HCSYNC_SEED") else {
        verdict(0).unwrap();
        return;
    };
    let kind = std::env::var("HCSYNC_BATCHES").unwrap_or_default();
    let mut case = match kind.as_str() {
        "" => Case::new(seed),
        "reset" => crate::batches::resetting(seed),
        "replace" => crate::batches::replacing(seed),
        _ => crate::batches::batched(seed),
    };
    if let Ok(append) = std::env::var("HCSYNC_APPEND") {
        let (number, way) = append.split_once('.').unwrap();
        case = at_boundary(&case, number.parse().unwrap(), way.parse().unwrap());
    }
    println!("{case:#?}");
    let logged = std::env::var("HCSYNC_LOG").unwrap_or_else(|_| "hcsync=debug".into());
    let logger = tracing_subscriber::fmt()
        .with_env_filter(logged)
        .with_test_writer();
    logger.without_time().try_init().ok();
    simulate(async {
        let mut world = World::new(seed, case.options.clone());
        let played = tokio::time::timeout(MOST_TIME, play(&case, &mut world)).await;
        for request in world.requests() {
            println!("{}", serde_json::to_string(&request).unwrap());
        }
        for customer in world.customers() {
            println!("{customer}");
        }
        let journal = world.journal().unwrap_or_default();
        println!("{}", String::from_utf8_lossy(&journal));
        played.unwrap().unwrap();
    });
}
