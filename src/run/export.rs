//! Writes customers as rows of a CSV that plans no change when it is synced without a config.
//!
//! To ensure this, each row is read back by the mapping that a sync would use. A cell that would be rejected, or read as
//! something else than the customer has, is left empty: an empty cell changes nothing.

mod cell_text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Cell, Cells, Columns, Field, KeyField, Position, RemoteCustomer, Reported, Row, RowNumber, Tag,
};
use crate::mapping::{AttributeRule, MappingSettings, Schema, SchemaError, decide_types};
use crate::plan::diff::{DiffBaseline, diff};
use crate::plan::{LastWritten, Ownership};
use crate::source::ReadLimits;
use cell_text::{field_text, property_text};

/// HelpCrunch's own id, for people: hcsync never maps a column of that name to a field.
const ID: &str = "id";
const TAGS: &str = "tags";
const SEPARATOR: &str = ";";

/// The columns of the fields, match keys first.
const FIELDS: [Field; Field::ALL.len()] = [
    Field::UserId,
    Field::Email,
    Field::Name,
    Field::Company,
    Field::Phone,
    Field::FirstSeen,
    Field::LastSeen,
    Field::Unsubscribed,
    Field::Blocked,
    Field::Source,
    Field::Referer,
    Field::LastPage,
    Field::Locale,
    Field::Notes,
];

/// What the CSV leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OmittedCells {
    /// The number of cells that were left empty although the customer has a value, by column.
    pub cells: BTreeMap<String, u64>,
    /// Customers with neither userId nor e-mail, whose rows match no customer when they are synced.
    pub without_key: u64,
}

/// Turns customers into rows.
#[derive(Debug)]
pub struct CsvExport {
    columns: Arc<Columns>,
    properties: Vec<String>,
    /// Properties without a column.
    left_out: Vec<String>,
    schema: Schema,
    ownership: Ownership,
    limits: ReadLimits,
    omitted: OmittedCells,
}

impl CsvExport {
    /// `properties`: the names of all custom properties. An empty name, or one that ends with a blank, gets no column,
    /// since blanks around column names are ignored when the CSV is read.
    ///
    /// # Errors
    /// When the mapping rejects the columns, which no property name causes.
    pub fn new(properties: &BTreeSet<String>) -> Result<Self, SchemaError> {
        let all = properties.iter().cloned();
        let (properties, left_out): (Vec<String>, Vec<String>) =
            all.partition(|name| !name.is_empty() && name.trim_end() == name);
        let fields = FIELDS.map(|field| field.name().to_owned());
        let columns = [ID.to_owned()]
            .into_iter()
            .chain(fields)
            .chain([TAGS.to_owned()])
            .chain(properties.iter().map(|name| property_column(name)));
        let columns = Columns::new(columns.collect());
        // The id serves as the key, so that rows without another key are mapped too.
        let fields = FIELDS.map(Field::name).into_iter().chain([ID]);
        let fields = fields.map(|name| (name.to_owned(), AttributeRule::column(name)));
        let settings = MappingSettings {
            fields: Some(fields.collect()),
            ..MappingSettings::default()
        };
        let schema = Schema::new(&settings, &[KeyField::Id], &[&columns])?;
        let ownership = Ownership {
            fields: schema.fields().collect(),
            ..Ownership::default()
        };
        Ok(Self {
            columns: Arc::new(columns),
            properties,
            left_out,
            schema,
            ownership,
            limits: ReadLimits::default(),
            omitted: OmittedCells::default(),
        })
    }

    pub fn header(&self) -> &[String] {
        self.columns.names()
    }

    pub fn omitted(&self) -> &OmittedCells {
        &self.omitted
    }

    /// Returns the customer's row.
    pub fn record(&mut self, customer: &RemoteCustomer) -> Vec<String> {
        let mut row = Row {
            flaws: Vec::new(),
            kinds: Vec::new(),
            position: Position {
                source: 0,
                row: RowNumber(1),
                line: 1,
            },
            cells: Cells::Table {
                columns: Arc::clone(&self.columns),
                texts: self.texts(customer).iter().collect(),
            },
            raw: None,
        };
        // Each round empties a cell or is the last.
        while let Some(column) = self.misread(&row, customer) {
            self.omit(&mut row, &column);
        }
        let Cells::Table { texts, .. } = row.cells else {
            return Vec::new();
        };
        // userId and e-mail follow the id.
        let mut keys = texts.iter().skip(1).take(2);
        self.omitted.without_key += u64::from(keys.all(|key| key.trim().is_empty()));
        texts.iter().map(str::to_owned).collect()
    }

