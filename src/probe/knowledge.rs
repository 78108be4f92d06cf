//! What an account's probes found, as it is stored, and what runs add to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::Field;
use crate::plan::field_limits::{FieldLimit, FieldLimits};

use super::finding::{Finding, TextLength};
use super::findings::{Findings, answer};

/// The version of `probe.json` that this program writes.
pub(super) const PROBE_VERSION: u32 = 1;

/// What the probes of an account found. The contents of `probe.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knowledge {
    pub version: u32,
    /// When the last probe ended, RFC 3339 in UTC. `None` before the first.
    pub probed_at: Option<String>,
    /// Tags and custom properties that probes may have added to the account. The API cannot remove them.
    pub made: Vec<String>,
    pub findings: Findings,
    /// What the account is known to refuse of fields and properties.
    #[serde(default, skip_serializing_if = "FieldLimits::is_empty")]
    pub limits: FieldLimits,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self {
            version: PROBE_VERSION,
            probed_at: None,
            made: Vec::new(),
            findings: Findings::default(),
            limits: FieldLimits::default(),
        }
    }
}

impl Knowledge {
    /// Merges in the results of a probe.
    pub fn update(&mut self, findings: Findings, made: Vec<String>, at: String) {
        if let Some(notes) = answer(&findings.longest_notes) {
            self.measure(Field::Notes.name(), *notes);
        }
        self.findings.update(findings);
        self.made.extend(made);
        self.made.sort();
        self.made.dedup();
        self.probed_at = Some(at);
    }

    /// Takes the length that a probe measured in place of what was known.
    fn measure(&mut self, name: &str, length: TextLength) {
        self.limits
            .retain(|field, limit| field != name || limit.max_length.is_none());
        if let Some(max_length) = length.max() {
            let limit = FieldLimit {
                max_length: Some(max_length),
                message: "as a probe measured".to_owned(),
            };
            self.limits.insert(name.to_owned(), limit);
        }
    }

    /// Records what a run's writes showed to be refused, and drops what they showed to be accepted. Returns false if that
    /// was known.
    pub fn learn_limits(
        &mut self,
        learned: &FieldLimits,
        accepted: &BTreeMap<String, usize>,
    ) -> bool {
        let before = self.limits.clone();
        self.limits.retain(|field, limit| {
            let accepted = accepted.get(field).copied();
            accepted.is_none_or(|length| limit.max_length.is_some_and(|max| length <= max))
        });
        for (field, limit) in learned.iter() {
            self.limits.insert(field.clone(), limit.clone());
        }
        self.limits != before
    }

    /// Records that a batch of a run removed fields, properties or tags that it did not name.
    pub fn revoke_batch(&mut self, fields: bool, properties: bool, tags: bool, at: &str) {
        let lost = |is_lost: bool, what: &str| {
            is_lost.then(|| Finding {
                answer: Some(false),
                evidence: format!(
                    "the first batch of a run removed {what} of its customers that it did not name"
                ),
                at: at.to_owned(),
            })
        };
        self.findings.update(Findings {
            batch_keeps_fields: lost(fields, "fields"),
            batch_keeps_properties: lost(properties, "properties"),
            batch_keeps_tags: lost(tags, "tags"),
            ..Findings::default()
        });
        // The account has changed since it was probed, so that these answers may be wrong, too.
        self.findings.patch_merges_custom_data = doubted(at);
        self.findings.patch_tags = doubted(at);
    }

    /// Records that creates of a run were refused because of these fields, and accepted without them. Returns false
    /// if that was known.
    pub fn learn_refused(&mut self, refused: &BTreeSet<Field>, at: &str) -> bool {
        let known = field_set(&self.findings.create_refuses);
        if refused.is_subset(&known) {
            return false;
        }
        self.findings.create_refuses = Some(Finding {
            answer: Some(known.union(refused).copied().collect()),
            evidence: "creates of a run were refused because of them, and accepted without them"
                .to_owned(),
            at: at.to_owned(),
        });
        true
    }

    /// Records which fields creates of a run ignored, and which they stored. Returns false if that was known.
    pub fn learn_creates(
        &mut self,
        ignored: &BTreeSet<Field>,
        taken: &BTreeSet<Field>,
        at: &str,
    ) -> bool {
        let known = field_set(&self.findings.create_ignores);
        let all = known.union(ignored).copied();
        let all: BTreeSet<Field> = all.filter(|field| !taken.contains(field)).collect();
        if all == known {
            return false;
        }
        self.findings.create_ignores = Some(Finding {
            answer: Some(all.into_iter().collect()),
            evidence: "creates of a run did not store values of these fields, and a PATCH set them"
                .to_owned(),
            at: at.to_owned(),
        });
        true
    }
}

