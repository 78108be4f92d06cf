//! Copies folders to the database and back, in parts of one mebibyte: only parts that differ are sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, FileType};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio_postgres::{GenericClient, Transaction};

use super::DatabaseError;
use crate::platform::{self, AtomicFile, FileAction, FileError, names_in};

/// Small enough for a statement's parameters in memory, large enough that a plan takes few statements.
const PART: usize = 1 << 20;

type Hash = [u8; 32];

/// The hashes of a file's parts, in order. An empty file has one empty part.
type Parts = Vec<Hash>;

/// Makes the database's files of `owner` those of the folder. `takes` says which files count.
pub(super) async fn push_folder(
    transaction: &Transaction<'_>,
    owner: &str,
    folder: &Path,
    takes: impl Fn(&str) -> bool,
) -> Result<(), DatabaseError> {
    let stored = stored_files(transaction, owner).await?;
    let mut local = BTreeSet::new();
    for name in file_names(folder)? {
        if !takes(&name) {
            continue;
        }
        let stored = stored.get(&name).map_or(&[][..], Vec::as_slice);
        // A file that went away since the folder was listed counts as missing.
        if push_file(transaction, owner, &folder.join(&name), &name, stored).await? {
            local.insert(name);
        }
    }
    for name in stored.keys().filter(|name| !local.contains(*name)) {
        let delete = "delete from hcsync_files where owner = $1 and name = $2";
        transaction.execute(delete, &[&owner, name]).await?;
    }
    Ok(())
}

/// Returns whether the file exists.
async fn push_file(
    transaction: &Transaction<'_>,
    owner: &str,
    path: &Path,
    name: &str,
    stored: &[Hash],
) -> Result<bool, DatabaseError> {
    let Some(mut file) = open(path)? else {
        return Ok(false);
    };
    let mut count = 0;
    loop {
        let content = read_part(&mut file, path)?;
        if content.is_empty() && count > 0 {
            break;
        }
        let hash: Hash = Sha256::digest(&content).into();
        let number = part_number(count);
        if stored.get(count) != Some(&hash) {
            transaction
                .execute(PUT_PART, &[&owner, &name, &number, &&hash[..], &content])
                .await?;
        }
        count += 1;
        if content.len() < PART {
            break;
        }
    }
    if stored.len() > count {
        let delete = "delete from hcsync_files where owner = $1 and name = $2 and part >= $3";
        transaction
            .execute(delete, &[&owner, &name, &part_number(count)])
            .await?;
    }
    Ok(true)
}

/// Makes the folder's files those that the database has of `owner`. `takes` says which count; files that do not count stay.
pub(super) async fn pull_folder(
    client: &impl GenericClient,
    owner: &str,
    folder: &Path,
    takes: impl Fn(&str) -> bool,
) -> Result<(), DatabaseError> {
    let stored = stored_files(client, owner).await?;
    platform::create_folder(folder)?;
    for (name, parts) in stored.iter().filter(|(name, _)| takes(name)) {
        check_name(name)?;
        let path = folder.join(name);
        if local_parts(&path)?.as_ref() != Some(parts) {
            pull_file(client, owner, name, parts.len(), &path).await?;
        }
    }
    for name in file_names(folder)? {
        if takes(&name) && !stored.contains_key(&name) {
            platform::remove_file(&folder.join(name))?;
        }
    }
    Ok(())
}

async fn pull_file(
    client: &impl GenericClient,
    owner: &str,
    name: &str,
    parts: usize,
    path: &Path,
) -> Result<(), DatabaseError> {
    let mut file = AtomicFile::create(path)?;
    for number in 0..parts {
        let select =
            "select content from hcsync_files where owner = $1 and name = $2 and part = $3";
        let number = part_number(number);
        let row = client.query_one(select, &[&owner, &name, &number]).await?;
        let content: Vec<u8> = row.try_get(0)?;
        file.write_all(&content)
            .map_err(|error| FileError::new(FileAction::Write, path, error))?;
    }
    Ok(file.commit()?)
}

/// The files of an owner, with their parts.
async fn stored_files(
    client: &impl GenericClient,
    owner: &str,
) -> Result<BTreeMap<String, Parts>, DatabaseError> {
    let select = "select name, sha256 from hcsync_files where owner = $1 order by name, part";
    let mut files: BTreeMap<String, Parts> = BTreeMap::new();
    for row in client.query(select, &[&owner]).await? {
        let hash: Vec<u8> = row.try_get(1)?;
        let name: String = row.try_get(0)?;
        let parts = files.entry(name).or_default();
        // A hash of another length equals none.
        parts.push(Hash::try_from(hash).unwrap_or_default());
    }
    Ok(files)
}

/// The hash of a file that has one part, such as a run's facts; `None` if it is missing.
pub(super) fn first_part(path: &Path) -> Result<Option<Vec<u8>>, DatabaseError> {
    let parts = local_parts(path)?;
    Ok(parts.and_then(|parts| parts.first().map(|hash| hash.to_vec())))
}

/// `None` if the file is missing.
fn local_parts(path: &Path) -> Result<Option<Parts>, DatabaseError> {
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    loop {
        let content = read_part(&mut file, path)?;
        if !content.is_empty() || parts.is_empty() {
            parts.push(Sha256::digest(&content).into());
        }
        if content.len() < PART {
            return Ok(Some(parts));
        }
    }
}

fn open(path: &Path) -> Result<Option<File>, DatabaseError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(FileAction::Open, path, error).into()),
    }
}

fn read_part(file: &mut File, path: &Path) -> Result<Vec<u8>, DatabaseError> {
    let mut content = Vec::new();
    file.take(PART as u64)
        .read_to_end(&mut content)
        .map_err(|error| FileError::new(FileAction::Read, path, error))?;
    Ok(content)
}

/// The names of the regular files in a folder, without those that are being written.
fn file_names(folder: &Path) -> Result<Vec<String>, DatabaseError> {
    let mut names = names_in(folder, FileType::is_file)?;
    names.retain(|name| !name.starts_with('.'));
    Ok(names)
}

/// The database's content is not trusted with paths: a name is one of a file in its folder.
pub(super) fn check_name(name: &str) -> Result<(), DatabaseError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.starts_with('.') && !name.is_empty() && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(DatabaseError::Name(name.to_owned())),
    }
}

fn part_number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

const PUT_PART: &str = "
    insert into hcsync_files (owner, name, part, sha256, content) values ($1, $2, $3, $4, $5)
    on conflict (owner, name, part) do update set sha256 = excluded.sha256, content = excluded.content";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_files_in_the_folder_are_taken() {
        for name in ["plan.jsonl", "tracked-0f", "results.csv"] {
            check_name(name).unwrap();
        }
        for name in ["", "..", "../x", "a/b", ".hidden", "a\\b", "C:x"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_is_hashed_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(local_parts(&path).unwrap(), None);
        for (len, parts) in [(0, 1), (1, 1), (PART, 1), (PART + 1, 2), (2 * PART, 2)] {
            std::fs::write(&path, vec![7; len]).unwrap();
            assert_eq!(local_parts(&path).unwrap().unwrap().len(), parts, "{len}");
        }
    }
}
