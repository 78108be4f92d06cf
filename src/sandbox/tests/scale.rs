//! Many customers: answers come from indexes, not from a scan of all customers.

use super::*;

/// Enough that scanning all of them a hundred times for each of some hundred searches would take far too long.
const MANY: u64 = 20_000;

fn many() -> Sandbox {
    let customer = |id: u64| {
        json!({"id": id, "email": format!("C{id}@x.org"), "userId": format!("u{id}"),
            "firstSeen": (MANY - id).to_string()})
    };
    let customers = (1..=MANY).map(customer).collect();
    Sandbox::new(Options {
        customers,
        ..options()
    })
    .unwrap()
}

#[tokio::test]
async fn a_search_for_a_hundred_keys_finds_a_hundred() {
    let server = many();
    for round in 0..50 {
        let keys = (1..=100).map(|n| round * 100 + n);
        let filter: Vec<_> = keys
            .clone()
            .map(|id| json!({"field": "customers.email", "operator": "=", "value": format!("c{id}@x.org")}))
            .collect();
        let body = json!({"comparison": "OR", "filter": filter, "order": "desc"});
        let seen = call(&server, "POST", "/v1/customers/search", body).await;
        assert_eq!(seen.ids(), keys.collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn a_listing_walks_through_everybody_once() {
    let server = many();
    let mut ids = Vec::new();
    loop {
        let path = format!("/v1/customers?limit=100&offset={}", ids.len());
        let page = call(&server, "GET", &path, Value::Null).await.ids();
        if page.is_empty() {
            break;
        }
        ids.extend(page);
    }
    assert_eq!(ids, (1..=MANY).rev().collect::<Vec<u64>>());
}
