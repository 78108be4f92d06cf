use std::sync::Arc;

use tokio_postgres::types::ToSql;

use super::DatabaseError;
use super::connection::Database;
use super::files::check_name;
use super::pace::PaceLine;
use crate::journal::AccountId;

/// An account as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateAccount {
    pub id: String,
    /// The user's name for it.
    pub name: Option<String>,
    pub base_url: String,
}

impl StateAccount {
    #[must_use]
    pub fn new(id: &AccountId, name: Option<&str>, base_url: &str) -> Self {
        Self {
            id: id.to_string(),
            name: name.map(ToOwned::to_owned),
            base_url: base_url.to_owned(),
        }
    }

    /// All accounts that the database knows.
    ///
    /// # Errors
    /// The database fails, or holds an account with an impossible id.
    pub async fn list(database: &Database) -> Result<Vec<Self>, DatabaseError> {
        let select = "select id, name, base_url from hcsync_accounts order by id";
        let rows = database.query(select, &[]).await?;
        let accounts = rows.iter().map(|row| {
            let id: String = row.try_get(0)?;
            check_name(&id)?;
            Ok(Self {
                id,
                name: row.try_get(1)?,
                base_url: row.try_get(2)?,
            })
        });
        accounts.collect()
    }

    /// Joins the line in which the requests of all machines stand.
    ///
    /// # Errors
    /// The database fails.
    pub async fn join_line(&self, database: &Arc<Database>) -> Result<PaceLine, DatabaseError> {
        PaceLine::join(database, self).await
    }

    /// Owner of its files.
    pub(super) fn owner(&self) -> String {
        account_owner(&self.id)
    }

    /// Creates the account's row, if it is missing.
    pub(super) async fn insert(&self, database: &Database) -> Result<(), DatabaseError> {
        let insert = "insert into hcsync_accounts (id, name, base_url) values ($1, $2, $3) on conflict (id) do nothing";
        let parameters: [&(dyn ToSql + Sync); 3] = [&self.id, &self.name, &self.base_url];
        database.execute(insert, &parameters).await.map(drop)
    }
}

pub(super) fn account_owner(id: &str) -> String {
    format!("account/{id}")
}
