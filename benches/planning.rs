//! How long a plan takes and how much memory: rows of a CSV against as many customers of an export.
//!
//! `cargo bench --bench planning`, or `cargo bench --bench planning -- 1000000` for another size. 92.5 % of the rows
//! are unchanged, 5 % differ, 2.5 % are new; the orders of rows and customers have nothing to do with each other.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints and may panic"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = r#"
[custom_data]
plan = "plan"
mrr = { column = "mrr", type = "number" }
[tags]
column = "tags"
mode = "exact"
[rows]
empty_cells = "clear"
"#;

fn main() {
    let size = std::env::args().filter_map(|word| word.parse().ok()).next();
    let rows: u64 = size.unwrap_or(200_000);
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("source.csv"), rows);
    write_remote(&folder.path().join("remote.jsonl"), rows);
    std::fs::write(folder.path().join("hcsync.toml"), CONFIG).unwrap();
    for round in 1..=3 {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hcsync"))
            .args([
                "plan",
                "source.csv",
                "--remote-file",
                "remote.jsonl",
                "--examples",
                "0",
                "-q",
                "--output",
                "json",
            ])
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let peak = watch(&mut child);
        let peak = peak.map_or_else(
            || "not known here".to_owned(),
            |kib| format!("{} MiB", kib / 1024),
        );
        println!(
            "round {round}: {rows} rows against {rows} customers: {:.2} s, peak {peak}",
            started.elapsed().as_secs_f64()
        );
    }
}

/// Waits for the end of the process; the largest resident set that the kernel tells of, in KiB.
fn watch(child: &mut Child) -> Option<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line
            .and_then(|l| l.trim().strip_suffix(" kB")?.parse().ok())
            .or(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}

/// A fixed bijection that shuffles user numbers: multiplication by an odd number modulo a power of two, walked
/// until it falls into the range.
fn shuffled(index: u64, rows: u64, factor: u64) -> u64 {
    let mask = rows.next_power_of_two() - 1;
    let mut user = index;
    loop {
        user = user.wrapping_mul(factor).wrapping_add(12_345) & mask;
        if user < rows {
            return user;
        }
    }
}

fn mix(user: u64, field: u64) -> u64 {
    let mut z = user.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (field << 56);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 31)
}

const TAGS: [&str; 4] = ["", "lead", "lead;vip", "trial"];

fn write_source(path: &Path, rows: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(
        out,
        "userId,email,name,company,phone,firstSeen,locale,notes,tags,plan,mrr"
    )
    .unwrap();
    for index in 0..rows {
        let user = shuffled(index, rows, 0x5DEE_CE65);
        // One in forty is new: its number is beyond those that the remote side has.
        let number = if user.is_multiple_of(40) {
            user + rows
        } else {
            user
        };
        let changed = user % 20 == 7;
        let company = if changed {
            "Changed & Sons"
        } else {
            company(user)
        };
        let tags = TAGS[(mix(user, 1) % 4) as usize];
        let (phone, mrr) = (mix(user, 2) % 900_000_000, mix(user, 3) % 500);
        writeln!(
            out,
            "u{number},person.{number}@example.com,Олена Person {user},{company},+380{phone},{},uk,\"called, about invoice {user}\",{tags},pro,{mrr}.5",
            1_600_000_000 + user
        )
        .unwrap();
    }
    out.flush().unwrap();
}

fn company(user: u64) -> &'static str {
    ["Acme Ltd", "Globex", "Нова Лінія", "Світло ТОВ"][(mix(user, 4) % 4) as usize]
}

fn write_remote(path: &Path, rows: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    for index in 0..rows {
        let user = shuffled(index, rows, 0x2545_F491);
        let tags: Vec<_> = TAGS[(mix(user, 1) % 4) as usize]
            .split(';')
            .filter(|t| !t.is_empty())
            .collect();
        let tags: Vec<_> = tags
            .iter()
            .map(|t| format!(r##"{{"name":"{t}","color":"#c377e0"}}"##))
            .collect();
        let (phone, mrr) = (mix(user, 2) % 900_000_000, mix(user, 3) % 500);
        writeln!(
            out,
            r#"{{"id":{},"name":"Олена Person {user}","email":"person.{user}@example.com","userId":"u{user}","company":"{}","phone":"+380{phone}","firstSeen":"{}","lastSeen":null,"location":{{"regionCode":null,"countryCode":"UA","city":"Kyiv"}},"device":null,"unsubscribed":false,"blocked":false,"source":null,"referer":null,"lastPage":null,"locale":"uk","createdFrom":null,"integrationId":null,"notes":"called, about invoice {user}","tags":[{}],"customData":{{"plan":"pro","mrr":{mrr}.5}}}}"#,
            1000 + index,
            company(user),
            1_600_000_000 + user,
            tags.join(",")
        )
        .unwrap();
    }
    out.flush().unwrap();
}
