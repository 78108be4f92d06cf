//! The shape of the code: sizes of files and functions, names of types, and circles between files.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Lines of a file before its tests, and of a function.
pub(crate) const MAX_FILE_LINES: usize = 250;
pub(crate) const MAX_FUNCTION_LINES: usize = 80;
/// Modules that may define a type of one name.
pub(crate) const MAX_MODULES_PER_TYPE: usize = 2;

/// What is measured of one file, its tests aside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) lines: usize,
    /// Functions above the limit: name, line, number of lines.
    pub(crate) long_functions: Vec<(String, usize, usize)>,
    /// Names of the types that it defines.
    pub(crate) types: BTreeSet<String>,
}

impl Shape {
    pub(crate) fn of(source: &str) -> Self {
        let file = syn::parse_file(source).expect("a file of the crate is Rust");
        let tests = file.items.iter().filter(|item| is_test(attributes(item)));
        let tests: usize = tests.map(|item| lines(item.span())).sum();
        let mut shape = Self {
            lines: source.lines().count() - tests,
            ..Self::default()
        };
        shape.visit_file(&file);
        shape
    }

    fn function(&mut self, name: &syn::Ident, span: Span) {
        let lines = lines(span);
        if lines > MAX_FUNCTION_LINES {
            let line = span.start().line;
            self.long_functions.push((name.to_string(), line, lines));
        }
    }
}

impl<'ast> Visit<'ast> for Shape {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            return;
        }
        match item {
            syn::Item::Struct(item) => drop(self.types.insert(item.ident.to_string())),
            syn::Item::Enum(item) => drop(self.types.insert(item.ident.to_string())),
            syn::Item::Trait(item) => drop(self.types.insert(item.ident.to_string())),
            syn::Item::Type(item) => drop(self.types.insert(item.ident.to_string())),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig.ident, function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            self.function(&function.sig.ident, function.block.span());
        }
        visit::visit_impl_item_fn(self, function);
    }
}

fn lines(span: Span) -> usize {
    span.end().line - span.start().line + 1
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is there for tests alone.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.path().is_ident("cfg").then_some(&attribute.meta);
        let list = condition.and_then(|meta| meta.require_list().ok());
        list.is_some_and(|list| list.tokens.to_string().starts_with("test"))
    })
}

/// Types that more modules define than may: each with its files.
pub(crate) fn crowded_names<'a>(
    shapes: impl Iterator<Item = (&'a str, &'a Shape)>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, shape) in shapes {
        for name in &shape.types {
            files.entry(name).or_default().push(path);
        }
    }
    files.retain(|_, files| files.len() > MAX_MODULES_PER_TYPE);
    files
}

/// Groups of files that import each other, in a circle. `imports`: for each file those that it names.
pub(crate) fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| (file.as_str(), reachable(imports, file)))
        .collect();
    let mut circles = Vec::new();
    for (file, others) in &reached {
        let back = |other: &&&str| reached.get(*other).is_some_and(|r| r.contains(file));
        let circle: BTreeSet<&str> = others.iter().filter(back).copied().collect();
        if circle.contains(file) && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// The files that a file imports, directly or by way of others.
fn reachable<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = imports
        .get(file)
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(imports.get(file).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

#[test]
fn tests_do_not_count() {
    let shape = Shape::of(
        "struct A;\n#[cfg(test)]\nmod tests {\n    struct B;\n    fn f() {}\n}\nfn g() {\n}\n",
    );
    assert_eq!(shape.lines, 3);
    assert_eq!(shape.types, BTreeSet::from(["A".to_owned()]));
    assert_eq!(shape.long_functions, []);
}

#[test]
fn a_long_function_and_a_circle_are_found() {
    let long = format!(
        "impl A {{\n    fn f() {{\n{}    }}\n}}\n",
        "        g();\n".repeat(80)
    );
    assert_eq!(Shape::of(&long).long_functions, [("f".to_owned(), 2, 82)]);
    let imports = |pairs: &[(&str, &[&str])]| {
        let pairs = pairs.iter().map(|(file, others)| {
            let others = others.iter().map(|other| (*other).to_owned());
            ((*file).to_owned(), others.collect())
        });
        pairs.collect::<BTreeMap<String, BTreeSet<String>>>()
    };
    let line = imports(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circles(&line).len(), 0);
    let ring = imports(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]);
    assert_eq!(circles(&ring), [BTreeSet::from(["a", "b", "c"])]);
}
