use serde::Deserialize;

/// The form of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// By the host of the address; JSON if that is none of the others'.
    #[default]
    Auto,
    /// All facts, for programs.
    Json,
    Slack,
    Teams,
    Discord,
}

impl WebhookFormat {
    /// The form that a webhook at this host takes.
    #[must_use]
    pub fn at(self, host: &str) -> Self {
        let is_in = |domain: &str| host.ends_with(domain);
        match self {
            Self::Auto if is_in("hooks.slack.com") => Self::Slack,
            Self::Auto if is_in("discord.com") || is_in("discordapp.com") => Self::Discord,
            Self::Auto if TEAMS.into_iter().any(is_in) => Self::Teams,
            Self::Auto => Self::Json,
            named => named,
        }
    }
}

/// The domains in which the webhooks of Teams, and the workflows that replace them, are.
const TEAMS: [&str; 3] = [
    ".webhook.office.com",
    ".logic.azure.com",
    ".powerplatform.com",
];

/// Slack's three special characters. Without them no text is a link or a mention.
pub(super) fn slack_text(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn discord_text(text: &str) -> String {
    escaped(text, "\\*_~`|[]<>#")
}

pub(super) fn teams_text(text: &str) -> String {
    escaped(text, "\\*_[]")
}

/// A backslash before characters that Markdown gives a meaning.
fn escaped(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_goes_by_the_host_unless_it_is_named() {
        let at = |host| WebhookFormat::Auto.at(host);
        assert_eq!(at("hooks.slack.com"), WebhookFormat::Slack);
        assert_eq!(at("discord.com"), WebhookFormat::Discord);
        assert_eq!(
            at("prod-1.westeurope.logic.azure.com"),
            WebhookFormat::Teams
        );
        assert_eq!(at("hooks.example.com"), WebhookFormat::Json);
        assert_eq!(
            WebhookFormat::Json.at("hooks.slack.com"),
            WebhookFormat::Json
        );
    }
}
