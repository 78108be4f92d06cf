//! Probes during which something goes wrong: nobody stays behind unnoticed.

use hcsync::probe::{ProbeEnd, ProbeError};
use hcsync::sandbox::{Endpoint, Fault, FaultRule, Quirks, Selector};
use http::StatusCode;

use crate::bench::{Bench, Mishap, customers, fault_at};
use crate::plug::{Crash, Reach};
use crate::truth::{answers, check};

const FAULTS: &[Fault] = &[
    Fault::Status {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        processed: false,
    },
    Fault::Status {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        processed: true,
    },
    Fault::CutBefore {},
    Fault::CutAfter {},
    Fault::CutBody {},
    Fault::Delay {
        delay_ms: 45_000,
        late: false,
    },
    Fault::Delay {
        delay_ms: 29_900,
        late: true,
    },
    Fault::RateLimit {
        retry_after: hcsync::sandbox::quirks::RetryAfter::Seconds,
        seconds: 7,
    },
];

/// Kinds of accounts that make a probe take different ways.
fn kinds() -> Vec<Quirks> {
    let kinds: [&[&str]; 4] = [
        &["defined-properties=plan,paid,orders"],
        &[
            "put-unnamed=reset",
            "batch-unnamed=reset",
            "search-lag-ms=2500",
        ],
        &[
            "undefined-property=refuse",
            "create-tags=ignore",
            "batch-bad-entry=pass-good",
        ],
        &[
            "patch-tags=replace",
            "batch-answer=nothing",
            "max-filters=20",
            "page-limit=refuse",
        ],
    ];
    let of = |pairs: &[&str]| {
        let mut quirks = Quirks::default();
        pairs.iter().for_each(|pair| quirks.set(pair).unwrap());
        quirks
    };
    kinds.into_iter().map(of).collect()
}

async fn requests_without_faults(quirks: &Quirks) -> u64 {
    let bench = Bench::new(customers(3), quirks.clone(), Vec::new());
    let _ = bench.probe().await;
    bench.requests()
}

