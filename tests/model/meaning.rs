//! What a row wants, from the contract's sections "Config" and "Row → customer" alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::customer::{DATE_FIELDS, FLAG_FIELDS};
use super::drawn_data::DAMAGED;
use super::input::{Cell, FileFormat, Row};
use super::setup::{Key, Kind, LetterCase, Origin, Part, Rule, Setup};

/// What a row says of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Nothing,
    Clear,
    Value(Value),
    /// A cell that takes the type which its property has.
    Open(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) id: Option<u64>,
    pub(crate) user_id: Option<String>,
    pub(crate) email: Option<String>,
    /// Fields and, with the prefix `customData.`, properties.
    pub(crate) said: BTreeMap<String, Said>,
    /// None: the row says nothing about tags.
    pub(crate) tags: Option<BTreeSet<String>>,
    pub(crate) remove: BTreeSet<String>,
}

impl Wanted {
    /// "Tags united, first non-empty value wins." A tag that is wanted stays, as within one row.
    pub(crate) fn merge(&mut self, later: Self) {
        self.id = self.id.or(later.id);
        self.user_id = self.user_id.take().or(later.user_id);
        self.email = self.email.take().or(later.email);
        for (name, said) in later.said {
            let first = self.said.entry(name).or_insert(Said::Nothing);
            match (&first, &said) {
                (Said::Value(_) | Said::Open(_), _)
                | (Said::Clear, Said::Nothing | Said::Clear) => {}
                (Said::Nothing, _) | (Said::Clear, _) => *first = said,
            }
        }
        self.tags = match (self.tags.take(), later.tags) {
            (Some(first), Some(later)) => Some(first.union(&later).cloned().collect()),
            (first, later) => first.or(later),
        };
        self.remove.extend(later.remove);
    }
}

/// A value does not fit its type, or the row has no match key.
#[derive(Debug)]
pub(crate) struct Bad;

/// A cell before its type is looked at.
enum Raw {
    Missing,
    Null,
    Empty,
    Cell(Cell),
    Rendered(String),
}

/// The keys that can find a customer, in the order in which they are tried. An `id` that is mapped is tried first
/// unless `keys` gives it a place (decision 5).
pub(crate) fn match_keys(setup: &Setup) -> Vec<Key> {
    let mapped = |key: &Key| setup.fields.iter().any(|rule| rule.attribute == key.name());
    let mut keys: Vec<Key> = setup.keys.iter().copied().filter(mapped).collect();
    if mapped(&Key::Id) && !keys.contains(&Key::Id) {
        keys.insert(0, Key::Id);
    }
    keys
}

pub(crate) fn wanted(setup: &Setup, format: FileFormat, row: &Row) -> Result<Wanted, Bad> {
    let reader = Reader { setup, format, row };
    let mut wanted = Wanted::default();
    for rule in &setup.fields {
        reader.field(rule, &mut wanted)?;
    }
    for rule in &setup.custom_data {
        let said = match reader.raw(rule)? {
            Raw::Missing => Said::Nothing,
            Raw::Null => Said::Clear,
            Raw::Empty => reader.empty(),
            raw => reader.property(rule, raw)?,
        };
        let name = format!("customData.{}", rule.attribute);
        wanted.said.insert(name, said);
    }
    reader.tags(&mut wanted);
    let has_key = match_keys(setup).iter().any(|key| match key {
        Key::Id => wanted.id.is_some(),
        Key::UserId => wanted.user_id.is_some(),
        Key::Email => wanted.email.is_some(),
    });
    if has_key { Ok(wanted) } else { Err(Bad) }
}

struct Reader<'a> {
    setup: &'a Setup,
    format: FileFormat,
    row: &'a Row,
}

