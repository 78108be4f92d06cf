//! `hcsync notify --test`: calls all that the config names once, about no run.

use serde_json::json;

use crate::cli::args::{NotifyArgs, overrides_of};
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::notifier::{Called, Notifier};
use crate::cli::session::Session;
use crate::notify::{Message, PastRuns, Ping, RunFacts};
use crate::platform::host_name;
use crate::report::{Summary, clean};

pub(in crate::cli) async fn run(args: &NotifyArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| notify(session, args).await;
    CommandRunner::new("notify", console).run(work).await
}

async fn notify(session: &mut Session, args: &NotifyArgs) -> Result<Exit, Failure> {
    let loaded = session.load(&overrides_of(&[&args.config]))?;
    let console = &session.console;
    let Some(notifier) = Notifier::of(&loaded, console) else {
        let message = "there is no one to call: [notify] names no webhook, program or ping address";
        return Err(Failure::usage(message).hint(
            "set webhook_file, command or ping_file under [notify] in the config, or HCSYNC_NOTIFY_WEBHOOK or HCSYNC_NOTIFY_PING",
        ));
    };
    let (summary, past, host) = (Summary::default(), PastRuns::default(), host_name());
    let config = loaded.file().map(|file| file.display().to_string());
    let message = Message::trial(&RunFacts {
        summary: &summary,
        past: &past,
        account: loaded.settings.api.account.as_deref(),
        config: config.as_deref(),
        host: &host,
    });
    let (called, pinged) = tokio::join!(
        notifier.call(&message, console),
        notifier.ping(Ping::Success, message.text())
    );
    let calls: Vec<Called> = called.into_iter().chain(pinged).collect();
    print(console, &calls, &notifier.unusable);
    let is_good = notifier.unusable.is_empty() && calls.iter().all(|call| call.result.is_ok());
    match is_good {
        true => Ok(Exit::Done),
        false => Err(Failure::new(
            Exit::NotFinished,
            "notify",
            "not every notification arrived",
        )),
    }
}

fn print(console: &Console, calls: &[Called], unusable: &[String]) {
    if console.is_json() {
        let calls = calls.iter().map(|call| {
            let error = call.result.as_ref().err();
            json!({"called": call.name, "arrived": error.is_none(), "error": error})
        });
        let calls: Vec<_> = calls.collect();
        console.print_json(&json!({"hcsync_notify": 1, "calls": calls, "unusable": unusable}));
        return;
    }
    for call in calls {
        let line = match &call.result {
            Ok(()) => format!("arrived: {}", call.name),
            Err(why) => format!("failed: {}: {why}", call.name),
        };
        console.print(&format!("{}\n", clean(&line)));
    }
    for problem in unusable {
        console.print(&format!("failed: {}\n", clean(problem)));
    }
}
