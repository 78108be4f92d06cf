//! What is remembered of an account: what hcsync last wrote, and values that HelpCrunch keeps rewriting: written well
//! twice, and twice it kept another value. Such a change is not planned again until the row or the remote value changes.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hasher;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::domain::{CustomerId, Field, Issue, IssueKind, Tag};
use crate::journal::{WrittenError, WrittenReader};
use crate::plan::Ownership;
use crate::plan::diff::Diff;

use super::recent::RecentKeys;

/// One value that was not kept. Hashes, so that no value leaves the run's own files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    pub customer: CustomerId,
    /// `phone` or `customData.plan`; of a tag a hash of its name.
    pub field: String,
    wanted: u64,
    kept: u64,
}

impl Rewrite {
    #[must_use]
    pub fn new(customer: CustomerId, field: impl Into<String>, wanted: &str, kept: &str) -> Self {
        Self {
            customer,
            field: field.into(),
            wanted: hash(wanted),
            kept: hash(kept),
        }
    }

    /// A tag that was added and is not there, or was removed and is.
    #[must_use]
    pub fn of_tag(customer: CustomerId, name: &str, wanted: bool) -> Self {
        Self::new(customer, tag_field(name), told(wanted), told(!wanted))
    }
}

/// A tag that was to be there and is not, or the other way round. Its name is a hash too.
fn tag_field(name: &str) -> String {
    format!("tag.{:016x}", hash(name))
}

fn told(is_there: bool) -> &'static str {
    if is_there { "there" } else { "not there" }
}

/// What a run's creates showed of the fields that they named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateLessons {
    /// Missing from the answer to a create, and set by a patch.
    pub ignored: BTreeSet<Field>,
    /// Known to be ignored, and taken all the same.
    pub taken: BTreeSet<Field>,
    /// Refused by their names, and set by a patch.
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
    /// The latest of each field.
    rewrites: HashMap<(CustomerId, String), (u64, u64)>,
    /// Where it is kept what was last written; nothing where nothing is remembered.
    written: Option<PathBuf>,
    recent: RecentKeys,
}

impl Memory {
    /// With the file of what was last written.
    #[must_use]
    pub fn with_written(self, file: PathBuf) -> Self {
        Self {
            written: Some(file),
            ..self
        }
    }

    /// With the keys that runs gave a short while ago.
    #[must_use]
    pub fn with_recent(self, recent: RecentKeys) -> Self {
        Self { recent, ..self }
    }

    #[must_use]
    pub fn recent(&self) -> &RecentKeys {
        &self.recent
    }

    /// What was last written, as far as these rules ask for it. Nobody can add to it while it is held.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn written(&self, rules: &Ownership) -> Result<WrittenReader, WrittenError> {
        match &self.written {
            Some(file) if rules.looks_back() => WrittenReader::open(file),
            Some(_) | None => Ok(WrittenReader::nothing()),
        }
    }

    pub fn learn(&mut self, rewrite: Rewrite) {
        self.rewrites.insert(
            (rewrite.customer, rewrite.field),
            (rewrite.wanted, rewrite.kept),
        );
    }

    fn knows(&self, customer: CustomerId, field: String, wanted: &str, kept: &str) -> bool {
        self.rewrites.get(&(customer, field)) == Some(&(hash(wanted), hash(kept)))
    }

    /// Takes out of the difference what would only be rewritten again; a warning for each.
    #[must_use]
    pub fn drop_rewritten(&self, customer: CustomerId, diff: &mut Diff) -> Vec<Issue> {
        if self.rewrites.is_empty() {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        diff.patch.set.retain(|c| {
            let known = self.knows(
                customer,
                c.field.name().into(),
                &shown(c.to.as_ref()),
                &shown(c.from.as_ref()),
            );
            if known {
                warnings.push(warning(c.field.name()));
            }
            !known
        });
        diff.patch.custom_data.retain(|c| {
            let field = format!("customData.{}", c.name);
            let known = self.knows(
                customer,
                field.clone(),
                &shown(c.to.as_ref()),
                &shown(c.from.as_ref()),
            );
            if known {
                warnings.push(warning(&field));
            }
            !known
        });
        let mut stays = |tag: &Tag, wanted: bool| {
            let (field, kept) = (tag_field(&tag.name), told(!wanted));
            let known = self.knows(customer, field, told(wanted), kept);
            if known {
                warnings.push(tag_warning(&tag.name, wanted));
            }
            !known
        };
        diff.tag.retain(|tag| stays(tag, true));
        diff.untag.retain(|tag| stays(tag, false));
        warnings
    }
}

/// The text that is hashed; no value is told apart from every text.
pub(super) fn shown(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("={}", v.to_string()))
}

fn warning(field: &str) -> Issue {
    let message = format!(
        "HelpCrunch keeps another value of {field} than the row's, each time it is written"
    );
    Issue::new(IssueKind::Api, "rewritten", message)
        .hint("it is tried again when the row or the customer changes")
}

fn tag_warning(name: &str, wanted: bool) -> Issue {
    let does = if wanted { "take" } else { "give up" };
    let message =
        format!("HelpCrunch does not {does} the tag {name:?}, though it answers well each time");
    Issue::new(IssueKind::Api, "rewritten", message)
        .hint("it is tried again when the row or the customer changes")
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
    fn a_rewrite_is_not_planned_again_until_row_or_remote_changes() {
        let mut memory = Memory::default();
        memory.learn(Rewrite::new(CustomerId(1), "phone", "=+38 0", "=+380"));
        let mut same = diff("+380", "+38 0");
        assert_eq!(memory.drop_rewritten(CustomerId(1), &mut same).len(), 1);
        assert!(same.patch.is_empty());
        for (customer, mut other) in [
            (1, diff("+381", "+38 0")),
            (1, diff("+380", "+38 1")),
            (2, diff("+380", "+38 0")),
        ] {
            assert!(
                memory
                    .drop_rewritten(CustomerId(customer), &mut other)
                    .is_empty()
            );
            assert!(!other.patch.is_empty());
        }
    }

    #[test]
    fn a_tag_that_does_not_take_is_not_planned_again() {
        let mut memory = Memory::default();
        memory.learn(Rewrite::of_tag(CustomerId(1), "vip", true));
        memory.learn(Rewrite::of_tag(CustomerId(1), "old", false));
        let tags = |names: &[&str]| names.iter().map(|n| Tag::named(*n)).collect::<Vec<_>>();
        let mut diff = Diff {
            tag: tags(&["vip", "lead"]),
            untag: tags(&["old", "trial"]),
            ..Diff::default()
        };
        let mut other = diff.clone();
        assert_eq!(memory.drop_rewritten(CustomerId(1), &mut diff).len(), 2);
        assert_eq!(diff.tag, tags(&["lead"]));
        assert_eq!(diff.untag, tags(&["trial"]));
        assert!(memory.drop_rewritten(CustomerId(2), &mut other).is_empty());
    }
}
