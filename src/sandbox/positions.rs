//! The values of the switches in [`Quirks`](super::Quirks).

use serde::{Deserialize, Serialize};

macro_rules! positions {
    ($($(#[$doc:meta])* $name:ident { $($(#[$position_doc:meta])* $position:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$position_doc])* $position),+ }
    )+};
}

positions! {
    /// The window of the rate limit.
    Window {
        /// Calendar minutes.
        Fixed,
        /// The 60 seconds before each request.
        Sliding,
        /// A token bucket for one minute's requests: after a pause, a client may send up to twice the limit within a minute.
        Bucket,
    }
    /// The form of `Retry-After` in a 429.
    RetryAfter {
        /// No such header.
        None,
        /// A number of seconds.
        Seconds,
        /// An HTTP date.
        Date,
    }
    /// Codes of errors, by the age of the documentation.
    ErrorCodes {
        /// `unauthorized` and `not_found`.
        Current,
        /// `invalid_token` and `entity_not_found`.
        Older,
    }
    /// What `customData` in an update does to unnamed properties.
    CustomDataWrite {
        /// They stay.
        Merge,
        /// They are removed.
        Replace,
    }
    /// What an update does to fields, properties and tags that its body does not name.
    Unnamed {
        /// They stay.
        Keep,
        /// They are set to null.
        Reset,
    }
    /// What `tags` in the body of a write other than "tag" do.
    Tagging {
        /// They are added to the customer's tags.
        Add,
        /// They replace the customer's tags.
        Replace,
        /// They are ignored.
        Ignore,
    }
    /// How a member without content is returned.
    MissingMembers {
        /// As an empty object or list.
        Empty,
        Null,
        /// Not at all.
        LeftOut,
    }
    /// What an update of one customer answers.
    UpdateAnswer {
        /// The customer.
        Customer,
        /// 200 without a body.
        Empty,
        /// 204.
        NoContent,
    }
    /// What a create does if another customer has its userId.
    TakenUserId {
        /// It creates a second customer.
        Second,
        /// It updates the oldest such customer and returns it with a 201.
        UpdateFirst,
        /// The answer is 400.
        Refuse,
    }
    /// Whether something is accepted or answered with 400.
    Acceptance {
        /// It is accepted.
        Accept,
        /// The answer is 400.
        Refuse,
    }
    /// Whether a comparison is case-sensitive.
    Case {
        Sensitive,
        Insensitive,
    }
    /// The colour of an existing tag that is sent with another one.
    TagColour {
        /// The first colour stays.
        First,
        /// The latest colour is used in the whole account.
        Latest,
    }
    /// What happens to a `limit` above the largest page.
    PageLimit {
        /// It is silently reduced.
        Cap,
        /// It is honoured.
        Accept,
        /// The answer is 400.
        Refuse,
    }
    /// Whether the listing honours `offset`.
    Offset {
        Honoured,
        /// All pages are the first one.
        Ignored,
    }
    /// Where `total` is reported.
    Total {
        /// In listing and search.
        Present,
        /// In search only.
        AbsentInList,
        /// Nowhere.
        Absent,
        /// In listing and search, but one too many.
        OneMore,
        /// In listing and search, but searches report the number of all customers.
        AccountInSearch,
        /// In listing and search, but it is the number of customers on the page.
        OfPage,
    }
    /// The order of customers with the same date.
    Ties {
        /// By id.
        Stable,
        /// Random for each request.
        Shuffled,
    }
    /// How a date is returned.
    Dates {
        /// A UNIX timestamp as text.
        String,
        /// A number.
        Integer,
    }
    /// How a custom value is returned that was sent as the text of a UNIX timestamp.
    CustomDates {
        /// As a number.
        Integer,
        /// As it was sent.
        Text,
    }
    /// How `customData` is returned.
    CustomDataShape {
        /// `{"plan":"pro"}`
        Object,
        /// `[{"property":"plan","value":"pro"}]`
        Array,
    }
    /// Whether a member is in an answer.
    Presence {
        Present,
        Missing,
    }
    /// How a text field is returned that a write set to null or an empty text.
    EmptiedText {
        /// As null.
        Null,
        /// As an empty text.
        Empty,
    }
    /// How a custom property is returned that was set to null.
    ClearedProperty {
        /// Not at all.
        Absent,
        /// As null.
        Null,
    }
    /// What happens to a custom property that is not among `defined-properties`.
    UndefinedProperty {
        /// It is stored like any other.
        Make,
        /// It is silently dropped.
        Ignore,
        /// The answer is 400.
        Refuse,
    }
    /// What the server does to a phone number before storing it.
    PhoneRewrite {
        /// Nothing.
        AsSent,
        /// Removes everything but digits and plus signs.
        Normalised,
    }
    /// What the server does to a text field before storing it.
    TextRewrite {
        /// Nothing.
        AsSent,
        /// Removes white space at both ends.
        Trimmed,
    }
    /// What the server does to an e-mail address before storing it.
    EmailRewrite {
        /// Nothing.
        AsSent,
        /// Converts it to lower case.
        LowerCased,
    }
    /// What the answer to a batch update contains.
    BatchAnswer {
        /// An array of the customers.
        Customers,
        /// `{"data":[…]}` with the customers.
        Data,
        /// `{"count":N}`
        Count,
        /// No body.
        Nothing,
    }
    /// What a batch does if one of its entries is bad, or its customer does not exist.
    BatchBadEntry {
        /// It changes nothing, and the answer is an error.
        FailAll,
        /// It applies the good entries and silently skips the bad one.
        PassGood,
    }
}
