use super::terminal::{Paint, Style, clean, padding, shorten_end, text_width, wrap};

/// Where a text is read: how wide it is, and whether colour is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    width: usize,
    colour: bool,
}

impl View {
    /// Below this nothing can be aligned; such a terminal breaks the lines itself.
    const NARROWEST: usize = 40;

    /// `width` in columns; taken as 40 where it is less.
    #[must_use]
    pub fn new(width: usize, colour: bool) -> Self {
        Self {
            width: width.max(Self::NARROWEST),
            colour,
        }
    }

    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }
}

impl Default for View {
    /// 80 columns without colour: what a log or a file gets.
    fn default() -> Self {
        Self::new(80, false)
    }
}

/// A label and its count, ready to be aligned with others.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) count: String,
    pub(super) style: Style,
}

impl Figure {
    /// A figure that takes its style only where it is not zero.
    pub(super) fn new(label: impl Into<String>, count: u64, style: Style) -> Self {
        Self {
            label: label.into(),
            count: super::human_count(count),
            style: if count == 0 { Style::Dim } else { style },
        }
    }
}

/// A text under construction. Everything that is put on it is cleaned of hidden characters, and no line becomes wider
/// than the view, but for one path or command that stands on a line of its own.
#[derive(Debug)]
pub(super) struct Page {
    view: View,
    paint: Paint,
    text: String,
}

impl Page {
    pub(super) fn new(view: View) -> Self {
        Self {
            view,
            paint: Paint::new(view.colour),
            text: String::new(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.view.width
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// A heading, with an empty line before it unless it is the first.
    pub(super) fn heading(&mut self, text: &str) {
        self.gap();
        self.item("", text, Style::Heading);
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Words after a lead, broken at spaces, their further lines standing under the first.
    pub(super) fn item(&mut self, lead: &str, body: &str, style: Style) {
        let hang = text_width(lead);
        let body = clean(body);
        let room = self.view.width.saturating_sub(hang);
        for (index, line) in wrap(&body, room).iter().enumerate() {
            let margin = if index == 0 {
                lead.to_owned()
            } else {
                " ".repeat(hang)
            };
            self.text.push_str(&margin);
            self.text.push_str(&self.paint.paint(style, line));
            self.text.push('\n');
        }
    }

    /// A lead with a style of its own before an item.
    pub(super) fn led(&mut self, lead: (&str, Style), body: &str, style: Style) {
        let start = self.text.len();
        self.item(lead.0, body, style);
        let painted = self.paint.paint(lead.1, lead.0);
        if self.text.len() > start {
            self.text
                .replace_range(start..start + lead.0.len(), &painted);
        }
    }

    /// Pieces that are known to fit, each in its style, as one line.
    pub(super) fn line(&mut self, pieces: &[(&str, Style)]) {
        for (text, style) in pieces {
            self.text.push_str(&self.paint.paint(*style, &clean(text)));
        }
        self.text.push('\n');
    }

    /// A path or a command, never broken and never shortened: beside its label where there is room, else on the
    /// next line, alone.
    pub(super) fn exact(&mut self, label: &str, text: &str) {
        let text = clean(text);
        let fits = text_width(label) + text_width(&text) <= self.view.width;
        self.text
            .push_str(if fits { label } else { label.trim_end() });
        if !fits && !label.trim().is_empty() {
            self.text.push('\n');
        }
        if !fits {
            self.text.push_str("    ");
        }
        self.text.push_str(&text);
        self.text.push('\n');
    }

    /// Figures one below the other: labels to the left, counts to the right.
    pub(super) fn figures(&mut self, figures: &[Figure]) {
        for (plain, painted) in self.aligned(figures) {
            debug_assert!(text_width(&plain) <= self.view.width);
            self.text.push_str(&painted);
            self.text.push('\n');
        }
    }

    /// Two headed lists of figures beside each other, or one below the other where there is no room.
    pub(super) fn figures_beside(&mut self, left: (&str, &[Figure]), right: (&str, &[Figure])) {
        const GAP: usize = 6;
        let (first, second) = (self.aligned(left.1), self.aligned(right.1));
        let widest = |lines: &[(String, String)]| {
            lines.iter().map(|(p, _)| text_width(p)).max().unwrap_or(0)
        };
        let left_width = widest(&first).max(text_width(left.0)) + GAP;
        if left_width + widest(&second) > self.view.width {
            self.heading(left.0);
            self.figures(left.1);
            self.heading(right.0);
            self.figures(right.1);
            return;
        }
        self.gap();
        let heads = format!("{}{}{}", left.0, padding(left.0, left_width), right.0);
        self.line(&[(&heads, Style::Heading)]);
        for index in 0..first.len().max(second.len()) {
            let (plain, painted) = first.get(index).cloned().unwrap_or_default();
            let row = match second.get(index) {
                Some((_, other)) => format!("{painted}{}{other}", padding(&plain, left_width)),
                None => painted,
            };
            self.text.push_str(&row);
            self.text.push('\n');
        }
    }

    /// Plain and painted lines of figures, all of one width.
    fn aligned(&self, figures: &[Figure]) -> Vec<(String, String)> {
        const INDENT: &str = "  ";
        let count_width = figures
            .iter()
            .map(|f| f.count.len())
            .max()
            .unwrap_or(0)
            .max(7);
        let room = self
            .view
            .width
            .saturating_sub(INDENT.len() + 2 + count_width);
        let labels = figures.iter().map(|f| text_width(&clean(&f.label))).max();
        let label_width = labels.unwrap_or(0).max(12).min(room);
        let line = |figure: &Figure| {
            let label = clean(&figure.label);
            let label = shorten_end(&label, label_width);
            let space = padding(&label, label_width + 2);
            let count = format!("{:>count_width$}", figure.count);
            let painted = self.paint.paint(figure.style, &count);
            (
                format!("{INDENT}{label}{space}{count}"),
                format!("{INDENT}{label}{space}{painted}"),
            )
        };
        figures.iter().map(line).collect()
    }
}
