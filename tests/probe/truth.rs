//! The truth according to the switches. A finding must agree with it or have no answer.

use std::collections::BTreeSet;

use hcsync::probe::{
    BadEntry, BatchAnswerContent, FilterLimit, Finding, Findings, PageSize, SearchLag,
    TagsInCreate, TagsInUpdate, UndefinedProperty,
};
use hcsync::sandbox::Quirks;
use hcsync::sandbox::quirks as q;

/// Checks all findings against the switches.
#[track_caller]
pub(crate) fn check(found: &Findings, quirks: &Quirks) {
    let kept = |unnamed| unnamed == q::Unnamed::Keep;
    let merges = |write| write == q::CustomDataWrite::Merge;
    is(
        quirks,
        &found.patch_merges_custom_data,
        &merges(quirks.patch_custom_data),
    );
    is(
        quirks,
        &found.batch_merges_custom_data,
        &merges(quirks.batch_custom_data),
    );
    is(
        quirks,
        &found.patch_tags,
        &tagging(quirks.patch_tags, quirks),
    );
    is(
        quirks,
        &found.batch_tags,
        &tagging(quirks.batch_tags, quirks),
    );
    is(quirks, &found.create_tags, &taken(quirks));
    let put = kept(quirks.put_unnamed);
    let batch = kept(quirks.batch_unnamed);
    for finding in [
        &found.put_keeps_fields,
        &found.put_keeps_properties,
        &found.put_keeps_tags,
    ] {
        is(quirks, finding, &put);
    }
    for finding in [
        &found.batch_keeps_fields,
        &found.batch_keeps_properties,
        &found.batch_keeps_tags,
    ] {
        is(quirks, finding, &batch);
    }
    is(
        quirks,
        &found.batch_answer,
        &match quirks.batch_answer {
            q::BatchAnswer::Customers | q::BatchAnswer::Data => BatchAnswerContent::Customers,
            q::BatchAnswer::Count => BatchAnswerContent::Count,
            q::BatchAnswer::Nothing => BatchAnswerContent::Nothing,
        },
    );
    is(
        quirks,
        &found.batch_bad_entry,
        &match quirks.batch_bad_entry {
            q::BatchBadEntry::FailAll => BadEntry::FailsAll,
            q::BatchBadEntry::PassGood => BadEntry::PassesGood,
        },
    );
    let is_unique = quirks.unique_user_ids || quirks.create_taken_user_id != q::TakenUserId::Second;
    is(quirks, &found.user_id_is_unique, &is_unique);
    is(
        quirks,
        &found.undefined_property,
        &match quirks.undefined_property {
            q::UndefinedProperty::Make => UndefinedProperty::Made,
            q::UndefinedProperty::Ignore => UndefinedProperty::Ignored,
            q::UndefinedProperty::Refuse => UndefinedProperty::Refused,
        },
    );
    is(
        quirks,
        &found.email_search_ignores_case,
        &(quirks.email_search == q::Case::Insensitive),
    );
    is(
        quirks,
        &found.rate_limit_headers,
        &quirks.rate_limit_headers,
    );
    for found in [&found.longest_notes, &found.longest_property] {
        let answer = found.as_ref().and_then(|finding| finding.answer);
        let max = Some(quirks.text_limit).filter(|max| *max > 0);
        let max = max.map_or(u32::MAX, |max| u32::try_from(max).unwrap());
        let is_true = answer.is_none_or(|length| {
            length.works <= max && length.fails.is_none_or(|fails| fails > max)
        });
        assert!(is_true, "{found:?}: {quirks:?}");
    }
    check_create(found, quirks);
    check_bounds(found, quirks);
}

#[track_caller]
fn is<T: PartialEq + std::fmt::Debug>(quirks: &Quirks, finding: &Option<Finding<T>>, truth: &T) {
    if let Some(Finding {
        answer: Some(answer),
        evidence,
        ..
    }) = finding
    {
        assert_eq!(answer, truth, "{evidence}: {quirks:?}");
    }
}

