//! Makes a plan: rows in, remote side read, every row decided and compared, the plan's files written.

mod remote;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::domain::{RemoteCustomer, RunId};
use crate::helpcrunch::ReadClient;
use crate::journal::WrittenReader;
use crate::mapping::Schema;
use crate::pace::Clock;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::codec::{PLAN_VERSION, PlanHeader, PlanInput, PlanWriter};
use crate::plan::previewer::{Previewer, most_first};
use crate::plan::safety::SafetyFigures;
use crate::plan::{Duplicates, Preview, RemoteFacts};
use crate::platform::{AtomicFile, FileError};
use crate::remote::{
    EmailCase, ReadProgress, ReadTimes, Reading, RemoteError, RemoteFileError, RemoteSettings,
    RemoteSide, SnapshotFiles, complete,
};
use crate::source::{InputFile, SourceSettings};

use super::deciding::{Asked, DecidedRows, Decider};
use super::decisions::Decisions;
use super::intake::{Intake, IntakeError, Survey, Taken};
use super::memory::Memory;
use super::merging::Merges;
use super::passes::each_row;
use super::planning::{Decision, Ground, PlanRules, Planner, PlanningError, Sinks, silent};
use super::rows::{RowDetail, RowWriter};

use remote::{Remote, keep, witness};

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

/// What the plan's first line says of its making.
#[derive(Debug, Clone)]
pub struct Origin {
    pub run_id: RunId,
    pub base_url: String,
    pub account: Option<String>,
    pub key: Option<String>,
    pub config_sha256: String,
}

/// Everything that a plan is made of.
#[derive(Debug, Clone)]
pub struct Making<'a> {
    pub inputs: &'a [InputFile],
    pub source: &'a SourceSettings,
    pub survey: &'a Survey,
    pub schema: &'a Schema,
    pub rules: &'a PlanRules,
    pub memory: &'a Memory,
    /// What the user decided about ambiguous rows.
    pub decisions: &'a Decisions,
    pub limit: Option<u64>,
    pub examples: usize,
    /// Whether the preview tells why the remote side was read as it was.
    pub explains: bool,
    pub budget: BudgetRules,
    pub remote: RemoteSource<'a>,
    pub origin: Origin,
    pub clock: Clock,
    /// Where `plan.jsonl` and `rows.jsonl` go.
    pub plan_file: &'a Path,
    pub rows_file: &'a Path,
    /// What of the rows is kept in it.
    pub row_detail: RowDetail,
    /// Where ambiguous rows go.
    pub ambiguous_file: &'a Path,
}

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
}

/// What was decided of all rows before any was compared.
#[derive(Default)]
struct Foreseen {
    taken: Option<Taken>,
    decisions: Vec<Decision>,
    notes: Vec<String>,
    merges: Merges,
}

/// A plan as it was written.
struct Compared {
    previewer: Previewer,
    budget: Budget,
    digest: String,
    taken: Taken,
    notes: Vec<String>,
}

fn merged_note(rows: u64) -> Option<String> {
    (rows > 0).then(|| {
        format!(
            "rows that are merged into an earlier row of the same customer, and skipped: {rows}"
        )
    })
}

