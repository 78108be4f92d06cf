//! From facts to bytes and text: one renderer a file, the same facts in every format. Pure: it writes into what it is
//! given, and never sees a file, a clock, the environment, HTTP or whether there is a terminal.

mod advice;
mod ambiguous;
mod bad_rows;
mod cause_list;
mod changes;
mod check_report;
mod ending;
mod ending_json;
mod json_text;
mod jsonl;
mod page;
mod place;
mod preview;
mod preview_examples;
mod preview_json;
mod results_csv;
mod runs_table;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema_check;
mod spreadsheet;
mod summary;
mod tally;
mod terminal;

pub use advice::{advice, advice_for};
pub use ambiguous::{AmbiguousCsv, AmbiguousRow, MOST_CANDIDATES};
pub use bad_rows::{BadRow, BadRowList, BadRows};
pub use changes::{Change, ChangeScope, ChangesCsv, LaneFacts, write_change};
pub use check_report::{
    CheckReport, CheckedColumn, CheckedInput, CheckedKey, CheckedState, render_check, write_check,
};
pub use ending::{Ending, NamedPath, Outcome, render_ending};
pub use ending_json::write_ending;
pub use jsonl::write_result;
pub use page::View;
pub use preview::render_preview;
pub use preview_json::write_preview;
pub use results_csv::ResultsCsv;
pub use runs_table::{RunEntry, RunsList, render_runs, write_runs};
pub use spreadsheet::defuse;
pub use summary::{
    ErrorEntry, EstimateFacts, InputFacts, RateFacts, RequestFacts, ResultCounts, RowsDoNotAddUp,
    SUMMARY_VERSION, Stop, Summary, achieved_per_minute, utilisation, write_summary,
};
pub use tally::Tally;
pub use terminal::{
    Paint, Style, clean, human_count, human_duration, is_hidden, plural, shorten_end,
    shorten_middle, shorten_start, text_width,
};
