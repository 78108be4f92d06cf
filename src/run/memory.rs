//! What is remembered of an account: what hcsync last wrote, and values that HelpCrunch overrides: it accepted them
//! twice and kept another value both times. Such a change is not planned again until the row or the remote value changes.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hasher;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::domain::{CustomerId, Field, Issue, IssueKind, Tag};
use crate::journal::{WrittenError, WrittenReader};
use crate::plan::diff::Diff;
use crate::plan::field_limits::FieldLimits;
use crate::plan::{AttributeChange, LeftReason, LeftValue, Ownership};

use super::recent::RecentKeys;

/// A value that HelpCrunch replaced by one of its own. Values are hashed, so that none leaves the run's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerOverride {
    pub customer: CustomerId,
    /// Such as `phone` or `customData.plan`; for a tag, a hash of its name.
    pub field: String,
    wanted: u64,
    kept: u64,
}

impl ServerOverride {
    /// A field or property of which another value than the wanted one was kept.
    pub(super) fn of_change(
        customer: CustomerId,
        field: impl Into<String>,
        wanted: Option<&impl ToString>,
        kept: Option<&impl ToString>,
    ) -> Self {
        Self::new(
            customer,
            field,
            &comparable_text(wanted),
            &comparable_text(kept),
        )
    }

    /// A tag that was added and is missing, or was removed and is still there.
    pub(super) fn of_tag(customer: CustomerId, name: &str, wanted: bool) -> Self {
        let presence = |is_there| if is_there { "there" } else { "not there" };
        Self::new(
            customer,
            format!("tag.{:016x}", hash(name)),
            presence(wanted),
            presence(!wanted),
        )
    }

    fn new(customer: CustomerId, field: impl Into<String>, wanted: &str, kept: &str) -> Self {
        Self {
            customer,
            field: field.into(),
            wanted: hash(wanted),
            kept: hash(kept),
        }
    }
}

/// Returns the text to hash. `None` differs from every text.
fn comparable_text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("={}", v.to_string()))
}

/// What a run's creates showed about the fields that they set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateLessons {
    /// Missing from the answer to a create, and set by a patch.
    pub ignored: BTreeSet<Field>,
    /// Known to be ignored, but taken.
    pub taken: BTreeSet<Field>,
    /// Refused by name, and set by a patch.
    pub refused: BTreeSet<Field>,
}

fn hash(text: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// What is remembered of an account.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The hashes of the wanted and the kept value, of each field's latest override.
    overrides: HashMap<(CustomerId, String), (u64, u64)>,
    /// The file of what was last written; `None` if nothing is remembered.
    written: Option<PathBuf>,
    recent: RecentKeys,
    limits: FieldLimits,
    /// The longest text that a custom property took in a probe; others may differ by their type.
    property_length: Option<usize>,
}

impl Memory {
    /// Adds what the account is known to refuse.
    #[must_use]
    pub fn with_limits(self, limits: FieldLimits, property_length: Option<usize>) -> Self {
        Self {
            limits,
            property_length,
            ..self
        }
    }

    pub fn limits(&self) -> &FieldLimits {
        &self.limits
    }

    pub fn property_length(&self) -> Option<usize> {
        self.property_length
    }

    /// Adds the file of what was last written.
    #[must_use]
    pub fn with_written(self, file: PathBuf) -> Self {
        Self {
            written: Some(file),
            ..self
        }
    }

    /// Adds the keys that recent runs gave to customers.
    #[must_use]
    pub fn with_recent(self, recent: RecentKeys) -> Self {
        Self { recent, ..self }
    }

    pub fn recent(&self) -> &RecentKeys {
        &self.recent
    }

