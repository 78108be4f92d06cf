//! What single steps of planning cost for each row, on one thread: `cargo bench --bench planning`. Times are of this
//! machine; compare them with each other only. `scripts/bench` measures the whole program.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints and may panic"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hcsync::domain::{KeyField, Row, RowNumber};
use hcsync::helpcrunch::decode_customer;
use hcsync::mapping::{AttributeRule, MappingSettings, Schema, TableProfile};
use hcsync::source::{Reader, Record, SourceSettings};

const ROWS: u64 = 50_000;
const ROUNDS: usize = 5;

fn main() {
    let table = table();
    time("csv crate: the cells of a row", || walk(&table));
    time("source: a row with its bytes", || rows(&table).1.len());
    let (reader, rows) = rows(&table);
    let plain = MappingSettings {
        custom_data: Some(BTreeMap::from([
            ("plan".to_owned(), AttributeRule::column("plan")),
            ("mrr".to_owned(), AttributeRule::column("mrr")),
        ])),
        ..MappingSettings::default()
    };
    let schema = Schema::new(&plain, &[KeyField::UserId], &[reader.columns()]).unwrap();
    time("mapping: what a row wants", || {
        rows.iter()
            .filter(|row| schema.map(row).desired.is_some())
            .count()
    });
    time("mapping: the profile of a row", || {
        let mut profile = TableProfile::new(Arc::clone(reader.columns()), &[]);
        rows.iter().for_each(|row| profile.see(row));
        profile.columns().count()
    });
    let customers: Vec<String> = (0..ROWS).map(customer).collect();
    time("helpcrunch: a customer of an export", || {
        let decoded = customers
            .iter()
            .map(|json| decode_customer(json.as_bytes()).unwrap());
        decoded
            .filter(|customer| customer.email().is_some())
            .count()
    });
}

/// Prints the shortest time of a step, for each row.
fn time<T>(name: &str, step: impl Fn() -> T) {
    let round = |_| {
        let started = Instant::now();
        black_box(step());
        started.elapsed()
    };
    let shortest = (0..ROUNDS).map(round).min().unwrap();
    let nanoseconds = shortest.as_nanos() / u128::from(ROWS);
    println!("{name:<40} {nanoseconds:>6} ns");
}

/// Returns the number of cells.
fn walk(table: &str) -> usize {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut record = csv::ByteRecord::new();
    let mut cells = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        cells += record.len();
    }
    cells
}

fn rows(table: &str) -> (Reader, Vec<Row>) {
    let bytes = std::io::Cursor::new(table.to_owned().into_bytes());
    let settings = SourceSettings::default();
    let mut reader = Reader::from_read(bytes, "table.csv", &settings, 0, RowNumber(1)).unwrap();
    let mut rows = Vec::new();
    while let Some(Record::Row(row)) = reader.next_record().unwrap() {
        rows.push(row);
    }
    (reader, rows)
}

fn table() -> String {
    let mut table =
        "userId,email,name,company,phone,firstSeen,locale,notes,tags,plan,mrr\n".to_owned();
    for n in 0..ROWS {
        table.push_str(&format!(
            "u{n},person.{n}@example.com,Олена Person {n},Acme Ltd,+380{},{},uk,\"called, about invoice {n}\",lead;vip,pro,{}.5\n",
            500_000_000 + n,
            1_600_000_000 + n,
            n % 500
        ));
    }
    table
}

fn customer(n: u64) -> String {
    format!(
        r##"{{"id":{},"name":"Олена Person {n}","email":"person.{n}@example.com","userId":"u{n}","company":"Acme Ltd","phone":"+380{}","firstSeen":"{}","lastSeen":null,"unsubscribed":false,"blocked":false,"source":null,"referer":null,"lastPage":null,"locale":"uk","notes":"called, about invoice {n}","tags":[{{"name":"lead","color":"#c377e0"}},{{"name":"vip","color":"#c377e0"}}],"customData":{{"plan":"pro","mrr":{}.5}}}}"##,
        1_000 + n,
        500_000_000 + n,
        1_600_000_000 + n,
        n % 500
    )
}
