use crate::domain::{Issue, IssueKind, join_distinct};

/// Returns what the user can do about a cause whose issue has no hint. Codes of the API's error bodies are field names and cannot
/// be listed, so there the status decides.
pub fn advice(kind: IssueKind, code: &str, http_status: Option<u16>) -> &'static str {
    by_code(code)
        .or_else(|| http_status.and_then(by_status))
        .unwrap_or_else(|| by_kind(kind))
}

/// Returns what the user can do about all problems of a row.
pub fn advice_for(problems: &[Issue]) -> String {
    let hints = problems.iter().map(|issue| {
        let general = || advice(issue.kind, &issue.code, issue.http_status);
        issue.hint.as_deref().unwrap_or_else(general)
    });
    join_distinct(hints)
}

fn by_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "ragged" => "Give the row as many cells as the header has, or check `input.delimiter`.",
        "repeated_header" => "Delete the line: it repeats the header.",
        "undecodable" => "Name the file's encoding with `input.encoding`, or fix the row.",
        "bad_json" => "Write one JSON object on the line.",
        "no_key" => "Fill in one of the columns that `match.keys` names.",
        "bad_date" => "Fix the value, or set its `format` in the config.",
        "bad_number" => "Write a plain number such as 1234.5, or use `type = \"text\"`.",
        "bad_boolean" => "Write true or false, or translate the words with `map`.",
        "bad_email" => {
            "Fix the address, or leave the cell empty to keep the address that the customer has."
        }
        "bad_phone" => {
            "Write the whole number as it is dialled in its country, or with + and the country code."
        }
        "decision" => "Decide again in the ambiguous.csv of this run.",
        "bad_locale" => "Use a two-letter ISO 639-1 code, or translate with `map`.",
        "bad_color" | "bad_colour" => "Use a CSS colour such as #ff0000.",
        "duplicate" => {
            "Keep one row per customer, or set `rows.duplicates` to first, last or merge."
        }
        "ambiguous" => "Use a key that only one customer has, or set `match.on_ambiguous`.",
        "conflict" => {
            "Correct the userId or the e-mail, or set `match.on_conflict` if e-mails may be shared."
        }
        "unknown_id" => {
            "Correct the id: no customer has it, and hcsync does not create one with a given id."
        }
        "stale" => "Plan again: the customer was changed after the plan was made.",
        "gone" => "The customer was deleted in the meantime: plan again.",
        "in_doubt" => {
            "Look the customer up in HelpCrunch, then sync again: if the write succeeded, the row is unchanged."
        }
        "not_taken" => "HelpCrunch kept another value: check the field's rules there.",
        "other" => "See the results file for each row's own message.",
        _ => return None,
    })
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        400 | 422 => "HelpCrunch refuses the value of this field: fix it, then sync the row again.",
        401 | 403 => {
            "The API key was refused: check that it is complete, active and belongs to this account."
        }
        404 => {
            "The customer was deleted in the meantime: sync again, and the row is planned again."
        }
        409 => "Another customer conflicts with this one: look for the same userId or e-mail.",
        413 => "The values of the row are too long in total: shorten them.",
        429 => {
            "Other integrations use up the account's rate limit: set `limits.reserve`, or run later."
        }
        500..=599 => "HelpCrunch had an internal error: sync again later.",
        300..=399 => "The API redirects: check `api.base_url`.",
        _ => return None,
    })
}

fn by_kind(kind: IssueKind) -> &'static str {
    match kind {
        IssueKind::Input => "Fix the rows in the rejected file, then sync that file.",
        IssueKind::Match => "Check the row's keys against the customers in HelpCrunch.",
        IssueKind::Api => "Fix the row as the message says, then sync it again.",
        IssueKind::Network => "Check the connection, then sync again: nothing is sent twice.",
        IssueKind::Safety => "If the plan is what you want, lift the limit that the message names.",
        IssueKind::Stale => "Plan again: the customer was changed after the plan was made.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_before_the_status_and_the_status_before_the_kind() {
        let api = |code, status| advice(IssueKind::Api, code, status);
        assert!(api("conflict", Some(400)).contains("on_conflict"));
        assert!(api("email", Some(400)).contains("refuses the value"));
        assert!(api("unauthorized", Some(401)).contains("API key"));
        assert!(api("not_found", Some(404)).contains("deleted"));
        assert!(api("email", None).contains("as the message says"));
    }

    #[test]
    fn every_advice_is_a_sentence() {
        use IssueKind::{Api, Input, Match, Network, Safety, Stale};
        let kinds = [Api, Input, Match, Network, Safety, Stale].map(|kind| advice(kind, "?", None));
        let statuses = (100..600).map(|status| advice(Api, "?", Some(status)));
        for text in kinds.into_iter().chain(statuses) {
            assert!(text.ends_with('.'), "{text}");
        }
    }
}