impl Making<'_> {
    /// Makes the plan. `finished_runs` of the account decide whether the default limits guard. Every pass over the rows
    /// asks `stopped` as it goes.
    ///
    /// # Errors
    /// See [`MakingError`]. Nothing was written remotely, whatever it is.
    pub async fn make(
        &self,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        match self.make_unless(finished_runs, progress, stopped).await {
            Err(_) if stopped() => Err(IntakeError::Stopped.into()),
            made => made,
        }
    }

    async fn make_unless(
        &self,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        match self.remote {
            // It needs nothing of the rows.
            RemoteSource::File(path) => {
                let look_ahead = || self.look_ahead(stopped);
                let (schema, remote) = self.read_export(path, look_ahead, stopped)?;
                let making = self.with_schema(&schema);
                making.make_against(remote, finished_runs, stopped).await
            }
            RemoteSource::Api {
                client,
                settings,
                snapshot,
            } => {
                let schema = self.look_ahead(stopped)?;
                let making = self.with_schema(&schema);
                let api = (client, settings, snapshot);
                let remote = making.read_remote(api, progress, stopped).await?;
                making.make_against(remote, finished_runs, stopped).await
            }
        }
    }

    /// With the schema complete.
    fn with_schema<'s>(&'s self, schema: &'s Schema) -> Making<'s> {
        Making {
            schema,
            ..self.clone()
        }
    }

    async fn make_against(
        &self,
        remote: Remote,
        finished_runs: u64,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        let Remote {
            taken: keys,
            began,
            mut side,
        } = remote;
        let foreseen = match self.needs_foresight(&side) {
            true => Some(self.foresee(&mut side, stopped).await?),
            false => None,
        };
        if let RemoteSource::Api {
            snapshot: Some(snapshot),
            ..
        } = &self.remote
        {
            keep(&mut *snapshot.lock().await, &side, began.1);
        }
        let witness = witness(&side.reading)?;
        let oldest = side.snapshot.map_or(began.1, |snapshot| snapshot.as_of);
        let remote = side.facts(Clock::format(oldest));
        let read_at = ReadTimes::new(began.0, side.age(began.1));
        let Compared {
            previewer,
            budget,
            digest,
            taken,
            notes: of_rows,
        } = self.compare((keys, foreseen), &side, (&remote, began.1), stopped)?;
        let mut notes = self.survey.notes.clone();
        notes.append(&mut side.notes);
        notes.extend(taken.blank_rows_note());
        notes.extend(taken.control_note());
        notes.extend(of_rows);
        let figures = previewer.figures(side.customers, finished_runs);
        let preview = Preview {
            estimate: budget.estimate(),
            remote,
            digest,
            repaired: taken.figures.repairs,
            ignored_columns: self.schema.unused_columns().to_vec(),
            left_out: most_first(taken.figures.left_out),
            notes,
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
        })
    }

    fn intake(&self) -> Intake<'_> {
        Intake {
            inputs: self.inputs,
            settings: self.source,
            schema: self.schema,
            survey: self.survey,
            limit: self.limit,
        }
    }

    /// Whether all rows have to be decided before the first is compared: a later one may take its place or be merged into
    /// it, or customers have to be read again that rows turn out to mean.
    fn needs_foresight(&self, side: &RemoteSide) -> bool {
        let looks_back = matches!(self.rules.duplicates, Duplicates::Last | Duplicates::Merge);
        looks_back || (self.completes() && side.reading.is_silent())
    }

    /// Whether customers can be read again whose tags or properties an answer left out, and that matters.
    fn completes(&self) -> bool {
        let is_api = matches!(self.remote, RemoteSource::Api { .. });
        is_api && self.speaks_of_tags_or_properties()
    }

    async fn foresee(
        &self,
        side: &mut RemoteSide,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Foreseen, MakingError> {
        let (DecidedRows { decisions, notes }, taken) = self.decide(side, stopped)?;
        if let RemoteSource::Api { client, .. } = &self.remote
            && self.completes()
        {
            let silent = silent(&decisions, &side.reading)?;
            if !silent.is_empty() {
                complete(client, &mut side.reading, &silent).await?;
                side.fresh.extend(silent);
            }
        }
        let merges = self.merges(&decisions, stopped)?;
        Ok(Foreseen {
            taken: Some(taken),
            decisions,
            notes,
            merges,
        })
    }

    fn folder(&self) -> &Path {
        self.rows_file.parent().unwrap_or(Path::new("."))
    }

    fn speaks_of_tags_or_properties(&self) -> bool {
        self.schema.tags().is_some() || self.schema.properties().next().is_some()
    }

    fn sources(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    fn asked<'a>(&'a self, sources: &'a [String]) -> Asked<'a> {
        Asked {
            decisions: self.decisions,
            file: Some(self.ambiguous_file.to_owned()),
            sources,
        }
    }

    /// A pass over the rows that decides what each of them means.
    fn decide(
        &self,
        side: &RemoteSide,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(DecidedRows, Taken), MakingError> {
        let (written, sources) = (self.written()?, self.sources());
        let ground = self.ground(&side.reading, &written);
        let mut decider = Decider::new(ground, side.absence_counts, self.asked(&sources));
        let taken = each_row(&self.intake(), None, stopped, |record| {
            decider.row(&record)?;
            Ok::<_, MakingError>(())
        })?;
        Ok((decider.finish()?, taken))
    }

    /// What the rows that are merged into others want; another pass over the rows where there are any.
    fn merges(
        &self,
        decisions: &[Decision],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Merges, MakingError> {
        if !decisions.iter().any(|d| matches!(d, Decision::Merged(_))) {
            return Ok(Merges::default());
        }
        let mut merges = Merges::new(tempfile::tempfile_in(self.folder())?);
        let _ = each_row(&self.intake(), None, stopped, |record| {
            if let Some(Decision::Merged(first)) = decisions.get(record.row.index()) {
                merges.gather(record, *first)?;
            }
            Ok::<_, MakingError>(())
        })?;
        Ok(merges)
    }

    /// Held for one pass only: no run of the account can end meanwhile.
    fn written(&self) -> Result<WrittenReader, MakingError> {
        let written = self.memory.written(&self.rules.ownership);
        Ok(written.map_err(PlanningError::from)?)
    }

    fn ground<'g>(&'g self, reading: &'g Reading, written: &'g WrittenReader) -> Ground<'g> {
        Ground {
            rules: self.rules,
            reading,
            memory: self.memory,
            written,
        }
    }

    /// The pass over the rows that compares each with its customer and writes the plan. Rows that were not decided
    /// beforehand are decided as they come.
    fn compare(
        &self,
        (keys, foreseen): (Option<Taken>, Option<Foreseen>),
        side: &RemoteSide,
        (remote, began): (&RemoteFacts, Timestamp),
        stopped: &dyn Fn() -> bool,
    ) -> Result<Compared, MakingError> {
        let sources = self.sources();
        let rows = AtomicFile::create(self.rows_file)?;
        let sinks = Sinks {
            plan: PlanWriter::new(tempfile::tempfile_in(self.folder())?),
            rows: RowWriter::new(rows, self.row_detail),
            previewer: Previewer::new(self.examples),
            budget: Budget::new(self.budget.clone()).on_reading_of(side.age(began)),
        };
        let written = self.written()?;
        let ground = self.ground(&side.reading, &written);
        let mut decider = match foreseen {
            Some(_) => None,
            None => Some(Decider::new(
                ground,
                side.absence_counts,
                self.asked(&sources),
            )),
        };
        let Foreseen {
            taken: before,
            decisions,
            mut notes,
            merges,
        } = foreseen.unwrap_or_default();
        let merged = merges.rows();
        let mut decided = decisions.into_iter();
        let mut planner = Planner::new(ground, &sources, sinks).with_merges(merges);
        let fingerprinter = side.reading.fingerprinter();
        let taken = each_row(&self.intake(), fingerprinter, stopped, |record| {
            let decision = match &mut decider {
                Some(decider) => decider.decide(&record)?,
                None => decided.next().unwrap_or(Decision::Bad),
            };
            Ok::<_, MakingError>(planner.row(record, decision)?)
        })?;
        for earlier in [keys, before].iter().flatten() {
            is_the_same(earlier, &taken)?;
        }
        if let Some(decider) = decider {
            notes = decider.finish()?.notes;
        }
        notes.splice(0..0, merged_note(merged));
        let Sinks {
            plan,
            rows,
            previewer,
            budget,
        } = planner.sinks;
        let header = PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: self.origin.run_id.clone(),
            created_at: self.clock.rfc3339(),
            base_url: self.origin.base_url.clone(),
            account: self.origin.account.clone(),
            key: self.origin.key.clone(),
            inputs: taken.inputs.clone(),
            config_sha256: self.origin.config_sha256.clone(),
            remote: remote.clone(),
        };
        let plan_file = AtomicFile::create(self.plan_file)?;
        let (plan, digest) = plan.finish(plan_file, &header, previewer.counts())?;
        // A run is taken for planned once its plan is there: what else that needs is there before.
        rows.finish()?.commit()?;
        plan.commit()?;
        Ok(Compared {
            previewer,
            budget,
            digest,
            taken,
            notes,
        })
    }
}

/// Whether the inputs were the same in the first pass over them and in the last.
fn is_the_same(before: &Taken, after: &Taken) -> Result<(), IntakeError> {
    let changed = before
        .inputs
        .iter()
        .zip(&after.inputs)
        .find(|(a, b)| a != b);
    changed.map_or(Ok(()), |(_, input)| {
        let name = input.path.clone();
        Err(IntakeError::Changed { name })
    })
}
