//! Each quirk in each of its positions.

use super::*;

async fn found(server: &Sandbox, field: &str, value: &str) -> Vec<u64> {
    let filter = json!([{"field": format!("customers.{field}"), "operator": "=", "value": value}]);
    call(
        server,
        "POST",
        "/v1/customers/search",
        json!({"filter": filter}),
    )
    .await
    .ids()
}

async fn listed(server: &Sandbox, query: &str) -> Seen {
    call(server, "GET", &format!("/v1/customers{query}"), Value::Null).await
}

/// Sends one update to customer 1 in each of the three ways.
async fn update(server: &Sandbox, way: &str, mut body: Value) -> Value {
    let path = match way {
        "batch" => {
            body["customer"] = json!(1);
            body = json!([body]);
            "/v1/customers/batch"
        }
        _ => "/v1/customers/1",
    };
    let method = if way == "patch" { "PATCH" } else { "PUT" };
    assert_eq!(call(server, method, path, body).await.status, 200);
    get(server, 1).await
}

#[tokio::test]
async fn custom_data_is_merged_or_replaced() {
    for way in ["patch", "put", "batch"] {
        for (position, expected) in [
            ("merge", json!({"plan": "pro", "seats": 4})),
            ("replace", json!({"seats": 4})),
        ] {
            let server = server(&[&format!("{way}-custom-data={position}")]);
            let body = json!({"customData": [{"property": "seats", "value": 4}]});
            assert_eq!(
                update(&server, way, body).await["customData"],
                expected,
                "{way} {position}"
            );
        }
    }
}

