use std::fmt;

use super::proposal::KeyColumn;
use crate::domain::text::{fold, nearest};
use crate::domain::{KeyField, visible};

/// Errors of a mapping that does not fit the input's columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("[fields] names `{name}`, which is not a field of a customer{nearest}")]
    UnknownField { name: String, nearest: Nearest },
    #[error("[fields] names `{name}`, which has a section of its own: {section}")]
    OwnSection { name: String, section: &'static str },
    #[error("[custom_data] has a property without a name")]
    NamelessProperty,
    #[error("`{attribute}` is mapped to column `{column}`, which no input has{nearest}")]
    NoSuchColumn {
        attribute: String,
        column: String,
        nearest: Nearest,
    },
    #[error(
        "two columns for `{attribute}`: `{}` and `{}`; rename one, or map one of them in the config",
        visible(.first),
        visible(.second)
    )]
    TwoColumns {
        attribute: String,
        first: String,
        second: String,
    },
    #[error(
        "`{attribute}` is mapped to column `{column}`, which occurs twice, as column {first} and as column {second}: rename one"
    )]
    ColumnTwice {
        attribute: String,
        column: String,
        /// Counted from 1.
        first: usize,
        second: usize,
    },
    #[error("`{attribute}` has both `column` and `template`: keep one")]
    ColumnAndTemplate { attribute: String },
    #[error("`{attribute}` has neither `column` nor `template`: add one")]
    NoSource { attribute: String },
    #[error("`{attribute}`: `{option}` {reason}")]
    Option {
        attribute: String,
        option: &'static str,
        reason: String,
    },
    #[error("`{attribute}`: the template does not parse{}: {reason}", at_line(*.line))]
    Template {
        attribute: String,
        /// Line of the template, counted from 1.
        line: Option<usize>,
        reason: String,
    },
    #[error("rows.where: {0}")]
    Where(String),
    #[error("sync.scope: {0}")]
    Scope(String),
    #[error("input.timezone: {reason}")]
    Timezone { reason: String },
    #[error("[tags]: {0}")]
    Tags(String),
    #[error("no match key: {}", no_key(.keys, .columns, .candidates))]
    NoMatchKey {
        keys: Vec<KeyField>,
        columns: Vec<String>,
        /// Columns that look like a key. The schema leaves this empty; the caller adds them from a profile of the data.
        candidates: Vec<KeyColumn>,
    },
}

impl SchemaError {
    /// The paths of the config keys that caused the error, the most exact first.
    #[must_use]
    pub fn config_paths(&self) -> Vec<String> {
        let of = |attribute: &str, option: &str| {
            let section = match attribute.strip_prefix("customData.") {
                Some(property) => format!("custom_data.{property}"),
                None if attribute == "tags" => return vec!["tags.column".to_owned()],
                None if attribute == "tags to remove" => {
                    return vec!["tags.remove_column".to_owned()];
                }
                None => format!("fields.{attribute}"),
            };
            vec![format!("{section}.{option}"), section]
        };
        match self {
            Self::UnknownField { name, .. } | Self::OwnSection { name, .. } => {
                vec![format!("fields.{name}")]
            }
            Self::NoSuchColumn { attribute, .. }
            | Self::TwoColumns { attribute, .. }
            | Self::ColumnTwice { attribute, .. }
            | Self::ColumnAndTemplate { attribute }
            | Self::NoSource { attribute } => of(attribute, "column"),
            Self::Option {
                attribute, option, ..
            } => of(attribute, option),
            Self::Template { attribute, .. } => of(attribute, "template"),
            Self::Where(_) => vec!["rows.where".to_owned()],
            Self::Scope(_) => vec!["sync.scope".to_owned()],
            Self::Timezone { .. } => vec!["input.timezone".to_owned()],
            Self::Tags(_) => vec!["tags".to_owned()],
            Self::NamelessProperty => vec!["custom_data".to_owned()],
            Self::NoMatchKey { .. } => vec!["match.keys".to_owned(), "fields".to_owned()],
        }
    }
}

/// The suggestion for a misspelled name, if any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nearest(pub Option<String>);

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "; did you mean `{}`?", visible(name)),
            None => Ok(()),
        }
    }
}

