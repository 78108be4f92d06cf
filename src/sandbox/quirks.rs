//! Switches for all points where the API's documentation is silent or contradicts itself, or that are only known from
//! other people's code.

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use super::positions::*;

/// Errors setting a quirk.
#[derive(Debug, Error)]
pub enum QuirkError {
    /// The text is not `name=value`.
    #[error("a quirk is written name=value, not `{0}`")]
    NotAPair(String),
    /// No quirk has this name.
    #[error("no quirk is called `{name}`; there are {}", known.join(", "))]
    UnknownName { name: String, known: Vec<String> },
    /// The quirk does not have this value.
    #[error("quirk `{name}`: {message}")]
    BadValue { name: String, message: String },
    /// The set of quirks could not be read.
    #[error("bad quirks: {0}")]
    Unreadable(String),
}

/// How the API behaves where its documentation leaves it open.
///
/// Members are set as `name=value` with [`Quirks::set`] or in the `[quirks]` table of a scenario file, with their names
/// in kebab case: `patch-custom-data=replace`. The defaults are what the documentation makes most likely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quirks {
    /// The window of the rate limit.
    pub window: Window,
    /// The form of `Retry-After` in a 429.
    pub retry_after: RetryAfter,
    /// Whether all answers have `X-RateLimit-Limit` and `X-RateLimit-Remaining`.
    pub rate_limit_headers: bool,
    /// Delay of all answers in milliseconds.
    pub latency_ms: u64,
    /// The codes in errors.
    pub error_codes: ErrorCodes,
    /// `customData` in PATCH.
    pub patch_custom_data: CustomDataWrite,
    /// `customData` in PUT.
    pub put_custom_data: CustomDataWrite,
    /// `customData` in a batch.
    pub batch_custom_data: CustomDataWrite,
    /// Text fields that PATCH clears unless it names them, e.g. `["phone"]`.
    pub patch_wipes: Vec<String>,
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
    /// Fields that a create accepts but ignores, e.g. `["lastSeen", "blocked"]`.
    pub create_ignores: Vec<String>,
    /// Fields that a create refuses, e.g. `["lastSeen", "blocked"]`.
    pub create_refuses: Vec<String>,
    /// Create with a userId that another customer has.
    pub create_taken_user_id: TakenUserId,
    /// Update to a userId that another customer has.
    pub update_taken_user_id: Acceptance,
    /// Whether a create or update with a userId that another customer has is answered with 400 and the observed code.
    #[serde(rename = "userid-unique")]
    pub unique_user_ids: bool,
    /// Whether members of older examples are accepted: `createdFrom` and `integrationId` on create, `city`,
    /// `regionCode` and `countryCode` on update.
    pub legacy_fields: Acceptance,
    /// Search on e-mail.
    pub email_search: Case,
    /// Names of tags.
    pub tag_names: Case,
    /// The colour of an existing tag.
    pub tag_colour: TagColour,
    /// How many milliseconds search lags behind creates and edits.
    pub search_lag_ms: u64,
    /// How many milliseconds the listing lags behind creates and edits.
    pub list_lag_ms: u64,
    /// Whether a search that finds no customer is answered with 404.
    pub search_404: bool,
    /// A text that a firewall in front of the API does not let through: a request that contains it is answered with the
    /// firewall's own page and 403. Empty: there is no firewall.
    pub firewall: String,
    /// The name of the account that `GET /organization` answers with. Empty: there is no such path.
    pub organization: String,
    /// Maximum number of filters in one search. More are answered with 400. 0 means no limit.
    pub max_filters: usize,
    /// What happens to a `limit` above `page-limit-max`.
    pub page_limit: PageLimit,
    /// The largest page.
    pub page_limit_max: usize,
    /// Whether the listing honours `offset`.
    pub list_offset: Offset,
    /// The largest `offset` of a listing. Larger ones are answered with 400. 0 means no limit.
    pub max_offset: usize,
    /// What PATCH, PUT, "tag" and "untag" answer.
    pub update_answer: UpdateAnswer,
    /// Where `total` is reported.
    pub total: Total,
    /// The order of customers with the same date.
    pub ties: Ties,
    /// How `firstSeen` and `lastSeen` are returned. Always null if there is none.
    pub dates: Dates,
    /// How a custom value is returned that was sent as the text of a UNIX timestamp.
    pub custom_dates: CustomDates,
    /// How `customData` is returned.
    pub custom_data: CustomDataShape,
    /// How `customData` and `tags` are returned where there are none.
    pub missing_members: MissingMembers,
    /// `customData` in the answers to list and search.
    pub listing_custom_data: Presence,
    /// `tags` in the answers to list and search.
    pub listing_tags: Presence,
    /// How an emptied text field is returned.
    pub emptied_text: EmptiedText,
    /// How a custom property is returned that was set to null.
    pub cleared_property: ClearedProperty,
    /// What happens to a custom property that is not defined.
    pub undefined_property: UndefinedProperty,
    /// The custom properties that the account's settings define.
    pub defined_properties: Vec<String>,
    /// The longest text that `notes` and a custom property take, in characters. Longer ones are refused. 0 means no limit.
    pub text_limit: usize,
    /// How phone numbers are stored.
    pub phone: PhoneRewrite,
    /// How texts are stored.
    pub text: TextRewrite,
    /// How e-mail addresses are stored.
    pub email: EmailRewrite,
    /// Fields, `tags` or `customData.NAME` that writes accept but never change.
    pub never_stored: Vec<String>,
    /// What the answer to a batch contains.
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
            patch_wipes: Vec::new(),
            put_unnamed: Unnamed::Reset,
            batch_unnamed: Unnamed::Keep,
            create_tags: Tagging::Add,
            patch_tags: Tagging::Add,
            put_tags: Tagging::Replace,
            batch_tags: Tagging::Add,
            create_ignores: Vec::new(),
            create_refuses: Vec::new(),
            create_taken_user_id: TakenUserId::Second,
            update_taken_user_id: Acceptance::Accept,
            unique_user_ids: false,
            legacy_fields: Acceptance::Refuse,
            email_search: Case::Insensitive,
            tag_names: Case::Sensitive,
            tag_colour: TagColour::First,
            search_lag_ms: 0,
            list_lag_ms: 0,
            search_404: false,
            firewall: String::new(),
            organization: String::new(),
            max_filters: 0,
            page_limit: PageLimit::Cap,
            page_limit_max: 100,
            list_offset: Offset::Honoured,
            max_offset: 0,
            update_answer: UpdateAnswer::Customer,
            total: Total::Present,
            ties: Ties::Stable,
            dates: Dates::String,
            custom_dates: CustomDates::Integer,
            custom_data: CustomDataShape::Object,
            missing_members: MissingMembers::Empty,
            listing_custom_data: Presence::Present,
            listing_tags: Presence::Present,
            emptied_text: EmptiedText::Null,
            cleared_property: ClearedProperty::Absent,
            undefined_property: UndefinedProperty::Make,
            defined_properties: Vec::new(),
            text_limit: 0,
            phone: PhoneRewrite::AsSent,
            text: TextRewrite::AsSent,
            email: EmailRewrite::AsSent,
            never_stored: Vec::new(),
            batch_answer: BatchAnswer::Customers,
            batch_bad_entry: BatchBadEntry::FailAll,
        }
    }
}
