//! Comparing a write's answer with what was meant, and mending what did not take.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use crate::domain::{CustomerId, Field, Issue, IssueKind, RemoteCustomer};
use crate::helpcrunch::CallError;
use crate::journal::{Entry, JournalError, Kept};
use crate::outcome::{OperationResult, OperationStatus};
use crate::plan::codec::lane_to_json;
use crate::plan::{Lane, Operation, Patch};

use super::{Flush, Run, Unsent};
use crate::run::memory::{Rewrite, shown};
use crate::run::verify::{Shortfall, shortfall};

impl Run<'_> {
    /// A create was answered, or its customer was found.
    pub(super) async fn took(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        customer: RemoteCustomer,
    ) -> Result<(), JournalError> {
        self.customer = Some(customer.id);
        let short = shortfall(operation, None, &customer);
        self.learn_taken(operation, &short);
        self.wrote(customer);
        self.check(operation, result, short, None).await
    }

    /// A create that took a field which is known to be ignored shows that it no longer is.
    fn learn_taken(&self, operation: &Operation, short: &Shortfall) {
        let Operation::Create(create) = operation else {
            return;
        };
        let is_short = |field| short.patch.set.iter().any(|change| change.field == field);
        let fields = create.set.iter().map(|(field, _)| *field);
        let known = fields.filter(|field| self.context.rules.create_ignores.contains(field));
        let taken: Vec<_> = known.filter(|field| !is_short(*field)).collect();
        if !taken.is_empty() {
            self.context.lessons().taken.extend(taken);
        }
    }

    /// Mends what did not take, with one further operation of each kind.
    pub(super) async fn check(
        &mut self,
        operation: &Operation,
        result: OperationResult,
        mut short: Shortfall,
        before: Option<RemoteCustomer>,
    ) -> Result<(), JournalError> {
        let done = OperationResult {
            status: OperationStatus::Done,
            ..result
        };
        if short.unknown {
            if !self.has_place(&done, OperationStatus::InDoubt).await? {
                return Ok(());
            }
            let told = self.ask_again().await;
            short = match told {
                Ok(customer) => shortfall(operation, before.as_ref(), &customer),
                Err(error) if error.stop().is_some() => {
                    return self.did_not_take(operation, done, &error, true).await;
                }
                Err(_) => short,
            };
        }
        if short.unknown {
            let message = "the answer does not say whether it took";
            return self
                .fail(
                    operation,
                    done,
                    Issue::new(IssueKind::Api, "unverified", message),
                )
                .await;
        }
        if short.is_empty() {
            self.record(done.clone(), None, Flush::Yes).await?;
            self.results.push(done);
            return Ok(());
        }
        tracing::debug!(row = %self.lane.row, fields = ?short.names(), "the write did not take as it was meant: mending");
        self.mend(operation, done, &short).await
    }

    async fn ask_again(&mut self) -> Result<RemoteCustomer, CallError> {
        let Some(id) = self.customer else {
            return Err(CallError::Interrupted);
        };
        let customer = self.context.client.get(id).await.result?;
        self.saw(customer.clone());
        Ok(customer)
    }

    async fn mend(
        &mut self,
        operation: &Operation,
        mut done: OperationResult,
        short: &Shortfall,
    ) -> Result<(), JournalError> {
        let Some(id) = self.customer else {
            return Ok(());
        };
        if !self.has_place(&done, OperationStatus::InDoubt).await? {
            return Ok(());
        }
        let mut further = Vec::new();
        let mut left = Vec::new();
        let mut otherwise = Patch::default();
        let mut trouble = None;
        for mend in short.mends() {
            let mut result = OperationResult::planned(&mend);
            let mut sent = match self.send(id, &mend).await {
                Ok(sent) => sent,
                Err(Unsent::Failed(issue)) => {
                    trouble = Some(issue);
                    break;
                }
                Err(Unsent::Journal(error)) => return Err(error),
            };
            self.look_once(id, &mend, &mut sent).await;
            self.count(&mut result, &sent);
            let still = match sent.result {
                Ok(customer) => {
                    let still = shortfall(&mend, None, &customer);
                    self.wrote(customer);
                    still
                }
                Err(error) if error.stop().is_some() => {
                    return self.did_not_take(operation, done, &error, true).await;
                }
                Err(error) => {
                    trouble = Some(self.issue(&mend, &error));
                    result.status = OperationStatus::Failed;
                    further.push(result);
                    break;
                }
            };
            result.status = if still.is_empty() {
                OperationStatus::Done
            } else {
                OperationStatus::Failed
            };
            self.remember_rewrites(id, &still);
            left.extend(still.names());
            otherwise.set.extend(still.patch.set);
            otherwise.custom_data.extend(still.patch.custom_data);
            further.push(result);
        }
        if let (Operation::Create(_), true) = (operation, left.is_empty() && trouble.is_none()) {
            self.learn_ignored(&short.patch);
        }
        if left.is_empty() && trouble.is_none() {
            absorb(&mut done, &mut further);
            self.record(done.clone(), None, Flush::Yes).await?;
            self.results.push(done);
            self.results.append(&mut further);
            return Ok(());
        }
        let issue = match trouble {
            Some(issue) => issue,
            None => {
                self.note_kept(otherwise).await?;
                not_kept(&left, &self.context.columns)
            }
        };
        let same_kind = further.iter().any(|r| r.op == done.op);
        absorb(&mut done, &mut further);
        if same_kind {
            self.fail(operation, done, issue).await?;
        } else {
            // The create itself took; what was to mend it did not.
            self.record(done.clone(), Some(issue.clone()), Flush::Yes)
                .await?;
            self.results.push(done);
            self.broken(issue);
        }
        self.results.append(&mut further);
        Ok(())
    }

    /// A create that was answered without a value, or with one of the server's own, which a patch then set ignores
    /// that field.
    fn learn_ignored(&self, mended: &Patch) {
        let set = mended.set.iter();
        let refuses = &self.context.rules.create_refuses;
        let mut lessons = self.context.lessons();
        let given = set.filter(|change| change.to.is_some() && !refuses.contains(&change.field));
        let ignored = given.map(|change| change.field);
        let ignored = ignored.filter(|field| !lessons.refused.contains(field));
        let ignored: Vec<Field> = ignored.collect();
        lessons.ignored.extend(ignored);
    }

    /// What was kept is what was written last, however it was sent.
    async fn note_kept(&self, kept: Patch) -> Result<(), JournalError> {
        if kept.is_empty() {
            return Ok(());
        }
        let lane = Lane {
            customer: self.customer,
            operations: vec![Operation::Patch(kept)],
            ..self.lane.clone()
        };
        let entry = Entry::Kept(Kept {
            row: self.lane.row,
            payload: lane_to_json(&lane),
        });
        self.context.journal.append_unsynced(&entry)
    }

    fn remember_rewrites(&self, id: CustomerId, still: &Shortfall) {
        let kept = &still.patch;
        let tags = still.tags.iter().map(|tag| (tag, true));
        let tags = tags.chain(still.untags.iter().map(|tag| (tag, false)));
        let tags = tags.map(|(tag, wanted)| Rewrite::of_tag(id, &tag.name, wanted));
        let fields = kept.set.iter().map(|c| {
            (
                c.field.name().to_owned(),
                shown(c.to.as_ref()),
                shown(c.from.as_ref()),
            )
        });
        let properties = kept.custom_data.iter();
        let properties = properties.map(|c| {
            (
                format!("customData.{}", c.name),
                shown(c.to.as_ref()),
                shown(c.from.as_ref()),
            )
        });
        let learned = fields
            .chain(properties)
            .map(|(field, wanted, kept)| Rewrite::new(id, field, &wanted, &kept))
            .chain(tags);
        self.context
            .rewrites
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned);
    }
}

/// A mend of the operation's own kind is told as further attempts at it.
fn absorb(done: &mut OperationResult, further: &mut Vec<OperationResult>) {
    if let Some(at) = further.iter().position(|r| r.op == done.op) {
        let mend = further.remove(at);
        done.attempts += mend.attempts;
        done.http_status = mend.http_status.or(done.http_status);
        done.at = mend.at.or_else(|| done.at.take());
    }
}

/// Of a write that was answered well, and of which a value was not kept.
pub(in crate::run) const NOT_KEPT: &str = "not_kept";

fn not_kept(fields: &[String], columns: &BTreeMap<String, String>) -> Issue {
    let message = format!(
        "HelpCrunch answered well and kept another value of: {}",
        fields.join(", ")
    );
    let issue = Issue::new(IssueKind::Api, NOT_KEPT, message)
        .hint("compare the value with what HelpCrunch shows; the next run leaves it as it is while both stay the same");
    match fields.first().and_then(|field| columns.get(field)) {
        Some(column) => issue.column(column),
        None => issue,
    }
}
