//! The question before anything is written: whether to ask it, and the answer.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::plan::Preview;
use crate::plan::safety::Refusal;
use crate::report::{
    clean, describe_target, human_count, human_duration, plural, preview_headline, render_preview,
};

use super::args::AskArgs;
use super::connection::Target;
use super::exit::{Exit, Failure, OrFail as _};
use super::session::Session;
use super::stopping::Stopping;
use super::unsent_run::refuse_unsafe;

/// Refuses `--confirm` without a terminal to ask at.
pub(super) fn require_terminal(ask: &AskArgs) -> Result<(), Failure> {
    if ask.confirm && !is_interactive() {
        return Err(Failure::usage(
            "--confirm asks before anything is written, but there is no terminal to ask at",
        )
        .hint("to write without being asked, use --yes instead of --confirm"));
    }
    Ok(())
}

/// Whether to ask before writing: at a terminal, unless requests go to this machine; always with `--confirm`.
pub(super) fn needs_question(ask: &AskArgs, target: &Target) -> bool {
    consent(ask, target.base_url.is_loopback(), is_interactive()) == Consent::Ask
}

/// What has to happen before changes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    NotNeeded,
    Ask,
    /// It is needed, and there is no terminal to ask at.
    Impossible,
}

fn consent(ask: &AskArgs, is_loopback: bool, is_interactive: bool) -> Consent {
    if ask.confirm {
        Consent::Ask
    } else if ask.yes || is_loopback {
        Consent::NotNeeded
    } else if is_interactive {
        Consent::Ask
    } else {
        Consent::Impossible
    }
}

fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A plan that is about to be sent.
pub(super) struct PlanToSend<'a> {
    pub(super) target: &'a Target,
    pub(super) preview: &'a Preview,
    pub(super) refusals: &'a [Refusal],
    /// Saves the plan for later, if it is not a file already.
    pub(super) save: Option<&'a dyn Fn() -> Result<Failure, Failure>>,
    /// Whether it deletes missing customers for the first time, which needs consent at a terminal even with `--yes`.
    pub(super) is_first_delete: bool,
}

/// Refuses a plan that exceeds safety limits, then asks before it is sent, if it has changes.
pub(super) async fn admit_plan(
    session: &Session,
    args: &AskArgs,
    plan: PlanToSend<'_>,
) -> Result<(), Failure> {
    let preview = plan.preview;
    refuse_unsafe(plan.refusals, &preview.rejected_by_cause)?;
    if !preview.counts.has_changes() {
        return Ok(());
    }
    match consent(args, plan.target.base_url.is_loopback(), is_interactive()) {
        _ if plan.is_first_delete && !is_interactive() => return Err(no_terminal_for_deletes()),
        Consent::NotNeeded if !plan.is_first_delete => return Ok(()),
        Consent::NotNeeded | Consent::Ask => {}
        Consent::Impossible => return Err(no_terminal()),
    }
    let console = &session.console;
    if console.is_json() || console.is_quiet() || !io::stdout().is_terminal() {
        // The user has to see what is sent, even if standard output goes elsewhere.
        console.write_page(&render_preview(preview, console.view().brief(true)));
    }
    ask_about_plan(session, &plan).await
}

/// Asks until the answer is yes or ends the command.
async fn ask_about_plan(session: &Session, plan: &PlanToSend<'_>) -> Result<(), Failure> {
    let console = &session.console;
    let choices = match plan.save {
        Some(_) => "[y]es, [N]o, [d]etails, [s]ave the plan and stop",
        None => "[y]es, [N]o, [d]etails",
    };
    console.write_page(&question(plan.preview));
    loop {
        let answer = read_answer(choices, &session.stopping).await?;
        match (answer.as_str(), plan.save) {
            ("y" | "yes", _) => return Ok(()),
            ("d" | "details", _) => {
                console.write_page(&render_preview(plan.preview, console.view()));
            }
            ("s" | "save", Some(save)) => return Err(save()?),
            _ => return Err(declined()),
        }
    }
}

/// Fails if changes would need consent and there is no terminal to ask at.
pub(super) fn require_consent(ask: &AskArgs, is_loopback: bool) -> Result<(), Failure> {
    match consent(ask, is_loopback, is_interactive()) {
        Consent::Impossible => Err(no_terminal()),
        Consent::NotNeeded | Consent::Ask => Ok(()),
    }
}

fn no_terminal() -> Failure {
    let message =
        "these changes need your consent, and there is no terminal to ask at. Nothing was sent";
    Failure::new(Exit::Usage, "consent", message)
        .hint("to send them without being asked, add --yes")
}

fn no_terminal_for_deletes() -> Failure {
    let message = "customers that the input no longer holds would be deleted for the first time, which somebody has to agree to at a \
                   terminal. Nothing was sent";
    Failure::new(Exit::Usage, "consent", message).hint(
        "run it once at a terminal; later runs need only --allow-delete with the exact number",
    )
}

