//! Tables whose columns of names give way where a line is too wide.

use std::ops::Range;

use super::page::TextPage;
use super::terminal::{Style, padding, shorten_end, text_width};

const GAP: &str = "  ";
/// A name is shortened to no less.
const MIN_NAME: usize = 8;

/// The columns of a table.
pub(super) struct Table<const N: usize> {
    pub(super) heads: [&'static str; N],
    /// Columns that are shortened if a line is too wide.
    pub(super) names: Range<usize>,
    /// Columns that are aligned to the right.
    pub(super) figures: Range<usize>,
}

impl<const N: usize> Table<N> {
    pub(super) fn render(&self, page: &mut TextPage, lines: &[(Style, [String; N])]) {
        let mut widths = self.heads.map(text_width);
        for (_, line) in lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(text_width(cell));
            }
        }
        let all = |widths: &[usize; N]| widths.iter().sum::<usize>() + GAP.len() * N;
        while all(&widths) > page.width() {
            let names = widths.get_mut(self.names.clone()).unwrap_or_default();
            match names.iter_mut().max_by_key(|width| **width) {
                Some(width) if *width > MIN_NAME => *width -= 1,
                _ => break,
            }
        }
        let heads = self.heads.map(str::to_owned);
        self.render_line(page, &heads, &widths, Style::Heading);
        for (style, line) in lines {
            self.render_line(page, line, &widths, *style);
        }
    }

    fn render_line(
        &self,
        page: &mut TextPage,
        cells: &[String; N],
        widths: &[usize; N],
        style: Style,
    ) {
        let mut text = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let cell = match self.names.contains(&at) {
                true => shorten_end(cell, *width),
                false => cell.as_str().into(),
            };
            let space = padding(&cell, *width);
            text.push_str(GAP);
            match self.figures.contains(&at) {
                true => text.push_str(&format!("{space}{cell}")),
                false => text.push_str(&format!("{cell}{space}")),
            }
        }
        let text = text.trim_end();
        match text_width(text) <= page.width() {
            true => page.line(&[(text, style)]),
            false => page.item(GAP, text.trim_start(), style),
        }
    }
}
