//! Reads the remote side for a plan, and keeps what was read for later runs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::helpcrunch::ReadClient;
use crate::mapping::Schema;
use crate::plan::fingerprint::{Fingerprinter, ManagedAttributes};
use crate::remote::{
    FirstReading, ReadProgress, Reading, RemoteError, RemoteQuery, RemoteSettings, RemoteSide,
    SnapshotFiles, may_use_snapshot, read, read_export, read_first,
};
use crate::run::intake::{IntakeError, Taken};
use crate::run::recent::get_if_exists;
use crate::run::schema_of_rows::SchemaOfRows;

use super::row_keys::RowKeys;
use super::{Making, MakingError, RemoteSource};

/// The remote side, and when it began to be read.
pub(super) struct Remote {
    /// What a pass over the rows for their keys found, where there was one.
    pub(super) taken: Option<Taken>,
    pub(super) began: (Instant, Timestamp),
    pub(super) side: RemoteSide,
    /// There was no such pass: the snapshot is taken to know all keys of the rows, or else no customer to have them.
    pub(super) opening: Option<FirstReading>,
    /// Whether it was kept for later runs already.
    pub(super) is_kept: bool,
}

/// The API, its settings and the account's snapshot.
pub(super) type Api<'a> = (
    &'a ReadClient,
    &'a RemoteSettings,
    Option<&'a Mutex<SnapshotFiles>>,
);

impl Remote {
    /// The snapshot, where it was loaded before the keys of the rows were known.
    pub(super) fn snapshot(&self) -> Option<&Reading> {
        let opening = self.opening.as_ref()?;
        opening.has_snapshot().then_some(&self.side.reading)
    }
}

impl Making<'_> {
    /// Completes the schema from the first rows.
    pub(super) fn look_ahead(
        &self,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Arc<Schema>, IntakeError> {
        SchemaOfRows::new(self.schema, self.inputs, self.source, stopped).look_ahead(self.limit)
    }

    pub(super) async fn read_remote(
        &self,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        match self.api() {
            Ok(api) => self.read_api(api, progress, stopped).await,
            Err(path) => self.read_export(path, stopped),
        }
    }

    /// Reads what is missing where the snapshot does not know all keys of the rows.
    pub(super) async fn read_unknown(
        &self,
        remote: Remote,
        keys: RowKeys,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        let Remote {
            began,
            side,
            opening,
            ..
        } = remote;
        let opened = opening.map(|opening| (began, opening, side.reading));
        match self.api() {
            Ok(api) => {
                self.read_by_keys(api, keys, opened, progress, stopped)
                    .await
            }
            Err(path) => self.read_export(path, stopped),
        }
    }

    /// The API, or else the export that stands for it.
    pub(super) fn api(&self) -> Result<Api<'_>, &Path> {
        match self.remote {
            RemoteSource::File(path) => Err(path),
            RemoteSource::Api {
                client,
                settings,
                snapshot,
            } => Ok((client, settings, snapshot)),
        }
    }

    /// Reads the remote side from the API. If there is a usable snapshot, no customer is taken to have a key that it does not know;
    /// else the API is asked once the keys are known, as they may be what is looked for.
    async fn read_api(
        &self,
        api: Api<'_>,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        let (client, settings, snapshot) = api;
        let needs_all_rows = self.rules.duplicates.depends_on_later_rows();
        let began = (self.clock.now(), self.clock.wall());
        let mut files = locked(snapshot).await;
        let may_use = may_use_snapshot(files.as_deref_mut(), settings, began.1);
        let needs_keys = needs_all_rows || self.explains || !self.memory.recent().is_empty();
        if needs_keys || !may_use {
            drop(files);
            let keys = self.row_keys(None, stopped)?;
            return self.read_by_keys(api, keys, None, progress, stopped).await;
        }
        let files = files.as_deref_mut();
        let reading = self.empty_reading()?;
        let (opening, reading) = read_first(client, settings, files, began.1, reading).await?;
        Ok(Remote {
            taken: None,
            began,
            side: opening.snapshot_alone(reading, settings),
            opening: Some(opening),
            is_kept: false,
        })
    }

    pub(super) fn empty_reading(&self) -> io::Result<Reading> {
        let file = tempfile::tempfile_in(self.folder())?;
        let reading = Reading::new(file).with_fingerprints(self.fingerprinter());
        Ok(reading.with_memory_limit(self.memory_limit()))
    }

    /// Reads the remote side once the keys of the rows are known. `opened`: what was read before.
    pub(super) async fn read_by_keys(
        &self,
        (client, settings, snapshot): Api<'_>,
        row_keys: RowKeys,
        opened: Option<((Instant, Timestamp), FirstReading, Reading)>,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        let RowKeys {
            all: keys,
            mut unknown,
            taken,
        } = row_keys;
        let (began, opening, reading) = match opened {
            Some(opened) => opened,
            None => {
                let began = (self.clock.now(), self.clock.wall());
                let mut files = locked(snapshot).await;
                let files = files.as_deref_mut();
                let reading = self.empty_reading()?;
                let (opening, reading) =
                    read_first(client, settings, files, began.1, reading).await?;
                (began, opening, reading)
            }
        };
        let query = RemoteQuery {
            client,
            settings,
            keys: &keys,
            missing_keys: &mut |reading| match unknown.take() {
                Some(unknown) => Ok(unknown),
                None => self.unknown_keys(&keys, reading, stopped),
            },
        };
        let mut side = read(query, (opening, reading), progress).await?;
        let recent = self.memory.recent();
        let unseen = recent.unseen(&keys, &side.reading);
        for id in unseen.map_err(RemoteError::from)? {
            if let Some(customer) = get_if_exists(client, id).await? {
                side.reading.put(&customer).map_err(RemoteError::from)?;
                side.fresh.insert(id);
            }
        }
        Ok(Remote {
            taken: Some(taken),
            began,
            side,
            opening: None,
            is_kept: false,
        })
    }

    fn read_export(
        &self,
        export: &Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Remote, MakingError> {
        let began = (self.clock.now(), self.clock.wall());
        let how = (self.fingerprinter(), self.memory_limit());
        let reading = read_export(export, how, stopped);
        let reading = reading.map_err(|source| MakingError::RemoteFile {
            path: export.to_path_buf(),
            source,
        })?;
        if stopped() {
            return Err(IntakeError::Stopped.into());
        }
        Ok(Remote {
            taken: None,
            began,
            side: RemoteSide::of_file(reading),
            opening: None,
            is_kept: false,
        })
    }

    fn fingerprinter(&self) -> Arc<Fingerprinter> {
        let properties = self.schema.properties().map(|(name, ..)| name.to_owned());
        let managed = ManagedAttributes {
            fields: self.schema.fields().map(|(field, _)| field).collect(),
            properties: properties.collect(),
            tags: self.schema.tags().is_some(),
        };
        Arc::new(Fingerprinter::new(managed, fastrand::u64(..)))
    }
}

async fn locked<T>(mutex: Option<&Mutex<T>>) -> Option<MutexGuard<'_, T>> {
    match mutex {
        Some(mutex) => Some(mutex.lock().await),
        None => None,
    }
}
