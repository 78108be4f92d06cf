use std::fmt;
use std::path::{Path, PathBuf};

use object_store::path::Path as Key;
use url::Url;

/// The schemes of object stores.
const SCHEMES: [(&str, Provider); 3] = [
    ("s3://", Provider::S3),
    ("gs://", Provider::Google),
    ("az://", Provider::Azure),
];
const FILE: &str = "file://";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    S3,
    Google,
    Azure,
}

/// The address of a file or folder in an object store: `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    text: String,
    pub(super) provider: Provider,
    /// Bucket, or container.
    pub(super) bucket: String,
    pub(super) key: Key,
}

/// A path that looks like an address and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is not the address of an object: {problem}")]
pub struct AddressError {
    address: String,
    problem: &'static str,
}

impl ObjectUrl {
    /// The address that a path is, or `None` if it is the path of a file here.
    ///
    /// # Errors
    /// It begins like an address, and has no bucket or a key that no store takes.
    pub fn of(path: &Path) -> Result<Option<Self>, AddressError> {
        let Some((text, rest, provider)) = split(path) else {
            return Ok(None);
        };
        let wrong = |problem| AddressError {
            address: text.to_owned(),
            problem,
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong("it names no bucket"));
        }
        let odd_key = || wrong("its key has an empty part, `.` or `..`");
        if key.starts_with('/') {
            return Err(odd_key());
        }
        let key = Key::parse(key).map_err(|_| odd_key())?;
        Ok(Some(Self {
            text: text.to_owned(),
            provider,
            bucket: bucket.to_owned(),
            key,
        }))
    }

    /// The address of something in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self {
            text: format!("{}/{name}", self.text.trim_end_matches('/')),
            key: self.key.clone().join(name),
            ..self.clone()
        }
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn split(path: &Path) -> Option<(&str, &str, Provider)> {
    let text = path.to_str()?;
    let mut schemes = SCHEMES.into_iter();
    schemes.find_map(|(scheme, provider)| Some((text, text.strip_prefix(scheme)?, provider)))
}

/// Whether a path is an address, in an object store or of a file: then it starts from no folder.
#[must_use]
pub fn has_scheme(path: &Path) -> bool {
    split(path).is_some() || path.to_str().is_some_and(|text| text.starts_with(FILE))
}

/// The path that a `file://` address stands for; every other path as it is.
#[must_use]
pub fn local_path(path: &Path) -> PathBuf {
    let text = path.to_str().filter(|text| text.starts_with(FILE));
    let url = text.and_then(|text| Url::parse(text).ok());
    let file = url.and_then(|url| url.to_file_path().ok());
    file.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<(String, String)>, String> {
        let object = ObjectUrl::of(Path::new(text)).map_err(|e| e.to_string())?;
        Ok(object.map(|object| (object.bucket, object.key.to_string())))
    }

    #[test]
    fn an_address_has_a_bucket_and_a_key_and_everything_else_is_a_path() {
        let parts = |bucket: &str, key: &str| Ok(Some((bucket.to_owned(), key.to_owned())));
        assert_eq!(of("s3://crm/out/a b.csv?#"), parts("crm", "out/a b.csv?#"));
        assert_eq!(of("gs://crm/a.csv"), parts("crm", "a.csv"));
        assert_eq!(of("az://crm"), parts("crm", ""));
        for path in [
            "a.csv",
            "-",
            "/s3://x",
            "https://x/a.csv",
            "file:///a.csv",
            "s3:/x",
        ] {
            assert_eq!(of(path), Ok(None), "{path}");
        }
        assert!(of("s3:///a.csv").unwrap_err().contains("names no bucket"));
        assert!(of("s3://crm//a.csv").unwrap_err().contains("empty part"));
    }

    #[test]
    fn a_folder_is_joined_with_a_name() {
        for text in ["s3://crm/out", "s3://crm/out/"] {
            let folder = ObjectUrl::of(Path::new(text)).unwrap().unwrap();
            let file = folder.join("run").join("results.csv");
            assert_eq!(file.to_string(), "s3://crm/out/run/results.csv");
            assert_eq!(file.key.to_string(), "out/run/results.csv");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_address_of_a_file_is_its_path() {
        let local = |text: &str| local_path(Path::new(text)).display().to_string();
        assert_eq!(local("file:///srv/a%20b.csv"), "/srv/a b.csv");
        assert_eq!(local("a.csv"), "a.csv");
        assert_eq!(local("s3://crm/a.csv"), "s3://crm/a.csv");
        assert!(has_scheme(Path::new("file:///a")) && !has_scheme(Path::new("/a")));
    }
}
