//! The limit of requests a minute, as a client meets it.

use super::*;

fn limited(quirks: &[&str]) -> Sandbox {
    let mut options = Options {
        requests_per_minute: 5,
        ..options()
    };
    for pair in quirks {
        options.quirks.set(pair).unwrap();
    }
    Sandbox::new(options).unwrap()
}

/// Returns the statuses of this many requests at the same time.
async fn burst(server: &Sandbox, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(
            call(server, "GET", "/v1/customers/1", Value::Null)
                .await
                .status,
        );
    }
    statuses
}

fn passed(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 200).count()
}

#[tokio::test(start_paused = true)]
async fn each_window_opens_in_its_own_way() {
    // The clock starts six seconds into a minute.
    for (window, after_54, after_60) in [("fixed", 5, 5), ("sliding", 0, 5), ("bucket", 4, 5)] {
        let server = limited(&[&format!("window={window}")]);
        assert_eq!(passed(&burst(&server, 9).await), 5, "{window}");
        tokio::time::advance(Duration::from_secs(54)).await;
        assert_eq!(passed(&burst(&server, 9).await), after_54, "{window}");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(passed(&burst(&server, 9).await), after_60, "{window}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_is_worth_obeying() {
    for window in ["fixed", "sliding", "bucket"] {
        for way in ["seconds", "date"] {
            let server = limited(&[&format!("window={window}"), &format!("retry-after={way}")]);
            let begun = tokio::time::Instant::now();
            burst(&server, 5).await;
            let answer = raw(&server, "GET", "/v1/customers/1", Value::Null)
                .await
                .unwrap();
            assert_eq!(
                (answer.status().as_u16(), seen(&answer).codes()),
                (429, vec!["too_many_requests"])
            );
            let header = answer.headers()["retry-after"].to_str().unwrap();
            let wait = match way {
                "seconds" => Duration::from_secs(header.parse().unwrap()),
                _ => {
                    let now = start() + begun.elapsed();
                    httpdate::parse_http_date(header)
                        .unwrap()
                        .duration_since(now)
                        .unwrap()
                }
            };
            assert!(!wait.is_zero() && wait <= Duration::from_secs(60));
            tokio::time::advance(wait).await;
            assert_eq!(burst(&server, 1).await, [200], "{window} {way}");
        }
    }
    let silent = limited(&["retry-after=none"]);
    burst(&silent, 5).await;
    let answer = raw(&silent, "GET", "/v1/customers/1", Value::Null)
        .await
        .unwrap();
    assert!(answer.headers().get("retry-after").is_none());
}

#[tokio::test(start_paused = true)]
async fn headers_tell_what_is_left_if_they_are_on() {
    let server = limited(&["rate-limit-headers=true"]);
    let mut left = Vec::new();
    for _ in 0..6 {
        let answer = raw(&server, "GET", "/v1/customers/9", Value::Null)
            .await
            .unwrap();
        assert_eq!(answer.headers()["x-ratelimit-limit"], "5");
        left.push(
            answer.headers()["x-ratelimit-remaining"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(left, ["4", "3", "2", "1", "0", "0"]);
    let plain = limited(&[]);
    let answer = raw(&plain, "GET", "/v1/customers/9", Value::Null)
        .await
        .unwrap();
    assert!(answer.headers().get("x-ratelimit-limit").is_none());
}

#[tokio::test(start_paused = true)]
async fn errors_count_but_refused_keys_do_not() {
    let server = limited(&[]);
    for _ in 0..9 {
        let mut bare = request("GET", "/v1/customers/1", None);
        bare.headers_mut().clear();
        assert_eq!(server.call(bare).await.unwrap().status(), 401);
    }
    for _ in 0..5 {
        assert_eq!(
            call(&server, "GET", "/v1/customers/9", Value::Null)
                .await
                .status,
            404
        );
    }
    let over = call(&server, "POST", "/v1/customers", json!({})).await;
    assert_eq!((over.status, server.customers().len()), (429, 3));
    let log = server.requests();
    assert_eq!((log[14].processed, log[14].applied), (false, false));
    assert_eq!(server.stats().rate_limited, 1);
}

#[tokio::test(start_paused = true)]
async fn another_window_starts_afresh() {
    let server = limited(&[]);
    burst(&server, 5).await;
    let mut quirks = server.quirks();
    quirks.set("window=sliding").unwrap();
    server.set_quirks(quirks.clone()).unwrap();
    assert_eq!(passed(&burst(&server, 9).await), 5);
    quirks.set("search-lag-ms=1").unwrap();
    server.set_quirks(quirks).unwrap();
    assert_eq!(
        passed(&burst(&server, 9).await),
        0,
        "the window stays the same"
    );
}
