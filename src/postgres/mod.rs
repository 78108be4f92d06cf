//! State that several machines share: a PostgreSQL database with each account's lease, the pace of its requests, its runs
//! and journals, and what is remembered about it. It never sees HTTP or a terminal.

mod account;
mod connection;
mod error;
mod files;
mod fleet;
mod holder;
mod journal;
mod lease;
mod pace;
mod password;
mod renewal;
mod runs;
mod schema;
mod snapshot_fence;
mod state;
mod stored_runs;
mod url;

pub use account::StateAccount;
pub use connection::Database;
pub use error::DatabaseError;
pub use fleet::{AccountStatus, fleet_status};
pub use holder::LeaseHolder;
pub use lease::{Acquired, Lease};
pub use pace::PaceLine;
pub use runs::{PulledRuns, pull_all_runs};
pub use state::SharedState;
pub use stored_runs::remove_runs;
pub use url::DatabaseSettings;
