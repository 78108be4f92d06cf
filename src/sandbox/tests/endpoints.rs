//! Every endpoint, done well and done wrong.

use super::*;

#[tokio::test(start_paused = true)]
async fn create_answers_the_whole_customer() {
    let server = server(&[]);
    let body = json!({
        "name": "John Doe", "email": "john@example.com", "userId": "user_1234567890",
        "company": "Example Inc.", "phone": "+10233456781", "source": "https://example.com",
        "locale": "uk", "notes": "Lorem ipsum", "tags": [{"name": "vip", "color": "#00ff00"}, {"name": "new"}],
        "customData": [
            {"property": "subscription status", "value": "active"},
            {"property": "number_of_payments", "value": 15},
            {"property": "last_paid_amount", "value": 15.99},
            {"property": "last_payment_date", "value": "1603885746"},
            {"property": "last_payment_was_successful", "value": true},
        ],
    });
    let seen = call(&server, "POST", "/v1/customers", body).await;
    let expected = json!({
        "id": 4, "name": "John Doe", "email": "john@example.com", "userId": "user_1234567890",
        "company": "Example Inc.", "phone": "+10233456781", "firstSeen": START.to_string(), "lastSeen": null,
        "location": {"regionCode": null, "countryCode": null, "city": null},
        "device": {"id": null, "ip": null, "timezone": null, "platform": null, "userAgent": null},
        "unsubscribed": false, "blocked": false, "source": "https://example.com", "referer": null,
        "lastPage": null, "locale": "uk", "createdFrom": null, "integrationId": null, "notes": "Lorem ipsum",
        "tags": [{"name": "vip", "color": "#ff0000"}, {"name": "new", "color": "#c377e0"}],
        "customData": {"subscription status": "active", "number_of_payments": 15, "last_paid_amount": 15.99,
            "last_payment_date": 1603885746, "last_payment_was_successful": true},
    });
    assert_eq!(
        seen,
        Seen {
            status: 201,
            body: expected.clone()
        }
    );
    assert_eq!(get(&server, 4).await, expected);
    assert_eq!(
        call(&server, "POST", "/v1/customers", json!({}))
            .await
            .status,
        201
    );
    assert_eq!(server.customers().len(), 5);
}

#[tokio::test]
async fn given_customers_are_kept_as_they_are() {
    let given = json!({"id": 77, "name": "", "firstSeen": 5, "lastSeen": "6", "device": null, "score": 9,
        "createdFrom": "telegram", "integrationId": "4", "customData": [{"property": "a", "value": 1}]});
    let options = Options {
        customers: vec![given, json!({})],
        ..options()
    };
    let customers = Sandbox::new(options).unwrap().customers();
    let first = &customers[0];
    assert_eq!(first["id"], 77);
    assert_eq!(first["name"], "");
    assert_eq!(first["firstSeen"], "5");
    assert_eq!(first["device"], Value::Null);
    assert_eq!(first["score"], 9);
    assert_eq!(first["createdFrom"], "telegram");
    assert_eq!(first["customData"], json!({"a": 1}));
    assert_eq!(customers[1]["id"], 78);
    assert_eq!(customers[1]["tags"], json!([]));
}

#[tokio::test]
async fn given_customers_that_are_none_are_refused() {
    for (customers, part) in [
        (
            vec![json!({"id": 1}), json!({"id": 1})],
            "customer 2: another one has the id 1",
        ),
        (vec![json!({"id": 0})], "customer 1: `id`"),
        (vec![json!([])], "customer 1: a customer"),
    ] {
        let message = Sandbox::new(Options {
            customers,
            ..options()
        })
        .unwrap_err()
        .to_string();
        assert!(message.starts_with(part), "{message}");
    }
    let quirks = Quirks {
        page_limit_max: 0,
        ..Quirks::default()
    };
    assert!(
        Sandbox::new(Options {
            quirks,
            ..options()
        })
        .is_err()
    );
}

#[tokio::test]
async fn patch_changes_what_it_names() {
    let server = server(&[]);
    let before = get(&server, 1).await;
    let body = json!({"company": null, "phone": "1", "lastSeen": "50", "unsubscribed": true,
        "customData": [{"property": "plan", "value": null}, {"property": "mrr", "value": 5}]});
    let seen = patch(&server, 1, body).await;
    assert_eq!(seen.status, 200);
    let mut expected = before;
    expected["company"] = Value::Null;
    expected["phone"] = json!("1");
    expected["lastSeen"] = json!("50");
    expected["unsubscribed"] = json!(true);
    expected["customData"] = json!({"seats": 3, "mrr": 5});
    assert_eq!(seen.body, expected);
    let cleared = patch(&server, 1, json!({"customData": null})).await;
    assert_eq!(cleared.body["customData"], json!({}));
}

