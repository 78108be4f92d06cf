use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use super::summary::Summary;

/// How the file of metrics begins. Nothing else is ever written over.
pub const METRICS_START: &str = "# HELP hcsync_";

const LAST_SUCCESS: &str = "hcsync_run_last_success_timestamp_seconds";

/// A run, for those who monitor it.
#[derive(Debug, Clone, Copy)]
pub struct MetricFacts<'a> {
    pub summary: &'a Summary,
    /// The user's name for it, or its id; empty if it is not known.
    pub account: &'a str,
    /// The config file as it was named; empty if there is none.
    pub config: &'a str,
    pub version: &'a str,
    /// Seconds since 1970.
    pub started_at: Option<f64>,
    pub ended_at: Option<f64>,
    pub last_success: Option<f64>,
}

/// Returns the metrics of a run in the text format of Prometheus.
#[must_use]
pub fn render_metrics(facts: &MetricFacts<'_>) -> String {
    let mut page = MetricsPage {
        text: String::new(),
        labels: format!(
            "account=\"{}\",config=\"{}\"",
            label_value(facts.account),
            label_value(facts.config)
        ),
    };
    render_run(&mut page, facts);
    render_rows(&mut page, facts.summary);
    render_requests(&mut page, facts.summary);
    page.text
}

fn render_run(page: &mut MetricsPage, facts: &MetricFacts<'_>) {
    let summary = facts.summary;
    let about = [
        ("command", summary.command.as_str()),
        ("version", facts.version),
    ];
    page.head(
        "hcsync_run_info",
        "The last run: its command and the version of hcsync.",
    );
    page.sample("hcsync_run_info", &about, 1);
    let times = [
        (
            "hcsync_run_start_timestamp_seconds",
            "When the last run began.",
            facts.started_at,
        ),
        (
            "hcsync_run_end_timestamp_seconds",
            "When the last run ended.",
            facts.ended_at,
        ),
        (
            LAST_SUCCESS,
            "When the last run with exit code 0 ended.",
            facts.last_success,
        ),
    ];
    for (name, help, at) in times {
        if let Some(at) = at {
            page.gauge(name, help, at);
        }
    }
    page.gauge(
        "hcsync_run_duration_seconds",
        "How long the last run took.",
        summary.duration_s,
    );
    page.gauge(
        "hcsync_run_exit_code",
        "Exit code of the last run.",
        summary.exit_code,
    );
}

fn render_rows(page: &mut MetricsPage, summary: &Summary) {
    page.gauge(
        "hcsync_run_input_rows",
        "Rows that the last run read.",
        summary.input.rows,
    );
    let results = &summary.results;
    let rows = [
        ("created", results.created),
        ("updated", results.updated),
        ("unchanged", results.unchanged),
        ("rejected", results.rejected),
        ("skipped", results.skipped),
        ("failed", results.failed),
        ("in_doubt", results.in_doubt),
        ("pending", results.pending),
    ];
    page.head("hcsync_run_rows", "Rows of the last run by how they ended.");
    for (status, count) in rows {
        page.sample("hcsync_run_rows", &[("status", status)], count);
    }
    let mut bad = BTreeMap::<_, u64>::new();
    for error in &summary.errors {
        let cause = (
            error.code.as_str(),
            error.column.as_deref().unwrap_or_default(),
        );
        *bad.entry(cause).or_default() += error.count;
    }
    if !bad.is_empty() {
        let help = "Rejected and failed rows of the last run by cause and column.";
        page.head("hcsync_run_bad_rows", help);
    }
    for ((code, column), count) in bad {
        let cause = [("code", code), ("column", column)];
        page.sample("hcsync_run_bad_rows", &cause, count);
    }
}

fn render_requests(page: &mut MetricsPage, summary: &Summary) {
    let requests = &summary.requests;
    let kinds = [("read", requests.read), ("write", requests.write)];
    page.head("hcsync_run_requests", "Requests of the last run.");
    for (kind, count) in kinds {
        page.sample("hcsync_run_requests", &[("kind", kind)], count);
    }
    page.gauge(
        "hcsync_run_requests_rate_limited",
        "Requests of the last run that were answered with 429.",
        requests.rate_limited,
    );
    page.gauge(
        "hcsync_run_requests_repeated",
        "Requests of the last run that repeated a failed one.",
        requests.retries,
    );
    if let Some(utilisation) = summary.rate.utilisation {
        page.gauge(
            "hcsync_run_rate_utilisation_ratio",
            "Share of the rate limit that the last run used, 1 for all of it.",
            utilisation,
        );
    }
}

