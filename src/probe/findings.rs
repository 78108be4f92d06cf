//! All that a probe asks, and what a run may rely on because of the answers.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Field;
use crate::plan::writes::{BatchRules, WriteRules};

use super::finding::{
    BadEntry, BatchTold, Filters, Finding, Lag, PageSize, Tagging, TagsInCreate, Told, Undefined,
};

/// The version of `probe.json` that this program writes.
pub const PROBE_VERSION: u32 = 1;

/// One finding for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) question: &'static str,
    pub(super) answer: Option<String>,
    /// What was sent and came back, and when; nothing where it was never asked.
    pub(super) evidence: Option<(String, String)>,
}

macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident: $answer:ty = $question:literal,)+) => {
        /// What was found out, question by question; nothing where a question was never asked.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Findings {
            $($(#[$doc])* pub $name: Option<Finding<$answer>>,)+
        }

        impl Findings {
            /// Takes over what a newer probe found. What it could not tell leaves an older answer as it is.
            pub fn update(&mut self, newer: Self) {
                $(update(&mut self.$name, newer.$name);)+
            }

            pub(super) fn lines(&self) -> Vec<Line> {
                vec![$(line($question, self.$name.as_ref())),+]
            }
        }
    };
}

findings! {
    patch_merges_custom_data: bool = "PATCH keeps properties that it does not name",
    patch_tags: Tagging = "tags in PATCH",
    create_tags: TagsInCreate = "tags in a create",
    /// Fields that a create takes and does not keep.
    create_ignores: Vec<Field> = "fields that a create ignores",
    /// Fields without which a create was taken that had been refused.
    create_refuses: Vec<Field> = "fields that a create refuses",
    undefined_property: Undefined = "a property that is not defined",
    put_keeps_fields: bool = "PUT keeps fields that it does not name",
    put_keeps_properties: bool = "PUT keeps properties that it does not name",
    put_keeps_tags: bool = "PUT keeps tags that it does not name",
    batch_keeps_fields: bool = "a batch keeps fields that it does not name",
    batch_keeps_properties: bool = "a batch without properties keeps them",
    batch_keeps_tags: bool = "a batch without tags keeps them",
    batch_merges_custom_data: bool = "a batch keeps properties that it does not name",
    batch_tags: Tagging = "tags in a batch",
    batch_answer: BatchTold = "the answer to a batch holds",
    batch_bad_entry: BadEntry = "a bad entry in a batch",
    largest_page: PageSize = "the largest page",
    search_filters: Filters = "filters that a search takes",
    email_search_ignores_case: bool = "e-mail search ignores case",
    search_lag: Lag = "search lags behind a create",
    rate_limit_headers: bool = "answers tell of the rate limit in headers",
}

fn update<T>(known: &mut Option<Finding<T>>, newer: Option<Finding<T>>) {
    let has_answer =
        |finding: &Option<Finding<T>>| finding.as_ref().is_some_and(|f| f.answer.is_some());
    if has_answer(&newer) || !has_answer(known) {
        *known = newer.or(known.take());
    }
}

fn line<T: Told>(question: &'static str, finding: Option<&Finding<T>>) -> Line {
    Line {
        question,
        answer: finding.and_then(|f| f.answer.as_ref()).map(Told::told),
        evidence: finding.map(|f| (f.evidence.clone(), f.at.clone())),
    }
}

impl Findings {
    /// Whether a patch may name changed properties alone.
    #[must_use]
    pub fn merges_custom_data(&self) -> bool {
        answer(&self.patch_merges_custom_data) == Some(&true)
    }

    /// Whether e-mail search is known to ignore case, or known not to.
    #[must_use]
    pub fn email_ignores_case(&self) -> Option<bool> {
        answer(&self.email_search_ignores_case).copied()
    }

    /// How long search may lag behind a create, at least; zero where that is not known.
    #[must_use]
    pub fn lag(&self) -> Duration {
        let lag = answer(&self.search_lag);
        let ms = lag.map_or(0, |lag| lag.within_ms.unwrap_or(lag.over_ms));
        Duration::from_millis(ms)
    }

    /// Whether search was seen to lag.
    fn search_lags(&self) -> bool {
        answer(&self.search_lag).is_some_and(|lag| lag.over_ms > 0)
    }

    /// Filters that one search may hold, where more were refused or not minded.
    #[must_use]
    pub fn most_filters(&self) -> Option<u64> {
        let filters = answer(&self.search_filters)?;
        filters.fails.map(|_| filters.works.into())
    }

