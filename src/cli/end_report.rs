//! Prints the end of a run.

use crate::report::{Ending, NamedPath, Tally, headline_with_figures, render_ending, write_ending};

use super::exit::Exit;
use super::report_files::named;
use super::reports::Written;
use super::session::Session;

/// From this number of rows on, failures that are all alike are reported as one problem.
const MIN_ROWS_OF_ONE_PROBLEM: u64 = 3;

/// Returns a note if all rows that were sent failed alike: that is one problem of the mapping.
fn mapping_problem(tally: &Tally) -> Option<String> {
    let counts = tally.counts();
    let errors = tally.errors();
    let failures: Vec<_> = errors
        .iter()
        .filter(|e| e.http_status == Some(400))
        .collect();
    let [failure] = failures.as_slice() else {
        return None;
    };
    let have_all_failed =
        failure.cause.count == counts.failed && counts.created + counts.updated == 0;
    (have_all_failed && counts.failed >= MIN_ROWS_OF_ONE_PROBLEM).then(|| {
        format!(
            "all {} rows that were sent were refused for the same reason ({}): check the mapping of that field, not the rows",
            counts.failed, failure.cause.code
        )
    })
}

/// Prints the end of a run, and adds its figures to the summary.
pub(super) fn report_end(session: &mut Session, exit: Exit, written: &Written) {
    let tally = &written.tally;
    session.set_results(tally);
    session.close_summary(exit);
    let mut files: Vec<NamedPath> = written.files.clone();
    session.note_attention(tally, &files);
    let summary_file = session.summary_files().into_iter().next();
    files.extend(summary_file.map(|path| named("summary", &path)));
    let notes: Vec<String> = mapping_problem(tally).into_iter().collect();
    let ending = Ending {
        summary: &session.summary,
        errors: &tally.errors(),
        warnings: &tally.warnings(),
        notes: &notes,
        explain: session.explanation.as_ref(),
        preview: session.preview.as_ref(),
        files: &files,
    };
    let view = session.console.brief_view();
    session.console.print_result(
        |out| write_ending(out, &ending),
        || headline_with_figures(ending.summary),
        |_| render_ending(&ending, view),
    );
}
