//! hcsync's way to send a plan: what `sync` does once its plan is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use hcsync::domain::RunId;
use hcsync::helpcrunch::{
    ApiSettings, BaseUrl, Gate, GateParts, HttpTransport, LimitSettings, ReadClient, Scrubber,
    StopTokens, WriteClient,
};
use hcsync::journal::{Begin, FinishedRows, JOURNAL_VERSION, JournalWriter, recover_file};
use hcsync::outcome::RowStatus;
use hcsync::pace::Clock;
use hcsync::plan::RereadWindow;
use hcsync::plan::writes::{BatchRules, WriteRules};
use hcsync::remote::{LiveSnapshot, ReadTimes, SnapshotFiles};
use hcsync::report::ResultsCsv;
use hcsync::run::batch::{Batches, RowAlerts};
use hcsync::run::executor::{Executor, ExecutorSettings, MAX_SETTLING, SendProgress};
use hcsync::run::field_refusals::FieldRefusals;
use hcsync::run::freshness::{RefreshMode, RefreshRules, Refresher};
use hcsync::run::jobs::Jobs;
use hcsync::run::lane::LaneContext;
use hcsync::run::memory::Memory;
use hcsync::run::results::{Results, SendState};
use hcsync::run::settle::Settler;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::CONCURRENCY;
use crate::work::{Account, Kind, Work};

/// A run that has been planned.
#[derive(Debug)]
pub(crate) struct Prepared {
    folder: TempDir,
    /// `None`: the account has none.
    snapshot: Option<SnapshotFiles>,
}

/// What the parts of a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phases {
    /// Customers marked in the snapshot as about to be written.
    pub(crate) marking: Duration,
    /// From the first request to the last answer's record.
    pub(crate) lanes: Duration,
    pub(crate) closing: Duration,
    pub(crate) results: Duration,
}

struct Quiet;

impl SendProgress for Quiet {
    fn row_done(&self, _: RowStatus) {}
}

impl Prepared {
    pub(crate) fn new(work: &Work, account: Option<&Account>) -> Self {
        // Where the build is, and not in memory as a folder for temporary files may be.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        work.write_plan(folder.path());
        let snapshot = account.map(|account| account.snapshot(folder.path()));
        Self { folder, snapshot }
    }

    pub(crate) async fn send(self, work: &Work, url: &str) -> Phases {
        let path = |name: &str| self.folder.path().join(name);
        let start = Instant::now();
        let going_to_write = work.rows.iter().filter_map(|row| row.customer());
        let live = self
            .snapshot
            .map(|files| Arc::new(LiveSnapshot::begin(files, going_to_write)));
        let marking = start.elapsed();

        let start = Instant::now();
        let (client, stops) = client(url);
        let client = match &live {
            Some(live) => client.with_observer(Arc::<LiveSnapshot>::clone(live)),
            None => client,
        };
        let context = Arc::new(context(work, client, &path("journal.jsonl")));
        let rules = RefreshRules::default();
        let refresher = Refresher::new(RefreshMode::Replan, rules, Memory::default());
        let settings = ExecutorSettings {
            concurrency: CONCURRENCY,
            together: RereadWindow::default(),
            read_at: Some(ReadTimes::from(tokio::time::Instant::now())),
            max_failures: 100,
            failed: 0,
            alerts: RowAlerts::new(),
        };
        let executor = Executor::new(
            Arc::clone(&context),
            &refresher,
            settings,
            stops.soft.child_token(),
            &Quiet,
        );
        let jobs = Jobs::new(
            open(path("plan.jsonl")),
            Some(open(path("rows.jsonl"))),
            None,
        );
        let sent = executor.run(jobs.unwrap()).await;
        assert_eq!((sent.failed, sent.pending), (0, 0), "{sent:?}");
        let lanes = start.elapsed();

        let start = Instant::now();
        context.journal.close().await.unwrap();
        if let Some(live) = live {
            live.close();
        }
        let closing = start.elapsed();

        let start = Instant::now();
        assert_eq!(write_results(self.folder.path()), work.rows.len());
        Phases {
            marking,
            lanes,
            closing,
            results: start.elapsed(),
        }
    }
}

fn client(url: &str) -> (ReadClient, StopTokens) {
    let key = SecretString::from("key");
    let transport = HttpTransport::new(&ApiSettings {
        base_url: BaseUrl::parse(url).unwrap(),
        key: key.clone(),
        timeout: Duration::from_secs(30),
        proxy: None,
    });
    let stops = StopTokens::default();
    let gate = Gate::new(GateParts {
        transport: Arc::new(transport.unwrap()),
        limits: LimitSettings {
            requests_per_minute: 0,
            concurrency: u32::try_from(CONCURRENCY).unwrap(),
            ..LimitSettings::default()
        },
        clock: Clock::start(SystemTime::now()),
        stops: stops.clone(),
        scrubber: Scrubber::new(&key),
        seed: 1,
    });
    (ReadClient::new(Arc::new(gate)), stops)
}

fn context(work: &Work, client: ReadClient, journal: &Path) -> LaneContext {
    let begin = Begin {
        version: JOURNAL_VERSION,
        run_id: RunId::new("bench").unwrap(),
        account: String::new(),
        plan_digest: String::new(),
    };
    let batch = BatchRules {
        whole: false,
        merges: true,
        adds_tags: true,
        returns_customers: true,
    };
    LaneContext {
        client: WriteClient::new(client),
        journal: JournalWriter::create(journal, begin, None).unwrap(),
        clock: Clock::start(SystemTime::now()),
        settler: Settler {
            settle: Duration::from_secs(30),
        },
        rules: WriteRules {
            patch_merges: true,
            patch_adds_tags: true,
            batch: (work.kind == Kind::Batch).then_some(batch),
            ..WriteRules::default()
        },
        recheck_after: Duration::from_secs(1800),
        batches: Batches::new(None),
        columns: BTreeMap::new(),
        overrides: Mutex::default(),
        lessons: Mutex::default(),
        refusals: FieldRefusals::default(),
        settling: Semaphore::new(MAX_SETTLING),
    }
}

fn open(path: PathBuf) -> BufReader<File> {
    BufReader::with_capacity(1 << 18, File::open(path).unwrap())
}

/// Writes `results.csv`. Returns how many rows were updated or created.
fn write_results(folder: &Path) -> usize {
    let journal = folder.join("journal.jsonl");
    let recovered = recover_file(&journal).unwrap();
    let sent = SendState::Journal {
        recovered: &recovered,
        finished: FinishedRows::open(&journal, &recovered).unwrap(),
    };
    let sources = ["in.csv".to_owned()];
    let (rows, plan) = (folder.join("rows.jsonl"), folder.join("plan.jsonl"));
    let mut results = Results::new(open(rows), open(plan), &sources, sent).unwrap();
    let out = BufWriter::new(File::create(folder.join("results.csv")).unwrap());
    let mut csv = ResultsCsv::new(out).unwrap();
    let mut done = 0;
    while let Some(row) = results.next_result().unwrap() {
        let is_done = matches!(row.result.status, RowStatus::Updated | RowStatus::Created);
        done += usize::from(is_done);
        csv.write(&row.result).unwrap();
    }
    let out = csv.finish().unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    done
}
