use std::collections::BTreeSet;

use super::column_kind::ColumnKind;
use super::exports::{self, ColumnMeaning, Export};
use super::header_zone::{timezone_line, without_zone};
use super::implicit_columns;
use super::profile::ColumnProfile;
use super::proposal_lines::{comment, field_line, property_lines, quoted, text_line};
use super::synonyms;
use super::table_profile::TableProfile;
use crate::domain::{Field, KeyField};

/// What a config is proposed for.
#[derive(Debug, Clone, Copy)]
pub struct ProposalInput<'a> {
    pub profile: &'a TableProfile,
    /// The input as the user named it.
    pub input: &'a str,
    /// Complete lines for `[input]`: the settings without which the file cannot be read.
    pub input_lines: &'a [String],
    pub rows: u64,
}

/// A proposed config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// TOML with comments. Uncertain lines are commented out.
    pub text: String,
    /// Whether a column can serve as match key. Without one the config cannot be used as it is.
    pub has_key: bool,
    /// Columns that are unused, or that need a decision from the user.
    pub open: Vec<String>,
}

/// A column that can serve as match key, judged by its name and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    pub key: KeyField,
    pub column: String,
    /// The line for `[fields]`.
    pub line: String,
}

/// Returns the columns that can serve as match keys, recognized by their names or values.
#[must_use]
pub fn key_columns(profile: &TableProfile) -> Vec<KeyColumn> {
    let mut draft = ConfigDraft::default();
    draft.assign(profile);
    if draft.keys.is_empty() {
        let columns = draft.usable(profile);
        let id = columns
            .iter()
            .find(|(name, column)| looks_like_id(name, column));
        draft.keys.extend(id.map(|(name, _)| KeyColumn {
            key: KeyField::UserId,
            column: (*name).to_owned(),
            line: format!("userId = {}", quoted(name)),
        }));
    }
    draft.keys
}

/// Proposes a config by the names and contents of the columns. It contains no value of a row.
#[must_use]
pub fn propose(of: ProposalInput<'_>) -> Proposal {
    let mut draft = ConfigDraft::default();
    draft.assign(of.profile);
    Proposal {
        text: draft.to_text(&of),
        has_key: !draft.keys.is_empty(),
        open: draft.open,
    }
}

/// The lines of each section of the config.
#[derive(Debug, Default)]
pub(super) struct ConfigDraft {
    pub(super) fields: Vec<String>,
    pub(super) custom_data: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) input: Vec<String>,
    pub(super) rows: Vec<String>,
    /// Commented lines for columns that may hold tags by their content.
    pub(super) tag_candidates: Vec<String>,
    taken: BTreeSet<Field>,
    /// Fields whose exact name a column has.
    named: BTreeSet<Field>,
    properties: BTreeSet<String>,
    pub(super) keys: Vec<KeyColumn>,
    open: Vec<String>,
    /// The tool that the file was exported from, if it is known.
    pub(super) export: Option<&'static Export>,
}

impl ConfigDraft {
    fn assign(&mut self, profile: &TableProfile) {
        let columns = self.usable(profile);
        self.export = exports::recognize(&columns);
        self.input = timezone_line(columns.iter().map(|(name, _)| *name))
            .into_iter()
            .collect();
        let people = self.export.and_then(|export| export.where_line(&columns));
        self.rows = people.into_iter().collect();
        match self.export {
            Some(export) => self.assign_export(export, &columns),
            None => self.assign_by_name(&columns),
        }
    }