impl Reader<'_> {
    fn raw(&self, rule: &Rule) -> Result<Raw, Bad> {
        Ok(match &rule.origin {
            Origin::Column(column) => self.recoded(rule, self.sound(rule, self.cell(column))?),
            Origin::Template(parts) => self.rendered(parts),
        })
    }

    /// A damaged identifier rejects its row; with `repair = "fix"` it is what it was, if that is known.
    fn sound(&self, rule: &Rule, raw: Raw) -> Result<Raw, Bad> {
        let Raw::Cell(Cell::Text(text)) = raw else {
            return Ok(raw);
        };
        let damaged = DAMAGED
            .iter()
            .find(|(name, cell, _)| *name == rule.attribute && *cell == text);
        match damaged {
            None => Ok(raw),
            Some((.., Some(""))) if self.setup.repairs => Ok(Raw::Empty),
            Some((.., Some(right))) if self.setup.repairs => Ok(Raw::Cell(Cell::Text(right))),
            Some(_) => Err(Bad),
        }
    }

    fn cell(&self, column: &str) -> Raw {
        match self.row.get(column) {
            None => Raw::Missing,
            Some(Cell::Null) => Raw::Null,
            // A text that means "no value" is an empty cell, in JSON as in CSV.
            Some(Cell::Text(text))
                if text.trim().is_empty() || self.setup.null_values.contains(&text.trim()) =>
            {
                Raw::Empty
            }
            Some(Cell::Text(text)) if self.setup.trim => Raw::Cell(Cell::Text(text.trim())),
            Some(cell) => Raw::Cell(cell.clone()),
        }
    }

    /// "Columns all empty: an empty cell". All missing says nothing, as one missing column does. Silent: nulls alone are
    /// a null, and an empty text among them makes an empty cell of it.
    fn rendered(&self, parts: &[Part]) -> Raw {
        let columns = parts.iter().filter_map(|part| match part {
            Part::Column(column) => Some(self.cell(column)),
            Part::Literal(_) => None,
        });
        let columns: Vec<Raw> = columns.collect();
        if columns.iter().all(|raw| matches!(raw, Raw::Missing)) {
            return Raw::Missing;
        }
        if !columns.iter().any(|raw| matches!(raw, Raw::Cell(_))) {
            let empty = columns.iter().any(|raw| matches!(raw, Raw::Empty));
            return if empty { Raw::Empty } else { Raw::Null };
        }
        let mut columns = columns.into_iter();
        let text = |part: &Part| match part {
            Part::Literal(text) => (*text).to_owned(),
            Part::Column(_) => match columns.next() {
                Some(Raw::Cell(cell)) => plain_text(&cell),
                _ => String::new(),
            },
        };
        Raw::Rendered(parts.iter().map(text).collect())
    }

    /// Case and map; the generator never gives a rule both.
    fn recoded(&self, rule: &Rule, raw: Raw) -> Raw {
        let Raw::Cell(Cell::Text(text)) = raw else {
            return raw;
        };
        if let Some(case) = rule.case {
            return Raw::Rendered(match case {
                LetterCase::Lower => text.to_lowercase(),
                LetterCase::Upper => text.to_uppercase(),
            });
        }
        let mapped = rule.map.iter().find(|(from, _)| *from == text.trim());
        match (mapped, rule.default) {
            (Some((_, to)), _) => Raw::Rendered((*to).to_owned()),
            (None, Some(default)) => Raw::Rendered(default.to_owned()),
            (None, None) => Raw::Cell(Cell::Text(text)),
        }
    }

    fn empty(&self) -> Said {
        if self.setup.clear_empty_cells {
            Said::Clear
        } else {
            Said::Nothing
        }
    }

    fn field(&self, rule: &Rule, wanted: &mut Wanted) -> Result<(), Bad> {
        let name = rule.attribute.as_str();
        let value = match self.raw(rule)? {
            Raw::Missing => Err(Said::Nothing),
            Raw::Null => Err(Said::Clear),
            Raw::Empty => Err(self.empty()),
            raw => Ok(raw),
        };
        let is_key = match_keys(self.setup).iter().any(|key| key.name() == name);
        let said = match value {
            // A match key is never cleared; an empty cell or null says nothing about a one-way boolean.
            Err(_) if is_key || FLAG_FIELDS.contains(&name) => Said::Nothing,
            Err(said) => said,
            Ok(raw) => Said::Value(field_value(rule, raw)?),
        };
        if let Said::Value(value) = &said {
            match name {
                "id" => wanted.id = value.as_u64(),
                "userId" => wanted.user_id = value.as_str().map(str::to_owned),
                "email" => wanted.email = value.as_str().map(str::to_owned),
                _ => {}
            }
        }
        if name != "id" {
            wanted.said.insert(name.to_owned(), said);
        }
        Ok(())
    }

    fn property(&self, rule: &Rule, raw: Raw) -> Result<Said, Bad> {
        let is_open =
            rule.kind.unwrap_or(Kind::Auto) == Kind::Auto && self.format == FileFormat::Csv;
        match raw {
            Raw::Cell(Cell::Text(text)) if is_open => Ok(Said::Open(text.to_owned())),
            Raw::Rendered(text) if is_open => Ok(Said::Open(text)),
            raw => self.typed(rule, raw).map(Said::Value),
        }
    }

    fn typed(&self, rule: &Rule, raw: Raw) -> Result<Value, Bad> {
        let text = |raw: &Raw| match raw {
            Raw::Cell(Cell::Text(text)) => Some((*text).to_owned()),
            Raw::Rendered(text) => Some(text.clone()),
            _ => None,
        };
        let text = text(&raw);
        match (rule.kind.unwrap_or(Kind::Auto), raw, text) {
            (_, Raw::Cell(Cell::Texts(_)), _) => Err(Bad),
            (Kind::Text, _, Some(text)) => Ok(json!(text)),
            (Kind::Text, Raw::Cell(cell), None) => Ok(json!(plain_text(&cell))),
            (Kind::Number, _, Some(text)) => {
                text.trim().parse::<f64>().map(number).map_err(|_| Bad)
            }
            (Kind::Number, Raw::Cell(Cell::Whole(whole)), _) => Ok(json!(whole)),
            (Kind::Boolean, _, Some(text)) => flag(&text),
            (Kind::Boolean, Raw::Cell(Cell::Flag(flag)), _) => Ok(json!(flag)),
            (Kind::Date, _, Some(text)) => date(rule, &text),
            (Kind::Date, Raw::Cell(Cell::Whole(seconds)), _) => Ok(json!(seconds)),
            (Kind::Auto, _, Some(text)) => Ok(json!(text)),
            (Kind::Auto, Raw::Cell(Cell::Whole(whole)), _) => Ok(json!(whole)),
            (Kind::Auto, Raw::Cell(Cell::Flag(flag)), _) => Ok(json!(flag)),
            _ => Err(Bad),
        }
    }

    fn tags(&self, wanted: &mut Wanted) {
        let Some(tags) = &self.setup.tags else {
            return;
        };
        let split = |text: &str| -> BTreeSet<String> {
            let names = text.split(tags.separator).map(str::trim);
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let listed = |raw: Raw| match raw {
            Raw::Missing => None,
            // Silent for tags: null clears, as it clears a field.
            Raw::Null => Some(BTreeSet::new()),
            Raw::Empty => self.setup.clear_empty_cells.then(BTreeSet::new),
            Raw::Cell(Cell::Texts(names)) => Some(names.into_iter().map(str::to_owned).collect()),
            Raw::Cell(cell) => Some(split(&plain_text(&cell))),
            Raw::Rendered(text) => Some(split(&text)),
        };
        wanted.tags = tags
            .column
            .as_deref()
            .and_then(|column| listed(self.cell(column)));
        let remove = tags.remove_column.as_deref();
        wanted.remove = remove
            .and_then(|column| listed(self.cell(column)))
            .unwrap_or_default();
    }
}