/// The time of the last success in metrics that were written earlier.
#[must_use]
pub fn last_success_in(metrics: &str) -> Option<f64> {
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with(LAST_SUCCESS))?;
    line.rsplit(' ').next()?.parse().ok()
}

struct MetricsPage {
    text: String,
    /// Those that every sample has.
    labels: String,
}

impl MetricsPage {
    /// Each metric describes the last run alone and may fall, so that all of them are gauges.
    fn head(&mut self, name: &str, help: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let more = labels.iter();
        let more = more.map(|(label, text)| format!(",{label}=\"{}\"", label_value(text)));
        let labels = self.labels.clone() + &more.collect::<String>();
        let _ = writeln!(self.text, "{name}{{{labels}}} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help);
        self.sample(name, &[], value);
    }
}

fn label_value(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::sample;
    use super::*;

    fn metrics(account: &str, last_success: Option<f64>) -> String {
        render_metrics(&MetricFacts {
            summary: &sample(),
            account,
            config: "nightly.toml",
            version: "0.1.0",
            started_at: Some(1_795_144_364.0),
            ended_at: Some(1_795_144_988.0),
            last_success,
        })
    }

    #[test]
    fn a_run_as_prometheus_reads_it() {
        let text = metrics("production", Some(1_795_058_588.0));
        assert!(text.starts_with(METRICS_START));
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        insta::assert_snapshot!(samples.join("\n"), @r#"
        hcsync_run_info{account="production",config="nightly.toml",command="sync",version="0.1.0"} 1
        hcsync_run_start_timestamp_seconds{account="production",config="nightly.toml"} 1795144364
        hcsync_run_end_timestamp_seconds{account="production",config="nightly.toml"} 1795144988
        hcsync_run_last_success_timestamp_seconds{account="production",config="nightly.toml"} 1795058588
        hcsync_run_duration_seconds{account="production",config="nightly.toml"} 624
        hcsync_run_exit_code{account="production",config="nightly.toml"} 3
        hcsync_run_input_rows{account="production",config="nightly.toml"} 12345
        hcsync_run_rows{account="production",config="nightly.toml",status="created"} 400
        hcsync_run_rows{account="production",config="nightly.toml",status="updated"} 1234
        hcsync_run_rows{account="production",config="nightly.toml",status="unchanged"} 10666
        hcsync_run_rows{account="production",config="nightly.toml",status="rejected"} 40
        hcsync_run_rows{account="production",config="nightly.toml",status="skipped"} 0
        hcsync_run_rows{account="production",config="nightly.toml",status="failed"} 4
        hcsync_run_rows{account="production",config="nightly.toml",status="in_doubt"} 1
        hcsync_run_rows{account="production",config="nightly.toml",status="pending"} 0
        hcsync_run_bad_rows{account="production",config="nightly.toml",code="bad_date",column="Signed up"} 40
        hcsync_run_requests{account="production",config="nightly.toml",kind="read"} 134
        hcsync_run_requests{account="production",config="nightly.toml",kind="write"} 1100
        hcsync_run_requests_rate_limited{account="production",config="nightly.toml"} 1
        hcsync_run_requests_repeated{account="production",config="nightly.toml"} 3
        hcsync_run_rate_utilisation_ratio{account="production",config="nightly.toml"} 0.989
        "#);
        for sample in samples {
            let name = sample.split('{').next().unwrap();
            let kind = format!("# TYPE {name} gauge\n");
            assert_eq!(text.matches(&kind).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_last_success_is_found_again_whatever_the_labels_hold() {
        for account in ["production", "a \"b\" \\ c\nd} 7"] {
            let text = metrics(account, Some(1_795_058_588.0));
            assert_eq!(last_success_in(&text), Some(1_795_058_588.0));
            let without = metrics(account, None);
            assert_eq!(last_success_in(&without), None);
            assert_eq!(
                without.lines().filter(|l| l.contains("account=")).count()
                    + 2 * without.matches("# TYPE").count(),
                without.lines().count()
            );
        }
    }
}