    fn texts(&mut self, customer: &RemoteCustomer) -> Vec<String> {
        let mut texts = vec![customer.id.to_string()];
        texts
            .extend(FIELDS.map(|field| customer.value(field).map_or_else(String::new, field_text)));
        let tags = match &customer.tags {
            Reported::Value(tags) => tags.as_slice(),
            Reported::Missing | Reported::Unreadable => &[],
        };
        texts.push(self.tags_text(tags));
        for name in &self.properties {
            if customer.opaque.contains_key(name) {
                count(&mut self.omitted, &property_column(name));
            }
            let value = customer.property(name);
            texts.push(value.map_or_else(String::new, property_text));
        }
        for name in &self.left_out {
            if customer.property(name).is_some() {
                count(&mut self.omitted, &property_column(name));
            }
        }
        for (column, text) in self.columns.names().iter().zip(&mut texts) {
            // The reader takes a quoted cell with more lines for a missing closing quote.
            let lines = text.bytes().filter(|b| matches!(b, b'\n' | b'\r')).count() as u64;
            if lines >= self.limits.quoted_lines || text.len() >= self.limits.quoted_bytes {
                text.clear();
                count(&mut self.omitted, column);
            }
        }
        texts
    }

    /// Returns tags as one cell: separated names, or a JSON list if a name contains what would split it. Empty if a name has
    /// blanks around it, which would be lost.
    fn tags_text(&mut self, tags: &[Tag]) -> String {
        let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
        if names
            .iter()
            .any(|name| name.trim() != *name || name.is_empty())
        {
            count(&mut self.omitted, TAGS);
            return String::new();
        }
        let needs_list = |name: &&str| {
            name.contains(SEPARATOR)
                || name.starts_with(['[', '{', '(', '"', '\'', '#'])
                || name.ends_with([']', '}'])
        };
        match names.iter().any(needs_list) {
            true => serde_json::Value::from(names).to_string(),
            false => names.join(SEPARATOR),
        }
    }

    /// Returns the first column that would be read as something else than the customer has.
    fn misread(&self, row: &Row, customer: &RemoteCustomer) -> Option<String> {
        let mapped = self.schema.map(row).into_owned();
        let Some(mut desired) = mapped.desired else {
            let is_filled = |column: &String| row.cell(column).is_some_and(is_filled);
            let mut columns = mapped.issues.into_iter().filter_map(|i| i.column);
            return columns.find(is_filled);
        };
        decide_types(&mut desired, |_| None, Some(customer));
        let against = DiffBaseline {
            remote: customer,
            written: &LastWritten::default(),
            ownership: &self.ownership,
        };
        let diff = diff(&desired, against);
        let field = diff.patch.set.first().map(|c| c.field.name().to_owned());
        let property = diff.patch.custom_data.first();
        field
            .or_else(|| property.map(|c| property_column(&c.name)))
            .or_else(|| (!diff.tag.is_empty()).then(|| TAGS.to_owned()))
    }

    fn omit(&mut self, row: &mut Row, column: &str) {
        let at = self.columns.position(column);
        if let (Cells::Table { texts, .. }, Some(at)) = (&mut row.cells, at) {
            let cells = texts.iter().enumerate();
            *texts = cells
                .map(|(index, text)| if index == at { "" } else { text })
                .collect();
            count(&mut self.omitted, column);
        }
    }
}

fn is_filled(cell: Cell<'_>) -> bool {
    matches!(cell, Cell::Text(text) if !text.is_empty())
}

fn count(omitted: &mut OmittedCells, column: &str) {
    *omitted.cells.entry(column.to_owned()).or_default() += 1;
}