    /// Assigns the columns of a known export. A column that it does not list becomes a property, unless its name means a
    /// field that no column of the export holds.
    fn assign_export(&mut self, export: &'static Export, columns: &[(&str, &ColumnProfile)]) {
        let name_parts = export.name_parts(columns);
        let has_whole_name = columns.iter().any(|(name, _)| {
            export.meaning(name).is_none() && field_of(name).is_some_and(|(f, _)| f == Field::Name)
        });
        for (name, column) in columns {
            match export.meaning(name) {
                Some(ColumnMeaning::Field(field)) => {
                    if export.field_columns(field, columns).first() == Some(name) {
                        self.field(field, true, name, column);
                    } else {
                        self.property(name, column);
                    }
                }
                Some(ColumnMeaning::FirstName | ColumnMeaning::LastName) if has_whole_name => {
                    self.property(name, column);
                }
                Some(meaning @ (ColumnMeaning::FirstName | ColumnMeaning::LastName)) => {
                    match name_parts {
                        Some((first, last)) if meaning == ColumnMeaning::FirstName => {
                            self.name_of(first, last);
                        }
                        Some(_) => {}
                        None => self.field(Field::Name, true, name, column),
                    }
                }
                Some(ColumnMeaning::Tags(separator)) => {
                    self.tags_of_export(separator, name, column);
                }
                Some(ColumnMeaning::Unused) => {
                    self.unused(name, "internal to the tool that the file comes from");
                }
                Some(ColumnMeaning::Property) => self.property(name, column),
                None => match field_of(name) {
                    Some((field, _)) if export.field_columns(field, columns).is_empty() => {
                        self.field(field, false, name, column);
                    }
                    _ => self.property(name, column),
                },
            }
        }
    }

    /// The separator that the cells show takes precedence over the usual one of the tool.
    fn tags_of_export(&mut self, usual: char, name: &str, column: &ColumnProfile) {
        if self.tags.is_empty() {
            self.tags.push(format!("column = {}", quoted(name)));
            let separator = column.separator().unwrap_or(usual);
            self.tags
                .push(format!("separator = {}", quoted(&separator.to_string())));
        } else {
            self.property(name, column);
        }
    }

    fn assign_by_name(&mut self, columns: &[(&str, &ColumnProfile)]) {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let first_name = names.iter().find(|name| synonyms::is_first_name(name));
        let last_name = names.iter().find(|name| synonyms::is_last_name(name));
        let fields = names.iter().filter_map(|name| field_of(name));
        let whole_name = fields.clone().any(|(field, _)| field == Field::Name);
        self.named = fields.filter(|(_, exact)| *exact).map(|(f, _)| f).collect();
        let parts = first_name.zip(last_name).filter(|_| !whole_name);
        let key_by_data = key_by_data(columns);
        for (name, column) in columns {
            let key = key_by_data.filter(|(_, key)| key == name);
            if let Some((field, exact)) = field_of(name) {
                self.field(field, exact, name, column);
            } else if let Some((field, _)) = key {
                self.field(field, true, name, column);
            } else if let Some((first, last)) = parts.filter(|(f, l)| [*f, *l].contains(&name)) {
                if name == first {
                    self.name_of(first, last);
                }
            } else if *name == "id" {
                let line = format!("userId = {}", quoted(name));
                let why = "if these are your own ids; for HelpCrunch's ids write `id = …`";
                self.fields.push(comment(&line, why));
                self.open.push((*name).to_owned());
            } else if synonyms::is_tags(name) && self.tags.is_empty() {
                self.tag_column(name, column);
            } else {
                self.property(name, column);
            }
        }
    }

