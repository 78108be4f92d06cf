//! The command line: the only module that prints and decides exit codes. `report` renders what it prints, `run` does
//! the work.

mod abandoned_results;
mod abandoned_run;
mod abandoned_runs;
mod account;
mod account_claim;
mod account_findings;
mod account_memory;
mod account_session;
mod after_run;
mod all_rows;
pub mod args;
mod attention;
mod canary;
mod command_runner;
mod commands;
mod confirmation;
mod connection;
mod console;
mod console_end;
mod diagnostics;
mod end_report;
mod exit;
mod forgetting;
mod gate_failure;
mod input_command;
mod inputs;
mod known_failures;
mod lane_sender;
mod learned;
mod leftover_probe;
mod log_file;
mod log_start;
mod log_writer;
mod man_pages;
mod metrics_file;
mod notifier;
mod out_dir;
mod overlap;
mod own_key;
mod past_runs;
mod planned_run;
mod planning;
mod program_output;
mod progress;
mod publishing;
mod rejected_files;
mod report_files;
mod reports;
mod request_facts;
mod restart;
mod resume_command;
mod run_end;
mod run_report;
mod run_status;
mod sandbox_customers;
mod saved_settings;
mod sending;
mod sent_plans;
mod session;
mod session_end;
mod shared_accounts;
mod shared_state;
mod shell;
mod snapshot;
mod snippet;
mod source_settings;
mod state;
mod stopping;
mod superseding;
mod sync_inputs;
mod tracking;
mod twins;
mod unsent_run;
mod usage;

use std::io;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use args::Command;
use commands::{
    apply, check, completions, config, demo, export, fleet, forget, history, init, man, notify,
    plan, probe, resume, runs, sandbox, show, state_migrate, status, sync, undo, why,
};
use exit::Exit;

use crate::platform::{avoid_huge_pages, catch_panic, worker_threads};

/// Runs the program and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    avoid_huge_pages();
    let args = match usage::parse() {
        Ok(args) => args,
        Err(error) => {
            usage::print_error(&error);
            return ExitCode::from(if error.use_stderr() {
                Exit::Usage.code()
            } else {
                Exit::Done.code()
            });
        }
    };
    if let Some(message) = usage::unknown_variables() {
        usage::print_failure(&message, "usage");
        return ExitCode::from(Exit::Usage.code());
    }
    // tokio panics or hangs if it cannot start its threads, and a connection without a file left looks like an outage.
    let runtime_threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = runtime_threads + worker_threads() + EXTRA_THREADS;
    let built = match can_open_files(MIN_FILES) && can_start_threads(threads) {
        true => catch_panic(|| {
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
        }),
        false => None,
    };
    let Some(Ok(runtime)) = built else {
        usage::print_failure(
            "hcsync cannot start: the system gives it too few threads or open files; raise the limits (`ulimit -u`, \
             `ulimit -n`) and run the same command again",
            "limits",
        );
        return ExitCode::from(Exit::NotFinished.code());
    };
    let exit = runtime.block_on(dispatch(&args.command));
    // Background tasks, such as a sandbox, end with the process.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Threads that a command may need besides those of the runtime and the worker threads: for files, host names and the
/// journal.
const EXTRA_THREADS: usize = 6;

/// Files and connections that a command may have open at the same time, besides those of its parallel requests.
const MIN_FILES: usize = 32;

/// Whether `count` more files can be open at the same time.
fn can_open_files(count: usize) -> bool {
    let pipes: Result<Vec<_>, _> = (0..count.div_ceil(2)).map(|_| io::pipe()).collect();
    pipes.is_ok()
}

/// Whether `count` threads can run at the same time.
fn can_start_threads(count: usize) -> bool {
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
        Command::Show(args) => show::run(args).await,
        Command::Runs(args) => runs::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Fleet(args) => fleet::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Probe(args) => Box::pin(probe::run(args)).await,
        Command::Check(args) => check::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Apply(args) => Box::pin(apply::run(args)).await,
        Command::Resume(args) => Box::pin(resume::run(args)).await,
        Command::Undo(args) => Box::pin(undo::run(args)).await,
        Command::Why(args) => Box::pin(why::run(args)).await,
        Command::Forget(args) => forget::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Demo(args) => Box::pin(demo::run(args)).await,
        Command::Notify(args) => notify::run(args).await,
        Command::Config(args) => config::run(args).await,
        Command::State(args) => state_migrate::run(args).await,
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
