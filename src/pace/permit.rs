use std::fmt;

/// Whether this process may write to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WritePermission {
    Granted,
    /// Not known at the moment: ask again.
    Unknown,
    /// For good, and why.
    Lost(String),
}

/// What is asked directly before each write, where several machines may work on one account.
pub trait WritePermit: fmt::Debug + Send + Sync {
    fn check(&self) -> WritePermission;
}
