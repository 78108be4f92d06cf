//! Draws cases from a seed: few values, so that duplicates, conflicts and ambiguities are frequent.

use fastrand::Rng;

use super::case::Case;
use super::customer::FLAG_FIELDS;
use super::input::FileFormat;
use super::setup::{
    Duplicates, Key, Kind, LetterCase, Mode, OnAmbiguous, Origin, Overwrite, Part, Rule, Setup,
    Strategy, TagMode, Tags,
};

pub(crate) const NO_VALUE: &str = "N/A";

/// Attributes of `[fields]` with their columns in the input.
pub(crate) const FIELD_COLUMNS: [(&str, &str); 11] = [
    ("name", "person.name"),
    ("phone", "tel"),
    ("source", "via"),
    ("referer", "ref"),
    ("lastPage", "page"),
    ("notes", "memo"),
    ("locale", "lang"),
    ("firstSeen", "signed"),
    ("lastSeen", "seen"),
    ("unsubscribed", "unsub"),
    ("blocked", "block"),
];

const PROPERTY_COLUMNS: [(&str, &str, Kind); 5] = [
    ("plan", "deal.plan", Kind::Auto),
    ("mrr", "mrr", Kind::Number),
    ("is annual", "annual", Kind::Boolean),
    ("due", "due", Kind::Date),
    ("code", "code", Kind::Text),
];

pub(crate) fn case(seed: u64) -> Case {
    let mut draw = Draw {
        rng: Rng::with_seed(seed),
        flaws: Rng::with_seed(seed ^ 0x00f1_a455),
    };
    let format = draw.pick(&[FileFormat::Csv, FileFormat::Jsonl]);
    let setup = draw.setup();
    let input = draw.input(&setup, format);
    let customers = draw.customers();
    Case {
        seed,
        setup,
        input,
        customers,
    }
}

pub(crate) struct Draw {
    pub(crate) rng: Rng,
    /// What damages and pads cells: of its own, so that the rest of a case is the same with and without.
    pub(crate) flaws: Rng,
}

