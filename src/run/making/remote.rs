//! Reads the remote side for a plan, and keeps what was read for the runs to come.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::RemoteCustomer;
use crate::helpcrunch::ReadClient;
use crate::mapping::Schema;
use crate::plan::fingerprint::Fingerprinter;
use crate::plan::matching::RemoteLookup;
use crate::remote::{
    Inquiry, ReadProgress, Reading, ReadingError, RemoteError, RemoteSettings, RemoteSide,
    SnapshotError, SnapshotFiles, WantedKeys, Way, read, read_export,
};
use crate::run::intake::{IntakeError, Taken};
use crate::run::passes::{PAUSE, each_row};
use crate::run::planning::PlanningError;
use crate::run::recent::ask_for;
use crate::run::rows::Verdict;
use crate::run::schema_of_rows::SchemaOfRows;

use super::{Making, MakingError};
/// The remote side, and when it began to be read.
pub(super) struct Remote {
    /// What a pass over the rows for their keys found, where there was one.
    pub(super) taken: Option<Taken>,
    pub(super) began: (Instant, Timestamp),
    pub(super) side: RemoteSide,
}

impl Making<'_> {
    /// Completes the schema from the first rows.
    pub(super) fn look_ahead(
        &self,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Arc<Schema>, IntakeError> {
        SchemaOfRows::new(self.schema, self.inputs, self.source, stopped).look_ahead(self.limit)
    }

    /// Reads the remote side from the API, which is asked once the keys of the rows are known: they may be what is looked
    /// for.
    pub(super) async fn read_remote(
        &self,
        (client, settings, snapshot): (&ReadClient, &RemoteSettings, Option<&Mutex<SnapshotFiles>>),
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        let reading = Reading::new(tempfile::tempfile_in(self.folder())?)
            .with_fingerprints(self.fingerprinter());
        let mut keys = WantedKeys::default();
        let taken = each_row(&self.intake(), None, stopped, |record| {
            if record.verdict != Verdict::Rejected {
                keys.add(&record.key);
            }
            Ok::<_, MakingError>(())
        })?;
        let began = (self.clock.now(), self.clock.wall());
        let mut snapshot = match snapshot {
            Some(snapshot) => Some(snapshot.lock().await),
            None => None,
        };
        let inquiry = Inquiry {
            client,
            settings,
            keys: &keys,
            unknown: &mut |reading| self.unknown_keys(&keys, reading, stopped),
            snapshot: snapshot.as_deref_mut(),
            now: began.1,
        };
        let mut side = read(inquiry, reading, progress).await?;
        drop(snapshot);
        let recent = self.memory.recent();
        let unseen = recent.unseen(&keys, &side.reading);
        for id in unseen.map_err(RemoteError::from)? {
            if let Some(customer) = ask_for(client, id).await? {
                side.reading.put(&customer).map_err(RemoteError::from)?;
                side.fresh.insert(id);
            }
        }
        Ok(Remote {
            taken: Some(taken),
            began,
            side,
        })
    }

    /// Reads an export, and does something else beside it.
    pub(super) fn read_export<T>(
        &self,
        export: &Path,
        beside: impl FnOnce() -> Result<T, IntakeError>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(T, Remote), MakingError> {
        let began = (self.clock.now(), self.clock.wall());
        let given_up = AtomicBool::new(false);
        let (done, exported) = thread::scope(|scope| {
            let exported = scope.spawn(|| read_export(export, self.fingerprinter(), &given_up));
            let done = beside();
            given_up.fetch_or(done.is_err(), Ordering::Relaxed);
            while !exported.is_finished() {
                given_up.fetch_or(stopped(), Ordering::Relaxed);
                thread::park_timeout(PAUSE);
            }
            let exported = exported.join();
            (done, exported.unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let done = done?;
        if given_up.into_inner() {
            return Err(IntakeError::Stopped.into());
        }
        let reading = exported.map_err(|source| MakingError::RemoteFile {
            path: export.to_path_buf(),
            source,
        })?;
        let remote = Remote {
            taken: None,
            began,
            side: RemoteSide::of_file(reading),
        };
        Ok((done, remote))
    }

    /// The rows' keys that no customer in the reading has. More keys than are held in memory are gathered from the rows again.
    fn unknown_keys(
        &self,
        keys: &WantedKeys,
        reading: &Reading,
        stopped: &dyn Fn() -> bool,
    ) -> Result<WantedKeys, ReadingError> {
        if !keys.is_too_many() {
            return keys.unknown_to(reading);
        }
        let mut unknown = WantedKeys::default();
        let gathered = each_row(&self.intake(), None, stopped, |record| {
            match record.verdict {
                Verdict::Rejected => Ok(()),
                _ => unknown.add_unknown(&record.key, reading),
            }
            .map_err(|e| MakingError::Planning(e.into()))
        });
        gathered.map_err(|e| ReadingError::Storage(io::Error::other(e)))?;
        Ok(unknown)
    }

    fn fingerprinter(&self) -> Arc<Fingerprinter> {
        let properties = self.schema.properties().map(|(name, ..)| name.to_owned());
        Arc::new(Fingerprinter::new(
            self.schema.fields().map(|(field, _)| field).collect(),
            properties.collect(),
            self.schema.tags().is_some(),
        ))
    }
}

/// Keeps what was read for the runs to come: a complete reading as the new snapshot, single customers in the one that
/// is there. That it cannot be kept is no failure of this run.
pub(super) fn keep(snapshot: &mut SnapshotFiles, side: &RemoteSide, began: Timestamp) {
    let kept = match side.way {
        way if way == Way::List.name() => snapshot.replace(began, &side.reading),
        _ => keep_fresh(snapshot, side),
    };
    if let Err(error) = kept {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "what was read could not be kept for the next run");
    }
}

fn keep_fresh(snapshot: &mut SnapshotFiles, side: &RemoteSide) -> Result<(), SnapshotError> {
    let customers = side.fresh.iter().map(|id| side.reading.customer(*id));
    let customers: Vec<RemoteCustomer> = customers
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    match snapshot.open() {
        Ok(Some(store)) => store.update(&customers),
        // That it cannot be used was told when it was to be.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// The first customer of the reading that has a userId or an e-mail address.
pub(super) fn witness(reading: &Reading) -> Result<Option<RemoteCustomer>, PlanningError> {
    for id in reading.ids().into_iter().take(MOST_WITNESSES) {
        let known = |c: &RemoteCustomer| c.user_id().is_some() || c.email().is_some();
        if let Some(customer) = reading.customer(id)?.filter(known) {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

/// Customers that are looked at.
const MOST_WITNESSES: usize = 100;