fn field_value(rule: &Rule, raw: Raw) -> Result<Value, Bad> {
    let name = rule.attribute.as_str();
    let cell = match raw {
        Raw::Cell(Cell::Texts(_)) => return Err(Bad),
        Raw::Cell(Cell::Flag(flag)) if FLAG_FIELDS.contains(&name) => return Ok(json!(flag)),
        Raw::Cell(cell) => plain_text(&cell),
        Raw::Rendered(text) => text,
        Raw::Missing | Raw::Null | Raw::Empty => return Err(Bad),
    };
    // Only texts keep blanks that are not trimmed.
    let is_text = !["id", "userId", "email", "locale"].contains(&name);
    let cell = if is_text {
        cell
    } else {
        cell.trim().to_owned()
    };
    match name {
        "id" => cell.parse::<u64>().map(|id| json!(id)).map_err(|_| Bad),
        "email" if !cell.contains('@') => Err(Bad),
        "locale" if !["uk", "en", "de"].contains(&cell.as_str()) => Err(Bad),
        _ if FLAG_FIELDS.contains(&name) => flag(&cell),
        _ if DATE_FIELDS.contains(&name) => date(rule, &cell),
        _ => Ok(json!(cell)),
    }
}

fn plain_text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => (*text).to_owned(),
        Cell::Whole(whole) => whole.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Null | Cell::Texts(_) => String::new(),
    }
}

