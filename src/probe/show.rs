//! Renders what is known about an account's API.

use super::findings::FindingText;
use super::knowledge::Knowledge;
use crate::domain::visible;

const MIN_WIDTH: usize = 40;
const INDENT: &str = "    ";

/// Renders the findings in lines of at most `width` columns, but at least `MIN_WIDTH`. `members`: what answers leave out, a
/// sentence each.
#[must_use]
pub fn render(knowledge: &Knowledge, members: &[String], width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let mut out = String::new();
    let head = match &knowledge.probed_at {
        Some(at) => format!("How this account's API behaves, last probed {at}:"),
        None => "Nothing was probed yet. `hcsync probe` finds out how this account's API \
                 behaves. Without it, hcsync works correctly but needs more requests."
            .to_owned(),
    };
    wrap(&mut out, &head, "", width);
    render_limits(&mut out, knowledge, width);
    if knowledge.probed_at.is_none() {
        return out;
    }
    out.push('\n');
    for text in knowledge.findings.texts() {
        render_finding(&mut out, &text, width);
    }
    for member in members {
        wrap(&mut out, member, "", width);
    }
    if !knowledge.made.is_empty() {
        let made = knowledge.made.join(", ");
        out.push('\n');
        let text = format!(
            "Probes may have added to the account: {made}. The API cannot remove them; you can do \
             so in HelpCrunch's settings."
        );
        wrap(&mut out, &text, "", width);
    }
    out
}

fn render_limits(out: &mut String, knowledge: &Knowledge, width: usize) {
    for (field, limit) in knowledge.limits.iter() {
        let refused = match limit.max_length {
            Some(max) => format!("longer than {max} characters"),
            None => "at all, since runs saw each value refused".to_owned(),
        };
        let field = visible(field);
        let text = format!("Rows are rejected for {field} {refused} (--force-field {field})");
        wrap(out, &text, "", width);
    }
}

fn render_finding(out: &mut String, text: &FindingText, width: usize) {
    let answer = text.answer.as_deref().unwrap_or("unknown");
    wrap(out, &format!("{}: {answer}", text.question), "", width);
    let evidence = match &text.evidence {
        Some((evidence, at)) => format!("{at}: {evidence}"),
        None => "not asked yet".to_owned(),
    };
    wrap(out, &evidence, INDENT, width);
}

/// Wraps a text between words. The texts are ASCII, so bytes are columns.
fn wrap(out: &mut String, text: &str, indent: &str, width: usize) {
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > width {
            out.push('\n');
            column = 0;
        }
        let before = if column == 0 { indent } else { " " };
        out.push_str(before);
        out.push_str(word);
        column += before.len() + word.len();
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::{Finding, Findings, SearchLag, TagsInUpdate};
    use super::*;

    fn some<T>(answer: Option<T>) -> Option<Finding<T>> {
        Some(Finding {
            answer,
            evidence: "a PATCH named one of the customer's two properties; the customer was looked at before and afterwards".into(),
            at: "2026-11-20T03:12:44Z".into(),
        })
    }

    #[test]
    fn answers_evidence_and_what_was_made_fit_the_width() {
        let mut knowledge = Knowledge::default();
        let findings = Findings {
            patch_merges_custom_data: some(Some(true)),
            batch_tags: some(Some(TagsInUpdate::Replaces)),
            search_lag: some(Some(SearchLag {
                over_ms: 1_900,
                within_ms: Some(4_250),
            })),
            put_keeps_tags: some(None),
            ..Findings::default()
        };
        knowledge.update(
            findings,
            vec!["tag `hcsync-probe`".into()],
            "2026-11-20T03:12:50Z".into(),
        );
        for width in [40, 80] {
            let members = ["tags that are empty: left out of lists".to_owned()];
            let text = render(&knowledge, &members, width);
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [
                "PATCH keeps properties that it does not name: yes",
                "tags in a batch: they replace the customer's tags",
                "search lags behind a create: 1.9 s to 4.2 s",
                "PUT keeps tags that it does not name: unknown",
                "2026-11-20T03:12:44Z: a PATCH named",
                "the largest page: unknown not asked yet",
                "tag `hcsync-probe`",
                "tags that are empty: left out of lists",
            ] {
                assert!(flat.contains(part), "{part}: {flat}");
            }
        }
    }

    #[test]
    fn before_the_first_probe_there_is_advice() {
        let text = render(&Knowledge::default(), &[], 80);
        assert!(
            text.contains("`hcsync probe`") && text.lines().count() <= 3,
            "{text}"
        );
    }
}
