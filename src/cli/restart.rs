//! Restarting a sync that was interrupted before it sent anything: the arguments that its run saves, and those of the
//! restart.

use std::path::{Path, PathBuf};

use crate::journal::RunMeta;
use crate::objects::has_scheme;

use super::args::{BudgetArgs, ConfigArgs, ConnectionArgs, ResumeArgs, SyncArgs, overrides_of};
use super::saved_settings::SavedSettings;

/// The arguments of a sync that its run saves: with its inputs, absolute paths, and without the budget of that one run.
pub(super) fn restartable_args(
    args: &SyncArgs,
    inputs: &[PathBuf],
    config: Option<&Path>,
) -> Option<serde_json::Value> {
    let absolute = |path: &PathBuf| match path.as_os_str() == "-" || has_scheme(path) {
        true => path.clone(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
    };
    let mut args = args.clone();
    args.inputs = inputs.iter().map(absolute).collect();
    let planning = &mut args.planning;
    planning.budget = BudgetArgs::default();
    planning.account.config = ConfigArgs {
        config: config.map(Path::to_owned),
        ..ConfigArgs::default()
    };
    let files = [
        &mut planning.account.config.config,
        &mut planning.account.state.state_dir,
        &mut planning.decisions.decisions,
    ];
    for file in files.into_iter().chain(planning.report.files_mut()) {
        *file = file.as_ref().map(absolute);
    }
    serde_json::to_value(args).ok()
}

/// The arguments of a restarted sync: those of `resume` override those that were saved.
pub(super) fn restarted_args(
    mut started: SyncArgs,
    args: &ResumeArgs,
    meta: &RunMeta,
    saved: &SavedSettings,
) -> SyncArgs {
    let ConnectionArgs {
        base_url,
        account,
        requests_per_minute,
        concurrency,
    } = args.account.connection.clone();
    let planning = &mut started.planning;
    planning.account.connection = ConnectionArgs {
        base_url: base_url.or(Some(meta.base_url.clone())),
        account: account.or(saved.account_name.clone()),
        requests_per_minute: requests_per_minute.or(Some(saved.requests_per_minute)),
        concurrency: concurrency.or(Some(saved.concurrency)),
    };
    planning.account.state.clone_from(&args.account.state);
    planning.budget.clone_from(&args.budget);
    if overrides_of(&[&args.account.config]).is_config_named() {
        planning.account.config.clone_from(&args.account.config);
    }
    let named = args.report.files().into_iter();
    for (file, (_, named)) in planning.report.files_mut().into_iter().zip(named) {
        if let Some(named) = named {
            *file = Some(named.to_owned());
        }
    }
    started.ask.yes |= args.ask.yes;
    started.ask.confirm |= args.ask.confirm;
    SyncArgs {
        console: args.console.clone(),
        ..started
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Args, Command};
    use super::*;

    /// The arguments as the first version with restarts saved them.
    const OF_AN_EARLIER_VERSION: &str = r#"{
        "inputs": ["/in.csv"], "dry_run": false,
        "config": {"config": "/c.toml"}, "state": {"state_dir": "/state"},
        "connection": {"base_url": null, "account": "a", "requests_per_minute": 60, "concurrency": null},
        "sandbox": {"sandbox": false}, "decisions": {"decisions": null}, "rows": {"limit": 7},
        "reading": {"refresh": true, "explain": false},
        "budget": {"max_requests": null, "max_duration": null},
        "safety": {"max_change_percent": 80.0, "max_clear_percent": null, "min_match_percent": null, "max_creates": 9,
            "max_rejected_percent": null, "max_missing_percent": null, "missing": "tag", "allow_delete": null},
        "report": {"results": "/r.csv", "rejected": null, "changes": {"changes": "/c.csv"}, "summary": null, "report": null},
        "examples": {"examples": 5}, "ask": {"yes": true, "confirm": false},
        "output": {"output": "Json"}, "progress": {"progress": "Never", "progress_interval": null},
        "log": {"log_format": "Text", "log_file": null, "verbose": 1, "quiet": 0, "color": "Auto"}
    }"#;

    fn sync(line: &str) -> SyncArgs {
        match Args::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        {
            Command::Sync(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_an_earlier_version_saved_is_read() {
        let saved: SyncArgs = serde_json::from_str(OF_AN_EARLIER_VERSION).unwrap();
        let typed = sync(
            "hcsync sync /in.csv --config /c.toml --state-dir /state --account a --requests-per-minute 60 --limit 7 --refresh \
             --max-change-percent 80 --max-creates 9 --missing tag --results /r.csv --changes /c.csv --examples 5 --yes --output json \
             --progress never -v",
        );
        assert_eq!(format!("{saved:?}"), format!("{typed:?}"));
    }

    #[test]
    fn what_is_saved_has_the_groups_that_earlier_versions_have() {
        let args = sync("hcsync sync in.csv --max-requests 5 --results r.csv");
        let saved = restartable_args(&args, &["/in.csv".into()], Some(Path::new("/c.toml")));
        let saved = saved.unwrap();
        let earlier: serde_json::Value = serde_json::from_str(OF_AN_EARLIER_VERSION).unwrap();
        for (group, options) in earlier.as_object().unwrap() {
            let names = options.as_object().into_iter().flat_map(|o| o.keys());
            for name in names {
                assert!(saved[group].get(name).is_some(), "{group}.{name}: {saved}");
            }
        }
        assert_eq!(saved["config"]["config"], "/c.toml");
        assert_eq!(saved["budget"]["max_requests"], serde_json::Value::Null);
        let results = saved["report"]["results"].as_str().unwrap();
        assert!(Path::new(results).is_absolute(), "{results}");
    }
}
