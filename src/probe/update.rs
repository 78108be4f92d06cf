//! What PATCH and PUT do to parts that they do not name, and what happens to an undefined property.

use crate::domain::{CustomValue, Field, RemoteCustomer};
use crate::helpcrunch::{PatchBody, PropertyWrite};

use super::account::NEW_PROPERTY;
use super::finding::UndefinedProperty;
use super::findings::is_answered;
use super::session::{Halt, ProbeSession};
use super::trial::{KeptParts, Trial, WriteOutcome};
use super::verdict::agreed;

impl ProbeSession<'_> {
    /// Sends one of two properties and a tag that the customer lacks, together or, if that is refused, separately.
    pub(super) async fn ask_patch(&mut self) -> Result<(), Halt> {
        let tag = self.spare_tag().await?;
        let pair = self.property_pair();
        let set = vec![(Field::Company, self.next_mark())];
        let both = Trial { set, pair, tag };
        if both.pair.is_none() && both.tag.is_none() {
            let nothing = WriteOutcome::Unclear("there was nothing to send".to_owned());
            self.record_patch(&both, &nothing);
            return Ok(());
        }
        let outcome = self.patch(&both).await?;
        let is_refused = matches!(outcome, WriteOutcome::Refused(..));
        if !is_refused || both.pair.is_none() || both.tag.is_none() {
            self.record_patch(&both, &outcome);
            return Ok(());
        }
        let properties_only = Trial {
            tag: None,
            ..both.clone()
        };
        let tag_only = Trial { pair: None, ..both };
        for trial in [properties_only, tag_only] {
            let outcome = self.patch(&trial).await?;
            self.record_patch(&trial, &outcome);
        }
        Ok(())
    }

    async fn patch(&mut self, trial: &Trial) -> Result<WriteOutcome, Halt> {
        let (id, client, body) = (self.id()?, self.probe.client, trial.body());
        let outcome = self.update(client.patch(id, &body)).await?;
        if let (WriteOutcome::Accepted(_), Some(tag)) = (&outcome, &trial.tag) {
            self.note_tag(tag);
        }
        Ok(outcome)
    }

    fn record_patch(&mut self, trial: &Trial, outcome: &WriteOutcome) {
        let (write, end) = (outcome.accepted(), outcome.evidence());
        if self.findings.patch_merges_custom_data.is_none() || trial.pair.is_some() {
            let sent = match trial.pair {
                Some(_) => "a PATCH named one of the customer's two properties",
                None => "the customer did not have two properties to name one of",
            };
            let answer = write.and_then(|write| trial.merges(write));
            self.findings.patch_merges_custom_data = self.finding(answer, format!("{sent}; {end}"));
        }
        if self.findings.patch_tags.is_none() || trial.tag.is_some() {
            let sent = "a PATCH named a tag that the customer did not have, while it had another";
            let answer = write.and_then(|write| trial.tags_in_update(write));
            self.findings.patch_tags = self.finding(answer, format!("{sent}; {end}"));
        }
    }

    /// Sends a property that no customer of the sample has, together with all that the customer has.
    pub(super) async fn ask_undefined(&mut self) -> Result<(), Halt> {
        if is_answered(&self.findings.undefined_property) {
            return Ok(());
        }
        let (id, client) = (self.id()?, self.probe.client);
        let mark = self.next_mark();
        let mut properties = self
            .current()
            .await?
            .map(|seen| own_properties(&seen))
            .unwrap_or_default();
        let value = CustomValue::Text("hcsync probe".to_owned());
        properties.push((NEW_PROPERTY.to_owned(), PropertyWrite::Set(value)));
        let body = PatchBody {
            set: vec![(Field::Company, Some(mark.clone()))],
            custom_data: Some(properties),
            tags: None,
        };
        let outcome = self.update(client.patch(id, &body)).await?;
        let judge = |after: &RemoteCustomer| {
            let took_effect = after.value(Field::Company).is_some_and(|v| v.means(&mark));
            match after.property(NEW_PROPERTY) {
                _ if !after.custom_data.is_reported() => None,
                Some(_) => Some(UndefinedProperty::Made),
                None => took_effect.then_some(UndefinedProperty::Ignored),
            }
        };
        let answer = match &outcome {
            WriteOutcome::Accepted(write) => agreed(write.after.iter().map(judge)),
            WriteOutcome::Refused(_, members) => {
                let is_because = members.iter().any(|member| member.contains("customData"));
                is_because.then_some(UndefinedProperty::Refused)
            }
            WriteOutcome::Unclear(_) => None,
        };
        if answer == Some(UndefinedProperty::Made) {
            self.note_property(NEW_PROPERTY);
        }
        let end = outcome.evidence();
        let evidence =
            format!("a PATCH named a property that no customer on the first page has; {end}");
        self.findings.undefined_property = self.finding(answer, evidence);
        Ok(())
    }

    /// Restores what other writes removed, then names three fields in a PUT.
    pub(super) async fn ask_put(&mut self) -> Result<(), Halt> {
        self.refill().await?;
        let (id, client) = (self.id()?, self.probe.client);
        let trial = Trial::of_fields(self.marker_fields());
        let body = trial.body();
        let outcome = self.update(client.put(id, &body)).await?;
        let kept = KeptParts::new(&trial, &outcome);
        let end = outcome.evidence();
        let evidence = format!("a PUT named userId, name and company; {end}");
        self.findings.put_keeps_fields = self.finding(kept.fields, evidence.clone());
        self.findings.put_keeps_properties = self.finding(kept.properties, evidence.clone());
        self.findings.put_keeps_tags = self.finding(kept.tags, evidence);
        Ok(())
    }

    /// Makes sure that the customer has fields, properties and tags that a PUT could remove.
    async fn refill(&mut self) -> Result<(), Halt> {
        let Some(seen) = self.current().await? else {
            return Ok(());
        };
        let (id, client) = (self.id()?, self.probe.client);
        let has_fields = seen
            .value(Field::Notes)
            .or(seen.value(Field::Source))
            .is_some();
        let has_properties = !own_properties(&seen).is_empty();
        let can_have_properties = !self.account.properties.is_empty()
            && is_answered(&self.findings.patch_merges_custom_data);
        if !has_fields || (!has_properties && can_have_properties) {
            let notes = self.next_mark();
            let properties = self.account.properties.iter().map(|p| {
                let [value, _] = &p.values;
                (p.name.clone(), PropertyWrite::Set(value.clone()))
            });
            let body = PatchBody {
                set: vec![
                    (Field::Notes, Some(notes.clone())),
                    (Field::Source, Some(notes)),
                ],
                custom_data: can_have_properties.then(|| properties.collect()),
                tags: None,
            };
            self.update(client.patch(id, &body)).await?;
        }
        self.ensure_tag(&seen).await
    }
}

/// Returns all properties of a customer in the form in which they are sent again.
pub(super) fn own_properties(customer: &RemoteCustomer) -> Vec<(String, PropertyWrite)> {
    let properties = customer.custom_data.as_ref().ok().into_iter().flatten();
    let set = properties.filter(|(_, value)| !value.is_no_value());
    set.map(|(name, value)| (name.clone(), PropertyWrite::Set(value.clone())))
        .collect()
}
