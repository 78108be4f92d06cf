//! Exports of contacts that other tools make, known by their headers. For proposals only.

use super::profile::ColumnProfile;
use crate::domain::Field;

/// What a column of such an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Where several columns hold a field, the first in the export's list that is filled.
    Field(Field),
    FirstName,
    LastName,
    /// A list with this between its items, unless the cells show another separator.
    Tags(char),
    /// A custom property, although its name could be a field's.
    Property,
    /// Of no use in HelpCrunch, and why.
    Unused(&'static str),
}

/// The export of one tool.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) tool: &'static str,
    /// Columns that all have to be there, any one of each list.
    known_by: &'static [&'static [&'static str]],
    columns: &'static [(&'static str, Meaning)],
    /// Before the names of the account's own properties.
    property_prefix: Option<&'static str>,
    /// What else the user should know.
    pub(super) hint: Option<&'static str>,
}

use Meaning::{FirstName, LastName, Property, Tags, Unused};

const USER_ID: Meaning = Meaning::Field(Field::UserId);
const EMAIL: Meaning = Meaning::Field(Field::Email);
const NAME: Meaning = Meaning::Field(Field::Name);
const COMPANY: Meaning = Meaning::Field(Field::Company);
const PHONE: Meaning = Meaning::Field(Field::Phone);
const FIRST_SEEN: Meaning = Meaning::Field(Field::FirstSeen);
const LAST_SEEN: Meaning = Meaning::Field(Field::LastSeen);
const UNSUBSCRIBED: Meaning = Meaning::Field(Field::Unsubscribed);
const BLOCKED: Meaning = Meaning::Field(Field::Blocked);
const LOCALE: Meaning = Meaning::Field(Field::Locale);
const SOURCE: Meaning = Meaning::Field(Field::Source);
const NOTES: Meaning = Meaning::Field(Field::Notes);

const INTERNAL: Meaning = Unused("of no use outside of the tool that it is from");

/// Names are compared without case, spaces and signs, and without what stands in brackets: `Last seen (GMT +2)`.
const EXPORTS: [Export; 6] = [
    Export {
        tool: "Intercom",
        known_by: &[
            &["User ID", "id"],
            &["Signed up", "First seen"],
            &[
                "Web sessions",
                "Unsubscribed from Emails",
                "Last heard from",
            ],
        ],
        columns: &[
            ("User ID", USER_ID),
            ("id", USER_ID),
            ("Email", EMAIL),
            ("Name", NAME),
            ("Phone", PHONE),
            ("Company name", COMPANY),
            ("Companies", COMPANY),
            ("Signed up", FIRST_SEEN),
            ("First seen", FIRST_SEEN),
            ("Last seen", LAST_SEEN),
            ("Language override", LOCALE),
            ("Browser Language", LOCALE),
            ("Unsubscribed from Emails", UNSUBSCRIBED),
            ("Tag", Tags(',')),
            ("Tags", Tags(',')),
        ],
        property_prefix: None,
        hint: Some(
            "its dates carry no zone: where their headers name another than UTC, add timezone = \"…\" to each",
        ),
    },
    Export {
        tool: "Zendesk",
        known_by: &[
            &["external_id"],
            &["locale_id", "time_zone"],
            &["role"],
            &["email"],
        ],
        columns: &[
            ("external_id", USER_ID),
            ("id", USER_ID),
            ("email", EMAIL),
            ("name", NAME),
            ("phone", PHONE),
            ("created_at", FIRST_SEEN),
            ("last_login_at", LAST_SEEN),
            ("locale", LOCALE),
            ("suspended", BLOCKED),
            ("tags", Tags(' ')),
            ("notes", NOTES),
            ("url", INTERNAL),
            ("locale_id", INTERNAL),
        ],
        property_prefix: None,
        hint: None,
    },
    Export {
        tool: "HubSpot",
        known_by: &[
            &["Record ID", "Contact ID"],
            &["Create Date", "Lifecycle Stage", "Lead Status"],
            &[
                "Contact owner",
                "Associated Company",
                "Marketing contact status",
                "Lifecycle Stage",
            ],
        ],
        columns: &[
            ("Record ID", USER_ID),
            ("Contact ID", USER_ID),
            ("Email", EMAIL),
            ("First Name", FirstName),
            ("Last Name", LastName),
            ("Phone Number", PHONE),
            ("Mobile Phone Number", PHONE),
            ("Company Name", COMPANY),
            ("Associated Company", COMPANY),
            ("Create Date", FIRST_SEEN),
            ("Last Activity Date", LAST_SEEN),
            ("Preferred language", LOCALE),
            ("Unsubscribed from all email", UNSUBSCRIBED),
            ("Original Source", SOURCE),
        ],
        property_prefix: None,
        hint: Some(
            "its dates are of the time zone that the account is set to: where that is not UTC, add timezone = \"…\" to each",
        ),
    },
    Export {
        tool: "Freshdesk",
        known_by: &[
            &["Full name"],
            &["Work phone", "Mobile phone"],
            &[
                "Unique external ID",
                "Can see all tickets from this company",
                "Twitter",
            ],
        ],
        columns: &[
            ("Unique external ID", USER_ID),
            ("Contact ID", USER_ID),
            ("Email", EMAIL),
            ("Full name", NAME),
            ("Mobile phone", PHONE),
            ("Work phone", PHONE),
            ("Company", COMPANY),
            ("Created at", FIRST_SEEN),
            ("Language", LOCALE),
            ("Tags", Tags(',')),
            ("About", NOTES),
        ],
        property_prefix: None,
        hint: None,
    },
    Export {
        tool: "Crisp",
        known_by: &[&["nickname", "person.nickname"], &["segments"], &["email"]],
        columns: &[
            ("data.user_id", USER_ID),
            ("people_id", USER_ID),
            ("email", EMAIL),
            ("person.nickname", NAME),
            ("nickname", NAME),
            ("person.phone", PHONE),
            ("phone", PHONE),
            ("company.name", COMPANY),
            ("company", COMPANY),
            ("created_at", FIRST_SEEN),
            ("active.last", LAST_SEEN),
            ("person.locales", LOCALE),
            ("locales", LOCALE),
            ("segments", Tags('|')),
            ("notepad", NOTES),
        ],
        property_prefix: Some("data."),
        hint: None,
    },
    Export {
        tool: "Salesforce",
        known_by: &[
            &["Id", "Contact ID"],
            &["LastName", "Last Name"],
            &[
                "AccountId",
                "Account Name",
                "HasOptedOutOfEmail",
                "Email Opt Out",
            ],
            &[
                "OwnerId",
                "Contact Owner",
                "LeadSource",
                "Lead Source",
                "CreatedDate",
            ],
        ],
        columns: &[
            ("Id", USER_ID),
            ("Contact ID", USER_ID),
            ("Email", EMAIL),
            ("FirstName", FirstName),
            ("LastName", LastName),
            ("MobilePhone", PHONE),
            ("Mobile", PHONE),
            ("Phone", PHONE),
            ("Account Name", COMPANY),
            ("CreatedDate", FIRST_SEEN),
            ("HasOptedOutOfEmail", UNSUBSCRIBED),
            ("Email Opt Out", UNSUBSCRIBED),
            ("LeadSource", SOURCE),
            ("Description", NOTES),
            // A day: whom somebody called on it was not seen then.
            ("LastActivityDate", Property),
            ("Last Activity", Property),
            ("IsDeleted", INTERNAL),
            ("MasterRecordId", INTERNAL),
            ("OwnerId", INTERNAL),
        ],
        property_prefix: None,
        hint: Some(
            "rows with IsDeleted = 1 are deleted contacts: take them out first, if there are any",
        ),
    },
];

