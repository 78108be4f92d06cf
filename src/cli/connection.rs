//! From settings to a connection: base URL, key, account, gate, clients, and the in-process sandbox.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::config::{KeySources, Settings, find_key};
use crate::domain::Organization;
use crate::helpcrunch::{
    ApiSettings, BaseUrl, Gate, GateParts, HttpTransport, LimitSettings, Proxy, ReadClient,
    Scrubber,
};
use crate::journal::{AccountId, PaceFile};
use crate::pace::Clock;
use crate::plan::Destination;
use crate::sandbox::{Options, Sandbox};

use super::console::Console;
use super::exit::{Failure, OrFail as _, chain};
use super::sandbox_customers::sandbox_customers;
use super::state::state_dir;
use super::stopping::Stopping;
use super::usage::is_on_command_line;

/// Where requests go, and with which key.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) base_url: BaseUrl,
    pub(super) base_url_text: String,
    pub(super) key: SecretString,
    pub(super) account: AccountId,
    /// Id that the account has if it is not named: derived from the key.
    pub(super) key_fingerprint: AccountId,
    pub(super) is_sandbox: bool,
}

impl Target {
    /// Finds the base URL and the key, or starts the in-process sandbox if the settings ask for it.
    pub(super) async fn find(settings: &Settings, console: &Console) -> Result<Self, Failure> {
        if settings.run.sandbox {
            return sandbox(settings).await;
        }
        // The variable may be meant for the command `sandbox`.
        if settings.run.customers.is_some() && is_on_command_line("--customers") {
            let failure = Failure::usage("--customers is for --sandbox, which is not given");
            return Err(failure.hint("without --sandbox the real account would be used"));
        }
        let base_url = parse_base_url(&settings.api.base_url)?;
        let environment = |name: &str| std::env::var_os(name);
        let sources = KeySources {
            environment: &environment,
            key_file: settings.api.key_file.as_deref(),
        };
        let found_key = find_key(&sources).map_err(|e| Failure {
            reason: "no_key",
            ..Failure::usage(e)
        })?;
        for warning in &found_key.warnings {
            console.warn(&warning.to_string());
        }
        let text = settings.api.base_url.clone();
        let key_fingerprint = AccountId::fingerprint(&text, found_key.key.expose_secret());
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
            key: found_key.key,
            is_sandbox: false,
        })
    }

    /// Where changes go, as reports say it.
    pub(super) fn destination(&self, settings: &Settings, dry_run: bool) -> Destination {
        let organization = match self.is_sandbox {
            true => None,
            false => known_organization(settings, &self.account),
        };
        Destination {
            organization: organization.map(|organization| organization.name),
            account: settings.api.account.clone().filter(|_| !self.is_sandbox),
            account_id: Some(self.account.to_string()),
            base_url: self.base_url_text.clone(),
            sandbox: self.is_sandbox,
            dry_run,
        }
    }

    /// Makes a client that can only read.
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
            proxy: Proxy::of(&self.base_url, &|name| std::env::var_os(name))
                .map_err(Failure::usage)?,
        };
        let transport = HttpTransport::new(&api).or_not_finished("transport")?;
        let parts = GateParts {
            transport: Arc::new(transport),
            limits,
            clock,
            stops: stopping.stops.clone(),
            scrubber: Scrubber::new(&self.key),
            seed: fastrand::u64(..),
        };
        let gate = Gate::new(parts);
        self.share_pace(&gate, settings, clock);
        Ok(ReadClient::new(Arc::new(gate)))
    }

    /// Keeps the limit together with other processes of the state directory, once the account has a folder there.
    pub(super) fn share_pace(&self, gate: &Gate, settings: &Settings, clock: Clock) {
        let account = state_dir(settings).map(|state| state.account(&self.account));
        let Some(account) = account.ok().filter(|account| account.path().exists()) else {
            return;
        };
        // No other process uses the in-process sandbox.
        if self.is_sandbox {
            return;
        }
        match PaceFile::open(&account, clock) {
            Ok(pace) => gate.share_pace(Box::new(pace)),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the rate limit is not shared with other processes"
                );
            }
        }
    }
}

/// What HelpCrunch calls the account, if a probe found out.
fn known_organization(settings: &Settings, id: &AccountId) -> Option<Organization> {
    let account = state_dir(settings).ok()?.account(id);
    account.read().ok()??.organization
}

pub(super) fn parse_base_url(text: &str) -> Result<BaseUrl, Failure> {
    BaseUrl::parse(text).map_err(|e| Failure::usage(format!("the base URL {e}")))
}

/// When `--max-duration` ends the command. It counts from the start, so reading the input is included.
pub(super) fn deadline(settings: &Settings, clock: Clock) -> Option<Instant> {
    Some(clock.started_at() + settings.run.max_duration?)
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

/// The account of the in-process sandbox.
pub(super) fn sandbox_account() -> AccountId {
    AccountId::named("sandbox", "sandbox")
}

async fn sandbox(settings: &Settings) -> Result<Target, Failure> {
    let customers = sandbox_customers(settings.run.customers.as_deref())?;
    let options = Options {
        customers,
        requests_per_minute: settings.limits.requests_per_minute,
        started_at: SystemTime::now(),
        ..Options::default()
    };
    let sandbox = Sandbox::new(options).or_not_finished("sandbox")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .or_not_finished("sandbox")?;
    let address = listener.local_addr().or_not_finished("sandbox")?;
    tokio::spawn(sandbox.serve(listener, std::future::pending()));
    let base_url_text = format!("http://{address}/v1");
    let base_url = parse_base_url(&base_url_text)?;
    let account = sandbox_account();
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
