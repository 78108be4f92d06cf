//! `hcsync sandbox`: serves a local HelpCrunch API until it is stopped.

use std::path::Path;
use std::time::SystemTime;

use tokio::net::TcpListener;

use crate::cli::args::{SandboxArgs, When};
use crate::cli::connection::SANDBOX_CUSTOMERS;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure};
use crate::cli::stopping::Stopping;
use crate::sandbox::{Options, Sandbox, Scenario, customers_from_jsonl};

pub(in crate::cli) async fn run(args: &SandboxArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    match serve(args, &console).await {
        Ok(exit) => exit,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
}

async fn serve(args: &SandboxArgs, console: &Console) -> Result<Exit, Failure> {
    let sandbox = Sandbox::new(options(args)?).map_err(Failure::usage)?;
    let listening =
        |e: std::io::Error| Failure::usage(format!("cannot listen on {}: {e}", args.listen));
    let listener = TcpListener::bind(args.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let stopping = Stopping::listen(console)
        .map_err(|e| Failure::from_error(Exit::NotFinished, "signals", &e))?;
    let url = format!("http://{address}/v1");
    if console.is_json() {
        console.print_json(&serde_json::json!({ "base_url": url }));
    } else {
        console.print(&format!("{url}\n"));
    }
    let stop = stopping.stops.soft.clone();
    let served = sandbox
        .serve(listener, async move { stop.cancelled().await })
        .await;
    served.map_err(|e| Failure::from_error(Exit::NotFinished, "sandbox", &e))?;
    Ok(stopping.exit())
}

fn options(args: &SandboxArgs) -> Result<Options, Failure> {
    let customers = match &args.customers {
        Some(path) => customers_from_jsonl(&read(path)?).map_err(|e| in_file(path, &e))?,
        None => customers_from_jsonl(SANDBOX_CUSTOMERS).map_err(Failure::usage)?,
    };
    let mut scenario = match &args.faults {
        Some(path) => Scenario::from_toml(&read(path)?).map_err(|e| in_file(path, &e))?,
        None => Scenario::default(),
    };
    for setting in &args.settings {
        scenario
            .quirks
            .set(&setting.to_string())
            .map_err(Failure::usage)?;
    }
    Ok(Options {
        customers,
        requests_per_minute: args.requests_per_minute,
        seed: args.seed,
        refused_key: args.refuse_key.clone(),
        quirks: scenario.quirks,
        schedule: scenario.schedule,
        started_at: SystemTime::now(),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| in_file(path, &e))
}

fn in_file(path: &Path, error: &Cause) -> Failure {
    Failure::usage(format!(
        "{}: {}",
        path.display(),
        crate::cli::exit::chain(error)
    ))
}
