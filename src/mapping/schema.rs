use std::collections::BTreeSet;

use super::column_binding::{ColumnBinding, ColumnIndex, InputColumns};
use super::date::DateReader;
use super::field::FieldReader;
use super::managed_tags::ManagedTagRule;
use super::property::PropertyReader;
use super::row_filter::{RowFilter, WHERE};
use super::rule::Rule;
use super::rule_options::time_zone;
use super::schema_error::SchemaError;
use super::schema_rules::{
    explicit_fields, explicit_properties, implicit_fields, implicit_properties, tags,
};
use super::source_value::NullPolicy;
use super::tags::TagRule;
use super::{MappingSettings, OnInvalid, Repair};
use crate::domain::{Columns, CustomType, Field, FieldKind, KeyField, Overwrite};

/// The mapping of a run: the source of each attribute, checked and bound to the inputs' columns.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) id: Option<Rule>,
    pub(super) fields: Vec<MappedField>,
    pub(super) properties: Vec<MappedProperty>,
    pub(super) tags: Option<TagRule>,
    pub(super) null_policy: NullPolicy,
    pub(super) repair: Repair,
    pub(super) filter: Option<RowFilter>,
    /// Whether the first rows alone decided the units of date columns.
    pub(super) has_provisional_units: bool,
    keys: Vec<KeyField>,
    unused_columns: Vec<String>,
    missing_columns: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct MappedField {
    pub(super) field: Field,
    pub(super) rule: Rule,
    pub(super) reader: FieldReader,
    /// Whether a row can clear the field. False for match keys and one-way fields.
    pub(super) clearable: bool,
    pub(super) overwrite: Overwrite,
}

#[derive(Debug, Clone)]
pub(super) struct MappedProperty {
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) reader: PropertyReader,
    pub(super) overwrite: Overwrite,
}

impl Schema {
    /// Binds the settings to the columns of all inputs, in order (`Position::source` is the index). The columns of JSON input
    /// are the dotted names of all members. A section that the settings lack is filled from the names of the columns.
    ///
    /// If no columns are known (no input, or none with a header or record), names are not checked.
    ///
    /// # Errors
    /// If settings and columns do not fit together, or no match key is mapped.
    pub fn new(
        settings: &MappingSettings,
        keys: &[KeyField],
        columns: &[&Columns],
    ) -> Result<Self, SchemaError> {
        let index = ColumnIndex::new(columns);
        let inputs = InputColumns(&index);
        let (id, fields) = match &settings.fields {
            Some(rules) => explicit_fields(rules, inputs)?,
            None => (None, implicit_fields(inputs)?),
        };
        let properties = match &settings.custom_data {
            Some(rules) => explicit_properties(rules, inputs)?,
            None => implicit_properties(inputs)?,
        };
        let tags = tags(settings.tags.as_ref(), inputs)?.filter(TagRule::is_active);
        let mut schema = Self {
            id,
            fields,
            properties,
            tags,
            null_policy: NullPolicy::new(&settings.null_values, settings.empty_cells),
            repair: settings.repair,
            filter: RowFilter::new(&settings.row_filter, inputs)?,
            keys: Vec::new(),
            has_provisional_units: false,
            unused_columns: Vec::new(),
            missing_columns: Vec::new(),
        };
        if columns.iter().any(|columns| columns.is_from_sheet()) {
            schema.accept_iso_dates();
        }
        if let Some(name) = &settings.timezone {
            let zone = time_zone(name).map_err(|reason| SchemaError::Timezone { reason })?;
            for dates in schema.date_readers() {
                dates.set_input_zone(&zone);
            }
        }
        schema.keys = schema.usable_keys(keys, inputs)?;
        schema.unused_columns = schema.find_unused(inputs);
        schema.missing_columns = schema.find_missing(inputs);
        for mapped in &mut schema.fields {
            let is_key = key_of(mapped.field).is_some_and(|key| schema.keys.contains(&key));
            mapped.clearable = !is_key && mapped.field.kind() != FieldKind::OneWay;
        }
        Ok(schema)
    }

    /// Accepts dates in ISO form besides the formats of the config.
    fn accept_iso_dates(&mut self) {
        self.date_readers().for_each(DateReader::accept_iso);
    }

