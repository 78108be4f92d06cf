//! What the journal costs: `cargo bench --bench journal`. Times are of this machine and its disk, the folder
//! being that of the build; compare them with each other only.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement prints, and has nobody to report an error to"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hcsync::domain::{CustomerId, RowNumber, RunId};
use hcsync::journal::{
    AccountId, Begin, FinishedRow, FinishedRows, JOURNAL_VERSION, JournalRecord, JournalWriter,
    recover_file,
};
use hcsync::outcome::{OperationResult, OperationStatus, RowStatus};
use hcsync::plan::OperationKind;

const LANES: u64 = 64;
/// What a patch costs without a journal: on two cores, 50,000 of them a second.
const PATCH: Duration = Duration::from_micros(40);

#[derive(Debug, Clone, Copy)]
enum Journalling {
    Off,
    /// As the intent of a patch: the operating system has the record, the lane goes on.
    Unsynced,
    /// As the end of a row: the lane waits for the disk.
    Durable,
}

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(folder).expect("a folder for the journals");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");

    let rate = runtime.block_on(one_by_one(&folder.path().join("single"), 500));
    println!("one sync a record            {rate:>9.0} records/s");
    let rate = runtime.block_on(flat_out(&folder.path().join("grouped"), 500));
    println!("{LANES} lanes that wait           {rate:>9.0} records/s");

    let path = folder.path().join("load");
    let work = Work::of(PATCH);
    let mut rates = [0.0; 2];
    for _ in 0..3 {
        // Taken in turns, so that a neighbour's load falls on both alike.
        for (best, mode) in rates
            .iter_mut()
            .zip([Journalling::Off, Journalling::Unsynced])
        {
            let rate = runtime.block_on(lanes(&path, mode, work, 1_000));
            *best = f64::max(*best, rate);
            drop(std::fs::remove_file(&path));
        }
    }
    let [without, with] = rates;
    let cost = 100.0 * (1.0 - with / without);
    println!("{LANES} lanes of patches          {without:>9.0} patches/s");
    println!("the same with their intents  {with:>9.0} patches/s (cost {cost:.1} %)");

    let path = folder.path().join("long");
    runtime.block_on(lanes(&path, Journalling::Unsynced, Work(0), 2_000));
    let start = Instant::now();
    let recovered = recover_file(&path).expect("a whole journal");
    let count = recovered.finished_rows();
    println!(
        "recovery                     {:>9.0} records/s",
        per_second(count, start)
    );
    let start = Instant::now();
    let mut rows = FinishedRows::open(&path, &recovered).expect("the journal");
    for row in 1..=count {
        rows.get(RowNumber(row as u64)).expect("a finished row");
    }
    println!(
        "results in input order       {:>9.0} rows/s",
        per_second(count, start)
    );

    let start = Instant::now();
    let id = AccountId::fingerprint("https://api.helpcrunch.com/v1", "key");
    println!("fingerprint {id} took {:?}", start.elapsed());
}

async fn one_by_one(path: &Path, records: u64) -> f64 {
    let journal = JournalWriter::create(path, begin(), None).expect("a journal");
    let start = Instant::now();
    for row in 1..=records {
        journal.append(&record(row)).await.expect("an append");
    }
    per_second(records as usize, start)
}

async fn flat_out(path: &Path, each: u64) -> f64 {
    lanes(path, Journalling::Durable, Work(0), each).await
}

/// Operations a second of all lanes together, the journal's close included.
async fn lanes(path: &Path, mode: Journalling, work: Work, each: u64) -> f64 {
    let journal = JournalWriter::create(path, begin(), None).expect("a journal");
    let journal = Arc::new(journal);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move {
            for turn in 0..each {
                work.run();
                tokio::task::yield_now().await;
                let record = std::hint::black_box(record(turn * LANES + lane + 1));
                let appended = match mode {
                    Journalling::Off => Ok(()),
                    Journalling::Unsynced => journal.append_unsynced(&record),
                    Journalling::Durable => journal.append(&record).await,
                };
                appended.expect("an append");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a lane");
    }
    journal.close().await.expect("the journal's end");
    per_second((LANES * each) as usize, start)
}

/// A patch's share of a processor, in rounds of pointless sums: work, not time, so that a journal which takes
/// the processor away shows.
#[derive(Debug, Clone, Copy)]
struct Work(u64);

impl Work {
    fn of(duration: Duration) -> Self {
        let sample = Self(5_000_000);
        let start = Instant::now();
        sample.run();
        let share = duration.as_secs_f64() / start.elapsed().as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rough figure will do"
        )]
        Self((sample.0 as f64 * share) as u64)
    }

    fn run(self) {
        let mut sum = 0_u64;
        for n in 0..self.0 {
            sum = std::hint::black_box(sum ^ n);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_second(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}

fn begin() -> Begin {
    Begin {
        version: JOURNAL_VERSION,
        run_id: RunId::new("bench").expect("a run id"),
        account: String::from("account"),
        plan_digest: String::from("digest"),
    }
}

fn record(row: u64) -> JournalRecord {
    JournalRecord::Row(FinishedRow {
        row: RowNumber(row),
        status: RowStatus::Updated,
        customer_id: Some(CustomerId(row)),
        operations: vec![OperationResult {
            op: OperationKind::Patch,
            fields: vec![String::from("company"), String::from("customData.plan")],
            tags: Vec::new(),
            status: OperationStatus::Done,
            attempts: 1,
            http_status: Some(200),
            at: Some(String::from("2026-11-20T03:12:44Z")),
        }],
        error: None,
        warnings: Vec::new(),
    })
}
