//! What a batch update does to parts that it does not name, what it answers, and how it treats a bad entry.

use crate::domain::{Field, Value};
use crate::helpcrunch::{BatchAnswer, BatchEntry};

use super::finding::{BadEntry, BatchAnswerContent};
use super::session::{Halt, ProbeSession, refusal};
use super::trial::{AcceptedWrite, KeptParts, Trial, WriteOutcome};
use super::verdict::has_any_value;

/// How a batch ended. `answer` is `None` unless it was accepted.
#[derive(Debug)]
struct BatchOutcome {
    write: WriteOutcome,
    answer: Option<BatchAnswerContent>,
}

impl ProbeSession<'_> {
    pub(super) async fn ask_batch(&mut self) -> Result<(), Halt> {
        let works = self.ask_batch_fields().await?;
        if !works {
            let evidence = "no batch of fields alone was seen to take effect";
            self.findings.batch_merges_custom_data = self.finding(None, evidence);
            self.findings.batch_tags = self.finding(None, evidence);
            self.findings.batch_bad_entry = self.finding(None, evidence);
            return Ok(());
        }
        let (tag, pair) = (self.spare_tag().await?, self.property_pair());
        let set = self.marker_fields();
        let trial = Trial { set, pair, tag };
        let has_passed = self.ask_bad_entry(&trial).await?;
        if !has_passed {
            let set = self.marker_fields();
            let alone = Trial { set, ..trial };
            let outcome = self.batch(&alone, false).await?.write;
            self.record_batch(&alone, &outcome);
        }
        Ok(())
    }

    /// Sends a batch that names fields alone. Returns whether it took effect.
    async fn ask_batch_fields(&mut self) -> Result<bool, Halt> {
        let trial = Trial::of_fields(self.marker_fields());
        let BatchOutcome { write, answer } = self.batch(&trial, false).await?;
        let kept = KeptParts::new(&trial, &write);
        let end = write.evidence();
        let evidence = format!("a batch of one named userId, name and company; {end}");
        self.findings.batch_keeps_fields = self.finding(kept.fields, evidence.clone());
        self.findings.batch_keeps_properties = self.finding(kept.properties, evidence.clone());
        self.findings.batch_keeps_tags = self.finding(kept.tags, evidence.clone());
        self.findings.batch_answer = self.finding(answer, evidence);
        Ok(write.accepted().is_some_and(|w| trial.took_effect(w)))
    }

    /// Sends a good entry followed by one that identifies no customer. Returns whether the good one is known to
    /// have passed.
    async fn ask_bad_entry(&mut self, trial: &Trial) -> Result<bool, Halt> {
        let outcome = self.batch(trial, true).await?.write;
        let answer = match &outcome {
            WriteOutcome::Accepted(write) => {
                self.record_batch(trial, &outcome);
                // "Fails" needs a reading that shows none of the values.
                let has_failed = !write.after.is_empty()
                    && write
                        .after
                        .iter()
                        .all(|after| !has_any_value(after, company_of(trial)));
                match (trial.took_effect(write), has_failed) {
                    (true, _) => Some(BadEntry::PassesGood),
                    (false, true) => Some(BadEntry::FailsAll),
                    (false, false) => None,
                }
            }
            // The good entry may have passed although the batch was refused.
            WriteOutcome::Refused(..) => self.read_back().await?.map(|after| {
                match has_any_value(&after, company_of(trial)) {
                    true => BadEntry::PassesGood,
                    false => BadEntry::FailsAll,
                }
            }),
            WriteOutcome::Unclear(_) => None,
        };
        let end = match &outcome {
            WriteOutcome::Accepted(_) => "it was accepted".to_owned(),
            other => other.evidence(),
        };
        let evidence = format!(
            "a batch had an entry without a customer after a good one; {end}, and the customer \
             of the good one was compared"
        );
        self.findings.batch_bad_entry = self.finding(answer, evidence);
        Ok(answer == Some(BadEntry::PassesGood))
    }

    fn record_batch(&mut self, trial: &Trial, outcome: &WriteOutcome) {
        let (write, end) = (outcome.accepted(), outcome.evidence());
        let sent = match trial.pair {
            Some(_) => "a batch named one of the customer's two properties",
            None => "the customer did not have two properties to name one of",
        };
        let answer = write.and_then(|write| trial.merges(write));
        self.findings.batch_merges_custom_data = self.finding(answer, format!("{sent}; {end}"));
        let sent = match trial.tag {
            Some(_) => "a batch named a tag that the customer did not have, while it had another",
            None => "the customer had no tag next to which another could be named",
        };
        let answer = write.and_then(|write| trial.tags_in_update(write));
        self.findings.batch_tags = self.finding(answer, format!("{sent}; {end}"));
    }

    /// Sends the trial as a batch, optionally followed by a bad entry, and reads the customer back.
    async fn batch(&mut self, trial: &Trial, with_bad: bool) -> Result<BatchOutcome, Halt> {
        let without_answer = |write| BatchOutcome {
            write,
            answer: None,
        };
        let (id, client) = (self.id()?, self.probe.client);
        let Some(before) = self.current().await? else {
            return Ok(without_answer(WriteOutcome::unreadable_before()));
        };
        let entry = |customer| BatchEntry {
            customer,
            patch: trial.body(),
        };
        let mut entries = vec![entry(Some(id))];
        if with_bad {
            entries.push(entry(None));
        }
        let answer = match self.call(client.batch(&entries)).await? {
            Ok(answer) => answer,
            Err(error) => {
                self.seen = None;
                return Ok(without_answer(match refusal(&error) {
                    Some((status, members)) => WriteOutcome::Refused(status, members),
                    None => WriteOutcome::unusable_answer(&error),
                }));
            }
        };
        if let Some(tag) = &trial.tag {
            self.note_tag(tag);
        }
        let content = content(&answer);
        let mut after: Vec<_> = match answer {
            BatchAnswer::Customers(customers) => customers,
            BatchAnswer::Count(_) | BatchAnswer::Nothing => Vec::new(),
        };
        after.retain(|customer| customer.id == id);
        after.extend(self.read_back().await?);
        Ok(BatchOutcome {
            write: WriteOutcome::Accepted(AcceptedWrite { before, after }),
            answer: Some(content),
        })
    }
}

/// The one field of the trial whose value is new; see [`ProbeSession::marker_fields`].
fn company_of(trial: &Trial) -> &[(Field, Value)] {
    trial.set.get(2..).unwrap_or_default()
}

fn content(answer: &BatchAnswer) -> BatchAnswerContent {
    match answer {
        BatchAnswer::Customers(customers) if !customers.is_empty() => BatchAnswerContent::Customers,
        BatchAnswer::Count(_) => BatchAnswerContent::Count,
        BatchAnswer::Customers(_) | BatchAnswer::Nothing => BatchAnswerContent::Nothing,
    }
}
