//! The files in which PostgreSQL's own programs look for passwords and services.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::DatabaseError;

/// `~/.pgpass`, or the file that `PGPASSFILE` names: lines of `host:port:database:user:password`.
#[derive(Debug)]
pub(super) struct PasswordFile {
    text: String,
}

impl PasswordFile {
    /// `None` if there is no such file.
    pub(super) fn find(
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, DatabaseError> {
        let text = read(named_or_home(environment, "PGPASSFILE", ".pgpass"))?;
        Ok(text.map(|text| Self { text }))
    }

    /// The password of the first line that matches.
    pub(super) fn password_for(&self, config: &Config) -> Option<SecretString> {
        let host = match config.get_hosts().first()? {
            Host::Tcp(name) if !name.is_empty() => name.clone(),
            // A socket in a folder.
            _ => String::from("localhost"),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let user = config.get_user().unwrap_or_default();
        let wanted = [
            host,
            port.to_string(),
            config.get_dbname().unwrap_or(user).to_owned(),
            user.to_owned(),
        ];
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        let mut passwords = lines.filter_map(|line| {
            let fields = split_fields(line);
            let (password, fields) = fields.split_last()?;
            let matches = fields.len() == wanted.len()
                && fields
                    .iter()
                    .zip(&wanted)
                    .all(|(field, wanted)| field == "*" || field == wanted);
            matches.then(|| SecretString::from(password.clone()))
        });
        passwords.next()
    }
}

/// Fields are separated by `:`; a backslash takes the character after it as it is.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let taken = match character {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            character => character,
        };
        if let Some(field) = fields.last_mut() {
            field.push(taken);
        }
    }
    fields
}

/// `~/.pg_service.conf`, or the file that `PGSERVICEFILE` names: sections of `parameter=value`.
#[derive(Debug)]
pub(super) struct ServiceFile {
    text: String,
}

impl ServiceFile {
    pub(super) fn find(
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, DatabaseError> {
        let path = named_or_home(environment, "PGSERVICEFILE", ".pg_service.conf");
        let text = read(path)?.ok_or(DatabaseError::NoServiceFile)?;
        Ok(Self { text })
    }

    /// Sets what the service says and the URL does not.
    pub(super) fn apply(&self, service: &str, config: &mut Config) -> Result<(), DatabaseError> {
        let header = format!("[{service}]");
        let lines = self.text.lines().map(str::trim);
        let mut section = lines.skip_while(|line| *line != header);
        section.next().ok_or_else(|| DatabaseError::NoService {
            service: service.to_owned(),
        })?;
        for line in section.take_while(|line| !line.starts_with('[')) {
            let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#'))
            else {
                continue;
            };
            let unreadable = || DatabaseError::Url(format!("the service's {name} is not a number"));
            match name.trim() {
                "host" if config.get_hosts().is_empty() => drop(config.host(value)),
                "port" if config.get_ports().is_empty() => {
                    config.port(value.parse().map_err(|_| unreadable())?);
                }
                "dbname" if config.get_dbname().is_none() => drop(config.dbname(value)),
                "user" if config.get_user().is_none() => drop(config.user(value)),
                "password" if config.get_password().is_none() => drop(config.password(value)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn named_or_home(
    environment: &dyn Fn(&str) -> Option<String>,
    variable: &str,
    name: &str,
) -> Option<PathBuf> {
    let named = environment(variable).map(PathBuf::from);
    named.or_else(|| Some(Path::new(&environment("HOME")?).join(name)))
}

/// `None` if the file is missing.
fn read(path: Option<PathBuf>) -> Result<Option<String>, DatabaseError> {
    let Some(path) = path else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DatabaseError::SecretFile { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_first_line_that_matches_has_the_password() {
        let file = PasswordFile {
            text: String::from(
                "# comment\nother:5432:*:*:wrong\ndb\\:1:*:d:u:pa:ss\\\\word\n*:*:*:*:last\n",
            ),
        };
        let password = |url: &str| {
            let config: Config = url.parse().unwrap();
            let found = file.password_for(&config).unwrap();
            found.expose_secret().to_owned()
        };
        assert_eq!(password("host='db:1' user=u dbname=d"), "pa:ss\\word");
        assert_eq!(password("postgres://u@db/d"), "last");
    }

    #[test]
    fn a_service_fills_in_what_the_url_leaves_out() {
        let file = ServiceFile {
            text: String::from(
                "[other]\nhost=no\n[hcsync]\n# db\nhost=db\nport=5433\nuser=u\ndbname=state\n[last]\nuser=no\n",
            ),
        };
        let mut config: Config = "postgres:///mine".parse().unwrap();
        file.apply("hcsync", &mut config).unwrap();
        assert_eq!(config.get_hosts(), [Host::Tcp(String::from("db"))]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_user(), Some("u"));
        assert_eq!(config.get_dbname(), Some("mine"));
        assert!(file.apply("missing", &mut config).is_err());
    }
}
