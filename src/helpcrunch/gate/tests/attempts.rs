//! What is tried again, and what is not.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_counted() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => status(503),
        1 => Reply::Fail(TransportError::TimedOut),
        2 => Reply::Answer(WireResponse::new(200, "<html>")),
        3 => Reply::Fail(TransportError::Cut),
        _ => ok(asked),
    });
    let sent = bench.patch().await;
    assert_eq!(sent.result.unwrap().id, CustomerId(7));
    assert_eq!((sent.attempts, sent.http_status), (5, Some(200)));
    assert_eq!(bench.gate.stats().retries, 4);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_as_many_attempts_as_allowed() {
    let limits = LimitSettings {
        max_attempts: 3,
        ..limits()
    };
    let bench = bench(limits, |asked| match asked.endpoint {
        Endpoint::Patch => status(500),
        _ => ok(asked),
    });
    let sent = bench.patch().await;
    assert_eq!(
        sent.result,
        Err(CallError::GaveUp {
            attempts: 3,
            why: FailureCause::Status(500)
        })
    );
    assert_eq!((sent.attempts, sent.http_status), (3, Some(500)));
    assert_eq!(bench.stop_kind(), None);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_obeys_the_retry_after_of_a_503() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => {
            let mut response = WireResponse::new(503, "");
            response.retry_after = Some("120".into());
            Reply::Answer(response)
        }
        _ => ok(asked),
    });
    bench.patch().await.result.unwrap();
    assert_eq!(bench.times()[1].as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_never_repeated() {
    for refusal in [400, 404, 409, 422, 501] {
        let bench = bench(limits(), move |_| status(refusal));
        let sent = bench.patch().await;
        assert_eq!(bench.seen().len(), 1, "{refusal}");
        let error = sent.result.unwrap_err();
        assert_eq!(error.is_not_found(), refusal == 404, "{error}");
        assert_eq!(error.stop(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_never_repeated_once_it_may_have_been_done() {
    let doubts: [fn() -> Reply; 9] = [
        || status(408),
        || status(500),
        || status(501),
        || status(503),
        || status(504),
        || Reply::Fail(TransportError::TimedOut),
        || Reply::Fail(TransportError::Cut),
        || Reply::Answer(WireResponse::new(201, "{\"id\":")),
        || {
            Reply::Answer(WireResponse {
                body: Err(TransportError::Cut),
                ..WireResponse::new(201, "")
            })
        },
    ];
    for doubt in doubts {
        let bench = bench(limits(), move |_| doubt());
        let sent = bench.create().await;
        assert!(
            matches!(sent.result, Err(CallError::Unknown { .. })),
            "{:?}",
            sent.result
        );
        assert_eq!((sent.attempts, bench.seen().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_after_a_429_or_no_connection() {
    let bench = bench(limits(), |asked| match asked.index {
        0 => refused_connection(),
        1 => too_many(None),
        _ => Reply::Answer(WireResponse::new(201, CUSTOMER)),
    });
    let sent = bench.create().await;
    assert!(sent.result.is_ok());
    assert_eq!((sent.attempts, sent.http_status), (3, Some(201)));
}

#[tokio::test(start_paused = true)]
async fn a_third_of_all_answers_failing_fails_no_row() {
    let bench = bench(limits(), |asked| {
        if asked.index % 3 == 0 {
            status(502)
        } else {
            ok(asked)
        }
    });
    assert!(
        bench
            .patches(500)
            .await
            .iter()
            .all(|sent| sent.result.is_ok())
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_mostly_fails_sees_no_more_retries_than_successes() {
    let bench = bench(limits(), |asked| {
        if asked.index % 4 == 0 {
            ok(asked)
        } else {
            status(503)
        }
    });
    let sent = bench.patches(300).await;
    let successes = sent.iter().filter(|sent| sent.result.is_ok()).count() as u64;
    let trickle = bench.server.start.elapsed().as_secs() / 5;
    let retries = bench.gate.stats().retries;
    assert!(
        successes > 200 && retries > successes,
        "{successes} {retries}"
    );
    assert!(
        retries <= successes + 50 + trickle + 1,
        "{successes} {retries} {trickle}"
    );
}

// Outage
