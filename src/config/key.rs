use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use thiserror::Error;

use super::text;
use crate::platform;

const VARIABLE: &str = "HELPCRUNCH_API_KEY";
/// The folder in which a service manager puts credentials, and the names that the key may have there.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const CREDENTIAL_NAMES: [&str; 2] = ["helpcrunch_api_key", VARIABLE];

/// Bytes of a key file that are read. A key has some dozens of characters; a longer file is not a key file.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// The places that may hold the key.
pub struct KeySources<'a> {
    /// Returns an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// `api.key_file`, resolved.
    pub key_file: Option<&'a Path>,
}

impl fmt::Debug for KeySources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySources").finish_non_exhaustive()
    }
}

/// The key, its origin, and warnings about that.
#[derive(Debug)]
pub struct FoundKey {
    pub key: SecretString,
    pub origin: KeyOrigin,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    Environment,
    KeyFile(PathBuf),
    Credential(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str(VARIABLE),
            Self::KeyFile(path) => write!(f, "the key file {}", path.display()),
            Self::Credential(path) => write!(f, "the credential {}", path.display()),
        }
    }
}

/// Why there is no key. No message holds any part of it.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error(
        "no API key: set HELPCRUNCH_API_KEY, or name a file that holds the key with api.key_file in the config, or \
         give the service a credential helpcrunch_api_key{}",
        notes(empty)
    )]
    Missing {
        /// Places that exist, but are empty.
        empty: Vec<KeyOrigin>,
    },
    #[error("{origin} must hold an API key and nothing else: {reason}")]
    Malformed {
        origin: KeyOrigin,
        reason: &'static str,
    },
    /// The cause is part of the message and not a source, or it would be shown twice.
    #[error("cannot read {origin}: {cause}")]
    Unreadable { origin: KeyOrigin, cause: io::Error },
}

fn notes(empty: &[KeyOrigin]) -> String {
    empty
        .iter()
        .map(|origin| format!("; {origin} is empty"))
        .collect()
}

/// Returns the key from the first place that holds one: environment, key file, credential directory.
///
/// # Errors
/// There is none, the key file cannot be read, or a place holds something that cannot be a key.
pub fn find_key(sources: &KeySources<'_>) -> Result<FoundKey, KeyError> {
    let mut empty = Vec::new();
    let mut places = vec![KeyOrigin::Environment];
    places.extend(
        sources
            .key_file
            .map(|path| KeyOrigin::KeyFile(path.to_owned())),
    );
    places.extend(credentials(sources));
    for origin in places {
        let Some((content, warning)) = read(sources, &origin)? else {
            continue;
        };
        match parse_key(&content) {
            Ok(None) => empty.push(origin),
            Ok(Some(key)) => {
                return Ok(FoundKey {
                    key,
                    origin,
                    warnings: warning.into_iter().collect(),
                });
            }
            Err(reason) => return Err(KeyError::Malformed { origin, reason }),
        }
    }
    Err(KeyError::Missing { empty })
}

fn credentials(sources: &KeySources<'_>) -> Vec<KeyOrigin> {
    let folder = (sources.environment)(CREDENTIALS).filter(|folder| !folder.is_empty());
    let folder = folder.map(PathBuf::from);
    let names = CREDENTIAL_NAMES.iter();
    folder.map_or_else(Vec::new, |folder| {
        names
            .map(|name| KeyOrigin::Credential(folder.join(name)))
            .collect()
    })
}

/// The content of a place and a warning about it. `None` if the place does not exist and need not.
fn read(
    sources: &KeySources<'_>,
    origin: &KeyOrigin,
) -> Result<Option<(String, Option<String>)>, KeyError> {
    let path = match origin {
        KeyOrigin::Environment => return from_environment(sources),
        KeyOrigin::KeyFile(path) | KeyOrigin::Credential(path) => path,
    };
    match read_file(path) {
        Ok((bytes, mode)) => {
            let content = text::decode(&bytes).map_err(|_| not_text(origin.clone()))?;
            // The service manager guards its own folder.
            let mode = mode.filter(|_| matches!(origin, KeyOrigin::KeyFile(_)));
            Ok(Some((
                content,
                mode.map(|mode| open_file_warning(path, mode)),
            )))
        }
        Err(cause) if may_be_absent(origin, &cause) => Ok(None),
        Err(cause) => Err(KeyError::Unreadable {
            origin: origin.clone(),
            cause,
        }),
    }
}

fn from_environment(
    sources: &KeySources<'_>,
) -> Result<Option<(String, Option<String>)>, KeyError> {
    let Some(value) = (sources.environment)(VARIABLE) else {
        return Ok(None);
    };
    let value = value
        .into_string()
        .map_err(|_| not_text(KeyOrigin::Environment))?;
    Ok(Some((value, None)))
}

fn not_text(origin: KeyOrigin) -> KeyError {
    KeyError::Malformed {
        origin,
        reason: "it is not text",
    }
}

