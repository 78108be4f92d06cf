use serde_json::{Value, json};

use super::webhook_format::{discord_text, slack_text, teams_text};
use super::{Condition, RunFacts, WebhookFormat};
use crate::report::{Summary, headline, human_count};

/// The variables with facts that a program gets.
pub const FACT_VARIABLES: [&str; 9] = [
    "HCSYNC_NOTIFY_REASONS",
    "HCSYNC_NOTIFY_HEADLINE",
    "HCSYNC_NOTIFY_ACCOUNT",
    "HCSYNC_NOTIFY_CONFIG",
    "HCSYNC_NOTIFY_COMMAND",
    "HCSYNC_NOTIFY_RUN_ID",
    "HCSYNC_NOTIFY_EXIT_CODE",
    "HCSYNC_NOTIFY_STOP_REASON",
    "HCSYNC_NOTIFY_NEXT_COMMAND",
];

/// Discord refuses longer texts. The other services take more.
const MAX_TEXT: usize = 1_900;
/// Characters of a fact in a text; the JSON form has all.
const MAX_FACT: usize = 500;
/// Causes of bad rows that a text lists.
const MAX_CAUSES: usize = 3;

/// What is said about a run: why somebody is called, a headline, and facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    title: String,
    facts: Vec<(&'static str, String)>,
    json: Value,
}

impl Message {
    /// About a run that has ended, for these reasons.
    #[must_use]
    pub fn of_run(run: &RunFacts<'_>, reasons: &[Condition]) -> Self {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let json = json!({
            "hcsync_notification": 1,
            "test": false,
            "reasons": reasons,
            "headline": headline(run.summary),
            "account": run.account,
            "config": run.config,
            "host": run.host,
            "summary": run.summary,
        });
        Self {
            title: format!("hcsync {}: {}", run.summary.command, headline(run.summary)),
            facts: facts(run, &reasons),
            json,
        }
    }

    /// A trial, about no run.
    #[must_use]
    pub fn trial(run: &RunFacts<'_>) -> Self {
        let title = "hcsync: this is a test; notifications arrive here";
        let json = json!({
            "hcsync_notification": 1,
            "test": true,
            "reasons": [],
            "headline": title,
            "account": run.account,
            "config": run.config,
            "host": run.host,
            "summary": null,
        });
        Self {
            title: title.to_owned(),
            facts: origin(run),
            json,
        }
    }

    /// All facts as one line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        self.json.to_string()
    }

    /// The main facts as environment variables of a program; a fact that there is not is empty.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let places = [
            "/reasons",
            "/headline",
            "/account",
            "/config",
            "/summary/command",
            "/summary/run_id",
            "/summary/exit_code",
            "/summary/stop/reason",
            "/summary/stop/next_command",
        ];
        let texts = places.map(|place| self.json.pointer(place).map_or_else(String::new, plain));
        FACT_VARIABLES.into_iter().zip(texts).collect()
    }

    /// A text for people, without markup.
    #[must_use]
    pub fn text(&self) -> String {
        let facts = self.facts.iter();
        let lines = facts.map(|(name, text)| format!("\n{name}: {}", shortened(text, MAX_FACT)));
        shortened(&(self.title.clone() + &lines.collect::<String>()), MAX_TEXT)
    }

    /// The body of a webhook.
    #[must_use]
    pub fn body(&self, format: WebhookFormat) -> String {
        match format {
            WebhookFormat::Auto | WebhookFormat::Json => self.json(),
            WebhookFormat::Slack => json!({"text": slack_text(&self.text())}).to_string(),
            WebhookFormat::Discord => json!({
                "content": discord_text(&self.text()),
                // Whatever a text holds, it mentions no user of the chat.
                "allowed_mentions": {"parse": []},
            })
            .to_string(),
            WebhookFormat::Teams => self.card().to_string(),
        }
    }

    /// The adaptive card that Teams' workflows take.
    fn card(&self) -> Value {
        let facts = self.facts.iter();
        let facts = facts.map(
            |(name, text)| json!({"title": name, "value": teams_text(&shortened(text, MAX_FACT))}),
        );
        let title = teams_text(&self.title);
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {"type": "TextBlock", "text": title, "weight": "Bolder", "wrap": true},
                        {"type": "FactSet", "facts": facts.collect::<Vec<_>>()},
                    ],
                },
            }],
        })
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn origin(run: &RunFacts<'_>) -> Vec<(&'static str, String)> {
    let facts = [
        ("account", run.account.map(str::to_owned)),
        ("config", run.config.map(str::to_owned)),
        ("host", Some(run.host.to_owned())),
    ];
    let facts = facts.into_iter();
    facts
        .filter_map(|(name, fact)| Some((name, fact?)))
        .collect()
}