    /// Opens what was last written, if these rules need it. No other process can add to it while it is open.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn written(&self, rules: &Ownership) -> Result<WrittenReader, WrittenError> {
        match &self.written {
            Some(file) if rules.needs_history() => WrittenReader::open(file),
            Some(_) | None => Ok(WrittenReader::empty()),
        }
    }

    pub fn learn(&mut self, server_override: ServerOverride) {
        self.overrides.insert(
            (server_override.customer, server_override.field),
            (server_override.wanted, server_override.kept),
        );
    }

    fn contains(&self, candidate: ServerOverride) -> bool {
        let key = (candidate.customer, candidate.field);
        self.overrides.get(&key) == Some(&(candidate.wanted, candidate.kept))
    }

    /// Removes from the difference what would only be overridden again. Returns a warning for each.
    pub fn drop_overridden(&self, customer: CustomerId, diff: &mut Diff) -> Vec<Issue> {
        if self.overrides.is_empty() {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        let mut keeps = |candidate: ServerOverride, warning: &dyn Fn() -> Issue| {
            let is_overridden = self.contains(candidate);
            if is_overridden {
                warnings.push(warning());
            }
            !is_overridden
        };
        let left = &mut diff.left;
        let mut keeps_change = |candidate: ServerOverride, change: &AttributeChange<'_>| {
            let name = candidate.field.clone();
            let keeps = keeps(candidate, &|| warning(&name));
            if !keeps {
                left.push(LeftValue::of_change(change, LeftReason::Rewritten));
            }
            keeps
        };
        diff.patch.set.retain(|change| {
            let (name, to, from) = (change.field.name(), &change.to, &change.from);
            let candidate = ServerOverride::of_change(customer, name, to.as_ref(), from.as_ref());
            keeps_change(candidate, &change.as_attribute())
        });
        diff.patch.custom_data.retain(|change| {
            let name = format!("customData.{}", change.name);
            let (to, from) = (change.to.as_ref(), change.from.as_ref());
            let candidate = ServerOverride::of_change(customer, name, to, from);
            keeps_change(candidate, &change.as_attribute())
        });
        let mut keeps_tag = |tag: &Tag, wanted: bool| {
            let candidate = ServerOverride::of_tag(customer, &tag.name, wanted);
            keeps(candidate, &|| tag_warning(&tag.name, wanted))
        };
        diff.tag.retain(|tag| keeps_tag(tag, true));
        diff.untag.retain(|tag| keeps_tag(tag, false));
        warnings
    }
}

const RETRY_HINT: &str = "hcsync tries it again once the row or the customer changes";

fn warning(field: &str) -> Issue {
    let message = format!(
        "HelpCrunch accepts the row's value of {field} but keeps another one, each time it is written"
    );
    Issue::new(IssueKind::Api, "rewritten", message).hint(RETRY_HINT)
}

fn tag_warning(name: &str, wanted: bool) -> Issue {
    let action = if wanted { "add" } else { "remove" };
    let message = format!(
        "HelpCrunch does not {action} the tag {name:?}, although it accepts the request each time"
    );
    Issue::new(IssueKind::Api, "rewritten", message).hint(RETRY_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Value;
    use crate::plan::{FieldChange, Patch};

    fn diff(from: &str, to: &str) -> Diff {
        let text = |t: &str| Some(Value::Text(t.into()));
        let set = vec![FieldChange {
            field: Field::Phone,
            from: text(from),
            to: text(to),
        }];
        Diff {
            patch: Patch {
                set,
                custom_data: vec![],
            },
            ..Diff::default()
        }
    }

    #[test]
    fn an_override_is_not_planned_again_until_row_or_remote_changes() {
        let mut memory = Memory::default();
        memory.learn(ServerOverride::new(
            CustomerId(1),
            "phone",
            "=+38 0",
            "=+380",
        ));
        let mut same = diff("+380", "+38 0");
        assert_eq!(memory.drop_overridden(CustomerId(1), &mut same).len(), 1);
        assert!(same.patch.is_empty());
        for (customer, mut other) in [
            (1, diff("+381", "+38 0")),
            (1, diff("+380", "+38 1")),
            (2, diff("+380", "+38 0")),
        ] {
            assert!(
                memory
                    .drop_overridden(CustomerId(customer), &mut other)
                    .is_empty()
            );
            assert!(!other.patch.is_empty());
        }
    }

    #[test]
    fn a_tag_that_is_not_kept_is_not_planned_again() {
        let mut memory = Memory::default();
        memory.learn(ServerOverride::of_tag(CustomerId(1), "vip", true));
        memory.learn(ServerOverride::of_tag(CustomerId(1), "old", false));
        let tags = |names: &[&str]| names.iter().map(|n| Tag::named(*n)).collect::<Vec<_>>();
        let mut diff = Diff {
            tag: tags(&["vip", "lead"]),
            untag: tags(&["old", "trial"]),
            ..Diff::default()
        };
        let mut other = diff.clone();
        assert_eq!(memory.drop_overridden(CustomerId(1), &mut diff).len(), 2);
        assert_eq!(diff.tag, tags(&["lead"]));
        assert_eq!(diff.untag, tags(&["trial"]));
        assert!(memory.drop_overridden(CustomerId(2), &mut other).is_empty());
    }
}
