//! A switch for every point where the API's documentation is silent,
//! contradicts itself or is only known from other people's code.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::field::Field;
pub use super::positions::*;

/// Why a quirk could not be set.
#[derive(Debug, Error)]
pub enum QuirkError {
    /// The text is not `name=value`.
    #[error("a quirk is written name=value, not `{0}`")]
    NotAPair(String),
    /// No quirk has that name.
    #[error("no quirk is called `{name}`; there are {}", known.join(", "))]
    UnknownName {
        /// As it was given.
        name: String,
        /// All that there are.
        known: Vec<String>,
    },
    /// The quirk does not have that position.
    #[error("quirk `{name}`: {message}")]
    BadValue {
        /// The quirk's name.
        name: String,
        /// What is wrong with the value.
        message: String,
    },
    /// The whole set could not be read.
    #[error("bad quirks: {0}")]
    Unreadable(String),
}

/// How this account's API behaves where its documentation leaves it open.
///
/// Every member is set as `name=value` with [`Quirks::set`], or in the
/// `[quirks]` table of a scenario file, under its name in kebab case:
/// `patch-custom-data=replace`. The default is what the documentation makes
/// the likeliest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quirks {
    /// What the rate limit is counted over.
    pub window: Window,
    /// How a 429 says when to come back.
    pub retry_after: RetryAfter,
    /// Whether every answer carries `X-RateLimit-Limit` and `X-RateLimit-Remaining`.
    pub rate_limit_headers: bool,
    /// Milliseconds that every answer takes.
    pub latency_ms: u64,
    /// Which codes errors carry.
    pub error_codes: ErrorCodes,
    /// `customData` in PATCH.
    pub patch_custom_data: CustomDataWrite,
    /// `customData` in PUT.
    pub put_custom_data: CustomDataWrite,
    /// `customData` in a batch.
    pub batch_custom_data: CustomDataWrite,
    /// What PUT does to fields that it does not name.
    pub put_unnamed: Unnamed,
    /// What a batch does to fields that it does not name.
    pub batch_unnamed: Unnamed,
    /// `tags` in a create.
    pub create_tags: Tagging,
    /// `tags` in PATCH.
    pub patch_tags: Tagging,
    /// `tags` in PUT.
    pub put_tags: Tagging,
    /// `tags` in a batch.
    pub batch_tags: Tagging,
    /// Fields that a create takes and forgets, e.g. `["lastSeen", "blocked"]`.
    pub create_ignores: Vec<String>,
    /// Fields that a create is refused for, e.g. `["lastSeen", "blocked"]`.
    pub create_refuses: Vec<String>,
    /// Create with a userId that another customer has.
    pub create_taken_user_id: TakenUserId,
    /// Update to a userId that another customer has.
    pub update_taken_user_id: Verdict,
    /// Whether the members of older examples are taken: `createdFrom` and `integrationId` on create, `city`, `regionCode` and `countryCode` on update.
    pub legacy_fields: Verdict,
    /// Search on e-mail.
    pub email_search: Case,
    /// Names of tags.
    pub tag_names: Case,
    /// The colour of a known tag.
    pub tag_colour: TagColour,
    /// For how many milliseconds search does not find a created customer, and finds an edited one as it was.
    pub search_lag_ms: u64,
    /// For how many milliseconds the listing does not show a created customer, and shows an edited one as it was.
    pub list_lag_ms: u64,
    /// The most filters in one search, 400 above; 0 is no limit.
    pub max_filters: usize,
    /// What becomes of a `limit` above `page-limit-max`.
    pub page_limit: PageLimit,
    /// The largest page.
    pub page_limit_max: usize,
    /// Whether the listing minds `offset`.
    pub list_offset: Offset,
    /// Where `total` is told.
    pub total: Total,
    /// The order of customers with the same date.
    pub ties: Ties,
    /// How `firstSeen` and `lastSeen` come back; null where there is none.
    pub dates: Dates,
    /// How a custom value that was sent as the text of a UNIX timestamp comes back.
    pub custom_dates: CustomDates,
    /// How `customData` comes back.
    pub custom_data: CustomDataShape,
    /// `customData` in the answers to list and search.
    pub listing_custom_data: Presence,
    /// `tags` in the answers to list and search.
    pub listing_tags: Presence,
    /// How an emptied text field comes back.
    pub emptied_text: EmptiedText,
    /// How a custom property that was set to null comes back.
    pub cleared_property: ClearedProperty,
    /// What becomes of a custom property that is not defined.
    pub undefined_property: UndefinedProperty,
    /// The custom properties that the account's settings define.
    pub defined_properties: Vec<String>,
    /// What becomes of a phone number.
    pub phone: PhoneRewrite,
    /// What becomes of text.
    pub text: TextRewrite,
    /// What becomes of an e-mail.
    pub email: EmailRewrite,
    /// Fields, `tags` or `customData.NAME` that every write takes and none changes.
    pub never_stored: Vec<String>,
    /// What the answer to a batch holds.
    pub batch_answer: BatchAnswer,
    /// What a batch with a bad entry does.
    pub batch_bad_entry: BatchBadEntry,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            window: Window::Fixed,
            retry_after: RetryAfter::Seconds,
            rate_limit_headers: false,
            latency_ms: 0,
            error_codes: ErrorCodes::Current,
            patch_custom_data: CustomDataWrite::Merge,
            put_custom_data: CustomDataWrite::Replace,
            batch_custom_data: CustomDataWrite::Merge,
            put_unnamed: Unnamed::Reset,
            batch_unnamed: Unnamed::Keep,
            create_tags: Tagging::Add,
            patch_tags: Tagging::Add,
            put_tags: Tagging::Replace,
            batch_tags: Tagging::Add,
            create_ignores: Vec::new(),
            create_refuses: Vec::new(),
            create_taken_user_id: TakenUserId::Second,
            update_taken_user_id: Verdict::Accept,
            legacy_fields: Verdict::Refuse,
            email_search: Case::Insensitive,
            tag_names: Case::Sensitive,
            tag_colour: TagColour::First,
            search_lag_ms: 0,
            list_lag_ms: 0,
            max_filters: 0,
            page_limit: PageLimit::Cap,
            page_limit_max: 100,
            list_offset: Offset::Honoured,
            total: Total::Present,
            ties: Ties::Stable,
            dates: Dates::String,
            custom_dates: CustomDates::Integer,
            custom_data: CustomDataShape::Object,
            listing_custom_data: Presence::Present,
            listing_tags: Presence::Present,
            emptied_text: EmptiedText::Null,
            cleared_property: ClearedProperty::Absent,
            undefined_property: UndefinedProperty::Make,
            defined_properties: Vec::new(),
            phone: PhoneRewrite::AsSent,
            text: TextRewrite::AsSent,
            email: EmailRewrite::AsSent,
            never_stored: Vec::new(),
            batch_answer: BatchAnswer::Customers,
            batch_bad_entry: BatchBadEntry::FailAll,
        }
    }
}

