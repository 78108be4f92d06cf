use crate::config::Settings;
use crate::domain::RemoteCustomer;

use super::account_session::AccountSession;
use super::reports::{ReportPaths, RunReport};

/// A run whose plan is sent and reported.
#[derive(Debug)]
pub(super) struct PlannedRun<'a> {
    pub(super) report: RunReport<'a>,
    pub(super) paths: &'a ReportPaths,
    pub(super) settings: &'a Settings,
    pub(super) account: &'a AccountSession,
    /// A customer of the account, to check later keys by.
    pub(super) witness: Option<&'a RemoteCustomer>,
    /// The command that resumes this run, if it can be resumed.
    pub(super) resume: Option<&'a str>,
}