impl Draw {
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())].clone()
    }

    pub(crate) fn some<T: Clone>(&mut self, from: &[T], percent: u32) -> Vec<T> {
        let mut some = from.to_vec();
        some.retain(|_| self.chance(percent));
        some
    }

    fn setup(&mut self) -> Setup {
        let inferred = self.chance(15);
        let (fields, custom_data, tags) = if inferred {
            self.inferred()
        } else {
            (self.fields(), self.properties(), self.tags())
        };
        let mut setup = Setup {
            keys: Vec::new(),
            on_ambiguous: self.pick(&[
                OnAmbiguous::Reject,
                OnAmbiguous::Skip,
                OnAmbiguous::Oldest,
                OnAmbiguous::Newest,
            ]),
            on_conflict_creates: self.chance(40),
            fields,
            custom_data,
            tags,
            inferred,
            clear_empty_cells: self.chance(50),
            duplicates: self.pick(&[
                Duplicates::Reject,
                Duplicates::First,
                Duplicates::Last,
                Duplicates::Merge,
            ]),
            mode: self.pick(&[
                Mode::Upsert,
                Mode::Upsert,
                Mode::Upsert,
                Mode::Create,
                Mode::Update,
            ]),
            null_values: if self.chance(50) {
                vec![NO_VALUE]
            } else {
                Vec::new()
            },
            repairs: self.flaws.u32(0..100) < 70,
            trim: self.flaws.u32(0..100) < 70,
            strategy: self.pick(&[Strategy::Auto, Strategy::List, Strategy::Lookup]),
        };
        setup.keys = self.keys(&setup);
        setup
    }

    /// The default, or some of those that are mapped in any order.
    fn keys(&mut self, setup: &Setup) -> Vec<Key> {
        let mapped = |key: &Key| setup.fields.iter().any(|rule| rule.attribute == key.name());
        if self.chance(40) {
            return vec![Key::UserId, Key::Email];
        }
        let mut keys: Vec<Key> = [Key::Id, Key::UserId, Key::Email]
            .into_iter()
            .filter(mapped)
            .collect();
        self.rng.shuffle(&mut keys);
        let keep = self.rng.usize(1..=keys.len());
        keys.truncate(keep);
        // An id alone leaves rows without one no key; keep some other mapped key most of the time.
        keys
    }

    /// Columns that name what they are for, so that a config need not say it.
    fn inferred(&mut self) -> (Vec<Rule>, Vec<Rule>, Option<Tags>) {
        let mut fields = vec![Rule::plain("email", "E-Mail")];
        for (field, column) in [
            ("userId", "user_id"),
            ("name", "NAME"),
            ("firstSeen", "First seen"),
            ("unsubscribed", "unsubscribed"),
            ("lastPage", "last-page"),
        ] {
            if self.chance(60) {
                fields.push(Rule::plain(field, column));
            }
        }
        let mut properties = Vec::new();
        if self.chance(50) {
            properties.push(Rule::plain("plan", "customData.plan"));
        }
        if self.chance(50) {
            properties.push(Rule::plain("code", "custom.code"));
        }
        let tags = self.chance(60).then(|| Tags {
            column: Some("tags".to_owned()),
            separator: ";",
            always: Vec::new(),
            remove_column: None,
            mode: TagMode::Add,
            managed: Vec::new(),
            colors: Vec::new(),
        });
        (fields, properties, tags)
    }

    fn fields(&mut self) -> Vec<Rule> {
        let mut fields = Vec::new();
        let which = self.rng.u32(0..10);
        if which != 0 {
            fields.push(self.tuned(Rule::plain("userId", "uid")));
        }
        if which != 1 {
            let mut rule = Rule::plain("email", "mail");
            rule.case = self.chance(30).then_some(LetterCase::Lower);
            fields.push(self.tuned(rule));
        }
        if self.chance(20) {
            fields.push(Rule::plain("id", "hc"));
        }
        for (field, column) in FIELD_COLUMNS {
            if self.chance(30) {
                let mut rule = Rule::plain(field, column);
                self.refine(&mut rule);
                fields.push(self.tuned(rule));
            }
        }
        if self.chance(30) {
            let mut rule = Rule::plain("company", "org");
            if self.chance(70) {
                rule.origin = Origin::Template(vec![
                    Part::Column("org".to_owned()),
                    Part::Literal(" ("),
                    Part::Column("country".to_owned()),
                    Part::Literal(")"),
                ]);
            }
            fields.push(self.tuned(rule));
        }
        fields
    }

    fn refine(&mut self, rule: &mut Rule) {
        match rule.attribute.as_str() {
            "name" if self.chance(20) => {
                rule.case = Some(self.pick(&[LetterCase::Lower, LetterCase::Upper]));
            }
            "locale" if self.chance(60) => {
                rule.map = vec![("Ukrainian", "uk"), ("English", "en")];
                rule.default = self.chance(50).then_some("en");
            }
            "firstSeen" | "lastSeen" => self.refine_date(rule),
            _ => {}
        }
    }

    fn refine_date(&mut self, rule: &mut Rule) {
        if self.chance(50) {
            rule.kind = Some(Kind::Date);
        }
        if rule.kind.is_some() && self.chance(50) {
            rule.format = Some("%d.%m.%Y");
            rule.timezone = self.chance(50).then_some("Europe/Kyiv");
        }
    }

    fn tuned(&mut self, mut rule: Rule) -> Rule {
        let is_flag = FLAG_FIELDS.contains(&rule.attribute.as_str());
        rule.overwrite = match self.rng.u32(0..100) {
            0..20 => Some(Overwrite::Always),
            // A flag always has a value, so that the word means nothing for it.
            20..40 if !is_flag => Some(Overwrite::IfEmpty),
            40..55 if !is_flag => Some(Overwrite::IfUnedited),
            _ => None,
        };
        rule
    }

    fn properties(&mut self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (property, column, kind) in PROPERTY_COLUMNS {
            if !self.chance(30) {
                continue;
            }
            let mut rule = Rule::plain(property, column);
            rule.kind = (kind != Kind::Auto || self.chance(20)).then_some(kind);
            if kind == Kind::Date {
                self.refine_date(&mut rule);
                rule.kind = Some(Kind::Date);
            }
            if property == "code" && self.chance(30) {
                rule.map = vec![("x", "mapped"), ("y", "15")];
                rule.default = self.chance(50).then_some("other");
            }
            rules.push(self.tuned(rule));
        }
        rules
    }

    fn tags(&mut self) -> Option<Tags> {
        if self.chance(40) {
            return None;
        }
        let mut tags = Tags {
            column: self.chance(80).then(|| "labels".to_owned()),
            separator: self.pick(&[";", "|"]),
            always: self.some(&["imported", "vip"], 30),
            remove_column: self.chance(40).then(|| "drop".to_owned()),
            mode: self.pick(&[TagMode::Add, TagMode::Exact, TagMode::Managed]),
            managed: self.pick(&[vec!["vip", "plan:*"], vec!["plan:*"], vec!["*"]]),
            colors: self.some(&[("vip", "#ff0000"), ("lead", "blue")], 50),
        };
        if tags.column.is_none() {
            // The other modes are refused where no column says which tags a row has.
            tags.mode = TagMode::Add;
        }
        if tags.column.is_none() && tags.remove_column.is_none() && tags.always.is_empty() {
            tags.always.push("imported");
        }
        Some(tags)
    }
}