fn field_set(finding: &Option<Finding<Vec<Field>>>) -> BTreeSet<Field> {
    answer(finding).into_iter().flatten().copied().collect()
}

fn doubted<T>(at: &str) -> Option<Finding<T>> {
    Some(Finding {
        answer: None,
        evidence: "a batch removed values that it did not name, so the account has changed since it was probed"
            .to_owned(),
        at: at.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::PageSize;
    use super::*;

    fn finding<T>(answer: Option<T>, at: &str) -> Option<Finding<T>> {
        Some(Finding {
            answer,
            evidence: "seen".into(),
            at: at.into(),
        })
    }

    #[test]
    fn what_a_run_learned_overrides_what_was_probed() {
        let mut knowledge = Knowledge::default();
        let kept = || finding(Some(true), "1");
        knowledge.findings.batch_keeps_fields = kept();
        knowledge.findings.batch_keeps_properties = kept();
        knowledge.findings.batch_keeps_tags = kept();
        assert!(knowledge.findings.is_batch_safe());
        knowledge.revoke_batch(false, false, true, "2");
        assert!(!knowledge.findings.is_batch_safe());
        assert_eq!(knowledge.findings.batch_keeps_fields, kept());
        let of = |fields: &[Field]| fields.iter().copied().collect::<BTreeSet<_>>();
        let (seen, blocked) = (of(&[Field::LastSeen]), of(&[Field::Blocked]));
        assert!(knowledge.learn_creates(&seen, &of(&[]), "2"));
        assert!(!knowledge.learn_creates(&seen, &of(&[]), "3"));
        assert!(knowledge.learn_creates(&blocked, &seen, "3"));
        let rules = knowledge.findings.write_rules(true);
        assert_eq!(rules.create_ignores, [Field::Blocked]);
    }

    #[test]
    fn the_file_can_be_read_back_and_older_files_can_be_read() {
        let mut knowledge = Knowledge::default();
        let findings = Findings {
            create_ignores: finding(Some(vec![Field::LastSeen]), "1"),
            largest_page: finding(Some(PageSize::Capped { at: 100 }), "1"),
            ..Findings::default()
        };
        knowledge.update(findings, vec!["tag a".into(), "tag a".into()], "2".into());
        let text = serde_json::to_string(&knowledge).unwrap();
        assert_eq!(serde_json::from_str::<Knowledge>(&text).unwrap(), knowledge);
        assert_eq!(knowledge.made, ["tag a"]);
        let older = r#"{"version":1,"probed_at":null,"made":[],"findings":{}}"#;
        assert_eq!(
            serde_json::from_str::<Knowledge>(older).unwrap(),
            Knowledge::default()
        );
    }

    #[test]
    fn limits_come_from_probes_and_runs_and_go_with_what_is_accepted() {
        let mut knowledge = Knowledge::default();
        let length = |works, fails| TextLength { works, fails };
        let measured = |length| Findings {
            longest_notes: finding(Some(length), "1"),
            ..Findings::default()
        };
        knowledge.update(measured(length(255, Some(256))), vec![], "1".into());
        let max = |knowledge: &Knowledge| knowledge.limits.get("notes").and_then(|l| l.max_length);
        assert_eq!(max(&knowledge), Some(255));
        let accepted = |length| BTreeMap::from([("notes".to_owned(), length)]);
        let none = FieldLimits::default();
        assert!(!knowledge.learn_limits(&none, &accepted(255)));
        assert!(knowledge.learn_limits(&none, &accepted(256)));
        assert_eq!(max(&knowledge), None);
        let mut refused = FieldLimits::default();
        let limit = FieldLimit {
            max_length: None,
            message: "no".into(),
        };
        refused.insert("customData.plan".into(), limit);
        assert!(knowledge.learn_limits(&refused, &BTreeMap::new()));
        assert!(!knowledge.learn_limits(&refused, &BTreeMap::new()));
        knowledge.update(measured(length(1000, None)), vec![], "2".into());
        assert!(knowledge.limits.get("customData.plan").is_some());
    }
}