impl Nearest {
    /// The candidate nearest to `name`; else one that is a part of it or the other way round, such as `Plan name` for `Plan`.
    pub(super) fn among<'a, C>(name: &str, candidates: C) -> Self
    where
        C: IntoIterator<Item = &'a str> + Clone,
    {
        let part = || {
            let wanted = fold(name);
            let candidates = candidates.clone().into_iter().filter(|candidate| {
                let candidate = fold(candidate);
                let (part, whole) = match candidate.len() < wanted.len() {
                    true => (&candidate, &wanted),
                    false => (&wanted, &candidate),
                };
                !part.is_empty() && whole.contains(part)
            });
            candidates.min_by_key(|candidate| candidate.len().abs_diff(name.len()))
        };
        let nearest = nearest(name, candidates.clone()).or_else(part);
        Self(nearest.map(str::to_owned))
    }
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(" (line {line})"))
        .unwrap_or_default()
}

/// Columns that an error lists.
const MAX_LISTED: usize = 20;

fn no_key(keys: &[KeyField], columns: &[String], candidates: &[KeyColumn]) -> String {
    let fields: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    let fields = fields.join(" or ");
    let named = columns.iter().take(MAX_LISTED);
    let named: Vec<_> = named.map(|name| format!("`{}`", visible(name))).collect();
    let more = match columns.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let columns = match columns {
        [] => "there are no columns".to_owned(),
        _ => format!("the columns are {}{more}", named.join(", ")),
    };
    let usable = candidates
        .iter()
        .find(|candidate| keys.contains(&candidate.key));
    let advice = match (usable, candidates.first()) {
        (Some(found), _) => {
            let (column, key, line) = (&found.column, found.key, &found.line);
            format!("column `{column}` looks like `{key}`; to use it, write {line} under [fields]")
        }
        (None, Some(found)) => {
            let (column, key, line) = (&found.column, found.key, &found.line);
            format!(
                "column `{column}` looks like `{key}`, which is not in [match] keys; to use it, write keys = [\"{key}\"] under \
                 [match] and {line} under [fields]"
            )
        }
        (None, None) => "none of them looks like an e-mail address or an id".to_owned(),
    };
    format!(
        "no column is mapped to {fields}, so rows cannot be matched with customers; {columns}; {advice}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let near = |name: &str| Nearest::among(name, ["Full name", "E-mail", "Plan"]).0;
        assert_eq!(near("email").as_deref(), Some("E-mail"));
        assert_eq!(near("Fullname").as_deref(), Some("Full name"));
        assert_eq!(near("plan").as_deref(), Some("Plan"));
        assert_eq!(near("Email address").as_deref(), Some("E-mail"));
        assert_eq!(near("zzz"), None);
        assert_eq!(near("?"), None);
        let hidden = Nearest::among("Mail", ["E\u{200b}mail"]).to_string();
        assert_eq!(hidden, r"; did you mean `E\u{200b}mail`?");
    }

    #[test]
    fn no_match_key_names_the_column_that_looks_like_one_and_no_other() {
        let error = |keys: &[KeyField], candidates: &[KeyColumn]| {
            let error = SchemaError::NoMatchKey {
                keys: keys.to_vec(),
                columns: vec!["Name".into(), "CRM id".into()],
                candidates: candidates.to_vec(),
            };
            error.to_string()
        };
        let crm = KeyColumn {
            key: KeyField::UserId,
            column: "CRM id".into(),
            line: "userId = \"CRM id\"".into(),
        };
        let text = error(
            &[KeyField::UserId, KeyField::Email],
            std::slice::from_ref(&crm),
        );
        assert!(text.contains("mapped to `userId` or `email`"), "{text}");
        assert!(text.contains("the columns are `Name`, `CRM id`"), "{text}");
        assert!(
            text.ends_with("write userId = \"CRM id\" under [fields]"),
            "{text}"
        );
        let text = error(&[KeyField::Email], &[crm]);
        assert!(
            text.contains("write keys = [\"userId\"] under [match] and userId"),
            "{text}"
        );
        let text = error(&[KeyField::Email], &[]);
        assert!(
            text.ends_with("looks like an e-mail address or an id"),
            "{text}"
        );
    }

    #[test]
    fn a_wide_table_makes_no_endless_message() {
        let error = SchemaError::NoMatchKey {
            keys: vec![KeyField::Email],
            columns: (0..10_000).map(|n| format!("c{n}")).collect(),
            candidates: Vec::new(),
        };
        let text = error.to_string();
        assert!(text.contains("`c19` and 9980 more"), "{text}");
        assert!(text.len() < 500, "{text}");
    }
}
