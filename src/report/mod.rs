//! Renders facts as text, JSON and CSV, one renderer per file and the same facts in every format. Pure: it writes to any
//! `io::Write`, without access to files, clock, environment, HTTP or terminal.

mod account_history;
mod advice;
mod ambiguous;
mod bad_rows;
mod cause_list;
mod changes;
mod check_columns;
mod check_report;
mod check_text;
mod counts_text;
mod ending;
mod ending_json;
mod fleet;
mod fleet_status;
mod fleet_text;
mod headline;
mod history_text;
mod json_text;
mod jsonl;

mod page;
mod page_facts;
mod place;
mod preview;
mod preview_attention;
mod preview_changes;
mod preview_examples;
mod preview_json;
mod prometheus;
mod rate;
mod report_md;
mod result_counts;
mod results_csv;
mod row_history;
mod row_history_text;
mod run_status;
mod runs_table;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema_check;
mod screen;
mod spreadsheet;
mod status;
mod summary;
mod table;
mod tally;
mod terminal;
mod web;

pub use account_history::{AccountHistory, HistoryReport, Shift, Trouble, write_account_history};
pub use advice::{advice, advice_for};
pub use ambiguous::{AmbiguousCsv, AmbiguousRow, MAX_CANDIDATES};
pub use bad_rows::{BadRow, BadRowList, BadRows};
pub use cause_list::what_to_do;
pub use changes::{Change, ChangeScope, ChangesCsv, LaneFacts, write_change};
pub use check_report::{
    CheckReport, CheckedColumn, CheckedInput, CheckedKey, CheckedState, check_headline, write_check,
};
pub use check_text::render_check;
pub use ending::{Ending, NamedPath, RunOutcome, headline, render_ending};
pub use ending_json::write_ending;
pub use fleet::{
    FleetChain, FleetConfig, FleetNeed, FleetReport, fleet_check_headline, write_fleet_check,
};
pub use fleet_status::{
    FleetAccountStatus, FleetLastRun, FleetState, FleetStatus, fleet_status_headline,
    render_fleet_status, write_fleet_status,
};
pub use fleet_text::render_fleet_check;
pub use headline::headline_with_figures;
pub use history_text::{account_history_headline, render_account_history};
pub use jsonl::write_result;
pub use page::View;
pub use page_facts::PageFacts;
pub use preview::{preview_headline, render_preview};
pub use preview_json::{write_preview, write_preview_of_file};
pub use prometheus::{METRICS_START, MetricFacts, last_success_in, render_metrics};
pub use rate::RateFacts;
pub use report_md::write_report_md;
pub use result_counts::ResultCounts;
pub use results_csv::ResultsCsv;
pub use row_history::{HistoryEntry, RowHistory, RowOfRun, RowToday, RowValues, write_history};
pub use row_history_text::{history_headline, render_history};
pub use run_status::RunStatus;
pub use runs_table::{RunEntry, RunsList, render_runs, runs_headline, write_runs};
pub use screen::describe_target;
pub use spreadsheet::defuse;
pub use status::{
    AccountStatus, RunningStatus, SnapshotStatus, StatusReport, render_status, status_headline,
    write_status,
};
pub use summary::{
    ErrorEntry, EstimateFacts, InputFacts, PaceFacts, RequestFacts, RowsDoNotAddUp,
    SUMMARY_VERSION, Stop, Summary, write_summary,
};
pub use tally::Tally;
pub use terminal::{clean, human_count, human_duration, is_hidden, plural};
pub use web::{PackedChanges, ShownValues, write_history_page, write_report_page};
