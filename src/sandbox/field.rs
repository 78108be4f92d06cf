//! The writable fields of a customer, by their names in the API.

/// A field that a write may name, besides `tags` and `customData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(TextField),
    Date(DateField),
    Flag(FlagField),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
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
pub(super) enum DateField {
    FirstSeen,
    LastSeen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagField {
    Unsubscribed,
    Blocked,
}

impl Field {
    /// All fields that are writable according to the documentation.
    pub(super) const ALL: [Self; 14] = [
        Self::Text(TextField::Name),
        Self::Text(TextField::Email),
        Self::Text(TextField::UserId),
        Self::Text(TextField::Company),
        Self::Text(TextField::Phone),
        Self::Date(DateField::FirstSeen),
        Self::Date(DateField::LastSeen),
        Self::Flag(FlagField::Unsubscribed),
        Self::Flag(FlagField::Blocked),
        Self::Text(TextField::Source),
        Self::Text(TextField::Referer),
        Self::Text(TextField::LastPage),
        Self::Text(TextField::Locale),
        Self::Text(TextField::Notes),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text(text) => text.name(),
            Self::Date(DateField::FirstSeen) => "firstSeen",
            Self::Date(DateField::LastSeen) => "lastSeen",
            Self::Flag(FlagField::Unsubscribed) => "unsubscribed",
            Self::Flag(FlagField::Blocked) => "blocked",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl TextField {
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