/// Says where the changes go, how many there are, what they cost, and what is worst about them.
fn question(preview: &Preview) -> String {
    let target = preview.target.as_ref().map(describe_target);
    let changes = preview_headline(preview);
    let changes = changes.trim_start_matches("Plan: ");
    let requests = plural(preview.estimate.requests, "request", "requests");
    let worst = worst_surprise(preview).map(|worst| format!("\n  {worst}"));
    format!(
        "Send to {}?\n  {changes}; {requests}, about {}{}",
        clean(&target.unwrap_or_default()),
        human_duration(preview.estimate.duration_s),
        worst.unwrap_or_default()
    )
}

fn worst_surprise(preview: &Preview) -> Option<String> {
    let counts = &preview.counts;
    if counts.delete > 0 {
        let customers = plural(counts.delete, "customer is", "customers are");
        return Some(format!(
            "{customers} deleted with all chats, which cannot be undone"
        ));
    }
    if preview.cleared > 0 {
        let customers = plural(preview.cleared, "customer loses", "customers lose");
        return Some(format!("{customers} a value"));
    }
    if preview.turned_false > 0 {
        let values = plural(preview.turned_false, "value turns", "values turn");
        return Some(format!("{values} from true to false"));
    }
    if counts.create > preview.matched {
        return Some(format!(
            "only {} of {} match a customer; the others are created",
            human_count(preview.matched),
            plural(preview.rows, "row", "rows")
        ));
    }
    (counts.rejected > 0).then(|| {
        let rows = plural(counts.rejected, "row is", "rows are");
        format!("{rows} rejected and not sent")
    })
}

/// Asks a yes-or-no question. Any answer but yes, and a signal, is a failure.
pub(super) async fn ask(question: &str, stopping: &Stopping) -> Result<(), Failure> {
    match read_answer(&format!("{question} [y/N]"), stopping)
        .await?
        .as_str()
    {
        "y" | "yes" => Ok(()),
        _ => Err(declined()),
    }
}

fn declined() -> Failure {
    let message = "Cancelled. Nothing was sent.";
    Failure::new(Exit::Interrupted, "declined", message)
}

/// Prints a question, and returns the answer in lower case. A signal is a failure.
async fn read_answer(question: &str, stopping: &Stopping) -> Result<String, Failure> {
    print_question(question).or_not_finished("terminal")?;
    let read = || {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    };
    answer_unless_stopped(read, stopping).await
}

/// Releases standard error before the answer is read: the signal handler writes to it.
fn print_question(question: &str) -> io::Result<()> {
    let mut err = io::stderr().lock();
    write!(err, "{question}: ")?;
    err.flush()
}

async fn answer_unless_stopped(
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
    stopping: &Stopping,
) -> Result<String, Failure> {
    let Some(answer) = stopping.unless_stopped(read).await else {
        let message = "Stopped at the question. Nothing was sent.";
        return Err(Failure::new(stopping.exit(), "signal", message));
    };
    let answer = answer.or_not_finished("terminal")?;
    Ok(answer.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::plan::{Destination, Estimate, PlanCounts};

    #[test]
    fn nothing_is_sent_unasked() {
        let ask = |yes, confirm| AskArgs { yes, confirm };
        let consents = [false, true].map(|interactive| {
            let of = |args: AskArgs, is_loopback| consent(&args, is_loopback, interactive);
            [
                of(ask(false, false), false),
                of(ask(true, false), false),
                of(ask(false, false), true),
                of(ask(true, true), true),
            ]
        });
        use Consent::{Ask, Impossible, NotNeeded};
        assert_eq!(consents[0], [Impossible, NotNeeded, NotNeeded, Ask]);
        assert_eq!(consents[1], [Ask, NotNeeded, NotNeeded, Ask]);
    }

    #[test]
    fn the_question_names_place_figures_and_the_worst() {
        let preview = Preview {
            target: Some(Destination {
                account: Some("production".into()),
                base_url: "https://api.helpcrunch.com/v1".into(),
                ..Destination::default()
            }),
            rows: 500,
            matched: 480,
            counts: PlanCounts {
                create: 20,
                patch: 300,
                rejected: 7,
                ..PlanCounts::default()
            },
            cleared: 3,
            estimate: Estimate {
                requests: 320,
                duration_s: 160.0,
                ..Estimate::default()
            },
            ..Preview::default()
        };
        insta::assert_snapshot!(question(&preview), @r#"
        Send to account production at api.helpcrunch.com?
          +20 to create, ~300 to patch; 320 requests, about 2 min 40 s
          3 customers lose a value
        "#);
        let worst = |preview: Preview| worst_surprise(&preview).unwrap_or_default();
        let kept = Preview {
            cleared: 0,
            ..preview
        };
        assert_eq!(worst(kept.clone()), "7 rows are rejected and not sent");
        let few = Preview {
            matched: 10,
            ..kept.clone()
        };
        let words = "only 10 of 500 rows match a customer; the others are created";
        assert_eq!(worst(few), words);
        let turned = Preview {
            turned_false: 1,
            ..kept
        };
        assert_eq!(worst(turned), "1 value turns from true to false");
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait_for_an_answer() {
        let stopping = Stopping::default();
        let (_terminal, answers) = mpsc::channel::<String>();
        stopping.stops.soft.cancel();
        let read = move || answers.recv().map_err(io::Error::other);
        let failure = answer_unless_stopped(read, &stopping).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.reason),
            (Exit::Interrupted, "signal")
        );
    }
}