fn facts(run: &RunFacts<'_>, reasons: &[String]) -> Vec<(&'static str, String)> {
    let summary = run.summary;
    let mut facts = vec![("reason", reasons.join(", "))];
    facts.extend(origin(run));
    if let Some(id) = &summary.run_id {
        facts.push(("run", id.to_string()));
    }
    facts.push(("exit code", summary.exit_code.to_string()));
    if summary.results.total() > 0 {
        facts.push(("rows", counts(summary)));
    }
    let causes = summary.errors.iter().take(MAX_CAUSES);
    for error in causes {
        let column = error.column.as_ref();
        let column = column.map_or_else(String::new, |column| format!(" in `{column}`"));
        let count = human_count(error.count);
        facts.push(("cause", format!("{count} × {}{column}", error.code)));
    }
    if let Some(stop) = &summary.stop {
        facts.push(("why", stop.message.clone()));
        let next = stop.next_command.clone();
        facts.extend(next.map(|next| ("next", next)));
    }
    facts
}

fn counts(summary: &Summary) -> String {
    let results = &summary.results;
    let named = [
        ("created", results.created),
        ("updated", results.updated),
        ("unchanged", results.unchanged),
        ("skipped", results.skipped),
        ("rejected", results.rejected),
        ("failed", results.failed),
        ("in doubt", results.in_doubt),
        ("not reached", results.pending),
    ];
    let some = named.into_iter().filter(|(_, count)| *count > 0);
    let texts = some.map(|(name, count)| format!("{} {name}", human_count(count)));
    texts.collect::<Vec<_>>().join(", ")
}

fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::PastRuns;
    use super::*;
    use crate::domain::{IssueKind, RowNumber, RunId};
    use crate::report::{ErrorEntry, ResultCounts, Stop};

    fn summary() -> Summary {
        Summary {
            run_id: Some(RunId::new("20261120T031244Z-k3f9").unwrap()),
            command: "sync".into(),
            exit_code: 1,
            duration_s: 62.0,
            results: ResultCounts {
                created: 2,
                rejected: 1_234,
                ..ResultCounts::default()
            },
            errors: vec![ErrorEntry {
                kind: IssueKind::Input,
                code: "bad_date".into(),
                column: Some("<!channel> *Signed* up".into()),
                count: 1_234,
                example_row: RowNumber(3),
            }],
            stop: Some(Stop {
                reason: "key_refused".into(),
                message: "the API key was refused".into(),
                next_command: Some("hcsync resume 20261120T031244Z-k3f9".into()),
            }),
            ..Summary::default()
        }
    }

    fn message(summary: &Summary) -> Message {
        let past = PastRuns::default();
        let facts = RunFacts {
            summary,
            past: &past,
            account: Some("production"),
            config: Some("nightly.toml"),
            host: "srv1",
        };
        let reasons = [Condition::Failed, Condition::Rejected { more_than: 100 }];
        Message::of_run(&facts, &reasons)
    }

    #[test]
    fn the_text_says_why_what_and_what_next() {
        insta::assert_snapshot!(message(&summary()).text(), @r"
        hcsync sync: Stopped after 1 min 2 s: the API key was refused
        reason: failed, rejected > 100
        account: production
        config: nightly.toml
        host: srv1
        run: 20261120T031244Z-k3f9
        exit code: 1
        rows: 2 created, 1,234 rejected
        cause: 1,234 × bad_date in `<!channel> *Signed* up`
        why: the API key was refused
        next: hcsync resume 20261120T031244Z-k3f9
        ");
    }

    #[test]
    fn each_form_is_what_its_service_takes() {
        let message = message(&summary());
        let body = |format| -> Value { serde_json::from_str(&message.body(format)).unwrap() };
        let json = body(WebhookFormat::Json);
        assert_eq!(json["reasons"], json!(["failed", "rejected > 100"]));
        assert_eq!(json["summary"]["results"]["rejected"], 1_234);
        let slack = body(WebhookFormat::Slack)["text"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(slack.contains("&lt;!channel&gt;"), "{slack}");
        assert!(!slack.contains('<'), "{slack}");
        let discord = body(WebhookFormat::Discord);
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
        let content = discord["content"].as_str().unwrap();
        assert!(content.contains("\\*Signed\\* up"), "{content}");
        let card = &body(WebhookFormat::Teams)["attachments"][0]["content"];
        assert_eq!(card["type"], "AdaptiveCard");
        assert_eq!(card["body"][1]["facts"][0]["title"], "reason");
    }

    #[test]
    fn a_program_gets_the_main_facts_as_variables() {
        let variables = message(&summary()).variables();
        let texts: Vec<&str> = variables.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts[0], "failed, rejected > 100");
        assert_eq!(
            texts[2..7],
            [
                "production",
                "nightly.toml",
                "sync",
                "20261120T031244Z-k3f9",
                "1"
            ]
        );
        assert_eq!(texts[7], "key_refused");
    }

    #[test]
    fn a_long_text_is_cut_and_the_json_is_not() {
        let mut long = summary();
        long.stop.as_mut().unwrap().message = "ї".repeat(5_000);
        let message = message(&long);
        assert!(message.text().chars().count() < 2_000);
        assert!(message.json().contains(&"ї".repeat(5_000)));
    }
}
