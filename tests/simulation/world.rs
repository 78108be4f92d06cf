//! A whole program beside a whole server: plans are made, sent, cut off by crashes and gone on with as the program
//! does it, with the journal on a simulated disk. Everything follows from the options; real time does not matter.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hcsync::domain::{Columns, RunId};
use hcsync::helpcrunch::{
    Gate, GateParts, LimitSettings, ReadClient, Scrubber, StopKind, StopTokens, WriteClient,
};
use hcsync::journal::testing::{SimulatedFile, create_writer, lazily, resume_writer};
use hcsync::journal::{
    Begin, FinishedRows, JOURNAL_VERSION, JournalRecord, JournalWriter, Recovered, RowProgress,
    RunDir, Settled, recover,
};
use hcsync::mapping::{MappingSettings, Schema};
use hcsync::outcome::{RowResult, RowStatus};
use hcsync::pace::{Clock, Limiter};
use hcsync::plan::budget::BudgetRules;
use hcsync::plan::codec::{PlanHeader, verify};
use hcsync::plan::writes::{UpdateScope, WriteRules};
use hcsync::plan::{Duplicates, Lane, MatchSettings, Ownership, Preview, SyncMode};
use hcsync::remote::{ReadProgress, ReadTimes, RemoteSettings};
use hcsync::run::batch::{
    BatchMemory, Batches, RowAlerts, open_watch, resume_watch, settle_watch, watch_closed,
};
use hcsync::run::executor::{Executor, ExecutorSettings, MAX_SETTLING, SendOutcome, SendProgress};
use hcsync::run::field_refusals::FieldRefusals;
use hcsync::run::freshness::{RefreshMode, Refresher};
use hcsync::run::in_doubt::{created, is_unsettled, settle_writes};
use hcsync::run::intake::survey;
use hcsync::run::jobs::Jobs;
use hcsync::run::lane::LaneContext;
use hcsync::run::making::{MadePlan, Making, MakingError, Origin, RemoteSource};
use hcsync::run::memory::Memory;
use hcsync::run::planning::{MissingRules, PlanRules};
use hcsync::run::replay::write_rows_of;
use hcsync::run::rereading::Rereading;
use hcsync::run::results::{Results, SendState};
use hcsync::run::rows::RowDetail;
use hcsync::run::settle::{CreateInDoubt, Settlement, Settler};
use hcsync::run::undo::UndoMaking;
use hcsync::run::user_choices::UserChoices;
use hcsync::sandbox::{LoggedRequest, Options, Quirks, Sandbox, Schedule};
use hcsync::source::{InputFile, SourceSettings};
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::disk::Disk;
use crate::plug::{Crash, Plug};
use crate::wire::Wire;

/// What a world is made of, besides its seed.
#[derive(Debug, Clone)]
pub(crate) struct WorldOptions {
    /// Customers that are there from the beginning.
    pub(crate) customers: Vec<Value>,
    pub(crate) quirks: Quirks,
    pub(crate) schedule: Schedule,
    /// The limit of the server; the client's own is in `limits`.
    pub(crate) server_limit: u32,
    pub(crate) limits: LimitSettings,
    pub(crate) timeout: Duration,
    pub(crate) source: SourceSettings,
    pub(crate) mapping: MappingSettings,
    pub(crate) matching: MatchSettings,
    pub(crate) duplicates: Duplicates,
    pub(crate) mode: SyncMode,
    pub(crate) remote: RemoteSettings,
    pub(crate) max_failures: u64,
    /// What processes know of how the account takes writes.
    pub(crate) rules: WriteRules,
    /// As `apply` sends a plan, not as `sync`.
    pub(crate) is_exact: bool,
    /// Processes die and the machine goes on: what they handed to the system stays.
    pub(crate) has_power: bool,
    /// A power cut leaves nothing of what was not synced, and nothing is synced before it has to be; else it leaves a random part.
    pub(crate) loses_tail: bool,
    pub(crate) memory_limit: Option<u64>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            customers: Vec::new(),
            quirks: Quirks::default(),
            schedule: Schedule::default(),
            server_limit: 120,
            limits: LimitSettings::default(),
            timeout: Duration::from_secs(30),
            source: SourceSettings::default(),
            mapping: MappingSettings::default(),
            matching: MatchSettings::default(),
            duplicates: Duplicates::default(),
            mode: SyncMode::default(),
            remote: RemoteSettings::default(),
            max_failures: 100,
            rules: WriteRules::default(),
            is_exact: false,
            has_power: false,
            loses_tail: false,
            memory_limit: None,
        }
    }
}

