use serde::Serialize;

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A process works on it.
    Running,
    /// It sent a part of its plan, and can be resumed.
    Interrupted,
    Applied,
    /// A plan or dry run, finished.
    Planned,
    /// A plan or dry run, not finished; it may still be running.
    Planning,
    /// It was refused, declined or stopped before it sent anything.
    NothingSent,
    Superseded,
}

impl RunStatus {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Applied => "applied",
            Self::Planned => "planned",
            Self::Planning => "planning",
            Self::NothingSent => "nothing sent",
            Self::Superseded => "superseded",
        }
    }
}
