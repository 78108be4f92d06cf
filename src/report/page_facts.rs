//! The facts of a page about a plan or run, worded once for every form of the page.

use crate::plan::Preview;

use super::bad_rows::BadRows;
use super::ending::{RunOutcome, headline};
use super::page::View;
use super::preview::preview_headline;
use super::screen::describe_target;
use super::summary::Summary;
use super::terminal::{clean, human_count, human_duration, plural};
use crate::domain::local_time::local_time;

/// A plan or run that is shown as a page.
#[derive(Debug, Clone, Copy)]
pub struct PageFacts<'a> {
    pub preview: &'a Preview,
    /// `None` for a plan that no run belongs to.
    pub summary: Option<&'a Summary>,
    /// The inputs as the user named them.
    pub inputs: &'a [String],
    /// Causes of errors, most rows first; likewise of warnings.
    pub errors: &'a [BadRows],
    pub warnings: &'a [BadRows],
    pub view: View,
}

impl PageFacts<'_> {
    /// Whether something was sent, or was to be.
    pub(super) fn run(&self) -> Option<&Summary> {
        let summary = self.summary?;
        (!summary.dry_run || summary.stop.is_some()).then_some(summary)
    }

    pub(super) fn title(&self) -> String {
        match self.run() {
            Some(summary) => format!("hcsync {}", summary.command),
            None => "hcsync plan".to_owned(),
        }
    }

    pub(super) fn verdict(&self) -> String {
        let text = match self.run() {
            Some(summary) => headline(summary),
            None => match self.preview.refused.first() {
                Some(refusal) => format!("A sync would refuse this plan: {refusal}"),
                None => preview_headline(self.preview),
            },
        };
        clean(&text).into_owned()
    }

    /// `good`, `warn` or `bad`.
    pub(super) fn verdict_class(&self) -> &'static str {
        match self.run().map(RunOutcome::of) {
            Some(RunOutcome::Done) => "good",
            Some(RunOutcome::FinishedWithProblems) => "warn",
            Some(RunOutcome::Stopped | RunOutcome::Refused) => "bad",
            None if !self.preview.refused.is_empty() => "bad",
            None if self.preview.counts.rejected > 0 => "warn",
            None => "good",
        }
    }

    /// Label and text, the most important first.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let (preview, zone) = (self.preview, self.view.zone());
        let target = self.summary.and_then(|summary| summary.target.as_ref());
        let target = target.or(preview.target.as_ref()).map(describe_target);
        let time = |text: &str| local_time(text, zone);
        let run = self.summary;
        let facts = [
            ("account", target),
            (
                "input",
                Some(self.inputs.join(", ")).filter(|names| !names.is_empty()),
            ),
            (
                "run",
                run.and_then(|s| s.run_id.as_ref()).map(ToString::to_string),
            ),
            ("began", run.map(|s| time(&s.started_at))),
            (
                "ended",
                run.map(|s| time(&s.finished_at)).filter(|t| !t.is_empty()),
            ),
            ("requests", Some(self.requests())),
            ("limit", self.limit()),
            (
                "customers read",
                preview.remote.as_of.as_ref().map(|at| {
                    let count = preview.remote.customers.map(human_count);
                    let count = count.map_or_else(String::new, |count| format!("{count}, "));
                    format!("{count}as of {}", time(at))
                }),
            ),
            (
                "digest",
                Some(preview.digest.clone()).filter(|digest| !digest.is_empty()),
            ),
            (
                "next",
                run.and_then(|s| s.stop.as_ref()?.next_command.clone()),
            ),
        ];
        let some = facts
            .into_iter()
            .filter_map(|(label, text)| Some((label, text?)));
        some.map(|(label, text)| (label, clean(&text).into_owned()))
            .collect()
    }

    fn requests(&self) -> String {
        let estimate = &self.preview.estimate;
        match self.run() {
            Some(summary) => format!(
                "{} in {}: {} to read, {} to write",
                human_count(summary.requests.total),
                human_duration(summary.duration_s),
                human_count(summary.requests.read),
                human_count(summary.requests.write)
            ),
            None => {
                let requests = plural(estimate.requests, "request", "requests");
                let about = if estimate.duration_s < 1.0 {
                    ""
                } else {
                    "about "
                };
                format!("{requests}, {about}{}", human_duration(estimate.duration_s))
            }
        }
    }

    fn limit(&self) -> Option<String> {
        let rate = self
            .summary
            .and_then(|summary| summary.rate.limit_per_minute);
        let rate = rate.or(self.preview.estimate.requests_per_minute)?;
        let used = self.run().and_then(|summary| summary.rate.utilisation);
        let used = used.map(|share| format!(", of which {:.0} % were used", share * 100.0));
        Some(format!(
            "{} requests a minute{}",
            human_count(rate.into()),
            used.unwrap_or_default()
        ))
    }

    /// Rows by how they ended, or are to end: label, count and colour.
    pub(super) fn outcomes(&self) -> Vec<(&'static str, u64, &'static str)> {
        let results = self.summary.map(|s| s.results).unwrap_or_default();
        let planned = &self.preview.counts;
        let all = match results.total() {
            0 => vec![
                ("to create", planned.create, "good"),
                (
                    "to change",
                    planned.patch.max(planned.tag).max(planned.untag),
                    "new",
                ),
                ("unchanged", planned.unchanged, "quiet"),
                ("skipped", planned.skipped, "quiet"),
                ("rejected", planned.rejected, "warn"),
            ],
            _ => vec![
                ("created", results.created, "good"),
                ("to create", results.would_create, "good"),
                ("updated", results.updated, "new"),
                ("to change", results.would_update, "new"),
                ("unchanged", results.unchanged, "quiet"),
                ("skipped", results.skipped, "quiet"),
                ("not reached", results.pending, "quiet"),
                ("rejected", results.rejected, "warn"),
                ("failed", results.failed, "bad"),
                ("in doubt", results.in_doubt, "bad"),
            ],
        };
        all.into_iter().filter(|(_, count, _)| *count > 0).collect()
    }

    /// What happened to the rows, as a heading.
    pub(super) fn rows(&self) -> String {
        let read = self.summary.map_or(self.preview.rows, |s| s.input.rows);
        plural(read.max(self.preview.rows), "row", "rows")
    }

    /// Customers by each kind of operation.
    pub(super) fn kinds(&self) -> [(&'static str, u64, &'static str); 4] {
        let counts = &self.preview.counts;
        [
            ("create", counts.create, "good"),
            ("patch", counts.patch, "new"),
            ("add tags", counts.tag, "new"),
            ("remove tags", counts.untag, "warn"),
        ]
    }

    /// Other things worth knowing, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let preview = self.preview;
        let counted = [
            (
                preview.cleared,
                "customer loses a value",
                "customers lose a value",
            ),
            (
                preview.turned_false,
                "value turns from true to false",
                "values turn from true to false",
            ),
        ];
        let counted = counted.into_iter().filter(|(count, ..)| *count > 0);
        let counted = counted.map(|(count, one, many)| plural(count, one, many));
        let notes = preview.notes.iter().chain(&preview.refused).cloned();
        counted
            .chain(notes)
            .map(|note| clean(&note).into_owned())
            .collect()
    }
}

/// What programs know a cause by, and its column.
pub(super) fn code(bad: &BadRows) -> String {
    let column = bad.column.as_ref().map(|name| format!(", column `{name}`"));
    let text = format!(
        "{}: {}{}",
        bad.kind.as_str(),
        bad.code,
        column.unwrap_or_default()
    );
    clean(&text).into_owned()
}

/// The first places of a cause, at most `max`, and how many more there are.
pub(super) fn places(bad: &BadRows, max: usize) -> String {
    let listed = bad.rows.iter().take(max);
    let places = listed.map(|row| format!("{}:{}", row.source, row.line));
    let places = places.collect::<Vec<_>>().join(", ");
    let more = bad.count.saturating_sub(bad.rows.len().min(max) as u64);
    let more = match more {
        0 => String::new(),
        more => format!(", and {} more", human_count(more)),
    };
    format!("{}{more}", clean(&places))
}
