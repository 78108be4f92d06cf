//! A folder that holds a config for each account.

use std::io;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The configs of a folder: its `*.toml` files, in byte order of their names. Files whose names begin with a dot are none, as for a
/// shell.
///
/// # Errors
/// The folder cannot be read.
pub fn config_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| is_config(&path)) {
            names.push(name.to_owned());
        }
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// A link to a file counts: Kubernetes mounts files so.
fn is_config(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".toml") && !name.starts_with(b".") && path.is_file()
}

/// The config at this place of a folder, from 0. `folder` starts from `current`, as does the path that is returned.
pub(super) fn config_at(
    current: &Path,
    folder: &Path,
    index: usize,
) -> Result<PathBuf, ConfigError> {
    let configs = config_files(&current.join(folder)).map_err(|cause| ConfigError::Option {
        option: "--config-dir".to_owned(),
        message: format!("{} cannot be read: {cause}", folder.display()),
    })?;
    let name = configs.get(index).and_then(|config| config.file_name());
    match name {
        Some(name) => Ok(folder.join(name)),
        None => Err(ConfigError::Option {
            option: "--index".to_owned(),
            message: beyond(folder, index, configs.len()),
        }),
    }
}

fn beyond(folder: &Path, index: usize, configs: usize) -> String {
    let folder = folder.display();
    let last = match configs {
        0 => {
            return format!(
                "{index}: {folder} has no config (*.toml); add one, or name another folder with --config-dir"
            );
        }
        1 => "1 config (*.toml), and counting from 0 only --index 0 exists".to_owned(),
        n => format!(
            "{n} configs (*.toml), and counting from 0 the last is --index {}",
            n - 1
        ),
    };
    format!(
        "{index} is beyond the end: {folder} has {last}; use a lower index, start as many jobs as there are configs, or add the \
         config that is missing"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn configs_are_taken_in_byte_order_of_their_names() {
        let folder = folder(&[
            "b.toml",
            "a.toml",
            "B.toml",
            "10.toml",
            "9.toml",
            ".a.toml",
            "key",
            "a.toml.bak",
        ]);
        std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
        let found = config_files(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["10.toml", "9.toml", "B.toml", "a.toml", "b.toml"]);
        let third = config_at(folder.path().parent().unwrap(), folder.path(), 2).unwrap();
        assert_eq!(third, folder.path().join("B.toml"));
    }

    #[test]
    fn an_index_beyond_the_end_names_the_folder_and_how_many_there_are() {
        let parent = tempfile::tempdir().unwrap();
        let of = |names: &[&str], index| {
            let path = parent.path().join("accounts");
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir(&path).unwrap();
            names
                .iter()
                .for_each(|name| std::fs::write(path.join(name), "").unwrap());
            config_at(parent.path(), Path::new("accounts"), index)
                .unwrap_err()
                .to_string()
        };
        assert!(of(&[], 0).starts_with("--index 0: accounts has no config (*.toml)"));
        let one = of(&["a.toml"], 1);
        assert!(
            one.starts_with("--index 1 is beyond the end: accounts has 1 config"),
            "{one}"
        );
        let two = of(&["a.toml", "b.toml"], 7);
        assert!(
            two.contains("accounts has 2 configs") && two.contains("the last is --index 1"),
            "{two}"
        );
        let none = config_at(parent.path(), Path::new("absent"), 0).unwrap_err();
        assert!(none.to_string().contains("absent"), "{none}");
    }
}