    /// The readers of all date attributes, in the order in which [`UnitSurvey`](super::UnitSurvey) counts them.
    pub(super) fn date_readers(&mut self) -> impl Iterator<Item = &mut DateReader> {
        let fields = self.fields.iter_mut().filter_map(|m| match &mut m.reader {
            FieldReader::Date(dates) => Some(dates),
            _ => None,
        });
        let properties = self.properties.iter_mut();
        fields.chain(properties.filter_map(|m| match &mut m.reader {
            PropertyReader::Date(dates) => Some(dates),
            _ => None,
        }))
    }

    /// The mapped match keys, in the order in which they are tried. A mapped `id` is always one of them, and comes first if the
    /// settings do not list it, because it serves no other purpose.
    #[must_use]
    pub fn keys(&self) -> &[KeyField] {
        &self.keys
    }

    /// The fields that this sync manages.
    pub fn fields(&self) -> impl Iterator<Item = (Field, Overwrite)> {
        self.fields
            .iter()
            .map(|mapped| (mapped.field, mapped.overwrite))
    }

    /// The custom properties that this sync manages.
    pub fn properties(&self) -> impl Iterator<Item = (&str, CustomType, Overwrite)> {
        self.properties.iter().map(|mapped| {
            let custom_type = mapped.reader.custom_type();
            (mapped.name.as_str(), custom_type, mapped.overwrite)
        })
    }

    /// Which tags may be removed; `None` if the sync does not manage tags.
    #[must_use]
    pub fn tags(&self) -> Option<&ManagedTagRule> {
        self.tags.as_ref().map(|tags| &tags.managed)
    }

    /// The columns that each attribute comes from, as `("email", ["E-mail"])`.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let tags = self.tags.iter().flat_map(|tags| {
            let bindings = [
                ("tags", &tags.column),
                ("tags to remove", &tags.remove_column),
            ];
            bindings.map(|(name, binding)| {
                (
                    name,
                    binding.iter().flat_map(ColumnBinding::names).collect(),
                )
            })
        });
        self.rules()
            .map(|rule| (rule.attribute.as_str(), rule.columns()))
            .chain(tags.filter(|(_, columns): &(_, Vec<_>)| !columns.is_empty()))
            .chain(self.filter.iter().map(|filter| (WHERE, filter.columns())))
    }

    /// The columns that are not mapped, in order.
    #[must_use]
    pub fn unused_columns(&self) -> &[String] {
        &self.unused_columns
    }

    /// Whether a member of an object, given its dotted name, is mapped, or contains or belongs to a mapped member.
    pub(super) fn uses_member(&self, path: &str) -> bool {
        let holds = |outer: &str, inner: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut used = self.sources().flat_map(|(_, columns)| columns);
        used.any(|column| holds(column, path) || holds(path, column))
    }

    /// The mapped columns that no record of a JSON input has, in order.
    #[must_use]
    pub fn lacking_columns(&self) -> &[String] {
        &self.missing_columns
    }

    /// The attributes that are left out of a row where their value does not fit (`on_invalid = "skip"`).
    pub fn skippable(&self) -> impl Iterator<Item = &str> {
        let skippable = self
            .rules()
            .filter(|rule| rule.on_invalid == OnInvalid::Skip);
        skippable.map(|rule| rule.attribute.as_str())
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        let fields = self.fields.iter().map(|mapped| &mapped.rule);
        let properties = self.properties.iter().map(|mapped| &mapped.rule);
        self.id.iter().chain(fields).chain(properties)
    }

    pub(super) fn key_rule(&self, key: KeyField) -> Option<&Rule> {
        match key {
            KeyField::Id => self.id.as_ref(),
            KeyField::UserId => self.field_rule(Field::UserId),
            KeyField::Email => self.field_rule(Field::Email),
        }
    }

    fn field_rule(&self, field: Field) -> Option<&Rule> {
        let mapped = self.fields.iter().find(|mapped| mapped.field == field);
        mapped.map(|mapped| &mapped.rule)
    }

    fn usable_keys(
        &self,
        keys: &[KeyField],
        inputs: InputColumns<'_>,
    ) -> Result<Vec<KeyField>, SchemaError> {
        let mut usable = Vec::with_capacity(keys.len() + 1);
        if self.id.is_some() && !keys.contains(&KeyField::Id) {
            usable.push(KeyField::Id);
        }
        for &key in keys {
            if self.key_rule(key).is_some() && !usable.contains(&key) {
                usable.push(key);
            }
        }
        if usable.is_empty() && !inputs.are_unknown() {
            return Err(SchemaError::NoMatchKey {
                keys: keys.to_vec(),
                columns: inputs.names().into_iter().map(str::to_owned).collect(),
                candidates: Vec::new(),
            });
        }
        Ok(usable)
    }

    fn find_missing(&self, inputs: InputColumns<'_>) -> Vec<String> {
        if inputs.are_unknown() {
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        self.sources()
            .flat_map(|(_, columns)| columns)
            .filter(|column| !inputs.has(column) && seen.insert(*column))
            .map(str::to_owned)
            .collect()
    }

    fn find_unused(&self, inputs: InputColumns<'_>) -> Vec<String> {
        let used: BTreeSet<&str> = self.sources().flat_map(|(_, columns)| columns).collect();
        let names = inputs.names().into_iter();
        names
            .filter(|name| !used.contains(name))
            .map(str::to_owned)
            .collect()
    }
}

