//! The positions that a switch in [`Quirks`](super::Quirks) can have.

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
    /// What the limit of requests a minute is counted over.
    Window {
        /// Calendar minutes.
        Fixed,
        /// The 60 seconds before each request.
        Sliding,
        /// A bucket of one minute's requests that fills evenly, so that a rested client may send up to twice the figure within one minute.
        Bucket,
    }
    /// How a 429 says when to come back.
    RetryAfter {
        /// Not at all.
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
    /// What `customData` in an update does to properties that it does not name.
    CustomDataWrite {
        /// They stay.
        Merge,
        /// They are removed.
        Replace,
    }
    /// What an update does to fields, properties and tags of which its body says nothing.
    Unnamed {
        /// They stay.
        Keep,
        /// They are set to null.
        Reset,
    }
    /// What `tags` in the body of a write other than "tag" does.
    Tagging {
        /// They come to those that are there.
        Add,
        /// They become the customer's only tags.
        Replace,
        /// Nothing.
        Ignore,
    }
    /// What a create does when another customer has its userId.
    TakenUserId {
        /// A second customer is made.
        Second,
        /// The oldest such customer is updated and answered, with a 201.
        UpdateFirst,
        /// The answer is 400.
        Refuse,
    }
    /// Whether something is taken or answered with 400.
    Verdict {
        /// It is taken.
        Accept,
        /// The answer is 400.
        Refuse,
    }
    /// Whether a comparison tells upper from lower case.
    Case {
        /// It does.
        Sensitive,
        /// It does not.
        Insensitive,
    }
    /// The colour of a known tag that is sent with another one.
    TagColour {
        /// The first stays.
        First,
        /// The latest is taken, for the whole account.
        Latest,
    }
    /// What becomes of a `limit` above the largest page.
    PageLimit {
        /// It is cut down without a word.
        Cap,
        /// It is honoured.
        Accept,
        /// The answer is 400.
        Refuse,
    }
    /// Whether the listing minds `offset`.
    Offset {
        /// It does.
        Honoured,
        /// Every page is the first one.
        Ignored,
    }
    /// Where the number of all customers is told.
    Total {
        /// In listing and search.
        Present,
        /// In search only.
        AbsentInList,
        /// Nowhere.
        Absent,
        /// One more than there are, in listing and search.
        OneMore,
        /// In search it is that of all customers, whatever was searched for.
        AccountInSearch,
        /// It is that of the customers on the page.
        OfPage,
    }
    /// The order of customers with the same date.
    Ties {
        /// By id, always.
        Stable,
        /// Another one for each request.
        Shuffled,
    }
    /// How a date comes back.
    Dates {
        /// Text that holds a UNIX timestamp.
        String,
        /// A number.
        Integer,
    }
    /// How a custom value comes back that was sent as the text of a UNIX timestamp.
    CustomDates {
        /// As a number.
        Integer,
        /// As it was sent.
        Text,
    }
    /// How `customData` comes back.
    CustomDataShape {
        /// `{"plan":"pro"}`
        Object,
        /// `[{"property":"plan","value":"pro"}]`
        Array,
    }
    /// Whether a member is in an answer.
    Presence {
        /// It is.
        Present,
        /// It is not.
        Missing,
    }
    /// How a text field comes back that a write emptied, with null or an empty text.
    EmptiedText {
        /// As null.
        Null,
        /// As an empty text.
        Empty,
    }
    /// How a custom property comes back that was set to null.
    ClearedProperty {
        /// Not at all.
        Absent,
        /// As null.
        Null,
    }
    /// What becomes of a custom property that is not among `defined-properties`.
    UndefinedProperty {
        /// It is kept as any other.
        Make,
        /// It is dropped without a word.
        Ignore,
        /// The answer is 400.
        Refuse,
    }
    /// What the server does to a phone number before it keeps it.
    PhoneRewrite {
        /// Nothing.
        AsSent,
        /// Only digits and a plus sign stay.
        Normalised,
    }
    /// What the server does to a text field before it keeps it.
    TextRewrite {
        /// Nothing.
        AsSent,
        /// Space at both ends is cut off.
        Trimmed,
    }
    /// What the server does to an e-mail before it keeps it.
    EmailRewrite {
        /// Nothing.
        AsSent,
        /// It is put in lower case.
        LowerCased,
    }
    /// What the answer to a batch update holds.
    BatchAnswer {
        /// An array of the customers.
        Customers,
        /// `{"data":[…]}` with the customers.
        Data,
        /// `{"count":N}`
        Count,
        /// No body at all.
        Nothing,
    }
    /// What a batch does when one of its entries is bad, or its customer gone.
    BatchBadEntry {
        /// Nothing is changed, and the answer is an error.
        FailAll,
        /// The good ones are changed, the bad one is left out without a word.
        PassGood,
    }
}