fn tagging(tagging: q::Tagging, quirks: &Quirks) -> TagsInUpdate {
    match tagging {
        _ if never_stored(quirks, "tags") => TagsInUpdate::Ignored,
        q::Tagging::Add => TagsInUpdate::Adds,
        q::Tagging::Replace => TagsInUpdate::Replaces,
        q::Tagging::Ignore => TagsInUpdate::Ignored,
    }
}

fn taken(quirks: &Quirks) -> TagsInCreate {
    let ignored = quirks.create_tags == q::Tagging::Ignore || never_stored(quirks, "tags");
    if ignored {
        TagsInCreate::Ignored
    } else {
        TagsInCreate::Taken
    }
}

fn never_stored(quirks: &Quirks, name: &str) -> bool {
    quirks.never_stored.iter().any(|other| other == name)
}

#[track_caller]
fn check_create(found: &Findings, quirks: &Quirks) {
    if let Some(fields) = found
        .create_ignores
        .as_ref()
        .and_then(|f| f.answer.as_ref())
    {
        let fields: BTreeSet<&str> = fields.iter().map(|f| f.name()).collect();
        let ignored = quirks.create_ignores.iter().chain(&quirks.never_stored);
        let truth: BTreeSet<&str> = ignored
            .map(String::as_str)
            .filter(|n| *n != "tags")
            .collect();
        // What a create refuses is not sent again to see whether it would be ignored.
        let refused = quirks.create_refuses.iter().map(String::as_str);
        let truth: BTreeSet<&str> = &truth - &refused.collect();
        assert_eq!(fields, truth, "{quirks:?}");
    }
    let refused = found
        .create_refuses
        .as_ref()
        .and_then(|f| f.answer.as_ref());
    if let Some(fields) = refused {
        let fields: BTreeSet<&str> = fields.iter().map(|f| f.name()).collect();
        let truth: BTreeSet<&str> = quirks.create_refuses.iter().map(String::as_str).collect();
        assert_eq!(fields, truth, "{quirks:?}");
    }
}

#[track_caller]
fn check_bounds(found: &Findings, quirks: &Quirks) {
    if let Some(SearchLag { over_ms, within_ms }) = found.search_lag.as_ref().and_then(|f| f.answer)
    {
        let lag = quirks.search_lag_ms;
        assert!(
            over_ms <= lag && within_ms.is_none_or(|within| lag <= within),
            "{over_ms} {within_ms:?}: {quirks:?}"
        );
    }
    if let Some(FilterLimit { works, fails }) = found.search_filters.as_ref().and_then(|f| f.answer)
    {
        let max = match quirks.max_filters {
            0 => u32::MAX,
            max => u32::try_from(max).unwrap(),
        };
        assert!(
            works <= max && fails.is_none_or(|fails| max < fails),
            "{works} {fails:?}: {quirks:?}"
        );
    }
    if let Some(page) = found.largest_page.as_ref().and_then(|f| f.answer) {
        let max = u32::try_from(quirks.page_limit_max).unwrap();
        match (page, quirks.page_limit) {
            (PageSize::Honoured { .. }, q::PageLimit::Accept) => {}
            (PageSize::Honoured { seen }, _) => assert!(seen <= max, "{seen}"),
            (PageSize::Capped { at }, q::PageLimit::Cap) => assert_eq!(at, max),
            (PageSize::Refused { works, refused }, q::PageLimit::Refuse) => {
                assert!(works <= max && max < refused, "{works} {refused}");
            }
            (other, limit) => panic!("{other:?} where it is {limit:?}"),
        }
    }
}

/// Counts the questions that have an answer.
pub(crate) fn answers(found: &Findings) -> usize {
    let json = serde_json::to_value(found).unwrap();
    let findings = json.as_object().unwrap().values();
    findings
        .filter(|finding| !finding["answer"].is_null())
        .count()
}
