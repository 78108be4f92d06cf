//! What goes wrong on purpose.

use tokio::time::Instant;

use super::*;

fn only(fault: &str) -> Sandbox {
    staged(&format!("[[fault]]\n{fault}\nmax = 1"), 0)
}

async fn create(server: &Sandbox) -> Result<Response<Bytes>, Cut> {
    raw(server, "POST", "/v1/customers", json!({"name": "x"})).await
}

#[tokio::test]
async fn a_status_comes_with_and_without_effect() {
    for (processed, count) in [("false", 3), ("true", 4)] {
        let server = only(&format!(
            "kind = 'status'\nstatus = 503\nprocessed = {processed}"
        ));
        let seen = seen(&create(&server).await.unwrap());
        assert_eq!(
            (seen.status, seen.codes()),
            (503, vec!["service_unavailable"])
        );
        assert_eq!(server.customers().len(), count);
        let log = &server.requests()[0];
        assert_eq!(
            (log.fault, log.status, log.applied),
            (Some("status"), Some(503), count == 4)
        );
        assert_eq!(create(&server).await.unwrap().status(), 201);
    }
}

#[tokio::test]
async fn cuts_come_before_after_and_within() {
    for (kind, count) in [("cut-before", 3), ("cut-after", 4), ("cut-body", 4)] {
        let server = only(&format!("kind = '{kind}'"));
        let cut = create(&server).await.unwrap_err();
        assert_eq!(server.customers().len(), count, "{kind}");
        let log = &server.requests()[0];
        assert_eq!((log.fault, log.applied), (Some(kind), count == 4));
        match cut {
            Cut::NoAnswer => assert!(kind != "cut-body" && log.status.is_none()),
            Cut::MidBody(part) => {
                assert_eq!((kind, part.status().as_u16()), ("cut-body", 201));
                let length: usize = part.headers()["content-length"]
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                assert_eq!(part.body().len(), length / 2);
                assert!(serde_json::from_slice::<Value>(part.body()).is_err());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_acts_at_once_or_late() {
    for (late, count) in [(false, 4), (true, 3)] {
        let server = only(&format!("kind = 'delay'\ndelay-ms = 60000\nlate = {late}"));
        let begun = Instant::now();
        let waited = tokio::time::timeout(Duration::from_secs(30), create(&server)).await;
        assert!(waited.is_err(), "the client gives up");
        assert_eq!(server.customers().len(), count);
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert_eq!(server.customers().len(), 4, "it takes effect in the end");
        assert_eq!(begun.elapsed(), Duration::from_secs(61));
        assert_eq!(create(&server).await.unwrap().status(), 201);
    }
    let server = only("kind = 'delay'\ndelay-ms = 500");
    let begun = Instant::now();
    assert_eq!(create(&server).await.unwrap().status(), 201);
    assert_eq!(begun.elapsed(), Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn every_answer_may_take_a_time() {
    let server = server(&["latency-ms=20"]);
    let begun = Instant::now();
    get(&server, 1).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(20));
}

#[tokio::test]
async fn html_comes_with_any_status() {
    for (line, status, count) in [("", 502, 3), ("status = 200\nprocessed = true", 200, 4)] {
        let server = only(&format!("kind = 'html'\n{line}"));
        let answer = create(&server).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), server.customers().len()),
            (status, count)
        );
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert!(answer.body().starts_with(b"<html>"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_says_when_to_come_back_in_three_ways() {
    // The example date is 28 October 2020, 11:49:06 GMT.
    let date = "Wed, 28 Oct 2020 11:49:26 GMT";
    for (way, expected) in [
        ("none", None),
        ("seconds", Some("20")),
        ("date", Some(date)),
    ] {
        let server = only(&format!(
            "kind = 'rate-limit'\nretry-after = '{way}'\nseconds = 20"
        ));
        let answer = create(&server).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), seen(&answer).codes()),
            (429, vec!["too_many_requests"])
        );
        let header = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!(header, expected);
        assert_eq!(
            (server.customers().len(), server.requests()[0].processed),
            (3, false)
        );
    }
}

#[tokio::test]
async fn the_first_rule_that_picks_a_request_wins() {
    let server = staged(
        "[[fault]]\nkind = 'status'\nstatus = 500\nendpoint = 'create'\nrequest = 2\n\
         [[fault]]\nkind = 'status'\nstatus = 502\nendpoint = ['create', 'get']\nnth = [2, 3]",
        0,
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(create(&server).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [201, 500, 502, 201]);
}

#[tokio::test(start_paused = true)]
async fn refused_requests_meet_no_fault() {
    let scenario = Scenario::from_toml("[[fault]]\nkind = 'cut-before'\nnth = 2").unwrap();
    let options = Options {
        requests_per_minute: 1,
        schedule: scenario.schedule,
        ..options()
    };
    let server = Sandbox::new(options).unwrap();
    assert_eq!(create(&server).await.unwrap().status(), 201);
    assert_eq!(create(&server).await.unwrap().status(), 429);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(create(&server).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides_everything() {
    let toml = "[[fault]]\nkind = 'cut-after'\nprobability = 0.3\n\
        [[fault]]\nkind = 'status'\nstatus = 500\nprobability = 0.3\n\
        [[agent]]\nwhen = 'after'\nprobability = 0.5\ncustomer = 'random'\nset = { company = 'Agent' }";
    let story = async |seed| {
        let server = staged(toml, seed);
        for _ in 0..40 {
            let _outcome = create(&server).await;
        }
        let requests = server.requests().into_iter();
        let faults: Vec<_> = requests
            .map(|one| (one.fault, one.status, one.agent_edits))
            .collect();
        (faults, server.customers())
    };
    let (faults, customers) = story(1).await;
    assert_eq!(story(1).await, (faults.clone(), customers));
    assert_ne!(story(2).await.0, faults);
    for kind in [None, Some("cut-after"), Some("status")] {
        let count = faults.iter().filter(|(fault, ..)| *fault == kind).count();
        assert!((3..30).contains(&count), "{kind:?} {count}");
    }
}

#[test]
fn bad_files_are_refused_with_their_place() {
    for (toml, part) in [
        ("[[fault]]\nkind = 'fire'", "fault 1: "),
        (
            "[[fault]]\nkind = 'cut-before'\n[[fault]]\nkind = 'cut-after'\nstatus = 5",
            "fault 2: ",
        ),
        (
            "[[fault]]\nkind = 'status'\nstatus = 99",
            "fault 1: a status is a number from 200 to 599",
        ),
        ("[[fault]]\nkind = 'status'", "fault 1: "),
        (
            "[[fault]]\nkind = 'cut-before'\nprobability = 2.0",
            "fault 1: `probability`",
        ),
        (
            "[[fault]]\nkind = 'cut-before'\nendpoint = 'chats'",
            "fault 1: ",
        ),
        ("[[fault]]\nkind = 'cut-before'\nmaximum = 2", "fault 1: "),
        ("[[agent]]\ncustomer = 1", "agent 1: `when`"),
        ("[[agent]]\nwhen = 'before'", "agent 1: `customer`"),
        (
            "[[agent]]\nwhen = 'before'\ncustomer = 'nobody'",
            "agent 1: ",
        ),
        (
            "[[agent]]\nwhen = 'before'\ncustomer = 1\nsett = {}",
            "agent 1: ",
        ),
        ("[quirks]\npatch-tag = 'add'", "bad quirks"),
        ("[quirks]\npatch-tags = 'sometimes'", "bad quirks"),
        ("[faults]", "bad scenario file"),
        ("[[fault", "bad scenario file"),
    ] {
        let message = Scenario::from_toml(toml).unwrap_err().to_string();
        assert!(message.starts_with(part), "{toml}: {message}");
    }
}
