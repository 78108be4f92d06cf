//! A write that tests the API, what came back, and what the two together show.

use crate::domain::{CustomValue, Field, RemoteCustomer, Tag, Value};
use crate::helpcrunch::{CallError, PatchBody, PropertyWrite};

use super::finding::TagsInUpdate;
use super::verdict::{
    agreed, has_any_value, keeps_fields, keeps_properties, keeps_tags, merges, tags_in_update,
};

/// A write that the API accepted.
#[derive(Debug)]
pub(super) struct AcceptedWrite {
    pub(super) before: RemoteCustomer,
    /// The customer as the answer showed it, and as it was read afterwards.
    pub(super) after: Vec<RemoteCustomer>,
}

/// How a write ended.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful in the life of a process"
)]
pub(super) enum WriteOutcome {
    Accepted(AcceptedWrite),
    /// With this status, because of these members.
    Refused(u16, Vec<String>),
    /// It is unknown whether it took effect, or there is nothing to compare with. The text says why.
    Unclear(String),
}

impl WriteOutcome {
    pub(super) fn unreadable_before() -> Self {
        Self::Unclear("the customer could not be read before".to_owned())
    }

    pub(super) fn unusable_answer(error: &CallError) -> Self {
        Self::Unclear(format!("it got no usable answer: {error}"))
    }

    pub(super) fn accepted(&self) -> Option<&AcceptedWrite> {
        match self {
            Self::Accepted(accepted) => Some(accepted),
            Self::Refused(..) | Self::Unclear(_) => None,
        }
    }

    /// The second half of a finding's evidence.
    pub(super) fn evidence(&self) -> String {
        match self {
            Self::Accepted(_) => "the customer was compared before and after it".to_owned(),
            Self::Refused(status, _) => format!("it was refused with {status}"),
            Self::Unclear(why) => why.clone(),
        }
    }
}

/// One property to send and one to leave out.
#[derive(Debug, Clone)]
pub(super) struct PropertyPair {
    pub(super) sent: String,
    pub(super) value: CustomValue,
    pub(super) other: String,
}

/// A write that shows what happens to properties and tags that it does not name.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) set: Vec<(Field, Value)>,
    pub(super) pair: Option<PropertyPair>,
    pub(super) tag: Option<String>,
}

impl Trial {
    pub(super) fn of_fields(set: Vec<(Field, Value)>) -> Self {
        Self {
            set,
            pair: None,
            tag: None,
        }
    }

    pub(super) fn body(&self) -> PatchBody {
        let property =
            |pair: &PropertyPair| vec![(pair.sent.clone(), PropertyWrite::Set(pair.value.clone()))];
        PatchBody {
            set: self
                .set
                .iter()
                .map(|(f, v)| (*f, Some(v.clone())))
                .collect(),
            custom_data: self.pair.as_ref().map(property),
            tags: self.tag.as_ref().map(|tag| vec![Tag::named(tag.clone())]),
        }
    }

    /// Whether the write changed a field that it named. Otherwise nothing can be concluded from it.
    pub(super) fn took_effect(&self, write: &AcceptedWrite) -> bool {
        let new: Vec<(Field, Value)> = self
            .set
            .iter()
            .filter(|(f, v)| !write.before.value(*f).is_some_and(|old| old.means(v)))
            .cloned()
            .collect();
        !write.after.is_empty() && write.after.iter().all(|after| has_any_value(after, &new))
    }

    pub(super) fn merges(&self, write: &AcceptedWrite) -> Option<bool> {
        let PropertyPair { sent, value, other } = self.pair.as_ref()?;
        agreed(
            write
                .after
                .iter()
                .map(|after| merges(&write.before, after, sent, value, other)),
        )
    }

    pub(super) fn tags_in_update(&self, write: &AcceptedWrite) -> Option<TagsInUpdate> {
        let tag = self.tag.as_ref()?;
        let answer = agreed(
            write
                .after
                .iter()
                .map(|after| tags_in_update(&write.before, after, tag)),
        );
        answer.filter(|answer| *answer != TagsInUpdate::Ignored || self.took_effect(write))
    }
}

/// Whether a write kept what it did not name. `None` where that is not known.
#[derive(Debug, Default)]
pub(super) struct KeptParts {
    pub(super) fields: Option<bool>,
    pub(super) properties: Option<bool>,
    pub(super) tags: Option<bool>,
}

impl KeptParts {
    /// Judges a write that named neither properties nor tags. One that had no visible effect proves nothing.
    pub(super) fn new(trial: &Trial, outcome: &WriteOutcome) -> Self {
        let write = outcome.accepted().filter(|write| trial.took_effect(write));
        let Some(AcceptedWrite { before, after }) = write else {
            return Self::default();
        };
        let named: Vec<Field> = trial.set.iter().map(|(field, _)| *field).collect();
        Self {
            fields: agreed(after.iter().map(|a| keeps_fields(before, a, &named))),
            properties: agreed(after.iter().map(|a| keeps_properties(before, a))),
            tags: agreed(after.iter().map(|a| keeps_tags(before, a))),
        }
    }
}
