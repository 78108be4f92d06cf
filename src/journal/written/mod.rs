//! What hcsync last wrote to the customers of an account, in one file: read when a plan is made, and updated at the end of
//! a run.

mod reader;
mod store;
mod update;

pub use reader::WrittenReader;
pub use store::WrittenError;
pub use update::{WrittenUpdate, WrittenUpdates, update_written};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::store::*;
    use super::*;
    use crate::domain::{CustomerId, RunId, Tag};
    use crate::plan::Operation;

    fn tag(name: &str) -> [Operation; 1] {
        [Operation::Tag(vec![Tag::named(name)])]
    }

    fn run(id: &str) -> RunId {
        RunId::new(id).unwrap()
    }

    fn learn(path: &Path, id: &str, over: bool, until: u64, operations: &[Operation]) -> u64 {
        let mut since = 0;
        update_written::<WrittenError>(path, [9; 16], |updates| {
            updates.run(&run(id), over, |update| {
                since = update.since;
                update.learn(CustomerId(1), operations)?;
                Ok(until)
            })
        })
        .unwrap();
        since
    }

    #[test]
    fn what_was_written_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        let before = WrittenReader::open(&path).unwrap();
        assert!(before.customer(CustomerId(1)).unwrap().is_empty());
        drop(before);
        learn(&path, "a", true, 5, &tag("vip"));
        // Of the second the salt is not taken: the hashes of the first stay what they are.
        learn(&path, "b", true, 5, &tag("new"));
        let reader = WrittenReader::open(&path).unwrap();
        let also = WrittenReader::open(&path).unwrap();
        for reader in [reader, also] {
            let written = reader.customer(CustomerId(1)).unwrap();
            assert!(written.has_added_tag("vip") && written.has_added_tag("new"));
            assert!(reader.customer(CustomerId(2)).unwrap().is_empty());
        }
        let untag = [Operation::Untag(vec![Tag::named("vip"), Tag::named("new")])];
        learn(&path, "c", true, 5, &untag);
        let reader = WrittenReader::open(&path).unwrap();
        assert!(reader.customer(CustomerId(1)).unwrap().is_empty());
    }

    #[test]
    fn a_run_is_taken_in_from_where_it_was_left_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        assert_eq!(learn(&path, "a", false, 700, &tag("vip")), 0);
        assert_eq!(learn(&path, "b", false, 300, &tag("vip")), 0);
        assert_eq!(learn(&path, "a", true, 900, &tag("vip")), 700);
        assert_eq!(learn(&path, "a", true, 900, &tag("vip")), 0);
        assert_eq!(learn(&path, "b", false, 300, &tag("vip")), 300);
    }

    /// The process was killed, or the disk was full, before the file had its header.
    #[test]
    fn a_file_whose_making_did_not_come_to_its_end_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        for length in [0, 5, 4096, 1_056_768] {
            std::fs::write(&path, vec![0; length]).unwrap();
            let nothing = WrittenReader::open(&path).unwrap();
            assert!(nothing.customer(CustomerId(1)).unwrap().is_empty());
            learn(&path, "a", true, 5, &tag("vip"));
            let reader = WrittenReader::open(&path).unwrap();
            let written = reader.customer(CustomerId(1)).unwrap();
            assert!(written.has_added_tag("vip"), "{length}");
        }
    }

    #[test]
    fn what_does_not_come_to_its_end_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        let broken = update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), false, |update| {
                update.learn(CustomerId(1), &tag("vip"))?;
                Err(busy(Path::new("elsewhere")))
            })
        });
        assert!(broken.is_err());
        let reader = WrittenReader::open(&path).unwrap();
        assert!(reader.customer(CustomerId(1)).unwrap().is_empty());
    }

    /// What a process leaves that is killed while it writes.
    #[test]
    fn a_file_that_was_not_closed_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (
            folder.path().join("written.redb"),
            folder.path().join("left.redb"),
        );
        learn(&path, "a", true, 5, &tag("vip"));
        update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("b"), true, |update| {
                update.learn(CustomerId(1), &tag("half"))?;
                std::fs::copy(&path, &left).unwrap();
                Ok(5)
            })
        })
        .unwrap();
        let reader = WrittenReader::open(&left).unwrap();
        let written = reader.customer(CustomerId(1)).unwrap();
        assert!(written.has_added_tag("vip") && !written.has_added_tag("half"));
    }

    #[test]
    fn a_newer_file_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        learn(&path, "a", true, 5, &tag("vip"));
        {
            let database = open_to_write(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            let mut about = transaction.open_table(ABOUT).unwrap();
            about
                .insert("version", 2_u64.to_le_bytes().as_slice())
                .unwrap();
            drop(about);
            transaction.commit().unwrap();
        }
        let newer = WrittenReader::open(&path).unwrap_err().to_string();
        assert!(newer.contains("version is 2"), "{newer}");
        let add = update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), false, |_| Ok(0))
        });
        assert!(matches!(add, Err(WrittenError::Newer { found: 2, .. })));
    }

    /// A file of several pages with one damage: cut, or with zeros or random bytes somewhere.
    fn damage(whole: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        let from = random.usize(0..whole.len());
        let to = whole.len().min(from + random.usize(1..40_000));
        match random.u8(0..3) {
            0 => bytes.truncate(from),
            1 => bytes[from..to].fill(0),
            _ => bytes[from..to].fill_with(|| random.u8(..)),
        }
        bytes
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_run_is_taken_in_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        update_written::<WrittenError>(&path, [9; 16], |updates| {
            updates.run(&run("a"), true, |update| {
                (0..3_000).try_for_each(|id| update.learn(CustomerId(id), &tag("vip")))?;
                Ok(5)
            })
        })
        .unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut random = fastrand::Rng::with_seed(14);
        let aside = folder.path().join("written.redb.damaged");
        let mut found = 0;
        for _ in 0..40 {
            std::fs::write(&path, damage(&whole, &mut random)).unwrap();
            let reader = WrittenReader::open(&path).unwrap();
            (0..3_000).for_each(|id| drop(reader.customer(CustomerId(id)).unwrap()));
            drop(reader);
            let add = || {
                update_written::<WrittenError>(&path, [9; 16], |updates| {
                    updates.run(&run("b"), true, |update| {
                        update.learn(CustomerId(1), &tag("new"))?;
                        Ok(9)
                    })
                })
            };
            if let Err(error) = add() {
                assert!(matches!(error, WrittenError::Damaged { .. }), "{error}");
                add().unwrap();
            }
            let reader = WrittenReader::open(&path).unwrap();
            assert!(reader.customer(CustomerId(1)).unwrap().has_added_tag("new"));
            found += u32::from(aside.exists());
            let _ = std::fs::remove_file(&aside);
        }
        assert!(found > 10, "{found} of 40");
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.redb");
        learn(&path, "a", true, 5, &tag("vip"));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(3).any(|w| w == b"vip"));
    }
}
