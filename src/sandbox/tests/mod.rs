//! The server seen from outside, by its answers alone.

mod agents;
mod endpoints;
mod faults;
mod limits;
mod quirks;
mod scale;
mod searching;
mod socket;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{Cut, Options, Quirks, Sandbox, Scenario};

/// The wall clock of every test: the documentation's example date.
const START: u64 = 1_603_885_746;

/// An answer as tests look at it.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    body: Value,
}

impl Seen {
    /// The codes after the generic first entry of an error.
    fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().expect("an error body");
        assert_eq!(
            errors[0],
            json!({"code": "invalid_request", "message": "Invalid request"})
        );
        errors[1..]
            .iter()
            .map(|error| error["code"].as_str().unwrap())
            .collect()
    }

    fn ids(&self) -> Vec<u64> {
        let data = self.body["data"].as_array().expect("a listing");
        data.iter()
            .map(|customer| customer["id"].as_u64().unwrap())
            .collect()
    }
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START)
}

/// Ann, Bob and Cid, first seen one after another.
fn three() -> Vec<Value> {
    vec![
        json!({"id": 1, "name": "Ann", "email": "Ann@x.org", "userId": "u1", "firstSeen": "1000",
            "company": "Acme", "tags": [{"name": "vip", "color": "#ff0000"}],
            "customData": {"plan": "pro", "seats": 3}}),
        json!({"id": 2, "name": "Bob", "email": "bob@x.org", "userId": "u2", "firstSeen": "2000",
            "lastSeen": "9000", "location": {"city": "Kyiv", "countryCode": "UA", "regionCode": "30"}}),
        json!({"id": 3, "name": "Cid", "email": "cid@x.org", "firstSeen": "3000",
            "lastSeen": "8000", "blocked": true}),
    ]
}

fn options() -> Options {
    Options {
        customers: three(),
        requests_per_minute: 0,
        started_at: start(),
        ..Options::default()
    }
}

/// Three customers, no limit, and these quirks.
fn server(quirks: &[&str]) -> Sandbox {
    let mut options = options();
    for pair in quirks {
        options.quirks.set(pair).expect("a quirk");
    }
    Sandbox::new(options).expect("a server")
}

/// Three customers, no limit, and this scenario file.
fn staged(toml: &str, seed: u64) -> Sandbox {
    let Scenario { quirks, schedule } = Scenario::from_toml(toml).expect("a scenario");
    Sandbox::new(Options {
        quirks,
        schedule,
        seed,
        ..options()
    })
    .expect("a server")
}

fn request(method: &str, path: &str, body: Option<Value>) -> Request<Bytes> {
    let mut request = Request::new(body.map_or_else(Bytes::new, |body| body.to_string().into()));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
    *request.uri_mut() = path.parse().unwrap();
    request
        .headers_mut()
        .insert("authorization", "Bearer key".parse().unwrap());
    request
}

fn seen(answer: &Response<Bytes>) -> Seen {
    let text = || String::from_utf8_lossy(answer.body()).into_owned();
    let body = serde_json::from_slice(answer.body()).unwrap_or_else(|_| text().into());
    Seen {
        status: answer.status().as_u16(),
        body,
    }
}

async fn raw(
    server: &Sandbox,
    method: &str,
    path: &str,
    body: Value,
) -> Result<Response<Bytes>, Cut> {
    server
        .call(request(
            method,
            path,
            Some(body).filter(|body| !body.is_null()),
        ))
        .await
}

async fn call(server: &Sandbox, method: &str, path: &str, body: Value) -> Seen {
    seen(&raw(server, method, path, body).await.expect("an answer"))
}

async fn get(server: &Sandbox, id: u64) -> Value {
    call(server, "GET", &format!("/v1/customers/{id}"), Value::Null)
        .await
        .body
}

async fn patch(server: &Sandbox, id: u64, body: Value) -> Seen {
    call(server, "PATCH", &format!("/v1/customers/{id}"), body).await
}

fn tag_names(customer: &Value) -> Vec<&str> {
    let tags = customer["tags"].as_array().expect("tags");
    tags.iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect()
}
