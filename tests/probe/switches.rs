//! Probes of accounts of every kind.

use hcsync::probe::{Findings, MAX_REQUESTS, PageSize, ProbeEnd, TYPICAL_REQUESTS};
use hcsync::sandbox::Quirks;
use serde_json::Value;

use crate::bench::{Bench, customers};
use crate::truth::{answers, check};

/// The account's own properties are defined, so that there is something to test with.
const DEFINED: &str = "defined-properties=plan,paid,orders";

fn quirks(pairs: &[&str]) -> Quirks {
    let mut quirks = Quirks::default();
    for pair in pairs {
        quirks.set(pair).unwrap();
    }
    quirks
}

/// Probes, checks what must always hold, and returns the findings.
async fn probe(people: Vec<Value>, quirks: Quirks) -> Findings {
    let bench = Bench::new(people, quirks.clone(), Vec::new());
    let before = bench.sandbox.customers();
    let report = bench.probe().await;
    assert_eq!(report.end, ProbeEnd::Completed, "{quirks:?}");
    assert_eq!(report.leftover, None, "{quirks:?}");
    assert!(
        bench.sandbox.customers() == before,
        "others were touched: {quirks:?}"
    );
    assert_eq!(bench.store.throwaway().unwrap(), None);
    assert!(
        bench.requests() <= u64::from(MAX_REQUESTS),
        "{}",
        bench.requests()
    );
    check(&report.findings, &quirks);
    report.findings
}