/// What a run that came to its end, or whose place was taken, tells of its rows.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) results: Vec<RowResult>,
    /// Numbers of its first and its last request.
    pub(crate) requests: (u64, u64),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Finished,
    /// The gate closed.
    Stopped(StopKind),
    TooManyFailures,
    /// The plug was pulled.
    Crashed,
    /// It could not go on; resumable.
    Failed(String),
}

/// What one process did, and what its files say afterwards.
#[derive(Debug, Clone)]
pub(crate) struct RunOutcome {
    /// Of every row; none where there is no plan yet.
    pub(crate) results: Vec<RowResult>,
    /// Nothing where the process ended before its plan was made.
    pub(crate) preview: Option<Preview>,
    pub(crate) ended: Ended,
}

impl RunOutcome {
    pub(crate) fn count(&self, status: RowStatus) -> usize {
        self.results.iter().filter(|r| r.status == status).count()
    }
}

/// The run that a world's files hold.
#[derive(Debug)]
struct Run {
    number: u32,
    digest: String,
    /// Requests before it began.
    requests_before: u64,
    /// Nothing before the sending began.
    journal: Option<SimulatedFile>,
}

/// A server, and the disk of a machine on which processes sync one after another.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    options: WorldOptions,
    sandbox: Sandbox,
    folder: TempDir,
    clock: Clock,
    rng: fastrand::Rng,
    crash: Option<Crash>,
    runs: u32,
    run: Option<Run>,
    /// What the account remembers of values that the server does not keep.
    memory: Memory,
    appends: u64,
    lost: Arc<Lost>,
    superseded: Vec<Told>,
}

/// The account's memory of what batches lost.
#[derive(Debug, Default)]
struct Lost(Mutex<UpdateScope>);

impl BatchMemory for Lost {
    fn update_lost(&self, lost: UpdateScope) {
        let mut known = self.0.lock().unwrap();
        *known = known.union(lost);
    }
}

/// What a process holds in memory.
struct Process {
    plug: Arc<Plug>,
    stops: StopTokens,
    client: ReadClient,
}

impl World {
    /// A world at a fixed wall time. To be made under a paused clock.
    pub(crate) fn new(seed: u64, options: WorldOptions) -> Self {
        let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let sandbox = Sandbox::new(Options {
            customers: options.customers.clone(),
            requests_per_minute: options.server_limit,
            seed,
            refused_key: None,
            quirks: options.quirks.clone(),
            schedule: options.schedule.clone(),
            started_at,
        });
        Self {
            seed,
            options,
            sandbox: sandbox.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::start(started_at),
            rng: fastrand::Rng::with_seed(seed),
            crash: None,
            runs: 0,
            run: None,
            memory: Memory::default(),
            appends: 0,
            lost: Arc::default(),
            superseded: Vec::new(),
        }
    }

    /// The next process dies there.
    pub(crate) fn crash_at(&mut self, crash: Crash) {
        self.crash = Some(crash);
    }

    /// Plans these rows and sends the plan, as a process of its own.
    pub(crate) async fn sync(&mut self, rows: &[Value]) -> RunOutcome {
        Box::pin(self.sync_file("input.jsonl", &lines(rows))).await
    }

    /// Plans a file's rows, and says what their statuses would be; writes nothing remotely.
    pub(crate) async fn dry_run_file(&mut self, name: &str, text: &str) -> Vec<RowResult> {
        let process = self.process();
        self.runs += 1;
        let input = self.write_input(name, text);
        self.make(&process.client, &input).await.unwrap();
        let sources = [name.to_owned()];
        let (rows, plan) = (
            open(&self.path("rows.jsonl")),
            open(&self.path("plan.jsonl")),
        );
        let sent = SendState::<Cursor<Vec<u8>>>::DryRun;
        let mut results = Results::new(rows, plan, &sources, sent).unwrap();
        let next = || results.next_result().unwrap().map(|row| row.result);
        std::iter::from_fn(next).collect()
    }