#[tokio::test]
async fn put_batch_and_delete_answer_as_documented() {
    let server = server(&[]);
    let put = call(&server, "PUT", "/v1/customers/2", json!({"name": "Robert"})).await;
    assert_eq!((put.status, &put.body["name"]), (200, &json!("Robert")));
    let body = json!([{"customer": 2, "phone": "5"}, {"customer": 3, "name": "Sid"}]);
    let batch = call(&server, "PUT", "/v1/customers/batch", body).await;
    assert_eq!((batch.status, &batch.body[1]["name"]), (200, &json!("Sid")));
    let deleted = call(&server, "DELETE", "/v1/customers/2", Value::Null).await;
    assert_eq!(
        deleted,
        Seen {
            status: 200,
            body: "Ok".into()
        }
    );
    let again = call(&server, "DELETE", "/v1/customers/2", Value::Null).await;
    assert_eq!((again.status, again.codes()), (404, vec!["not_found"]));
    // An id is never given twice.
    call(&server, "DELETE", "/v1/customers/3", Value::Null).await;
    let made = call(&server, "POST", "/v1/customers", json!({})).await;
    assert_eq!(made.body["id"], 4);
}

#[tokio::test]
async fn tags_come_and_go() {
    let server = server(&[]);
    let body =
        json!({"tags": [{"name": "Lead", "color": "tomato"}, {"name": "vip"}, {"name": "Lead"}]});
    let tagged = call(&server, "PUT", "/v1/customers/1/tags", body).await;
    assert_eq!(tagged.status, 200);
    let tags = json!([{"name": "vip", "color": "#ff0000"}, {"name": "Lead", "color": "tomato"}]);
    assert_eq!(tagged.body["tags"], tags);
    let body = json!({"tags": [{"name": "vip"}, {"name": "never there"}, {"name": "LEAD"}]});
    let untagged = call(&server, "DELETE", "/v1/customers/1/tags", body).await;
    assert_eq!(
        (untagged.status, tag_names(&untagged.body)),
        (200, vec!["Lead"])
    );
    let known: Vec<_> = server.tags().into_iter().map(|(name, _)| name).collect();
    assert_eq!(known, ["vip", "Lead"]);
    for body in [json!({}), json!({"tags": []}), json!({"tags": null})] {
        let bad = call(&server, "PUT", "/v1/customers/1/tags", body).await;
        assert_eq!((bad.status, bad.codes()), (400, vec!["tags"]));
    }
    let bad = call(
        &server,
        "PUT",
        "/v1/customers/1/tags",
        json!({"tags": ["a"], "tag": 1}),
    )
    .await;
    assert_eq!(bad.codes(), ["tag", "tags[0]"]);
}

#[tokio::test]
async fn an_unknown_customer_is_404_everywhere() {
    let server = server(&[]);
    let tags = json!({"tags": [{"name": "a"}]});
    for (method, path, body) in [
        ("GET", "/v1/customers/99", Value::Null),
        ("PUT", "/v1/customers/99", json!({})),
        ("PATCH", "/v1/customers/99", json!({})),
        ("DELETE", "/v1/customers/99", Value::Null),
        ("PUT", "/v1/customers/99/tags", tags.clone()),
        ("DELETE", "/v1/customers/99/tags", tags),
        ("PUT", "/v1/customers/batch", json!([{"customer": 99}])),
    ] {
        let seen = call(&server, method, path, body).await;
        assert_eq!(
            (seen.status, seen.codes()),
            (404, vec!["not_found"]),
            "{method} {path}"
        );
        assert_eq!(seen.body["errors"][1]["message"], "Chat not found");
    }
    assert_eq!(
        server.tags().len(),
        1,
        "a tag without a customer must not be created"
    );
}

