use crate::domain::Issue;
use crate::run::in_doubt::has_doubts;
use crate::run::lane::LaneJob;

/// What a fresh reading means for a lane.
#[derive(Debug)]
pub enum Refreshed {
    /// It is sent as planned.
    Unchanged(LaneJob),
    /// It is sent with other operations.
    Replanned(LaneJob),
    /// Nothing is sent: the row is skipped, as the mode demands.
    Skipped(LaneJob),
    /// Nothing is sent: the row fails with this issue.
    Failed(LaneJob, Issue),
}

impl Refreshed {
    /// Says in the issue of a failed row that what was sent before may have been applied.
    pub(super) fn with_doubts(self) -> Self {
        match self {
            Self::Failed(job, mut issue) if has_doubts(&job.lane, &job.progress) => {
                let doubt = "; what was sent before may have been applied";
                issue.message.push_str(doubt);
                let hint = "check the customer in HelpCrunch, and make the plan again";
                Self::Failed(job, issue.hint(hint))
            }
            other => other,
        }
    }
}
