//! Makes a plan: rows in, remote side read, every row decided and compared, the plan's files written.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::{RemoteCustomer, RunId};
use crate::helpcrunch::ReadClient;
use crate::journal::WrittenReader;
use crate::mapping::Schema;
use crate::pace::Clock;
use crate::plan::budget::{Budget, BudgetRules};
use crate::plan::codec::{PLAN_VERSION, PlanHeader, PlanInput, PlanWriter};
use crate::plan::fingerprint::Fingerprinter;
use crate::plan::matching::RemoteLookup;
use crate::plan::previewer::{Previewer, most_first};
use crate::plan::safety::SafetyFigures;
use crate::plan::{Preview, RemoteFacts};
use crate::platform::{AtomicFile, FileError};
use crate::remote::{
    EmailCase, Inquiry, ReadProgress, ReadTimes, Reading, ReadingError, RemoteError,
    RemoteFileError, RemoteSettings, RemoteSide, SnapshotError, SnapshotFiles, WantedKeys, Way,
    complete, read, read_export,
};
use crate::source::{InputFile, SourceSettings};

use super::ahead::read_ahead;
use super::deciding::{Asked, DecidedRows, Decider};
use super::decisions::Decisions;
use super::intake::{Intake, IntakeError, SpoolSink, Survey, Taken};
use super::memory::Memory;
use super::merging::Merges;
use super::planning::{Decision, Ground, PlanRules, Planner, PlanningError, Sinks, silent};
use super::recent::ask_for;
use super::rows::{RowHead, RowReader, RowRecord, Verdict};

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
    /// Whether the preview tells why the remote side was read as it was.
    pub explains: bool,
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
    /// When the customers were read.
    pub read_at: ReadTimes,
    pub email_case: EmailCase,
    /// A customer of the account, by which it will be known again.
    pub witness: Option<RemoteCustomer>,
}

/// The input and the remote side, and when the latter began to be read.
struct Both {
    taken: Taken,
    began: (Instant, Timestamp),
    side: RemoteSide,
}