#[tokio::test]
async fn bad_requests_are_400_and_change_nothing() {
    let server = server(&[]);
    let before = server.customers();
    let eleven = Value::Array(vec![json!({"customer": 1, "name": "x"}); 11]);
    for (method, path, body, codes) in [
        ("POST", "/v1/customers", json!({"nmae": "x"}), vec!["nmae"]),
        (
            "PATCH",
            "/v1/customers/1",
            json!({"name": "x", "id": 2}),
            vec!["id"],
        ),
        ("PUT", "/v1/customers/1", json!([]), vec!["body"]),
        ("PUT", "/v1/customers/one", json!({}), vec!["customer"]),
        ("PUT", "/v1/customers/batch", eleven, vec!["body"]),
        (
            "PUT",
            "/v1/customers/batch",
            json!([{"customer": "1"}]),
            vec!["[0].customer"],
        ),
        (
            "PUT",
            "/v1/customers/batch",
            json!([{"customer": 1, "name": "x"}, {"customer": 2, "name": 1}]),
            vec!["[1].name"],
        ),
        ("GET", "/v1/customers?limit=ten", Value::Null, vec!["limit"]),
        ("GET", "/v1/customers?limit=0", Value::Null, vec!["limit"]),
        (
            "GET",
            "/v1/customers?offset=-1&page=2",
            Value::Null,
            vec!["page", "offset"],
        ),
        (
            "GET",
            "/v1/customers?sort=customers.name&order=up",
            Value::Null,
            vec!["sort", "order"],
        ),
    ] {
        let seen = call(&server, method, path, body).await;
        assert_eq!((seen.status, seen.codes()), (400, codes), "{method} {path}");
    }
    let broken = server
        .call(request("POST", "/v1/customers", None))
        .await
        .unwrap();
    assert_eq!(
        (broken.status().as_u16(), seen(&broken).codes()),
        (400, vec!["body"])
    );
    assert_eq!(server.customers(), before);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_errors() {
    let server = server(&[]);
    for (method, path, status, code) in [
        ("GET", "/v1/chats", 404, "not_found"),
        ("GET", "/customers", 404, "not_found"),
        ("POST", "/v1/customers/1", 405, "method_not_allowed"),
        ("POST", "/v1/customers/batch", 405, "method_not_allowed"),
    ] {
        let seen = call(&server, method, path, Value::Null).await;
        assert_eq!(
            (seen.status, seen.codes()),
            (status, vec![code]),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_key_must_be_there_and_not_refused() {
    let server = Sandbox::new(Options {
        refused_key: Some("old".into()),
        ..options()
    })
    .unwrap();
    for (header, status) in [
        (None, 401),
        (Some("Bearer "), 401),
        (Some("Basic key"), 401),
        (Some("Bearer old"), 401),
        (Some("Bearer new"), 200),
    ] {
        let mut request = request("GET", "/v1/customers/1", None);
        request.headers_mut().remove("authorization");
        if let Some(header) = header {
            request
                .headers_mut()
                .insert("authorization", header.parse().unwrap());
        }
        let seen = seen(&server.call(request).await.unwrap());
        assert_eq!(seen.status, status, "{header:?}");
        if status == 401 {
            assert_eq!(seen.codes(), ["unauthorized"]);
        }
    }
}

#[tokio::test]
async fn the_log_tells_what_happened() {
    let server = server(&[]);
    call(&server, "POST", "/v1/customers", json!({"name": "x"})).await;
    call(&server, "PATCH", "/v1/customers/1", json!({"nmae": "x"})).await;
    call(&server, "GET", "/v1/customers?limit=1", Value::Null).await;
    let log = server.requests();
    let shown = serde_json::to_value(&log[0]).unwrap();
    let expected = json!({"number": 1, "method": "POST", "path": "/v1/customers", "endpoint": "create",
        "writes": true, "at_ms": shown["at_ms"], "body": {"name": "x"}, "status": 201, "fault": null,
        "processed": true, "applied": true, "customer": 4, "agent_edits": []});
    assert_eq!(shown, expected);
    assert_eq!(
        (log[1].status, log[1].applied, log[1].customer),
        (Some(400), false, Some(1))
    );
    assert_eq!(
        (log[2].path.as_str(), log[2].writes),
        ("/v1/customers?limit=1", false)
    );
    let stats = serde_json::to_value(server.stats()).unwrap();
    let counts = json!({"create": {"201": 1}, "patch": {"400": 1}, "list": {"200": 1}});
    assert_eq!(stats["by_endpoint"], counts);
    assert_eq!(
        (&stats["total"], &stats["writes"], &stats["applied_writes"]),
        (&json!(3), &json!(2), &json!(1))
    );
}

#[tokio::test]
async fn controls_need_no_key_and_leave_no_trace() {
    let server = Sandbox::new(Options {
        requests_per_minute: 1,
        ..options()
    })
    .unwrap();
    let control = async |method: &str, path: &str, body: Option<Value>| {
        let mut request = request(method, &format!("/_sandbox/{path}"), body);
        request.headers_mut().clear();
        seen(&server.call(request).await.unwrap())
    };
    for _ in 0..3 {
        assert_eq!(
            control("GET", "customers", None).await.body,
            json!(server.customers())
        );
    }
    let edit = json!({"customer": 1, "set": {"name": "Anne"}, "custom-data": {"plan": null}, "tags": ["x"]});
    assert_eq!(
        control("POST", "agent", Some(edit)).await.body,
        json!({"customer": 1})
    );
    let quirks = control("PUT", "quirks", Some(json!({"search-lag-ms": 5}))).await;
    assert_eq!(
        (quirks.status, &quirks.body["search-lag-ms"]),
        (200, &json!(5))
    );
    assert_eq!(server.quirks().search_lag_ms, 5);
    assert_eq!(control("GET", "quirks", None).await.body, quirks.body);
    for (method, path, body) in [
        ("PUT", "quirks", json!({"search-lag": 5})),
        ("PUT", "quirks", json!({"window": "hour"})),
        ("POST", "agent", json!({"customer": 99})),
        ("POST", "agent", json!({"who": 1})),
    ] {
        assert_eq!(control(method, path, Some(body)).await.status, 400);
    }
    assert_eq!(control("GET", "else", None).await.status, 404);
    assert_eq!(control("GET", "stats", None).await.body["total"], 0);
    assert_eq!(control("GET", "requests", None).await.body, json!([]));
    assert_eq!(get(&server, 1).await["name"], "Anne");
}
