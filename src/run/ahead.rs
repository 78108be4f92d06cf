//! Reads rows ahead on a thread of its own: taking records apart costs as much as what is done with them.

use std::io::{self, BufRead};
use std::sync::mpsc::sync_channel;
use std::thread;

use serde::de::DeserializeOwned;

use super::rows::RowReader;

/// A block ends with the row that reaches one of these, so that few rows are held however long they are.
const ROWS: usize = 256;
const BYTES: usize = 1 << 18;

/// Blocks that wait to be used.
const WAITING: usize = 2;

/// Gives `consume` the rows in their order, while the next ones are being read.
pub(super) fn read_ahead<R, T, E>(
    rows: RowReader<R, T>,
    consume: impl FnOnce(&mut dyn Iterator<Item = io::Result<T>>) -> E,
) -> E
where
    R: BufRead + Send,
    T: DeserializeOwned + Send,
{
    thread::scope(|scope| {
        let (tell, told) = sync_channel(WAITING);
        scope.spawn(move || {
            let mut rows = rows;
            loop {
                let block = block(&mut rows);
                if block.is_empty() || tell.send(block).is_err() {
                    return;
                }
            }
        });
        consume(&mut told.into_iter().flatten())
    })
}

fn block<R: BufRead, T: DeserializeOwned>(rows: &mut RowReader<R, T>) -> Vec<io::Result<T>> {
    let mut block = Vec::new();
    let mut bytes = 0;
    while block.len() < ROWS && bytes < BYTES {
        let Some(row) = rows.next() else { break };
        bytes += rows.bytes_of_last();
        block.push(row);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect()
    }

    #[test]
    fn all_rows_come_in_their_order() {
        for count in [0, 1, ROWS, ROWS * 5 + 1] {
            let lines = lines(count);
            let rows = RowReader::<_, usize>::new(lines.as_slice());
            let read = read_ahead(rows, |rows| rows.collect::<io::Result<Vec<_>>>());
            assert_eq!(read.unwrap(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_bad_row_is_told_at_its_place_and_the_reader_ends_with_its_consumer() {
        let mut bytes = lines(3);
        bytes.extend(b"no number\n");
        bytes.extend(lines(ROWS * 20));
        let read = |stop: usize| {
            let rows = RowReader::<_, usize>::new(bytes.as_slice());
            read_ahead(rows, |rows| {
                rows.take(stop).map(|row| row.ok()).collect::<Vec<_>>()
            })
        };
        assert_eq!(read(4), [Some(0), Some(1), Some(2), None]);
        assert_eq!(read(2), [Some(0), Some(1)]);
    }

    #[test]
    fn few_long_rows_are_held() {
        let long = format!("\"{}\"\n", "x".repeat(BYTES));
        let bytes = long.repeat(10);
        let mut rows = RowReader::<_, String>::new(bytes.as_bytes());
        assert_eq!(block(&mut rows).len(), 1);
    }
}
