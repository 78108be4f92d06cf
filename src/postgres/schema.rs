//! The tables of the state database, and their versions.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::DatabaseError;

/// One step for each version of the schema. A step that was released is never changed.
const STEPS: [&str; 1] = [include_str!("schema-1.sql")];

/// Held while tables are created, so that of several processes one does it.
const MIGRATION_LOCK: i64 = 0x6863_7379_6e63;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the number of steps is small"
)]
const VERSION: i32 = STEPS.len() as i32;

/// Checks that the tables are those of this version, and creates or updates them if that is allowed.
pub(super) async fn prepare(client: &mut Client) -> Result<(), DatabaseError> {
    if version(client).await? == VERSION {
        return Ok(());
    }
    match migrate(client).await {
        Err(DatabaseError::Query(error))
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            Err(DatabaseError::NotMigrated)
        }
        migrated => migrated.map(drop),
    }
}

/// Creates or updates the tables. Returns the version before and after.
pub(super) async fn migrate(client: &mut Client) -> Result<(i32, i32), DatabaseError> {
    let transaction = client.transaction().await?;
    transaction
        .execute("select pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    let before = version(&transaction).await?;
    let done = usize::try_from(before).unwrap_or_default();
    for step in STEPS.iter().skip(done) {
        transaction.batch_execute(step).await?;
    }
    if before < VERSION {
        transaction
            .batch_execute("delete from hcsync_schema")
            .await?;
        let insert = "insert into hcsync_schema (version) values ($1)";
        transaction.execute(insert, &[&VERSION]).await?;
    }
    transaction.commit().await?;
    Ok((before, VERSION))
}

/// The version of the tables; 0 if there are none.
async fn version(client: &impl tokio_postgres::GenericClient) -> Result<i32, DatabaseError> {
    // Not `to_regclass`: it may remember from before the lock that there was no such table.
    let found = "
        select exists (
            select from pg_tables
            where tablename = 'hcsync_schema' and schemaname = any (current_schemas(false))
        )";
    if !client.query_one(found, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let found = client
        .query_one("select max(version) from hcsync_schema", &[])
        .await?
        .try_get::<_, i32>(0)?;
    match found > VERSION {
        true => Err(DatabaseError::Newer {
            found,
            known: VERSION,
        }),
        false => Ok(found),
    }
}
