//! Makes a plan: rows in, remote side read, every row decided and compared, the plan's files written.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::domain::{RemoteCustomer, RunId};
use crate::helpcrunch::ReadClient;
use crate::journal::WrittenReader;
use crate::mapping::Schema;
use crate::pace::Clock;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::codec::{PLAN_VERSION, PlanHeader, PlanInput, PlanWriter};
use crate::plan::matching::RemoteLookup;
use crate::plan::previewer::Previewer;
use crate::plan::safety::SafetyFigures;
use crate::plan::{Preview, RemoteFacts};
use crate::platform::{AtomicFile, FileError};
use crate::remote::{
    EmailCase, ReadProgress, Reading, RemoteError, RemoteFileError, RemoteSettings, RemoteSide,
    complete, read, read_file,
};
use crate::source::{InputFile, SourceSettings};

use super::deciding::{Asked, DecidedRows, Decider};
use super::decisions::Decisions;
use super::intake::{Intake, IntakeError, Survey, Taken};
use super::memory::Memory;
use super::merging::Merges;
use super::planning::{Decision, Ground, PlanRules, Planner, PlanningError, Sinks, silent};
use super::rows::{RowHead, RowReader, RowRecord};

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
#[derive(Debug)]
pub enum RemoteSource<'a> {
    Api {
        client: &'a ReadClient,
        settings: &'a RemoteSettings,
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
#[derive(Debug)]
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
    pub budget: BudgetRules,
    pub remote: RemoteSource<'a>,
    pub origin: Origin,
    pub clock: Clock,
    /// Where `plan.jsonl` and `rows.jsonl` go.
    pub plan_file: &'a Path,
    pub rows_file: &'a Path,
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
    /// When the reading of the remote side began.
    pub read_at: Instant,
    pub email_case: EmailCase,
    /// A customer of the account, by which it will be known again.
    pub witness: Option<RemoteCustomer>,
}

/// What was decided of all rows.
struct Decided {
    decisions: Vec<Decision>,
    merges: Merges,
}

fn control_note(texts: u64) -> Option<String> {
    (texts > 0).then(|| {
        format!("values with control characters (such as NUL), which are sent as they are: {texts}")
    })
}

fn merged_note(rows: u64) -> Option<String> {
    (rows > 0).then(|| {
        format!(
            "rows that are merged into an earlier row of the same customer, and skipped: {rows}"
        )
    })
}

