//! A listing of an account that others work in meanwhile.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use hcsync::domain::CustomerId;
use hcsync::helpcrunch::{
    BoxFuture, Gate, GateParts, LimitSettings, ReadClient, Scrubber, StopTokens, Transport,
    TransportError, WireRequest, WireResponse,
};
use hcsync::pace::Clock;
use hcsync::remote::{NoProgress, Reading, list_all};
use hcsync::sandbox::quirks::{Ties, Total};
use hcsync::sandbox::{AgentEdit, Options, Quirks, Sandbox};
use http::{Request, header};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

/// What somebody does beside a request.
#[derive(Debug, Clone)]
enum Edit {
    /// A customer comes, first seen at this place among the others.
    Add(u64),
    Delete(usize),
    /// A customer takes another place in the order.
    Move(usize, u64),
}

/// Carries requests to the sandbox, and lets the others at work before each.
#[derive(Debug)]
struct Wire {
    sandbox: Sandbox,
    edits: Mutex<Vec<Vec<Edit>>>,
    deleted: Arc<Mutex<BTreeSet<u64>>>,
    moved: Arc<Mutex<BTreeSet<u64>>>,
}

impl Wire {
    fn edit(&self, edit: &Edit) {
        let ids: Vec<u64> = self
            .sandbox
            .customers()
            .iter()
            .filter_map(|c| c["id"].as_u64())
            .collect();
        let edit = match edit {
            Edit::Add(place) => json!({"create": {"name": "New", "firstSeen": place.to_string()}}),
            Edit::Delete(n) | Edit::Move(n, _) if ids.is_empty() => {
                let _ = n;
                return;
            }
            Edit::Delete(n) => {
                let id = ids[n % ids.len()];
                self.deleted.lock().unwrap().insert(id);
                json!({"customer": id, "delete": true})
            }
            Edit::Move(n, place) => {
                let id = ids[n % ids.len()];
                self.moved.lock().unwrap().insert(id);
                json!({"customer": id, "set": {"firstSeen": place.to_string()}})
            }
        };
        let edit: AgentEdit = serde_json::from_value(edit).unwrap();
        self.sandbox.agent(&edit).unwrap();
    }

    async fn send(&self, request: &WireRequest) -> Result<WireResponse, TransportError> {
        let due = self.edits.lock().unwrap().pop().unwrap_or_default();
        due.iter().for_each(|edit| self.edit(edit));
        let sent = Request::builder()
            .method(request.method().as_str())
            .uri(format!("/v1{}", request.path))
            .header(header::AUTHORIZATION, "Bearer key")
            .body(Bytes::from(request.body.clone().unwrap_or_default()))
            .unwrap();
        let answer = self.sandbox.call(sent).await.unwrap();
        Ok(WireResponse {
            status: answer.status().as_u16(),
            retry_after: None,
            date: None,
            location: None,
            has_rate_headers: false,
            body: Ok(answer.body().to_vec()),
        })
    }
}

impl Transport for Wire {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        Box::pin(self.send(request))
    }
}

/// Lists the account while this happens, request by request. Gives the ids that were read, and those that were there
/// from the first request to the last.
async fn list(customers: u64, quirks: Quirks, edits: Vec<Vec<Edit>>) -> (Vec<u64>, BTreeSet<u64>) {
    let customer = |n: u64| json!({"id": n * 3, "name": "One", "firstSeen": (n * 10).to_string()});
    let there: Vec<Value> = (1..=customers).map(customer).collect();
    let sandbox = Sandbox::new(Options {
        customers: there.clone(),
        requests_per_minute: 0,
        seed: 1,
        quirks,
        ..Options::default()
    });
    let is_add = |edit: &Edit| matches!(edit, Edit::Add(_));
    let grows = edits.iter().flatten().any(is_add);
    let deleted = Arc::<Mutex<BTreeSet<u64>>>::default();
    let moved = Arc::<Mutex<BTreeSet<u64>>>::default();
    let wire = Wire {
        sandbox: sandbox.unwrap(),
        edits: Mutex::new(edits),
        deleted: Arc::clone(&deleted),
        moved: Arc::clone(&moved),
    };
    let gate = Gate::new(GateParts {
        transport: Arc::new(wire),
        limits: LimitSettings::default(),
        clock: Clock::start(SystemTime::UNIX_EPOCH),
        stops: StopTokens::default(),
        scrubber: Scrubber::new(&SecretString::from("key")),
        seed: 1,
    });
    let client = ReadClient::new(Arc::new(gate));
    let reading = Reading::new(tempfile::tempfile().unwrap());
    let reading = list_all(&client, reading, &NoProgress).await.unwrap();
    let read = reading
        .ids()
        .unwrap()
        .into_iter()
        .map(|CustomerId(id)| id)
        .collect();
    let (deleted, moved) = (deleted.lock().unwrap(), moved.lock().unwrap());
    // Whoever moves to a page that was read already leaves no trace if somebody is deleted and somebody is added as well:
    // overlaps and counts are as if nothing had happened.
    let hides_moves = grows && !deleted.is_empty();
    let is_lost = |id: &u64| deleted.contains(id) || hides_moves && moved.contains(id);
    let stayed = (1..=customers).map(|n| n * 3).filter(|id| !is_lost(id));
    (read, stayed.collect())
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = 0..4_000_u64;
    prop_oneof![
        place.clone().prop_map(Edit::Add),
        any::<usize>().prop_map(Edit::Delete),
        (any::<usize>(), place).prop_map(|(n, place)| Edit::Move(n, place)),
    ]
}

fn quirks() -> impl Strategy<Value = Quirks> {
    let ties = prop_oneof![Just(Ties::Stable), Just(Ties::Shuffled)];
    let totals = vec![
        Total::Present,
        Total::Present,
        Total::Absent,
        Total::OneMore,
        Total::AccountInSearch,
        Total::OfPage,
    ];
    let totals = prop::sample::select(totals);
    (10..=40_usize, ties, totals).prop_map(|(page, ties, total)| Quirks {
        // A page that is cut and a total that is that of the page would leave no trace of those who are left out.
        page_limit_max: if total == Total::OfPage { 100 } else { page },
        ties,
        total,
        ..Quirks::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn none_that_was_there_all_the_time_is_missed_and_none_comes_twice(
        customers in 0..300_u64,
        quirks in quirks(),
        edits in prop::collection::vec(prop::collection::vec(edit(), 0..4), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (read, stayed) = runtime.block_on(list(customers, quirks, edits));
        let distinct: BTreeSet<u64> = read.iter().copied().collect();
        prop_assert_eq!(distinct.len(), read.len());
        let missed: Vec<_> = stayed.difference(&distinct).collect();
        prop_assert!(missed.is_empty(), "{:?}", missed);
    }
}
