use std::collections::{BTreeMap, HashSet};

use globset::{GlobBuilder, GlobSet};
use serde_json::{Map, Value};

use super::color::is_color;
use super::given::{Given, Scalar};
use super::inspector::Inspector;
use super::problem::Problem;
use super::schema_error::SchemaError;
use super::slot::Slot;
use super::tag_list::{Notation, is_torn, notation};
use super::{ManagedTags, TagSettings};
use crate::domain::{DesiredTags, Row, Tag, TagMode};

/// Names and patterns in `managed`, and the bytes of one.
const MAX_MANAGED: usize = 5_000;
const MAX_PATTERN: usize = 1_000;

/// `[tags]`, checked and bound to the inputs' columns.
#[derive(Debug, Clone)]
pub(super) struct TagRule {
    pub(super) column: Option<Slot>,
    pub(super) remove_column: Option<Slot>,
    separator: String,
    always: Vec<Tag>,
    colors: BTreeMap<String, String>,
    pub(super) managed: ManagedTagRule,
}

/// Which tags a row may remove that it does not name for removal.
#[derive(Debug, Clone, Default)]
pub struct ManagedTagRule {
    pub mode: TagMode,
    /// With `TagMode::Managed`, the names that may be removed. Matches nothing where `ours` is set.
    pub names: GlobSet,
    /// With `TagMode::Managed`: those that hcsync itself added, instead of named ones.
    pub ours: bool,
}

impl TagRule {
    /// # Errors
    /// When the settings contradict themselves, or a colour or a glob does not parse.
    pub(super) fn new(
        settings: &TagSettings,
        column: Option<Slot>,
        remove_column: Option<Slot>,
    ) -> Result<Self, SchemaError> {
        if settings.separator.is_empty() {
            return Err(SchemaError::Tags("`separator` is empty".to_owned()));
        }
        for (name, color) in &settings.colors {
            if !is_color(color.trim()) {
                let error = format!("the colour of `{name}` is no CSS colour: `{color}`");
                return Err(SchemaError::Tags(error));
            }
        }
        if settings.mode != TagMode::Add && column.is_none() {
            let error =
                "`mode` lets a row's tags replace others, but no `column` says what they are";
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
            return Err(SchemaError::Tags("`always` holds an empty name".to_owned()));
        }
        let tags = names.iter().map(|name| self.tag(name.trim(), None));
        Ok(without_doubles(tags.collect()))
    }

    /// Whether the rule can say anything at all.
    pub(super) fn is_active(&self) -> bool {
        self.column.is_some() || self.remove_column.is_some() || !self.always.is_empty()
    }

