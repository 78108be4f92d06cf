use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use crate::domain::RunId;
use crate::helpcrunch::ReadClient;
use crate::journal::Tracked;
use crate::mapping::UnitSurvey;
use crate::platform::FileError;
use crate::remote::{RemoteError, RemoteFileError, RemoteSettings, SnapshotFiles};
use crate::run::intake::IntakeError;
use crate::run::planning::PlanningError;

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum MakingError {
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("{}: {source}", path.display())]
    RemoteFile {
        path: PathBuf,
        source: RemoteFileError,
    },
    #[error(transparent)]
    Planning(#[from] PlanningError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the run's files cannot be written")]
    Io(#[from] io::Error),
    /// Never leaves `Making::make`.
    #[error("all rows together decide other units for dates than the first ones")]
    OtherUnits(Box<UnitSurvey>),
    /// Never leaves `Making::make`.
    #[error("rows have keys that the snapshot does not know")]
    UnknownKeys,
}

/// Where the remote side comes from.
#[derive(Debug, Clone, Copy)]
pub enum RemoteSource<'a> {
    Api {
        client: &'a ReadClient,
        settings: &'a RemoteSettings,
        /// The account's snapshot, where this process has it.
        snapshot: Option<&'a Mutex<SnapshotFiles>>,
    },
    /// An export.
    File(&'a Path),
}

/// The customers that are tracked for a config and its match keys.
#[derive(Debug, Clone)]
pub struct Tracking {
    /// Stands for that config in the names of files.
    pub name: String,
    pub tracked: Tracked,
}

/// What the plan's first line says of its making.
#[derive(Debug, Clone)]
pub struct Origin {
    pub run_id: RunId,
    pub base_url: String,
    pub account: Option<String>,
    pub key: Option<String>,
    pub config_sha256: String,
}
