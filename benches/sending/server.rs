//! A server that answers writes as HelpCrunch documents it, as fast as hyper can: it keeps two values of each customer.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use crate::work::{Values, customer_json, values_before};

#[derive(Debug)]
struct Store {
    customers: Vec<Mutex<Values>>,
    next_id: AtomicU64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    customer: Option<u64>,
    user_id: Option<String>,
    email: Option<String>,
    company: String,
    custom_data: Vec<Property>,
}

#[derive(Debug, Deserialize)]
struct Property {
    property: String,
    value: String,
}

impl Update {
    fn values(&self) -> Values {
        let plan = self.custom_data.iter().find(|p| p.property == "plan");
        Values {
            company: self.company.clone(),
            plan: plan.unwrap().value.clone(),
        }
    }
}

/// Serves until the process is killed, and prints the address first.
pub(crate) fn serve(customers: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = Arc::new(Store {
        customers: (0..=customers)
            .map(|id| Mutex::new(values_before(id)))
            .collect(),
        next_id: AtomicU64::new(customers + 1),
    });
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}/v1", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let service = service_fn(|request| answer(Arc::clone(&store), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                drop(connection.await);
            });
        }
    });
}

async fn answer(
    store: Arc<Store>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path().strip_prefix("/v1/customers").unwrap();
    let id = path.strip_prefix('/').and_then(|id| id.parse::<u64>().ok());
    let answer = match (head.method, id) {
        (Method::GET, Some(id)) => store.customer(id),
        (Method::PATCH, Some(id)) => store.update(id, &serde_json::from_slice(&body).unwrap()),
        (Method::PUT, None) if path == "/batch" => {
            let updates: Vec<Update> = serde_json::from_slice(&body).unwrap();
            let updated = updates.iter().map(|u| store.update(u.customer.unwrap(), u));
            format!("[{}]", updated.collect::<Vec<_>>().join(","))
        }
        (Method::POST, None) if path.is_empty() => {
            let create: Update = serde_json::from_slice(&body).unwrap();
            let id = store.next_id.fetch_add(1, Ordering::Relaxed);
            let (user_id, email) = (
                create.user_id.as_ref().unwrap(),
                create.email.as_ref().unwrap(),
            );
            customer_json(id, user_id, email, &create.values())
        }
        (Method::POST, None) if path == "/search" => store.search(&body),
        _ => unreachable!("no such endpoint: {path}"),
    };
    let answer = Response::builder()
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(answer)));
    Ok(answer.unwrap())
}

impl Store {
    fn customer(&self, id: u64) -> String {
        let at = usize::try_from(id).unwrap();
        let values = self.customers[at].lock().unwrap();
        customer_json(
            id,
            &format!("u{id}"),
            &format!("p{id}@example.com"),
            &values,
        )
    }

    fn update(&self, id: u64, update: &Update) -> String {
        *self.customers[usize::try_from(id).unwrap()].lock().unwrap() = update.values();
        self.customer(id)
    }

    /// Of a search, only the customers that it names by their ids.
    fn search(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let ids = text.split(|c: char| !c.is_ascii_digit());
        let ids = ids.filter_map(|id| id.parse().ok()).filter(|id| *id > 200);
        let found: Vec<String> = ids.map(|id| self.customer(id)).collect();
        format!(
            r#"{{"data":[{}],"meta":{{"total":{}}}}}"#,
            found.join(","),
            found.len()
        )
    }
}
