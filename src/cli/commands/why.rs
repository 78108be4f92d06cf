//! `hcsync why`: what runs did with one row or customer, from their files, and what would happen today.

use crate::cli::args::{WhyArgs, overrides_of};
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::reports::{ReportsError, RunReport, input_names};
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::cli::shared_state::{refreshed_state_dir, state_config};
use crate::domain::{CustomerId, RowKey, RowNumber, fold_email};
use crate::journal::{ListedRun, RunDir, RunMeta};
use crate::postgres::PulledRuns;
use crate::report::{RowHistory, history_headline, render_history, write_history};
use crate::run::erasure::People;
use crate::run::results::ResultRow;
use crate::run::rows::Verdict;

use super::why_entry::{KeptRow, entry};
use super::why_now::today;

pub(in crate::cli) async fn run(args: &WhyArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| why(session, args).await;
    CommandRunner::new("why", console).run(work).await
}

async fn why(session: &mut Session, args: &WhyArgs) -> Result<Exit, Failure> {
    let (mut history, newest) = search(args).await?;
    if args.now {
        history.today = Some(today(session, args, &history, newest).await?);
    }
    session.console.print_result(
        |out| write_history(out, &history),
        || history_headline(&history),
        |view| render_history(&history, view),
    );
    Ok(Exit::Done)
}

/// Searches all runs. Returns also the newest row that can be planned again.
async fn search(args: &WhyArgs) -> Result<(RowHistory, Option<KeptRow>), Failure> {
    let config = state_config(&overrides_of(&[&args.account]))?;
    let state_dir = args.account.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::All).await?;
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
    let mut newest = None;
    // Newest first, as they are listed.
    for ListedRun { name, dir, meta } in runs {
        let Ok(meta) = meta else {
            history.unreadable.push(name);
            continue;
        };
        let is_dry_run = meta.dry_run && !dir.journal().exists();
        if !dir.plan().exists() || !dir.rows().exists() || (is_dry_run && args.run.is_none()) {
            continue;
        }
        history.runs += 1;
        let saved = SavedSettings::of_run(&meta).unwrap_or_default();
        match matching_rows(&query, &dir, &meta, &saved) {
            Ok(rows) => {
                let entries = rows
                    .iter()
                    .map(|row| entry(row, &dir, &meta, &saved, is_dry_run));
                history.entries.extend(entries);
                let kept = rows.into_iter().rfind(can_be_planned);
                newest = newest.or(kept.map(|row| KeptRow { row, meta, saved }));
            }
            Err(error) => {
                tracing::warn!(run = name, %error, "the run cannot be read");
                history.unreadable.push(name);
            }
        }
    }
    Ok((history, newest))
}

fn can_be_planned(row: &ResultRow) -> bool {
    row.record.desired.is_some() || row.record.verdict == Verdict::Rejected
}

fn matching_rows(
    query: &Query,
    dir: &RunDir,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> Result<Vec<ResultRow>, ReportsError> {
    let report = RunReport {
        dir,
        sources: &input_names(meta),
        dialects: &[],
        dry_run: meta.dry_run && !dir.journal().exists(),
        rows: None,
        all_rows: None,
    };
    let mut rows = Vec::new();
    report.each(|row| {
        if query.matches(&row, saved) {
            rows.push(row);
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Which rows are asked for.
struct Query {
    text: String,
    customer: Option<CustomerId>,
    /// A row number says something within one run only.
    row: Option<RowNumber>,
    /// Finds the text in the bytes of rows whose keys cannot be read.
    finder: Option<People>,
}

impl Query {
    fn of(args: &WhyArgs) -> Self {
        let number = args.query.parse().ok();
        Self {
            text: args.query.clone(),
            customer: number.map(CustomerId),
            row: number.filter(|_| args.run.is_some()).map(RowNumber),
            finder: People::new([args.query.clone()]).ok(),
        }
    }

    fn matches(&self, row: &ResultRow, saved: &SavedSettings) -> bool {
        let result = &row.result;
        let RowKey { user_id, email, .. } = &result.key;
        let customer = result.customer_id.or(result.key.id);
        user_id.as_deref() == Some(self.text.as_str())
            || email
                .as_ref()
                .is_some_and(|email| fold_email(email) == fold_email(&self.text))
            || self.row == Some(result.row)
            || (self.customer.is_some() && self.customer == customer)
            || self.names_damaged_key(row, saved)
    }

    /// Whether the row was rejected because of a key, such as a malformed e-mail address, and holds the text.
    fn names_damaged_key(&self, row: &ResultRow, saved: &SavedSettings) -> bool {
        let key_columns = ["userId", "email", "id"].map(|key| saved.attributes.get(key));
        let is_of_key =
            row.record.problems().iter().any(|issue| {
                issue.column.is_some() && key_columns.contains(&issue.column.as_ref())
            });
        let raw = row.record.raw.as_ref();
        is_of_key
            && self
                .finder
                .as_ref()
                .zip(raw)
                .is_some_and(|(finder, raw)| finder.are_named_in(&raw.0))
    }
}