    /// Plans a file's rows and sends the plan; its format follows from its name.
    pub(crate) async fn sync_file(&mut self, name: &str, text: &str) -> RunOutcome {
        let process = self.process();
        self.sync_as(process, name, text).await
    }

    async fn sync_as(&mut self, process: Process, name: &str, text: &str) -> RunOutcome {
        self.runs += 1;
        self.run = None;
        let requests_before = self.requests().len() as u64;
        let input = self.write_input(name, text);
        let made = tokio::select! {
            biased;
            made = self.make(&process.client, &input) => made.map_err(|e| Ended::Failed(e.to_string())),
            () = process.plug.pulled() => Err(Ended::Crashed),
        };
        match made {
            Ok(made) => {
                self.run = Some(Run {
                    number: self.runs,
                    digest: made.preview.digest.clone(),
                    requests_before,
                    journal: None,
                });
                let ended = self.send(&process, Some(made.read_at)).await;
                self.outcome(&process, Some(made.preview), ended)
            }
            Err(ended) => self.outcome(&process, None, ended),
        }
    }

    /// Goes on with the run, as a process of its own; nothing where no plan was made yet.
    pub(crate) async fn resume(&mut self) -> Option<RunOutcome> {
        self.run.as_ref()?;
        let process = self.process();
        // A resumed process does not know when another clock's reading began, so everything is read again.
        let ended = self.send(&process, None).await;
        Some(self.outcome(&process, None, ended))
    }

    /// Makes the plan that takes the current run back, and sends it as a run of its own. Returns `None` if the process died
    /// before that plan was made.
    pub(crate) async fn undo(&mut self, deletes_created: bool) -> Option<RunOutcome> {
        let process = self.process();
        let (run_id, plan) = (self.run_id(), self.path("plan.jsonl"));
        let requests_before = self.requests().len() as u64;
        let dir = RunDir::at(self.path("undone"));
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::copy(&plan, dir.plan()).unwrap();
        let journal = self.run.as_ref().unwrap().journal.as_ref().unwrap();
        std::fs::write(dir.journal(), journal.bytes()).unwrap();
        let columns = std::fs::read(self.path("columns.json")).unwrap();
        let verified = verify(open(&plan)).unwrap();
        let header = PlanHeader {
            undoes: Some(run_id.clone()),
            ..verified.header.clone()
        };
        let making = UndoMaking {
            run: &dir,
            run_id: &run_id,
            plan: &verified,
            client: &process.client,
            deletes_created,
        };
        let out = self.folder.path().join("undo.jsonl");
        tokio::select! {
            biased;
            () = process.plug.pulled() => return None,
            made = making.make(&header, &out) => {
                let _ = made.unwrap();
            }
        }
        self.runs += 1;
        std::fs::rename(&out, self.path("plan.jsonl")).unwrap();
        std::fs::write(self.path("columns.json"), columns).unwrap();
        let source = self.options.source.clone();
        let mut rows = File::create(self.path("rows.jsonl")).unwrap();
        let mut inputs = Rereading::new(&[], &source);
        let _ = write_rows_of(open(&self.path("plan.jsonl")), &mut inputs, &mut rows).unwrap();
        self.run = Some(Run {
            number: self.runs,
            digest: verify(open(&self.path("plan.jsonl"))).unwrap().end.sha256,
            requests_before,
            journal: None,
        });
        self.options.is_exact = true;
        let ended = self.send(&process, None).await;
        Some(self.outcome(&process, None, ended))
    }

    /// A sync that finds the run unfinished: settles its creates in doubt, and then plans the rows anew.
    pub(crate) async fn sync_anew(&mut self, rows: &[Value]) -> RunOutcome {
        let process = self.process();
        let settled = tokio::select! {
            biased;
            () = process.plug.pulled() => Some(Ended::Crashed),
            settled = self.settle_doubts(&process) => settled.err(),
        };
        match settled {
            Some(ended) => self.outcome(&process, None, ended),
            None => {
                let told = self.told();
                self.superseded.extend(told);
                self.sync_as(process, "input.jsonl", &lines(rows)).await
            }
        }
    }

    /// What the files tell of the current run, up to now.
    pub(crate) fn told(&self) -> Option<Told> {
        let run = self.run.as_ref()?;
        Some(Told {
            results: self.results(),
            requests: (run.requests_before + 1, self.requests().len() as u64),
        })
    }

