//! What the database knows about all accounts: who works on them, and how their last runs ended.

use tokio_postgres::Row;
use tokio_postgres::types::Json;

use super::DatabaseError;
use super::connection::Database;
use super::holder::LeaseHolder;
use crate::report::FleetLastRun;

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountStatus {
    pub id: String,
    pub name: Option<String>,
    pub base_url: String,
    /// Who works on it now.
    pub holder: Option<LeaseHolder>,
    pub last_run: Option<FleetLastRun>,
    /// When a run last ended with every row as it was asked for; RFC 3339, UTC.
    pub last_success: Option<String>,
}

/// All accounts; those whose last success is the longest ago come first.
///
/// # Errors
/// The database fails.
pub async fn fleet_status(database: &Database) -> Result<Vec<AccountStatus>, DatabaseError> {
    let rows = database.query(ACCOUNTS, &[]).await?;
    rows.iter().map(account).collect()
}

fn account(row: &Row) -> Result<AccountStatus, DatabaseError> {
    let holder: Option<Json<LeaseHolder>> = row.try_get("holder")?;
    let facts: Option<Json<serde_json::Value>> = row.try_get("facts")?;
    let summary: Option<Json<serde_json::Value>> = row.try_get("summary")?;
    let summary = summary.map(|Json(summary)| summary).unwrap_or_default();
    Ok(AccountStatus {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        base_url: row.try_get("base_url")?,
        holder: holder.map(|Json(holder)| holder),
        last_run: facts.map(|Json(facts)| last_run(&facts, &summary)),
        last_success: row.try_get("last_success")?,
    })
}

fn last_run(facts: &serde_json::Value, summary: &serde_json::Value) -> FleetLastRun {
    let text = |name: &str| facts.get(name)?.as_str().map(ToOwned::to_owned);
    let exit_code = facts.get("exit_code").and_then(serde_json::Value::as_u64);
    FleetLastRun {
        run_id: text("run_id").unwrap_or_default(),
        command: text("command").unwrap_or_default(),
        created_at: text("created_at").unwrap_or_default(),
        ended_at: text("ended_at"),
        exit_code: exit_code.and_then(|code| u8::try_from(code).ok()),
        counts: facts.get("counts").cloned().unwrap_or_default(),
        requests: summary
            .pointer("/requests/total")
            .and_then(serde_json::Value::as_u64),
        duration_s: summary
            .get("duration_s")
            .and_then(serde_json::Value::as_f64),
    }
}

/// Ids of runs begin with the time of their start.
const ACCOUNTS: &str = "
    select a.id, a.name, a.base_url,
        case when a.expires_at > clock_timestamp() then a.holder end as holder,
        last.facts, last.summary, success.ended_at as last_success
    from hcsync_accounts a
    left join lateral (
        select facts, summary from hcsync_runs
        where account = a.id and (facts->>'dry_run')::bool is not true
        order by id desc limit 1
    ) last on true
    left join lateral (
        select facts->>'ended_at' as ended_at from hcsync_runs
        where account = a.id and (facts->>'dry_run')::bool is not true and facts->>'exit_code' = '0'
        order by id desc limit 1
    ) success on true
    order by success.ended_at nulls first, a.id";
