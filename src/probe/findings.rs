//! All questions that a probe asks, and what a run may rely on because of the answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Field;
use crate::plan::writes::{BatchRules, WriteRules};

use super::finding::{
    BadEntry, BatchAnswerContent, Describe, FilterLimit, Finding, PageSize, SearchLag,
    TagsInCreate, TagsInUpdate, TextLength, UndefinedProperty,
};

/// One finding as the user reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FindingText {
    pub(super) question: &'static str,
    pub(super) answer: Option<String>,
    /// The evidence and its time. `None` if the question was never asked.
    pub(super) evidence: Option<(String, String)>,
}

macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident: $answer:ty = $question:literal,)+) => {
        /// The findings by question. `None` if a question was never asked.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Findings {
            $($(#[$doc])* pub $name: Option<Finding<$answer>>,)+
        }

        impl Findings {
            /// Merges in the findings of a newer probe. An older answer stays where the newer probe has none.
            pub fn update(&mut self, newer: Self) {
                $(update(&mut self.$name, newer.$name);)+
            }

            pub(super) fn texts(&self) -> Vec<FindingText> {
                vec![$(text_of($question, self.$name.as_ref())),+]
            }
        }
    };
}

findings! {
    patch_merges_custom_data: bool = "PATCH keeps properties that it does not name",
    patch_tags: TagsInUpdate = "tags in PATCH",
    user_id_is_unique: bool = "a userId belongs to one customer only",
    create_tags: TagsInCreate = "tags in a create",
    /// Fields that a create accepts but does not store.
    create_ignores: Vec<Field> = "fields that a create ignores",
    /// Fields because of which a create was refused.
    create_refuses: Vec<Field> = "fields that a create refuses",
    undefined_property: UndefinedProperty = "a property that is not defined",
    longest_notes: TextLength = "the longest notes",
    longest_property: TextLength = "the longest text of a property",
    put_keeps_fields: bool = "PUT keeps fields that it does not name",
    put_keeps_properties: bool = "PUT keeps properties that it does not name",
    put_keeps_tags: bool = "PUT keeps tags that it does not name",
    batch_keeps_fields: bool = "a batch keeps fields that it does not name",
    batch_keeps_properties: bool = "a batch without properties keeps them",
    batch_keeps_tags: bool = "a batch without tags keeps them",
    batch_merges_custom_data: bool = "a batch keeps properties that it does not name",
    batch_tags: TagsInUpdate = "tags in a batch",
    batch_answer: BatchAnswerContent = "the answer to a batch contains",
    batch_bad_entry: BadEntry = "a bad entry in a batch",
    largest_page: PageSize = "the largest page",
    search_filters: FilterLimit = "filters that a search accepts",
    email_search_ignores_case: bool = "e-mail search ignores case",
    search_lag: SearchLag = "search lags behind a create",
    rate_limit_headers: bool = "answers report the rate limit in headers",
}

fn update<T>(current: &mut Option<Finding<T>>, newer: Option<Finding<T>>) {
    if is_answered(&newer) || !is_answered(current) {
        *current = newer.or(current.take());
    }
}

pub(super) fn is_answered<T>(finding: &Option<Finding<T>>) -> bool {
    answer(finding).is_some()
}

fn text_of<T: Describe>(question: &'static str, finding: Option<&Finding<T>>) -> FindingText {
    FindingText {
        question,
        answer: finding
            .and_then(|f| f.answer.as_ref())
            .map(Describe::describe),
        evidence: finding.map(|f| (f.evidence.clone(), f.at.clone())),
    }
}

impl Findings {
    /// Whether e-mail search ignores case. `None` if that is not known.
    #[must_use]
    pub fn email_ignores_case(&self) -> Option<bool> {
        answer(&self.email_search_ignores_case).copied()
    }

    /// How long search may lag behind a create, at least. Zero if that is not known.
    #[must_use]
    pub fn search_lag(&self) -> Duration {
        let lag = answer(&self.search_lag);
        let ms = lag.map_or(0, |lag| lag.within_ms.unwrap_or(lag.over_ms));
        Duration::from_millis(ms)
    }

    /// Maximum number of filters in a search. `None` if no number was seen to be too large.
    #[must_use]
    pub fn max_filters(&self) -> Option<u64> {
        let filters = answer(&self.search_filters)?;
        filters.fails.map(|_| filters.works.into())
    }

    /// The longest text that a probe's property took. `None` if no longer one was refused.
    #[must_use]
    pub fn property_length(&self) -> Option<usize> {
        answer(&self.longest_property).and_then(|length| length.max())
    }

    /// Whether a write is refused for a property that the account does not define.
    #[must_use]
    pub fn refuses_undefined(&self) -> bool {
        answer(&self.undefined_property) == Some(&UndefinedProperty::Refused)
    }

