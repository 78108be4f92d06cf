//! What PATCH and PUT do to what they do not name, and what a property gets that is not defined.

use crate::domain::{Field, Known, RemoteCustomer, Tag};
use crate::helpcrunch::{PatchBody, PropertyWrite};

use super::account::NEW_PROPERTY;
use super::asking::{Asking, Halt, Trial, Written, Wrote};
use super::finding::Undefined;
use super::making::new_value;
use super::verdict::{agreed, keeps_fields, keeps_properties, keeps_tags};

/// Whether a write kept what it did not name; each of it nothing where that cannot be told.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) fields: Option<bool>,
    pub(super) properties: Option<bool>,
    pub(super) tags: Option<bool>,
}

impl Kept {
    /// Of a write that named neither properties nor tags. One that changed nothing tells nothing.
    pub(super) fn by(trial: &Trial, written: &Written) -> Self {
        if !trial.took(written) {
            return Self::default();
        }
        let named: Vec<Field> = trial.set.iter().map(|(field, _)| *field).collect();
        let Written { before, after } = written;
        Self {
            fields: agreed(
                after
                    .iter()
                    .map(|after| keeps_fields(before, after, &named)),
            ),
            properties: agreed(after.iter().map(|after| keeps_properties(before, after))),
            tags: agreed(after.iter().map(|after| keeps_tags(before, after))),
        }
    }
}