    /// The columns that a config can name and that can be written to HelpCrunch. Reports the others as unused.
    fn usable<'a>(&mut self, profile: &'a TableProfile) -> Vec<(&'a str, &'a ColumnProfile)> {
        let mut usable = Vec::new();
        for (name, column) in profile.columns() {
            let same = profile.columns().filter(|(other, _)| *other == name);
            if name.trim().is_empty() {
                self.unused(name, "this column has no name: give it one to use it");
            } else if same.count() > 1 {
                self.unused(
                    name,
                    "several columns have this name: rename them to use them",
                );
            } else if synonyms::is_read_only(name) {
                self.unused(name, "set by HelpCrunch, cannot be written");
            } else {
                usable.push((name, column));
            }
        }
        usable
    }

    fn unused(&mut self, name: &str, why: &str) {
        self.custom_data.push(comment(&quoted(name), why));
        self.open.push(name.to_owned());
    }

    /// A column with the exact name of a field takes precedence over one with a similar name, in any order.
    fn field(&mut self, field: Field, exact: bool, name: &str, column: &ColumnProfile) {
        if self.taken.contains(&field) || (!exact && self.named.contains(&field)) {
            let line = format!("{} = {}", field.name(), quoted(name));
            self.fields.push(comment(
                &line,
                "another column is already used for this field",
            ));
            self.open.push(name.to_owned());
            return;
        }
        match field_line(field, name, column) {
            Ok(line) => {
                let key = match field {
                    Field::UserId => Some(KeyField::UserId),
                    Field::Email => Some(KeyField::Email),
                    _ => None,
                };
                self.keys.extend(key.map(|key| KeyColumn {
                    key,
                    column: name.to_owned(),
                    line: line.clone(),
                }));
                self.fields.push(line);
                self.taken.insert(field);
            }
            Err(lines) => {
                self.fields.extend(lines);
                self.open.push(name.to_owned());
            }
        }
    }

    fn name_of(&mut self, first: &str, last: &str) {
        let part = |name: &str| format!("row[{}]", quoted(name));
        let template = format!(
            "{{{{ ({} ~ \" \" ~ {}) | trim }}}}",
            part(first),
            part(last)
        );
        self.fields
            .push(format!("name = {{ template = {} }}", quoted(&template)));
        self.taken.insert(Field::Name);
    }

    fn tag_column(&mut self, name: &str, column: &ColumnProfile) {
        self.tags.push(format!("column = {}", quoted(name)));
        if let Some(separator) = column.separator().filter(|c| *c != ';')
            && column.kind() != ColumnKind::Nested
        {
            self.tags
                .push(format!("separator = {}", quoted(&separator.to_string())));
        }
    }

    fn property(&mut self, column_name: &str, column: &ColumnProfile) {
        let of_export = self.export.and_then(|export| export.property(column_name));
        let name = of_export
            .or_else(|| implicit_columns::property(column_name))
            .unwrap_or(column_name);
        if !self.properties.insert(name.to_owned()) {
            self.unused(
                column_name,
                "another column is already used for this property",
            );
            return;
        }
        if column.are_tags() {
            let why =
                "its cells look like lists of tags: remove its line above and this `#` if they are";
            let separator = column.separator().unwrap_or(';').to_string();
            let line = format!("column = {}", quoted(column_name));
            self.tag_candidates.push(comment(&line, why));
            self.tag_candidates
                .push(format!("# separator = {}", quoted(&separator)));
        }
        // Ids and phone numbers are not numbers to calculate with.
        let is_code = matches!(
            self.export.and_then(|export| export.meaning(column_name)),
            Some(ColumnMeaning::Field(Field::UserId | Field::Phone))
        );
        let lines = match column.kind() {
            ColumnKind::Number { .. }
            | ColumnKind::NumberUnclear
            | ColumnKind::Separated { .. }
            | ColumnKind::Timestamp
                if is_code =>
            {
                vec![text_line(name, column_name)]
            }
            _ => property_lines(name, column_name, column),
        };
        if lines.iter().all(|line| line.starts_with('#')) {
            self.open.push(column_name.to_owned());
        }
        self.custom_data.extend(lines);
    }
}

/// If no name shows which column identifies customers, finds one with addresses or called `id`.
fn key_by_data<'a>(columns: &[(&'a str, &ColumnProfile)]) -> Option<(Field, &'a str)> {
    let named = columns.iter().filter_map(|(name, _)| field_of(name));
    if named
        .into_iter()
        .any(|(field, _)| matches!(field, Field::UserId | Field::Email))
    {
        return None;
    }
    let mut free = columns.iter().filter(|(name, _)| field_of(name).is_none());
    let email = free.clone().find(|(_, c)| c.is_mostly_email());
    let id =
        free.find(|(name, c)| name.eq_ignore_ascii_case("id") && c.kind() != ColumnKind::Nested);
    let email = email.map(|(name, _)| (Field::Email, *name));
    email.or_else(|| id.map(|(name, _)| (Field::UserId, *name)))
}

