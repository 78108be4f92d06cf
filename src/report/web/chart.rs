//! Plots as SVG. Their colours are classes of the page's style.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::account_history::number;
use super::super::terminal::{clean, human_count};
use super::shell::escaped;

/// A plot, or bars with their figures.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) note: Option<String>,
    /// Markup.
    pub(super) picture: Option<String>,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Bar {
    label: String,
    count: String,
    /// Of the longest, in percent.
    share: f64,
    /// `new`, `good`, `warn`, `bad` or `quiet`.
    kind: &'static str,
}

/// Bars that are as long as their counts; those without one are left out.
pub(super) fn bars(counts: &[(&str, u64, &'static str)]) -> Vec<Bar> {
    let most = counts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let some = counts.iter().filter(|(_, count, _)| *count > 0);
    let bars = some.map(|(label, count, kind)| Bar {
        label: clean(label).into_owned(),
        count: human_count(*count),
        share: tenths(100.0 * number(*count) / number(most)),
        kind,
    });
    bars.collect()
}

/// One bar of parts, each as wide as its share. What it shows has to stand beside it as text.
pub(super) fn stacked(parts: &[(u64, &'static str)]) -> String {
    let total: u64 = parts.iter().map(|(count, _)| count).sum();
    let mut svg = String::from(
        "<svg viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"1000\" height=\"20\" class=\"fill-line\"/>",
    );
    let mut x = 0.0;
    for (count, kind) in parts.iter().filter(|(count, _)| *count > 0) {
        let width = 1000.0 * number(*count) / number(total);
        // Writing to a text does not fail.
        let _ = write!(
            svg,
            "<rect x=\"{}\" width=\"{}\" height=\"20\" class=\"fill-{kind}\"/>",
            tenths(x),
            tenths(width.max(1.0))
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

/// A column of a [`columns`] plot: what it is about, and its parts from below.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) parts: Vec<(f64, &'static str)>,
}

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 130.0;
/// Room for the axis on the left, and for labels above and below.
const LEFT: f64 = 44.0;
const ABOVE: f64 = 8.0;
const BELOW: f64 = 18.0;

/// Columns over time. `title` is what a screen reader says; `unit` turns a figure into text.
pub(super) fn columns(title: &str, columns: &[Column], unit: impl Fn(f64) -> String) -> String {
    let sum = |column: &Column| column.parts.iter().map(|(figure, _)| figure).sum::<f64>();
    let most = columns.iter().map(sum).fold(0.0, f64::max);
    let scale = if most > 0.0 {
        (HEIGHT - ABOVE - BELOW) / most
    } else {
        0.0
    };
    let step = (WIDTH - LEFT) / number(columns.len().max(1) as u64);
    let floor = HEIGHT - BELOW;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><line x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{WIDTH}\" \
         y2=\"{floor}\" class=\"axis\"/><line x1=\"{LEFT}\" y1=\"{ABOVE}\" x2=\"{WIDTH}\" y2=\"{ABOVE}\" class=\"axis\"/>\
         <text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{}</text><text x=\"{x}\" y=\"{floor}\" text-anchor=\"end\">0</text>",
        escaped(&clean(title)),
        escaped(&unit(most)),
        x = LEFT - 5.0,
        y = ABOVE + 6.0,
    );
    for (index, column) in columns.iter().enumerate() {
        let x = LEFT + step * number(index as u64);
        let _ = write!(svg, "<g><title>{}</title>", escaped(&clean(&column.label)));
        let mut y = floor;
        for (figure, kind) in &column.parts {
            let height = figure * scale;
            y -= height;
            let _ = write!(
                svg,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"fill-{kind}\"/>",
                tenths(x),
                tenths(y),
                tenths((step * 0.85).clamp(0.5, 32.0)),
                tenths(height)
            );
        }
        svg.push_str("</g>");
    }
    let ends = [
        (columns.first(), LEFT, "start"),
        (columns.last(), WIDTH, "end"),
    ];
    let count = if columns.len() > 1 { 2 } else { 1 };
    for (column, x, anchor) in ends.into_iter().take(count) {
        let label = column.map_or("", |column| column.label.split(": ").next().unwrap_or(""));
        let y = HEIGHT - 4.0;
        let label = escaped(&clean(label));
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{label}</text>"
        );
    }
    svg.push_str("</svg>");
    svg
}

fn tenths(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_shares_of_the_longest() {
        let bars = bars(&[
            ("a", 10, "new"),
            ("none", 0, "bad"),
            ("b\u{202e}", 3, "good"),
        ]);
        let shares: Vec<_> = bars
            .iter()
            .map(|bar| (bar.label.as_str(), bar.share))
            .collect();
        assert_eq!(shares, [("a", 100.0), ("b\\u{202e}", 30.0)]);
    }

    #[test]
    fn nothing_at_all_is_a_picture_too() {
        assert!(!stacked(&[(0, "new")]).contains("fill-new"));
        let picture = columns("none", &[], |figure| figure.to_string());
        assert!(
            picture.ends_with("</svg>") && !picture.contains("NaN"),
            "{picture}"
        );
    }

    #[test]
    fn a_label_is_text_and_no_markup() {
        let column = Column {
            label: "<script>\": 5".into(),
            parts: vec![(1.0, "new")],
        };
        let picture = columns("\"><script>", &[column], |_| "<b>".into());
        assert!(
            !picture.contains("<script") && !picture.contains("<b>"),
            "{picture}"
        );
    }
}
