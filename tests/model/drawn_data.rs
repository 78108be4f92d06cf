//! Rows and customers of a drawn case: few values, so that duplicates, conflicts and ambiguities are frequent.

use serde_json::{Map, Value, json};

use super::customer::{DATE_FIELDS, FLAG_FIELDS};
use super::generator::{Draw, FIELD_COLUMNS, NO_VALUE};
use super::input::{Cell, FileFormat, Input, Row};
use super::setup::{Origin, Part, Rule, Setup};

const USER_IDS: [&str; 5] = ["u1", "u2", "u3", "u4", "7"];
const EMAILS: [&str; 7] = [
    "a@example.org",
    "A@Example.org",
    "b@example.org",
    "B@EXAMPLE.ORG",
    "c@example.org",
    "d@example.org",
    "e@example.org",
];

/// Cells that a spreadsheet or a script damaged, each with its attribute and what it was, where that can be told. An empty
/// text: there was no value.
pub(crate) const DAMAGED: [(&str, &str, Option<&str>); 16] = [
    ("userId", "'u1", Some("u1")),
    ("userId", "u2\u{200b}", Some("u2")),
    ("userId", "=\"u3\"", Some("u3")),
    ("userId", "7.0", Some("7")),
    ("userId", "'7.00", Some("7")),
    ("userId", "1.23E+11", None),
    ("userId", "#REF!", None),
    ("userId", NO_VALUE, Some("")),
    ("email", "'a@example.org", Some("a@example.org")),
    ("email", "B\u{feff}@EXAMPLE.ORG", Some("B@EXAMPLE.ORG")),
    ("email", NO_VALUE, Some("")),
    ("id", "2.0", Some("2")),
    ("id", NO_VALUE, Some("")),
    ("phone", "'+380440000002", Some("+380440000002")),
    ("phone", "#N/A", None),
    ("phone", NO_VALUE, Some("")),
];

const TAGS: [&str; 6] = ["vip", "VIP", "plan:a", "plan:b", "trial", "lead"];

impl Draw {
    pub(crate) fn input(&mut self, setup: &Setup, format: FileFormat) -> Input {
        let count = self.rng.usize(1..=6);
        let rules = setup.fields.iter().chain(&setup.custom_data);
        let named = rules.flat_map(Rule::columns).map(str::to_owned);
        let mut columns: Vec<String> = named.collect();
        let tags = setup.tags.iter();
        let tag_columns = tags.flat_map(|tags| tags.column.iter().chain(&tags.remove_column));
        columns.extend(tag_columns.cloned());
        let mut rows: Vec<Row> = (0..count).map(|_| self.row(setup, format)).collect();
        // A column that is mapped and in no row is taken for a mistyped name.
        for column in &columns {
            if !rows.iter().any(|row| row.contains_key(column)) {
                rows[0].insert(column.clone(), Cell::Text(""));
            }
        }
        if self.chance(20) {
            columns.push("unused".to_owned());
        }
        Input {
            format,
            columns,
            rows,
        }
    }

    fn row(&mut self, setup: &Setup, format: FileFormat) -> Row {
        let mut row = Row::new();
        for rule in setup.fields.iter().chain(&setup.custom_data) {
            match &rule.origin {
                Origin::Column(column) => {
                    let dense = ["userId", "email", "id"].contains(&rule.attribute.as_str());
                    let cell = self.typed(rule, format);
                    let cell = self.damaged(rule, cell);
                    self.put(&mut row, column, cell, format, dense);
                }
                Origin::Template(parts) => {
                    for part in parts {
                        if let Part::Column(column) = part {
                            let cell = Cell::Text(self.pick(&["Acme", "Bee", "UA"]));
                            self.put(&mut row, column, cell, format, false);
                        }
                    }
                }
            }
        }
        if let Some(tags) = &setup.tags {
            for column in tags.column.iter().chain(&tags.remove_column) {
                let cell = self.tag_cell(tags.separator, format);
                self.put(&mut row, column, cell, format, false);
            }
        }
        row
    }

