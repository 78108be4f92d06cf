//! What sending costs beside a bare loop: `cargo bench --bench sending -- [--rows N] [--rounds N] [--only WORD] [--no-snapshot]`.
//!
//! hcsync's way: the plan read from its file, journal and snapshot on disk, the answers compared with what was meant, and at the
//! end the results, all with the limiter off and 64 requests at a time. The bare loop sends the same bodies with reqwest, reads the
//! answers to their end and looks at nothing. Both go to the same small server, a process of its own, in turns. Times are of this
//! machine and of what else runs on it: compare them with each other only.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints and may panic"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and times are far below 2^52"
)]

mod bare;
mod cpu;
mod hcsync_run;
mod server;
mod work;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cpu::CpuClock;
use hcsync_run::{Phases, Prepared};
use work::{Account, Kind, Work};

const CONCURRENCY: usize = 64;
const CUSTOMERS: u64 = 100_000;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return server::serve(CUSTOMERS);
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let number = |name, default| value(name).map_or(default, |text| text.parse().unwrap());
    let rows: usize = number("--rows", 20_000);
    let rounds = number("--rounds", 5);
    let only = value("--only");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = Server::start();
    let has_snapshot = arguments.iter().all(|argument| argument != "--no-snapshot");
    let account = has_snapshot.then(|| Account::new(CUSTOMERS));
    println!(
        "{rows} rows, {rounds} rounds, {CONCURRENCY} at a time; medians; CPU time of client + server per row"
    );
    for kind in Kind::ALL {
        if only.is_some_and(|only| only != kind.name()) {
            continue;
        }
        let work = Work::new(kind, rows, CUSTOMERS);
        let mut rounds_taken = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            let (bare, ()) = server.sample(|| runtime.block_on(bare::send(&work, &server.url)));
            let accounts = [Some(None), account.as_ref().map(Some)];
            for (taken, account) in rounds_taken.iter_mut().zip(accounts.into_iter().flatten()) {
                let prepared = Prepared::new(&work, account);
                let (own, phases) =
                    server.sample(|| runtime.block_on(prepared.send(&work, &server.url)));
                taken.push(Round { bare, own, phases });
            }
        }
        let [without, with] = rounds_taken;
        println!();
        report_bare(kind, rows, &without);
        report("", rows, &without);
        if has_snapshot {
            report(" with a snapshot", rows, &with);
        }
    }
}

/// What one way to send took.
#[derive(Debug, Clone, Copy)]
struct Sample {
    wall: Duration,
    client: Duration,
    server: Duration,
}

#[derive(Debug)]
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let _ = said.read_line(&mut line).unwrap();
        Self {
            child,
            url: line.trim().to_owned(),
        }
    }

    fn sample<T>(&self, send: impl FnOnce() -> T) -> (Sample, T) {
        let (client, server) = (CpuClock::own(), CpuClock::of(self.child.id()));
        let (from_client, from_server) = (client.time(), server.time());
        let start = std::time::Instant::now();
        let sent = send();
        let sample = Sample {
            wall: start.elapsed(),
            client: client.time() - from_client,
            server: server.time() - from_server,
        };
        (sample, sent)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A bare loop, and hcsync after it.
#[derive(Debug)]
struct Round {
    bare: Sample,
    own: Sample,
    phases: Phases,
}

fn report_bare(kind: Kind, rows: usize, rounds: &[Round]) {
    let of = |figure: &dyn Fn(&Sample) -> f64| median(rounds.iter().map(|r| figure(&r.bare)));
    println!(
        "{}: bare loop {:.0} rows/s, {:.1} + {:.1} µs of CPU",
        kind.name(),
        of(&|bare| rows as f64 / bare.wall.as_secs_f64()),
        of(&|bare| micros(bare.client, rows)),
        of(&|bare| micros(bare.server, rows)),
    );
}

fn report(how: &str, rows: usize, rounds: &[Round]) {
    let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
    println!(
        "  hcsync{how}: {:.0} rows/s, {:.1} + {:.1} µs of CPU",
        of(&|round| rows as f64 / round.own.wall.as_secs_f64()),
        of(&|round| micros(round.own.client, rows)),
        of(&|round| micros(round.own.server, rows)),
    );
    let ratios = rounds.iter().map(|r| ratio(r.bare.wall, r.own.wall));
    println!(
        "    ratio {:.2} ({:.2}–{:.2}); of the lanes alone {:.2}; of the CPU time {:.2}",
        median(ratios.clone()),
        ratios.clone().fold(f64::INFINITY, f64::min),
        ratios.fold(0.0, f64::max),
        of(&|round| ratio(round.bare.wall, round.phases.lanes)),
        of(&|round| {
            let (bare, own) = (round.bare, round.own);
            ratio(bare.client + bare.server, own.client + own.server)
        }),
    );
    let millis = |time: &dyn Fn(&Phases) -> Duration| of(&|r| time(&r.phases).as_secs_f64() * 1e3);
    println!(
        "    ms: customers marked {:.0}, lanes {:.0}, journal and snapshot closed {:.0}, results {:.0}",
        millis(&|phases| phases.marking),
        millis(&|phases| phases.lanes),
        millis(&|phases| phases.closing),
        millis(&|phases| phases.results),
    );
}

fn micros(time: Duration, rows: usize) -> f64 {
    time.as_secs_f64() * 1e6 / rows as f64
}

fn ratio(bare: Duration, own: Duration) -> f64 {
    bare.as_secs_f64() / own.as_secs_f64()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
