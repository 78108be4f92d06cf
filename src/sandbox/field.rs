//! The writable fields of a customer, by their names in the API.

/// A field that a write may name, beside `tags` and `customData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(Text),
    Date(Date),
    Flag(Flag),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Name,
    Email,
    UserId,
    Company,
    Phone,
    Source,
    Referer,
    LastPage,
    Locale,
    Notes,
    CreatedFrom,
    IntegrationId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Date {
    FirstSeen,
    LastSeen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    Unsubscribed,
    Blocked,
}

impl Field {
    /// Every field that the documentation calls writable.
    pub(super) const ALL: [Self; 14] = [
        Self::Text(Text::Name),
        Self::Text(Text::Email),
        Self::Text(Text::UserId),
        Self::Text(Text::Company),
        Self::Text(Text::Phone),
        Self::Date(Date::FirstSeen),
        Self::Date(Date::LastSeen),
        Self::Flag(Flag::Unsubscribed),
        Self::Flag(Flag::Blocked),
        Self::Text(Text::Source),
        Self::Text(Text::Referer),
        Self::Text(Text::LastPage),
        Self::Text(Text::Locale),
        Self::Text(Text::Notes),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text(text) => text.name(),
            Self::Date(Date::FirstSeen) => "firstSeen",
            Self::Date(Date::LastSeen) => "lastSeen",
            Self::Flag(Flag::Unsubscribed) => "unsubscribed",
            Self::Flag(Flag::Blocked) => "blocked",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl Text {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::UserId => "userId",
            Self::Company => "company",
            Self::Phone => "phone",
            Self::Source => "source",
            Self::Referer => "referer",
            Self::LastPage => "lastPage",
            Self::Locale => "locale",
            Self::Notes => "notes",
            Self::CreatedFrom => "createdFrom",
            Self::IntegrationId => "integrationId",
        }
    }
}
