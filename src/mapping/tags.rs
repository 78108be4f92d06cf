use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::TagSettings;
use super::color::is_color;
use super::column_binding::ColumnBinding;
use super::inspector::Inspector;
use super::invalid_value::InvalidValue;
use super::managed_tags::{ManagedTagRule, managed_rule};
use super::schema_error::SchemaError;
use super::source_value::{Scalar, SourceValue};
use super::tag_list::{TagNotation, is_torn, names_in, notation};
use crate::domain::{DesiredTags, Row, Tag, TagMode};

/// `[tags]`, checked and bound to the inputs' columns.
#[derive(Debug, Clone)]
pub(super) struct TagRule {
    pub(super) column: Option<ColumnBinding>,
    pub(super) remove_column: Option<ColumnBinding>,
    separator: String,
    always: Vec<Tag>,
    colors: BTreeMap<String, String>,
    pub(super) managed: ManagedTagRule,
}

impl TagRule {
    /// # Errors
    /// If the settings contradict each other, or a colour or a glob does not parse.
    pub(super) fn new(
        settings: &TagSettings,
        column: Option<ColumnBinding>,
        remove_column: Option<ColumnBinding>,
    ) -> Result<Self, SchemaError> {
        if settings.separator.is_empty() {
            return Err(SchemaError::Tags("`separator` is empty".to_owned()));
        }
        for (name, color) in &settings.colors {
            if !is_color(color.trim()) {
                let error = format!("the colour of `{name}` is not a CSS colour: `{color}`");
                return Err(SchemaError::Tags(error));
            }
        }
        if settings.mode != TagMode::Add && column.is_none() {
            let error =
                "`mode` lets a row's tags replace others, but there is no `column` with these tags";
            return Err(SchemaError::Tags(error.to_owned()));
        }
        let mut rule = Self {
            column,
            remove_column,
            separator: settings.separator.clone(),
            always: Vec::new(),
            colors: settings.colors.clone(),
            managed: managed_rule(settings)?,
        };
        rule.always = rule.always_added(&settings.always)?;
        Ok(rule)
    }

