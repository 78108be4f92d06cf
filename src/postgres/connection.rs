//! Connections to the state database, and what all statements share: a time limit, and a new connection after one broke.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{ConnectionSettings, DatabaseSettings, TlsSettings};
use super::{DatabaseError, schema};

/// Statements are short; one that takes longer waits for a database that is gone.
const STATEMENT_LIMIT: Duration = Duration::from_secs(10);

/// The state database. Its connections live on a thread of their own, so that a lease is renewed while the program plans
/// on all others, and so that the journal's thread can wait for it.
pub struct Database {
    settings: ConnectionSettings,
    tls: Option<MakeRustlsConnect>,
    handle: Handle,
    /// Ends with the last reference.
    _runtime: OwnRuntime,
    /// For short statements. Files have a connection of their own, so that a lease is renewed while they are copied.
    client: tokio::sync::Mutex<Option<Arc<Client>>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.settings).finish()
    }
}

struct OwnRuntime(Option<Runtime>);

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // A runtime must not be dropped where other tasks run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Database {
    /// Connects, and creates or updates the tables if that is allowed.
    ///
    /// # Errors
    /// The settings are wrong, the database cannot be reached, or its tables are newer than this program.
    pub async fn open(settings: &DatabaseSettings) -> Result<Arc<Self>, DatabaseError> {
        let database = Self::connect(settings).await?;
        let mut client = database.new_client().await?;
        schema::prepare(&mut client).await?;
        *database.client.lock().await = Some(Arc::new(client));
        Ok(database)
    }

    /// Creates or updates the tables. Returns the schema's version before and after.
    ///
    /// # Errors
    /// As [`open`](Self::open), or the user may not create tables.
    pub async fn migrate(settings: &DatabaseSettings) -> Result<(i32, i32), DatabaseError> {
        let database = Self::connect(settings).await?;
        schema::migrate(&mut database.new_client().await?).await
    }

    async fn connect(settings: &DatabaseSettings) -> Result<Arc<Self>, DatabaseError> {
        let settings = settings.resolve(&|name| std::env::var(name).ok())?;
        let tls = settings.tls.as_ref().map(tls_connect).transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("database")
            .enable_all()
            .build()
            .map_err(DatabaseError::Runtime)?;
        Ok(Arc::new(Self {
            settings,
            tls,
            handle: runtime.handle().clone(),
            _runtime: OwnRuntime(Some(runtime)),
            client: tokio::sync::Mutex::default(),
        }))
    }

    /// Where tasks of the database run.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The URL without its password.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.settings.shown
    }

    /// The connection for short statements, made anew if it broke.
    async fn client(&self) -> Result<Arc<Client>, DatabaseError> {
        let mut current = self.client.lock().await;
        if let Some(client) = current.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.new_client().await?);
        *current = Some(Arc::clone(&client));
        Ok(client)
    }

    pub(super) async fn new_client(&self) -> Result<Client, DatabaseError> {
        let config = self.settings.config.clone();
        let tls = self.tls.clone();
        let connecting = self.handle.spawn(async move {
            // The connection's own task ends with its client.
            match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    Ok::<_, tokio_postgres::Error>(client)
                }
            }
        });
        let connected = tokio::time::timeout(STATEMENT_LIMIT, connecting).await;
        let connected = connected.map_err(|_| DatabaseError::TimedOut(STATEMENT_LIMIT))?;
        match connected {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(source)) => Err(DatabaseError::Connect {
                shown: self.settings.shown.clone(),
                source,
            }),
            Err(error) => Err(DatabaseError::Runtime(error.into())),
        }
    }

    /// Runs a short statement. Returns the number of rows that it changed.
    pub(super) async fn execute(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, DatabaseError> {
        let client = self.client().await?;
        self.within_limit(client.execute(statement, parameters))
            .await
    }

    /// Runs a short statement that returns rows.
    pub(super) async fn query(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        let client = self.client().await?;
        self.within_limit(client.query(statement, parameters)).await
    }

    /// Runs a short statement that returns at most one row.
    pub(super) async fn query_opt(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, DatabaseError> {
        let client = self.client().await?;
        self.within_limit(client.query_opt(statement, parameters))
            .await
    }

    /// Runs a short statement that returns one row.
    pub(super) async fn query_one(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, DatabaseError> {
        let client = self.client().await?;
        self.within_limit(client.query_one(statement, parameters))
            .await
    }

    async fn within_limit<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        match tokio::time::timeout(STATEMENT_LIMIT, statement).await {
            Ok(done) => Ok(done?),
            Err(_) => {
                // A connection that does not answer is not asked again.
                self.client.lock().await.take();
                Err(DatabaseError::TimedOut(STATEMENT_LIMIT))
            }
        }
    }
}

fn tls_connect(settings: &TlsSettings) -> Result<MakeRustlsConnect, DatabaseError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wrong = |error: &dyn fmt::Display| DatabaseError::Certificates(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?;
    let config = match &settings.root_certificates {
        Some(path) => {
            let mut roots = rustls::RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
            builder.with_root_certificates(roots)
        }
        None => {
            let verifier = rustls_platform_verifier::Verifier::new(provider);
            let verifier = verifier.map_err(|error| wrong(&error))?;
            // This replaces the list of roots by the system's own check, which is as strict.
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
