use jiff::tz::TimeZone;

use super::terminal::{Paint, Style, clean, padding, shorten_end, text_width, wrap};

static UTC: TimeZone = TimeZone::UTC;

/// How a text is laid out: width, colour, time zone, and whether only its first screen is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    width: usize,
    colour: bool,
    zone: &'static TimeZone,
    is_brief: bool,
}

impl View {
    /// Nothing can be aligned in less; a narrower terminal breaks the lines itself.
    const MIN_WIDTH: usize = 40;

    /// `width` in columns, at least 40.
    pub fn new(width: usize, colour: bool) -> Self {
        Self {
            width: width.max(Self::MIN_WIDTH),
            colour,
            zone: &UTC,
            is_brief: false,
        }
    }

    /// With times also in this zone.
    pub fn in_zone(self, zone: &'static TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// Only the first screen: what is below it is left out.
    pub fn brief(self, is_brief: bool) -> Self {
        Self { is_brief, ..self }
    }

    pub(super) fn is_brief(self) -> bool {
        self.is_brief
    }

    pub(super) fn zone(self) -> &'static TimeZone {
        self.zone
    }

    pub fn width(self) -> usize {
        self.width
    }
}

impl Default for View {
    /// 80 columns without colour, for logs and files.
    fn default() -> Self {
        Self::new(80, false)
    }
}

/// A labelled count, to be aligned with others.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) count: String,
    pub(super) style: Style,
}

impl Figure {
    /// A figure in this style, or dimmed if it is zero.
    pub(super) fn new(label: impl Into<String>, count: u64, style: Style) -> Self {
        Self {
            label: label.into(),
            count: super::human_count(count),
            style: if count == 0 { Style::Dim } else { style },
        }
    }
}

/// Builds a text. Hidden characters are escaped, and no line is wider than the view, except for a path or command on a line of
/// its own.
#[derive(Debug)]
pub(super) struct TextPage {
    view: View,
    paint: Paint,
    text: String,
}

impl TextPage {
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

    pub(super) fn lines(&self) -> usize {
        self.text.matches('\n').count()
    }

    /// Adds all of another page.
    pub(super) fn append(&mut self, page: &Self) {
        self.text.push_str(&page.text);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Adds a heading, after an empty line unless it is the first.
    pub(super) fn heading(&mut self, text: &str) {
        self.gap();
        self.item("", text, Style::Heading);
    }

    /// Adds an empty line unless the page is empty.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Adds words after a lead, wrapped at spaces and indented by the width of the lead.
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

    /// Like [`item`](Self::item), with a style for the lead.
    pub(super) fn led(&mut self, lead: (&str, Style), body: &str, style: Style) {
        let start = self.text.len();
        self.item(lead.0, body, style);
        let painted = self.paint.paint(lead.1, lead.0);
        if self.text.len() > start {
            self.text
                .replace_range(start..start + lead.0.len(), &painted);
        }
    }

    /// Adds pieces, each in its style, in one line if they fit, else wrapped and in one style.
    pub(super) fn pieces(&mut self, pieces: &[(&str, Style)], style: Style) {
        let text: String = pieces.iter().map(|(text, _)| *text).collect();
        match text_width(&clean(&text)) <= self.view.width {
            true => self.line(pieces),
            false => self.item("", &text, style),
        }
    }

    /// Adds one line of pieces, each in its style. The caller makes sure that they fit.
    pub(super) fn line(&mut self, pieces: &[(&str, Style)]) {
        for (text, style) in pieces {
            self.text.push_str(&self.paint.paint(*style, &clean(text)));
        }
        self.text.push('\n');
    }

    /// Adds a path or command, never wrapped or shortened: after its label if there is room, else on the next line.
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

    /// Adds figures below each other: labels to the left, counts to the right.
    pub(super) fn figures(&mut self, figures: &[Figure]) {
        for (plain, painted) in self.aligned(figures) {
            debug_assert!(text_width(&plain) <= self.view.width);
            self.text.push_str(&painted);
            self.text.push('\n');
        }
    }

    /// Returns figures as plain and as painted lines, all of the same width.
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