    /// What runs told whose place was taken by another.
    pub(crate) fn superseded(&self) -> &[Told] {
        &self.superseded
    }

    async fn settle_doubts(&self, process: &Process) -> Result<(), Ended> {
        let (Some(recovered), Some(run)) = (self.recovered(), &self.run) else {
            return Ok(());
        };
        let failed = |e: &dyn std::error::Error| Ended::Failed(e.to_string());
        let file = run.journal.clone().unwrap_or_default();
        let journal = resume_writer(Disk::new(file, Arc::clone(&process.plug)), &recovered)
            .map_err(|e| failed(&e))?;
        let open = open_watch(&recovered);
        if !open.is_empty() {
            let client = WriteClient::new(process.client.clone());
            let on_loss = |lost| self.lost.update_lost(lost);
            let settled = settle_watch(&client, &open, &on_loss).await;
            if !settled.alerts.is_empty() {
                tokio::time::sleep(self.settler().settle).await;
            }
            if !settled.is_complete {
                return Err(Ended::Failed("a batch is not looked at".into()));
            }
            journal
                .append(&watch_closed())
                .await
                .map_err(|e| failed(&e))?;
        }
        let settler = self.settler();
        let mut settling = tokio::task::JoinSet::new();
        for (lane, _) in self.lanes_left(&recovered, |_, p| p.create_in_doubt()) {
            let (client, settler) = (process.client.clone(), settler.clone());
            settling.spawn(async move {
                let settlement = settler
                    .settle(&client, &CreateInDoubt::of_lane(&lane))
                    .await;
                (lane, settlement)
            });
        }
        while let Some(settled) = settling.join_next().await {
            let (lane, settlement) = settled.unwrap();
            let (found, created) = match settlement {
                Settlement::Found(customer) => (Some(customer.id), created(&lane, &customer)),
                Settlement::NotCreated => (None, Vec::new()),
                Settlement::Doubt(_) => continue,
                Settlement::Stopped => return Err(Ended::Failed("stopped".into())),
            };
            let (row, at) = (lane.row, self.clock.rfc3339());
            let settled = JournalRecord::Settled(Settled { row, found, at });
            for entry in std::iter::once(settled).chain(created) {
                journal.append(&entry).await.map_err(|e| failed(&e))?;
            }
        }
        let lanes = self.lanes_left(&recovered, is_unsettled);
        let entries = settle_writes(&process.client, lanes).await;
        for entry in entries.map_err(|e| failed(&e))? {
            journal.append_unsynced(&entry).map_err(|e| failed(&e))?;
        }
        journal.close().await.map_err(|e| failed(&e))
    }

    /// The lanes that are not finished and of which this holds.
    fn lanes_left(
        &self,
        recovered: &Recovered,
        holds: impl Fn(&Lane, &RowProgress) -> bool,
    ) -> Vec<(Lane, RowProgress)> {
        let none = None::<BufReader<File>>;
        let jobs = Jobs::new(open(&self.path("plan.jsonl")), none, Some(recovered)).unwrap();
        jobs.map(|job| job.unwrap())
            .filter(|job| holds(&job.lane, &job.progress))
            .map(|job| (job.lane, job.progress))
            .collect()
    }

    fn settler(&self) -> Settler {
        Settler {
            settle: self.options.limits.settle.max(self.options.timeout),
        }
    }

    /// Syncs and resumes until the run is through, at most `times` over.
    pub(crate) async fn sync_to_the_end(&mut self, rows: &[Value], times: usize) -> RunOutcome {
        let mut outcome = self.sync(rows).await;
        for _ in 0..times {
            if outcome.ended == Ended::Finished {
                break;
            }
            outcome = match self.resume().await {
                Some(outcome) => outcome,
                None => self.sync(rows).await,
            };
        }
        outcome
    }

    /// The server's customers, by id.
    pub(crate) fn customers(&self) -> Vec<Value> {
        self.sandbox.customers()
    }

    /// Every request that the server saw.
    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.sandbox.requests()
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Appends of the last process to the journal.
    pub(crate) fn appends(&self) -> u64 {
        self.appends
    }

    /// What the journal of the current run holds for certain.
    pub(crate) fn journal(&self) -> Option<Vec<u8>> {
        let run = self.run.as_ref()?;
        Some(run.journal.as_ref()?.synced_bytes())
    }

