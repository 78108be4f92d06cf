//! The paths that a file names: comments, literals and test code are left out, and `use a::{b, c::d}` is split up.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Word(String),
    /// `::`
    Separator,
    /// The first colon of one.
    HalfSeparator,
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Separator | Kind::HalfSeparator | Kind::Mark(_) => None,
        }
    }

    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// A path as it is written, with the groups of a `use` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

impl NamedPath {
    /// Whether these segments stand in it side by side.
    pub(crate) fn mentions(&self, segments: &[&str]) -> bool {
        self.segments
            .windows(segments.len())
            .any(|window| window == segments)
    }
}

/// The tokens of a file: comments are none, and literals are left out.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let stream: TokenStream = source.parse().expect("a file of the crate is Rust");
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(word) => push(tokens, Kind::Word(word.to_string()), word.span()),
            TokenTree::Literal(_) => {}
            TokenTree::Punct(mark) => match (tokens.last(), mark.as_char()) {
                (Some(Token { kind, .. }), ':') if *kind == Kind::HalfSeparator => {
                    let last = tokens.last_mut().expect("it was just seen");
                    last.kind = Kind::Separator;
                }
                (_, ':') if mark.spacing() == Spacing::Joint => {
                    push(tokens, Kind::HalfSeparator, mark.span());
                }
                (_, other) => push(tokens, Kind::Mark(other), mark.span()),
            },
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::None => continue,
                };
                push(tokens, Kind::Mark(open), group.span_open());
                flatten(group.stream(), tokens);
                push(tokens, Kind::Mark(close), group.span_close());
            }
        }
    }
}

fn push(tokens: &mut Vec<Token>, kind: Kind, span: Span) {
    let line = span.start().line;
    tokens.push(Token { kind, line });
}

/// The tokens without `#[cfg(test)]` items, and the names of the test modules that lie in files of their own.
pub(crate) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        let attribute = attribute(rest);
        if attribute.is_some_and(is_cfg_test) {
            let (item, after) = rest.split_at(item_length(rest));
            modules.extend(module_in_own_file(item));
            rest = after;
        } else {
            kept.push(token.clone());
            rest = after;
        }
    }
    (kept, modules)
}

/// The tokens of an attribute that begins here, brackets and all.
fn attribute(tokens: &[Token]) -> Option<&[Token]> {
    if !(tokens.first()?.is('#') && tokens.get(1)?.is('[')) {
        return None;
    }
    let mut depth = 0_u32;
    let end = tokens.iter().position(|token| {
        depth += u32::from(token.is('['));
        depth -= u32::from(token.is(']'));
        token.is(']') && depth == 0
    })?;
    tokens.get(..=end)
}

/// `cfg(test)`, or `cfg(all(test, …))`.
fn is_cfg_test(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    match words.as_slice() {
        ["cfg", "test"] => true,
        ["cfg", "all", more @ ..] => more.contains(&"test") && !more.contains(&"not"),
        _ => false,
    }
}

/// To the end of the item: its attributes, and then a `;` or a block.
fn item_length(tokens: &[Token]) -> usize {
    let mut start = 0;
    while let Some(attribute) = tokens.get(start..).and_then(attribute) {
        start += attribute.len();
    }
    let mut depth = 0_i32;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token.is(';') || token.is('}')) {
            return index + 1;
        }
    }
    tokens.len()
}

fn module_in_own_file(item: &[Token]) -> Option<String> {
    let [.., keyword, name, end] = item else {
        return None;
    };
    (keyword.word() == Some("mod") && end.is(';'))
        .then(|| name.word().map(str::to_owned))
        .flatten()
}

pub(crate) fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = if token.word().is_some() {
            path(rest, &[], &mut found)
        } else {
            after
        };
    }
    found
}

/// Reads the path that begins here, behind a prefix; gives what comes after it.
fn path<'t>(mut rest: &'t [Token], prefix: &[String], found: &mut Vec<NamedPath>) -> &'t [Token] {
    let mut segments = prefix.to_vec();
    let line = rest.first().map_or(0, |token| token.line);
    loop {
        match rest {
            [word, separator, after @ ..]
                if word.word().is_some() && separator.kind == Kind::Separator =>
            {
                segments.extend(word.word().map(str::to_owned));
                rest = after;
            }
            [word, after @ ..] if word.word().is_some() => {
                segments.extend(word.word().map(str::to_owned));
                found.push(NamedPath { segments, line });
                return after;
            }
            [brace, after @ ..] if brace.is('{') => return group(after, &segments, found),
            [star, after @ ..] if star.is('*') => {
                segments.push("*".to_owned());
                found.push(NamedPath { segments, line });
                return after;
            }
            _ => {
                found.push(NamedPath { segments, line });
                return rest;
            }
        }
    }
}

fn group<'t>(mut rest: &'t [Token], prefix: &[String], found: &mut Vec<NamedPath>) -> &'t [Token] {
    while let Some((token, after)) = rest.split_first() {
        match &token.kind {
            Kind::Mark('}') => return after,
            Kind::Word(_) | Kind::Mark('{' | '*') => rest = path(rest, prefix, found),
            Kind::Separator | Kind::HalfSeparator | Kind::Mark(_) => rest = after,
        }
    }
    rest
}
