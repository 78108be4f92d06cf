use std::borrow::Cow;

use crate::domain::Issue;

/// Why a value was rejected. It never contains the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidValue {
    pub(super) code: &'static str,
    /// Continues a sentence that begins with the attribute's name: "is not a date".
    pub(super) what: Cow<'static, str>,
    pub(super) advice: Option<Advice>,
}

/// What the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Advice {
    Text(Cow<'static, str>),
    /// Set this date format in the config, or one of the others.
    DateFormat {
        format: String,
        or: Vec<String>,
    },
}

impl InvalidValue {
    pub(super) fn new(code: &'static str, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            what: what.into(),
            advice: None,
        }
    }

    pub(super) fn advice(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.advice = Some(Advice::Text(text.into()));
        self
    }

    pub(super) fn format(mut self, format: impl Into<String>, or: Vec<String>) -> Self {
        self.advice = Some(Advice::DateFormat {
            format: format.into(),
            or,
        });
        self
    }

    /// The issue of the row. `attribute` is named as in reports: `email`, `customData.plan`.
    pub(super) fn into_issue(self, attribute: &str, column: Option<&str>) -> Issue {
        let mut issue = Issue::input(self.code, format!("`{attribute}` {}", self.what));
        issue.column = column.map(str::to_owned);
        issue.hint = self.advice.map(|advice| match advice {
            Advice::Text(text) => text.into_owned(),
            Advice::DateFormat { format, or } => date_line(attribute, column, &format, &or),
        });
        issue
    }
}

/// The advice with a line for the config that sets a date format.
fn date_line(attribute: &str, column: Option<&str>, format: &str, or: &[String]) -> String {
    let (section, name) = match attribute.strip_prefix("customData.") {
        Some(property) => ("[custom_data]", format!("{property:?}")),
        None => ("[fields]", attribute.to_owned()),
    };
    let source = match column {
        Some(column) => format!("column = {column:?}"),
        None => "template = \"…\"".to_owned(),
    };
    let or: String = or.iter().map(|or| format!(" (or {or:?})")).collect();
    format!(
        "set the date format in {section}: {name} = {{ {source}, type = \"date\", format = {format:?} }}{or}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_shows_the_config_line_to_write() {
        let or = vec!["%m/%d/%Y".to_owned()];
        let problem =
            || InvalidValue::new("bad_date", "is not a date").format("%d/%m/%Y", or.clone());
        let issue = problem().into_issue("firstSeen", Some("Signed up"));
        assert_eq!(issue.message, "`firstSeen` is not a date");
        assert_eq!(
            issue.hint.unwrap(),
            "set the date format in [fields]: firstSeen = { column = \"Signed up\", type = \"date\", format = \"%d/%m/%Y\" } (or \"%m/%d/%Y\")"
        );
        let issue = problem().into_issue("customData.paid at", Some("Paid"));
        let hint = issue.hint.unwrap();
        assert!(hint.contains("in [custom_data]: \"paid at\" = {"), "{hint}");
    }
}