#[tokio::test(start_paused = true)]
async fn a_typical_account_answers_everything_for_about_the_typical_cost() {
    let bench = Bench::new(customers(150), quirks(&[DEFINED]), Vec::new());
    let report = bench.probe().await;
    check(&report.findings, &bench.sandbox.quirks());
    assert_eq!(answers(&report.findings), 24, "{:#?}", report.findings);
    assert!(
        bench.requests() <= u64::from(TYPICAL_REQUESTS),
        "{}",
        bench.requests()
    );
    assert_eq!(report.made, ["custom property `hcsync_probe`"]);
    assert!(report.findings.is_batch_safe());
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_answers_all_but_the_page() {
    let found = probe(Vec::new(), Quirks::default()).await;
    assert_eq!(answers(&found), 23, "{found:#?}");
}

/// Each relevant position of each switch, with the finding that must have an answer.
const SWITCHES: &[(&str, &str)] = &[
    ("userid-unique=false", "user_id_is_unique"),
    ("userid-unique=true", "user_id_is_unique"),
    ("create-taken-user-id=update-first", "user_id_is_unique"),
    ("patch-custom-data=merge", "patch_merges_custom_data"),
    ("patch-custom-data=replace", "patch_merges_custom_data"),
    ("put-custom-data=merge", "put_keeps_properties"),
    ("put-custom-data=replace", "put_keeps_properties"),
    ("batch-custom-data=merge", "batch_merges_custom_data"),
    ("batch-custom-data=replace", "batch_merges_custom_data"),
    ("put-unnamed=keep", "put_keeps_fields"),
    ("put-unnamed=reset", "put_keeps_tags"),
    ("batch-unnamed=keep", "batch_keeps_fields"),
    ("batch-unnamed=reset", "batch_keeps_properties"),
    ("create-tags=add", "create_tags"),
    ("create-tags=replace", "create_tags"),
    ("create-tags=ignore", "create_tags"),
    ("patch-tags=add", "patch_tags"),
    ("patch-tags=replace", "patch_tags"),
    ("patch-tags=ignore", "patch_tags"),
    ("put-tags=add", "put_keeps_tags"),
    ("put-tags=ignore", "put_keeps_tags"),
    ("batch-tags=add", "batch_tags"),
    ("batch-tags=replace", "batch_tags"),
    ("batch-tags=ignore", "batch_tags"),
    ("create-ignores=lastSeen,blocked", "create_ignores"),
    ("create-ignores=userId,email,name", "create_ignores"),
    ("create-refuses=lastSeen,blocked", "create_refuses"),
    ("create-refuses=referer", "create_ignores"),
    ("create-ignores=email", "search_lag"),
    ("create-ignores=company,notes,phone", "batch_keeps_fields"),
    ("never-stored=company", "patch_merges_custom_data"),
    ("never-stored=tags", "create_tags"),
    ("create-taken-user-id=refuse", "create_ignores"),
    ("update-taken-user-id=refuse", "batch_keeps_fields"),
    ("email-search=sensitive", "email_search_ignores_case"),
    ("email-search=insensitive", "email_search_ignores_case"),
    ("email=lower-cased", "email_search_ignores_case"),
    ("tag-names=insensitive", "patch_tags"),
    ("tag-colour=latest", "patch_tags"),
    ("search-lag-ms=700", "search_lag"),
    ("search-lag-ms=12000", "search_lag"),
    ("search-lag-ms=90000", "search_lag"),
    ("list-lag-ms=9000", "search_lag"),
    ("max-filters=1", "search_filters"),
    ("max-filters=7", "search_filters"),
    ("max-filters=50", "search_filters"),
    ("max-filters=100", "search_filters"),
    ("max-filters=1000", "search_filters"),
    ("page-limit=cap", "largest_page"),
    ("page-limit=accept", "largest_page"),
    ("page-limit=refuse", "largest_page"),
    ("page-limit-max=40", "largest_page"),
    ("page-limit-max=140", "largest_page"),
    ("total=absent", "patch_tags"),
    ("total=absent-in-list", "patch_tags"),
    ("dates=integer", "create_ignores"),
    ("custom-data=array", "patch_merges_custom_data"),
    ("custom-dates=text", "patch_merges_custom_data"),
    ("listing-custom-data=missing", "patch_merges_custom_data"),
    ("listing-tags=missing", "patch_tags"),
    ("emptied-text=empty", "put_keeps_fields"),
    ("cleared-property=null", "put_keeps_properties"),
    ("undefined-property=make", "undefined_property"),
    ("undefined-property=ignore", "undefined_property"),
    ("undefined-property=refuse", "undefined_property"),
    ("text-limit=255", "longest_notes"),
    ("text-limit=255", "longest_property"),
    ("text-limit=254", "undefined_property"),
    ("text-limit=600", "longest_property"),
    ("text-limit=2000", "longest_notes"),
    ("never-stored=notes", "longest_property"),
    ("phone=normalised", "create_ignores"),
    ("text=trimmed", "create_ignores"),
    ("batch-answer=customers", "batch_answer"),
    ("batch-answer=data", "batch_answer"),
    ("batch-answer=count", "batch_answer"),
    ("batch-answer=nothing", "batch_answer"),
    ("batch-bad-entry=fail-all", "batch_bad_entry"),
    ("batch-bad-entry=pass-good", "batch_bad_entry"),
    ("rate-limit-headers=true", "rate_limit_headers"),
    ("latency-ms=900", "search_lag"),
    ("error-codes=older", "undefined_property"),
    ("window=sliding", "patch_tags"),
    ("window=bucket", "patch_tags"),
];

#[tokio::test(start_paused = true)]
async fn every_switch_is_found_as_it_is() {
    for (pair, finding) in SWITCHES {
        let found = probe(customers(150), quirks(&[DEFINED, pair])).await;
        let json = serde_json::to_value(&found).unwrap();
        assert!(
            !json[finding]["answer"].is_null(),
            "{pair}: {finding}: {}",
            json[finding]
        );
        // An empty account has little to test with, but must not show the opposite.
        let _ = probe(Vec::new(), quirks(&[pair])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn any_mixture_of_switches_is_found_as_it_is_or_unknown() {
    let mut rng = fastrand::Rng::with_seed(31);
    let mut answered = 0;
    for _ in 0..150 {
        let mut pairs = vec![DEFINED];
        for _ in 0..rng.usize(2..14) {
            pairs.push(SWITCHES[rng.usize(..SWITCHES.len())].0);
        }
        if rng.bool() {
            pairs.remove(0);
        }
        let count = [0, 3, 120, 1_200][rng.usize(..4)];
        let quirks = quirks(&pairs);
        answered += answers(&probe(customers(count), quirks).await);
    }
    assert!(answered > 150 * 12, "too much is unknown: {answered}");
}

#[tokio::test(start_paused = true)]
async fn a_large_account_shows_a_large_page() {
    let found = probe(customers(1_500), quirks(&["page-limit=accept"])).await;
    let page = found.largest_page.unwrap().answer;
    assert_eq!(page, Some(PageSize::Honoured { seen: 1_000 }));
}
