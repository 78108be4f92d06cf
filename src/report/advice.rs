use crate::domain::IssueKind;

/// What the user can do about a cause, where its issue brings no hint of its own. Codes of an API's error body are the
/// names of fields and cannot be listed; there the status decides.
#[must_use]
pub fn advice(kind: IssueKind, code: &str, http_status: Option<u16>) -> &'static str {
    by_code(code)
        .or_else(|| http_status.and_then(by_status))
        .unwrap_or_else(|| by_kind(kind))
}

fn by_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "ragged" => "Give the row as many cells as the header has, or check `input.delimiter`.",
        "repeated_header" => "Take the line out: it names the columns once more.",
        "undecodable" => "Name the file's encoding with `input.encoding`, or mend the row.",
        "bad_json" => "Make the line one JSON object.",
        "no_key" => "Fill one of the columns that `match.keys` names.",
        "bad_date" => "Mend the value, or name its form with `format` in the config.",
        "bad_number" => "Write a plain number such as 1234.5, or use `type = \"text\"`.",
        "bad_boolean" => "Write true or false, or translate the words with `map`.",
        "bad_email" => "Mend the address; an empty cell says nothing about it.",
        "bad_phone" => {
            "Write the whole number, as it is dialled there or with + and the country's code."
        }
        "decision" => "Decide anew in the ambiguous.csv of this run.",
        "bad_locale" => "Use a two-letter ISO 639-1 code, or translate with `map`.",
        "bad_color" | "bad_colour" => "Use a CSS colour such as #ff0000.",
        "duplicate" => {
            "Leave one row for each customer, or set `rows.duplicates` to first, last or merge."
        }
        "ambiguous" => "Use a key that only one customer has, or set `match.on_ambiguous`.",
        "conflict" => {
            "Correct the userId or the e-mail, or set `match.on_conflict` if e-mails may be shared."
        }
        "unknown_id" => "Correct the id: no customer has it, and none is created for it.",
        "stale" => "Plan again: the customer was changed after the plan was made.",
        "gone" => "The customer was deleted meanwhile: plan again.",
        "in_doubt" => {
            "Look the customer up in HelpCrunch, then sync again: a row that took is unchanged then."
        }
        "not_taken" => "HelpCrunch kept another value: check the field's rules there.",
        "other" => "See the results file for each row's own message.",
        _ => return None,
    })
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        400 | 422 => {
            "HelpCrunch refuses the value of this field: mend it, then sync the row again."
        }
        401 | 403 => {
            "The API key was refused: check that it is complete, in force and of this account."
        }
        404 => "The customer was deleted meanwhile: sync again, and the row is planned anew.",
        409 => "Another customer is in the way: look for one with the same userId or e-mail.",
        413 => "The values of the row are too long together: shorten them.",
        429 => "Others use up the account's rate limit: set `limits.reserve`, or run later.",
        500..=599 => "HelpCrunch had a fault of its own: sync again later.",
        300..=399 => "The API redirects: check `api.base_url`.",
        _ => return None,
    })
}

fn by_kind(kind: IssueKind) -> &'static str {
    match kind {
        IssueKind::Input => "Mend the rows in the rejected file and feed it back.",
        IssueKind::Match => "Check the row's keys against the customers in HelpCrunch.",
        IssueKind::Api => "Mend the row by the message, then sync it again.",
        IssueKind::Network => "Check the connection, then sync again: nothing is sent twice.",
        IssueKind::Safety => {
            "Check that the plan is meant, then lift the limit that the message names."
        }
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
        assert!(api("email", None).contains("by the message"));
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
