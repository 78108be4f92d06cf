//! What a row would do today: it is planned again against its customer as it is now, and nothing is sent.

use crate::cli::account::PlanAccount;
use crate::cli::account_findings::{email_case, write_rules};
use crate::cli::account_session::AccountSession;
use crate::cli::all_rows::settings_of;
use crate::cli::args::{WhyArgs, overrides_of};
use crate::cli::connection::Target;
use crate::cli::exit::{Exit, Failure};
use crate::cli::saved_settings::SavedSettings;
use crate::cli::session::Session;
use crate::cli::sync_inputs::{schema_and_rules, schema_failure};
use crate::config::Settings;
use crate::domain::{Columns, CustomerId, RemoteCustomer, RowKey, fold_email};
use crate::outcome::RowStatus;
use crate::remote::{LookupKeys, RemoteError, find_all};
use crate::report::{LaneFacts, RowHistory, RowOfRun, RowToday};
use crate::run::freshness::{EarlierRow, RefreshMode, RefreshRules, Refresher};
use crate::run::recent::get_if_exists;

use super::run_to_resume::{apply_run_settings, load};
use super::why_entry::{KeptRow, values};

/// Reads the customer, and plans the newest row that is known for it.
pub(super) async fn today(
    session: &mut Session,
    args: &WhyArgs,
    history: &RowHistory,
    newest: Option<KeptRow>,
) -> Result<RowToday, Failure> {
    let (settings, account) = open(session, args, newest.as_ref()).await?;
    let result = match newest {
        Some(kept) => match earlier_row(&kept) {
            Some(row) => plan(session, &settings, &account, kept, row).await,
            None => Ok(rejected(kept)),
        },
        None => look_up(&account, args, history).await.map_err(|error| {
            let gate = session.gate_failure(&account.client);
            gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "api", &error))
        }),
    };
    account.save_learned();
    result
}

async fn open(
    session: &mut Session,
    args: &WhyArgs,
    newest: Option<&KeptRow>,
) -> Result<(Settings, AccountSession), Failure> {
    let overrides = overrides_of(&[&args.account]);
    let mut settings = match newest {
        Some(kept) => load(session, overrides.clone(), &kept.saved)?.settings,
        None => session.load(&overrides)?.settings,
    };
    if let Some(kept) = newest {
        apply_run_settings(&mut settings, &overrides, &kept.meta, &kept.saved);
    }
    let target = Target::find(&settings, &session.console).await?;
    let account = AccountSession::open_to_read(session, &settings, target).await?;
    account.check_key().await?;
    if let Some(kept) = newest {
        let of_run = PlanAccount {
            id: kept.meta.account.as_ref(),
            key: None,
        };
        let same_account = args.same_account.same_account;
        account.check_plan(of_run, same_account).await?;
    }
    Ok((settings, account))
}

/// Returns what can be planned again of a row, or `None` if it would be rejected whatever its customer is.
fn earlier_row(kept: &KeptRow) -> Option<EarlierRow> {
    let (record, result) = (&kept.row.record, &kept.row.result);
    let is_duplicate = record.error.as_ref().is_some_and(|e| e.code == "duplicate");
    let desired = record.desired.clone().filter(|_| !is_duplicate)?;
    Some(EarlierRow {
        row: record.row,
        key: record.key.clone(),
        desired,
        customer: result.customer_id.or(record.customer_id),
    })
}

fn rejected(kept: KeptRow) -> RowToday {
    RowToday {
        of: Some(of(&kept)),
        status: Some(RowStatus::Rejected),
        error: kept.row.record.error,
        ..RowToday::default()
    }
}

fn of(kept: &KeptRow) -> RowOfRun {
    let result = &kept.row.result;
    RowOfRun {
        run_id: kept.meta.run_id.to_string(),
        source: result.source.clone(),
        line: result.line,
        row: result.row,
    }
}

/// Plans the row by the rules of its run.
async fn plan(
    session: &Session,
    settings: &Settings,
    account: &AccountSession,
    kept: KeptRow,
    row: EarlierRow,
) -> Result<RowToday, Failure> {
    let mut knowledge = account.load_knowledge(session)?;
    account.add_recent_keys(session, settings, &mut knowledge)?;
    let findings = knowledge.findings;
    let refresher = Refresher::new(RefreshMode::Replan, rules(&kept.saved)?, knowledge.memory)
        .with_email_case(email_case(&findings));
    let (earlier, desired) = (row.customer, row.desired.clone());
    let writes = write_rules(settings, &findings);
    let planned = refresher.plan_now(&account.client, &writes, row).await;
    let planned = planned.map_err(|error| {
        let gate = session.gate_failure(&account.client);
        gate.unwrap_or_else(|| Failure::from_error(Exit::NotFinished, "api", &error))
    })?;
    let facts = LaneFacts {
        lane: &planned.lane,
        source: &kept.row.result.source,
        line: kept.row.result.line,
        result: None,
    };
    Ok(RowToday {
        of: Some(of(&kept)),
        status: Some(planned.status),
        customer_id: planned.lane.customer.filter(|_| !planned.is_gone),
        key: None,
        gone: earlier.filter(|_| planned.is_gone),
        values: values(facts, Some(&desired), planned.left, &kept.saved),
        error: planned.error,
        warnings: planned.warnings,
    })
}

fn rules(saved: &SavedSettings) -> Result<RefreshRules, Failure> {
    let columns = saved.columns();
    let columns: Vec<&Columns> = columns.iter().collect();
    let rules = schema_and_rules(&settings_of(saved)?, &columns);
    let (_, rules) = rules.map_err(|error| schema_failure(&error))?;
    Ok(rules.refresh_rules(false))
}

/// Looks for the customer that was asked for, if no run kept a row for it.
async fn look_up(
    account: &AccountSession,
    args: &WhyArgs,
    history: &RowHistory,
) -> Result<RowToday, RemoteError> {
    let client = &account.client;
    let known = history.entries.first().map(|entry| &entry.result);
    let known = known.and_then(|result| result.customer_id);
    let id = known.or_else(|| args.query.parse().ok().map(CustomerId));
    let by_id = match id {
        Some(id) => get_if_exists(client, id).await?,
        None => None,
    };
    let customer = match by_id {
        Some(customer) => Some(customer),
        None => find_by_key(account, &args.query).await?,
    };
    Ok(RowToday {
        customer_id: customer.as_ref().map(|customer| customer.id),
        key: customer.as_ref().map(key_of),
        gone: known.filter(|id| customer.as_ref().is_none_or(|customer| customer.id != *id)),
        ..RowToday::default()
    })
}

/// Searches for a customer with this userId or e-mail address.
async fn find_by_key(
    account: &AccountSession,
    query: &str,
) -> Result<Option<RemoteCustomer>, RemoteError> {
    let mut keys = LookupKeys::default();
    keys.add(&RowKey {
        id: None,
        user_id: Some(query.to_owned()),
        email: query.contains('@').then(|| query.to_owned()),
    });
    let mut found = Vec::new();
    find_all(&account.client, &keys, &mut found).await?;
    let has_key = |customer: &RemoteCustomer| {
        let email = customer.email();
        customer.user_id() == Some(query)
            || email.is_some_and(|email| fold_email(email) == fold_email(query))
    };
    Ok(found.into_iter().find(has_key))
}

fn key_of(customer: &RemoteCustomer) -> RowKey {
    RowKey {
        id: Some(customer.id),
        user_id: customer.user_id().map(str::to_owned),
        email: customer.email().map(str::to_owned),
    }
}
