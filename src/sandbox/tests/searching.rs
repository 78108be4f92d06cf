//! What search finds, and what it refuses.

use super::*;

async fn search(server: &Sandbox, body: Value) -> Seen {
    call(server, "POST", "/v1/customers/search", body).await
}

fn one(field: &str, operator: &str, value: Value) -> Value {
    json!({"filter": [{"field": format!("customers.{field}"), "operator": operator, "value": value}]})
}

#[tokio::test]
async fn each_field_and_operator_finds_what_it_should() {
    let server = server(&[]);
    for (field, operator, value, ids) in [
        ("id", "=", json!(2), vec![2]),
        ("id", "!=", json!(2), vec![1, 3]),
        ("id", ">", json!(1), vec![2, 3]),
        ("id", ">=", json!(2), vec![2, 3]),
        ("id", "<", json!(2), vec![1]),
        ("id", "<=", json!(2), vec![1, 2]),
        ("id", "=", json!(-1), vec![]),
        ("name", "=", json!("Ann"), vec![1]),
        ("name", "=", json!("ann"), vec![]),
        ("name", "!=", json!("Ann"), vec![2, 3]),
        ("name", "~", json!("n"), vec![1]),
        ("name", "!~", json!("n"), vec![2, 3]),
        ("email", "=", json!("bob@x.org"), vec![2]),
        ("email", "~", json!("x.org"), vec![1, 2, 3]),
        ("userId", "=", json!("u2"), vec![2]),
        ("userId", "!=", json!("u2"), vec![1, 3]),
        ("company", "=", json!("Acme"), vec![1]),
        ("phone", "!~", json!("1"), vec![1, 2, 3]),
        ("city", "=", json!("Kyiv"), vec![2]),
        ("countryCode", "~", json!("U"), vec![2]),
        ("regionCode", "!=", json!("30"), vec![1, 3]),
        ("lastSeen", ">", json!("8500"), vec![2]),
        ("lastSeen", "<=", json!(8000), vec![3]),
        ("lastSeen", "!=", json!("8000"), vec![1, 2]),
        ("tagsData", "=", json!([{"name": "vip"}]), vec![1]),
        (
            "tagsData",
            "=",
            json!([{"name": "vip"}, {"name": "x"}]),
            vec![],
        ),
        ("tagsData", "!=", json!([{"name": "vip"}]), vec![2, 3]),
    ] {
        let seen = search(&server, one(field, operator, value.clone())).await;
        assert_eq!(
            seen.status, 200,
            "{field} {operator} {value}: {}",
            seen.body
        );
        assert_eq!(seen.ids(), ids, "{field} {operator} {value}");
        assert_eq!(seen.body["total"], ids.len());
    }
}

#[tokio::test]
async fn bad_searches_are_refused_by_path() {
    let server = server(&[]);
    for (body, code) in [
        (one("id", "=", json!("2")), "filter[0].value"),
        (one("id", "~", json!(2)), "filter[0].operator"),
        (one("name", ">", json!("a")), "filter[0].operator"),
        (one("name", "=", json!(5)), "filter[0].value"),
        (one("email", "=", Value::Null), "filter[0].value"),
        (one("lastSeen", "=", json!("today")), "filter[0].value"),
        (one("tagsData", "=", json!("vip")), "filter[0].value"),
        (
            one("tagsData", "=", json!([{"name": 1}])),
            "filter[0].value[0].name",
        ),
        (one("tagsData", "=", json!([{}])), "filter[0].value[0].name"),
        (
            one("tagsData", "~", json!([{"name": "a"}])),
            "filter[0].operator",
        ),
        (one("firstSeen", "=", json!("5")), "filter[0].field"),
        (one("name", "like", json!("5")), "filter[0].operator"),
        (
            json!({"filter": [{"operator": "=", "value": "a"}]}),
            "filter[0].field",
        ),
        (
            json!({"filter": [{"field": 1, "operator": "=", "value": "a"}]}),
            "filter[0].field",
        ),
        (
            json!({"filter": [{"field": "customers.id", "operator": "=", "value": 1, "x": 1}]}),
            "filter[0].x",
        ),
        (json!({"filter": [1]}), "filter[0]"),
        (json!({"filter": []}), "filter"),
        (json!({"filter": {}}), "filter"),
        (json!({}), "filter"),
        (json!([]), "body"),
    ] {
        let seen = search(&server, body.clone()).await;
        assert_eq!((seen.status, seen.codes()), (400, vec![code]), "{body}");
    }
    for (name, value) in [
        ("comparison", json!("XOR")),
        ("comparison", json!(1)),
        ("limit", json!("10")),
        ("offset", json!(-1)),
        ("sort", json!("customers.id")),
        ("order", json!("ASC")),
        ("filters", json!([])),
    ] {
        let mut body = one("id", "=", json!(1));
        body[name] = value;
        assert_eq!(search(&server, body).await.codes(), [name]);
    }
}

