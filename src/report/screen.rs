//! A first screen: facts at the top, then what needs attention, as far as it fits.

use crate::plan::Destination;

use super::page::{TextPage, View};
use super::terminal::{Style, plural};

/// Lines of the first screen: those of a terminal, but for the prompt.
const MAX_LINES: usize = 23;

/// Adds a heading and as many of the items as fit beside `reserved` further lines, at least one. Returns the rest.
pub(super) fn render_first<'a>(
    page: &mut TextPage,
    heading: &str,
    items: &'a [TextPage],
    reserved: usize,
) -> &'a [TextPage] {
    let mut shown = 0;
    for item in items {
        // Two for the heading, one to count what is left out.
        let lines = page.lines() + reserved + if shown == 0 { 3 } else { 1 };
        if shown > 0 && lines + item.lines() > MAX_LINES {
            break;
        }
        if shown == 0 {
            page.heading(heading);
        }
        page.append(item);
        shown += 1;
    }
    items.get(shown..).unwrap_or_default()
}

/// Says how many items were left out.
pub(super) fn render_left_out(page: &mut TextPage, items: usize) {
    if items > 0 {
        let more = plural(items as u64, "more problem", "more problems");
        page.item("  ", &format!("and {more}"), Style::Dim);
    }
}

/// Returns where changes go, in a few words.
pub fn describe_target(target: &Destination) -> String {
    let host = target.host();
    let place = match (&target.account, &target.organization, &target.account_id) {
        _ if target.sandbox => "the sandbox in this process; nothing reaches HelpCrunch".to_owned(),
        (Some(name), Some(called), _) => format!("account {name} ({called}) at {host}"),
        (Some(name), None, _) => format!("account {name} at {host}"),
        (None, Some(called), _) => format!("account {called} at {host}"),
        (None, None, Some(id)) => format!("account {id} (unnamed) at {host}"),
        (None, None, None) => host.to_owned(),
    };
    match target.dry_run {
        true => format!("{place} (dry run: nothing is written)"),
        false => place,
    }
}

/// An item of one sentence.
pub(super) fn sentence(view: View, mark: &str, text: &str, style: Style) -> TextPage {
    let mut page = TextPage::new(view);
    page.led((&format!("  {mark} "), style), text, Style::Plain);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_host_and_mode_are_named() {
        let live = Destination {
            account: Some("production".into()),
            account_id: Some("n-production-1".into()),
            base_url: "https://api.helpcrunch.com/v1".into(),
            ..Destination::default()
        };
        let unnamed = Destination {
            account: None,
            dry_run: true,
            ..live.clone()
        };
        let sandbox = Destination {
            sandbox: true,
            ..live.clone()
        };
        let called = |target: &Destination| Destination {
            organization: Some("Example Inc.".into()),
            ..target.clone()
        };
        assert_eq!(
            describe_target(&called(&live)),
            "account production (Example Inc.) at api.helpcrunch.com"
        );
        assert!(describe_target(&called(&unnamed)).starts_with("account Example Inc. at api."));
        let text = [&live, &unnamed, &sandbox].map(describe_target);
        assert_eq!(text[0], "account production at api.helpcrunch.com");
        assert_eq!(
            text[1],
            "account n-production-1 (unnamed) at api.helpcrunch.com (dry run: nothing is written)"
        );
        assert!(
            text[2].starts_with("the sandbox in this process"),
            "{}",
            text[2]
        );
    }
}
