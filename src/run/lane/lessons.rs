//! What a lane's answers show about the account, to be remembered for later runs.

use std::sync::PoisonError;

use crate::domain::{CustomerId, Field};
use crate::plan::{Operation, Patch};

use super::LaneRun;
use crate::run::memory::ServerOverride;
use crate::run::verify::Shortfall;

impl LaneRun<'_> {
    /// Learns that creates take fields again that were known to be ignored.
    pub(super) fn learn_taken(&self, operation: &Operation, missing: &Shortfall) {
        let Operation::Create(create) = operation else {
            return;
        };
        let is_missing = |field| missing.patch.set.iter().any(|change| change.field == field);
        let fields = create.set.iter().map(|(field, _)| *field);
        let ignored = fields.filter(|field| self.context.rules.create_ignores.contains(field));
        let taken = ignored.filter(|field| !is_missing(*field));
        self.context.lessons().taken.extend(taken);
    }

    /// Learns that creates ignore the fields that a patch had to set afterwards.
    pub(super) fn learn_ignored(&self, repaired: &Patch) {
        let refuses = &self.context.rules.create_refuses;
        let mut lessons = self.context.lessons();
        let set = repaired.set.iter().filter(|change| change.to.is_some());
        let fields = set.map(|change| change.field);
        let ignored: Vec<Field> = fields
            .filter(|field| !refuses.contains(field) && !lessons.refused.contains(field))
            .collect();
        lessons.ignored.extend(ignored);
    }

    /// Remembers values that HelpCrunch replaced by others.
    pub(super) fn remember_overrides(&self, id: CustomerId, missing: &Shortfall) {
        let added = missing.tags.iter().map(|tag| (tag, true));
        let removed = missing.untags.iter().map(|tag| (tag, false));
        let tags = added.chain(removed);
        let tags = tags.map(|(tag, wanted)| ServerOverride::of_tag(id, &tag.name, wanted));
        let fields = missing.patch.set.iter().map(|change| {
            let (to, from) = (change.to.as_ref(), change.from.as_ref());
            ServerOverride::of_change(id, change.field.name(), to, from)
        });
        let properties = missing.patch.custom_data.iter().map(|change| {
            let (to, from) = (change.to.as_ref(), change.from.as_ref());
            ServerOverride::of_change(id, format!("customData.{}", change.name), to, from)
        });
        self.context
            .overrides
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(fields.chain(properties).chain(tags));
    }
}
