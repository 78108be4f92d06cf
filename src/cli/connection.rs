//! From settings to a connection: base URL, key, account, gate, clients, and the in-process sandbox.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::config::{KeySources, Settings, find_key};
use crate::helpcrunch::{
    ApiSettings, BaseUrl, Gate, GateParts, HttpTransport, LimitSettings, ReadClient, Scrubber,
};
use crate::journal::AccountId;
use crate::pace::Clock;
use crate::sandbox::{Options, Sandbox, customers_from_jsonl};

use super::console::Console;
use super::exit::{Cause, Exit, Failure};
use super::stopping::Stopping;

/// The customers of the in-process sandbox.
pub(super) const SANDBOX_CUSTOMERS: &str =
    include_str!("../../sample-data/sandbox-customers.jsonl");

/// Where requests go, and for whom.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) base_url: BaseUrl,
    pub(super) base_url_text: String,
    pub(super) key: SecretString,
    pub(super) account: AccountId,
    /// The account as the key opens it, whatever its name.
    pub(super) key_fingerprint: AccountId,
    pub(super) is_sandbox: bool,
}

impl Target {
    /// Finds out where requests go. Starts the in-process sandbox where it was asked for.
    pub(super) async fn find(settings: &Settings, console: &Console) -> Result<Self, Failure> {
        if settings.run.sandbox {
            return sandbox(settings).await;
        }
        let base_url = BaseUrl::parse(&settings.api.base_url).map_err(Failure::usage)?;
        let environment = |name: &str| std::env::var_os(name);
        let sources = KeySources {
            environment: &environment,
            key_file: settings.api.key_file.as_deref(),
        };
        let found = find_key(&sources).map_err(|e| Failure {
            reason: "no_key",
            ..Failure::usage(e)
        })?;
        for warning in &found.warnings {
            console.warn(&warning.to_string());
        }
        let text = settings.api.base_url.clone();
        let key_fingerprint = AccountId::fingerprint(&text, found.key.expose_secret());
        let named = settings
            .api
            .account
            .as_deref()
            .map(|name| AccountId::named(&text, name));
        Ok(Self {
            base_url,
            base_url_text: text,
            account: named.unwrap_or_else(|| key_fingerprint.clone()),
            key_fingerprint,
            key: found.key,
            is_sandbox: false,
        })
    }

    /// A client that can only read.
    pub(super) fn connect(
        &self,
        settings: &Settings,
        clock: Clock,
        stopping: &Stopping,
    ) -> Result<ReadClient, Failure> {
        let limits = limits(settings, clock);
        limits.check(&self.base_url).map_err(Failure::usage)?;
        let api = ApiSettings {
            base_url: self.base_url.clone(),
            key: self.key.clone(),
            timeout: settings.api.timeout,
        };
        let transport = HttpTransport::new(&api)
            .map_err(|e| Failure::from_error(Exit::NotFinished, "transport", &e))?;
        let parts = GateParts {
            transport: Arc::new(transport),
            limits,
            clock,
            stops: stopping.stops.clone(),
            scrubber: Scrubber::new(&self.key),
            seed: fastrand::u64(..),
        };
        Ok(ReadClient::new(Arc::new(Gate::new(parts))))
    }
}

/// When the command's time is up, if it is bounded. It counts from the start, so that what reads an input is within it.
pub(super) fn deadline(settings: &Settings, clock: Clock) -> Option<Instant> {
    let longest = settings.run.max_duration?;
    Some(clock.began() + longest)
}

fn limits(settings: &Settings, clock: Clock) -> LimitSettings {
    let limits = &settings.limits;
    LimitSettings {
        requests_per_minute: limits.requests_per_minute,
        reserve: limits.reserve,
        concurrency: u32::from(limits.concurrency),
        max_attempts: limits.max_attempts,
        max_retry_wait: limits.max_retry_wait,
        settle: limits.settle,
        max_outage: limits.max_outage,
        max_consecutive_errors: u32::try_from(settings.safety.max_consecutive_errors)
            .unwrap_or(u32::MAX),
        max_requests: settings.run.max_requests,
        deadline: deadline(settings, clock),
    }
}

async fn sandbox(settings: &Settings) -> Result<Target, Failure> {
    let failed = |error: &Cause| Failure::from_error(Exit::NotFinished, "sandbox", error);
    let customers = customers_from_jsonl(SANDBOX_CUSTOMERS).map_err(|e| failed(&e))?;
    let options = Options {
        customers,
        requests_per_minute: settings.limits.requests_per_minute,
        started_at: SystemTime::now(),
        ..Options::default()
    };
    let sandbox = Sandbox::new(options).map_err(|e| failed(&e))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|e| failed(&e))?;
    let address = listener.local_addr().map_err(|e| failed(&e))?;
    tokio::spawn(sandbox.serve(listener, std::future::pending()));
    let base_url_text = format!("http://{address}/v1");
    let base_url = BaseUrl::parse(&base_url_text).map_err(Failure::usage)?;
    let account = AccountId::named("sandbox", "sandbox");
    let key = SecretString::from("sandbox-key");
    Ok(Target {
        base_url,
        base_url_text,
        key,
        key_fingerprint: account.clone(),
        account,
        is_sandbox: true,
    })
}