impl Asking<'_> {
    /// Names one of two properties and a tag that is not there, together or, where that is refused, apart.
    pub(super) async fn ask_patch(&mut self) -> Result<(), Halt> {
        let tag = self.spare_tag().await?;
        let pair = self.pair();
        let set = vec![(Field::Company, self.next_mark())];
        let both = Trial { set, pair, tag };
        if both.pair.is_none() && both.tag.is_none() {
            return self.tell_patch(
                &both,
                Wrote::Unclear("there was nothing to send".to_owned()),
            );
        }
        match self.patch(&both).await? {
            Wrote::Refused(..) if both.pair.is_some() && both.tag.is_some() => {}
            wrote => return self.tell_patch(&both, wrote),
        }
        let alone = [
            Trial {
                tag: None,
                ..both.clone()
            },
            Trial { pair: None, ..both },
        ];
        for trial in alone {
            let wrote = self.patch(&trial).await?;
            self.tell_patch(&trial, wrote)?;
        }
        Ok(())
    }

    async fn patch(&mut self, trial: &Trial) -> Result<Wrote, Halt> {
        let (id, client, body) = (self.id()?, self.probe.client, trial.body());
        let wrote = self.update(client.patch(id, &body)).await?;
        if let (Wrote::Took(_), Some(tag)) = (&wrote, &trial.tag) {
            self.note_tag(tag);
        }
        Ok(wrote)
    }

    fn tell_patch(&mut self, trial: &Trial, wrote: Wrote) -> Result<(), Halt> {
        let (merges, tagging, end) = match &wrote {
            Wrote::Took(written) => (
                trial.merges(written),
                trial.tagging(written),
                "the customer was looked at before and afterwards".to_owned(),
            ),
            Wrote::Refused(status, _) => (None, None, format!("it was refused with {status}")),
            Wrote::Unclear(why) => (None, None, why.clone()),
        };
        if self.findings.patch_merges_custom_data.is_none() || trial.pair.is_some() {
            let sent = match trial.pair {
                Some(_) => "a PATCH named one of the customer's two properties",
                None => "the customer had no two properties to name one of",
            };
            self.findings.patch_merges_custom_data = self.found(merges, format!("{sent}; {end}"));
        }
        if self.findings.patch_tags.is_none() || trial.tag.is_some() {
            let sent = "a PATCH named a tag that the customer did not have, beside one that it had";
            self.findings.patch_tags = self.found(tagging, format!("{sent}; {end}"));
        }
        Ok(())
    }

    /// Names a property that no customer has, beside all that ours has.
    pub(super) async fn ask_undefined(&mut self) -> Result<(), Halt> {
        let is_known = |f: &super::Finding<Undefined>| f.answer.is_some();
        if self
            .findings
            .undefined_property
            .as_ref()
            .is_some_and(is_known)
        {
            return Ok(());
        }
        let (id, client) = (self.id()?, self.probe.client);
        let mark = self.next_mark();
        let mut properties = self
            .before()
            .await?
            .map(|seen| own_properties(&seen))
            .unwrap_or_default();
        properties.push((NEW_PROPERTY.to_owned(), PropertyWrite::Set(new_value())));
        let body = PatchBody {
            set: vec![(Field::Company, Some(mark.clone()))],
            custom_data: Some(properties),
            tags: None,
        };
        let wrote = self.update(client.patch(id, &body)).await?;
        let kept = |after: &RemoteCustomer| {
            let took = after.value(Field::Company).is_some_and(|v| v.means(&mark));
            match after.property(NEW_PROPERTY) {
                _ if !after.custom_data.is_known() => None,
                Some(_) => Some(Undefined::Made),
                None => took.then_some(Undefined::Ignored),
            }
        };
        let (answer, end) = match &wrote {
            Wrote::Took(written) => (
                agreed(written.after.iter().map(kept)),
                "the customer was looked at afterwards".to_owned(),
            ),
            Wrote::Refused(status, members) => {
                let because = members.iter().any(|member| member.contains("customData"));
                let answer = because.then_some(Undefined::Refused);
                (answer, format!("it was refused with {status}"))
            }
            Wrote::Unclear(why) => (None, why.clone()),
        };
        if answer == Some(Undefined::Made) {
            self.note_property(NEW_PROPERTY);
        }
        let evidence =
            format!("a PATCH named a property that no customer on the first page has; {end}");
        self.findings.undefined_property = self.found(answer, evidence);
        Ok(())
    }

    /// Gives back what other writes took, and then names four fields in a PUT.
    pub(super) async fn ask_put(&mut self) -> Result<(), Halt> {
        self.fill_up().await?;
        let (id, client) = (self.id()?, self.probe.client);
        let trial = Trial {
            set: self.marking(),
            pair: None,
            tag: None,
        };
        let body = trial.body();
        let (kept, end) = match self.update(client.put(id, &body)).await? {
            Wrote::Took(written) => (
                Kept::by(&trial, &written),
                "the customer was looked at before and afterwards".to_owned(),
            ),
            Wrote::Refused(status, _) => (Kept::default(), format!("it was refused with {status}")),
            Wrote::Unclear(why) => (Kept::default(), why),
        };
        let evidence = format!("a PUT named userId, name and company; {end}");
        self.findings.put_keeps_fields = self.found(kept.fields, evidence.clone());
        self.findings.put_keeps_properties = self.found(kept.properties, evidence.clone());
        self.findings.put_keeps_tags = self.found(kept.tags, evidence);
        Ok(())
    }

    /// Sees that the customer has fields, properties and tags that can be lost.
    async fn fill_up(&mut self) -> Result<(), Halt> {
        let Some(seen) = self.before().await? else {
            return Ok(());
        };
        let (id, client) = (self.id()?, self.probe.client);
        let has_fields = seen
            .value(Field::Notes)
            .or(seen.value(Field::Source))
            .is_some();
        let has_properties = !own_properties(&seen).is_empty();
        let can_have = !self.account.properties.is_empty()
            && self
                .findings
                .patch_merges_custom_data
                .as_ref()
                .is_some_and(|f| f.answer.is_some());
        if !has_fields || (!has_properties && can_have) {
            let notes = self.next_mark();
            let lost = self.account.properties.iter().filter(|_| can_have);
            let properties = lost.map(|p| {
                let [value, _] = &p.values;
                (p.name.clone(), PropertyWrite::Set(value.clone()))
            });
            let body = PatchBody {
                set: vec![
                    (Field::Notes, Some(notes.clone())),
                    (Field::Source, Some(notes)),
                ],
                custom_data: can_have.then(|| properties.collect()),
                tags: None,
            };
            self.update(client.patch(id, &body)).await?;
        }
        let has_none = matches!(&seen.tags, Known::Is(tags) if tags.is_empty());
        if has_none && let Some(tag) = self.account.tags.first().cloned() {
            self.update(client.tag(id, &[Tag::named(tag.name.clone())]))
                .await?;
            self.note_tag(&tag.name);
        }
        Ok(())
    }
}

/// All properties of a customer, as they are sent again.
fn own_properties(customer: &RemoteCustomer) -> Vec<(String, PropertyWrite)> {
    let properties = customer.custom_data.as_ref().ok().into_iter().flatten();
    let set = properties.filter(|(_, value)| !value.is_no_value());
    set.map(|(name, value)| (name.clone(), PropertyWrite::Set(value.clone())))
        .collect()
}
