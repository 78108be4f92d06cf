//! What is known of an account, for people.

use super::findings::{Knowledge, Line};

/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 40;
const INDENT: &str = "    ";

/// Lays out what is known, in lines of at most `width` columns.
#[must_use]
pub fn render(knowledge: &Knowledge, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    let head = match &knowledge.probed_at {
        Some(at) => format!("How this account's API behaves, as probed until {at}:"),
        None => "Nothing was probed yet: `hcsync probe` finds out how this account's API \
                 behaves. Until then hcsync is right either way, and needs more requests."
            .to_owned(),
    };
    wrap(&mut out, &head, "", width);
    if knowledge.probed_at.is_none() {
        return out;
    }
    out.push('\n');
    for line in knowledge.findings.lines() {
        show_line(&mut out, &line, width);
    }
    if !knowledge.made.is_empty() {
        let made = knowledge.made.join(", ");
        out.push('\n');
        let text = format!(
            "Probes may have made for the whole account: {made}. The API cannot remove them; \
             HelpCrunch's settings can."
        );
        wrap(&mut out, &text, "", width);
    }
    out
}

fn show_line(out: &mut String, line: &Line, width: usize) {
    let answer = line.answer.as_deref().unwrap_or("unknown");
    wrap(out, &format!("{}: {answer}", line.question), "", width);
    let evidence = match &line.evidence {
        Some((evidence, at)) => format!("{at}: {evidence}"),
        None => "not asked yet".to_owned(),
    };
    wrap(out, &evidence, INDENT, width);
}

/// Breaks a text between words. What it wraps is ASCII, so that a character is a column.
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
    use super::super::{Finding, Findings, Lag, Tagging};
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
            batch_tags: some(Some(Tagging::Replaces)),
            search_lag: some(Some(Lag {
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
            let text = render(&knowledge, width);
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [
                "PATCH keeps properties that it does not name: yes",
                "tags in a batch: they replace those that are there",
                "search lags behind a create: 1.9 s to 4.2 s",
                "PUT keeps tags that it does not name: unknown",
                "2026-11-20T03:12:44Z: a PATCH named",
                "the largest page: unknown not asked yet",
                "tag `hcsync-probe`",
            ] {
                assert!(flat.contains(part), "{part}: {flat}");
            }
        }
    }

    #[test]
    fn before_the_first_probe_there_is_advice() {
        let text = render(&Knowledge::default(), 80);
        assert!(
            text.contains("`hcsync probe`") && text.lines().count() <= 3,
            "{text}"
        );
    }
}
