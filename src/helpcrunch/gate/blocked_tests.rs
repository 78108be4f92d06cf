//! Answers that are not the API's own, and connections that cannot be made.

use super::super::{Filter, Search, Term};
use super::tests::*;
use super::*;
use crate::helpcrunch::{CallError, Endpoint, TransportError, WireResponse};

const PAGE: &str = "<html><h1>403 Forbidden</h1></html>";

fn firewall() -> Reply {
    Reply::Answer(WireResponse::new(403, PAGE))
}

#[tokio::test(start_paused = true)]
async fn a_firewalls_page_is_about_its_row_until_it_is_the_third_in_a_row() {
    // Of six writes the second, fourth, fifth and sixth.
    let bench = bench(limits(), |asked| match asked.index {
        1 | 3..=5 => firewall(),
        _ => ok(asked),
    });
    for is_blocked in [false, true, false, true, true] {
        let sent = bench.patch().await;
        let error = sent.result.err();
        assert_eq!(error.is_some_and(|error| error.is_blocked()), is_blocked);
    }
    assert_eq!(bench.stop_kind(), None);
    let error = bench.patch().await.result.unwrap_err();
    assert_eq!(error.stop(), Some(StopKind::Blocked));
    assert!(error.to_string().contains("firewall"), "{error}");
    assert_eq!(bench.stop_kind(), Some(StopKind::Blocked));
}

#[tokio::test(start_paused = true)]
async fn a_firewalls_page_on_a_read_closes_the_gate() {
    let bench = bench(limits(), |_| firewall());
    let error = bench.get().await.result.unwrap_err();
    assert_eq!(error.stop(), Some(StopKind::Blocked));
}

#[tokio::test(start_paused = true)]
async fn a_search_that_finds_no_customer_may_be_answered_404_by_the_api_alone() {
    let search = || Search::any(vec![Filter::equal(Term::UserId("u1".into()))]);
    let own = r#"{"errors":[{"code":"not_found","message":"Chat not found"}]}"#;
    let bench_of = |body: &'static str| {
        bench(limits(), move |_| {
            Reply::Answer(WireResponse::new(404, body))
        })
    };
    let page = bench_of(own).client.search(&search()).await.result.unwrap();
    assert_eq!((page.customers.len(), page.total), (0, Some(0)));
    for other in ["", "<html>404</html>", r#"{"message":"no route"}"#] {
        let sent = bench_of(other).client.search(&search()).await;
        assert!(matches!(
            sent.result,
            Err(CallError::Refused { status: 404, .. })
        ));
    }
    assert!(bench_of(own).get().await.result.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_reached_is_said_after_one_attempt() {
    let bench = bench(limits(), |_| {
        Reply::Fail(TransportError::Unreachable(
            "the host x was not found".into(),
        ))
    });
    let error = bench.get().await.result.unwrap_err();
    assert_eq!(error, CallError::NotSent(StopKind::Unreachable));
    let reason = bench.gate.stop_reason().unwrap();
    assert_eq!(reason.message, "the host x was not found");
    assert_eq!(bench.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_reached_once_is_waited_for() {
    let bench = bench(limits(), |asked| match asked.index {
        1..=6 => Reply::Fail(TransportError::Unreachable("no such host".into())),
        _ => ok(asked),
    });
    assert!(bench.get().await.result.is_ok());
    assert!(bench.get().await.result.is_ok());
    assert_eq!(bench.stop_kind(), None);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_answered_without_the_customer_is_read_back() {
    for body in ["", "Ok", r#"{"success":true}"#] {
        let bench = bench(limits(), move |asked| match asked.endpoint {
            Endpoint::Patch => Reply::Answer(WireResponse::new(204, body)),
            _ => ok(asked),
        });
        assert_eq!(bench.patch().await.result.unwrap().id.0, 7);
        let endpoints: Vec<Endpoint> = bench.seen().iter().map(|a| a.endpoint).collect();
        assert_eq!(endpoints, [Endpoint::Patch, Endpoint::Get], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_before_the_json_is_no_part_of_it() {
    let bench = bench(limits(), |_| {
        Reply::Answer(WireResponse::new(200, "\u{feff}{\"id\":7}"))
    });
    assert_eq!(bench.get().await.result.unwrap().id.0, 7);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_shown_by_its_beginning_and_no_value_is() {
    for (body, shown) in [
        ("<html>maintenance</html>", "`<html>maintenance</html>`"),
        (r#"{"name":"Ann Lee"}"#, r#"`{"name":`"#),
        (r#"["Ann Lee"]"#, "`[`"),
        ("", "it is empty"),
    ] {
        let bench = bench(limits(), move |_| {
            Reply::Answer(WireResponse::new(200, body))
        });
        let error = bench.get().await.result.unwrap_err().to_string();
        assert!(error.contains(shown) && !error.contains("Ann"), "{error}");
    }
}
