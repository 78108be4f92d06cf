use crate::config::Settings;
use crate::helpcrunch::WriteClient;
use crate::probe::{Cleanup, Findings, ProbeStore};

use super::account_findings::settle_time;
use super::account_session::AccountSession;
use super::exit::chain;
use super::session::Session;

/// Deletes the customer that an interrupted probe left. If that fails, it is only warned of.
pub(super) async fn clean_up(
    session: &Session,
    settings: &Settings,
    account: &AccountSession,
    findings: &Findings,
) {
    let store = ProbeStore::of(&account.dir);
    let client = WriteClient::new(account.client.clone());
    let settle = settle_time(settings, findings);
    let console = &session.console;
    match crate::probe::clean_up(&client, &store, session.clock, settle).await {
        Ok(Cleanup::NothingToDo) => {}
        Ok(Cleanup::Deleted(customer)) => console.say(&format!(
            "{customer}, left by an interrupted probe, was deleted"
        )),
        Ok(Cleanup::Failed(left)) => console.warn(&format!(
            "{} of an earlier probe could not be deleted: {}",
            left.throwaway, left.why
        )),
        Err(error) => console.warn(&chain(&error)),
    }
}