    /// Customers that one page of a listing may hold.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        match *answer(&self.largest_page)? {
            PageSize::Honoured { seen } => Some(seen),
            PageSize::Capped { at } => Some(at),
            PageSize::Refused { works, .. } => (works > 0).then_some(works),
        }
    }

    /// Whether batch update was shown, for batch itself, to leave alone what it does not name. That it takes
    /// properties away which it does not name beside others rules it out; where that could not be told, all are sent.
    #[must_use]
    pub fn batch_is_safe(&self) -> bool {
        let shown = [
            &self.batch_keeps_fields,
            &self.batch_keeps_properties,
            &self.batch_keeps_tags,
        ];
        let keeps = shown
            .into_iter()
            .all(|finding| answer(finding) == Some(&true));
        keeps && answer(&self.batch_merges_custom_data) != Some(&false)
    }

    /// What a run relies on when it writes. Without `batches` none are used, however safe they are.
    #[must_use]
    pub fn write_rules(&self, batches: bool) -> WriteRules {
        let batch = BatchRules {
            merges: answer(&self.batch_merges_custom_data) == Some(&true),
            adds_tags: answer(&self.batch_tags) == Some(&Tagging::Adds),
            tells_customers: answer(&self.batch_answer) == Some(&BatchTold::Customers),
        };
        WriteRules {
            patch_merges: answer(&self.patch_merges_custom_data) == Some(&true),
            patch_adds_tags: answer(&self.patch_tags) == Some(&Tagging::Adds),
            search_lags: self.search_lags(),
            batch: (batches && self.batch_is_safe()).then_some(batch),
            create_ignores: answer(&self.create_ignores).cloned().unwrap_or_default(),
            create_refuses: answer(&self.create_refuses).cloned().unwrap_or_default(),
            create_ignores_tags: answer(&self.create_tags) == Some(&TagsInCreate::Ignored),
        }
    }
}

fn answer<T>(finding: &Option<Finding<T>>) -> Option<&T> {
    finding.as_ref()?.answer.as_ref()
}

/// All that is kept of an account's probes; `probe.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knowledge {
    pub version: u32,
    /// When the last probe ended, RFC 3339 in UTC; nothing before the first.
    pub probed_at: Option<String>,
    /// Tags and custom properties that probes may have made for the whole account. The API cannot remove them.
    pub made: Vec<String>,
    pub findings: Findings,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self {
            version: PROBE_VERSION,
            probed_at: None,
            made: Vec::new(),
            findings: Findings::default(),
        }
    }
}

impl Knowledge {
    /// Takes over what a probe found and made.
    pub fn update(&mut self, findings: Findings, made: Vec<String>, at: String) {
        self.findings.update(findings);
        self.made.extend(made);
        self.made.sort();
        self.made.dedup();
        self.probed_at = Some(at);
    }

