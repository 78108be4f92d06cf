//! What is so, by the switches; a finding may say that or nothing.

use std::collections::BTreeSet;

use hcsync::probe::{
    BadEntry, BatchTold, Filters, Finding, Findings, Lag, PageSize, Tagging, TagsInCreate,
    Undefined,
};
use hcsync::sandbox::Quirks;
use hcsync::sandbox::quirks as q;

/// Checks everything that was found against the switches.
#[track_caller]
pub(crate) fn check(found: &Findings, quirks: &Quirks) {
    let kept = |unnamed| unnamed == q::Unnamed::Keep;
    let merges = |write| write == q::CustomDataWrite::Merge;
    let truth = quirks;
    is(
        truth,
        &found.patch_merges_custom_data,
        &merges(truth.patch_custom_data),
    );
    is(
        truth,
        &found.batch_merges_custom_data,
        &merges(truth.batch_custom_data),
    );
    is(truth, &found.patch_tags, &tagging(truth.patch_tags, truth));
    is(truth, &found.batch_tags, &tagging(truth.batch_tags, truth));
    is(truth, &found.create_tags, &taken(truth));
    let put = kept(truth.put_unnamed);
    let batch = kept(truth.batch_unnamed);
    for finding in [
        &found.put_keeps_fields,
        &found.put_keeps_properties,
        &found.put_keeps_tags,
    ] {
        is(truth, finding, &put);
    }
    for finding in [
        &found.batch_keeps_fields,
        &found.batch_keeps_properties,
        &found.batch_keeps_tags,
    ] {
        is(truth, finding, &batch);
    }
    is(
        truth,
        &found.batch_answer,
        &match truth.batch_answer {
            q::BatchAnswer::Customers | q::BatchAnswer::Data => BatchTold::Customers,
            q::BatchAnswer::Count => BatchTold::Count,
            q::BatchAnswer::Nothing => BatchTold::Nothing,
        },
    );
    is(
        truth,
        &found.batch_bad_entry,
        &match truth.batch_bad_entry {
            q::BatchBadEntry::FailAll => BadEntry::FailsAll,
            q::BatchBadEntry::PassGood => BadEntry::PassesGood,
        },
    );
    is(
        truth,
        &found.undefined_property,
        &match truth.undefined_property {
            q::UndefinedProperty::Make => Undefined::Made,
            q::UndefinedProperty::Ignore => Undefined::Ignored,
            q::UndefinedProperty::Refuse => Undefined::Refused,
        },
    );
    is(
        truth,
        &found.email_search_ignores_case,
        &(truth.email_search == q::Case::Insensitive),
    );
    is(truth, &found.rate_limit_headers, &truth.rate_limit_headers);
    check_create(found, truth);
    check_bounds(found, truth);
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

fn tagging(tagging: q::Tagging, quirks: &Quirks) -> Tagging {
    match tagging {
        _ if never_stored(quirks, "tags") => Tagging::Ignored,
        q::Tagging::Add => Tagging::Adds,
        q::Tagging::Replace => Tagging::Replaces,
        q::Tagging::Ignore => Tagging::Ignored,
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
    if let Some(Lag { over_ms, within_ms }) = found.search_lag.as_ref().and_then(|f| f.answer) {
        let lag = quirks.search_lag_ms;
        assert!(
            over_ms <= lag && within_ms.is_none_or(|most| lag <= most),
            "{over_ms} {within_ms:?}: {quirks:?}"
        );
    }
    if let Some(Filters { works, fails }) = found.search_filters.as_ref().and_then(|f| f.answer) {
        let most = match quirks.max_filters {
            0 => u32::MAX,
            most => u32::try_from(most).unwrap(),
        };
        assert!(
            works <= most && fails.is_none_or(|fails| most < fails),
            "{works} {fails:?}: {quirks:?}"
        );
    }
    if let Some(page) = found.largest_page.as_ref().and_then(|f| f.answer) {
        let most = u32::try_from(quirks.page_limit_max).unwrap();
        match (page, quirks.page_limit) {
            (PageSize::Honoured { .. }, q::PageLimit::Accept) => {}
            (PageSize::Honoured { seen }, _) => assert!(seen <= most, "{seen}"),
            (PageSize::Capped { at }, q::PageLimit::Cap) => assert_eq!(at, most),
            (PageSize::Refused { works, refused }, q::PageLimit::Refuse) => {
                assert!(works <= most && most < refused, "{works} {refused}");
            }
            (other, limit) => panic!("{other:?} where it is {limit:?}"),
        }
    }
}

/// How many of the questions have an answer.
pub(crate) fn answers(found: &Findings) -> usize {
    let json = serde_json::to_value(found).unwrap();
    let findings = json.as_object().unwrap().values();
    findings
        .filter(|finding| !finding["answer"].is_null())
        .count()
}