    /// Puts the cell, or one of the ways in which a cell says nothing.
    fn put(&mut self, row: &mut Row, column: &str, cell: Cell, format: FileFormat, dense: bool) {
        let say = if dense { 85 } else { 60 };
        let cell = match self.rng.u32(0..100) {
            n if n < say => cell,
            n if n < say + 5 => Cell::Text(NO_VALUE),
            _ if format == FileFormat::Csv => Cell::Text(""),
            _ => match self.rng.u32(0..3) {
                0 => return,
                1 => Cell::Null,
                _ => Cell::Text(""),
            },
        };
        let cell = match cell {
            // What blanks mean around a damaged cell is not the model's to say.
            Cell::Text(text)
                if format == FileFormat::Csv
                    && DAMAGED.iter().all(|(_, cell, _)| *cell != text)
                    && self.flaws.u32(0..100) < 15 =>
            {
                Cell::Text(self.padded(text))
            }
            cell => cell,
        };
        row.insert(column.to_owned(), cell);
    }

    /// The text with outer blanks of some kind.
    fn padded(&mut self, text: &str) -> &'static str {
        let blanks = [(" ", ""), ("", " "), ("\t", "  "), ("", "\u{a0}")];
        let (before, after) = blanks[self.flaws.usize(..blanks.len())];
        format!("{before}{text}{after}").leak()
    }

    /// The cell, or in its place one that was damaged.
    fn damaged(&mut self, rule: &Rule, cell: Cell) -> Cell {
        let damaged = DAMAGED.iter().filter(|(name, ..)| *name == rule.attribute);
        let cells: Vec<&'static str> = damaged.map(|(_, cell, _)| *cell).collect();
        match self.flaws.u32(0..100) {
            0..12 if !cells.is_empty() => Cell::Text(cells[self.flaws.usize(..cells.len())]),
            _ => cell,
        }
    }

    fn typed(&mut self, rule: &Rule, format: FileFormat) -> Cell {
        let json = format == FileFormat::Jsonl;
        let bad = self.chance(2);
        match rule.attribute.as_str() {
            "id" if bad => Cell::Text("someone"),
            "id" => {
                let id = self.rng.usize(1..=5);
                if json && self.chance(50) {
                    Cell::Whole(i64::try_from(id).unwrap())
                } else {
                    Cell::Text(["1", "2", "3", "4", "5"][id - 1])
                }
            }
            "userId" if json && self.chance(10) => Cell::Whole(7),
            "userId" => Cell::Text(self.pick(&USER_IDS)),
            "email" if bad => Cell::Text("nobody"),
            "email" => Cell::Text(self.pick(&EMAILS)),
            "locale" if bad => Cell::Text("Klingon"),
            "locale" if rule.map.is_empty() => Cell::Text(self.pick(&["uk", "en", "de"])),
            "locale" => Cell::Text(self.pick(&["Ukrainian", "English", "de", "Klingon"])),
            name if FLAG_FIELDS.contains(&name) => self.flag(json, bad),
            name if DATE_FIELDS.contains(&name) => self.date(rule, json, bad),
            "plan" => self.auto(json),
            "mrr" if bad => Cell::Text("many"),
            "mrr" if json && self.chance(50) => Cell::Whole(15),
            "mrr" => Cell::Text(self.pick(&["15", "15.0", "20", "15.5"])),
            "is annual" => self.flag(json, bad),
            "due" => self.date(rule, json, bad),
            "code" if rule.map.is_empty() && json && self.chance(30) => Cell::Whole(15),
            "code" => Cell::Text(self.pick(&["x", "y", "z"])),
            "phone" if json && self.chance(20) => Cell::Whole(380_440_000_001),
            "phone" => Cell::Text(self.pick(&["+380 44 000 00 01", "+380440000002"])),
            _ => Cell::Text(self.pick(&["Ann", "Bob"])),
        }
    }

    fn flag(&mut self, json: bool, bad: bool) -> Cell {
        match (bad, json && self.chance(50)) {
            (true, _) => Cell::Text("maybe"),
            (false, true) => Cell::Flag(self.rng.bool()),
            (false, false) => Cell::Text(self.pick(&["true", "false"])),
        }
    }

    fn date(&mut self, rule: &Rule, json: bool, bad: bool) -> Cell {
        match rule.format {
            _ if bad => Cell::Text("soon"),
            Some(_) if rule.timezone.is_some() => {
                Cell::Text(self.pick(&["29.02.2024", "01.07.2024"]))
            }
            Some(_) => Cell::Text("29.02.2024"),
            None if json && self.chance(30) => Cell::Whole(1_603_885_746),
            None => Cell::Text(self.pick(&[
                "2024-02-29",
                "2020-10-28T11:38:26Z",
                "2021-03-04T05:06:07+02:00",
                "1603885746",
            ])),
        }
    }

    fn auto(&mut self, json: bool) -> Cell {
        if json && self.chance(50) {
            return match self.rng.u32(0..3) {
                0 => Cell::Whole(15),
                1 => Cell::Flag(self.rng.bool()),
                _ => Cell::Text("15"),
            };
        }
        Cell::Text(self.pick(&[
            "pro",
            "free",
            "15",
            "15.0",
            "015",
            "1e3",
            "0.5",
            "true",
            "True",
            "FALSE",
            "yes",
            "1",
            "1.50",
            "-3",
            "1234567890123456",
        ]))
    }

    fn tag_cell(&mut self, separator: &str, format: FileFormat) -> Cell {
        if format == FileFormat::Jsonl && self.chance(60) {
            return Cell::Texts(self.some(&TAGS, 30));
        }
        Cell::Text(match separator {
            ";" => self.pick(&["vip", "vip;lead", "plan:a; trial", "VIP;;vip", "lead;lead"]),
            _ => self.pick(&["vip", "vip|lead", "plan:a| trial", "VIP||vip", "lead|lead"]),
        })
    }

    pub(crate) fn customers(&mut self) -> Vec<Value> {
        let count = self.rng.u64(0..=5);
        let mut ids: Vec<u64> = (1..=5).collect();
        self.rng.shuffle(&mut ids);
        ids.truncate(usize::try_from(count).unwrap());
        ids.into_iter().map(|id| self.customer(id)).collect()
    }

    fn customer(&mut self, id: u64) -> Value {
        let mut customer = Map::new();
        customer.insert("id".into(), id.into());
        if self.chance(70) {
            customer.insert("userId".into(), self.pick(&USER_IDS).into());
        }
        if self.chance(80) {
            customer.insert("email".into(), self.pick(&EMAILS).into());
        }
        for (field, _) in FIELD_COLUMNS.into_iter().chain([("company", "")]) {
            if self.chance(40) {
                let value = match field {
                    "locale" => json!(self.pick(&["uk", "en", "de"])),
                    "phone" => json!(self.pick(&["+380 44 000 00 01", "+1", ""])),
                    name if FLAG_FIELDS.contains(&name) => json!(self.rng.bool()),
                    name if DATE_FIELDS.contains(&name) => {
                        json!(self.pick(&["1709164800", "1603885746", "1"]))
                    }
                    _ => json!(self.pick(&["Ann", "Bob", "ANN", "Acme (UA)", ""])),
                };
                customer.insert(field.into(), value);
            }
        }
        let tags = self.some(&TAGS, 30);
        let tags: Vec<Value> = tags
            .iter()
            .map(|tag| json!({"name": tag, "color": "#00ff00"}))
            .collect();
        customer.insert("tags".into(), tags.into());
        customer.insert("customData".into(), self.custom_data());
        customer.into()
    }

    fn custom_data(&mut self) -> Value {
        let mut properties = Map::new();
        let choices = [
            (
                "plan",
                vec![
                    json!("pro"),
                    json!(15),
                    json!(1),
                    json!("15"),
                    json!(true),
                    json!(false),
                    json!(""),
                ],
            ),
            (
                "mrr",
                vec![
                    json!(15),
                    json!(15.0),
                    json!("15"),
                    json!("many"),
                    json!(20),
                ],
            ),
            ("is annual", vec![json!(true), json!(false)]),
            (
                "due",
                vec![
                    json!(1_709_164_800),
                    json!("1709164800"),
                    json!(null),
                    json!(1),
                ],
            ),
            ("code", vec![json!("x"), json!("15"), json!("mapped")]),
            ("stranger", vec![json!("stays"), json!(1)]),
        ];
        for (name, values) in choices {
            if self.chance(40) {
                properties.insert(name.into(), self.pick(&values));
            }
        }
        properties.into()
    }
}
