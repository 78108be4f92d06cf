//! The server: answers requests or cuts the connection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;

use super::admitted::Admitted;
use super::agent::{AgentEdit, AgentError};
use super::control;
use super::customer::Customer;
use super::log::{LoggedRequest, Stats};
use super::options::{Options, SandboxError, object};
use super::quirks::{QuirkError, Quirks};
use super::state::ServerState;

/// A connection that was closed before its answer was complete.
#[derive(Clone, Debug, Error)]
pub enum Cut {
    /// No byte of an answer was sent.
    #[error("the connection was closed without an answer")]
    NoAnswer,
    /// The head and a part of the body were sent. `Content-Length` is that of the whole body.
    #[error("the connection was closed in the middle of the answer")]
    MidBody(Box<Response<Bytes>>),
}

/// A server. Clones share its state.
#[derive(Clone)]
pub struct Sandbox {
    state: Arc<Mutex<ServerState>>,
    started: Instant,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("customers", &self.lock().account.store.len())
            .finish()
    }
}

impl Sandbox {
    /// Creates a server. Its time is tokio's clock, which tests may pause.
    pub fn new(options: Options) -> Result<Self, SandboxError> {
        options.quirks.check()?;
        let mut state = ServerState::new(&options);
        for (number, value) in (1..).zip(options.customers) {
            let bad = |message| SandboxError::Customer { number, message };
            let given = Customer::from_object(object(&value).map_err(bad)?).map_err(bad)?;
            let account = &mut state.account;
            account
                .store
                .add(given, &account.quirks)
                .map_err(|id| bad(format!("another one has the id {id}")))?;
        }
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            started: Instant::now(),
        })
    }

    /// Answers a request without a socket. Delays use tokio's clock.
    ///
    /// A write takes effect before a delay begins, so that its outcome is unknown if the future is dropped, as with a
    /// real time-out.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Cut> {
        let (head, body) = request.into_parts();
        if let Some(path) = head.uri.path().strip_prefix("/_sandbox/") {
            return Ok(control::answer(self, &head.method, path, &body));
        }
        let admitted = self.with(|state, now_ms| state.admit(&head, body, now_ms));
        let (delay, result) = match admitted.late_delay() {
            None => self.finish(admitted),
            Some(delay) => self.finish_late(delay, admitted).await?,
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        result
    }

    fn finish(&self, admitted: Admitted) -> (Duration, Result<Response<Bytes>, Cut>) {
        self.with(|state, now_ms| state.finish(admitted, now_ms))
    }

    /// In a task of its own: a client that goes away does not stop it.
    async fn finish_late(
        &self,
        delay: Duration,
        admitted: Admitted,
    ) -> Result<(Duration, Result<Response<Bytes>, Cut>), Cut> {
        let server = self.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            server.finish(admitted)
        });
        task.await.map_err(|_| Cut::NoAnswer)
    }

    /// All customers by id, as a single one is answered now.
    #[must_use]
    pub fn customers(&self) -> Vec<Value> {
        let state = self.lock();
        // An answer has no key that is not text.
        let values = state.account.answers().map(serde_json::to_value);
        values.map(Result::unwrap_or_default).collect()
    }

    /// The account's tags with their colours, in the order in which they were made.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let owned = |(name, colour): (&str, &str)| (name.to_owned(), colour.to_owned());
        self.lock().account.store.tags.all().map(owned).collect()
    }

    /// Returns all requests so far in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().log.requests()
    }

    /// Returns counts of the requests so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.lock().log.stats()
    }

    /// Makes an agent's edit and returns the customer's id. There is no `"target"` here.
    pub fn agent(&self, edit: &AgentEdit) -> Result<u64, AgentError> {
        self.with(|state, now_ms| state.edit(edit, now_ms))
    }

    /// Returns the current quirks.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.lock().account.quirks.clone()
    }

    /// Changes the quirks from now on. Stored customers stay as they are.
    ///
    /// # Errors
    /// If the quirks are invalid. Then nothing changes.
    pub fn set_quirks(&self, quirks: Quirks) -> Result<(), QuirkError> {
        quirks.check()?;
        self.with(|state, now_ms| state.set_quirks(quirks, now_ms));
        Ok(())
    }

    /// Reads the time under the lock, so that it never decreases for the state.
    fn with<T>(&self, act: impl FnOnce(&mut ServerState, u64) -> T) -> T {
        let mut state = self.lock();
        let now = self.started.elapsed().as_millis();
        act(&mut state, u64::try_from(now).unwrap_or(u64::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
