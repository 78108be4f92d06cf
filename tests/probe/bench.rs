//! A sandbox, an account's folder, and probes between them, one process after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hcsync::helpcrunch::{
    BoxFuture, Gate, GateParts, LimitSettings, ReadClient, Scrubber, StopTokens, Transport,
    TransportError, WireRequest, WireResponse, WriteClient,
};
use hcsync::journal::{AccountId, StateDir};
use hcsync::pace::Clock;
use hcsync::probe::{Probe, ProbeError, ProbeReport, ProbeStore};
use hcsync::sandbox::{Fault, FaultRule, Options, Quirks, Sandbox, Schedule, Selector};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::plug::{Crash, Plug};
use crate::wire::Wire;

pub(crate) const SETTLE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: ProbeStore,
    clock: Clock,
    probes: AtomicU64,
    _folder: TempDir,
}

/// How one process ends early, if it does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mishap {
    pub(crate) crash: Option<Crash>,
    /// The user stops it directly before this request, from 1.
    pub(crate) stop_at: Option<u64>,
}

impl Bench {
    pub(crate) fn new(customers: Vec<Value>, quirks: Quirks, faults: Vec<FaultRule>) -> Self {
        let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let options = Options {
            customers,
            quirks,
            schedule: Schedule {
                faults,
                agents: Vec::new(),
            },
            started_at,
            seed: 5,
            ..Options::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::at(folder.path());
        let account = state.create_account(&AccountId::from_text("a")).unwrap();
        Self {
            sandbox: Sandbox::new(options).unwrap(),
            store: ProbeStore::of(&account),
            clock: Clock::start(started_at),
            probes: AtomicU64::new(0),
            _folder: folder,
        }
    }

    pub(crate) async fn probe(&self) -> ProbeReport {
        self.try_probe(Mishap::default()).await.unwrap().unwrap()
    }

    /// Probes in a process of its own. `None` if the process died.
    pub(crate) async fn try_probe(
        &self,
        mishap: Mishap,
    ) -> Option<Result<ProbeReport, ProbeError>> {
        let plug = Arc::new(Plug::new(mishap.crash));
        let wire = Wire::new(self.sandbox.clone(), Arc::clone(&plug), TIMEOUT);
        let stop = CancellationToken::new();
        let transport = Stopping {
            wire,
            stop: stop.clone(),
            at: mishap.stop_at,
            requests: AtomicU64::new(0),
        };
        let number = self.probes.fetch_add(1, Ordering::Relaxed);
        let gate = Gate::new(GateParts {
            transport: Arc::new(transport),
            limits: LimitSettings::default(),
            clock: self.clock,
            stops: StopTokens::default(),
            scrubber: Scrubber::new(&SecretString::from("simulation")),
            seed: number,
        });
        let client = WriteClient::new(ReadClient::new(Arc::new(gate)));
        let probe = Probe {
            client: &client,
            store: &self.store,
            clock: self.clock,
            settle: SETTLE,
            stop,
        };
        tokio::select! {
            biased;
            () = plug.pulled() => None,
            ended = probe.run(format!("k3f9x2q8w1{number:02}")) => Some(ended),
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.sandbox.requests().len() as u64
    }
}

/// The user presses Ctrl-C at a certain request.
#[derive(Debug)]
struct Stopping {
    wire: Wire,
    stop: CancellationToken,
    at: Option<u64>,
    requests: AtomicU64,
}

impl Transport for Stopping {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if self.at == Some(number) {
            self.stop.cancel();
        }
        self.wire.exchange(request)
    }
}

/// Returns `count` customers with tags and properties of every type.
pub(crate) fn customers(count: u64) -> Vec<Value> {
    let one = |n: u64| {
        json!({
            "id": n, "name": format!("Customer {n}"), "userId": format!("u{n}"),
            "email": format!("c{n}@example.org"), "firstSeen": (1_700_000_000 + n).to_string(),
            "tags": [{"name": format!("tag {}", n % 3), "color": "#ff0000"}],
            "customData": {"plan": "pro", "paid": n.is_multiple_of(2), "orders": n},
        })
    };
    (1..=count).map(one).collect()
}

pub(crate) fn fault_at(request: u64, fault: Fault) -> FaultRule {
    FaultRule {
        fault,
        select: Selector {
            request: vec![request],
            ..Selector::default()
        },
    }
}
