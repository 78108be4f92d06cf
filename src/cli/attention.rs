//! Why a command did not end with 0, in one line.

use crate::report::{NamedPath, Tally, plural};

use super::exit::Exit;
use super::session::Session;

impl Session {
    /// Why a command that reported its end did not end with 0, and what to do next.
    pub(super) fn why(&self, exit: Exit) -> Option<String> {
        match (&self.summary.stop, exit) {
            (Some(stop), _) => Some(match &stop.next_command {
                Some(next) => format!("{}; to continue: {next}", stop.message),
                None => stop.message.clone(),
            }),
            (None, Exit::RowProblems) => self.attention.clone(),
            (None, Exit::Changes) => Some("there are changes; a sync sends them".to_owned()),
            (None, _) => None,
        }
    }

    /// Records the rows that need attention, and the file that holds them.
    pub(super) fn note_attention(&mut self, tally: &Tally, files: &[NamedPath]) {
        let bad = plural(tally.counts().needing_attention(), "row needs", "rows need");
        let all = plural(self.summary.input.rows, "row", "rows");
        let rejected = files.iter().find(|file| file.name == "rejected");
        let next = match rejected {
            Some(file) => format!("fix and sync {}", file.path),
            None => "the report on standard output says what to do".to_owned(),
        };
        let causes = tally.errors();
        let first = causes.first().map(|group| {
            let is_most = 2 * group.cause.count > tally.counts().needing_attention();
            let share = match (causes.len(), is_most) {
                (1, _) => "",
                (_, true) => "mostly ",
                (_, false) => "among others ",
            };
            format!(" ({share}{})", group.cause.message)
        });
        let first = first.unwrap_or_default();
        self.attention = Some(format!("of {all}, {bad} attention{first}; {next}"));
    }
}