    fn always_added(&self, names: &[String]) -> Result<Vec<Tag>, SchemaError> {
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(SchemaError::Tags(
                "`always` contains an empty name".to_owned(),
            ));
        }
        let tags = names.iter().map(|name| self.tag(name.trim().into(), None));
        let tags = without_duplicates(tags.collect()).into_iter();
        Ok(tags.map(Tag::into_owned).collect())
    }

    /// Whether the rule can have any effect.
    pub(super) fn is_active(&self) -> bool {
        self.column.is_some() || self.remove_column.is_some() || !self.always.is_empty()
    }

    /// The tags of the row's cell, or `None` if the row does not specify any.
    pub(super) fn wanted<'a>(
        &'a self,
        row: &'a Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Option<Vec<Tag<Cow<'a, str>>>>, InvalidValue> {
        self.listed(self.column.as_ref(), row, inspector)
    }

    /// The names of the tags that the row asks to remove.
    pub(super) fn unwanted<'a>(
        &'a self,
        row: &'a Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Vec<Cow<'a, str>>, InvalidValue> {
        let listed = self.listed(self.remove_column.as_ref(), row, inspector)?;
        Ok(listed
            .unwrap_or_default()
            .into_iter()
            .map(|tag| tag.name)
            .collect())
    }

    /// Combines both with the tags that are always added. A tag that is both wanted and unwanted stays.
    pub(super) fn desired<'a>(
        &'a self,
        wanted: Option<Vec<Tag<Cow<'a, str>>>>,
        unwanted: Vec<Cow<'a, str>>,
    ) -> DesiredTags<Cow<'a, str>> {
        let is_full_list = wanted.is_some();
        let mut add = wanted.unwrap_or_default();
        if !self.always.is_empty() {
            add.extend(self.always.iter().map(|tag| Tag {
                name: tag.name.as_str().into(),
                color: tag.color.as_deref().map(Into::into),
            }));
            add = without_duplicates(add);
        }
        let mut remove = unwanted;
        remove.retain(|name| add.iter().all(|tag| tag.name != *name));
        DesiredTags {
            add,
            remove,
            is_full_list,
        }
    }

    fn listed<'a>(
        &'a self,
        binding: Option<&ColumnBinding>,
        row: &'a Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Option<Vec<Tag<Cow<'a, str>>>>, InvalidValue> {
        let no_tags = inspector.empty_clears().then(Vec::new);
        let value = inspector.value(binding.and_then(|binding| binding.cell(row)));
        let tags = match inspector.sound(value, None)? {
            SourceValue::Missing => return Ok(None),
            SourceValue::Null => return Ok(Some(Vec::new())),
            SourceValue::Empty => return Ok(no_tags),
            SourceValue::Scalar(
                Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text),
            ) => {
                let tags = match notation(&text, &self.separator) {
                    // As in JSON, an empty list means no tags, unlike an empty cell.
                    TagNotation::List(items) => {
                        let tags = self.array(&items)?.into_iter();
                        let tags = tags.map(|tag| Tag {
                            name: Cow::Owned(tag.name.into_owned()),
                            color: tag.color.map(|color| Cow::Owned(color.into_owned())),
                        });
                        return Ok(Some(without_duplicates(tags.collect())));
                    }
                    TagNotation::Broken => return Err(broken_list()),
                    TagNotation::Plain => self.split(text)?,
                };
                if tags.is_empty() {
                    return Ok(no_tags);
                }
                tags
            }
            SourceValue::Nested(Value::Array(items)) => self.array(items)?,
            SourceValue::Scalar(_) | SourceValue::Nested(_) => return Err(not_a_list()),
        };
        Ok(Some(without_duplicates(tags)))
    }

    fn split<'a>(&'a self, text: Cow<'a, str>) -> Result<Vec<Tag<Cow<'a, str>>>, InvalidValue> {
        let tags: Vec<Tag<Cow<'a, str>>> = match text {
            Cow::Borrowed(text) => {
                let names = names_in(text, &self.separator);
                names.map(|name| self.tag(name.into(), None)).collect()
            }
            Cow::Owned(text) => {
                let names = names_in(&text, &self.separator).map(str::to_owned);
                names.map(|name| self.tag(name.into(), None)).collect()
            }
        };
        match tags.iter().any(|tag| is_torn(&tag.name)) {
            true => Err(broken_list()),
            false => Ok(tags),
        }
    }

    fn array<'a>(&'a self, items: &'a [Value]) -> Result<Vec<Tag<Cow<'a, str>>>, InvalidValue> {
        let mut tags = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::Null => {}
                Value::String(name) if name.trim().is_empty() => {}
                Value::String(name) => tags.push(self.tag(name.trim().into(), None)),
                Value::Object(members) => tags.push(self.object(members)?),
                _ => return Err(not_a_list()),
            }
        }
        Ok(tags)
    }

    fn object<'a>(
        &'a self,
        members: &'a Map<String, Value>,
    ) -> Result<Tag<Cow<'a, str>>, InvalidValue> {
        let name = members.get("name").and_then(Value::as_str).map(str::trim);
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(not_a_list)?;
        match members.get("color") {
            None | Some(Value::Null) => Ok(self.tag(name.into(), None)),
            Some(Value::String(color)) if color.trim().is_empty() => {
                Ok(self.tag(name.into(), None))
            }
            Some(Value::String(color)) if is_color(color.trim()) => {
                Ok(self.tag(name.into(), Some(color.trim())))
            }
            Some(_) => Err(InvalidValue::new(
                "bad_color",
                "have a colour that is not a CSS colour",
            )
            .advice("use a CSS colour such as #ff0000 or red")),
        }
    }

    /// A colour in the row takes precedence over the config's.
    fn tag<'a>(&'a self, name: Cow<'a, str>, color: Option<&'a str>) -> Tag<Cow<'a, str>> {
        let color = color.or_else(|| self.colors.get(&*name).map(|color| color.trim()));
        Tag {
            name,
            color: color.map(Cow::Borrowed),
        }
    }
}

fn not_a_list() -> InvalidValue {
    InvalidValue::new("bad_tags", "are not a list of tags").advice(
        "write a text, or a list of texts or of objects with a `name` and optionally a `color`",
    )
}

fn broken_list() -> InvalidValue {
    InvalidValue::new("bad_tags", "are an incomplete or malformed list")
        .advice("write names with the `separator` of [tags] between them, or a list such as [\"a\", \"b\"]; write a name with brackets as [\"[a]\"]")
}