    /// Number of customers that one page of a listing may have. `None` if no page shows it.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        match *answer(&self.largest_page)? {
            PageSize::Honoured { seen } => Some(seen),
            PageSize::Capped { at } => Some(at),
            PageSize::Refused { works, .. } => (works > 0).then_some(works),
        }
    }

    /// Whether batch updates were seen to keep fields, properties and tags that they do not name.
    ///
    /// Unless a batch is known to keep properties which it does not name besides others, batches send all properties.
    #[must_use]
    pub fn is_batch_safe(&self) -> bool {
        let kept = [
            &self.batch_keeps_fields,
            &self.batch_keeps_properties,
            &self.batch_keeps_tags,
        ];
        kept.into_iter()
            .all(|finding| answer(finding) == Some(&true))
    }

    /// Returns the rules for batches that write customers as a whole, which need no finding to be safe.
    #[must_use]
    pub fn whole_batch_rules(&self) -> BatchRules {
        let tags = answer(&self.batch_tags);
        BatchRules {
            whole: true,
            merges: false,
            adds_tags: matches!(tags, Some(TagsInUpdate::Adds | TagsInUpdate::Replaces)),
            returns_customers: self.batch_returns_customers(),
        }
    }

    fn batch_returns_customers(&self) -> bool {
        answer(&self.batch_answer) == Some(&BatchAnswerContent::Customers)
    }

    /// Returns what a run relies on when it writes. `batches` allows batches at all.
    #[must_use]
    pub fn write_rules(&self, batches: bool) -> WriteRules {
        let batch = BatchRules {
            merges: answer(&self.batch_merges_custom_data) == Some(&true),
            adds_tags: answer(&self.batch_tags) == Some(&TagsInUpdate::Adds),
            returns_customers: self.batch_returns_customers(),
            whole: false,
        };
        WriteRules {
            patch_merges: answer(&self.patch_merges_custom_data) == Some(&true),
            patch_adds_tags: answer(&self.patch_tags) == Some(&TagsInUpdate::Adds),
            search_lags: answer(&self.search_lag).is_some_and(|lag| lag.over_ms > 0),
            batch: (batches && self.is_batch_safe()).then_some(batch),
            unique_user_ids: answer(&self.user_id_is_unique) == Some(&true),
            create_ignores: answer(&self.create_ignores).cloned().unwrap_or_default(),
            create_refuses: answer(&self.create_refuses).cloned().unwrap_or_default(),
            create_ignores_tags: answer(&self.create_tags) == Some(&TagsInCreate::Ignored),
        }
    }
}

pub(super) fn answer<T>(finding: &Option<Finding<T>>) -> Option<&T> {
    finding.as_ref()?.answer.as_ref()
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
    fn an_older_answer_stays_if_a_newer_probe_has_none() {
        let mut known = Findings {
            patch_merges_custom_data: finding(Some(true), "1"),
            put_keeps_tags: finding(None, "1"),
            ..Findings::default()
        };
        known.update(Findings {
            patch_merges_custom_data: finding(None, "2"),
            put_keeps_tags: finding(None, "2"),
            batch_tags: finding(Some(TagsInUpdate::Adds), "2"),
            ..Findings::default()
        });
        assert_eq!(answer(&known.patch_merges_custom_data), Some(&true));
        assert_eq!(known.put_keeps_tags.as_ref().unwrap().at, "2");
        assert!(known.batch_tags.is_some());
        known.update(Findings {
            patch_merges_custom_data: finding(Some(false), "3"),
            ..Findings::default()
        });
        assert_eq!(answer(&known.patch_merges_custom_data), Some(&false));
        assert!(known.batch_tags.is_some());
    }

    #[test]
    fn unknown_answers_are_not_relied_on() {
        let none = Findings::default();
        assert!(!none.is_batch_safe());
        assert_eq!(none.write_rules(true), WriteRules::default());
        assert_eq!(
            (none.email_ignores_case(), none.search_lag()),
            (None, Duration::ZERO)
        );
        let all_but_one = Findings {
            batch_keeps_fields: finding(Some(true), "1"),
            batch_keeps_properties: finding(Some(true), "1"),
            ..Findings::default()
        };
        assert!(!all_but_one.is_batch_safe());
        let mut all = Findings {
            batch_keeps_tags: finding(Some(true), "1"),
            ..all_but_one
        };
        let batch = |all: &Findings| all.write_rules(true).batch;
        assert!(all.is_batch_safe() && batch(&all).is_some_and(|batch| !batch.merges));
        all.batch_merges_custom_data = finding(Some(true), "1");
        assert!(batch(&all).is_some_and(|batch| batch.merges));
        assert_eq!(all.write_rules(false).batch, None);
        all.batch_merges_custom_data = finding(Some(false), "1");
        assert!(all.is_batch_safe() && batch(&all).is_some_and(|batch| !batch.merges));
    }

    #[test]
    fn a_lag_without_an_end_is_as_long_as_the_wait() {
        let lag = |over_ms, within_ms| Findings {
            search_lag: finding(Some(SearchLag { over_ms, within_ms }), "1"),
            ..Findings::default()
        };
        let longest = |findings: Findings| findings.search_lag();
        assert_eq!(
            longest(lag(2_000, Some(4_500))),
            Duration::from_millis(4_500)
        );
        assert_eq!(longest(lag(30_000, None)), Duration::from_secs(30));
        let lags = |findings: Findings| findings.write_rules(true).search_lags;
        assert!(lags(lag(2_000, Some(4_500))) && lags(lag(30_000, None)));
        assert!(!lags(lag(0, Some(90))) && !lags(Findings::default()));
    }
}