fn unknown(name: String, table: &toml::Table) -> QuirkError {
    QuirkError::UnknownName {
        name,
        known: table.keys().cloned().collect(),
    }
}

impl Quirks {
    /// Sets one quirk from `name=value`; a list is written with commas, and
    /// `_` in a name is read as `-`.
    ///
    /// # Errors
    /// When there is no such quirk, or it has no such position.
    pub fn set(&mut self, pair: &str) -> Result<(), QuirkError> {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| QuirkError::NotAPair(pair.to_owned()))?;
        let name = kebab(name.trim());
        let mut table = self.table()?;
        let Some(current) = table.get(&name) else {
            return Err(unknown(name, &table));
        };
        let value = like(current, text.trim()).map_err(|message| QuirkError::BadValue {
            name: name.clone(),
            message: message.to_owned(),
        })?;
        table.insert(name.clone(), value);
        *self = Self::of(table).map_err(|error| QuirkError::BadValue {
            name,
            message: error.to_string(),
        })?;
        Ok(())
    }

    /// These quirks with those of a table in place of their own.
    ///
    /// # Errors
    /// When a name or a position is not known.
    pub fn with(&self, changes: toml::Table) -> Result<Self, QuirkError> {
        let mut table = self.table()?;
        for (name, value) in changes {
            let name = kebab(&name);
            if !table.contains_key(&name) {
                return Err(unknown(name, &table));
            }
            table.insert(name, value);
        }
        Self::of(table).map_err(|error| QuirkError::Unreadable(error.to_string()))
    }

    /// Checks what the types do not: that lists of fields name fields.
    ///
    /// # Errors
    /// With the name of the first quirk that is wrong.
    pub fn check(&self) -> Result<(), QuirkError> {
        let lists = [
            ("create-ignores", &self.create_ignores),
            ("create-refuses", &self.create_refuses),
            ("never-stored", &self.never_stored),
        ];
        for (name, list) in lists {
            if let Some(bad) = list.iter().find(|field| !is_member(field)) {
                let message = format!("`{bad}` is not a writable field");
                return Err(QuirkError::BadValue {
                    name: name.to_owned(),
                    message,
                });
            }
        }
        if self.page_limit_max == 0 {
            let name = "page-limit-max".to_owned();
            return Err(QuirkError::BadValue {
                name,
                message: "must not be 0".to_owned(),
            });
        }
        Ok(())
    }

    fn table(&self) -> Result<toml::Table, QuirkError> {
        toml::Table::try_from(self).map_err(|error| QuirkError::Unreadable(error.to_string()))
    }

    fn of(table: toml::Table) -> Result<Self, QuirkError> {
        let quirks: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| QuirkError::Unreadable(error.message().to_owned()))?;
        quirks.check()?;
        Ok(quirks)
    }
}

