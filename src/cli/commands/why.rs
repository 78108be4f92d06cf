//! `hcsync why`: what runs did with one row or customer, from their files alone.

use crate::cli::args::{When, WhyArgs};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::reports::{ReportsError, RunReport, input_names};
use crate::cli::state::named_state_dir;
use crate::domain::{CustomerId, RowNumber, fold_email};
use crate::journal::{ListedRun, RunDir, RunMeta};
use crate::outcome::RowResult;
use crate::report::{
    HistoryEntry, LaneFacts, RowHistory, history_headline, render_history, write_history,
};
use crate::run::results::ResultRow;

pub(in crate::cli) fn run(args: &WhyArgs) -> Exit {
    let console = Console::new(args.output.output, When::Never, &args.log);
    console.exit_code(why(args, &console).map(|()| Exit::Done))
}

fn why(args: &WhyArgs, console: &Console) -> Result<(), Failure> {
    let state = named_state_dir(args.state.state_dir.as_deref())?;
    let mut runs = state.list_runs()?;
    if let Some(id) = &args.run {
        runs.retain(|run| run.name == *id);
        if runs.is_empty() {
            let message = format!("there is no run `{id}` in {}", state.runs().display());
            return Err(Failure::usage(message).hint("`hcsync runs` lists all runs"));
        }
    }
    let query = Query::of(args);
    let mut history = RowHistory {
        query: args.query.clone(),
        ..RowHistory::default()
    };
    // Newest first, as they are listed.
    for ListedRun { name, dir, meta } in runs {
        let Ok(meta) = meta else {
            history.unreadable.push(name);
            continue;
        };
        if !dir.plan().exists() || !dir.rows().exists() {
            continue;
        }
        history.runs += 1;
        match entries(&query, &dir, &meta) {
            Ok(entries) => history.entries.extend(entries),
            Err(error) => {
                tracing::warn!(run = name, %error, "the run cannot be read");
                history.unreadable.push(name);
            }
        }
    }
    console.print_result(
        |out| write_history(out, &history),
        || history_headline(&history),
        |view| render_history(&history, view),
    );
    Ok(())
}

fn entries(query: &Query, dir: &RunDir, meta: &RunMeta) -> Result<Vec<HistoryEntry>, ReportsError> {
    let report = RunReport {
        dir,
        sources: &input_names(meta),
        dialects: &[],
        dry_run: meta.dry_run && !dir.journal().exists(),
        rows: None,
        all_rows: None,
    };
    let mut entries = Vec::new();
    report.each(|row| {
        if query.matches(&row.result) {
            entries.push(entry(row, meta, report.dry_run));
        }
        Ok(())
    })?;
    Ok(entries)
}

fn entry(row: ResultRow, meta: &RunMeta, dry_run: bool) -> HistoryEntry {
    let changes = row.lane.as_ref().map(|planned| {
        let facts = LaneFacts {
            lane: &planned.lane,
            source: &row.result.source,
            line: row.result.line,
            result: (!dry_run).then_some(&row.result),
        };
        facts.changes()
    });
    HistoryEntry {
        run_id: meta.run_id.to_string(),
        command: meta.command.clone(),
        started_at: meta.created_at.clone(),
        dry_run,
        changes: changes.unwrap_or_default(),
        result: row.result,
    }
}

/// Which rows are asked for.
struct Query {
    text: String,
    customer: Option<CustomerId>,
    /// A row number says something within one run only.
    row: Option<RowNumber>,
}

impl Query {
    fn of(args: &WhyArgs) -> Self {
        let number = args.query.parse().ok();
        Self {
            text: args.query.clone(),
            customer: number.map(CustomerId),
            row: number.filter(|_| args.run.is_some()).map(RowNumber),
        }
    }

    fn matches(&self, result: &RowResult) -> bool {
        let key = &result.key;
        let email = key.email.as_deref();
        key.user_id.as_deref() == Some(self.text.as_str())
            || email.is_some_and(|email| fold_email(email) == fold_email(&self.text))
            || self.row == Some(result.row)
            || self
                .customer
                .is_some_and(|id| Some(id) == result.customer_id.or(key.id))
    }
}
