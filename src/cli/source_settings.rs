//! The settings of `source`, `remote` and `plan::budget`, from the config and the account's findings.

use crate::config::{InputConfig, RemoteStrategy, Settings};
use crate::pace::Limiter;
use crate::plan::budget::BudgetRules;
use crate::probe::Findings;
use crate::remote::{RemoteSettings, Strategy};
use crate::source::SourceSettings;

use super::account_findings::{email_case, write_rules};
use super::exit::Failure;

pub(super) fn source_settings(input: &InputConfig) -> Result<SourceSettings, Failure> {
    if input.header && input.columns.is_some() {
        return Err(Failure::usage(
            "input.columns names the columns of a file without a header: set input.header = false",
        ));
    }
    Ok(SourceSettings {
        format: input.format.into(),
        delimiter: input.delimiter.into(),
        quote: input.quote.into(),
        encoding: input.encoding.into(),
        header: input.header,
        columns: input.columns.clone(),
        sheet: input.sheet.clone(),
        trim: input.trim,
        skip_lines: input.skip_lines,
        ..SourceSettings::default()
    })
}

pub(super) fn remote_settings(settings: &Settings, findings: &Findings) -> RemoteSettings {
    RemoteSettings {
        strategy: match settings.remote.strategy {
            RemoteStrategy::Auto => Strategy::Auto,
            RemoteStrategy::Snapshot => Strategy::Snapshot,
            RemoteStrategy::List => Strategy::List,
            RemoteStrategy::Lookup => Strategy::Lookup,
        },
        recheck_after: settings.remote.recheck_after,
        snapshot_max_age: settings.remote.snapshot_max_age,
        refresh: settings.run.refresh,
        email_case: email_case(findings),
    }
}

pub(super) fn budget_rules(
    settings: &Settings,
    reread_all: bool,
    findings: &Findings,
) -> BudgetRules {
    let limits = &settings.limits;
    let limiter = Limiter::new(limits.requests_per_minute, limits.reserve);
    BudgetRules {
        requests_per_minute: Some(limits.requests_per_minute).filter(|limit| *limit > 0),
        interval_s: limiter.gap().map_or(0.0, |gap| gap.as_secs_f64()),
        recheck_after: settings.remote.recheck_after,
        reread_all,
        writes: write_rules(settings, findings),
    }
}
