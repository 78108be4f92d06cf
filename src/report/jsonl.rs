use std::io::{self, Write};

use crate::outcome::RowResult;

use super::json_text::write_line;

/// Writes one line of `results.jsonl`.
pub fn write_result(out: impl Write, result: &RowResult) -> io::Result<()> {
    write_line(out, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, schema_check};

    fn line(result: &RowResult) -> String {
        let mut out = Vec::new();
        write_result(&mut out, result).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_the_members_of_the_contract_in_their_order() {
        insta::assert_snapshot!(line(&samples::updated()), @r#"{"row":12,"line":13,"source":"customers.csv","key":{"userId":"u12"},"customer_id":542335,"status":"updated","operations":[{"op":"patch","fields":["company","customData.plan"],"status":"done","attempts":2,"http_status":200,"at":"2026-11-20T03:12:44Z"},{"op":"tag","tags":["vip"],"status":"done","attempts":1,"http_status":200,"at":"2026-11-20T03:12:45Z"}],"error":null}"#);
        insta::assert_snapshot!(line(&samples::rejected()), @r#"{"row":13,"line":14,"source":"customers.csv","key":{"email":"ann@example.com"},"customer_id":null,"status":"rejected","operations":[],"error":{"kind":"input","http_status":null,"code":"bad_date","message":"`firstSeen` is no date in the format that is given","column":"Signed up"}}"#);
    }

    #[test]
    fn lines_fit_their_schema_and_read_back() {
        for result in samples::results() {
            let line = line(&result);
            assert_eq!(serde_json::from_str::<RowResult>(&line).unwrap(), result);
            schema_check::assert_fits("results", &line);
        }
        schema_check::assert_misfits(
            "results",
            &line(&samples::updated()).replace("updated", "upset"),
        );
        schema_check::assert_misfits(
            "results",
            &line(&samples::updated()).replace("\"row\":12", "\"row\":0"),
        );
    }
}
