//! `hcsync sandbox`: serves a local HelpCrunch API until it is stopped.

use std::path::Path;
use std::time::SystemTime;

use tokio::net::TcpListener;

use crate::cli::args::SandboxArgs;
use crate::cli::console::Console;
use crate::cli::exit::{Cause, Exit, Failure, OrFail as _, chain};
use crate::cli::sandbox_customers::sandbox_customers;
use crate::cli::stopping::Stopping;
use crate::sandbox::{Options, Sandbox, Scenario};

pub(in crate::cli) async fn run(args: &SandboxArgs) -> Exit {
    let console = Console::from(&args.console);
    console.exit_code(serve(args, &console).await)
}

async fn serve(args: &SandboxArgs, console: &Console) -> Result<Exit, Failure> {
    let sandbox = Sandbox::new(options(args)?).map_err(Failure::usage)?;
    let cannot_listen =
        |e: std::io::Error| Failure::usage(format!("cannot listen on {}: {e}", args.listen));
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let stopping = Stopping::listen(console).or_not_finished("signals")?;
    let url = format!("http://{address}/v1");
    if console.is_json() {
        console.print_json(&serde_json::json!({ "base_url": url }));
    } else {
        console.print(&format!("{url}\n"));
        console.say(&format!(
            "any key but an empty one is accepted; next, in another terminal: HELPCRUNCH_API_KEY=any hcsync sync FILE --base-url {url}"
        ));
    }
    let stop = stopping.stops.soft.clone();
    let served = sandbox
        .serve(listener, async move { stop.cancelled().await })
        .await;
    served.or_not_finished("sandbox")?;
    Ok(stopping.exit())
}

fn options(args: &SandboxArgs) -> Result<Options, Failure> {
    let customers = sandbox_customers(args.customers.as_deref())?;
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
    Failure::usage(format!("{}: {}", path.display(), chain(error)))
}
