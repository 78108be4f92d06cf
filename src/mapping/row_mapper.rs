use std::borrow::Cow;

use super::OnInvalid;
use super::column_binding::ColumnBinding;
use super::identity::customer_id;
use super::inspector::Inspector;
use super::invalid_value::InvalidValue;
use super::mapped_row::{MappedRow, OmittedAttribute};
use super::rule::Rule;
use super::schema::Schema;
use super::source_value::{Scalar, SourceValue};
use crate::domain::{
    Cells, CustomValue, CustomerId, DesiredCustomer, DesiredTags, Field, Issue, KeyField, Row,
    RowKey, Value, Wish,
};

impl Schema {
    /// Returns what a row wants, or everything that is wrong with it. A row that `[rows] where` leaves out is not read further.
    #[must_use]
    pub fn map<'a>(&'a self, row: &'a Row) -> MappedRow<Text<'a>> {
        if let Some(left_out) = self.filtered(row) {
            return left_out;
        }
        let is_used = |issue: &&Issue| {
            let column = issue.column.as_ref();
            column.is_some_and(|column| match row.cells {
                Cells::Table { .. } => !self.unused_columns().contains(column),
                Cells::Object(_) => self.uses_member(column),
            })
        };
        let mut mapper = RowMapper {
            schema: self,
            row,
            issues: row.flaws.iter().filter(is_used).cloned().collect(),
            invalid: Vec::new(),
            inspector: Inspector::new(&self.null_policy, self.repair),
            left_out: Vec::new(),
        };
        let id = mapper.id();
        let fields = mapper.fields();
        let custom_data = mapper.custom_data();
        let tags = mapper.tags();
        let key = RowKey {
            id,
            user_id: text_of(&fields, Field::UserId),
            email: text_of(&fields, Field::Email),
        };
        mapper.check_key(&key);
        if !mapper.issues.is_empty() {
            return MappedRow::rejected(row, key.into_owned(), mapper.issues);
        }
        let desired = DesiredCustomer {
            key,
            fields,
            custom_data,
            tags,
        };
        MappedRow::accepted(desired, mapper.inspector.repairs, mapper.left_out)
    }
}

fn text_of<'a>(fields: &[(Field, Wish<Value<Text<'a>>>)], field: Field) -> Option<Text<'a>> {
    let (_, wish) = fields.iter().find(|(f, _)| *f == field)?;
    match wish.value()? {
        Value::Text(text) => Some(text.clone()),
        Value::Date(_) | Value::Bool(_) => None,
    }
}

/// A text that borrows from the row if it needs no change.
type Text<'a> = Cow<'a, str>;

/// Maps one row. Issues are collected, so that all of them are reported together.
struct RowMapper<'a> {
    schema: &'a Schema,
    row: &'a Row,
    issues: Vec<Issue>,
    /// The attributes with invalid values.
    invalid: Vec<&'a str>,
    inspector: Inspector<'a>,
    /// The attributes that are left out of the row.
    left_out: Vec<OmittedAttribute>,
}

impl<'a> RowMapper<'a> {
    fn id(&mut self) -> Option<CustomerId> {
        let rule = self.schema.id.as_ref()?;
        let wish = self.wish(rule, false, customer_id)?;
        wish.value().copied()
    }

    fn fields(&mut self) -> Vec<(Field, Wish<Value<Text<'a>>>)> {
        let mut fields = Vec::with_capacity(self.schema.fields.len());
        for mapped in &self.schema.fields {
            let wish = self.wish(&mapped.rule, mapped.clearable, |s| mapped.reader.read(s));
            fields.extend(wish.map(|wish| (mapped.field, wish)));
        }
        fields
    }

    fn custom_data(&mut self) -> Vec<(Text<'a>, Wish<CustomValue<Text<'a>>>)> {
        let mut properties = Vec::with_capacity(self.schema.properties.len());
        for mapped in &self.schema.properties {
            let mut is_open = false;
            let wish = self.wish(&mapped.rule, true, |s| {
                is_open = mapped.reader.leaves_type_open(&s);
                mapped.reader.read(s)
            });
            let wish = wish.map(|wish| match wish {
                Wish::Set(cell) if is_open => Wish::Untyped(cell),
                typed => typed,
            });
            properties.extend(wish.map(|wish| (mapped.name.as_str().into(), wish)));
        }
        properties
    }

