//! The plug of a simulated process: it is pulled at a chosen moment, and from then on nothing that the process
//! still does reaches the disk or the server.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

/// How far the append came at which the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// Nothing of it is on disk.
    Before,
    /// So many of its thousandths are, its last byte never.
    Torn(usize),
    /// All of it is, and the process never heard so.
    After,
}

/// When a process dies. Counted from 1, within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// At the n-th append to the journal; the first is its beginning.
    Append(u64, Boundary),
    /// At the n-th request, which the server gets or not.
    Request(u64, Reach),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Lost,
    Arrived,
}

/// One process' plug, with counts of what it has done so far.
#[derive(Debug, Default)]
pub(crate) struct Plug {
    crash: Option<Crash>,
    appends: AtomicU64,
    requests: AtomicU64,
    pulled: CancellationToken,
}

impl Plug {
    pub(crate) fn new(crash: Option<Crash>) -> Self {
        Self {
            crash,
            ..Self::default()
        }
    }

    pub(crate) fn pull(&self) {
        self.pulled.cancel();
    }

    pub(crate) fn is_pulled(&self) -> bool {
        self.pulled.is_cancelled()
    }

    pub(crate) async fn pulled(&self) {
        self.pulled.cancelled().await;
    }

    pub(crate) fn appends(&self) -> u64 {
        self.appends.load(Ordering::Relaxed)
    }

    /// Counts an append; says where in it the process dies.
    pub(crate) fn append(&self) -> Option<Boundary> {
        let number = self.appends.fetch_add(1, Ordering::Relaxed) + 1;
        match self.crash {
            Some(Crash::Append(nth, boundary)) if nth == number => Some(boundary),
            _ => None,
        }
    }

    /// Counts a request; says how far it comes where the process dies at it.
    pub(crate) fn request(&self) -> Option<Reach> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        match self.crash {
            Some(Crash::Request(nth, reach)) if nth == number => Some(reach),
            _ => None,
        }
    }
}