    /// The tags of the row's own cell; nothing where it says nothing.
    pub(super) fn wanted(
        &self,
        row: &Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Option<Vec<Tag>>, Problem> {
        self.listed(self.column.as_ref(), row, inspector)
    }

    /// The names that the row asks to remove.
    pub(super) fn unwanted(
        &self,
        row: &Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Vec<String>, Problem> {
        let listed = self.listed(self.remove_column.as_ref(), row, inspector)?;
        Ok(listed
            .unwrap_or_default()
            .into_iter()
            .map(|tag| tag.name)
            .collect())
    }

    /// Both together with the tags that are always added. One that is wanted and to be removed stays.
    pub(super) fn desired(&self, wanted: Option<Vec<Tag>>, unwanted: Vec<String>) -> DesiredTags {
        let spoken = wanted.is_some();
        let mut add = wanted.unwrap_or_default();
        add.extend(self.always.iter().cloned());
        let add = without_doubles(add);
        let mut remove = unwanted;
        remove.retain(|name| add.iter().all(|tag| tag.name != *name));
        DesiredTags {
            add,
            remove,
            spoken,
        }
    }

    fn listed(
        &self,
        slot: Option<&Slot>,
        row: &Row,
        inspector: &mut Inspector<'_>,
    ) -> Result<Option<Vec<Tag>>, Problem> {
        let no_tags = inspector.empty_clears().then(Vec::new);
        let given = inspector.given(slot.and_then(|slot| slot.cell(row)));
        let tags = match inspector.sound(given, None)? {
            Given::Missing => return Ok(None),
            Given::Null => return Ok(Some(Vec::new())),
            Given::Empty => return Ok(no_tags),
            Given::Scalar(Scalar::Text(text) | Scalar::Native(text) | Scalar::Digits(text)) => {
                let tags = match notation(&text, &self.separator) {
                    // Like a list of JSON, an empty one says that there are no tags.
                    Notation::List(items) => {
                        return Ok(Some(without_doubles(self.array(&items)?)));
                    }
                    Notation::Broken => return Err(broken_list()),
                    Notation::Plain => self.split(&text)?,
                };
                if tags.is_empty() {
                    return Ok(no_tags);
                }
                tags
            }
            Given::Nested(Value::Array(items)) => self.array(items)?,
            Given::Scalar(_) | Given::Nested(_) => return Err(not_a_list()),
        };
        Ok(Some(without_doubles(tags)))
    }

    fn split(&self, text: &str) -> Result<Vec<Tag>, Problem> {
        let names = text.split(self.separator.as_str()).map(str::trim);
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| is_torn(name)) {
            return Err(broken_list());
        }
        Ok(names.iter().map(|name| self.tag(name, None)).collect())
    }

    fn array(&self, items: &[Value]) -> Result<Vec<Tag>, Problem> {
        let mut tags = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::Null => {}
                Value::String(name) if name.trim().is_empty() => {}
                Value::String(name) => tags.push(self.tag(name.trim(), None)),
                Value::Object(members) => tags.push(self.object(members)?),
                _ => return Err(not_a_list()),
            }
        }
        Ok(tags)
    }

    fn object(&self, members: &Map<String, Value>) -> Result<Tag, Problem> {
        let name = members.get("name").and_then(Value::as_str).map(str::trim);
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(not_a_list)?;
        match members.get("color") {
            None | Some(Value::Null) => Ok(self.tag(name, None)),
            Some(Value::String(color)) if color.trim().is_empty() => Ok(self.tag(name, None)),
            Some(Value::String(color)) if is_color(color.trim()) => {
                Ok(self.tag(name, Some(color.trim())))
            }
            Some(_) => Err(
                Problem::new("bad_color", "hold a colour that is no CSS colour")
                    .advice("a CSS colour such as #ff0000 or red"),
            ),
        }
    }

    /// A colour of the row's own goes before the config's.
    fn tag(&self, name: &str, color: Option<&str>) -> Tag {
        let color = color.or_else(|| self.colors.get(name).map(|color| color.trim()));
        Tag {
            name: name.to_owned(),
            color: color.map(str::to_owned),
        }
    }
}

fn managed_rule(settings: &TagSettings) -> Result<ManagedTagRule, SchemaError> {
    let names: &[String] = match &settings.managed {
        ManagedTags::Ours => &[],
        ManagedTags::Named(names) => names,
    };
    let ours = settings.managed == ManagedTags::Ours;
    if settings.mode == TagMode::Managed && !ours && names.is_empty() {
        let error = "`mode = \"managed\"` needs `managed`: names, globs, or \"ours\"";
        return Err(SchemaError::Tags(error.to_owned()));
    }
    if names.len() > MAX_MANAGED {
        return Err(SchemaError::Tags(format!(
            "`managed` has {} names, and at most {MAX_MANAGED} are taken; a pattern such as \"plan:*\" stands for many",
            names.len()
        )));
    }
    let mut globs = GlobSet::builder();
    for name in names {
        if let Some(reason) = excess(name) {
            return Err(SchemaError::Tags(format!(
                "`{}` in `managed` {reason}",
                name.chars().take(40).collect::<String>()
            )));
        }
        // A tag that is named as it is written matches, also one with a bracket in its name.
        for pattern in [name.clone(), globset::escape(name)] {
            let glob = GlobBuilder::new(&pattern).backslash_escape(true).build();
            globs.add(glob.map_err(|error| bad_glob(name, &error))?);
        }
    }
    Ok(ManagedTagRule {
        mode: settings.mode,
        names: globs.build().map_err(|error| bad_glob("managed", &error))?,
        ours,
    })
}

