//! Which database is meant, and how it is reached: the URL, the password from where PostgreSQL's own programs look for
//! it, and TLS.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::Url;

use super::DatabaseError;
use super::password::{PasswordFile, ServiceFile};

/// An idle connection is tried after this long.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Where the state database is, as the user named it.
#[derive(Debug, Clone, Default)]
pub struct DatabaseSettings {
    /// `postgres://user@host/database`, with PostgreSQL's parameters.
    pub url: String,
    /// A file with nothing but the password.
    pub password_file: Option<PathBuf>,
}

/// Everything that a connection needs.
#[derive(Clone)]
pub(super) struct ConnectionSettings {
    pub(super) config: Config,
    /// `None`: without TLS.
    pub(super) tls: Option<TlsSettings>,
    /// The URL without its password, for messages.
    pub(super) shown: String,
}

#[derive(Debug, Clone)]
pub(super) struct TlsSettings {
    /// Certificates to trust instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionSettings")
            .field(&self.shown)
            .finish()
    }
}

/// Parameters of libpq's URLs that this program handles itself.
#[derive(Debug, Default)]
struct Parameters {
    service: Option<String>,
    ssl_mode: Option<String>,
    ssl_root_cert: Option<PathBuf>,
}

impl DatabaseSettings {
    /// Whether the URL holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    /// The URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        match Url::parse(&self.url) {
            Ok(mut url) => {
                // Fails only for a URL without a host, which has no password either.
                let _ = url.set_password(None);
                let others = url.query_pairs().filter(|(name, _)| name != "password");
                let others: Vec<_> = others
                    .map(|pair| (pair.0.into_owned(), pair.1.into_owned()))
                    .collect();
                url.set_query(None);
                if !others.is_empty() {
                    url.query_pairs_mut().extend_pairs(others);
                }
                url.to_string()
            }
            // Not a URL: it may be anything, also a password.
            Err(_) => String::from("postgres://…"),
        }
    }

    /// Reads password and service files. `environment` returns a variable's value.
    pub(super) fn resolve(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ConnectionSettings, DatabaseError> {
        let (url, parameters) = self.split()?;
        let mut config: Config = url
            .as_str()
            .parse()
            .map_err(|source| DatabaseError::Url(tidy(&source)))?;
        if let Some(service) = &parameters.service {
            ServiceFile::find(environment)?.apply(service, &mut config)?;
        }
        if config.get_user().is_none() {
            let user = environment("PGUSER").or_else(|| environment("USER"));
            config.user(user.ok_or_else(|| DatabaseError::Url("it names no user".into()))?);
        }
        if config.get_hosts().is_empty() {
            return Err(DatabaseError::Url(String::from("it names no host")));
        }
        if let Some(password) = self.password(&config, environment)? {
            config.password(password.expose_secret());
        }
        config.application_name("hcsync");
        // A server that is gone is noticed while files are copied, too.
        config
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(KEEPALIVE * 2);
        let tls = tls(&mut config, parameters)?;
        Ok(ConnectionSettings {
            config,
            tls,
            shown: self.shown(),
        })
    }

    /// Takes the parameters out that `tokio-postgres` does not know.
    fn split(&self) -> Result<(Url, Parameters), DatabaseError> {
        let mut url = Url::parse(&self.url).map_err(|e| DatabaseError::Url(e.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            let message = "it has to begin with postgres://";
            return Err(DatabaseError::Url(String::from(message)));
        }
        let mut parameters = Parameters::default();
        let mut others = Vec::new();
        for (name, value) in url.query_pairs() {
            let value = value.into_owned();
            match name.as_ref() {
                "service" => parameters.service = Some(value),
                "sslmode" => parameters.ssl_mode = Some(value),
                "sslrootcert" => parameters.ssl_root_cert = Some(PathBuf::from(value)),
                // The host decides whether TLS is used.
                "hostaddr" => {
                    return Err(DatabaseError::Url(String::from(
                        "it names a hostaddr: name the host alone",
                    )));
                }
                _ => others.push((name.into_owned(), value)),
            }
        }
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        Ok((url, parameters))
    }

    /// The password: from its file, the URL, `PGPASSWORD`, or PostgreSQL's password file.
    fn password(
        &self,
        config: &Config,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<SecretString>, DatabaseError> {
        if let Some(path) = &self.password_file {
            return read_password(path).map(Some);
        }
        if let Some(password) = config.get_password() {
            let password = String::from_utf8_lossy(password).into_owned();
            return Ok(Some(SecretString::from(password)));
        }
        if let Some(password) = environment("PGPASSWORD") {
            return Ok(Some(SecretString::from(password)));
        }
        PasswordFile::find(environment)?.map_or(Ok(None), |file| Ok(file.password_for(config)))
    }
}

fn read_password(path: &Path) -> Result<SecretString, DatabaseError> {
    let text = std::fs::read_to_string(path).map_err(|source| DatabaseError::SecretFile {
        path: path.to_owned(),
        source,
    })?;
    Ok(SecretString::from(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// TLS is used wherever the database is on another machine, and its certificate is checked, unless the URL says
/// `sslmode=disable`: state holds e-mail addresses.
fn tls(config: &mut Config, parameters: Parameters) -> Result<Option<TlsSettings>, DatabaseError> {
    let is_local = config.get_hosts().iter().all(is_local);
    let mode = match parameters.ssl_mode.as_deref() {
        None if is_local && parameters.ssl_root_cert.is_none() => SslMode::Disable,
        None | Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some("disable") => SslMode::Disable,
        Some(mode) => {
            return Err(DatabaseError::Url(format!(
                "its sslmode is `{mode}`: hcsync knows disable, require and verify-full, and checks the certificate for both of the latter"
            )));
        }
    };
    config.ssl_mode(mode);
    Ok((mode == SslMode::Require).then_some(TlsSettings {
        root_certificates: parameters.ssl_root_cert,
    }))
}

/// Whether the server is on this machine: a socket in a folder, or a loopback address.
fn is_local(host: &Host) -> bool {
    !matches!(host, Host::Tcp(name) if !is_loopback(name))
}

fn is_loopback(name: &str) -> bool {
    let address: Option<std::net::IpAddr> = name.parse().ok();
    name == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// The driver's error about a URL, which never repeats a value.
fn tidy(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> DatabaseSettings {
        DatabaseSettings {
            url: url.to_owned(),
            password_file: None,
        }
    }

    fn resolve(url: &str, variables: &[(&str, &str)]) -> Result<ConnectionSettings, DatabaseError> {
        settings(url).resolve(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn another_machine_is_reached_by_tls_only_and_this_one_without() {
        let cases = [
            ("postgres://u@127.0.0.1/d", false),
            ("postgresql://u@localhost:5433/d", false),
            ("postgres://u@db.example.com/d", true),
            ("postgres://u@db.example.com/d?sslmode=verify-full", true),
            ("postgres://u@db.example.com/d?sslmode=disable", false),
            ("postgres://u@127.0.0.1/d?sslmode=require", true),
            ("postgres://u@127.0.0.1/d?sslrootcert=/ca.pem", true),
        ];
        for (url, is_tls) in cases {
            let resolved = resolve(url, &[]).unwrap();
            assert_eq!(resolved.tls.is_some(), is_tls, "{url}");
        }
        let error = resolve("postgres://u@h/d?sslmode=prefer", &[]).unwrap_err();
        assert!(error.to_string().contains("sslmode is `prefer`"), "{error}");
    }

    #[test]
    fn passwords_come_from_file_url_or_environment_in_this_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from the file\n").unwrap();
        let variables = [("PGPASSWORD", "from the environment")];
        let password = |url: &str, variables: &[(&str, &str)]| {
            let resolved = resolve(url, variables).unwrap();
            let password = resolved.config.get_password().map(<[u8]>::to_vec);
            password.map(|password| String::from_utf8(password).unwrap())
        };
        let with_password = "postgres://u:from-the-url@localhost/d";
        assert_eq!(
            password(with_password, &variables).as_deref(),
            Some("from-the-url")
        );
        assert_eq!(
            password("postgres://u@localhost/d", &variables).as_deref(),
            Some("from the environment")
        );
        assert_eq!(password("postgres://u@localhost/d", &[]), None);
        let mut settings = settings(with_password);
        assert!(settings.has_password());
        settings.password_file = Some(file);
        let resolved = settings.resolve(&|_| None).unwrap();
        let password: &[u8] = b"from the file";
        assert_eq!(resolved.config.get_password(), Some(password));
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://u:hunter2@h/d?sslmode=disable",
            "postgres://u:hunter2@/d",
            "postgres://u@h/d?password=hunter2",
            "hunter2",
        ] {
            let settings = settings(url);
            assert!(!settings.shown().contains("hunter2"), "{url}");
            match settings.resolve(&|_| None) {
                Ok(resolved) => assert!(!format!("{resolved:?}").contains("hunter2")),
                Err(error) => assert!(!error.to_string().contains("hunter2"), "{error}"),
            }
        }
        let shown = settings("postgres://u:hunter2@h/d").shown();
        assert_eq!(shown, "postgres://u@h/d");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        for (url, what) in [
            ("https://h/d", "postgres://"),
            ("h/d", "relative"),
            ("postgres://u@h/d?colour=red", "colour"),
            ("postgres://u@localhost/d?hostaddr=10.0.0.1", "hostaddr"),
        ] {
            let error = resolve(url, &[]).unwrap_err().to_string();
            assert!(error.contains(what), "{url}: {error}");
        }
    }
}
