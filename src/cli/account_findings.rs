//! What `hcsync probe` and earlier runs found out about an account's API, and the customer that an interrupted probe left.

use std::time::Duration;

use crate::config::{BatchMode, Settings};
use crate::journal::AccountDir;
use crate::pace::Clock;
use crate::plan::Preview;
use crate::plan::budget::BudgetRules;
use crate::plan::writes::{UpdateScope, WriteRules};
use crate::probe::{Findings, Knowledge, ProbeStore, StoreError};
use crate::remote::EmailCase;
use crate::run::batch::BatchMemory;
use crate::run::field_refusals::LimitLessons;
use crate::run::memory::CreateLessons;

use super::console::Console;
use super::exit::chain;

/// Requests between the reading of a hundred customers and the end of their ten batches.
const WHOLE_WINDOW: f64 = 11.0;

/// Reads what is known about the account's API. The in-process sandbox has nothing.
///
/// Unreadable findings are only warned of: without them a run needs more requests.
pub(super) fn knowledge(console: &Console, account: Option<&AccountDir>) -> Knowledge {
    let Some(account) = account else {
        return Knowledge::default();
    };
    match ProbeStore::of(account).read() {
        Ok(knowledge) => knowledge.unwrap_or_default(),
        Err(error) => {
            let why = chain(&error);
            console.warn(&format!(
                "the findings of `hcsync probe` are not used: {why}"
            ));
            Knowledge::default()
        }
    }
}

/// How writes may be combined into requests, as far as the account is known to allow it.
pub(super) fn write_rules(settings: &Settings, findings: &Findings) -> WriteRules {
    let mode = settings.remote.batch;
    let mut rules = findings.write_rules(mode != BatchMode::Off);
    if mode == BatchMode::Whole && rules.batch.is_none() {
        rules.batch = Some(findings.whole_batch_rules());
    }
    rules
}

/// Warns of properties that the account may not define, if it is known to refuse such.
pub(super) fn warn_of_undefined(preview: &mut Preview, findings: &Findings) {
    let names: Vec<&str> = preview
        .new_properties
        .iter()
        .map(|new| new.name.as_str())
        .collect();
    if !names.is_empty() && findings.refuses_undefined() {
        preview.notes.push(format!(
            "no known customer has {}, and HelpCrunch refuses properties that its settings do not define: define them there first",
            names.join(", ")
        ));
    }
}

/// Warns of the time in which whole batches overwrite what others change.
pub(super) fn warn_of_whole_batches(preview: &mut Preview, rules: &BudgetRules) {
    if !rules.writes.has_whole_batches() || preview.counts.patch == 0 {
        return;
    }
    let seconds = (rules.interval_s * WHOLE_WINDOW).ceil();
    let window = match seconds > 0.0 {
        true => format!("{seconds} s"),
        false => "as long as ten requests take".to_owned(),
    };
    preview.notes.push(format!(
        "remote.batch = \"whole\": a hundred customers are read, and then written as a whole, ten at a time. What others \
         change of them in HelpCrunch between the reading and the write (up to {window}) is overwritten"
    ));
}

/// Adds what runs observe of an account's API to its findings.
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

    /// Saves which fields creates ignored, took or were refused for.
    pub(super) fn learn_creates(&self, lessons: &CreateLessons) {
        if *lessons == CreateLessons::default() {
            return;
        }
        self.update(|knowledge, at| {
            let refused = knowledge.learn_refused(&lessons.refused, at);
            knowledge.learn_creates(&lessons.ignored, &lessons.taken, at) || refused
        });
    }

    /// Saves what the account was seen to refuse of fields and properties, and what it accepted.
    pub(super) fn learn_limits(&self, lessons: &LimitLessons) {
        self.update(|knowledge, _| knowledge.learn_limits(&lessons.limits, &lessons.accepted));
    }

    /// A failure is only logged: the next run learns the same again.
    fn update(&self, update: impl FnOnce(&mut Knowledge, &str) -> bool) {
        let saved = || -> Result<(), StoreError> {
            let mut knowledge = self.store.read()?.unwrap_or_default();
            if update(&mut knowledge, &self.clock.rfc3339()) {
                self.store.write(&knowledge)?;
            }
            Ok(())
        };
        if let Err(error) = saved() {
            tracing::warn!(
                error = chain(&error),
                "what the run learned about the account's API could not be saved"
            );
        }
    }
}

impl BatchMemory for AccountLessons {
    fn update_lost(&self, lost: UpdateScope) {
        self.update(|knowledge, at| {
            knowledge.revoke_batch(lost.fields, lost.properties, lost.tags, at);
            true
        });
    }
}

/// Whether e-mail search ignores case.
pub(super) fn email_case(findings: &Findings) -> EmailCase {
    match findings.email_ignores_case() {
        Some(true) => EmailCase::Ignored,
        Some(false) => EmailCase::Matters,
        None => EmailCase::Unknown,
    }
}

/// How long to look for a create in doubt: at least as long as search was seen to lag and a request may take.
pub(super) fn settle_time(settings: &Settings, findings: &Findings) -> Duration {
    let settle = settings.limits.settle.max(settings.api.timeout);
    settle.max(findings.search_lag())
}
