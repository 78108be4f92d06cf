//! What a batch update does to what it does not name, what it answers, and what it does with a bad entry.

use crate::helpcrunch::{BatchAnswer, BatchEntry};

use super::asking::{Asking, Halt, Trial, Written, Wrote, refusal};
use super::finding::{BadEntry, BatchTold};
use super::updating::Kept;
use super::verdict::took;

impl Asking<'_> {
    pub(super) async fn ask_batch(&mut self) -> Result<(), Halt> {
        let is_taken = self.ask_batch_fields().await?;
        if !is_taken {
            let evidence = || "a batch that names fields alone was not seen to be taken".to_owned();
            self.findings.batch_merges_custom_data = self.found(None, evidence());
            self.findings.batch_tags = self.found(None, evidence());
            self.findings.batch_bad_entry = self.found(None, evidence());
            return Ok(());
        }
        let (tag, pair) = (self.spare_tag().await?, self.pair());
        let set = self.marking();
        let trial = Trial { set, pair, tag };
        let has_passed = self.ask_bad_entry(&trial).await?;
        if !has_passed {
            let set = self.marking();
            let alone = Trial { set, ..trial };
            let wrote = self.batch(&alone, false).await?.wrote;
            self.tell_batch(&alone, &wrote);
        }
        Ok(())
    }

    /// Names fields alone; tells whether the batch was taken.
    async fn ask_batch_fields(&mut self) -> Result<bool, Halt> {
        let set = self.marking();
        let trial = Trial {
            set,
            pair: None,
            tag: None,
        };
        let batched = self.batch(&trial, false).await?;
        let (kept, end, is_taken) = match &batched.wrote {
            Wrote::Took(written) => (
                Kept::by(&trial, written),
                "the customer was looked at before and afterwards".to_owned(),
                trial.took(written),
            ),
            Wrote::Refused(status, _) => (
                Kept::default(),
                format!("it was refused with {status}"),
                false,
            ),
            Wrote::Unclear(why) => (Kept::default(), why.clone(), false),
        };
        let evidence = format!("a batch of one named userId, name and company; {end}");
        self.findings.batch_keeps_fields = self.found(kept.fields, evidence.clone());
        self.findings.batch_keeps_properties = self.found(kept.properties, evidence.clone());
        self.findings.batch_keeps_tags = self.found(kept.tags, evidence.clone());
        self.findings.batch_answer = self.found(batched.told, evidence);
        Ok(is_taken)
    }

    /// Puts an entry for nobody beside a good one; tells whether the good one passed.
    async fn ask_bad_entry(&mut self, trial: &Trial) -> Result<bool, Halt> {
        let batched = self.batch(trial, true).await?;
        let (answer, end) = match &batched.wrote {
            Wrote::Took(written) => {
                let passed = trial.took(written);
                // Not passed only where a reading shows that nothing of it was done.
                let nothing = !written.after.is_empty()
                    && written
                        .after
                        .iter()
                        .all(|after| !took(after, trial.set.get(2..).unwrap_or_default()));
                let answer = match (passed, nothing) {
                    (true, _) => Some(BadEntry::PassesGood),
                    (false, true) => Some(BadEntry::FailsAll),
                    (false, false) => None,
                };
                self.tell_batch(trial, &batched.wrote);
                (answer, "it was taken".to_owned())
            }
            Wrote::Refused(status, _) => self.after_refusal(trial, *status).await?,
            Wrote::Unclear(why) => (None, why.clone()),
        };
        let evidence = format!(
            "a batch had an entry that names nobody after a good one; {end}, and the customer of \
             the good one was looked at"
        );
        self.findings.batch_bad_entry = self.found(answer, evidence);
        Ok(answer == Some(BadEntry::PassesGood))
    }

    /// A batch that was refused may have done its good part all the same.
    async fn after_refusal(
        &mut self,
        trial: &Trial,
        status: u16,
    ) -> Result<(Option<BadEntry>, String), Halt> {
        let mark = trial.set.get(2..).unwrap_or_default();
        let after = self.read_back().await?;
        let answer = after.map(|after| match took(&after, mark) {
            true => BadEntry::PassesGood,
            false => BadEntry::FailsAll,
        });
        Ok((answer, format!("it was refused with {status}")))
    }

    fn tell_batch(&mut self, trial: &Trial, wrote: &Wrote) {
        let (merges, tagging, end) = match wrote {
            Wrote::Took(written) => (
                trial.merges(written),
                trial.tagging(written),
                "the customer was looked at before and afterwards".to_owned(),
            ),
            Wrote::Refused(status, _) => (None, None, format!("it was refused with {status}")),
            Wrote::Unclear(why) => (None, None, why.clone()),
        };
        let sent = match trial.pair {
            Some(_) => "a batch named one of the customer's two properties",
            None => "the customer had no two properties to name one of",
        };
        self.findings.batch_merges_custom_data = self.found(merges, format!("{sent}; {end}"));
        let sent = match trial.tag {
            Some(_) => "a batch named a tag that the customer did not have, beside one that it had",
            None => "the customer had no tag beside which another could be named",
        };
        self.findings.batch_tags = self.found(tagging, format!("{sent}; {end}"));
    }

    /// Sends the trial as a batch, where asked with a bad entry after it, and reads the customer back.
    async fn batch(&mut self, trial: &Trial, is_bad: bool) -> Result<Batched, Halt> {
        let unclear = |why: String| Batched {
            wrote: Wrote::Unclear(why),
            told: None,
        };
        let (id, client) = (self.id()?, self.probe.client);
        let Some(before) = self.before().await? else {
            return Ok(unclear("the customer could not be read before".to_owned()));
        };
        let entry = |customer| BatchEntry {
            customer,
            patch: trial.body(),
        };
        let mut entries = vec![entry(Some(id))];
        if is_bad {
            entries.push(entry(None));
        }
        let answer = match self.call(client.batch(&entries)).await? {
            Ok(answer) => answer,
            Err(error) => {
                self.seen = None;
                return Ok(match refusal(&error) {
                    Some((status, members)) => Batched {
                        wrote: Wrote::Refused(status, members),
                        told: None,
                    },
                    None => unclear(format!("it got no usable answer: {error}")),
                });
            }
        };
        if let Some(tag) = &trial.tag {
            self.note_tag(tag);
        }
        let told = told(&answer);
        let mut after: Vec<_> = match answer {
            BatchAnswer::Customers(customers) => customers,
            BatchAnswer::Count(_) | BatchAnswer::Nothing => Vec::new(),
        };
        after.retain(|customer| customer.id == id);
        after.extend(self.read_back().await?);
        let wrote = Wrote::Took(Written { before, after });
        Ok(Batched {
            wrote,
            told: Some(told),
        })
    }
}

#[derive(Debug)]
struct Batched {
    wrote: Wrote,
    told: Option<BatchTold>,
}

fn told(answer: &BatchAnswer) -> BatchTold {
    match answer {
        BatchAnswer::Customers(customers) if !customers.is_empty() => BatchTold::Customers,
        BatchAnswer::Count(_) => BatchTold::Count,
        BatchAnswer::Customers(_) | BatchAnswer::Nothing => BatchTold::Nothing,
    }
}