    /// What the row wants for one attribute, or `None` if the row has no value or an invalid one.
    fn wish<T>(
        &mut self,
        rule: &'a Rule,
        clearable: bool,
        read: impl FnOnce(Scalar<'a>) -> Result<T, InvalidValue>,
    ) -> Option<Wish<T>> {
        let null_policy = &self.schema.null_policy;
        let read = rule
            .value(self.row, &mut self.inspector)
            .and_then(|value| match value {
                SourceValue::Missing => Ok(None),
                SourceValue::Null => Ok(clearable.then_some(Wish::Clear)),
                SourceValue::Empty => Ok((clearable && null_policy.clears).then_some(Wish::Clear)),
                SourceValue::Scalar(scalar) => read(scalar).map(|value| Some(Wish::Set(value))),
                SourceValue::Nested(_) => Err(nested()),
            });
        read.unwrap_or_else(|problem| {
            self.handle_invalid(rule, problem);
            None
        })
    }

    /// Rejects the row because of an invalid value, or leaves the attribute out of it.
    fn handle_invalid(&mut self, rule: &'a Rule, problem: InvalidValue) {
        let attribute = &rule.attribute;
        // Without its damaged key the row would match a different customer or create one.
        let is_key = KEY_FIELDS.iter().any(|field| field.name() == attribute);
        let may_be_left_out = !(is_key && problem.code == "damaged");
        let issue = rule.issue(self.row, problem);
        if rule.on_invalid == OnInvalid::Skip && may_be_left_out {
            let attribute = attribute.clone();
            self.left_out.push(OmittedAttribute { attribute, issue });
        } else {
            self.issues.push(issue);
            self.invalid.push(attribute);
        }
    }

    fn tags(&mut self) -> DesiredTags<Text<'a>> {
        let Some(rule) = &self.schema.tags else {
            return DesiredTags::default();
        };
        let wanted = rule.wanted(self.row, &mut self.inspector);
        let wanted = self.tag_cell(rule.column.as_ref(), wanted).flatten();
        let unwanted = rule.unwanted(self.row, &mut self.inspector);
        let unwanted = self.tag_cell(rule.remove_column.as_ref(), unwanted);
        rule.desired(wanted, unwanted.unwrap_or_default())
    }

    fn tag_cell<T>(
        &mut self,
        binding: Option<&ColumnBinding>,
        read: Result<T, InvalidValue>,
    ) -> Option<T> {
        read.map_err(|problem| {
            self.issues.push(
                problem.into_issue("tags", binding.map(|binding| binding.name_for(self.row))),
            );
        })
        .ok()
    }

    /// A row without any valid key is rejected because of the invalid keys that were left out.
    fn reject_for_omitted_keys(&mut self) {
        let schema = self.schema;
        for rule in schema.keys().iter().filter_map(|&key| schema.key_rule(key)) {
            let is_omitted = |omitted: &OmittedAttribute| omitted.attribute == rule.attribute;
            if let Some(at) = self.left_out.iter().position(is_omitted) {
                self.issues.push(self.left_out.remove(at).issue);
                self.invalid.push(&rule.attribute);
            }
        }
    }

    /// Reports a row without a match key, unless its key was already reported as invalid.
    fn check_key(&mut self, key: &RowKey<Text<'a>>) {
        let has = |field: &KeyField| match field {
            KeyField::Id => key.id.is_some(),
            KeyField::UserId => key.user_id.is_some(),
            KeyField::Email => key.email.is_some(),
        };
        let keys = self.schema.keys();
        if keys.iter().any(has) {
            return;
        }
        self.reject_for_omitted_keys();
        let rules: Vec<&Rule> = keys
            .iter()
            .filter_map(|&key| self.schema.key_rule(key))
            .collect();
        if rules
            .iter()
            .any(|rule| self.invalid.contains(&rule.attribute.as_str()))
        {
            return;
        }
        self.issues.push(no_key(&rules, self.row));
    }
}

/// The fields by which a customer is found.
const KEY_FIELDS: [Field; 2] = [Field::UserId, Field::Email];

