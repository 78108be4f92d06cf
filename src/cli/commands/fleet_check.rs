//! `hcsync fleet check`: validates all configs of a folder with their inputs, and computes the length of the night.

use std::path::{Path, PathBuf};

use crate::cli::args::FleetCheckArgs;
use crate::cli::command_runner::CommandRunner;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::program_output::API_KEY;
use crate::cli::session::Session;
use crate::cli::shared_state::{refreshed_state_dir, state_config_of};
use crate::config::config_files;
use crate::journal::StateDir;
use crate::postgres::PulledRuns;
use crate::report::{
    FleetChain, FleetConfig, FleetReport, fleet_check_headline, plural, render_fleet_check,
    write_fleet_check,
};

use super::fleet_accounts::{FleetAccount, conflict, same_accounts};
use super::fleet_config::CheckedConfig;
use super::fleet_estimate::FinishedSyncs;

pub(in crate::cli) async fn run(args: &FleetCheckArgs) -> Exit {
    let console = Console::from(&args.console);
    let work = async |session: &mut Session| check(session, args).await;
    CommandRunner::new("fleet check", console).run(work).await
}

async fn check(session: &mut Session, args: &FleetCheckArgs) -> Result<Exit, Failure> {
    let folder = &args.config_dir;
    let files = config_files(folder)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", folder.display())))?;
    if files.is_empty() {
        let message = format!("{} has no config (*.toml)", folder.display());
        return Err(
            Failure::usage(message).hint("`hcsync init INPUT -o DIR/NAME.toml` proposes one")
        );
    }
    let has_key = std::env::var_os(API_KEY).is_some_and(|key| !key.is_empty());
    if has_key && files.len() > 1 {
        let console = &session.console;
        console.warn(&format!(
            "{API_KEY} is set: each sync would use it instead of its config's key file"
        ));
    }
    let config = state_config_of(&args.state)?;
    let state_dir = args.state.state_dir.as_deref();
    let state = refreshed_state_dir(state_dir, &config, PulledRuns::Facts).await?;
    let mut fleet = Fleet {
        syncs: FinishedSyncs::read(&state)?,
        state,
        checked: Vec::new(),
        problems: 0,
    };
    for file in files {
        fleet.add(session, file).await?;
    }
    fleet.find_conflicts(session);
    let has_bad_rows = fleet.has_bad_rows();
    let problems = fleet.problems;
    let report = fleet.into_report(folder);
    session.console.print_result(
        |out| write_fleet_check(out, &report),
        || fleet_check_headline(&report),
        |view| render_fleet_check(&report, view),
    );
    if problems > 0 {
        let problems = plural(problems, "problem", "problems");
        let message = format!(
            "the configs of {} have {problems}; see above",
            folder.display()
        );
        return Err(Failure::new(Exit::Usage, "config", message));
    }
    if has_bad_rows {
        session.attention = Some(
            "rows would be rejected; `hcsync check -c CONFIG` says which, and what to fix".into(),
        );
        return Ok(Exit::RowProblems);
    }
    Ok(Exit::Done)
}

struct Fleet {
    state: StateDir,
    syncs: FinishedSyncs,
    /// Every config, with its account and settings if it can be used.
    checked: Vec<(FleetConfig, Option<CheckedConfig>)>,
    problems: u64,
}

impl Fleet {
    /// Checks a config. A problem with it is reported, and is no failure of the command.
    async fn add(&mut self, session: &Session, file: PathBuf) -> Result<(), Failure> {
        let name = file.file_name().unwrap_or_default();
        let mut config = FleetConfig {
            config: name.to_string_lossy().into_owned(),
            ..FleetConfig::default()
        };
        let checked = match CheckedConfig::of(session, &self.state, file, &mut config).await {
            Ok(checked) => Some(checked),
            Err(failure) if failure.exit == Exit::Usage => {
                session.console.fail(&failure);
                self.problems += 1;
                config = FleetConfig {
                    config: config.config,
                    problem: Some(failure.message),
                    ..FleetConfig::default()
                };
                None
            }
            Err(failure) => return Err(failure),
        };
        self.checked.push((config, checked));
        Ok(())
    }

    /// Reports configs that are for one account and do not say so, and fills in what each config needs.
    fn find_conflicts(&mut self, session: &Session) {
        for group in self.groups() {
            let members = group.iter().filter_map(|at| self.checked.get(*at));
            let members: Vec<_> = members
                .filter_map(|(config, checked)| {
                    Some((config.config.as_str(), &checked.as_ref()?.account))
                })
                .collect();
            if let Some(failure) = conflict(&members) {
                session.console.fail(&failure);
                self.problems += 1;
            }
            let is_shared = group.len() > 1;
            for at in group {
                if let Some((config, Some(checked))) = self.checked.get_mut(at) {
                    let file = is_shared.then_some(checked.file.as_path());
                    let id = checked.account.id.as_ref();
                    let last = id.and_then(|id| self.syncs.last_need(id, file));
                    config.need = last.unwrap_or_else(|| checked.bound.clone());
                }
            }
        }
    }

    /// Usable configs by account, as places in `checked`.
    fn groups(&self) -> Vec<Vec<usize>> {
        let usable = self.checked.iter().enumerate();
        let usable = usable.filter_map(|(at, (_, checked))| Some((at, &checked.as_ref()?.account)));
        let (places, accounts): (Vec<usize>, Vec<&FleetAccount>) = usable.unzip();
        let groups = same_accounts(&accounts).into_iter();
        let place = |member: &usize| places.get(*member).copied();
        groups
            .map(|group| group.iter().filter_map(place).collect())
            .collect()
    }

    fn has_bad_rows(&self) -> bool {
        let mut checked = self
            .checked
            .iter()
            .filter_map(|(_, checked)| checked.as_ref());
        checked.any(|checked| checked.has_bad_rows)
    }

    fn into_report(self, folder: &Path) -> FleetReport {
        let groups = self.groups();
        let configs: Vec<FleetConfig> =
            self.checked.into_iter().map(|(config, _)| config).collect();
        let chain = |group: &Vec<usize>| {
            let members: Vec<_> = group.iter().filter_map(|at| configs.get(*at)).collect();
            FleetChain::of(&members)
        };
        let chains = groups.iter().map(chain).collect();
        let report = FleetReport {
            folder: folder.display().to_string(),
            configs,
            chains: Vec::new(),
        };
        report.with_chains(chains)
    }
}
