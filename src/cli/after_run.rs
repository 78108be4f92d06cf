//! What follows a run of a command that writes: those who are called about it, and its metrics.

use std::path::PathBuf;

use tokio::task::JoinHandle;

use crate::config::{LoadedConfig, Settings};
use crate::notify::{Message, PastRuns, Ping, RunFacts};
use crate::platform::host_name;
use crate::report::{Summary, headline};

use super::connection::Target;
use super::console::Console;
use super::metrics_file::write_metrics;
use super::notifier::{Called, Notifier};
use super::past_runs::past_runs;

/// The commands whose runs are followed. The others change nothing in HelpCrunch.
const COMMANDS: [&str; 4] = ["sync", "apply", "resume", "undo"];

#[derive(Debug)]
pub(super) struct AfterRun {
    notifier: Option<Notifier>,
    textfile: Option<PathBuf>,
    /// The ping of the start, which the run does not wait for.
    start: Option<JoinHandle<Option<Called>>>,
    past: PastRuns,
    account: Option<String>,
    config: Option<String>,
}

impl AfterRun {
    /// What the config wants to follow this run, and the ping of its start. Nothing follows a dry run or one in the sandbox.
    pub(super) fn begin(
        summary: &Summary,
        loaded: &LoadedConfig,
        console: &Console,
    ) -> Option<Self> {
        let is_followed = COMMANDS.contains(&summary.command.as_str());
        if !is_followed || summary.dry_run || loaded.settings.run.sandbox {
            return None;
        }
        let notifier = Notifier::of(loaded, console);
        let textfile = loaded.settings.metrics.textfile.clone();
        if notifier.is_none() && textfile.is_none() {
            return None;
        }
        let text = format!("hcsync {} begins", summary.command);
        let start = notifier
            .clone()
            .map(|notifier| tokio::spawn(async move { notifier.ping(Ping::Start, text).await }));
        Some(Self {
            notifier,
            textfile,
            start,
            past: PastRuns::default(),
            account: loaded.settings.api.account.clone(),
            config: loaded.file().map(|file| file.display().to_string()),
        })
    }

    /// Looks at the account's earlier runs, before this one changes what they say.
    pub(super) fn set_target(&mut self, settings: &Settings, target: &Target) {
        self.past = past_runs(settings, &target.account);
        self.account
            .get_or_insert_with(|| target.account.to_string());
    }

    /// Writes the metrics, and calls those who are to be called. What did not arrive is said, and changes nothing else.
    pub(super) async fn end(self, summary: &Summary, console: &Console) {
        let host = host_name();
        let facts = RunFacts {
            summary,
            past: &self.past,
            account: self.account.as_deref(),
            config: self.config.as_deref(),
            host: &host,
        };
        if let Some(textfile) = &self.textfile
            && let Err(why) = write_metrics(textfile, &facts)
        {
            console.warn(&format!("metrics: {}: {why}", textfile.display()));
        }
        let Some(notifier) = self.notifier else {
            return;
        };
        let mut calls = Vec::new();
        if let Some(start) = self.start {
            calls.extend(start.await.ok().flatten());
        }
        let reasons = notifier.conditions().iter().copied();
        let reasons: Vec<_> = reasons
            .filter(|condition| condition.holds(&facts))
            .collect();
        let message = Message::of_run(&facts, &reasons);
        let ping = match facts.is_success() {
            true => Ping::Success,
            false => Ping::Failure,
        };
        let calling = async {
            match reasons.is_empty() {
                true => Vec::new(),
                false => notifier.call(&message, console).await,
            }
        };
        let (pinged, called) = tokio::join!(notifier.ping(ping, headline(summary)), calling);
        calls.extend(pinged);
        calls.extend(called);
        for problem in &notifier.unusable {
            console.warn(&format!("notify: {problem}"));
        }
        for call in calls {
            if let Err(why) = call.result {
                console.warn(&format!("notify: {} failed: {why}", call.name));
            }
        }
    }
}
