//! The question before anything is written: whether it is to be asked, and the answer.

use std::io::{self, BufRead, IsTerminal, Write};

use super::args::AskArgs;
use super::connection::Target;
use super::exit::{Exit, Failure};
use super::stopping::Stopping;

/// The question before a plan is sent.
pub(super) const SEND: &str = "Send these changes to HelpCrunch?";

/// `--confirm` demands a question, and there has to be somebody to ask.
pub(super) fn refuse_without_terminal(ask: &AskArgs) -> Result<(), Failure> {
    if ask.confirm && !is_interactive() {
        return Err(Failure::usage(
            "--confirm asks before anything is written, and there is no terminal to ask at",
        )
        .hint("leave --confirm out, or use `plan --out` and `apply --digest`"));
    }
    Ok(())
}

/// At a terminal, against a host that is not this machine (contract); `--confirm` always.
pub(super) fn must_ask(ask: &AskArgs, target: &Target) -> bool {
    ask.confirm || (!ask.yes && is_interactive() && !target.base_url.is_loopback())
}

fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks once whether to go on, and waits for the answer or for a signal.
///
/// # Errors
/// Where the answer is no, or a signal came first.
pub(super) async fn ask(question: &str, stopping: &Stopping) -> Result<(), Failure> {
    put(question).map_err(|e| no_terminal(&e))?;
    let read = || {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    };
    agreed(read, stopping).await
}

/// Standard error is not held while the answer is awaited: whoever hears a signal has something to say.
fn put(question: &str) -> io::Result<()> {
    let mut err = io::stderr().lock();
    write!(err, "{question} [y/N] ")?;
    err.flush()
}

async fn agreed(
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
    stopping: &Stopping,
) -> Result<(), Failure> {
    let Some(answer) = stopping.unless_stopped(read).await else {
        let message = "stopped at the question: nothing was sent";
        return Err(Failure::new(stopping.exit(), "signal", message));
    };
    let answer = answer.map_err(|e| no_terminal(&e))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => {
            let message = "you said no: nothing was sent";
            Err(Failure::new(Exit::Interrupted, "declined", message))
        }
    }
}

fn no_terminal(error: &io::Error) -> Failure {
    Failure::from_error(Exit::NotFinished, "terminal", error)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn only_yes_is_agreement() {
        let stopping = Stopping::default();
        for (answer, agrees) in [
            ("y\n", true),
            (" YES \r\n", true),
            ("n\n", false),
            ("", false),
            ("yep\n", false),
        ] {
            let said = agreed(move || Ok(answer.to_owned()), &stopping).await;
            assert_eq!(said.is_ok(), agrees, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait_for_an_answer() {
        let stopping = Stopping::default();
        let (_terminal, nobody_types) = mpsc::channel::<String>();
        stopping.stops.soft.cancel();
        let read = move || nobody_types.recv().map_err(io::Error::other);
        let failure = agreed(read, &stopping).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::Interrupted, "signal")
        );
    }
}
