//! What a run knows of its account from `hcsync probe`, and what an earlier probe left for it to delete.

use std::time::Duration;

use crate::config::{BatchMode, Settings};
use crate::helpcrunch::{ReadClient, WriteClient};
use crate::journal::AccountDir;
use crate::pace::Clock;
use crate::plan::writes::WriteRules;
use crate::probe::{Cleaned, Findings, Knowledge, ProbeStore, StoreError, clean};
use crate::remote::EmailCase;
use crate::run::batch::{BatchMemory, LostKinds};
use crate::run::memory::CreateLessons;

use super::connection::Target;
use super::exit::chain;
use super::session::Session;

/// What was found out about the account; nothing of the in-process sandbox, which is another one every time.
///
/// A run goes on without what cannot be read: then it needs more requests.
pub(super) fn findings(session: &Session, target: &Target, account: &AccountDir) -> Findings {
    if target.is_sandbox {
        return Findings::default();
    }
    match ProbeStore::of(account).read() {
        Ok(knowledge) => knowledge.unwrap_or_default().findings,
        Err(error) => {
            let why = chain(&error);
            session.console.warn(&format!(
                "what was probed of this account is not used: {why}"
            ));
            Findings::default()
        }
    }
}

/// How writes are put together, as far as the account is known to allow it.
pub(super) fn write_rules(settings: &Settings, findings: &Findings) -> WriteRules {
    findings.write_rules(settings.remote.batch == BatchMode::Auto)
}

/// What runs see of an account's API, kept with what was probed of it.
#[derive(Debug)]
pub(super) struct AccountLessons {
    store: ProbeStore,
    clock: Clock,
}

impl AccountLessons {
    pub(super) fn of(account: &AccountDir, clock: Clock) -> Self {
        Self {
            store: ProbeStore::of(account),
            clock,
        }
    }

    /// Keeps what creates showed of the fields that they named.
    pub(super) fn learn_creates(&self, lessons: &CreateLessons) {
        if *lessons == CreateLessons::default() {
            return;
        }
        self.change(|knowledge, at| {
            let refused = knowledge.learn_refused(&lessons.refused, at);
            knowledge.learn_creates(&lessons.ignored, &lessons.taken, at) || refused
        });
    }

    /// A run goes on where that cannot be kept: the next one learns it again.
    fn change(&self, change: impl FnOnce(&mut Knowledge, &str) -> bool) {
        let changed = || -> Result<(), StoreError> {
            let mut knowledge = self.store.read()?.unwrap_or_default();
            if change(&mut knowledge, &self.clock.rfc3339()) {
                self.store.write(&knowledge)?;
            }
            Ok(())
        };
        if let Err(error) = changed() {
            tracing::warn!(
                error = chain(&error),
                "what was seen of the account is not kept"
            );
        }
    }
}

impl BatchMemory for AccountLessons {
    fn update_lost(&self, lost: LostKinds) {
        self.change(|knowledge, at| {
            knowledge.revoke_batch(lost.fields, lost.properties, lost.tags, at);
            true
        });
    }
}

/// What is known of the case of e-mail search.
pub(super) fn email_case(findings: &Findings) -> EmailCase {
    match findings.email_ignores_case() {
        Some(true) => EmailCase::Ignored,
        Some(false) => EmailCase::Matters,
        None => EmailCase::Unknown,
    }
}

/// How long a create in doubt is looked for: no shorter than search was seen to lag, or a request may take.
pub(super) fn settle(settings: &Settings, findings: &Findings) -> Duration {
    let settle = settings.limits.settle.max(settings.api.timeout);
    settle.max(findings.lag())
}

/// Deletes the customer of a probe that died before it could. One that cannot be deleted holds nothing up.
pub(super) async fn clean_up(
    session: &Session,
    settings: &Settings,
    account: &AccountDir,
    client: &ReadClient,
    findings: &Findings,
) {
    let store = ProbeStore::of(account);
    let client = WriteClient::new(client.clone());
    let settle = settle(settings, findings);
    let console = &session.console;
    match clean(&client, &store, session.clock, settle).await {
        Ok(Cleaned::Nothing) => {}
        Ok(Cleaned::Gone(customer)) => console.say(&format!(
            "{customer}, which an interrupted probe had made, is deleted"
        )),
        Ok(Cleaned::Left(left)) => console.warn(&format!(
            "{} of an earlier probe could not be deleted: {}",
            left.throwaway, left.why
        )),
        Err(error) => console.warn(&chain(&error)),
    }
}
