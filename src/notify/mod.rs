//! Calls somebody about a run: a webhook, a program, a ping address. It holds figures, names and reasons, and neither the API
//! key nor a customer's value. Nothing here can fail a run: each call reports how it went.

mod address;
mod caller;
mod condition;
mod facts;
mod message;
mod webhook_format;

pub use address::{ADDRESS_VARIABLES, SecretAddress, SecretAddressError};
pub use caller::{CallError, Caller, Ping};
pub use condition::Condition;
pub use facts::{PastRuns, RunFacts};
pub use message::{FACT_VARIABLES, Message};
pub use webhook_format::WebhookFormat;
