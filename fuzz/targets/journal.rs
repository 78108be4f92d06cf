//! A journal → what it adds up to. A torn tail is dropped, damage before it is refused, and nothing panics.
#![no_main]

use std::path::Path;

use hcsync::journal::{Recovered, RecoveryError, recover};
use libfuzzer_sys::fuzz_target;

// Four bytes that say how the journal is hurt, then the bodies of its records, a line each. With a first byte of 255 the rest is
// taken for the journal itself.
fuzz_target!(|data: &[u8]| {
    if let [255, journal @ ..] = data {
        let _ = read(journal);
        return;
    }
    let Some((&[how, place_high, place_low, change], bodies)) = data.split_first_chunk() else {
        return;
    };
    let (journal, ends) = framed(bodies);
    let Ok(whole) = read(&journal) else { return };
    assert_eq!((whole.valid_len, whole.torn), (journal.len() as u64, None));
    let at = usize::from(u16::from_be_bytes([place_high, place_low])) % journal.len();
    if how & 1 == 0 {
        cut(&journal, &ends, at);
    } else {
        change_byte(&journal, &ends, at, change.max(1));
    }
});

fn read(journal: &[u8]) -> Result<Recovered, RecoveryError> {
    let recovered = recover(journal, Path::new("journal.jsonl"));
    if let Err(error) = &recovered {
        assert!(error.to_string().contains("journal"));
    }
    recovered
}

/// The records in their frames, and where each ends. All that stands before a record was synced.
fn framed(bodies: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut journal, mut ends) = (Vec::new(), Vec::new());
    for body in bodies
        .split(|b| *b == b'\n')
        .filter(|body| !body.is_empty())
    {
        let covered = [format!("\"s\":{},\"e\":", journal.len()).as_bytes(), body].concat();
        journal.extend(format!("{{\"c\":\"{:08x}\",", crc32fast::hash(&covered)).bytes());
        journal.extend(covered);
        journal.extend(b"}\n");
        ends.push(journal.len());
    }
    (journal, ends)
}

/// A cut within the last record that is there leaves those before it, exactly.
fn cut(journal: &[u8], ends: &[usize], at: usize) {
    let kept = ends.iter().copied().filter(|end| *end <= at).max();
    match (read(&journal[..at]), kept) {
        (Ok(recovered), Some(kept)) => {
            assert_eq!(recovered.valid_len, kept as u64);
            assert_eq!(recovered.torn.is_some(), at > kept);
            let same = read(&journal[..kept]).unwrap();
            assert_eq!(
                format!("{:?}", same.unfinished),
                format!("{:?}", recovered.unfinished)
            );
            assert_eq!(same.finished_rows(), recovered.finished_rows());
        }
        (Err(RecoveryError::Empty { .. }), None) => {}
        (other, kept) => panic!("cut at {at}, {kept:?} kept: {other:?}"),
    }
}

/// A changed byte is never read as another record: the line is dropped where it is the last, and else refused.
fn change_byte(journal: &[u8], ends: &[usize], at: usize, change: u8) {
    let mut hurt = journal.to_vec();
    hurt[at] ^= change;
    let line = ends.iter().filter(|end| **end <= at).count();
    let begins = if line == 0 { 0 } else { ends[line - 1] };
    let last = line + 1 == ends.len();
    match read(&hurt) {
        Ok(recovered) => {
            assert!(last, "damage within the journal was passed over");
            assert_eq!(recovered.valid_len, begins as u64);
            assert!(recovered.torn.is_some());
        }
        Err(RecoveryError::Damaged { offset, .. }) => assert!(!last && offset == begins as u64),
        Err(RecoveryError::Empty { .. }) => assert!(last && begins == 0),
        Err(other) => panic!("{other:?}"),
    }
}