fn property_column(name: &str) -> String {
    format!("customData.{name}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::{CustomValue, CustomerId, Number, Value};
    use crate::helpcrunch::decode_customer;
    use crate::source::{Reader, Record, SourceSettings};

    fn customer(json: serde_json::Value) -> RemoteCustomer {
        decode_customer(json.to_string().as_bytes()).unwrap()
    }

    fn names(customers: &[RemoteCustomer]) -> BTreeSet<String> {
        let known = customers.iter().filter_map(|c| c.custom_data.clone().ok());
        known.flat_map(BTreeMap::into_keys).collect()
    }

    fn export(customers: &[RemoteCustomer]) -> (String, OmittedCells) {
        let mut export = CsvExport::new(&names(customers)).unwrap();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(export.header()).unwrap();
        for customer in customers {
            csv.write_record(export.record(customer)).unwrap();
        }
        let text = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        (text, export.omitted().clone())
    }

    /// The rows as a sync without a config reads them.
    fn feed_back(csv: &str) -> Vec<(Row, Schema)> {
        let settings = SourceSettings::default();
        let bytes = std::io::Cursor::new(csv.as_bytes().to_vec());
        let mut reader =
            Reader::from_read(bytes, "export.csv", &settings, 0, RowNumber(1)).unwrap();
        let schema = Schema::new(
            &MappingSettings::default(),
            &[KeyField::UserId, KeyField::Email],
            &[reader.columns()],
        )
        .unwrap();
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            match record {
                Record::Row(row) => rows.push((row, schema.clone())),
                Record::Bad(bad) => panic!("{bad:?}"),
            }
        }
        rows
    }

    fn assert_plans_nothing(customers: &[RemoteCustomer]) {
        let (csv, _) = export(customers);
        let rows = feed_back(&csv);
        assert_eq!(rows.len(), customers.len(), "{csv}");
        for ((row, schema), customer) in rows.iter().zip(customers) {
            let mapped = schema.map(row).into_owned();
            let Some(mut desired) = mapped.desired else {
                assert!(
                    mapped.issues.iter().all(|issue| issue.code == "no_key"),
                    "{:?}",
                    mapped.issues
                );
                continue;
            };
            decide_types(&mut desired, |_| None, Some(customer));
            let ownership = Ownership {
                fields: schema.fields().collect(),
                ..Ownership::default()
            };
            let against = DiffBaseline {
                remote: customer,
                written: &LastWritten::default(),
                ownership: &ownership,
            };
            let diff = diff(&desired, against);
            assert!(diff.operations().is_empty(), "{customer:?}\n{csv}");
            assert!(
                desired
                    .key
                    .user_id
                    .as_deref()
                    .is_none_or(|id| Some(id) == customer.user_id())
            );
        }
    }

    #[test]
    fn a_customer_is_a_row_that_says_it_all() {
        let ann = customer(json!({
            "id": 7, "userId": "u7", "email": "Ann@Example.com", "name": "Ann, \"A\"\nB", "firstSeen": "1603885746",
            "unsubscribed": true, "blocked": false, "tags": [{"name": "vip"}, {"name": "lead"}],
            "customData": {"mrr": 15.0, "share": 0.25, "code": "007", "paid": true, "word": "true", "at": 1603885746,
                "address": {"city": "Kyiv"}},
        }));
        let (csv, omitted) = export(std::slice::from_ref(&ann));
        insta::assert_snapshot!(csv, @r#"
    id,userId,email,name,company,phone,firstSeen,lastSeen,unsubscribed,blocked,source,referer,lastPage,locale,notes,tags,customData.at,customData.code,customData.mrr,customData.paid,customData.share,customData.word
    7,u7,Ann@Example.com,"Ann, ""A""
    B",,,2020-10-28T11:49:06Z,,true,false,,,,,,vip;lead,1603885746,007,15,true,0.25,true
    "#);
        assert_eq!(omitted, OmittedCells::default());
        assert_plans_nothing(&[ann]);
    }

    #[test]
    fn tags_with_separators_or_brackets_come_back_whole() {
        let tags = ["a;b", "[VIP]", "{x}", "it's", "\"q", "#N/A"];
        let tags: Vec<_> = tags.iter().map(|name| json!({"name": name})).collect();
        let ann = customer(json!({"id": 7, "userId": "u7", "tags": tags}));
        let (csv, omitted) = export(std::slice::from_ref(&ann));
        assert_eq!(omitted, OmittedCells::default(), "{csv}");
        for (row, schema) in feed_back(&csv) {
            let desired = schema.map(&row).into_owned().desired.unwrap();
            assert_eq!(desired.tags.add.len(), 6, "{csv}");
        }
        assert_plans_nothing(&[ann]);
    }

    #[test]
    fn what_would_be_read_as_something_else_is_left_empty_and_counted() {
        let odd = customer(json!({
            "id": 7, "userId": " u7", "email": "ann@localhost", "locale": "uk-UA", "phone": "1.2E+11",
            "firstSeen": "99999999999999", "tags": [{"name": " a"}], "notes": "x\n".repeat(2_000),
            "customData": {"plan ": "pro"},
        }));
        let (csv, omitted) = export(std::slice::from_ref(&odd));
        let empty: Vec<&str> = omitted.cells.keys().map(String::as_str).collect();
        let expected = [
            "customData.plan ",
            "email",
            "firstSeen",
            "locale",
            "notes",
            "phone",
            "tags",
            "userId",
        ];
        assert_eq!(empty, expected, "{csv}");
        assert_eq!(omitted.without_key, 1);
        assert_plans_nothing(&[odd]);
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,8}",
            "[ \t\r\n\";,a0-]{0,6}",
            "[\\[\\]{}()\"';,a#]{1,5}",
            "[0-9+.eE-]{1,6}",
            Just("true".to_owned()),
            Just("FALSE".to_owned()),
            Just("2020-09-01 00:40:00".to_owned()),
            Just("\u{feff}=1".to_owned()),
        ]
    }

    fn property() -> impl Strategy<Value = CustomValue> {
        let number = prop_oneof![
            any::<i64>().prop_map(serde_json::Number::from),
            any::<u64>().prop_map(serde_json::Number::from),
            (-1e6..1e6_f64).prop_filter_map("finite", serde_json::Number::from_f64),
            any::<f64>().prop_filter_map("finite", serde_json::Number::from_f64),
            (-50..50_i32).prop_filter_map("finite", |n| serde_json::Number::from_f64(f64::from(n))),
        ];
        prop_oneof![
            text().prop_map(CustomValue::Text),
            number.prop_map(|n| CustomValue::Number(Number::new(n))),
            any::<bool>().prop_map(CustomValue::Bool),
        ]
    }

    prop_compose! {
        fn any_customer()(
            // Ids are positive; the mapping refuses 0 as an id, so that such a row would have no key to check it by.
            id in 1_u64..1_000,
            user_id in proptest::option::of(text()),
            email in proptest::option::of(prop_oneof![text(), "[a-zA-Z]{1,5}@[a-z]{1,5}\\.[a-z]{2,3}"]),
            texts in proptest::collection::vec(proptest::option::of(text()), 8),
            dates in proptest::collection::vec(proptest::option::of(prop_oneof![any::<i64>(), 0..2_000_000_000_i64]), 2),
            flags in proptest::collection::vec(proptest::option::of(any::<bool>()), 2),
            tags in proptest::option::of(proptest::collection::vec(text(), 0..4)),
            properties in proptest::option::of(proptest::collection::btree_map(text(), property(), 0..4)),
        ) -> RemoteCustomer {
            let mut customer = RemoteCustomer::unknown(CustomerId(id));
            let fields = [Field::Name, Field::Company, Field::Phone, Field::Source, Field::Referer, Field::LastPage,
                Field::Locale, Field::Notes];
            customer.set_field(Field::UserId, user_id.map(Value::Text));
            customer.set_field(Field::Email, email.map(Value::Text));
            for (field, text) in fields.into_iter().zip(texts) {
                customer.set_field(field, text.map(Value::Text));
            }
            for (field, date) in [Field::FirstSeen, Field::LastSeen].into_iter().zip(dates) {
                customer.set_field(field, date.map(Value::Date));
            }
            for (field, flag) in [Field::Unsubscribed, Field::Blocked].into_iter().zip(flags) {
                customer.set_field(field, flag.map(Value::Bool));
            }
            if let Some(tags) = tags {
                customer.tags = Reported::Value(tags.into_iter().map(Tag::named).collect());
            }
            if let Some(properties) = properties {
                customer.custom_data = Reported::Value(properties);
            }
            customer
        }
    }

    #[test]
    fn a_property_may_have_the_name_of_an_address() {
        let customer = customer(json!({"id": 1, "userId": "a", "customData": {"a@b.cc": 1}}));
        assert_plans_nothing(&[customer]);
    }

    proptest! {
        #[test]
        fn whatever_customers_hold_fed_back_they_plan_nothing(customers in proptest::collection::vec(any_customer(), 1..4)) {
            assert_plans_nothing(&customers);
        }
    }
}