fn flag(text: &str) -> Result<Value, Bad> {
    match text.trim() {
        "true" => Ok(json!(true)),
        "false" => Ok(json!(false)),
        _ => Err(Bad),
    }
}

/// A whole number has no fraction that it could be told apart by.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 {
        json!(number as i64)
    } else {
        json!(number)
    }
}

/// Of which type a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Boolean,
}

/// What a cell is for a property of that type, or for one of no type.
pub(crate) fn of_type(text: &str, of: Option<Type>) -> Value {
    if text.trim() != text {
        return json!(text);
    }
    let spelt = || {
        as_word(text)
            .or_else(|| as_number(text))
            .unwrap_or(json!(text))
    };
    match of {
        Some(Type::Text) => json!(text),
        Some(Type::Number) => as_decimal(text).unwrap_or_else(spelt),
        Some(Type::Boolean) => as_boolean(text).unwrap_or_else(spelt),
        None => spelt(),
    }
}

/// Whether a cell, read in any way, is the value that is there.
pub(crate) fn is_any_reading(text: &str, there: &Value, same: impl Fn(&Value) -> bool) -> bool {
    let boolean = if there.is_boolean() {
        as_boolean(text)
    } else {
        as_word(text)
    };
    let readings = [Some(json!(text)), as_decimal(text), boolean];
    readings.into_iter().flatten().any(|reading| same(&reading))
}

fn as_word(text: &str) -> Option<Value> {
    flag(&text.to_lowercase()).ok()
}

fn as_boolean(text: &str) -> Option<Value> {
    match text.to_lowercase().as_str() {
        "yes" | "1" => Some(json!(true)),
        "no" | "0" => Some(json!(false)),
        _ => as_word(text),
    }
}

/// Only in its shortest decimal form of up to 15 digits.
fn as_number(text: &str) -> Option<Value> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = text.parse().ok().map(number)?;
    let shortest = number.to_string();
    (digits <= 15 && shortest == text).then_some(number)
}

/// Zeros behind the decimal point may be too many.
fn as_decimal(text: &str) -> Option<Value> {
    match text.contains('.') {
        true => as_number(text.trim_end_matches('0').trim_end_matches('.')),
        false => as_number(text),
    }
}

/// The dates that the generator draws, each with its instant, which was found with another program.
const DATES: [(&str, Option<&str>, Option<&str>, i64); 7] = [
    ("2024-02-29", None, None, 1_709_164_800),
    ("2020-10-28T11:38:26Z", None, None, 1_603_885_106),
    ("2021-03-04T05:06:07+02:00", None, None, 1_614_827_167),
    ("1603885746", None, None, 1_603_885_746),
    ("29.02.2024", Some("%d.%m.%Y"), None, 1_709_164_800),
    (
        "29.02.2024",
        Some("%d.%m.%Y"),
        Some("Europe/Kyiv"),
        1_709_157_600,
    ),
    (
        "01.07.2024",
        Some("%d.%m.%Y"),
        Some("Europe/Kyiv"),
        1_719_781_200,
    ),
];

fn date(rule: &Rule, text: &str) -> Result<Value, Bad> {
    let known = DATES.iter().find(|(date, format, zone, _)| {
        *date == text.trim() && *format == rule.format && *zone == rule.timezone
    });
    known.map(|(.., instant)| json!(instant)).ok_or(Bad)
}
