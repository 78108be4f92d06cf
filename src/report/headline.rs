//! The end of a run in one line.

use super::ending::headline;
use super::{Summary, human_count};

/// Returns the headline with what was done, for a report of one line.
pub fn headline_with_figures(summary: &Summary) -> String {
    let results = &summary.results;
    let missing = summary.missing.map_or(0, |missing| missing.updated);
    let figure = |sign: char, count: u64, what: &str| {
        (count > 0).then(|| format!("{sign}{} {what}", human_count(count)))
    };
    let figures = [
        figure('+', results.created, "created"),
        figure('~', results.updated + missing, "updated"),
    ];
    let figures: Vec<String> = figures.into_iter().flatten().collect();
    let headline = headline(summary);
    match figures.as_slice() {
        // A row that failed may have changed something.
        [] if results.needing_attention() > 0 => headline,
        [] => format!("{headline} (nothing changed)"),
        some => format!("{headline} ({})", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ResultCounts;

    #[test]
    fn what_was_done_follows_the_headline() {
        let mut summary = Summary::default();
        summary.results.unchanged = 2_000;
        assert!(headline_with_figures(&summary).ends_with(" (nothing changed)"));
        summary.results.failed = 1;
        assert!(!headline_with_figures(&summary).contains("nothing"));
        summary.results.created = 1_200;
        summary.missing = Some(ResultCounts {
            updated: 2,
            ..ResultCounts::default()
        });
        let line = headline_with_figures(&summary);
        assert!(line.ends_with(" (+1,200 created, ~2 updated)"), "{line}");
    }
}
