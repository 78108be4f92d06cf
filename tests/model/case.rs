//! One case, how it is shown, and how it is made smaller.

use std::fmt;

use serde_json::Value;

use super::input::{FileFormat, Input};
use super::setup::{Mode, OnAmbiguous, Rule, Setup, Strategy};

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    pub(crate) input: Input,
    /// As the API answers them.
    pub(crate) customers: Vec<Value>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "--- config\n{}", self.setup.to_toml())?;
        writeln!(
            f,
            "--- {}\n{}",
            self.input.file_name(),
            self.input.to_text()
        )?;
        writeln!(f, "--- customers")?;
        for customer in &self.customers {
            writeln!(f, "{customer}")?;
        }
        Ok(())
    }
}

impl Case {
    /// The smallest case found, by taking away one thing after another, for which `fails` still says a message.
    pub(crate) fn shrunk(self, fails: impl Fn(&Self) -> Option<String>) -> (Self, Option<String>) {
        let mut smallest = self;
        let mut message = None;
        loop {
            let smaller = smallest
                .smaller()
                .into_iter()
                .find_map(|case| fails(&case).map(|message| (case, message)));
            match smaller {
                Some((case, said)) => (smallest, message) = (case, Some(said)),
                None => return (smallest, message),
            }
        }
    }

    fn smaller(&self) -> Vec<Self> {
        let mut cases = Vec::new();
        let mut push = |change: &mut dyn FnMut(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            if case.setup != self.setup
                || case.input != self.input
                || case.customers != self.customers
            {
                cases.push(case);
            }
        };
        for index in 0..self.input.rows.len() {
            if self.input.rows.len() > 1 {
                push(&mut |case| drop(case.input.rows.remove(index)));
            }
        }
        for index in 0..self.customers.len() {
            push(&mut |case| drop(case.customers.remove(index)));
        }
        if !self.setup.inferred {
            push(&mut |case| case.setup.tags = None);
            for index in 0..self.setup.custom_data.len() {
                push(&mut |case| drop(case.setup.custom_data.remove(index)));
            }
            for (index, rule) in self.setup.fields.iter().enumerate() {
                if !["id", "userId", "email"].contains(&rule.attribute.as_str()) {
                    push(&mut |case| drop(case.setup.fields.remove(index)));
                }
                push(&mut |case| case.setup.fields[index].overwrite = None);
                push(&mut |case| case.setup.fields[index].case = None);
            }
            for index in 0..self.setup.custom_data.len() {
                push(&mut |case| case.setup.custom_data[index].overwrite = None);
            }
            if self.setup.tags.is_some() {
                push(&mut |case| case.setup.tags.as_mut().unwrap().colors.clear());
                push(&mut |case| case.setup.tags.as_mut().unwrap().always.clear());
                push(&mut |case| case.setup.tags.as_mut().unwrap().remove_column = None);
            }
        }
        push(&mut |case| case.setup.null_values.clear());
        push(&mut |case| case.setup.repairs = false);
        push(&mut |case| case.setup.trim = true);
        push(&mut |case| case.setup.mode = Mode::Upsert);
        push(&mut |case| case.setup.on_ambiguous = OnAmbiguous::Reject);
        push(&mut |case| case.setup.on_conflict_creates = false);
        push(&mut |case| case.setup.clear_empty_cells = false);
        push(&mut |case| case.setup.strategy = Strategy::List);
        push(&mut |case| case.input.columns.retain(|column| column != "unused"));
        for (index, row) in self.input.rows.iter().enumerate() {
            for column in row.keys() {
                push(&mut |case| drop(case.input.rows[index].remove(column)));
            }
        }
        for (index, customer) in self.customers.iter().enumerate() {
            for member in customer
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "id")
            {
                push(&mut |case| {
                    drop(
                        case.customers[index]
                            .as_object_mut()
                            .unwrap()
                            .remove(member),
                    )
                });
            }
        }
        for case in &mut cases {
            case.drop_unmapped();
        }
        cases.retain(Self::is_taken);
        cases
    }

    /// Whether every column that the config names is in the input, or else the program refuses them together.
    fn is_taken(&self) -> bool {
        let rules = self.setup.fields.iter().chain(&self.setup.custom_data);
        let tags = self.setup.tags.iter();
        let tags = tags.flat_map(|tags| tags.column.iter().chain(&tags.remove_column));
        let mut named = rules
            .flat_map(Rule::columns)
            .chain(tags.map(String::as_str));
        named.all(|column| match self.input.format {
            FileFormat::Csv => self.input.columns.iter().any(|name| name == column),
            FileFormat::Jsonl => self.input.rows.iter().any(|row| row.contains_key(column)),
        })
    }

    /// Takes cells away that no rule reads any more.
    fn drop_unmapped(&mut self) {
        if self.setup.inferred {
            return;
        }
        let rules = self.setup.fields.iter().chain(&self.setup.custom_data);
        let columns = rules.flat_map(Rule::columns).map(str::to_owned);
        let mut read: Vec<String> = columns.collect();
        if let Some(tags) = &self.setup.tags {
            read.extend(tags.column.iter().chain(&tags.remove_column).cloned());
        }
        self.input.columns.retain(|column| read.contains(column));
        for row in &mut self.input.rows {
            row.retain(|column, _| read.contains(column));
        }
    }
}