/// The export whose columns these are.
pub(super) fn recognise(columns: &[(&str, &ColumnProfile)]) -> Option<&'static Export> {
    let there: Vec<String> = columns.iter().map(|(name, _)| folded(name)).collect();
    let has = |name: &&str| there.contains(&folded(name));
    EXPORTS
        .iter()
        .find(|export| export.known_by.iter().all(|any| any.iter().any(has)))
}

impl Export {
    /// What a column is, where the export says so.
    pub(super) fn meaning(&self, column: &str) -> Option<Meaning> {
        let name = folded(column);
        let mut known = self.columns.iter();
        known
            .find(|(known, _)| folded(known) == name)
            .map(|(_, meaning)| *meaning)
    }

    /// The columns that this meaning falls to, the best first.
    pub(super) fn columns_of<'a>(
        &self,
        meaning: Meaning,
        columns: &[(&'a str, &'a ColumnProfile)],
    ) -> Vec<(&'a str, &'a ColumnProfile)> {
        let named = self.columns.iter().filter(|(_, other)| *other == meaning);
        let found = named.filter_map(|(name, _)| {
            let name = folded(name);
            columns.iter().find(|(column, _)| folded(column) == name)
        });
        let mut found: Vec<_> = found.copied().collect();
        // A sort that keeps the order of those that are alike.
        found.sort_by_key(|(_, profile)| profile.filled() == 0);
        found
    }

    /// Whether some column of the export is made for this field.
    pub(super) fn claims(&self, field: Field, columns: &[(&str, &ColumnProfile)]) -> bool {
        !self.columns_of(Meaning::Field(field), columns).is_empty()
    }

    /// The name of the property that a column holds.
    pub(super) fn property<'a>(&self, column: &'a str) -> Option<&'a str> {
        let name = column.strip_prefix(self.property_prefix?)?;
        (!name.trim().is_empty()).then_some(name)
    }
}

/// Letters and digits in lower case, without what stands in brackets.
fn folded(name: &str) -> String {
    let plain = name.split('(').next().unwrap_or(name);
    let letters = plain.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(header: &str) -> Option<&'static str> {
        let profile = ColumnProfile::default();
        let columns: Vec<_> = header.split(',').map(|name| (name, &profile)).collect();
        recognise(&columns).map(|export| export.tool)
    }

    #[test]
    fn exports_are_known_by_their_headers_and_others_are_not() {
        for (header, known) in [
            (
                "Name,Email,User ID,Signed up (GMT +2),Last seen (GMT +2),Web sessions",
                Some("Intercom"),
            ),
            (
                "id,name,email,created_at,time_zone,role,external_id,tags",
                Some("Zendesk"),
            ),
            (
                "Record ID,First Name,Last Name,Email,Lifecycle Stage,Create Date",
                Some("HubSpot"),
            ),
            (
                "Full name,Email,Work phone,Mobile phone,Twitter,Company",
                Some("Freshdesk"),
            ),
            ("email,nickname,phone,segments", Some("Crisp")),
            (
                "Contact ID,First Name,Last Name,Account Name,Email,Lead Source",
                Some("Salesforce"),
            ),
            (
                "Id,IsDeleted,AccountId,LastName,FirstName,Email,CreatedDate",
                Some("Salesforce"),
            ),
            ("id,email,name,created_at", None),
            ("User ID,Email,Full name,Phone,Tags", None),
            ("Kundennummer,E-Mail,Vorname,Nachname", None),
        ] {
            assert_eq!(tool(header), known, "{header}");
        }
    }

    #[test]
    fn no_export_gives_one_column_two_meanings() {
        for export in &EXPORTS {
            let mut names: Vec<_> = export
                .columns
                .iter()
                .map(|(name, _)| folded(name))
                .collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{}", export.tool);
        }
    }
}