fn may_be_absent(origin: &KeyOrigin, cause: &io::Error) -> bool {
    matches!(origin, KeyOrigin::Credential(_)) && cause.kind() == io::ErrorKind::NotFound
}

/// Returns the content, and the file's mode if other users can read it.
fn read_file(path: &Path) -> io::Result<(Vec<u8>, Option<u32>)> {
    let file = File::open(path)?;
    let mode = platform::mode_open_to_others(&file)?;
    let mut bytes = Vec::new();
    file.take(MAX_KEY_FILE).read_to_end(&mut bytes)?;
    Ok((bytes, mode))
}

fn open_file_warning(path: &Path, mode: u32) -> String {
    let path = path.display();
    format!("the key file {path} can be read by other users (mode {mode:04o}); run chmod 600 on it")
}

/// Returns the key without the white space around it, or `None` if there is nothing else.
fn parse_key(content: &str) -> Result<Option<SecretString>, &'static str> {
    let key = content.trim();
    if key.is_empty() {
        return Ok(None);
    }
    if key
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
    {
        return Err("leave out the word Bearer");
    }
    if key.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it contains spaces, line ends or control characters");
    }
    if !key.is_ascii() {
        return Err("it contains characters that no key has");
    }
    Ok(Some(SecretString::from(key)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;

    use secrecy::ExposeSecret as _;

    use super::*;

    const KEY: &str = "NmQyZTY4ZDk0MTRhNGY5OTg5ZDEyM2I0NTY3ODkwMTI=";

    fn find(variables: &[(&str, &str)], key_file: Option<&Path>) -> Result<FoundKey, KeyError> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let environment = |name: &str| variables.get(name).map(OsString::from);
        find_key(&KeySources {
            environment: &environment,
            key_file,
        })
    }

    fn private(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path
    }

    #[test]
    fn the_environment_goes_before_the_key_file_and_that_before_the_credential() {
        let folder = tempfile::tempdir().unwrap();
        let file = private(folder.path(), "key", b"from-file\n");
        private(folder.path(), "helpcrunch_api_key", b"from-credential");
        let credentials = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
        let key = |variables: &[(&str, &str)], file| {
            let found = find(variables, file).unwrap();
            assert!(found.warnings.is_empty());
            found.key.expose_secret().to_owned()
        };
        let variable = ("HELPCRUNCH_API_KEY", " from-environment\r\n");
        assert_eq!(
            key(&[variable, credentials], Some(&file)),
            "from-environment"
        );
        assert_eq!(key(&[credentials], Some(&file)), "from-file");
        assert_eq!(key(&[credentials], None), "from-credential");
        assert_eq!(
            key(&[("HELPCRUNCH_API_KEY", " "), credentials], Some(&file)),
            "from-file"
        );
    }

    #[test]
    fn a_credential_may_have_the_name_of_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        let path = private(folder.path(), "HELPCRUNCH_API_KEY", b"k");
        let found = find(
            &[("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())],
            None,
        )
        .unwrap();
        assert_eq!(found.origin, KeyOrigin::Credential(path));
    }

    #[test]
    fn no_key_names_the_three_places_and_those_that_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = private(folder.path(), "key", b"\n");
        let error = find(&[("HELPCRUNCH_API_KEY", "")], Some(&file))
            .unwrap_err()
            .to_string();
        for part in [
            "HELPCRUNCH_API_KEY",
            "api.key_file",
            "credential",
            "HELPCRUNCH_API_KEY is empty",
            "key is empty",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(
            !find(&[], None)
                .unwrap_err()
                .to_string()
                .contains("is empty")
        );
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_without_being_shown() {
        for wrong in [
            format!("{KEY} x"),
            format!("{KEY}\nx"),
            format!("Bearer {KEY}"),
            format!("{KEY}\u{7}"),
            format!("{KEY}ї"),
        ] {
            let error = find(&[("HELPCRUNCH_API_KEY", &wrong)], None).unwrap_err();
            assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let bytes = private(folder.path(), "key", b"abc\xFFdef");
        assert!(matches!(
            find(&[], Some(&bytes)),
            Err(KeyError::Malformed { .. })
        ));
    }

    #[test]
    fn a_found_key_shows_nowhere() {
        let found = find(&[("HELPCRUNCH_API_KEY", KEY)], None).unwrap();
        assert!(!format!("{found:?}").contains(KEY));
    }

    #[test]
    fn a_key_file_that_windows_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("\u{feff}{KEY}\r\n");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let file = private(folder.path(), "key", &utf16);
        assert_eq!(find(&[], Some(&file)).unwrap().key.expose_secret(), KEY);
    }

    #[test]
    fn a_key_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(&[], Some(&folder.path().join("no.key"))).unwrap_err();
        assert!(error.to_string().contains("no.key"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_worth_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = private(folder.path(), "key", b"k");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let warnings = find(&[], Some(&file)).unwrap().warnings;
        assert!(
            warnings.iter().any(|w| w.contains("mode 0640")),
            "{warnings:?}"
        );
        assert_eq!(warnings.len(), 1);
    }
}