#[tokio::test]
async fn unnamed_fields_are_kept_or_reset() {
    for way in ["put", "batch"] {
        let quirk = format!("{way}-unnamed=keep");
        let kept = update(&server(&[&quirk]), way, json!({"name": "A"})).await;
        assert_eq!(
            (&kept["company"], &kept["firstSeen"]),
            (&json!("Acme"), &json!("1000"))
        );
        assert_eq!(
            (tag_names(&kept), &kept["customData"]["plan"]),
            (vec!["vip"], &json!("pro"))
        );
        let quirk = format!("{way}-unnamed=reset");
        let reset = update(&server(&[&quirk]), way, json!({"name": "A"})).await;
        assert_eq!(
            (&reset["name"], &reset["company"]),
            (&json!("A"), &Value::Null)
        );
        assert_eq!(
            (&reset["userId"], &reset["firstSeen"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            (&reset["tags"], &reset["customData"]),
            (&json!([]), &json!({}))
        );
    }
}

#[tokio::test]
async fn tags_in_a_write_are_added_replaced_or_ignored() {
    for way in ["patch", "put", "batch"] {
        for (position, expected) in [
            ("add", vec!["vip", "new"]),
            ("replace", vec!["new"]),
            ("ignore", vec!["vip"]),
        ] {
            let server = server(&[&format!("{way}-tags={position}"), "put-unnamed=keep"]);
            let customer = update(&server, way, json!({"tags": [{"name": "new"}]})).await;
            assert_eq!(tag_names(&customer), expected, "{way} {position}");
        }
    }
    for (position, expected) in [("add", 1), ("replace", 1), ("ignore", 0)] {
        let server = server(&[&format!("create-tags={position}")]);
        let made = call(
            &server,
            "POST",
            "/v1/customers",
            json!({"tags": [{"name": "a"}]}),
        )
        .await;
        assert_eq!(tag_names(&made.body).len(), expected);
    }
}

#[tokio::test]
async fn create_may_ignore_fields() {
    let body = json!({"name": "A", "lastSeen": "5", "blocked": true, "customData": [{"property": "a", "value": 1}]});
    let all = call(&server(&[]), "POST", "/v1/customers", body.clone())
        .await
        .body;
    assert_eq!(
        (&all["lastSeen"], &all["blocked"]),
        (&json!("5"), &json!(true))
    );
    let server = server(&["create-ignores=lastSeen,blocked,customData"]);
    let some = call(&server, "POST", "/v1/customers", body).await.body;
    assert_eq!(
        (&some["name"], &some["lastSeen"]),
        (&json!("A"), &Value::Null)
    );
    assert_eq!(
        (&some["blocked"], &some["customData"]),
        (&json!(false), &json!({}))
    );
    assert_eq!(
        patch(&server, 4, json!({"lastSeen": "5"})).await.body["lastSeen"],
        "5"
    );
}

#[tokio::test]
async fn a_taken_user_id_has_three_outcomes_on_create() {
    let body = json!({"userId": "u1", "phone": "5"});
    for (position, status, id, count) in [
        ("second", 201, 4, 4),
        ("update-first", 201, 1, 3),
        ("refuse", 400, 0, 3),
    ] {
        let server = server(&[&format!("create-taken-user-id={position}")]);
        let seen = call(&server, "POST", "/v1/customers", body.clone()).await;
        assert_eq!(
            (seen.status, server.customers().len()),
            (status, count),
            "{position}"
        );
        match status {
            201 => assert_eq!(
                (&seen.body["id"], &seen.body["phone"]),
                (&json!(id), &json!("5"))
            ),
            _ => assert_eq!(seen.codes(), ["userId"]),
        }
    }
}

#[tokio::test]
async fn a_taken_user_id_may_be_refused_on_update() {
    assert_eq!(
        patch(&server(&[]), 1, json!({"userId": "u2"})).await.status,
        200
    );
    let server = server(&["update-taken-user-id=refuse"]);
    assert_eq!(
        patch(&server, 1, json!({"userId": "u2"})).await.codes(),
        ["userId"]
    );
    assert_eq!(patch(&server, 1, json!({"userId": "u1"})).await.status, 200);
    let batch = json!([{"customer": 2, "phone": "1"}, {"customer": 1, "userId": "u2"}]);
    let seen = call(&server, "PUT", "/v1/customers/batch", batch).await;
    assert_eq!(seen.codes(), ["[1].userId"]);
    assert_eq!(get(&server, 2).await["phone"], Value::Null);
}

#[tokio::test]
async fn older_members_may_be_taken() {
    let server = server(&["legacy-fields=accept"]);
    let body = json!({"createdFrom": "api", "integrationId": "9"});
    let made = call(&server, "POST", "/v1/customers", body.clone()).await;
    assert_eq!(
        (made.status, &made.body["integrationId"]),
        (201, &json!("9"))
    );
    let moved = patch(&server, 4, json!({"city": "Lviv", "countryCode": "UA"})).await;
    assert_eq!(
        moved.body["location"],
        json!({"city": "Lviv", "countryCode": "UA", "regionCode": null})
    );
    assert_eq!(
        patch(&server, 4, body).await.codes(),
        ["createdFrom", "integrationId"]
    );
    let made = call(&server, "POST", "/v1/customers", json!({"city": "Lviv"})).await;
    assert_eq!(made.codes(), ["city"]);
}

#[tokio::test]
async fn case_matters_or_not() {
    assert_eq!(
        found(&server(&["email-search=insensitive"]), "email", "ann@X.org").await,
        [1]
    );
    let exact = server(&["email-search=sensitive"]);
    assert!(found(&exact, "email", "ann@X.org").await.is_empty());
    assert_eq!(found(&exact, "email", "Ann@x.org").await, [1]);
    let vip = json!({"tags": [{"name": "VIP"}]});
    for (position, names) in [
        ("sensitive", vec!["vip", "VIP"]),
        ("insensitive", vec!["vip"]),
    ] {
        let server = server(&[&format!("tag-names={position}")]);
        let tagged = call(&server, "PUT", "/v1/customers/1/tags", vip.clone()).await;
        assert_eq!(tag_names(&tagged.body), names);
    }
}

#[tokio::test]
async fn the_colour_of_a_tag_is_its_first_or_its_latest() {
    for (position, colour) in [("first", "#ff0000"), ("latest", "blue")] {
        let server = server(&[&format!("tag-colour={position}")]);
        let body = json!({"tags": [{"name": "vip", "color": "blue"}]});
        call(&server, "PUT", "/v1/customers/2/tags", body).await;
        assert_eq!(get(&server, 1).await["tags"][0]["color"], colour);
        call(
            &server,
            "PUT",
            "/v1/customers/3/tags",
            json!({"tags": [{"name": "vip"}]}),
        )
        .await;
        assert_eq!(get(&server, 3).await["tags"][0]["color"], colour);
    }
}

#[tokio::test(start_paused = true)]
async fn search_and_listing_lag_apart() {
    let server = server(&["search-lag-ms=5000", "list-lag-ms=2000"]);
    assert_eq!(listed(&server, "").await.ids(), [1, 2, 3]);
    call(&server, "POST", "/v1/customers", json!({"userId": "u4"})).await;
    patch(&server, 1, json!({"name": "A"})).await;
    patch(&server, 1, json!({"name": "B", "userId": "u9"})).await;
    let seen = listed(&server, "").await;
    assert_eq!(
        (seen.ids(), &seen.body["total"]),
        (vec![1, 2, 3], &json!(3))
    );
    let name = seen.body["data"][0]["name"].clone();
    assert!(name != "A" && name != "B");
    tokio::time::advance(Duration::from_millis(2_000)).await;
    let seen = listed(&server, "").await;
    assert_eq!(seen.ids(), [1, 2, 3, 4]);
    assert_eq!(seen.body["data"][0]["name"], "B");
    assert!(found(&server, "userId", "u4").await.is_empty());
    assert_eq!(found(&server, "userId", "u1").await, [1]);
    assert!(found(&server, "userId", "u9").await.is_empty());
    tokio::time::advance(Duration::from_millis(3_000)).await;
    assert_eq!(found(&server, "userId", "u4").await, [4]);
    assert_eq!(found(&server, "userId", "u9").await, [1]);
    assert!(found(&server, "userId", "u1").await.is_empty());
    assert_eq!(get(&server, 4).await["userId"], "u4");
}

#[tokio::test]
async fn a_search_may_hold_only_so_many_filters() {
    let filter = json!({"field": "customers.id", "operator": "=", "value": 1});
    let body = |count| json!({"comparison": "OR", "filter": vec![filter.clone(); count]});
    let server = server(&["max-filters=3"]);
    assert_eq!(
        call(&server, "POST", "/v1/customers/search", body(3))
            .await
            .status,
        200
    );
    assert_eq!(
        call(&server, "POST", "/v1/customers/search", body(4))
            .await
            .codes(),
        ["filter"]
    );
    server.set_quirks(Quirks::default()).unwrap();
    assert_eq!(
        call(&server, "POST", "/v1/customers/search", body(500))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_page_that_is_too_large_is_cut_taken_or_refused() {
    for (position, count) in [("cap", Some(2)), ("accept", Some(3)), ("refuse", None)] {
        let server = server(&[&format!("page-limit={position}"), "page-limit-max=2"]);
        let list = listed(&server, "?limit=3").await;
        let filter = json!([{"field": "customers.id", "operator": ">", "value": 0}]);
        let body = json!({"filter": filter, "limit": 3});
        let search = call(&server, "POST", "/v1/customers/search", body).await;
        match count {
            Some(count) => assert_eq!((list.ids().len(), search.ids().len()), (count, count)),
            None => assert_eq!(
                (list.codes(), search.codes()),
                (vec!["limit"], vec!["limit"])
            ),
        }
    }
}

#[tokio::test]
async fn offset_total_and_ties_may_misbehave() {
    assert_eq!(
        listed(&server(&["list-offset=honoured"]), "?offset=1")
            .await
            .ids(),
        [2, 3]
    );
    assert_eq!(
        listed(&server(&["list-offset=ignored"]), "?offset=1")
            .await
            .ids(),
        [1, 2, 3]
    );
    let body = json!({"filter": [{"field": "customers.id", "operator": "=", "value": 1}]});
    for (position, in_list, in_search) in [
        ("present", true, true),
        ("absent-in-list", false, true),
        ("absent", false, false),
    ] {
        let server = server(&[&format!("total={position}")]);
        assert_eq!(
            listed(&server, "").await.body.get("total").is_some(),
            in_list
        );
        let search = call(&server, "POST", "/v1/customers/search", body.clone()).await;
        assert_eq!(search.body.get("total").is_some(), in_search);
    }
    for (position, same) in [("stable", true), ("shuffled", false)] {
        let customers = (1..=50).map(|id| json!({"id": id, "firstSeen": (id / 25).to_string()}));
        let mut options = Options {
            customers: customers.collect(),
            ..options()
        };
        options.quirks.set(&format!("ties={position}")).unwrap();
        let server = Sandbox::new(options).unwrap();
        let (first, second) = (listed(&server, "").await, listed(&server, "").await);
        assert_eq!(first.ids() == second.ids(), same, "{position}");
        let dates = |seen: &Seen| -> Vec<Value> {
            let data = seen.body["data"].as_array().unwrap();
            data.iter()
                .map(|customer| customer["firstSeen"].clone())
                .collect()
        };
        assert_eq!(dates(&first), dates(&second));
        assert_eq!(first.ids().iter().sum::<u64>(), 1275);
    }
}

#[tokio::test]
async fn answers_have_several_shapes() {
    let text = get(&server(&["dates=string"]), 1).await;
    assert_eq!(
        (&text["firstSeen"], &text["lastSeen"]),
        (&json!("1000"), &Value::Null)
    );
    let number = get(&server(&["dates=integer"]), 1).await;
    assert_eq!(
        (&number["firstSeen"], &number["lastSeen"]),
        (&json!(1000), &Value::Null)
    );
    let object = get(&server(&["custom-data=object"]), 1).await;
    assert_eq!(object["customData"], json!({"plan": "pro", "seats": 3}));
    let array = get(&server(&["custom-data=array"]), 1).await;
    let list = json!([{"property": "plan", "value": "pro"}, {"property": "seats", "value": 3}]);
    assert_eq!(array["customData"], list);
    for (name, member) in [
        ("listing-custom-data", "customData"),
        ("listing-tags", "tags"),
    ] {
        for (position, there) in [("present", true), ("missing", false)] {
            let server = server(&[&format!("{name}={position}")]);
            let first = &listed(&server, "").await.body["data"][0];
            assert_eq!(first.get(member).is_some(), there);
            assert!(get(&server, 1).await.get(member).is_some());
        }
    }
}

#[tokio::test]
async fn errors_have_current_or_older_codes() {
    for (position, unauthorized, missing) in [
        ("current", "unauthorized", "not_found"),
        ("older", "invalid_token", "entity_not_found"),
    ] {
        let server = server(&[&format!("error-codes={position}")]);
        let mut bare = request("GET", "/v1/customers/1", None);
        bare.headers_mut().clear();
        assert_eq!(
            seen(&server.call(bare).await.unwrap()).codes(),
            [unauthorized]
        );
        let gone = call(&server, "GET", "/v1/customers/9", Value::Null).await;
        assert_eq!(gone.codes(), [missing]);
    }
}

#[tokio::test]
async fn values_may_come_back_changed() {
    for (quirk, field, sent, kept) in [
        ("emptied-text=null", "company", json!(""), Value::Null),
        ("emptied-text=empty", "company", Value::Null, json!("")),
        (
            "phone=as-sent",
            "phone",
            json!("+1 (2) 3-4"),
            json!("+1 (2) 3-4"),
        ),
        (
            "phone=normalised",
            "phone",
            json!("+1 (2) 3-4"),
            json!("+1234"),
        ),
        ("text=as-sent", "notes", json!(" a "), json!(" a ")),
        ("text=trimmed", "notes", json!(" a "), json!("a")),
        ("email=as-sent", "email", json!("A@B.c"), json!("A@B.c")),
        ("email=lower-cased", "email", json!("A@B.c"), json!("a@b.c")),
        (
            "never-stored=company,phone",
            "company",
            json!("New"),
            json!("Acme"),
        ),
    ] {
        let seen = patch(&server(&[quirk]), 1, json!({ field: sent })).await;
        assert_eq!((seen.status, &seen.body[field]), (200, &kept), "{quirk}");
    }
}

#[tokio::test]
async fn what_is_never_stored_survives_everything() {
    let server = server(&[
        "never-stored=company,tags,customData.plan",
        "put-unnamed=reset",
    ]);
    let body = json!({"company": "New", "tags": [], "customData": [
        {"property": "plan", "value": "x"}, {"property": "seats", "value": 9}]});
    for body in [body, json!({})] {
        let put = call(&server, "PUT", "/v1/customers/1", body).await.body;
        assert_eq!(
            (&put["company"], tag_names(&put)),
            (&json!("Acme"), vec!["vip"])
        );
        assert_eq!(put["customData"]["plan"], "pro");
    }
    assert_eq!(get(&server, 1).await["customData"], json!({"plan": "pro"}));
    let tags = json!({"tags": [{"name": "vip"}]});
    let untagged = call(&server, "DELETE", "/v1/customers/1/tags", tags).await;
    assert_eq!(
        (untagged.status, tag_names(&untagged.body)),
        (200, vec!["vip"])
    );
}

#[tokio::test]
async fn custom_values_have_their_own_ways() {
    for (quirk, value, kept) in [
        (
            "custom-dates=integer",
            json!("1603885746"),
            json!({"x": 1603885746}),
        ),
        (
            "custom-dates=integer",
            json!("0603885746"),
            json!({"x": "0603885746"}),
        ),
        ("custom-dates=integer", json!("15"), json!({"x": "15"})),
        (
            "custom-dates=text",
            json!("1603885746"),
            json!({"x": "1603885746"}),
        ),
        ("cleared-property=absent", Value::Null, json!({})),
        ("cleared-property=null", Value::Null, json!({"x": null})),
        ("undefined-property=make", json!(1), json!({"x": 1})),
        ("undefined-property=ignore", json!(1), json!({})),
    ] {
        let body = json!({"customData": [{"property": "x", "value": value}]});
        assert_eq!(
            patch(&server(&[quirk]), 2, body).await.body["customData"],
            kept,
            "{quirk}"
        );
    }
    let body =
        json!({"customData": [{"property": "y", "value": 1}, {"property": "x", "value": 1}]});
    let refusing = server(&["undefined-property=refuse", "defined-properties=y"]);
    assert_eq!(
        patch(&refusing, 2, body.clone()).await.codes(),
        ["customData[1].property"]
    );
    let ignoring = server(&["undefined-property=ignore", "defined-properties=y"]);
    assert_eq!(
        patch(&ignoring, 2, body).await.body["customData"],
        json!({"y": 1})
    );
}

#[tokio::test]
async fn a_batch_answers_in_four_ways() {
    for (position, check) in [
        ("customers", "/0/id"),
        ("data", "/data/0/id"),
        ("count", "/count"),
        ("nothing", ""),
    ] {
        let server = server(&[&format!("batch-answer={position}")]);
        let body = json!([{"customer": 1, "name": "x"}]);
        let seen = call(&server, "PUT", "/v1/customers/batch", body).await;
        let expected = if position == "nothing" {
            json!("")
        } else {
            json!(1)
        };
        assert_eq!(
            (seen.status, seen.body.pointer(check)),
            (200, Some(&expected)),
            "{position}"
        );
    }
}

#[tokio::test]
async fn a_bad_entry_fails_a_batch_or_is_left_out() {
    let body = json!([{"customer": 1, "name": "x"}, {"customer": 2, "name": 5}, {"customer": 99}]);
    let failing = server(&["batch-bad-entry=fail-all"]);
    let seen = call(&failing, "PUT", "/v1/customers/batch", body.clone()).await;
    assert_eq!((seen.status, seen.codes()), (400, vec!["[1].name"]));
    let gone = json!([{"customer": 1, "name": "x"}, {"customer": 99}]);
    assert_eq!(
        call(&failing, "PUT", "/v1/customers/batch", gone)
            .await
            .status,
        404
    );
    assert_eq!(get(&failing, 1).await["name"], "Ann");
    let passing = server(&["batch-bad-entry=pass-good", "update-taken-user-id=refuse"]);
    let seen = call(&passing, "PUT", "/v1/customers/batch", body).await;
    assert_eq!((seen.status, seen.body.as_array().unwrap().len()), (200, 1));
    assert_eq!(get(&passing, 1).await["name"], "x");
    assert_eq!(get(&passing, 2).await["name"], "Bob");
}