    /// A run saw a batch take away what it did not name. What is not said to be lost stays as it was found.
    pub fn revoke_batch(&mut self, fields: bool, properties: bool, tags: bool, at: &str) {
        let lost = |is_lost: bool, what: &str| {
            is_lost.then(|| Finding {
                answer: Some(false),
                evidence: format!(
                    "the first batch of a run did not name {what} of its customers that were gone afterwards"
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
        // What else was found of an account that has changed is not believed either.
        self.findings.patch_merges_custom_data = doubted(at);
        self.findings.patch_tags = doubted(at);
    }

    /// A run's creates were refused for these fields, and taken without them. False where that was known.
    pub fn learn_refused(&mut self, refused: &BTreeSet<Field>, at: &str) -> bool {
        let known = answer(&self.findings.create_refuses).cloned();
        let known: BTreeSet<Field> = known.unwrap_or_default().into_iter().collect();
        if refused.is_subset(&known) {
            return false;
        }
        self.findings.create_refuses = Some(Finding {
            answer: Some(known.union(refused).copied().collect()),
            evidence: "creates of a run were refused for them, and taken without".to_owned(),
            at: at.to_owned(),
        });
        true
    }

    /// A run's creates were seen to ignore these fields, and to take those. False where that was known.
    pub fn learn_creates(
        &mut self,
        ignored: &BTreeSet<Field>,
        taken: &BTreeSet<Field>,
        at: &str,
    ) -> bool {
        let known = answer(&self.findings.create_ignores).cloned();
        let known: BTreeSet<Field> = known.unwrap_or_default().into_iter().collect();
        let told = known.union(ignored).copied();
        let told: BTreeSet<Field> = told.filter(|field| !taken.contains(field)).collect();
        if told == known {
            return false;
        }
        self.findings.create_ignores = Some(Finding {
            answer: Some(told.into_iter().collect()),
            evidence: "creates of a run were answered without values that they named, and a PATCH set them"
                .to_owned(),
            at: at.to_owned(),
        });
        true
    }
}

fn doubted<T>(at: &str) -> Option<Finding<T>> {
    Some(Finding {
        answer: None,
        evidence: "a batch took away what it did not name, so that the account has changed since it was probed"
            .to_owned(),
        at: at.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding<T>(answer: Option<T>, at: &str) -> Option<Finding<T>> {
        Some(Finding {
            answer,
            evidence: "seen".into(),
            at: at.into(),
        })
    }

    #[test]
    fn what_a_newer_probe_could_not_tell_stays_known() {
        let mut known = Findings {
            patch_merges_custom_data: finding(Some(true), "1"),
            put_keeps_tags: finding(None, "1"),
            ..Findings::default()
        };
        known.update(Findings {
            patch_merges_custom_data: finding(None, "2"),
            put_keeps_tags: finding(None, "2"),
            batch_tags: finding(Some(Tagging::Adds), "2"),
            ..Findings::default()
        });
        assert!(known.merges_custom_data());
        assert_eq!(known.put_keeps_tags.as_ref().unwrap().at, "2");
        assert!(known.batch_tags.is_some());
        known.update(Findings {
            patch_merges_custom_data: finding(Some(false), "3"),
            ..Findings::default()
        });
        assert!(!known.merges_custom_data());
        assert!(known.batch_tags.is_some());
    }

    #[test]
    fn nothing_is_relied_on_that_is_not_known() {
        let none = Findings::default();
        assert!(!none.merges_custom_data() && !none.batch_is_safe());
        assert_eq!(none.write_rules(true), WriteRules::default());
        assert_eq!(
            (none.email_ignores_case(), none.lag()),
            (None, Duration::ZERO)
        );
        let all_but_one = Findings {
            batch_keeps_fields: finding(Some(true), "1"),
            batch_keeps_properties: finding(Some(true), "1"),
            ..Findings::default()
        };
        assert!(!all_but_one.batch_is_safe());
        let mut all = Findings {
            batch_keeps_tags: finding(Some(true), "1"),
            ..all_but_one
        };
        let batch = |all: &Findings| all.write_rules(true).batch;
        assert!(all.batch_is_safe() && batch(&all).is_some_and(|batch| !batch.merges));
        all.batch_merges_custom_data = finding(Some(true), "1");
        assert!(batch(&all).is_some_and(|batch| batch.merges));
        assert_eq!(all.write_rules(false).batch, None);
        all.batch_merges_custom_data = finding(Some(false), "1");
        assert!(!all.batch_is_safe() && batch(&all).is_none());
    }

    #[test]
    fn what_a_run_saw_of_batches_and_creates_goes_before_what_was_probed() {
        let mut knowledge = Knowledge::default();
        let kept = || finding(Some(true), "1");
        knowledge.findings.batch_keeps_fields = kept();
        knowledge.findings.batch_keeps_properties = kept();
        knowledge.findings.batch_keeps_tags = kept();
        assert!(knowledge.findings.batch_is_safe());
        knowledge.revoke_batch(false, false, true, "2");
        assert!(!knowledge.findings.batch_is_safe());
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
    fn a_lag_without_an_end_is_as_long_as_was_waited() {
        let lag = |over_ms, within_ms| Findings {
            search_lag: finding(Some(Lag { over_ms, within_ms }), "1"),
            ..Findings::default()
        };
        assert_eq!(lag(2_000, Some(4_500)).lag(), Duration::from_millis(4_500));
        assert_eq!(lag(30_000, None).lag(), Duration::from_secs(30));
        let lags = |findings: Findings| findings.write_rules(true).search_lags;
        assert!(lags(lag(2_000, Some(4_500))) && lags(lag(30_000, None)));
        assert!(!lags(lag(0, Some(90))) && !lags(Findings::default()));
    }

    #[test]
    fn the_file_can_be_read_back_and_misses_nothing_of_an_older_one() {
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
}