/// Why a pattern is not tried: alternatives within alternatives can stand for more texts than memory holds.
fn excess(pattern: &str) -> Option<String> {
    let (mut depth, mut deepest, mut is_escaped) = (0_u32, 0, false);
    for character in pattern.chars() {
        match character {
            _ if is_escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
        deepest = deepest.max(depth);
    }
    match pattern.len() {
        length if length > MAX_PATTERN => Some(format!("has more than {MAX_PATTERN} bytes")),
        _ if deepest > 1 => Some("has braces within braces: list the patterns one by one, or write \\{ for a brace of the name".to_owned()),
        _ => None,
    }
}

fn bad_glob(name: &str, error: &globset::Error) -> SchemaError {
    SchemaError::Tags(format!(
        "`{name}` in `managed` does not parse: {}",
        error.kind()
    ))
}

fn not_a_list() -> Problem {
    Problem::new("bad_tags", "are not a list of tags")
        .advice("a text, or a list of texts or of objects with a `name` and perhaps a `color`")
}

fn broken_list() -> Problem {
    Problem::new("bad_tags", "are a list that is cut off or not written as one")
        .advice("names with the `separator` of [tags] between them, or a list such as [\"a\", \"b\"]; a name with brackets is written [\"[a]\"]")
}

fn without_doubles(tags: Vec<Tag>) -> Vec<Tag> {
    if tags.len() < 2 {
        return tags;
    }
    let mut seen = HashSet::with_capacity(tags.len());
    let first: Vec<bool> = tags
        .iter()
        .map(|tag| seen.insert(tag.name.as_str()))
        .collect();
    let tags = tags.into_iter().zip(first);
    tags.filter_map(|(tag, first)| first.then_some(tag))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn a_cell_is_split_trimmed_and_without_doubles() {
        let split = tags("", " vip ;Lead;vip;; lead");
        assert_eq!(names(&split), ["vip", "Lead", "lead"]);
        assert!(split.spoken);
        assert_eq!(
            names(&tags(ALWAYS, "a;b || c|d")),
            ["a;b", "c|d", "imported"]
        );
    }

    #[test]
    fn an_empty_cell_speaks_only_where_empty_cells_clear() {
        for empty in ["", "  ", " ; ;"] {
            assert!(!tags("", empty).spoken, "{empty}");
            assert!(
                tags("[rows]\nempty_cells = \"clear\"", empty).spoken,
                "{empty}"
            );
        }
        let always = tags(ALWAYS, "");
        assert_eq!((names(&always), always.spoken), (vec!["imported"], false));
    }

    #[test]
    fn json_lists_are_taken_as_they_are() {
        let list = of_object(
            r##"["vip", " a;b ", "", {"name":"red","color":"#ff0000"}, {"name":"x","color":null}]"##,
        );
        assert_eq!(names(&list), ["vip", "a;b", "red", "x"]);
        assert_eq!(list.add[2].color.as_deref(), Some("#ff0000"));
        assert!(of_object("[]").spoken && of_object("null").spoken);
        assert!(!of_object("\"\"").spoken);
        assert_eq!(names(&of_object("\"a;b\"")), ["a", "b"]);
        assert_eq!(names(&of_object(r#"["x", null]"#)), ["x"]);
        assert!(of_object("[null]").spoken && of_object("[null]").add.is_empty());
        let missing = wanted_of_object("", &["email", "tags"], r#"{"email":"a@b.c"}"#);
        assert!(!missing.tags.spoken);
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
            assert!(none.spoken && none.add.is_empty(), "{empty}");
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
        assert!(of_object("[null]").spoken);
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
            let mapped = schema("", &["email", "tags"]).unwrap().map(&row);
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
        assert!(silent.remove.is_empty() && !silent.spoken);
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