fn no_key(rules: &[&Rule], row: &Row) -> Issue {
    let quoted = |names: Vec<&str>| {
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let names = quoted(rules.iter().map(|rule| rule.attribute.as_str()).collect());
    let columns = quoted(rules.iter().flat_map(|rule| rule.columns()).collect());
    let message = format!("no match key: the row has no {names} (columns {columns})");
    let mut issue = Issue::matching("no_key", message)
        .hint("fill one of these columns: a row is matched to its customer by it");
    issue.column = rules
        .first()
        .and_then(|rule| rule.column(row))
        .map(str::to_owned);
    issue
}

fn nested() -> InvalidValue {
    InvalidValue::new("nested", "is a list or an object instead of a single value")
        .advice("name the member that holds the value, as `object.member`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{KEYS, columns, settings};
    use super::super::fixture::{
        issues, object, schema, table, table_of, wanted, wanted_of_object,
    };
    use super::*;
    use crate::domain::{IssueKind, Repairs, without_cells};

    fn field(customer: &DesiredCustomer, field: Field) -> Option<String> {
        customer.field(field).map(|wish| match wish {
            Wish::Set(value) | Wish::Untyped(value) => value.to_string(),
            Wish::Clear => "(clear)".to_owned(),
        })
    }

    const CLEAR: &str = "[rows]\nempty_cells = \"clear\"\n";

    #[test]
    fn a_plain_row_is_mapped() {
        let customer = wanted(
            "",
            &[
                ("userId", " u1 "),
                ("email", " Ann@Example.com "),
                ("Name", " Ann  Lee "),
                ("first seen", "2020-09-01T12:00:00Z"),
                ("blocked", "yes"),
                ("locale", "uk-UA"),
                ("custom.n", "15"),
                ("custom.t", "007"),
                ("tags", "vip; lead;vip;; "),
            ],
        );
        assert_eq!(customer.key.user_id.as_deref(), Some("u1"));
        assert_eq!(customer.key.email.as_deref(), Some("Ann@Example.com"));
        assert_eq!(
            field(&customer, Field::Email).as_deref(),
            Some("Ann@Example.com")
        );
        assert_eq!(field(&customer, Field::Name).as_deref(), Some(" Ann  Lee "));
        assert_eq!(
            customer.field(Field::FirstSeen),
            Some(&Wish::Set(Value::Date(1_598_961_600)))
        );
        assert_eq!(
            customer.field(Field::Blocked),
            Some(&Wish::Set(Value::Bool(true)))
        );
        assert_eq!(field(&customer, Field::Locale).as_deref(), Some("uk"));
        let open = |text: &str| Wish::Untyped(CustomValue::Text(text.into()));
        let expected = [("n".into(), open("15")), ("t".into(), open("007"))];
        assert_eq!(customer.custom_data, expected);
        let tags: Vec<_> = customer
            .tags
            .add
            .iter()
            .map(|tag| tag.name.as_str())
            .collect();
        assert_eq!(tags, ["vip", "lead"]);
        assert!(customer.tags.is_full_list);
    }

    #[test]
    fn an_empty_cell_says_nothing_or_clears() {
        let cells = [
            ("userId", "u1"),
            ("email", ""),
            ("name", " "),
            ("custom.p", ""),
            ("blocked", ""),
        ];
        let keep = wanted("", &cells);
        assert_eq!(keep.fields.len(), 1);
        assert_eq!(keep.custom_data, []);
        let clear = wanted(CLEAR, &cells);
        assert_eq!(clear.field(Field::Name), Some(&Wish::Clear));
        assert_eq!(clear.custom_data, [("p".into(), Wish::Clear)]);
        // A match key and a one-way field are never cleared.
        assert_eq!(clear.field(Field::Email), None);
        assert_eq!(clear.field(Field::Blocked), None);
    }

    #[test]
    fn null_values_are_empty_cells() {
        let config = format!("{CLEAR}[input]\nnull_values = [\"NULL\"]");
        let customer = wanted(
            &config,
            &[("email", "a@b.c"), ("userId", "NULL"), ("name", " NULL ")],
        );
        assert_eq!(customer.key.user_id, None);
        assert_eq!(customer.field(Field::Name), Some(&Wish::Clear));
    }

    #[test]
    fn json_null_clears_and_a_missing_member_says_nothing() {
        let names = [
            "userId",
            "email",
            "name",
            "company",
            "customData.p",
            "unsubscribed",
            "tags",
        ];
        let json = r#"{"userId":7,"email":null,"name":null,"customData":{"p":null},"unsubscribed":null,"tags":null}"#;
        let customer = wanted_of_object("", &names, json);
        assert_eq!(customer.key.user_id.as_deref(), Some("7"));
        assert_eq!(customer.key.email, None);
        let expected = [
            (Field::Name, Wish::Clear),
            (Field::UserId, Wish::Set(Value::Text("7".into()))),
        ];
        assert_eq!(customer.fields, expected);
        assert_eq!(customer.custom_data, [("p".into(), Wish::Clear)]);
        assert!(customer.tags.is_full_list && customer.tags.add.is_empty());
    }

    #[test]
    fn a_field_that_is_no_match_key_can_be_cleared() {
        let columns = columns(&["userId", "email"]);
        let schema = Schema::new(&settings(CLEAR), &[KeyField::UserId], &[&columns]).unwrap();
        let mapped = schema
            .map(&table(&[("userId", "u1"), ("email", "")]))
            .into_owned();
        assert_eq!(
            mapped.desired.unwrap().field(Field::Email),
            Some(&Wish::Clear)
        );
    }

    #[test]
    fn all_that_is_wrong_with_a_row_is_reported_without_its_values() {
        let cells = [
            ("email", "secret-not-mail"),
            ("userId", "9.87E+15"),
            ("firstSeen", "03/04/2024"),
            ("blocked", "maybe"),
            ("locale", "elvish"),
        ];
        let found = issues("", &cells);
        let found: Vec<_> = found
            .iter()
            .map(|(c, col)| (c.as_str(), col.as_deref().unwrap()))
            .collect();
        let expected = [
            ("bad_email", "email"),
            ("damaged", "userId"),
            ("ambiguous_date", "firstSeen"),
            ("bad_boolean", "blocked"),
            ("bad_locale", "locale"),
        ];
        assert_eq!(found, expected);
        let names: Vec<_> = cells.iter().map(|(name, _)| *name).collect();
        let mapped = schema("", &names).unwrap().map(&table(&cells)).into_owned();
        for issue in &mapped.issues {
            assert_eq!(issue.kind, IssueKind::Input);
            let text = format!("{issue:?}");
            assert!(
                cells
                    .iter()
                    .all(|(_, value)| !without_cells(&text).contains(value)),
                "{text}"
            );
            assert!(issue.hint.is_some(), "{text}");
        }
        assert!(
            mapped
                .cells
                .iter()
                .any(|c| c.column == "blocked" && c.text == "maybe")
        );
    }

    const FIX: &str = "[input]\nrepair = \"fix\"\n";

    #[test]
    fn a_damaged_identifier_is_reported_with_its_cell() {
        for (column, cell, shown) in [
            (
                "userId",
                "101.0",
                "“101.0” is a whole number with decimals; `repair = \"fix\"` turns it into “101”",
            ),
            ("userId", "1e5", "“1e5” is a number with an exponent"),
            ("userId", "u\u{200b}1", "“u\\u{200b}1” contains"),
            ("userId", "NULL", "“NULL” is a placeholder for no value"),
            (
                "email",
                "'ann@example.com",
                "turns it into “ann@example.com”",
            ),
            (
                "email",
                "ann\u{a0}lee@example.com",
                "“ann\\u{a0}lee@example.com” contains a no-break space",
            ),
            (
                "phone",
                "=\"+380501234569\"",
                "turns it into “+380501234569”",
            ),
            ("phone", "#N/A", "“#N/A” is a spreadsheet error"),
        ] {
            let cells = [("userId", "u1"), ("name", "n")];
            let mut cells: Vec<_> = cells
                .into_iter()
                .filter(|(name, _)| *name != column)
                .collect();
            cells.push((column, cell));
            let names: Vec<_> = cells.iter().map(|(name, _)| *name).collect();
            let mapped = schema("", &names).unwrap().map(&table(&cells)).into_owned();
            let [issue] = mapped.issues.as_slice() else {
                panic!("{cell}: {:?}", mapped.issues)
            };
            assert_eq!(
                (issue.code.as_str(), issue.column.as_deref()),
                ("damaged", Some(column))
            );
            assert!(issue.message.contains(shown), "{}", issue.message);
            assert!(issue.hint.is_some());
        }
    }

    #[test]
    fn what_has_one_meaning_is_fixed_and_counted() {
        let cells = [
            ("userId", "'101.0"),
            ("email", "ann@example.com\u{feff}"),
            ("phone", "N/A"),
            ("name", "'Ann"),
        ];
        let names: Vec<_> = cells.iter().map(|(name, _)| *name).collect();
        let mapped = schema(FIX, &names)
            .unwrap()
            .map(&table(&cells))
            .into_owned();
        let customer = mapped.desired.unwrap();
        assert_eq!(customer.key.user_id.as_deref(), Some("101"));
        assert_eq!(customer.key.email.as_deref(), Some("ann@example.com"));
        assert_eq!(customer.field(Field::Phone), None);
        assert_eq!(field(&customer, Field::Name).as_deref(), Some("'Ann"));
        let expected = Repairs {
            decimals: 1,
            guards: 1,
            invisible: 1,
            placeholders: 1,
        };
        assert_eq!(mapped.repairs, expected);
        // What was lost is not put right, and a row without a value for a key has none.
        for cell in ["1.23E+11", "#REF!", "123000000000.0"] {
            let found = issues(FIX, &[("userId", cell)]);
            assert_eq!(found, [("damaged".into(), Some("userId".into()))], "{cell}");
        }
        assert_eq!(issues(FIX, &[("userId", "nan")])[0].0, "no_key");
    }

    #[test]
    fn numbers_of_json_are_identifiers_as_they_were_read() {
        let map = |config: &str, json: &str| {
            let names = ["userId", "phone"];
            schema(config, &names)
                .unwrap()
                .map(&object(json))
                .into_owned()
        };
        let float = r#"{"userId":101.0,"phone":380501234567.0}"#;
        let codes: Vec<_> = map("", float)
            .issues
            .into_iter()
            .map(|issue| issue.code)
            .collect();
        assert_eq!(codes, ["damaged", "damaged"]);
        let customer = map(FIX, float).desired.unwrap();
        assert_eq!(customer.key.user_id.as_deref(), Some("101"));
        assert_eq!(
            field(&customer, Field::Phone).as_deref(),
            Some("380501234567")
        );
        assert_eq!(map(FIX, r#"{"userId":101.5}"#).issues[0].code, "damaged");
        assert!(map("", r#"{"userId":101}"#).issues.is_empty());
    }

    #[test]
    fn what_the_config_names_is_no_damage() {
        let nulls = "[input]\nnull_values = [\"-\", \"#N/A\"]\n";
        assert_eq!(
            wanted(
                nulls,
                &[("email", "a@b.c"), ("userId", "-"), ("name", "#N/A")]
            )
            .key
            .user_id,
            None
        );
        let map = "[fields]\nuserId = { column = \"u\", map = { \"1.0\" = \"1.0\" } }\nname = { column = \"n\", map = { \"#N/A\" = \"none\" } }";
        let customer = wanted(map, &[("u", "1.0"), ("n", "#N/A")]);
        assert_eq!(customer.key.user_id.as_deref(), Some("1.0"));
        assert_eq!(field(&customer, Field::Name).as_deref(), Some("none"));
        assert_eq!(issues(map, &[("u", "2.0"), ("n", "")])[0].0, "damaged");
    }

    #[test]
    fn parts_of_a_key_and_what_a_template_makes_of_them_are_looked_at() {
        let config = "[fields]\nuserId = { template = \"{{ shop }}-{{ n }}\" }\n";
        let of = |config: &str, n: &str| issues(config, &[("shop", "a"), ("n", n)]);
        assert_eq!(of(config, "7"), []);
        for damaged in ["7.0", "'7", "NULL", "1.23E+11", "7\u{200b}"] {
            assert_eq!(of(config, damaged)[0].0, "damaged", "{damaged}");
        }
        let fix = format!("{config}{FIX}");
        let customer = wanted(&fix, &[("shop", "a\u{feff}"), ("n", "7.0")]);
        assert_eq!(customer.key.user_id.as_deref(), Some("a-7"));
        assert_eq!(
            of(&fix, "NULL")[0].0,
            "damaged",
            "`a-` is another customer's"
        );
        let decimals = "[fields]\nuserId = { template = \"{{ n }}.0\" }\n";
        assert_eq!(of(decimals, "7")[0].0, "damaged");
        assert_eq!(
            of(
                "[fields]\nuserId = \"shop\"\nname = { template = \"{{ n }}\" }",
                "#N/A"
            )[0]
            .0,
            "cell_error"
        );
    }

    #[test]
    fn an_error_of_a_spreadsheet_is_no_value_of_anything() {
        let cells = [
            ("userId", "u1"),
            ("name", " #REF! "),
            ("firstSeen", "#N/A"),
            ("custom.p", "#div/0!"),
            ("tags", "#NAME?"),
            ("other", "#N/A"),
        ];
        let found = issues("", &cells);
        let expected = ["name", "firstSeen", "custom.p", "tags"];
        let expected = expected.map(|column| ("cell_error".to_owned(), Some(column.to_owned())));
        assert_eq!(found, expected);
        assert_eq!(
            issues("", &[("userId", "u1"), ("name", "#1"), ("tags", "#vip")]),
            []
        );
    }

    #[test]
    fn a_phone_of_a_region_is_parsed_whatever_cannot_be_seen_in_it() {
        let config = "[fields]\nuserId = \"u\"\nphone = { column = \"p\", region = \"UA\" }\n";
        let of = |phone: &str| issues(config, &[("u", "u1"), ("p", phone)]);
        for damaged in ["3.8E+11", "380501234567.0", "'+380501234567", "#N/A", "-"] {
            assert_eq!(
                of(damaged),
                [("damaged".into(), Some("p".into()))],
                "{damaged}"
            );
        }
        assert_eq!(of("050 123 45 67"), []);
    }

    #[test]
    fn the_rest_of_a_rejected_rows_key_is_kept() {
        let cells = [("email", "ann"), ("userId", "u1")];
        let mapped = schema("", &["email", "userId"])
            .unwrap()
            .map(&table(&cells))
            .into_owned();
        assert_eq!(mapped.rejected_key.user_id.as_deref(), Some("u1"));
        assert_eq!(mapped.rejected_key.email, None);
    }

    #[test]
    fn a_row_without_a_key_is_no_match() {
        let mapped = schema("", &["email", "userId", "name"]).unwrap();
        let mapped = mapped
            .map(&table(&[("email", " "), ("userId", ""), ("name", "Ann")]))
            .into_owned();
        let [issue] = mapped.issues.as_slice() else {
            panic!()
        };
        assert_eq!(
            (issue.kind, issue.code.as_str()),
            (IssueKind::Match, "no_key")
        );
        assert!(
            issue.message.contains("`userId`, `email`"),
            "{}",
            issue.message
        );
        // A key that is there and bad is reported as bad, not as missing.
        assert_eq!(
            issues("", &[("email", "ann")]),
            [("bad_email".into(), Some("email".into()))]
        );
    }

    #[test]
    fn a_value_that_does_not_fit_may_be_left_out() {
        let config = r#"
            [fields]
            userId = { column = "u", on_invalid = "skip" }
            email = { column = "e", on_invalid = "skip" }
            locale = { column = "l", on_invalid = "skip" }
            [custom_data]
            n = { column = "n", type = "number", on_invalid = "skip" }
        "#;
        let map = |cells: &[(&str, &str)]| {
            let names: Vec<_> = cells.iter().map(|(name, _)| *name).collect();
            schema(config, &names)
                .unwrap()
                .map(&table(cells))
                .into_owned()
        };
        let left = |mapped: &MappedRow| {
            let names = mapped.left_out.iter().map(|left| left.attribute.clone());
            names.collect::<Vec<_>>()
        };
        let mapped = map(&[("u", "u1"), ("e", "ann"), ("l", "klingon"), ("n", "many")]);
        assert_eq!(left(&mapped), ["email", "locale", "customData.n"]);
        let desired = mapped.desired.unwrap();
        assert_eq!(desired.fields.len(), 1);
        assert_eq!(desired.custom_data, []);
        // Without a key that can be read there is no customer, and with a damaged one it would be another.
        let codes = |mapped: &MappedRow| {
            let codes = mapped.issues.iter().map(|issue| issue.code.clone());
            codes.collect::<Vec<_>>()
        };
        let mapped = map(&[("u", ""), ("e", "ann"), ("l", "klingon"), ("n", "1")]);
        assert_eq!(codes(&mapped), ["bad_email"]);
        let mapped = map(&[("u", "9.87E+15"), ("e", "a@b.co"), ("l", "uk"), ("n", "1")]);
        assert_eq!(codes(&mapped).len(), 1);
        assert!(
            schema(
                "[fields]\nid = { column = \"i\", on_invalid = \"skip\" }",
                &["i"]
            )
            .is_err()
        );
    }

    #[test]
    fn several_inputs_name_their_own_columns() {
        let (one, other) = (columns(&["email", "name"]), columns(&["E-mail"]));
        let schema = Schema::new(&settings(CLEAR), &KEYS, &[&one, &other]).unwrap();
        let good = schema
            .map(&table_of(1, &[("E-mail", "a@b.c")]))
            .into_owned()
            .desired
            .unwrap();
        assert_eq!(
            good.fields.len(),
            1,
            "a column that an input lacks says nothing"
        );
        let bad = schema.map(&table_of(1, &[("E-mail", "a")])).into_owned();
        assert_eq!(bad.issues[0].column.as_deref(), Some("E-mail"));
        assert_eq!(bad.cells.len(), 1);
    }

    #[test]
    fn values_are_translated_before_they_are_typed() {
        let config = r#"
            [fields]
            email = { column = "e", case = "lower" }
            locale = { column = "l", map = { Ukrainian = "uk", English = "en" }, default = "en" }
            company = { template = "{{ org }} ({{ c }})" }
            [custom_data]
            vip = { column = "v", map = { X = "true" } }
        "#;
        let cells = [
            ("e", "Ann@B.C"),
            ("l", "Martian"),
            ("org", "A"),
            ("c", "UA"),
            ("v", "X"),
        ];
        let customer = wanted(config, &cells);
        assert_eq!(field(&customer, Field::Email).as_deref(), Some("ann@b.c"));
        assert_eq!(field(&customer, Field::Locale).as_deref(), Some("en"));
        assert_eq!(field(&customer, Field::Company).as_deref(), Some("A (UA)"));
        assert_eq!(
            customer.custom_data,
            [(
                "vip".into(),
                Wish::Untyped(CustomValue::Text("true".into()))
            )]
        );
        let cells = [("e", "a@b.c"), ("l", ""), ("org", ""), ("c", ""), ("v", "")];
        assert_eq!(wanted(config, &cells).fields.len(), 1);
    }

    #[test]
    fn lists_and_objects_are_no_values() {
        let names = ["email", "name", "customData.p"];
        let json = r#"{"email":"a@b.c","name":["x"],"customData":{"p":{"q":1}}}"#;
        let mapped = schema("", &names).unwrap().map(&object(json)).into_owned();
        let codes: Vec<_> = mapped.issues.iter().map(|i| i.code.as_str()).collect();
        assert_eq!(codes, ["nested", "nested"]);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
                prop::collection::btree_map("name|color|[a-z]", inner, 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    const ALL: [&str; 17] = [
        "name",
        "email",
        "userId",
        "company",
        "phone",
        "firstSeen",
        "lastSeen",
        "unsubscribed",
        "blocked",
        "source",
        "referer",
        "lastPage",
        "locale",
        "notes",
        "customData.a",
        "customData.b",
        "tags",
    ];

    fn sound(mapped: &MappedRow) -> bool {
        let empty = |text: Option<&str>| text == Some("");
        match &mapped.desired {
            None => !mapped.issues.is_empty(),
            Some(customer) => {
                let values = customer.fields.iter().filter_map(|(_, wish)| wish.value());
                mapped.issues.is_empty()
                    && (customer.key.user_id.is_some() || customer.key.email.is_some())
                    && !values.into_iter().any(|value| empty(value.as_text()))
            }
        }
    }

    proptest! {
        #[test]
        fn any_table_is_mapped_or_has_an_issue(texts in prop::collection::vec(any::<String>(), ALL.len())) {
            let cells: Vec<_> = ALL.into_iter().zip(texts.iter().map(String::as_str)).collect();
            prop_assert!(sound(&schema(CLEAR, &ALL).unwrap().map(&table(&cells)).into_owned()));
        }

        #[test]
        fn any_object_is_mapped_or_has_an_issue(values in prop::collection::vec(json(), ALL.len())) {
            let members = ALL.into_iter().map(str::to_owned).zip(values);
            let text = serde_json::to_string(&members.collect::<serde_json::Map<_, _>>()).unwrap();
            prop_assert!(sound(&schema("", &ALL).unwrap().map(&object(&text)).into_owned()));
        }
    }
}
