//! Servers whose answers do not depend on the question: reading ends after a few requests, with the customers or with
//! an error that says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hcsync::domain::RowKey;
use hcsync::helpcrunch::{
    BoxFuture, Endpoint, Gate, GateParts, LimitSettings, ReadClient, Scrubber, StopTokens,
    Transport, TransportError, WireRequest, WireResponse,
};
use hcsync::pace::Clock;
use hcsync::remote::{LookupKeys, NoProgress, Reading, RemoteError, find_all, list_all};
use secrecy::SecretString;
use serde_json::{Value, json};

const CUSTOMERS: u64 = 250;

/// How the listing answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pages {
    Right,
    /// The first hundred, whatever the offset.
    First,
    /// The same customer a hundred times.
    OneCustomer,
}

/// How a search answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Right,
    /// The first hundred, whatever was asked for.
    First,
    /// A hundred customers that nobody has asked for, other ones each time.
    Strangers,
    /// The first hundred of those within the asked ids, whatever else was asked for.
    IdsOnly,
    /// The first customer a hundred times.
    OneCustomer,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Total {
    Right,
    Missing,
    OfPage,
    Account,
    Huge,
}

#[derive(Debug)]
struct Server {
    pages: Pages,
    found: Found,
    total: Total,
    requests: AtomicU64,
}

fn customer(id: u64) -> Value {
    json!({"id": id, "userId": format!("u{id}"), "email": format!("{id}@example.com"), "customData": {}, "tags": []})
}

fn all() -> Vec<Value> {
    (1..=CUSTOMERS).map(customer).collect()
}

fn holds(filter: &Value, customer: &Value) -> bool {
    let (field, value) = (filter["field"].as_str().unwrap(), &filter["value"]);
    let own = &customer[field.strip_prefix("customers.").unwrap()];
    match filter["operator"].as_str().unwrap() {
        "=" => own == value,
        ">=" => own.as_u64() >= value.as_u64(),
        "<" => own.as_u64() < value.as_u64(),
        other => panic!("{other}"),
    }
}

impl Server {
    fn answer(&self, request: &WireRequest) -> Value {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let (page, fitting) = match request.endpoint {
            Endpoint::List => self.list(&request.path),
            Endpoint::Search => {
                let asked = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
                self.search(&asked, count)
            }
            other => panic!("{other:?}"),
        };
        let total = match self.total {
            Total::Right => json!(fitting),
            Total::Missing => return json!({"data": page}),
            Total::OfPage => json!(page.len()),
            Total::Account => json!(CUSTOMERS),
            Total::Huge => json!(1_000_000_000_u64),
        };
        json!({"data": page, "total": total})
    }

    fn list(&self, path: &str) -> (Vec<Value>, usize) {
        let offset = path.split_once("offset=").unwrap().1;
        let offset: usize = offset.split('&').next().unwrap().parse().unwrap();
        let page = match self.pages {
            Pages::Right => all().into_iter().skip(offset).take(100).collect(),
            Pages::First => all().into_iter().take(100).collect(),
            Pages::OneCustomer => vec![customer(1); 100],
        };
        (page, all().len())
    }

    fn search(&self, asked: &Value, count: u64) -> (Vec<Value>, usize) {
        let filters = asked["filter"].as_array().unwrap();
        let is_id = |filter: &&Value| filter["field"] == "customers.id";
        let any = asked["comparison"] == "OR";
        let fits = |customer: &Value| match any {
            true => filters.iter().any(|filter| holds(filter, customer)),
            false => filters.iter().all(|filter| holds(filter, customer)),
        };
        let has_id = |customer: &Value| {
            filters
                .iter()
                .filter(is_id)
                .all(|filter| holds(filter, customer))
        };
        let offset = usize::try_from(asked["offset"].as_u64().unwrap()).unwrap();
        let page = |fitting: Vec<Value>| {
            let count = fitting.len();
            (fitting.into_iter().skip(offset).take(100).collect(), count)
        };
        match self.found {
            Found::Right => page(all().into_iter().filter(fits).collect()),
            Found::First => page(all()),
            Found::IdsOnly => page(all().into_iter().filter(has_id).collect()),
            Found::Strangers => {
                let first = 1_000_000 * (count + 1);
                ((first..first + 100).map(customer).collect(), 100)
            }
            Found::OneCustomer => (vec![customer(1); 100], 100),
        }
    }
}

impl Transport for Server {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        let answer = self.answer(request).to_string();
        Box::pin(async move { Ok(WireResponse::new(200, answer)) })
    }
}

fn client(pages: Pages, found: Found, total: Total) -> (ReadClient, Arc<Server>) {
    let server = Arc::new(Server {
        pages,
        found,
        total,
        requests: AtomicU64::new(0),
    });
    let gate = Gate::new(GateParts {
        transport: server.clone(),
        limits: LimitSettings {
            max_requests: Some(500),
            ..LimitSettings::default()
        },
        clock: Clock::start(SystemTime::UNIX_EPOCH),
        stops: StopTokens::default(),
        scrubber: Scrubber::new(&SecretString::from("a-secret-key")),
        seed: 1,
    });
    (ReadClient::new(Arc::new(gate)), server)
}

const FOUND: [Found; 5] = [
    Found::Right,
    Found::First,
    Found::Strangers,
    Found::IdsOnly,
    Found::OneCustomer,
];
const TOTAL: [Total; 5] = [
    Total::Right,
    Total::Missing,
    Total::OfPage,
    Total::Account,
    Total::Huge,
];

#[tokio::test(start_paused = true)]
async fn a_listing_ends_whatever_the_server_answers() {
    for pages in [Pages::Right, Pages::First, Pages::OneCustomer] {
        for (found, total) in FOUND.iter().flat_map(|f| TOTAL.map(|t| (*f, t))) {
            let (client, server) = client(pages, found, total);
            let reading = Reading::new(tempfile::tempfile().unwrap());
            let read = list_all(&client, reading, &NoProgress).await;
            let requests = server.requests.load(Ordering::Relaxed);
            let case = format!("{pages:?} {found:?} {total:?}: {requests} requests, {read:?}");
            assert!(requests <= 150, "{case}");
            match read {
                Ok(reading) if (pages, found) == (Pages::Right, Found::Right) => {
                    assert_eq!(reading.len(), CUSTOMERS, "{case}");
                }
                Ok(_) => {}
                Err(error) => assert!(
                    matches!(error, RemoteError::FilterIgnored | RemoteError::Unlistable),
                    "{case}"
                ),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_ends_whatever_the_server_answers() {
    for (found, total) in FOUND.iter().flat_map(|f| TOTAL.map(|t| (*f, t))) {
        let (client, server) = client(Pages::Right, found, total);
        let mut wanted = LookupKeys::default();
        for n in 151..=250 {
            wanted.add(&RowKey {
                id: None,
                user_id: Some(format!("u{n}")),
                email: Some(format!("{n}@example.com")),
            });
        }
        let mut customers = Vec::new();
        let read = tokio::time::timeout(
            Duration::from_secs(24 * 3600),
            find_all(&client, &wanted, &mut customers),
        );
        let read = read.await.unwrap();
        let requests = server.requests.load(Ordering::Relaxed);
        let case = format!("{found:?} {total:?}: {requests} requests, {read:?}");
        assert!(requests <= 150, "{case}");
        match read {
            Ok(()) if found == Found::Right => assert!(customers.len() >= 100, "{case}"),
            Ok(()) => {}
            Err(error) => assert!(
                matches!(error, RemoteError::FilterIgnored | RemoteError::Unlistable),
                "{case}"
            ),
        }
    }
}