fn without_duplicates(mut tags: Vec<Tag<Cow<'_, str>>>) -> Vec<Tag<Cow<'_, str>>> {
    let is_new = |(at, tag): (usize, &Tag<_>)| tags.iter().take(at).all(|t| t.name != tag.name);
    // For a few tags, a set would take longer.
    if tags.len() <= 8 && tags.iter().enumerate().all(is_new) {
        return tags;
    }
    let mut seen = HashSet::with_capacity(tags.len());
    tags.retain(|tag| seen.insert(tag.name.clone()));
    tags
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ManagedTags;
    use super::super::fixture::{issues, object, schema, wanted, wanted_of_object};
    use super::*;

    fn tags(config: &str, cell: &str) -> DesiredTags {
        wanted(config, &[("email", "a@b.c"), ("tags", cell)]).tags
    }

    fn names(tags: &DesiredTags) -> Vec<&str> {
        tags.add.iter().map(|tag| tag.name.as_str()).collect()
    }

    fn of_object(json: &str) -> DesiredTags {
        let json = format!(r#"{{"email":"a@b.c","tags":{json}}}"#);
        wanted_of_object("", &["email", "tags"], &json).tags
    }

    const ALWAYS: &str =
        "[tags]\ncolumn = \"tags\"\nalways = [\"imported\", \"imported\"]\nseparator = \"||\"\n";

    #[test]
    fn managed_is_bounded() {
        let of = |managed: Vec<String>| {
            managed_rule(&TagSettings {
                mode: TagMode::Managed,
                managed: ManagedTags::Named(managed),
                ..TagSettings::default()
            })
        };
        let refused = |managed: Vec<String>| of(managed).unwrap_err().to_string();
        let nested = "{a,".repeat(30) + "b" + &"}".repeat(30);
        assert!(refused(vec![nested]).contains("braces within braces"));
        assert!(refused(vec!["*".repeat(1_001)]).contains("more than 1000 bytes"));
        let many = |count: usize| (0..count).map(|n| format!("tag {n}*")).collect::<Vec<_>>();
        assert!(refused(many(5_001)).contains("has 5001 names"));
        assert!(of(many(5_000)).unwrap().names.is_match("tag 4999 and more"));
        let escaped = of(vec![r"\{\{x\}\}".to_owned()]).unwrap();
        assert!(escaped.names.is_match("{{x}}"));
    }

    #[test]
    fn a_cell_is_split_trimmed_and_without_duplicates() {
        let split = tags("", " vip ;Lead;vip;; lead");
        assert_eq!(names(&split), ["vip", "Lead", "lead"]);
        assert!(split.is_full_list);
        assert_eq!(
            names(&tags(ALWAYS, "a;b || c|d")),
            ["a;b", "c|d", "imported"]
        );
    }

    #[test]
    fn an_empty_cell_speaks_only_where_empty_cells_clear() {
        for empty in ["", "  ", " ; ;"] {
            assert!(!tags("", empty).is_full_list, "{empty}");
            assert!(
                tags("[rows]\nempty_cells = \"clear\"", empty).is_full_list,
                "{empty}"
            );
        }
        let always = tags(ALWAYS, "");
        assert_eq!(
            (names(&always), always.is_full_list),
            (vec!["imported"], false)
        );
    }

    #[test]
    fn json_lists_are_taken_as_they_are() {
        let list = of_object(
            r##"["vip", " a;b ", "", {"name":"red","color":"#ff0000"}, {"name":"x","color":null}]"##,
        );
        assert_eq!(names(&list), ["vip", "a;b", "red", "x"]);
        assert_eq!(list.add[2].color.as_deref(), Some("#ff0000"));
        assert!(of_object("[]").is_full_list && of_object("null").is_full_list);
        assert!(!of_object("\"\"").is_full_list);
        assert_eq!(names(&of_object("\"a;b\"")), ["a", "b"]);
        assert_eq!(names(&of_object(r#"["x", null]"#)), ["x"]);
        assert!(of_object("[null]").is_full_list && of_object("[null]").add.is_empty());
        let missing = wanted_of_object("", &["email", "tags"], r#"{"email":"a@b.c"}"#);
        assert!(!missing.tags.is_full_list);
    }

    #[test]
    fn a_cell_that_is_a_list_is_read_as_one() {
        for cell in [
            r#"["vip","lead"]"#,
            "['vip', 'lead']",
            "{vip,lead}",
            r#""vip","lead""#,
            "['vip', None, 'lead', 'vip']",
        ] {
            assert_eq!(names(&tags("", cell)), ["vip", "lead"], "{cell}");
        }
        for empty in ["[]", "{}", "[null]"] {
            let none = tags("", empty);
            assert!(none.is_full_list && none.add.is_empty(), "{empty}");
        }
        assert_eq!(names(&of_object(r#""[\"a\", \"b\"]""#)), ["a", "b"]);
        let red = tags("", r#"[{"name":"a","color":"red"}]"#);
        assert_eq!(red.add[0].color.as_deref(), Some("red"));
        let config = "[tags]\ncolumn = \"t\"\nremove_column = \"r\"\n";
        let removed = wanted(
            config,
            &[("email", "a@b.c"), ("t", ""), ("r", "['a', 'b']")],
        )
        .tags;
        assert_eq!(removed.remove, ["a", "b"]);
        for junk in [
            r#"["a""#,
            r#"["a"; "b"#,
            "{a",
            "a;b]",
            "[VIP]",
            "{{ name }}",
        ] {
            for column in ["t", "r"] {
                let other = if column == "t" { "r" } else { "t" };
                let found = issues(config, &[("email", "a@b.c"), (column, junk), (other, "")]);
                assert_eq!(found, [("bad_tags".into(), Some(column.into()))], "{junk}");
            }
        }
    }

    #[test]
    fn null_elements_are_nothing() {
        assert_eq!(names(&of_object(r#"["a", null]"#)), ["a"]);
        assert!(of_object("[null]").is_full_list);
    }

    #[test]
    fn other_json_is_refused() {
        for (json, code) in [
            ("5", "bad_tags"),
            ("{}", "bad_tags"),
            ("[5]", "bad_tags"),
            ("[{\"color\":\"red\"}]", "bad_tags"),
            ("[{\"name\":\" \"}]", "bad_tags"),
            ("[{\"name\":\"a\",\"color\":\"reddish\"}]", "bad_color"),
            ("[{\"name\":\"a\",\"color\":5}]", "bad_color"),
        ] {
            let row = object(&format!(r#"{{"email":"a@b.c","tags":{json}}}"#));
            let mapped = schema("", &["email", "tags"])
                .unwrap()
                .map(&row)
                .into_owned();
            assert_eq!(mapped.issues[0].code, code, "{json}");
            assert_eq!(mapped.issues[0].column.as_deref(), Some("tags"));
        }
        assert_eq!(issues("", &[("email", "a@b.c"), ("tags", "5")]), []);
    }

    #[test]
    fn a_tag_that_is_wanted_and_to_be_removed_stays() {
        let config = "[tags]\ncolumn = \"t\"\nremove_column = \"r\"\nalways = [\"in\"]\n";
        let cells = [("email", "a@b.c"), ("t", "a;b"), ("r", "b; c;c;in;B")];
        let tags = wanted(config, &cells).tags;
        assert_eq!(names(&tags), ["a", "b", "in"]);
        assert_eq!(tags.remove, ["c", "B"]);
        let silent = wanted(config, &[("email", "a@b.c"), ("t", ""), ("r", "")]).tags;
        assert!(silent.remove.is_empty() && !silent.is_full_list);
    }

    #[test]
    fn colours_come_with_the_tag() {
        let config = "[tags]\ncolumn = \"tags\"\nalways = [\"in\"]\ncolors = { vip = \"red\", in = \"#fff\" }\n";
        let tags = tags(config, "vip;x");
        let colors: Vec<_> = tags.add.iter().map(|tag| tag.color.as_deref()).collect();
        assert_eq!(colors, [Some("red"), None, Some("#fff")]);
    }

    proptest! {
        #[test]
        fn tags_are_never_doubled_nor_empty(cell in "[ab ;]{0,24}", remove in "[abc ;]{0,12}") {
            let config = "[tags]\ncolumn = \"t\"\nremove_column = \"r\"\nalways = [\"a\"]\n";
            let tags = wanted(config, &[("email", "a@b.c"), ("t", &cell), ("r", &remove)]).tags;
            let mut all: Vec<_> = names(&tags);
            all.extend(tags.remove.iter().map(String::as_str));
            let unique: HashSet<_> = all.iter().collect();
            prop_assert_eq!(unique.len(), all.len());
            prop_assert!(all.iter().all(|name| !name.trim().is_empty()));
        }
    }
}