impl Making<'_> {
    /// Makes the plan. `finished_runs` of the account decide whether the default limits guard.
    ///
    /// # Errors
    /// See [`MakingError`]. Nothing was written remotely, whatever it is.
    pub async fn make(
        &self,
        finished_runs: u64,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<MadePlan, MakingError> {
        let mut spool = tempfile::tempfile_in(self.rows_file.parent().unwrap_or(Path::new(".")))?;
        let taken = self.take_in(&mut spool, stopped)?;
        let read_at = self.clock.now();
        let as_of = self.clock.rfc3339();
        let mut side = self.read_remote(&taken, progress).await?;
        let sources = self.sources();
        let DecidedRows {
            decisions,
            notes: told,
        } = self.decide(&mut spool, &side, &sources)?;
        if let RemoteSource::Api { client, .. } = &self.remote {
            let silent = silent(&decisions, &side.reading)?;
            if self.speaks_of_tags_or_properties() && !silent.is_empty() {
                complete(client, &mut side.reading, &silent).await?;
            }
        }
        let witness = witness(&side.reading)?;
        let remote = side.facts(as_of);
        let merges = self.merges(&mut spool, &decisions)?;
        let mut notes = self.survey.notes.clone();
        notes.extend(control_note(taken.control_texts));
        notes.extend(merged_note(merges.rows()));
        notes.extend(told);
        let decided = Decided { decisions, merges };
        let (previewer, budget, digest) =
            self.compare(&mut spool, decided, &side, &taken, remote.clone())?;
        let figures = previewer.figures(side.customers, finished_runs);
        let preview = Preview {
            estimate: budget.estimate(),
            remote,
            digest,
            ignored_columns: self.schema.unused_columns().to_vec(),
            notes,
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

    fn take_in(&self, spool: &mut File, stopped: &dyn Fn() -> bool) -> Result<Taken, MakingError> {
        let intake = Intake {
            inputs: self.inputs,
            settings: self.source,
            schema: self.schema,
            limit: self.limit,
        };
        let mut out = BufWriter::with_capacity(1 << 20, spool);
        let taken = intake.take(&mut out, stopped)?;
        out.flush()?;
        Ok(taken)
    }

    fn speaks_of_tags_or_properties(&self) -> bool {
        self.schema.tags().is_some() || self.schema.properties().next().is_some()
    }

    async fn read_remote(
        &self,
        taken: &Taken,
        progress: &dyn ReadProgress,
    ) -> Result<RemoteSide, MakingError> {
        let folder = self.rows_file.parent().unwrap_or(Path::new("."));
        let mut reading = Reading::new(tempfile::tempfile_in(folder)?);
        match &self.remote {
            RemoteSource::Api { client, settings } => {
                Ok(read(client, settings, &taken.keys, reading, progress).await?)
            }
            RemoteSource::File(path) => {
                let failed = |source: RemoteFileError| MakingError::RemoteFile {
                    path: path.to_path_buf(),
                    source,
                };
                let file = File::open(path).map_err(|e| failed(e.into()))?;
                read_file(BufReader::with_capacity(1 << 20, file), &mut reading).map_err(failed)?;
                let customers = Some(reading.len());
                Ok(RemoteSide {
                    reading,
                    customers,
                    way: "file",
                    absence_counts: true,
                    email_case: EmailCase::Unknown,
                })
            }
        }
    }

    fn sources(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    fn decide(
        &self,
        spool: &mut File,
        side: &RemoteSide,
        sources: &[String],
    ) -> Result<DecidedRows, MakingError> {
        let asked = Asked {
            decisions: self.decisions,
            file: self.ambiguous_file.to_owned(),
            sources,
        };
        let written = self.written()?;
        let ground = self.ground(&side.reading, &written);
        let mut decider = Decider::new(ground, side.absence_counts, asked);
        for record in rows_of::<RowHead>(spool)? {
            decider.row(&record?)?;
        }
        Ok(decider.finish()?)
    }

    /// What the rows that are merged into others want; another pass over the spool where there are any.
    fn merges(&self, spool: &mut File, decisions: &[Decision]) -> Result<Merges, MakingError> {
        if !decisions.iter().any(|d| matches!(d, Decision::Merged(_))) {
            return Ok(Merges::default());
        }
        let folder = self.rows_file.parent().unwrap_or(Path::new("."));
        let wishes = tempfile::tempfile_in(folder)?;
        Ok(Merges::gather(
            rows_of::<RowRecord>(spool)?,
            decisions,
            wishes,
        )?)
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

    fn compare(
        &self,
        spool: &mut File,
        decided: Decided,
        side: &RemoteSide,
        taken: &Taken,
        remote: RemoteFacts,
    ) -> Result<(Previewer, Budget, String), MakingError> {
        let header = PlanHeader {
            hcsync_plan: PLAN_VERSION,
            run_id: self.origin.run_id.clone(),
            created_at: self.clock.rfc3339(),
            base_url: self.origin.base_url.clone(),
            account: self.origin.account.clone(),
            key: self.origin.key.clone(),
            inputs: taken.inputs.clone(),
            config_sha256: self.origin.config_sha256.clone(),
            remote,
        };
        let sources = self.sources();
        let mut rows = AtomicFile::create(self.rows_file)?;
        let sinks = Sinks {
            plan: PlanWriter::new(AtomicFile::create(self.plan_file)?, &header)?,
            rows: &mut rows,
            previewer: Previewer::new(self.examples),
            budget: Budget::new(self.budget.clone()),
        };
        let written = self.written()?;
        let ground = self.ground(&side.reading, &written);
        let mut planner = Planner::new(ground, &sources, sinks).with_merges(decided.merges);
        for (record, decision) in rows_of::<RowRecord>(spool)?.zip(decided.decisions) {
            planner.row(record?, decision)?;
        }
        let Sinks {
            plan,
            previewer,
            budget,
            ..
        } = planner.sinks;
        let (plan, digest) = plan.finish(previewer.counts())?;
        plan.commit()?;
        rows.commit()?;
        Ok((previewer, budget, digest))
    }
}

fn rows_of<T>(spool: &mut File) -> io::Result<RowReader<BufReader<&mut File>, T>> {
    spool.rewind()?;
    Ok(RowReader::new(BufReader::with_capacity(1 << 20, spool)))
}

/// The first customer of the reading that has a userId or an e-mail address.
fn witness(reading: &Reading) -> Result<Option<RemoteCustomer>, PlanningError> {
    for id in reading.ids().into_iter().take(MOST_WITNESSES) {
        let known = |c: &RemoteCustomer| c.user_id().is_some() || c.email().is_some();
        if let Some(customer) = reading.customer(id)?.filter(known) {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

/// So many are looked at.
const MOST_WITNESSES: usize = 100;