/// Whether a column is not a known field, has a name that ends with "id" and a different value in every row.
fn looks_like_id(name: &str, column: &ColumnProfile) -> bool {
    let ends_with_id = ["id", "Id", "ID"].into_iter().any(|id| {
        let before = name.trim().strip_suffix(id);
        let before = before.and_then(|before| before.chars().next_back());
        before.is_some_and(|c| !c.is_alphanumeric() || (id != "id" && c.is_lowercase()))
    });
    let is_unique = column
        .distinct()
        .is_none_or(|distinct| distinct == column.rows());
    ends_with_id
        && is_unique
        && column.filled() == column.rows()
        && column.kind() != ColumnKind::Nested
        && field_of(name).is_none()
}

/// The field of a column, and whether the column has its exact name.
fn field_of(column: &str) -> Option<(Field, bool)> {
    let exact = Field::ALL
        .into_iter()
        .find(|field| implicit_columns::folded(field.name()) == implicit_columns::folded(column));
    let exact = exact.map(|field| (field, true));
    exact.or_else(|| synonyms::field(without_zone(column)).map(|field| (field, false)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Cells, Columns, KeyField, Position, Row, RowNumber};
    use crate::mapping::{FieldRules, MappingSettings, PropertyRules, Schema, TagSettings};

    /// The part of a config that a mapping is made of.
    #[derive(serde::Deserialize)]
    struct Parsed {
        fields: Option<FieldRules>,
        custom_data: Option<PropertyRules>,
        tags: Option<TagSettings>,
    }

    fn row(columns: &Arc<Columns>, cells: &[String]) -> Row {
        Row {
            flaws: Vec::new(),
            kinds: Vec::new(),
            position: Position {
                source: 0,
                row: RowNumber(1),
                line: 2,
            },
            cells: Cells::Table {
                columns: Arc::clone(columns),
                texts: cells.iter().collect(),
            },
            raw: None,
        }
    }

    struct Fed {
        proposal: Proposal,
        schema: Option<Schema>,
        rows: Vec<Row>,
    }

    fn profile(header: &[&str], table: &[&[&str]]) -> TableProfile {
        let owned = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        let columns: Arc<Columns> = Arc::new(Columns::new(owned(header)));
        let mut profile = TableProfile::for_proposal(Arc::clone(&columns));
        for cells in table {
            let cells: Vec<String> = owned(cells);
            profile.see(&row(&columns, &cells));
        }
        profile
    }

    #[test]
    fn key_columns_are_found_by_name_or_by_value_and_never_by_place() {
        let lines = |header: &[&str], table: &[&[&str]]| {
            let found = key_columns(&profile(header, table));
            found
                .into_iter()
                .map(|found| found.line)
                .collect::<Vec<_>>()
        };
        let ann: &[&str] = &["Ann", "ann@example.com", "7"];
        let ben: &[&str] = &["Ben", "ben@example.com", "8"];
        for (header, found) in [
            (
                ["First Name", "Email Address", "Plan"],
                "email = \"Email Address\"",
            ),
            (["First Name", "Kontakt", "Plan"], "email = \"Kontakt\""),
            (["Client ID", "Kontakt", "Plan"], "userId = \"Client ID\""),
        ] {
            assert_eq!(lines(&header, &[ann, ben])[0], found, "{header:?}");
        }
        let none: [&str; 0] = [];
        assert_eq!(
            lines(&["First Name", "Plan"], &[&["Ann", "x"], &["Ben", "y"]]),
            none
        );
        let ids = |name: &str, cells: &[&str]| {
            let rows: Vec<Vec<&str>> = cells.iter().map(|cell| vec!["Ann", *cell]).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            lines(&["First Name", name], &rows)
        };
        assert_eq!(ids("Account ID", &["7", "8"]), ["userId = \"Account ID\""]);
        assert_eq!(ids("accountId", &["7", "8"]), ["userId = \"accountId\""]);
        assert_eq!(ids("Account ID", &["7", "7"]), none, "not unique");
        assert_eq!(ids("Account ID", &["7", ""]), none, "not in every row");
        for name in ["Paid", "PAID", "Number"] {
            assert_eq!(ids(name, &["7", "8"]), none, "{name}");
        }
    }

    /// Proposes for a table and takes the proposal at its word.
    fn feed(header: &[String], table: &[Vec<String>]) -> Fed {
        let columns = Arc::new(Columns::new(header.to_vec()));
        let rows: Vec<Row> = table.iter().map(|cells| row(&columns, cells)).collect();
        let mut profile = TableProfile::for_proposal(Arc::clone(&columns));
        rows.iter().for_each(|row| profile.see(row));
        let proposal = propose(ProposalInput {
            profile: &profile,
            input: "customers.csv",
            input_lines: &["delimiter = \";\"".to_owned()],
            rows: rows.len() as u64,
        });
        let parsed: Parsed = toml::from_str(&proposal.text)
            .unwrap_or_else(|error| panic!("{error}\n{}", proposal.text));
        let settings = MappingSettings {
            fields: parsed.fields,
            custom_data: parsed.custom_data,
            tags: parsed.tags,
            ..MappingSettings::default()
        };
        let keys = [KeyField::UserId, KeyField::Email];
        let schema = Schema::new(&settings, &keys, &[&columns]);
        let schema = match schema {
            Ok(schema) => Some(schema),
            Err(error) => {
                assert!(!proposal.has_key, "{error}\n{}", proposal.text);
                None
            }
        };
        Fed {
            proposal,
            schema,
            rows,
        }
    }

    fn table(lines: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
        let cells = |line: &&str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = lines.iter().map(cells);
        (lines.next().unwrap(), lines.collect())
    }

    #[test]
    fn amounts_and_days_as_digits_are_told_apart() {
        let (header, rows) = table(&[
            "userId|Amount|Signed|Sign-up date",
            "a|1,234.50|20240131|20230101",
            "b|3.5|20231231|20230102",
        ]);
        let fed = feed(&header, &rows);
        for line in [
            "firstSeen = { column = \"Sign-up date\", type = \"date\", format = \"%Y%m%d\" }\n",
            "Amount = { column = \"Amount\", type = \"number\", decimal = \".\", thousands = \",\" }\n",
            "Signed = \"Signed\"   # numbers; if they are days, write Signed = { column = \"Signed\", type = \"date\", format = \"%Y%m%d\" }\n",
        ] {
            assert!(fed.proposal.text.contains(line), "{}", fed.proposal.text);
        }
    }

    #[test]
    fn a_german_table_is_understood() {
        let (header, rows) = table(&[
            "Kundennummer|E-Mail|Vorname|Nachname|Firma|Erstellt am|Sprache|Tags|Umsatz|PLZ|Aktiv|Rabatt|Termin|id",
            "K-1|ann@example.com|Ann|Muster||31.12.2024|de|vip, lead|1.234,56|01067|ja|5|01/02/2025|7",
            "K-2|bob@example.com||Beispiel|B GmbH|01.02.2024|en||7,00|80331|nein||03/04/2025|8",
        ]);
        let fed = feed(&header, &rows);
        insta::assert_snapshot!(fed.proposal.text, @r#"
        # Proposed by `hcsync init` from customers.csv, 2 rows. Uncertain lines are commented out: review it,
        # then run `hcsync check` on the same input. All keys: `hcsync config --example`.

        [input]
        delimiter = ";"

        [fields]
        userId = "Kundennummer"
        email = "E-Mail"
        name = { template = "{{ (row[\"Vorname\"] ~ \" \" ~ row[\"Nachname\"]) | trim }}" }
        company = "Firma"
        firstSeen = { column = "Erstellt am", type = "date", format = "%d.%m.%Y" }
        locale = "Sprache"
        # userId = "id"   # if these are your own ids; for HelpCrunch's ids write `id = …`

        [custom_data]
        # property = column; properties are defined in HelpCrunch under Contacts, Custom attributes
        Umsatz = { column = "Umsatz", type = "number", decimal = ",", thousands = "." }
        PLZ = { column = "PLZ", type = "text" }
        Aktiv = { column = "Aktiv", type = "boolean", true_values = ["ja"], false_values = ["nein"] }
        Rabatt = "Rabatt"
        # Termin = { column = "Termin", type = "date", format = "%d/%m/%Y" }   # day first? every date in the file fits both: keep the right line
        # Termin = { column = "Termin", type = "date", format = "%m/%d/%Y" }   # month first? every date in the file fits both: keep the right line

        [tags]
        column = "Tags"
        separator = ","
        "#);
        let schema = fed.schema.unwrap();
        for row in &fed.rows {
            assert_eq!(schema.map(row).issues, []);
        }
        let name = schema.map(&fed.rows[1]).into_owned().desired.unwrap();
        let name = name.field(Field::Name).unwrap().value().unwrap().clone();
        assert_eq!(name.as_text(), Some("Beispiel"));
        assert!(fed.proposal.open.contains(&"Termin".to_owned()));
    }

    #[test]
    fn without_a_named_key_the_data_is_asked() {
        let (header, rows) = table(&["Who|id", "ann@example.com|1"]);
        assert!(
            feed(&header, &rows)
                .proposal
                .text
                .contains("email = \"Who\"")
        );
        let (header, rows) = table(&["Who|id", "Ann|1"]);
        assert!(
            feed(&header, &rows)
                .proposal
                .text
                .contains("userId = \"id\"")
        );
        let (header, rows) = table(&["Who", "Ann"]);
        let proposal = feed(&header, &rows).proposal;
        assert!(!proposal.has_key && proposal.text.contains("No column can match rows"));
    }

    #[test]
    fn a_field_goes_to_the_column_that_has_its_name() {
        let (header, rows) = table(&["E-mail address|Email|Mail", "a@b.co|c@d.co|e@f.co"]);
        let text = feed(&header, &rows).proposal.text;
        assert!(text.contains("\nemail = \"Email\"\n"), "{text}");
        assert!(text.contains("\n# email = \"E-mail address\""), "{text}");
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,10}|(?s).{0,6}",
            proptest::sample::select(vec![
                "id",
                "User ID",
                "E-mail",
                "email",
                "Name",
                "First name",
                "Last name",
                "Created at",
                "lastSeen",
                "Unsubscribed",
                "Language",
                "Tags",
                "customData.plan",
                "custom.plan",
                "plan",
                "location.city",
                "",
            ])
            .prop_map(str::to_owned),
        ]
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,6}",
            proptest::sample::select(vec![
                "",
                "1",
                "007",
                "1.50",
                "1,5",
                "1,101",
                "1.101",
                "true",
                "yes",
                "no",
                "31.12.2024",
                "01/02/2024",
                "2024-12-31",
                "1603885746",
                "de",
                "ann@example.com",
                "a;b",
                "4 Mar 2024",
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_accepted_whatever_the_columns(
            columns in proptest::collection::vec((name(), proptest::collection::vec(cell(), 3)), 1..6)
        ) {
            let header: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            let rows: Vec<Vec<String>> =
                (0..3).map(|at| columns.iter().map(|(_, cells)| cells[at].clone()).collect()).collect();
            let fed = feed(&header, &rows);
            let Some(schema) = fed.schema else { return Ok(()) };
            for row in &fed.rows {
                for issue in schema.map(row).issues {
                    // What is wrong in the data is the user's to fix, not a wrong guess of a type.
                    let of_data = ["no_key", "bad_email", "damaged", "cell_error", "bad_tags", "bad_user_id"];
                    prop_assert!(of_data.contains(&issue.code.as_str()), "{issue:?}\n{}", fed.proposal.text);
                }
            }
        }
    }
}
