//! A config as plain data, and as the TOML that the program reads.

use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Id,
    UserId,
    Email,
}

impl Key {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::UserId => "userId",
            Self::Email => "email",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnAmbiguous {
    Reject,
    Skip,
    Oldest,
    Newest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    Reject,
    First,
    Last,
    Merge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Upsert,
    Create,
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Auto,
    List,
    Lookup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagMode {
    Add,
    Exact,
    Managed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LetterCase {
    Lower,
    Upper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Always,
    IfEmpty,
    /// The program under test remembers nothing here, so that whatever is there counts as edited.
    IfUnedited,
}

impl Overwrite {
    /// Whether a value that is there stays.
    pub(crate) fn keeps_what_is_there(self) -> bool {
        matches!(self, Self::IfEmpty | Self::IfUnedited)
    }
}

/// The `type` of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Boolean,
    Date,
    Auto,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Literal(&'static str),
    Column(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Column(String),
    Template(Vec<Part>),
}

/// What `[fields]` or `[custom_data]` says of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) attribute: String,
    pub(crate) origin: Origin,
    pub(crate) kind: Option<Kind>,
    pub(crate) format: Option<&'static str>,
    pub(crate) timezone: Option<&'static str>,
    pub(crate) case: Option<LetterCase>,
    pub(crate) map: Vec<(&'static str, &'static str)>,
    pub(crate) default: Option<&'static str>,
    pub(crate) overwrite: Option<Overwrite>,
}

impl Rule {
    pub(crate) fn plain(attribute: &str, column: &str) -> Self {
        Self {
            attribute: attribute.to_owned(),
            origin: Origin::Column(column.to_owned()),
            kind: None,
            format: None,
            timezone: None,
            case: None,
            map: Vec::new(),
            default: None,
            overwrite: None,
        }
    }

    pub(crate) fn columns(&self) -> Vec<&str> {
        match &self.origin {
            Origin::Column(column) => vec![column],
            Origin::Template(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Column(column) => Some(column.as_str()),
                    Part::Literal(_) => None,
                })
                .collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tags {
    pub(crate) column: Option<String>,
    pub(crate) separator: &'static str,
    pub(crate) always: Vec<&'static str>,
    pub(crate) remove_column: Option<String>,
    pub(crate) mode: TagMode,
    /// Globs, each with nothing but `*` at its end as a pattern.
    pub(crate) managed: Vec<&'static str>,
    pub(crate) colors: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) keys: Vec<Key>,
    pub(crate) on_ambiguous: OnAmbiguous,
    pub(crate) on_conflict_creates: bool,
    pub(crate) fields: Vec<Rule>,
    pub(crate) custom_data: Vec<Rule>,
    pub(crate) tags: Option<Tags>,
    /// Whether the three sections above are left out, because the columns' names alone say the same.
    pub(crate) inferred: bool,
    pub(crate) clear_empty_cells: bool,
    pub(crate) duplicates: Duplicates,
    pub(crate) mode: Mode,
    pub(crate) null_values: Vec<&'static str>,
    /// Whether damaged identifiers are fixed.
    pub(crate) repairs: bool,
    pub(crate) trim: bool,
    pub(crate) strategy: Strategy,
}

impl Setup {
    /// The config file; safety limits are off, since they are not what a row means.
    pub(crate) fn to_toml(&self) -> String {
        let mut toml = String::from(
            "[limits]\nrequests_per_minute = 6000\n\
             [safety]\nmax_change_percent = 0\nmax_clear_percent = 0\nmin_match_percent = 0\nmax_rejected_percent = 0\nmax_failures = 0\n",
        );
        self.write_sections(&mut toml).unwrap();
        toml
    }

    fn write_sections(&self, toml: &mut String) -> std::fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(|key| key.name()).collect();
        writeln!(toml, "[input]\nnull_values = {:?}", self.null_values)?;
        let repair = if self.repairs { "fix" } else { "report" };
        writeln!(toml, "repair = {repair:?}")?;
        writeln!(toml, "trim = {}", self.trim)?;
        writeln!(toml, "[match]\nkeys = {keys:?}")?;
        writeln!(toml, "on_ambiguous = {:?}", lower(self.on_ambiguous))?;
        let on_conflict = if self.on_conflict_creates {
            "create"
        } else {
            "reject"
        };
        writeln!(toml, "on_conflict = {on_conflict:?}")?;
        let empty_cells = if self.clear_empty_cells {
            "clear"
        } else {
            "keep"
        };
        writeln!(toml, "[rows]\nempty_cells = {empty_cells:?}")?;
        writeln!(toml, "duplicates = {:?}", lower(self.duplicates))?;
        writeln!(toml, "[sync]\nmode = {:?}", lower(self.mode))?;
        writeln!(toml, "[remote]\nstrategy = {:?}", lower(self.strategy))?;
        if self.inferred {
            return Ok(());
        }
        write_rules(toml, "fields", &self.fields)?;
        write_rules(toml, "custom_data", &self.custom_data)?;
        match &self.tags {
            Some(tags) => tags.write(toml),
            None => Ok(()),
        }
    }
}

fn lower(word: impl std::fmt::Debug) -> String {
    format!("{word:?}").to_lowercase()
}

fn write_rules(toml: &mut String, section: &str, rules: &[Rule]) -> std::fmt::Result {
    writeln!(toml, "[{section}]")?;
    for rule in rules {
        writeln!(toml, "{:?} = {}", rule.attribute, rule.to_toml())?;
    }
    Ok(())
}

impl Rule {
    fn to_toml(&self) -> String {
        let mut keys = Vec::new();
        match &self.origin {
            Origin::Column(column) => keys.push(format!("column = {column:?}")),
            Origin::Template(parts) => {
                let text = |part: &Part| match part {
                    Part::Literal(text) => (*text).to_owned(),
                    Part::Column(column) => format!("{{{{ {column} }}}}"),
                };
                let template: String = parts.iter().map(text).collect();
                keys.push(format!("template = {template:?}"));
            }
        }
        let texts = [
            ("type", self.kind.map(lower)),
            ("format", self.format.map(str::to_owned)),
            ("timezone", self.timezone.map(str::to_owned)),
            ("case", self.case.map(lower)),
            ("default", self.default.map(str::to_owned)),
            (
                "overwrite",
                self.overwrite.map(|overwrite| {
                    match overwrite {
                        Overwrite::Always => "always",
                        Overwrite::IfEmpty => "if_empty",
                        Overwrite::IfUnedited => "if_unedited",
                    }
                    .to_owned()
                }),
            ),
        ];
        for (key, text) in texts {
            keys.extend(text.map(|text| format!("{key} = {text:?}")));
        }
        if !self.map.is_empty() {
            let pairs: Vec<_> = self
                .map
                .iter()
                .map(|(from, to)| format!("{from:?} = {to:?}"))
                .collect();
            keys.push(format!("map = {{ {} }}", pairs.join(", ")));
        }
        match (&self.origin, keys.as_slice()) {
            (Origin::Column(column), [_]) => format!("{column:?}"),
            _ => format!("{{ {} }}", keys.join(", ")),
        }
    }
}

impl Tags {
    fn write(&self, toml: &mut String) -> std::fmt::Result {
        writeln!(toml, "[tags]\nmode = {:?}", lower(self.mode))?;
        writeln!(toml, "separator = {:?}", self.separator)?;
        writeln!(toml, "always = {:?}", self.always)?;
        if let Some(column) = &self.column {
            writeln!(toml, "column = {column:?}")?;
        }
        if let Some(column) = &self.remove_column {
            writeln!(toml, "remove_column = {column:?}")?;
        }
        if self.mode == TagMode::Managed {
            writeln!(toml, "managed = {:?}", self.managed)?;
        }
        writeln!(toml, "[tags.colors]")?;
        for (tag, color) in &self.colors {
            writeln!(toml, "{tag:?} = {color:?}")?;
        }
        Ok(())
    }
}
