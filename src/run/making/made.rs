//! Makes a plan against a reading of the remote side.

use crate::domain::RemoteCustomer;
use crate::journal::Tracked;
use crate::pace::Clock;
use crate::plan::Preview;
use crate::plan::codec::PlanInput;
use crate::plan::previewer::{Previewer, by_count};
use crate::plan::safety::SafetyFigures;
use crate::remote::{EmailCase, FirstReading, ReadProgress, ReadTimes, RemoteSide};
use crate::run::intake::Taken;

use super::comparison::RemoteContext;
use super::kept::{keep, witness};
use super::plan_file::WrittenPlan;
use super::remote::Remote;
use super::{Making, MakingError, RemoteSource};

/// A plan, with what is to be known of it.
#[derive(Debug)]
pub struct MadePlan {
    pub preview: Preview,
    pub figures: SafetyFigures,
    pub rows: u64,
    pub bytes: u64,
    pub inputs: Vec<PlanInput>,
    /// When the customers were read.
    pub read_at: ReadTimes,
    pub email_case: EmailCase,
    /// A customer of the account, by which it will be known again.
    pub witness: Option<RemoteCustomer>,
    /// What is tracked once the plan is sent.
    pub tracked: Option<Tracked>,
}

impl Making<'_> {
    pub(super) async fn make_against(
        &self,
        remote: &mut Remote,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        let began = remote.began;
        let needs_foresight = self.needs_foresight(&remote.side);
        let is_unusable = |opening: &FirstReading| needs_foresight || !opening.has_snapshot();
        if remote.opening.as_ref().is_some_and(is_unusable) {
            return Err(MakingError::UnknownKeys);
        }
        let foreseen = match needs_foresight {
            true => Some(self.foresee(&mut remote.side, stopped).await?),
            false => None,
        };
        self.keep_once(remote).await;
        let mut rows = self.compare(
            (remote.taken.as_ref(), foreseen),
            RemoteContext {
                side: &remote.side,
                began: began.1,
                gathers_unknown: remote.opening.is_some(),
            },
            stopped,
        )?;
        let unknown = std::mem::take(&mut rows.unknown);
        self.search_unknown(remote, (unknown, &rows.taken), progress, stopped)
            .await?;
        let side = &mut remote.side;
        let witness = witness(&side.reading)?;
        let oldest = side.snapshot.map_or(began.1, |snapshot| snapshot.as_of);
        let remote = side.facts(Clock::format(oldest));
        let read_at = ReadTimes::new(began.0, side.age(began.1));
        let (missing, tracked) = self.plan_missing(&mut rows, side).await?.unzip();
        let missing_figures = missing.as_ref().map(|missing| missing.figures);
        let WrittenPlan {
            previewer,
            budget,
            digest,
            taken,
            notes: of_rows,
        } = self.write_plan(rows, &remote, missing)?;
        let notes = self.notes(side, &taken, &previewer, of_rows);
        let figures = SafetyFigures {
            missing: missing_figures,
            ..previewer.figures(side.customers, finished_runs)
        };
        let preview = Preview {
            estimate: budget.estimate(),
            remote,
            digest,
            repaired: taken.figures.repairs,
            ignored_columns: self.schema.unused_columns().to_vec(),
            left_out: by_count(taken.figures.left_out),
            notes,
            missing: missing_figures.filter(|missing| missing.customers > 0),
            explain: side.explanation.take().filter(|_| self.explains),
            ..previewer.finish(side.reading.names())
        };
        let (rows, bytes, inputs, email_case) =
            (taken.rows, taken.bytes, taken.inputs, side.email_case);
        Ok(MadePlan {
            preview,
            figures,
            rows,
            bytes,
            inputs,
            read_at,
            email_case,
            witness,
            tracked,
        })
    }

    /// Keeps what was read for later runs, unless that was done before.
    async fn keep_once(&self, remote: &mut Remote) {
        if let RemoteSource::Api {
            snapshot: Some(snapshot),
            ..
        } = &self.remote
            && !remote.is_kept
        {
            keep(&mut *snapshot.lock().await, &remote.side, remote.began.1);
            remote.is_kept = true;
        }
    }

    fn notes(
        &self,
        side: &mut RemoteSide,
        taken: &Taken,
        previewer: &Previewer,
        of_rows: Vec<String>,
    ) -> Vec<String> {
        let mut notes = self.survey.notes.clone();
        notes.append(&mut side.notes);
        notes.extend(taken.blank_rows_note());
        notes.extend(taken.filtered_note());
        notes.extend(taken.control_note());
        notes.extend(of_rows);
        notes.extend(previewer.long_texts_note(self.memory.property_length()));
        notes
    }
}