#[tokio::test]
async fn and_or_pages_and_orders() {
    let server = server(&[]);
    let filter = json!([
        {"field": "customers.userId", "operator": "=", "value": "u1"},
        {"field": "customers.email", "operator": "=", "value": "CID@x.org"},
        {"field": "customers.id", "operator": "=", "value": 1},
    ]);
    let any = json!({"comparison": "OR", "filter": filter, "order": "desc"});
    assert_eq!(search(&server, any).await.ids(), [3, 1]);
    let all = json!({"comparison": "AND", "filter": filter});
    assert!(search(&server, all).await.ids().is_empty());
    let mixed = json!({"comparison": "OR", "filter": [
        {"field": "customers.name", "operator": "~", "value": "B"},
        {"field": "customers.id", "operator": "=", "value": 3},
    ], "limit": 1, "offset": 1});
    let seen = search(&server, mixed).await;
    assert_eq!((seen.ids(), &seen.body["total"]), (vec![3], &json!(2)));
    let range = json!({"comparison": "AND", "filter": [
        {"field": "customers.id", "operator": ">", "value": 1},
        {"field": "customers.id", "operator": "<=", "value": 3},
    ], "sort": "customers.lastSeen"});
    assert_eq!(search(&server, range).await.ids(), [3, 2]);
    let nothing = json!({"comparison": "AND", "filter": [
        {"field": "customers.id", "operator": ">", "value": 3},
        {"field": "customers.id", "operator": "<", "value": 2},
    ]});
    assert!(search(&server, nothing).await.ids().is_empty());
}

#[tokio::test]
async fn the_indexes_follow_every_change() {
    let server = server(&[]);
    patch(
        &server,
        1,
        json!({"email": "new@x.org", "userId": "u9", "firstSeen": "9999"}),
    )
    .await;
    assert!(
        search(&server, one("email", "=", json!("ann@x.org")))
            .await
            .ids()
            .is_empty()
    );
    assert_eq!(
        search(&server, one("email", "=", json!("NEW@x.org")))
            .await
            .ids(),
        [1]
    );
    assert!(
        search(&server, one("userId", "=", json!("u1")))
            .await
            .ids()
            .is_empty()
    );
    assert_eq!(
        search(&server, one("userId", "=", json!("u9"))).await.ids(),
        [1]
    );
    let list = call(&server, "GET", "/v1/customers", Value::Null).await;
    assert_eq!(list.ids(), [2, 3, 1]);
    call(&server, "DELETE", "/v1/customers/1", Value::Null).await;
    assert!(
        search(&server, one("userId", "=", json!("u9")))
            .await
            .ids()
            .is_empty()
    );
    assert_eq!(
        call(&server, "GET", "/v1/customers", Value::Null)
            .await
            .ids(),
        [2, 3]
    );
}

#[tokio::test]
async fn a_listing_pages_and_orders() {
    let server = server(&[]);
    for (query, ids) in [
        ("", vec![1, 2, 3]),
        ("?limit=2", vec![1, 2]),
        ("?limit=2&offset=2", vec![3]),
        ("?offset=3", vec![]),
        ("?order=desc", vec![3, 2, 1]),
        ("?sort=customers.lastSeen&order=asc", vec![1, 3, 2]),
        ("?sort=customers.lastSeen&order=desc&limit=1", vec![2]),
    ] {
        let seen = call(
            &server,
            "GET",
            &format!("/v1/customers{query}"),
            Value::Null,
        )
        .await;
        assert_eq!(
            (seen.status, seen.ids(), &seen.body["total"]),
            (200, ids, &json!(3)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_listing_follows_changes_between_its_pages() {
    let server = server(&[]);
    let ids = async || {
        call(&server, "GET", "/v1/customers", Value::Null)
            .await
            .ids()
    };
    assert_eq!(ids().await, [1, 2, 3]);
    call(
        &server,
        "POST",
        "/v1/customers",
        json!({"firstSeen": "1500"}),
    )
    .await;
    assert_eq!(ids().await, [1, 4, 2, 3]);
    patch(&server, 1, json!({"firstSeen": "9999"})).await;
    assert_eq!(ids().await, [4, 2, 3, 1]);
    call(&server, "DELETE", "/v1/customers/2", Value::Null).await;
    assert_eq!(ids().await, [4, 3, 1]);
    patch(&server, 3, json!({"name": "Sid"})).await;
    let last = call(
        &server,
        "GET",
        "/v1/customers?order=desc&limit=1&offset=1",
        Value::Null,
    )
    .await;
    assert_eq!(
        (last.ids(), &last.body["data"][0]["name"]),
        (vec![3], &json!("Sid"))
    );
}