fn key_of(field: Field) -> Option<KeyField> {
    match field {
        Field::UserId => Some(KeyField::UserId),
        Field::Email => Some(KeyField::Email),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{KEYS, columns, schema, settings};
    use super::*;
    use crate::domain::TagMode;

    fn error(config: &str, names: &[&str]) -> String {
        schema(config, names).unwrap_err().to_string()
    }

    #[test]
    fn absent_sections_are_filled_from_the_columns() {
        let names = ["User ID", "email", "custom.plan", "Tags", "id", "Shoe size"];
        let schema = schema("", &names).unwrap();
        let fields: Vec<_> = schema.fields().map(|(field, _)| field).collect();
        assert_eq!(fields, [Field::Email, Field::UserId]);
        let properties: Vec<_> = schema.properties().collect();
        assert_eq!(properties, [("plan", CustomType::Auto, Overwrite::Default)]);
        assert_eq!(schema.tags().unwrap().mode, TagMode::Add);
        assert_eq!(schema.unused_columns(), ["id", "Shoe size"]);
        assert_eq!(schema.keys(), KEYS);
    }

    #[test]
    fn a_section_that_is_there_is_used_as_written() {
        let config = "[fields]\nemail = \"Mail\"\n[custom_data]\n[tags]\n";
        let schema = schema(config, &["Mail", "name", "custom.x", "tags"]).unwrap();
        assert_eq!(schema.fields().count(), 1);
        assert_eq!(schema.properties().count(), 0);
        assert!(schema.tags().is_none());
        assert_eq!(schema.unused_columns(), ["name", "custom.x", "tags"]);
        assert_eq!(schema.keys(), [KeyField::Email]);
    }

    #[test]
    fn overwrite_and_types_are_exposed_for_ownership() {
        let config = "[fields]\nemail = \"e\"\nblocked = { column = \"b\", overwrite = \"always\" }\n\
            phone = { column = \"p\", overwrite = \"if_empty\" }\n\
            [custom_data]\nmrr = { column = \"m\", type = \"number\", overwrite = \"if_unedited\" }\n";
        let schema = schema(config, &["e", "b", "p", "m"]).unwrap();
        let fields: Vec<_> = schema.fields().collect();
        let expected = [
            (Field::Email, Overwrite::Default),
            (Field::Phone, Overwrite::IfEmpty),
            (Field::Blocked, Overwrite::Always),
        ];
        assert_eq!(fields, expected);
        let properties: Vec<_> = schema.properties().collect();
        let expected = ("mrr", CustomType::Number, Overwrite::IfUnedited);
        assert_eq!(properties, [expected]);
    }

    #[test]
    fn names_that_are_not_there_name_the_nearest() {
        let unknown = error("[fields]\nuser_id = \"x\"", &["x"]);
        assert!(
            unknown.contains("`user_id`") && unknown.contains("`userId`"),
            "{unknown}"
        );
        let section = error("[fields]\ntags = \"x\"", &["x"]);
        assert!(section.contains("[tags]"), "{section}");
        let column = error("[fields]\nemail = \"Emial\"", &["Email", "Name"]);
        assert!(
            column.contains("`Emial`") && column.contains("`Email`"),
            "{column}"
        );
        let tags = error("[tags]\ncolumn = \"Tgas\"", &["email", "Tags"]);
        assert!(tags.contains("`Tags`"), "{tags}");
        let removed = error("[tags]\nremove_column = \"x\"", &["email", "Tags"]);
        assert!(removed.contains("tags to remove"), "{removed}");
    }

    #[test]
    fn two_columns_for_one_field_are_named_both() {
        let found = error("", &["email", "E-Mail"]);
        assert!(found.contains("`email` and `E-Mail`"), "{found}");
        let twice = error("[fields]\nemail = \"Mail\"", &["Mail", "x", "Mail"]);
        assert!(
            twice.contains("column 1") && twice.contains("column 3"),
            "{twice}"
        );
        assert!(error("", &["tags", "Tags", "email"]).contains("`tags` and `Tags`"));
        assert!(schema("", &["email", "unused", "unused"]).is_ok());
    }

    #[test]
    fn a_column_has_to_be_in_one_of_several_inputs() {
        let (one, other) = (columns(&["email", "name"]), columns(&["E-mail", "plan"]));
        let written = settings("[custom_data]\nplan = \"plan\"");
        let schema = Schema::new(&written, &KEYS, &[&one, &other]).unwrap();
        // Each input's own spelling of a found field is used, and none of them is left over.
        assert_eq!(schema.unused_columns(), [""; 0]);
        let written = settings("[custom_data]\nplan = \"plam\"");
        assert!(Schema::new(&written, &KEYS, &[&one, &other]).is_err());
    }

    #[test]
    fn a_column_that_no_object_has_may_be_named() {
        let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        let objects = Columns::of_objects(names(&["email", "a"]));
        let written = settings(
            "[fields]\nemail = \"email\"\nname = \"full name\"\ncompany = { template = \"{{ a }} {{ b }}\" }\n[custom_data]\nplan = \"plan\"",
        );
        let schema = Schema::new(&written, &KEYS, &[&objects]).unwrap();
        assert_eq!(schema.lacking_columns(), ["full name", "b", "plan"]);
        let table = columns(&["email", "a"]);
        assert!(Schema::new(&written, &KEYS, &[&table]).is_err());
        let both = Schema::new(&written, &KEYS, &[&table, &objects]);
        assert!(both.is_ok());
    }

    #[test]
    fn ten_thousand_columns_are_bound_in_one_go() {
        let all: Vec<String> = (0..10_000).map(|n| format!("custom.p{n}")).collect();
        let mut found: Vec<&str> = all.iter().map(String::as_str).collect();
        found.push("email");
        let schema = schema("", &found).unwrap();
        assert_eq!(schema.properties().count(), 10_000);
        let rules: String = (0..10_000)
            .map(|n| format!("p{n} = \"custom.p{n}\"\n"))
            .collect();
        let config = format!("[fields]\nemail = \"email\"\n[custom_data]\n{rules}");
        let schema = super::super::fixture::schema(&config, &found).unwrap();
        assert_eq!(schema.properties().count(), 10_000);
        assert!(schema.unused_columns().is_empty());
    }

    #[test]
    fn options_that_do_not_fit_are_errors() {
        for (rule, word) in [
            ("name = { column = \"c\", type = \"number\" }", "`type`"),
            ("name = { column = \"c\", format = \"%Y\" }", "`format`"),
            (
                "name = { column = \"c\", timezone = \"UTC\" }",
                "`timezone`",
            ),
            ("name = { column = \"c\", default = \"x\" }", "`map`"),
            ("name = { column = \"c\", decimal = \",\" }", "`decimal`"),
            ("name = { column = \"c\", region = \"UA\" }", "`region`"),
            (
                "phone = { column = \"c\", region = \"Ukraine\" }",
                "not a region",
            ),
            (
                "name = { column = \"c\", true_values = [\"ja\"] }",
                "`true_values`",
            ),
            (
                "blocked = { column = \"c\", true_values = [\"ja\"], false_values = [\"JA\"] }",
                "both hold `ja`",
            ),
            ("blocked = { column = \"c\", case = \"lower\" }", "`case`"),
            ("locale = { column = \"c\", case = \"lower\" }", "`case`"),
            (
                "id = { column = \"c\", overwrite = \"always\" }",
                "`overwrite`",
            ),
            ("firstSeen = { column = \"c\", type = \"text\" }", "a date"),
            (
                "firstSeen = { column = \"c\", format = \"%d.%m\" }",
                "a part of the date",
            ),
            (
                "firstSeen = { column = \"c\", timezone = \"Europe/Kyv\" }",
                "`Europe/Kyiv`",
            ),
            (
                "firstSeen = { column = \"c\", format = \"unix\", timezone = \"UTC\" }",
                "no zone",
            ),
            ("name = { column = \"c\", template = \"x\" }", "both"),
            ("name = { case = \"lower\" }", "neither"),
            ("name = { template = \"{{ c\" }", "line 1"),
        ] {
            let text = error(&format!("[fields]\nemail = \"e\"\n{rule}"), &["e", "c"]);
            assert!(text.contains(word), "{rule}: {text}");
        }
        for (rule, word) in [
            ("\"\" = \"c\"", "without a name"),
            ("p = { column = \"c\", format = \"%F\" }", "type = \"date\""),
            (
                "p = { column = \"c\", decimal = \",\" }",
                "type = \"number\"",
            ),
            (
                "p = { column = \"c\", type = \"number\", decimal = \",\", thousands = \",\" }",
                "the same",
            ),
            (
                "p = { column = \"c\", type = \"number\", thousands = \".\" }",
                "`thousands`",
            ),
            (
                "p = { column = \"c\", false_values = [\"x\"] }",
                "type = \"boolean\"",
            ),
            ("p = { column = \"c\", region = \"UA\" }", "`phone`"),
            (
                "p = { column = \"c\", type = \"number\", case = \"lower\" }",
                "`case`",
            ),
        ] {
            let text = error(&format!("[custom_data]\n{rule}"), &["email", "c"]);
            assert!(text.contains(word), "{rule}: {text}");
        }
    }

    #[test]
    fn tag_settings_that_cannot_work_are_errors() {
        for (rule, word) in [
            ("separator = \"\"", "`separator`"),
            ("always = [\" \"]", "`always`"),
            ("colors = { vip = \"reddish\" }", "`vip`"),
            ("mode = \"exact\"", "`column`"),
            ("column = \"c\"\nmode = \"managed\"", "`managed`"),
            ("column = \"c\"\nmanaged = [\"a{b\"]", "`a{b`"),
        ] {
            let text = error(&format!("[tags]\n{rule}"), &["email", "c"]);
            assert!(text.contains(word), "{rule}: {text}");
        }
    }

    #[test]
    fn without_a_match_key_the_columns_are_listed() {
        let text = error("", &["Name", "Phone"]);
        assert!(text.contains("`Name`, `Phone`"), "{text}");
        let only_email = [KeyField::Email];
        let columns = columns(&["userId"]);
        assert!(Schema::new(&settings(""), &only_email, &[&columns]).is_err());
    }

    #[test]
    fn a_mapped_id_is_a_match_key() {
        let by_id = |keys: &[KeyField], config: &str, names: &[&str]| {
            let columns = columns(names);
            let schema = Schema::new(&settings(config), keys, &[&columns]).unwrap();
            schema.keys().to_vec()
        };
        assert_eq!(
            by_id(&KEYS, "[fields]\nid = \"id\"", &["id"]),
            [KeyField::Id]
        );
        let both = "[fields]\nid = \"id\"\nemail = \"email\"";
        let listed = [KeyField::Email, KeyField::Id];
        assert_eq!(by_id(&listed, both, &["id", "email"]), listed);
        assert_eq!(
            by_id(&KEYS, both, &["id", "email"]),
            [KeyField::Id, KeyField::Email]
        );
    }

    #[test]
    fn without_known_columns_names_are_not_checked() {
        let config =
            "[fields]\nemail = \"E-mail\"\nname = { template = \"{{ a.b }} {{ row['c d'] }}\" }";
        assert!(Schema::new(&settings(config), &KEYS, &[]).is_ok());
        assert!(schema(config, &[]).is_ok());
        assert!(Schema::new(&settings(""), &KEYS, &[]).is_ok());
        assert!(Schema::new(&settings("[fields]\nnam = \"x\""), &KEYS, &[]).is_err());
    }

    #[test]
    fn columns_of_templates_count_as_used() {
        let config = "[fields]\nemail = \"e\"\ncompany = { template = \"{{ org }} {{ row['Full name'] }}\" }";
        let schema = schema(config, &["e", "org", "Full name", "x"]).unwrap();
        assert_eq!(schema.unused_columns(), ["x"]);
        let sources: Vec<_> = schema.sources().collect();
        assert_eq!(
            sources,
            [("email", vec!["e"]), ("company", vec!["Full name", "org"])]
        );
    }

    #[test]
    fn managed_tags_match_globs_and_their_own_names() {
        let config =
            "[tags]\ncolumn = \"t\"\nmode = \"managed\"\nmanaged = [\"vip\", \"plan:*\", \"a[b]\"]";
        let schema = schema(config, &["email", "t"]).unwrap();
        let names = &schema.tags().unwrap().names;
        for name in ["vip", "plan:a/b", "a[b]", "ab"] {
            assert!(names.is_match(name), "{name}");
        }
        assert!(!names.is_match("VIP") && !names.is_match("vip2"));
    }
}