    fn process(&mut self) -> Process {
        let plug = Arc::new(Plug::new(self.crash.take()));
        let stops = StopTokens::default();
        let transport = Wire::new(
            self.sandbox.clone(),
            Arc::clone(&plug),
            self.options.timeout,
        );
        let gate = Gate::new(GateParts {
            transport: Arc::new(transport),
            limits: self.options.limits.clone(),
            clock: self.clock,
            stops: stops.clone(),
            scrubber: Scrubber::new(&SecretString::from("simulation")),
            seed: self.rng.u64(..),
        });
        let client = ReadClient::new(Arc::new(gate));
        Process {
            plug,
            stops,
            client,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{}-{name}", self.runs))
    }

    fn write_input(&self, name: &str, text: &str) -> InputFile {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        InputFile::new(name, path)
    }

    async fn make(&self, client: &ReadClient, input: &InputFile) -> Result<MadePlan, MakingError> {
        let inputs = std::slice::from_ref(input);
        let source = &self.options.source;
        let survey = survey(inputs, source).unwrap();
        let schema = self.schema(&survey.columns);
        let (plan_file, rows_file) = (self.path("plan.jsonl"), self.path("rows.jsonl"));
        let making = Making {
            inputs,
            source,
            survey: &survey,
            schema: &schema,
            rules: &self.plan_rules(&schema),
            tracking: None,
            memory: &self.memory,
            choices: &UserChoices::default(),
            limit: None,
            examples: 0,
            explains: false,
            memory_limit: self.options.memory_limit,
            budget: self.budget(),
            remote: RemoteSource::Api {
                client,
                settings: &self.options.remote,
                snapshot: None,
            },
            origin: Origin {
                key: None,
                run_id: self.run_id(),
                base_url: "https://sandbox.invalid/v1".into(),
                account: None,
                config_sha256: String::new(),
            },
            clock: self.clock,
            plan_file: &plan_file,
            rows_file: &rows_file,
            row_detail: RowDetail::All,
            ambiguous_file: &self.path("ambiguous.csv"),
        };
        let made = making.make(0, &Unseen, &|| false).await?;
        // A resume has no more than what the run has kept.
        let columns: Vec<_> = survey.columns.iter().map(|c| c.names().to_vec()).collect();
        std::fs::write(
            self.path("columns.json"),
            serde_json::to_vec(&columns).unwrap(),
        )
        .unwrap();
        Ok(made)
    }

    fn schema(&self, columns: &[Arc<Columns>]) -> Schema {
        let columns: Vec<&Columns> = columns.iter().map(AsRef::as_ref).collect();
        Schema::new(&self.options.mapping, &self.options.matching.keys, &columns).unwrap()
    }

    fn plan_rules(&self, schema: &Schema) -> PlanRules {
        let mut ownership = Ownership {
            fields: schema.fields().collect(),
            custom_data: schema
                .properties()
                .map(|(name, _, overwrite)| (name.to_owned(), overwrite))
                .collect(),
            ..Ownership::default()
        };
        if let Some(tags) = schema.tags() {
            ownership.tag_mode = tags.mode;
            ownership.managed_tags = tags.names.clone();
        }
        let matching = MatchSettings {
            keys: schema.keys().to_vec(),
            ..self.options.matching.clone()
        };
        PlanRules {
            matching,
            duplicates: self.options.duplicates,
            mode: self.options.mode,
            ownership,
            skippable: std::collections::BTreeSet::new(),
            forced: Vec::new(),
            missing: MissingRules::default(),
        }
    }

    fn budget(&self) -> BudgetRules {
        let limits = &self.options.limits;
        let gap = Limiter::new(limits.requests_per_minute, limits.reserve).gap();
        BudgetRules {
            requests_per_minute: Some(limits.requests_per_minute).filter(|limit| *limit > 0),
            interval_s: gap.map_or(0.0, |gap| gap.as_secs_f64()),
            recheck_after: self.options.remote.recheck_after,
            reread_all: false,
            writes: self.rules(),
        }
    }

    fn run_id(&self) -> RunId {
        RunId::new(format!("simulated-{}-{}", self.seed, self.runs)).unwrap()
    }

    /// Sends the run's plan, or what is left of it.
    async fn send(&mut self, process: &Process, read_at: Option<ReadTimes>) -> Ended {
        let recovered = self.recovered();
        let journal = match self.open_journal(process, recovered.as_ref()) {
            Ok(journal) => journal,
            Err(ended) => return ended,
        };
        let columns: Vec<Vec<String>> =
            serde_json::from_reader(File::open(self.path("columns.json")).unwrap()).unwrap();
        let columns: Vec<_> = columns
            .into_iter()
            .map(|names| Arc::new(Columns::new(names)))
            .collect();
        let rules = self.plan_rules(&self.schema(&columns));
        let freshness = match self.options.is_exact {
            true => RefreshMode::Exact,
            false => RefreshMode::Replan,
        };
        let refresher = Refresher::new(freshness, rules.refresh_rules(false), self.memory.clone());
        let context = Arc::new(self.context(process, journal));
        let alerts = tokio::select! {
            biased;
            () = process.plug.pulled() => return Ended::Crashed,
            alerts = taken_up(&context, recovered.as_ref()) => alerts,
        };
        let settings = ExecutorSettings {
            concurrency: usize::try_from(self.options.limits.concurrency).unwrap(),
            together: self.budget().reread_window(),
            read_at,
            max_failures: self.options.max_failures,
            failed: 0,
            alerts,
        };
        let stop = process.stops.soft.child_token();
        let executor = Executor::new(Arc::clone(&context), &refresher, settings, stop, &Unseen);
        let (plan, rows) = (
            open(&self.path("plan.jsonl")),
            open(&self.path("rows.jsonl")),
        );
        let rows = (!self.options.is_exact).then_some(rows);
        let jobs = Jobs::new(plan, rows, recovered.as_ref()).unwrap();
        let sending = tokio::select! {
            biased;
            () = process.plug.pulled() => return Ended::Crashed,
            sending = executor.run(jobs) => sending,
        };
        for rewrite in context.overrides.lock().unwrap().drain(..) {
            self.memory.learn(rewrite);
        }
        let ended = ended(process, &sending);
        self.close(process, &context.journal, ended).await
    }

    /// A batch that was seen to lose something is never used again.
    fn rules(&self) -> WriteRules {
        let lost = self.update_lost();
        WriteRules {
            // As a probe finds it: where that is not known, an edit made while search lags is lost (docs/limits.md).
            search_lags: self.options.quirks.search_lag_ms > 0,
            batch: self.options.rules.batch.filter(|_| !lost),
            ..self.options.rules.clone()
        }
    }

    /// What processes saw of batches.
    pub(crate) fn update_lost(&self) -> bool {
        *self.lost.0.lock().unwrap() != UpdateScope::default()
    }

    fn context(&self, process: &Process, journal: JournalWriter) -> LaneContext {
        LaneContext {
            client: WriteClient::new(process.client.clone()),
            journal,
            clock: self.clock,
            settler: self.settler(),
            rules: self.rules(),
            recheck_after: self.options.remote.recheck_after,
            batches: Batches::new(Some(Arc::clone(&self.lost) as Arc<dyn BatchMemory>)),
            columns: BTreeMap::new(),
            overrides: Mutex::default(),
            lessons: Mutex::default(),
            refusals: FieldRefusals::default(),
            settling: Semaphore::new(MAX_SETTLING),
        }
    }

    fn open_journal(
        &mut self,
        process: &Process,
        recovered: Option<&Recovered>,
    ) -> Result<JournalWriter, Ended> {
        let run_id = self.run_id();
        let run = self.run.as_mut().unwrap();
        let plug = Arc::clone(&process.plug);
        let opened = match recovered {
            Some(recovered) => {
                let file = run.journal.clone().unwrap();
                resume_writer(Disk::new(file, plug), recovered)
            }
            None => {
                let file = SimulatedFile::new();
                run.journal = Some(file.clone());
                let begin = Begin {
                    version: JOURNAL_VERSION,
                    run_id,
                    account: String::new(),
                    plan_digest: run.digest.clone(),
                };
                create_writer(Disk::new(file, plug), begin)
            }
        };
        let opened = opened.map(|journal| match self.options.loses_tail {
            true => lazily(journal),
            false => journal,
        });
        opened.map_err(|error| {
            if process.plug.is_pulled() {
                Ended::Crashed
            } else {
                Ended::Failed(error.to_string())
            }
        })
    }

    async fn close(&self, process: &Process, journal: &JournalWriter, ended: Ended) -> Ended {
        let at = self.clock.rfc3339();
        let written = match &ended {
            Ended::Finished => Ok(()),
            other => {
                let reason = format!("{other:?}");
                journal.append(&JournalRecord::Stopped { at, reason }).await
            }
        };
        let closed = journal.close().await;
        match written.and(closed) {
            _ if process.plug.is_pulled() => Ended::Crashed,
            Err(error) if ended == Ended::Finished => Ended::Failed(error.to_string()),
            _ => ended,
        }
    }

    /// Ends the process, and says what its files hold.
    fn outcome(&mut self, process: &Process, preview: Option<Preview>, ended: Ended) -> RunOutcome {
        process.plug.pull();
        process.stops.hard.cancel();
        self.appends = process.plug.appends();
        if ended == Ended::Crashed {
            self.die();
        }
        RunOutcome {
            results: self.results(),
            preview,
            ended,
        }
    }

    /// Of what was written and not synced, a random part remains if the machine lost power, and all of it else.
    fn die(&mut self) {
        let Some(run) = &mut self.run else { return };
        if let Some(file) = &run.journal {
            let unsynced = file.bytes().len() - file.synced_bytes().len();
            let remains = self.rng.usize(..=unsynced);
            let remains = match (self.options.has_power, self.options.loses_tail) {
                (true, _) => unsynced,
                (false, true) => 0,
                (false, false) => remains,
            };
            run.journal = Some(file.crash(remains));
        }
    }

    /// What the journal adds up to; nothing where not even its first record is whole.
    pub(crate) fn recovered(&self) -> Option<Recovered> {
        let bytes = self.run.as_ref()?.journal.as_ref()?.bytes();
        match recover(bytes.as_slice(), Path::new("journal.jsonl")) {
            Ok(recovered) => Some(recovered),
            Err(hcsync::journal::RecoveryError::Empty { .. }) => None,
            Err(error) => panic!("the journal cannot be recovered: {error}"),
        }
    }

    /// What the files say of every row.
    pub(crate) fn results(&self) -> Vec<RowResult> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        assert_eq!(run.number, self.runs);
        let sources = [String::from("input.jsonl")];
        let recovered = self.recovered();
        let bytes = run.journal.as_ref().map(SimulatedFile::bytes);
        let sent = match (&recovered, bytes) {
            (Some(recovered), Some(bytes)) => SendState::Journal {
                recovered,
                finished: FinishedRows::over(
                    Cursor::new(bytes),
                    Path::new("journal.jsonl"),
                    recovered,
                ),
            },
            _ => SendState::NotBegun,
        };
        let rows = open(&self.path("rows.jsonl"));
        let mut results =
            Results::new(rows, open(&self.path("plan.jsonl")), &sources, sent).unwrap();
        let next = || results.next_result().unwrap().map(|row| row.result);
        std::iter::from_fn(next).collect()
    }
}

