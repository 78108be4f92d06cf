use std::fmt;

use serde::{Deserialize, Serialize};

/// A customer field that hcsync may write: those on the vendor's update page, except `tags` and `customData`, which have
/// operations of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    Name,
    Email,
    UserId,
    Company,
    Phone,
    FirstSeen,
    LastSeen,
    Unsubscribed,
    Blocked,
    Source,
    Referer,
    LastPage,
    Locale,
    Notes,
}

/// The type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    /// Seconds since the UNIX epoch.
    Date,
    /// `unsubscribed` and `blocked`: not turned back to false unless the config says so.
    OneWay,
}

impl Field {
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::Email,
        Self::UserId,
        Self::Company,
        Self::Phone,
        Self::FirstSeen,
        Self::LastSeen,
        Self::Unsubscribed,
        Self::Blocked,
        Self::Source,
        Self::Referer,
        Self::LastPage,
        Self::Locale,
        Self::Notes,
    ];

    /// Fields missing from the vendor's example of a create, although the text beside it says that all can be given. Which of
    /// the two is right is unknown.
    pub const NOT_IN_CREATE_EXAMPLE: [Self; 5] = [
        Self::LastSeen,
        Self::Unsubscribed,
        Self::Blocked,
        Self::Referer,
        Self::LastPage,
    ];

    /// The API's name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::UserId => "userId",
            Self::Company => "company",
            Self::Phone => "phone",
            Self::FirstSeen => "firstSeen",
            Self::LastSeen => "lastSeen",
            Self::Unsubscribed => "unsubscribed",
            Self::Blocked => "blocked",
            Self::Source => "source",
            Self::Referer => "referer",
            Self::LastPage => "lastPage",
            Self::Locale => "locale",
            Self::Notes => "notes",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    pub fn kind(self) -> FieldKind {
        match self {
            Self::FirstSeen | Self::LastSeen => FieldKind::Date,
            Self::Unsubscribed | Self::Blocked => FieldKind::OneWay,
            _ => FieldKind::Text,
        }
    }

    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_apis_own_and_unique() {
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
            assert_eq!(serde_json::to_value(field).unwrap(), field.name());
        }
        assert_eq!(Field::from_name("id"), None);
        // serde knows every variant, also one that is missing in the list of all.
        let error = serde_json::from_str::<Field>("\"id\"").unwrap_err();
        let known = error.to_string();
        let known = known.split('`').skip(3).step_by(2);
        assert!(known.eq(Field::ALL.map(Field::name)), "{error}");
    }

    #[test]
    fn the_schema_of_plans_has_every_field() {
        let schema = include_str!("../../docs/formats/plan.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let mut lists = 0;
        let mut rest = vec![&schema];
        while let Some(value) = rest.pop() {
            match value {
                serde_json::Value::Object(members) => rest.extend(members.values()),
                serde_json::Value::Array(all) if all.contains(&Field::UserId.name().into()) => {
                    assert_eq!(
                        *all,
                        Field::ALL.map(|field| serde_json::Value::from(field.name()))
                    );
                    lists += 1;
                }
                serde_json::Value::Array(all) => rest.extend(all),
                _ => {}
            }
        }
        assert_eq!(lists, 3);
    }

    #[test]
    fn the_index_is_the_place_in_all() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field.index(), index);
        }
    }
}
