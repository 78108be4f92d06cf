//! The command line: the only place that prints and decides exit codes. What it says is made in `report`, what it
//! does is done in `run`.

mod account;
mod all_rows;
pub mod args;
mod asking;
mod attached;
mod beginning;
mod claiming;
mod commands;
mod connection;
mod console;
mod diagnostics;
mod exit;
mod faults;
mod inputs;
mod kept;
mod learned;
mod overlap;
mod overrides;
mod own_key;
mod planning;
mod probed;
mod progress;
mod remembered;
mod reports;
mod sending;
mod session;
mod shell;
mod snapshot;
mod starting_over;
mod stopping;
mod superseding;
mod twins;
mod unsent;
mod usage;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use args::Command;
use commands::{
    apply, check, completions, export, init, man, plan, probe, resume, runs, sandbox, show, sync,
};
use exit::Exit;

use crate::platform::{catch_panic, worker_threads};

/// Runs the program; gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = match usage::parse() {
        Ok(args) => args,
        Err(error) => {
            usage::tell(&error);
            return ExitCode::from(if error.use_stderr() {
                Exit::Usage.code()
            } else {
                Exit::Done.code()
            });
        }
    };
    // Without its threads the library panics, or waits for ever for those that it could not start.
    let of_runtime = thread::available_parallelism().map_or(1, NonZero::get);
    let built = match threads_can_start(of_runtime + worker_threads() + MORE_THREADS) {
        true => catch_panic(|| {
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
        }),
        false => None,
    };
    let Some(Ok(runtime)) = built else {
        usage::tell_failure(
            "hcsync cannot start: the system gives it too few threads or open files; raise the limits (`ulimit -u`, \
             `ulimit -n`) and run the same command again",
        );
        return ExitCode::from(Exit::NotFinished.code());
    };
    let exit = runtime.block_on(dispatch(&args.command));
    // What still runs, such as a sandbox, ends with the process.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Threads beside the runtime's own and those that share work that a command may need at once: for files, names of hosts, and
/// the journal.
const MORE_THREADS: usize = 6;

/// Whether `count` threads can be started at once.
fn threads_can_start(count: usize) -> bool {
    let gate = Mutex::new(());
    let closed = gate.lock();
    thread::scope(|scope| {
        let started = (0..count).all(|_| {
            let waiting = || drop(gate.lock());
            thread::Builder::new().spawn_scoped(scope, waiting).is_ok()
        });
        drop(closed);
        started
    })
}

async fn dispatch(command: &Command) -> Exit {
    match command {
        Command::Sync(args) => Box::pin(sync::run(args)).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Show(args) => show::run(args),
        Command::Runs(args) => runs::run(args),
        Command::Export(args) => export::run(args).await,
        Command::Probe(args) => Box::pin(probe::run(args)).await,
        Command::Check(args) => check::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Apply(args) => Box::pin(apply::run(args)).await,
        Command::Resume(args) => Box::pin(resume::run(args)).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Completions(args) => completions::run(args),
        Command::Man => man::run(),
    }
}