async fn taken_up(context: &LaneContext, recovered: Option<&Recovered>) -> RowAlerts {
    match recovered {
        Some(recovered) => resume_watch(context, recovered).await.unwrap_or_default(),
        None => RowAlerts::new(),
    }
}

fn lines(rows: &[Value]) -> String {
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn open(path: &Path) -> BufReader<File> {
    BufReader::new(File::open(path).unwrap())
}

fn ended(process: &Process, sending: &SendOutcome) -> Ended {
    let gate = process.client.gate().stop_reason();
    match (&sending.error, gate) {
        (Some(error), _) => Ended::Failed(error.to_string()),
        (None, Some(reason)) if sending.pending > 0 => Ended::Stopped(reason.kind),
        (None, _) if sending.too_many_failures => Ended::TooManyFailures,
        (None, _) if sending.pending > 0 => Ended::Failed("rows are pending".into()),
        (None, _) => Ended::Finished,
    }
}

/// Progress that nobody sees.
struct Unseen;

impl ReadProgress for Unseen {
    fn read(&self, _customers: u64, _total: Option<u64>) {}
}

impl SendProgress for Unseen {
    fn row_done(&self, _status: RowStatus) {}
}

/// Runs a world to its end under a clock of its own.
pub(crate) fn simulate<T>(world: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(world)
}
