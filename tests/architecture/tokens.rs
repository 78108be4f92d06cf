//! Just enough of Rust's grammar to see which paths a file names: comments, strings and test code are left out, and
//! `use a::{b, c::d}` is taken apart.

use std::iter::Peekable;
use std::str::Chars;

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
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Separator | Kind::Mark(_) => None,
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

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    tokens: Vec<Token>,
}

pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: source.chars().peekable(),
        line: 1,
        tokens: Vec::new(),
    };
    while let Some(character) = lexer.next() {
        lexer.token(character);
    }
    lexer.tokens
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn next_is(&mut self, expected: char) -> bool {
        self.rest.peek() == Some(&expected)
    }

    fn push(&mut self, kind: Kind) {
        self.tokens.push(Token {
            kind,
            line: self.line,
        });
    }

    fn token(&mut self, character: char) {
        match character {
            '/' if self.next_is('/') => while self.next().is_some_and(|c| c != '\n') {},
            '/' if self.next_is('*') => self.block_comment(),
            '"' => self.string(),
            '\'' => self.character_or_lifetime(),
            ':' if self.next_is(':') => {
                self.next();
                self.push(Kind::Separator);
            }
            c if c.is_alphanumeric() || c == '_' => self.word(c),
            c if c.is_whitespace() => {}
            c => self.push(Kind::Mark(c)),
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        let mut last = '/';
        while let Some(character) = self.next() {
            match (last, character) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = character;
                    continue;
                }
            }
            last = ' ';
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        while let Some(character) = self.next() {
            match character {
                '\\' => drop(self.next()),
                '"' => return,
                _ => {}
            }
        }
    }

    /// From behind the `r` to the end of `r#"…"#`; a raw identifier is left to be read as a word.
    fn raw_string(&mut self) {
        let mut hashes = 0_usize;
        while self.next_is('#') {
            self.next();
            hashes += 1;
        }
        if !self.next_is('"') {
            return;
        }
        self.next();
        let mut closing = None;
        while let Some(character) = self.next() {
            closing = match (character, closing) {
                ('"', _) => Some(0),
                ('#', Some(seen)) => Some(seen + 1),
                _ => None,
            };
            if closing == Some(hashes) {
                return;
            }
        }
    }

    /// `'a'` and `'\n'` are left out; of `'a` only the name stays, which no rule asks for.
    fn character_or_lifetime(&mut self) {
        match self.next() {
            Some('\\') => {
                self.next();
                while self.next().is_some_and(|c| c != '\'') {}
            }
            Some(_) if self.next_is('\'') => drop(self.next()),
            Some(first) if first.is_alphabetic() || first == '_' => {
                while self
                    .rest
                    .next_if(|c| c.is_alphanumeric() || *c == '_')
                    .is_some()
                {}
            }
            _ => {}
        }
    }

    fn word(&mut self, first: char) {
        let mut word = String::from(first);
        while let Some(more) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(more);
        }
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        if raw && (self.next_is('"') || self.next_is('#')) {
            self.raw_string();
        } else {
            self.push(Kind::Word(word));
        }
    }
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
            Kind::Separator | Kind::Mark(_) => rest = after,
        }
    }
    rest
}
