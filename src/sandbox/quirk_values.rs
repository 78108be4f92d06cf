//! Sets quirks from text and TOML, and checks them.

use super::field::Field;
use super::quirks::{QuirkError, Quirks};

fn unknown(name: String, table: &toml::Table) -> QuirkError {
    QuirkError::UnknownName {
        name,
        known: table.keys().cloned().collect(),
    }
}

impl Quirks {
    /// Sets one quirk from `name=value`. Lists are separated by commas, and `_` in a name means `-`.
    pub fn set(&mut self, pair: &str) -> Result<(), QuirkError> {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| QuirkError::NotAPair(pair.to_owned()))?;
        let name = kebab(name.trim());
        let mut table = self.table()?;
        let Some(current) = table.get(&name) else {
            return Err(unknown(name, &table));
        };
        let value = like(current, text.trim()).map_err(|message| QuirkError::BadValue {
            name: name.clone(),
            message: message.to_owned(),
        })?;
        table.insert(name.clone(), value);
        *self = Self::of(table).map_err(|error| QuirkError::BadValue {
            name,
            message: error.to_string(),
        })?;
        Ok(())
    }

    /// Returns these quirks with the changes of a table.
    pub fn with(&self, changes: toml::Table) -> Result<Self, QuirkError> {
        let mut table = self.table()?;
        for (name, value) in changes {
            let name = kebab(&name);
            if !table.contains_key(&name) {
                return Err(unknown(name, &table));
            }
            table.insert(name, value);
        }
        Self::of(table).map_err(|error| QuirkError::Unreadable(error.to_string()))
    }

    /// Checks what the types do not ensure, such as names of fields in lists.
    pub fn check(&self) -> Result<(), QuirkError> {
        let lists = [
            ("create-ignores", &self.create_ignores),
            ("patch-wipes", &self.patch_wipes),
            ("create-refuses", &self.create_refuses),
            ("never-stored", &self.never_stored),
        ];
        for (name, list) in lists {
            if let Some(bad) = list.iter().find(|field| !is_member(field)) {
                let message = format!("`{bad}` is not a writable field");
                return Err(QuirkError::BadValue {
                    name: name.to_owned(),
                    message,
                });
            }
        }
        if self.page_limit_max == 0 {
            let name = "page-limit-max".to_owned();
            return Err(QuirkError::BadValue {
                name,
                message: "must not be 0".to_owned(),
            });
        }
        Ok(())
    }

    fn table(&self) -> Result<toml::Table, QuirkError> {
        toml::Table::try_from(self).map_err(|error| QuirkError::Unreadable(error.to_string()))
    }

    fn of(table: toml::Table) -> Result<Self, QuirkError> {
        let quirks: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| QuirkError::Unreadable(error.message().to_owned()))?;
        quirks.check()?;
        Ok(quirks)
    }
}

fn is_member(name: &str) -> bool {
    Field::named(name).is_some() || name == "tags" || name.starts_with("customData")
}

fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// Reads a text as a value of the same type as `model`.
fn like(model: &toml::Value, text: &str) -> Result<toml::Value, &'static str> {
    Ok(match model {
        toml::Value::Boolean(_) => toml::Value::Boolean(match text {
            "true" | "yes" => true,
            "false" | "no" => false,
            _ => return Err("expected true or false"),
        }),
        toml::Value::Integer(_) => {
            toml::Value::Integer(text.parse().map_err(|_| "expected a whole number")?)
        }
        toml::Value::Array(_) => toml::Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        ),
        _ => toml::Value::String(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::quirks::CustomDataWrite;
    use super::*;

    #[test]
    fn pairs_set_words_numbers_flags_and_lists() {
        let mut quirks = Quirks::default();
        for pair in [
            "patch-custom-data=replace",
            "search_lag_ms=250",
            "rate-limit-headers=yes",
            "create-ignores=lastSeen, blocked",
            "never-stored=customData.plan,tags",
        ] {
            quirks.set(pair).unwrap();
        }
        assert_eq!(quirks.patch_custom_data, CustomDataWrite::Replace);
        assert_eq!(quirks.search_lag_ms, 250);
        assert!(quirks.rate_limit_headers);
        assert_eq!(quirks.create_ignores, ["lastSeen", "blocked"]);
        assert_eq!(quirks.never_stored, ["customData.plan", "tags"]);
    }

    #[test]
    fn bad_pairs_are_refused_and_change_nothing() {
        let mut quirks = Quirks::default();
        for (pair, part) in [
            ("nonsense", "name=value"),
            ("pach-tags=add", "pach-tags"),
            ("patch-tags=sometimes", "sometimes"),
            ("search-lag-ms=soon", "whole number"),
            ("search-lag-ms=-1", "search-lag-ms"),
            ("rate-limit-headers=maybe", "true or false"),
            ("never-stored=nmae", "nmae"),
            ("page-limit-max=0", "must not be 0"),
        ] {
            let message = quirks.set(pair).unwrap_err().to_string();
            assert!(message.contains(part), "{pair}: {message}");
        }
        assert_eq!(quirks, Quirks::default());
    }

    #[test]
    fn every_quirk_can_be_written_and_read_back() {
        let table = Quirks::default().table().unwrap();
        assert_eq!(Quirks::of(table).unwrap(), Quirks::default());
    }
}