fn is_member(name: &str) -> bool {
    Field::named(name).is_some() || name == "tags" || name.starts_with("customData")
}

fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// Reads a text as a value of the same kind as another.
fn like(model: &toml::Value, text: &str) -> Result<toml::Value, &'static str> {
    Ok(match model {
        toml::Value::Boolean(_) => toml::Value::Boolean(match text {
            "true" | "yes" => true,
            "false" | "no" => false,
            _ => return Err("expected true or false"),
        }),
        toml::Value::Integer(_) => {
            toml::Value::Integer(text.parse().map_err(|_| "expected a whole number")?)
        }
        toml::Value::Array(_) => toml::Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        ),
        _ => toml::Value::String(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_set_words_numbers_flags_and_lists() {
        let mut quirks = Quirks::default();
        for pair in [
            "patch-custom-data=replace",
            "search_lag_ms=250",
            "rate-limit-headers=yes",
            "create-ignores=lastSeen, blocked",
            "never-stored=customData.plan,tags",
        ] {
            quirks.set(pair).unwrap();
        }
        assert_eq!(quirks.patch_custom_data, CustomDataWrite::Replace);
        assert_eq!(quirks.search_lag_ms, 250);
        assert!(quirks.rate_limit_headers);
        assert_eq!(quirks.create_ignores, ["lastSeen", "blocked"]);
        assert_eq!(quirks.never_stored, ["customData.plan", "tags"]);
    }

    #[test]
    fn bad_pairs_are_refused_and_change_nothing() {
        let mut quirks = Quirks::default();
        for (pair, part) in [
            ("nonsense", "name=value"),
            ("pach-tags=add", "pach-tags"),
            ("patch-tags=sometimes", "sometimes"),
            ("search-lag-ms=soon", "whole number"),
            ("search-lag-ms=-1", "search-lag-ms"),
            ("rate-limit-headers=maybe", "true or false"),
            ("never-stored=nmae", "nmae"),
            ("page-limit-max=0", "must not be 0"),
        ] {
            let message = quirks.set(pair).unwrap_err().to_string();
            assert!(message.contains(part), "{pair}: {message}");
        }
        assert_eq!(quirks, Quirks::default());
    }

    #[test]
    fn every_quirk_can_be_written_and_read_back() {
        let table = Quirks::default().table().unwrap();
        assert_eq!(Quirks::of(table).unwrap(), Quirks::default());
    }
}
