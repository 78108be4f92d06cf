//! Sending lanes, alone or in a batch.

use super::{Executor, SendProgress};
use crate::domain::RemoteCustomer;
use crate::outcome::OperationResult;
use crate::plan::{Operation, OperationKind};
use crate::run::lane::{LaneContext, LaneJob, SendSlot};
use crate::run::merge::whole_body;

impl<P: SendProgress> Executor<'_, P> {
    /// Lets a lane be sent, by itself or in a batch.
    pub(super) fn place(&mut self, mut job: LaneJob) {
        leave_out(&self.lanes.context, &mut job);
        let in_batch = self.goes_in_batch(&job);
        self.scheduler.place(job, in_batch);
    }

    fn goes_in_batch(&self, job: &LaneJob) -> bool {
        let operations = &job.lane.operations;
        let has_properties = |customer: &RemoteCustomer| customer.custom_data.is_reported();
        let can_send_whole_set = match (operations.first(), self.rules.batch) {
            (Some(Operation::Patch(patch)), Some(batch)) if batch.whole => {
                let before = job.before.as_ref();
                before.is_some_and(|before| whole_body(patch, before, &[]).is_some())
            }
            (Some(Operation::Patch(patch)), Some(batch)) => {
                batch.merges
                    || patch.custom_data.is_empty()
                    || job.before.as_ref().is_some_and(has_properties)
            }
            _ => false,
        };
        let patched = job.progress.result(OperationKind::Patch);
        can_send_whole_set
            && self.rules.can_batch(operations)
            && job.lane.customer.is_some()
            && !patched.is_some_and(OperationResult::is_done)
    }

    /// Sends patches together. Each lane then continues by itself; a lane that is alone is sent as a single patch.
    pub(super) async fn send_batch(&mut self, jobs: Vec<LaneJob>) {
        let Some(permit) = self.acquire_permit().await else {
            return self.scheduler.end_unsent(jobs.len());
        };
        self.tasks.spawn(self.lanes.clone().run_batch(jobs, permit));
    }

    /// Sends a lane as soon as a permit is free.
    pub(super) async fn send(&mut self, mut job: LaneJob) {
        let Some(permit) = self.acquire_permit().await else {
            return self.scheduler.end_unsent(1);
        };
        // Other lanes may have been refused while this one waited.
        leave_out(&self.lanes.context, &mut job);
        let slot = SendSlot::Held(permit);
        self.tasks.spawn(self.lanes.clone().run_lane(job, slot));
    }
}

/// Takes out of a lane that has not begun what the API refuses for all rows.
fn leave_out(context: &LaneContext, job: &mut LaneJob) {
    if job.progress.has_applied(job.lane.customer.is_none()) {
        return;
    }
    let operations = &mut job.lane.operations;
    if let Some(left_out) = context.refusals.leave_out(operations, &context.columns) {
        job.left_out = Some(left_out);
    }
}
