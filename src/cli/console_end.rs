//! How standard error ends: the failure of a command, or why its exit code is not 0.

use tracing::Level;

use crate::report::clean;

use super::console::Console;
use super::exit::{Exit, Failure};
use super::log_start::StderrContent;
use super::snippet::Blame;

impl Console {
    /// The exit code of a command without a session. Reports its failure.
    pub(super) fn exit_code(&self, ended: Result<Exit, Failure>) -> Exit {
        ended.unwrap_or_else(|failure| {
            self.fail(&failure);
            failure.exit
        })
    }

    /// Ends standard error with one line about an exit code other than 0, unless `-qq` is given: cron sends nothing else.
    pub(super) fn say_why(&self, exit: Exit, why: Option<String>) {
        let Some(why) = why.filter(|_| exit != Exit::Done) else {
            return;
        };
        let line = format!("exit code {}: {why}", exit.code());
        self.keep(Level::WARN, &line);
        if self.stderr.is_records() {
            tracing::warn!(exit_code = exit.code(), "{}", clean(&line));
        } else if self.verbosity >= -1 {
            self.write_line(&line);
        }
    }

    /// Reports a failure on standard error: why, what to do, and the next command.
    pub(super) fn fail(&self, failure: &Failure) {
        self.keep(Level::ERROR, &failure.message);
        let Failure {
            reason,
            hint,
            next_command,
            ..
        } = failure;
        let message = match self.stderr {
            StderrContent::Text => return self.write_page(&self.failure_text(failure)),
            StderrContent::Json => clean(&failure.message),
            // Readers of the journal see the message alone.
            StderrContent::Journal => self.failure_text(failure).into(),
        };
        let exit_code = failure.exit.code();
        tracing::error!(
            exit_code,
            reason,
            help = hint,
            next = next_command,
            "{message}"
        );
    }

    /// Why a command failed, what to do, and the next command.
    fn failure_text(&self, failure: &Failure) -> String {
        let (red, plain) = if self.colour_err {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let mut text = match failure.blame.as_deref() {
            _ if failure.is_users_choice() => clean(&failure.message).into_owned(),
            Some(Blame::Lines(snippets)) => {
                let rendered = snippets.iter().map(|s| s.render(self.colour_err));
                rendered.collect::<Vec<_>>().join("\n")
            }
            _ => format!("{red}error:{plain} {}", clean(&failure.message)),
        };
        // Under `-q` it is one line, for cron's mail.
        let gap = if self.is_quiet() { "  " } else { "\n  " };
        let next = [("help", &failure.hint), ("next", &failure.next_command)];
        for (label, line) in next {
            if let Some(line) = line {
                text.push_str(&format!("{gap}{label}: {}", clean(line)));
            }
        }
        text
    }
}