/// What was decided of all rows.
struct Decided {
    decisions: Vec<Decision>,
    merges: Merges,
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
        let mut spool = tempfile::tempfile_in(self.folder())?;
        let Both {
            taken,
            began,
            mut side,
        } = self.read_both(&mut spool, progress, stopped).await?;
        let sources = self.sources();
        let DecidedRows {
            decisions,
            notes: told,
        } = self.decide(&mut spool, &side, &sources, stopped)?;
        if let RemoteSource::Api {
            client, snapshot, ..
        } = &self.remote
        {
            let silent = silent(&decisions, &side.reading)?;
            if self.speaks_of_tags_or_properties() && !silent.is_empty() {
                complete(client, &mut side.reading, &silent).await?;
                side.fresh.extend(silent);
            }
            if let Some(snapshot) = snapshot {
                keep(&mut *snapshot.lock().await, &side, began.1);
            }
        }
        let witness = witness(&side.reading)?;
        let oldest = side.snapshot.map_or(began.1, |snapshot| snapshot.as_of);
        let remote = side.facts(Clock::format(oldest));
        let read_at = ReadTimes::new(began.0, side.age(began.1));
        let merges = self.merges(&mut spool, &decisions, stopped)?;
        let mut notes = self.survey.notes.clone();
        notes.append(&mut side.notes);
        notes.extend(taken.blank_rows_note());
        notes.extend(taken.control_note());
        notes.extend(merged_note(merges.rows()));
        notes.extend(told);
        let decided = Decided { decisions, merges };
        let (previewer, budget, digest) = self.compare(
            &mut spool,
            decided,
            &side,
            (&taken, &remote, began.1),
            stopped,
        )?;
        let figures = previewer.figures(side.customers, finished_runs);
        let preview = Preview {
            estimate: budget.estimate(),
            remote,
            digest,
            repaired: taken.repairs,
            ignored_columns: self.schema.unused_columns().to_vec(),
            left_out: most_first(taken.left_out),
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

    fn take_in(&self, spool: &mut File, stopped: &dyn Fn() -> bool) -> Result<Taken, MakingError> {
        let intake = Intake {
            inputs: self.inputs,
            settings: self.source,
            schema: self.schema,
            survey: self.survey,
            limit: self.limit,
        };
        let mut sink = SpoolSink(BufWriter::with_capacity(1 << 20, spool));
        let taken = intake.take(&mut sink, stopped)?;
        sink.0.flush()?;
        Ok(taken)
    }

    /// Takes the rows in and reads the remote side: after them, since their keys may be what is looked for. An export
    /// needs no keys and is read beside them.
    async fn read_both(
        &self,
        spool: &mut File,
        progress: &dyn ReadProgress,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Both, MakingError> {
        let (client, settings, snapshot) = match &self.remote {
            RemoteSource::Api {
                client,
                settings,
                snapshot,
            } => (client, settings, snapshot),
            RemoteSource::File(path) => {
                let began = (self.clock.now(), self.clock.wall());
                let (taken, reading) = self.take_in_beside(path, spool, stopped)?;
                let side = RemoteSide::of_file(reading);
                return Ok(Both { taken, began, side });
            }
        };
        let reading = Reading::new(tempfile::tempfile_in(self.folder())?)
            .with_fingerprints(self.fingerprinter());
        let taken = self.take_in(spool, stopped)?;
        let began = (self.clock.now(), self.clock.wall());
        let mut snapshot = match snapshot {
            Some(snapshot) => Some(snapshot.lock().await),
            None => None,
        };
        let inquiry = Inquiry {
            client,
            settings,
            keys: &taken.keys,
            unknown: &mut |reading| unknown_keys(&taken.keys, spool, reading, stopped),
            snapshot: snapshot.as_deref_mut(),
            now: began.1,
        };
        let mut side = read(inquiry, reading, progress).await?;
        drop(snapshot);
        let recent = self.memory.recent();
        let unseen = recent.unseen(&taken.keys, &side.reading);
        for id in unseen.map_err(RemoteError::from)? {
            if let Some(customer) = ask_for(client, id).await? {
                side.reading.put(&customer).map_err(RemoteError::from)?;
                side.fresh.insert(id);
            }
        }
        Ok(Both { taken, began, side })
    }

    /// Takes the rows in while an export is read.
    fn take_in_beside(
        &self,
        export: &Path,
        spool: &mut File,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Taken, Reading), MakingError> {
        let given_up = AtomicBool::new(false);
        let (taken, exported) = thread::scope(|scope| {
            let exported = scope.spawn(|| read_export(export, self.fingerprinter(), &given_up));
            let taken = self.take_in(spool, stopped);
            given_up.store(taken.is_err(), Ordering::Relaxed);
            while !exported.is_finished() {
                given_up.fetch_or(stopped(), Ordering::Relaxed);
                thread::park_timeout(STOP_PAUSE);
            }
            let exported = exported.join();
            (taken, exported.unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let failed = |source| MakingError::RemoteFile {
            path: export.to_path_buf(),
            source,
        };
        Ok((taken?, exported.map_err(failed)?))
    }

    fn fingerprinter(&self) -> Arc<Fingerprinter> {
        let properties = self.schema.properties().map(|(name, ..)| name.to_owned());
        Arc::new(Fingerprinter::new(
            self.schema.fields().map(|(field, _)| field).collect(),
            properties.collect(),
            self.schema.tags().is_some(),
        ))
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

    fn decide(
        &self,
        spool: &mut File,
        side: &RemoteSide,
        sources: &[String],
        stopped: &dyn Fn() -> bool,
    ) -> Result<DecidedRows, MakingError> {
        let asked = Asked {
            decisions: self.decisions,
            file: Some(self.ambiguous_file.to_owned()),
            sources,
        };
        let written = self.written()?;
        let ground = self.ground(&side.reading, &written);
        let mut decider = Decider::new(ground, side.absence_counts, asked);
        read_ahead(rows_of::<RowHead>(spool)?, |rows| {
            for record in unless(stopped, rows) {
                decider.row(&record?)?;
            }
            Ok(decider.finish()?)
        })
    }

    /// What the rows that are merged into others want; another pass over the spool where there are any.
    fn merges(
        &self,
        spool: &mut File,
        decisions: &[Decision],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Merges, MakingError> {
        if !decisions.iter().any(|d| matches!(d, Decision::Merged(_))) {
            return Ok(Merges::default());
        }
        let wishes = tempfile::tempfile_in(self.folder())?;
        Ok(Merges::gather(
            unless(stopped, rows_of::<RowRecord>(spool)?),
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
        (taken, remote, began): (&Taken, &RemoteFacts, Timestamp),
        stopped: &dyn Fn() -> bool,
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
            remote: remote.clone(),
        };
        let sources = self.sources();
        let mut rows = AtomicFile::create(self.rows_file)?;
        let sinks = Sinks {
            plan: PlanWriter::new(AtomicFile::create(self.plan_file)?, &header)?,
            rows: &mut rows,
            previewer: Previewer::new(self.examples),
            budget: Budget::new(self.budget.clone()).on_reading_of(side.age(began)),
        };
        let written = self.written()?;
        let ground = self.ground(&side.reading, &written);
        let mut planner = Planner::new(ground, &sources, sinks).with_merges(decided.merges);
        read_ahead(rows_of::<RowRecord>(spool)?, |rows| {
            for (record, decision) in unless(stopped, rows).zip(decided.decisions) {
                planner.row(record?, decision)?;
            }
            Ok::<_, MakingError>(())
        })?;
        let Sinks {
            plan,
            previewer,
            budget,
            ..
        } = planner.sinks;
        let (plan, digest) = plan.finish(previewer.counts())?;
        // A run is taken for planned once its plan is there: what else that needs is there before.
        rows.commit()?;
        plan.commit()?;
        Ok((previewer, budget, digest))
    }
}

/// The rows' keys that nobody in the reading has. More keys than are held in memory are read from the spool again.
fn unknown_keys(
    keys: &WantedKeys,
    spool: &mut File,
    reading: &Reading,
    stopped: &dyn Fn() -> bool,
) -> Result<WantedKeys, ReadingError> {
    if !keys.is_too_many() {
        return keys.unknown_to(reading);
    }
    let mut unknown = WantedKeys::default();
    for record in unless(stopped, rows_of::<RowHead>(spool)?) {
        let record = record?;
        if record.verdict != Verdict::Rejected {
            unknown.add_unknown(&record.key, reading)?;
        }
    }
    Ok(unknown)
}

/// Keeps what was read for the runs to come: a complete reading as the new snapshot, single customers in the one that
/// is there. That it cannot be kept is no failure of this run.
fn keep(snapshot: &mut SnapshotFiles, side: &RemoteSide, began: Timestamp) {
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

fn rows_of<T>(spool: &mut File) -> io::Result<RowReader<BufReader<&mut File>, T>> {
    spool.rewind()?;
    Ok(RowReader::new(BufReader::with_capacity(1 << 20, spool)))
}

/// The rows, with an error among them once the run is stopped.
fn unless<T>(
    stopped: &dyn Fn() -> bool,
    rows: impl Iterator<Item = io::Result<T>>,
) -> impl Iterator<Item = io::Result<T>> {
    rows.enumerate().map(|(index, row)| match row {
        Ok(_) if index % ROWS_BETWEEN_LOOKS == 0 && stopped() => {
            Err(io::ErrorKind::Interrupted.into())
        }
        row => row,
    })
}

/// Milliseconds of work.
const ROWS_BETWEEN_LOOKS: usize = 512;
const STOP_PAUSE: Duration = Duration::from_millis(20);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_over_rows_ends_soon_after_the_run_is_stopped() {
        let looks = std::cell::Cell::new(0);
        let stopped = || {
            looks.set(looks.get() + 1);
            looks.get() > 2
        };
        let rows = unless(&stopped, (0..10_000).map(Ok));
        let taken = rows.take_while(Result::is_ok).count();
        assert_eq!(taken, 2 * ROWS_BETWEEN_LOOKS);
        assert_eq!(
            unless(&|| false, (0..10_000).map(Ok)).flatten().count(),
            10_000
        );
    }
}