#[tokio::test(start_paused = true)]
async fn a_fault_at_any_request_leaves_no_customer_and_no_wrong_finding() {
    for quirks in kinds() {
        let requests = requests_without_faults(&quirks).await;
        for fault in FAULTS {
            for request in 1..=requests {
                let rules = vec![fault_at(request, fault.clone())];
                let bench = Bench::new(customers(3), quirks.clone(), rules);
                let report = bench.probe().await;
                let of = format!("{} at {request}, {:?}", fault.name(), report.end);
                assert_eq!(report.leftover, None, "{of}");
                assert_eq!(bench.sandbox.customers().len(), 3, "{of}");
                assert_eq!(bench.store.throwaway().unwrap(), None, "{of}");
                check(&report.findings, &quirks);
                let made = !matches!(report.end, ProbeEnd::NotCreated(_));
                assert!(
                    !made || answers(&report.findings) >= 10,
                    "{of}: {:#?}",
                    report.findings
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_request_leaves_no_customer_after_the_next_probe() {
    for quirks in kinds() {
        let requests = requests_without_faults(&quirks).await;
        for reach in [Reach::Lost, Reach::Arrived] {
            for request in 1..=requests {
                let bench = Bench::new(customers(3), quirks.clone(), Vec::new());
                let crash = Some(Crash::Request(request, reach));
                let died = bench
                    .try_probe(Mishap {
                        crash,
                        stop_at: None,
                    })
                    .await;
                assert!(died.is_none());
                let left = bench.sandbox.customers().len() - 3;
                let noted = bench.store.throwaway().unwrap();
                assert!(
                    left == 0 || noted.is_some(),
                    "{request}: the customer is not remembered"
                );
                let report = bench.probe().await;
                assert_eq!(report.earlier.is_some(), noted.is_some());
                assert_eq!(bench.sandbox.customers().len(), 3, "{request} {reach:?}");
                assert_eq!((report.end, report.leftover), (ProbeEnd::Completed, None));
                check(&report.findings, &quirks);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_stopped_at_any_request_deletes_its_customer() {
    for quirks in kinds() {
        let requests = requests_without_faults(&quirks).await;
        for request in 1..=requests {
            let bench = Bench::new(customers(3), quirks.clone(), Vec::new());
            let stop_at = Some(request);
            let report = bench
                .try_probe(Mishap {
                    crash: None,
                    stop_at,
                })
                .await
                .unwrap()
                .unwrap();
            let late = request + 5 >= requests;
            assert!(
                report.end == ProbeEnd::Stopped || late,
                "{request}: {:?}",
                report.end
            );
            assert_eq!(report.leftover, None);
            assert_eq!(bench.sandbox.customers().len(), 3, "{request}");
            // A create in flight ends, then the customer is read, deleted and read again.
            assert!(
                late || bench.requests() <= request + 4,
                "{}",
                bench.requests()
            );
            check(&report.findings, &quirks);
        }
    }
}

fn one_per_user_id() -> Quirks {
    let mut quirks = Quirks::default();
    quirks.set("userid-unique=true").unwrap();
    quirks
}

fn always(endpoint: Endpoint, times: u64) -> FaultRule {
    FaultRule {
        fault: Fault::Status {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            processed: false,
        },
        select: Selector {
            endpoint: vec![endpoint],
            max: Some(times),
            ..Selector::default()
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_that_cannot_be_deleted_is_named_and_deleted_the_next_time() {
    // Each delete is tried eight times; a probe that cannot delete a leftover customer does not create another one.
    let bench = Bench::new(
        customers(3),
        one_per_user_id(),
        vec![always(Endpoint::Delete, 16)],
    );
    let left = bench.probe().await.leftover.unwrap();
    let there = bench.sandbox.customers();
    assert_eq!(there.len(), 4);
    let id = there[3]["id"].as_u64().unwrap();
    assert_eq!(left.throwaway.id.unwrap().0, id);
    assert!(left.throwaway.to_string().contains(&id.to_string()));
    assert!(left.why.contains("500"), "{}", left.why);
    let refused = bench.try_probe(Mishap::default()).await.unwrap();
    assert!(
        matches!(refused, Err(ProbeError::Leftover(again)) if again.throwaway == left.throwaway)
    );
    assert_eq!(bench.sandbox.customers().len(), 4);
    let report = bench.probe().await;
    assert_eq!(report.earlier, Some(left.throwaway));
    assert_eq!(bench.sandbox.customers().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_never_answered_is_not_sent_twice() {
    let fault = FaultRule {
        fault: Fault::CutAfter {},
        select: Selector {
            endpoint: vec![Endpoint::Create],
            ..Selector::default()
        },
    };
    let mut quirks = Quirks::default();
    quirks.set("search-lag-ms=20000").unwrap();
    let bench = Bench::new(customers(3), quirks.clone(), vec![fault]);
    let report = bench.probe().await;
    assert_eq!((report.end, report.leftover), (ProbeEnd::Completed, None));
    let creates = bench.sandbox.requests();
    assert_eq!(
        creates
            .iter()
            .filter(|r| r.endpoint == Endpoint::Create && r.body["email"].is_string())
            .count(),
        1
    );
    assert_eq!(bench.sandbox.customers().len(), 3);
    check(&report.findings, &quirks);
}

#[tokio::test(start_paused = true)]
async fn a_customer_that_was_edited_beyond_recognition_is_not_deleted() {
    let bench = Bench::new(
        customers(3),
        one_per_user_id(),
        vec![always(Endpoint::Delete, 8)],
    );
    let left = bench.probe().await.leftover.unwrap();
    // An agent turns it into another customer.
    let edit = hcsync::sandbox::AgentEdit {
        customer: Some(hcsync::sandbox::EditTarget::Id(
            left.throwaway.id.unwrap().0,
        )),
        set: serde_json::from_value(serde_json::json!({
            "userId": "u77", "email": "ann@example.org", "name": "Ann", "company": "A",
            "source": "s", "notes": "n", "referer": "r", "lastPage": "l"
        }))
        .unwrap(),
        ..hcsync::sandbox::AgentEdit::default()
    };
    bench.sandbox.agent(&edit).unwrap();
    let refused = bench.try_probe(Mishap::default()).await.unwrap();
    assert!(matches!(refused, Err(ProbeError::Leftover(_))));
    assert_eq!(bench.sandbox.customers().len(), 4);
}
