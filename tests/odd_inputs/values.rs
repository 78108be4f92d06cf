use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    [
        dates(),
        unix_times(),
        numbers(),
        words(),
        types(),
        left_out(),
        damaged(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn dates() -> Vec<Case> {
    const FORMAT: &str = "[fields]\nuserId = \"userId\"\nfirstSeen = { column = \"seen\", type = \"date\", format = \"%d.%m.%Y\", timezone = \"Europe/Kyiv\" }\n";
    vec![
        case("ISO 8601 dates in many forms", "people.csv", "userId,firstSeen\na,2020-01-02\nb,2020-01-02T03:04:05Z\nc,2020-01-02 03:04:05+02:00\nd,20200102T030405Z\n")
            .does("reads them; without a zone they are UTC")
            .rows(&["2: firstSeen=1577923200, userId=\"a\"", "3: firstSeen=1577934245, userId=\"b\"", "4: firstSeen=1577927045, userId=\"c\"", "5: firstSeen=1577934245, userId=\"d\""]),
        case("UNIX seconds, and UNIX milliseconds", "people.csv", "userId,firstSeen,lastSeen\na,1603885746,1603885746123\n")
            .does("tells them apart by their size")
            .rows(&["2: firstSeen=1603885746, lastSeen=1603885746, userId=\"a\""]),
        case("`02.01.2020`, its format not said", "people.csv", "userId,firstSeen\na,02.01.2020\n")
            .does("does not guess which is the month: rejects it, with the line for the config")
            .rows(&["2: rejected ambiguous_date @ firstSeen"]),
        case("the same with the format and the zone", "people.csv", "userId,seen\na,02.01.2020\nb,2.1.2020\nc,01/02/2020\n")
            .config(FORMAT)
            .does("reads it; another form is rejected")
            .rows(&["2: firstSeen=1577916000, userId=\"a\"", "3: firstSeen=1577916000, userId=\"b\"", "4: rejected bad_date @ seen"]),
        case("days that there are not", "people.csv", "userId,firstSeen\na,2023-02-29\nb,2024-02-29\nc,2024-13-01\nd,0000-00-00\n")
            .does("rejects those rows")
            .rows(&["2: rejected bad_date @ firstSeen", "3: firstSeen=1709164800, userId=\"b\"", "4: rejected bad_date @ firstSeen", "5: rejected bad_date @ firstSeen"]),
        case("an hour that there was not, when clocks went forward", "people.csv", "userId,seen\na,2021-03-28 03:30:00\n")
            .config("[fields]\nuserId = \"userId\"\nfirstSeen = { column = \"seen\", type = \"date\", timezone = \"Europe/Kyiv\" }\n")
            .does("reads it")
            .rows(&["2: firstSeen=1616895000, userId=\"a\""]),
    ]
}

/// UNIX times in a column `d`, and digits that are none.
fn unix_times() -> Vec<Case> {
    const DATE: &str =
        "[fields]\nuserId = \"userId\"\n[custom_data]\nd = { column = \"d\", type = \"date\" }\n";
    vec![
        case("UNIX milliseconds that go back to the seventies", "people.csv", "userId,d\nu1,63072000000\nu2,94694400000\nu3,1577959200000\nu4,599616000000\n")
            .config(DATE)
            .does("decides on the unit for the column, from all of its values")
            .rows(&["2: userId=\"u1\", customData.d=63072000", "3: userId=\"u2\", customData.d=94694400", "4: userId=\"u3\", customData.d=1577959200", "5: userId=\"u4\", customData.d=599616000"]),
        case("birthdays in milliseconds, of which one is of January 1970", "people.jsonl", "{\"userId\":\"u1\",\"d\":1209600000}\n{\"userId\":\"u2\",\"d\":-86400000}\n{\"userId\":\"u3\",\"d\":63072000000}\n{\"userId\":\"u4\",\"d\":599616000000}\n{\"userId\":\"u5\",\"d\":1577959200000}\n{\"userId\":\"u6\",\"d\":315532800000}\n{\"userId\":\"u7\",\"d\":-599616000000}\n")
            .config(DATE)
            .does("reads the small numbers in the unit of the others, whichever comes first")
            .rows(&["1: userId=\"u1\", customData.d=1209600", "2: userId=\"u2\", customData.d=-86400", "3: userId=\"u3\", customData.d=63072000", "4: userId=\"u4\", customData.d=599616000", "5: userId=\"u5\", customData.d=1577959200", "6: userId=\"u6\", customData.d=315532800", "7: userId=\"u7\", customData.d=-599616000"]),
        case("micro- and nanoseconds, on standard input", "people.csv", "userId,firstSeen,d\na,1603885746000001,1603885746000000001\nb,94694400000000,94694400000000000\nc,2024-01-15T09:30:00.123456Z,2024-01-15 09:30:00.123456789\n")
            .config("[custom_data]\nd = { column = \"d\", type = \"date\" }\n")
            .on_stdin()
            .does("knows them by their size, and cuts fractions of a second off")
            .rows(&["2: firstSeen=1603885746, userId=\"a\", customData.d=1603885746", "3: firstSeen=94694400, userId=\"b\", customData.d=94694400", "4: firstSeen=1705311000, userId=\"c\", customData.d=1705311000"]),
        case("seconds, with a few milliseconds among them", "people.csv", "userId,firstSeen\na,1603885746\nb,1603885746123\nc,1603885747\nd,7258118400\n")
            .does("rejects what would be no date of the years 1900 to 2100 in the column's unit, with the format to set")
            .rows(&["2: firstSeen=1603885746, userId=\"a\"", "3: rejected ambiguous_date @ firstSeen", "4: firstSeen=1603885747, userId=\"c\"", "5: rejected ambiguous_date @ firstSeen"]),
        case("digits that are no UNIX time", "people.csv", "userId,firstSeen\nu1,20240115093000\nu2,202401150930\nu3,31122024\nu4,1705311000\n")
            .does("rejects them with the format that fits, and reads the one that is")
            .rows(&["2: rejected ambiguous_date @ firstSeen", "3: rejected ambiguous_date @ firstSeen", "4: rejected ambiguous_date @ firstSeen", "5: firstSeen=1705311000, userId=\"u4\""]),
        case("the same as numbers in JSON, and shorter ones", "people.jsonl", "{\"userId\":\"a\",\"firstSeen\":20240115093000}\n{\"userId\":\"b\",\"firstSeen\":201712}\n{\"userId\":\"c\",\"firstSeen\":0}\n{\"userId\":\"d\",\"firstSeen\":1012024}\n{\"userId\":\"e\",\"firstSeen\":45352}\n{\"userId\":\"f\",\"firstSeen\":1705311000}\n")
            .does("rejects them too: a month without its day, a zero, a zero that was lost, a spreadsheet's day")
            .rows(&["1: rejected ambiguous_date @ firstSeen", "2: rejected ambiguous_date @ firstSeen", "3: rejected bad_date @ firstSeen", "4: rejected ambiguous_date @ firstSeen", "5: rejected ambiguous_date @ firstSeen", "6: firstSeen=1705311000, userId=\"f\""]),
        case("dates that stand for none: `00000000`, `0000-00-00 00:00:00`, `NaT`, `-infinity`, 9999999999", "people.csv", "userId,firstSeen\na,00000000\nb,0000-00-00 00:00:00\nc,NaT\nd,-infinity\ne,9999999999\nf,1705311000\n")
            .does("rejects them, and names `null_values`")
            .rows(&["2: rejected bad_date @ firstSeen", "3: rejected bad_date @ firstSeen", "4: rejected bad_date @ firstSeen", "5: rejected bad_date @ firstSeen", "6: rejected bad_date @ firstSeen", "7: firstSeen=1705311000, userId=\"f\""]),
        case("the same with `null_values`, in JSON also as a number", "people.jsonl", "{\"userId\":\"a\",\"firstSeen\":0}\n{\"userId\":\"b\",\"firstSeen\":\"NaT\"}\n")
            .config("[input]\nnull_values = [\"0\", \"NaT\"]\n")
            .does("takes them for empty cells")
            .rows(&["1: userId=\"a\"", "2: userId=\"b\""]),
        case("digits with their format said", "people.csv", "userId,d\na,20240115093000\nb,1705311000000000\nc,31122024\n")
            .config("[fields]\nuserId = \"userId\"\n[custom_data]\nd = { column = \"d\", type = \"date\", format = [\"%Y%m%d%H%M%S\", \"%d%m%Y\", \"unix_us\"] }\n")
            .does("reads them")
            .rows(&["2: userId=\"a\", customData.d=1705311000", "3: userId=\"b\", customData.d=1705311000", "4: userId=\"c\", customData.d=1735603200"]),
        case("`24-01-15`, its format not said", "people.csv", "userId,firstSeen\na,24-01-15\n")
            .does("does not guess whether the year or the day comes first: rejects it, with both formats")
            .rows(&["2: rejected ambiguous_date @ firstSeen"]),
    ]
}

/// Cells without a type of their own, beside properties that have one.
fn types() -> Vec<Case> {
    vec![
        case("booleans beside booleans: `TRUE`, `True`", "people.csv", "userId,customData.vip\nu1,TRUE\nu2,True\nu3,FALSE\nu4,0\n")
            .remote("{\"id\":1,\"userId\":\"u1\",\"customData\":{\"vip\":true},\"tags\":[]}\n{\"id\":2,\"userId\":\"u2\",\"customData\":{\"vip\":false},\"tags\":[]}\n{\"id\":3,\"userId\":\"u3\",\"customData\":{\"vip\":false},\"tags\":[]}\n")
            .does("takes the type that the property has: what is the same is no change")
            .rows(&["2: unchanged", "3: patch customData.vip=true", "4: unchanged", "5: userId=\"u4\", customData.vip=false"]),
        case("codes beside texts: `1`, `TRUE`", "people.csv", "userId,customData.code\nu1,1\nu2,TRUE\nu3,2\n")
            .remote("{\"id\":1,\"userId\":\"u1\",\"customData\":{\"code\":\"A7\"},\"tags\":[]}\n{\"id\":3,\"userId\":\"u3\",\"customData\":{\"code\":\"2\"},\"tags\":[]}\n")
            .does("leaves them texts, also for new customers")
            .rows(&["2: patch customData.code=\"1\"", "3: userId=\"u2\", customData.code=\"TRUE\"", "4: unchanged"]),
        case("numbers beside numbers: `15`, `1.50`, `007`", "people.csv", "userId,customData.n\nu1,15\nu2,1.50\nu3,007\n")
            .remote("{\"id\":1,\"userId\":\"u1\",\"customData\":{\"n\":3},\"tags\":[]}\n")
            .does("takes them for numbers, but for those that begin with a zero")
            .rows(&["2: patch customData.n=15", "3: userId=\"u2\", customData.n=1.5", "4: userId=\"u3\", customData.n=\"007\""]),
        case("`TRUE` for a property that no customer has", "people.csv", "userId,customData.vip\nu1,TRUE\nu2,false\nu3,yes\n")
            .does("is a boolean; `yes` is a text")
            .rows(&["2: userId=\"u1\", customData.vip=true", "3: userId=\"u2\", customData.vip=false", "4: userId=\"u3\", customData.vip=\"yes\""]),
    ]
}

fn left_out() -> Vec<Case> {
    vec![
        case("a value that does not fit, and `on_invalid = \"skip\"`", "people.csv", "userId,locale,name\nu1,klingon,Ann\n")
            .config("[fields]\nuserId = \"userId\"\nname = \"name\"\nlocale = { column = \"locale\", on_invalid = \"skip\" }\n")
            .remote("{\"id\":1,\"userId\":\"u1\",\"name\":\"A\",\"locale\":\"en\",\"customData\":{},\"tags\":[]}\n")
            .does("leaves it out, counts it in the preview, and takes the rest of the row")
            .rows(&["2: patch name=\"Ann\""]),
        case("the same for dates and properties", "people.csv", "userId,seen,mrr\na,soon,many\nb,2024-01-15,15\n")
            .config("[fields]\nuserId = \"userId\"\nfirstSeen = { column = \"seen\", on_invalid = \"skip\" }\n[custom_data]\nmrr = { column = \"mrr\", type = \"number\", on_invalid = \"skip\" }\n")
            .does("leaves out what does not fit, and no more")
            .rows(&["2: userId=\"a\"", "3: firstSeen=1705276800, userId=\"b\", customData.mrr=15"]),
        case("the same for match keys", "people.csv", "userId,email,name\na,nobody,Ann\n,nobody,Bob\n1.23E+11,ann@x.de,Cid\n")
            .config("[fields]\nuserId = { column = \"userId\", on_invalid = \"skip\" }\nemail = { column = \"email\", on_invalid = \"skip\" }\nname = \"name\"\n")
            .does("goes without one that does not fit where another key is there; never without a damaged one")
            .rows(&["2: name=\"Ann\", userId=\"a\"", "3: rejected bad_email @ email", "4: rejected damaged @ userId"]),
    ]
}

fn numbers() -> Vec<Case> {
    const NUMBER: &str = "[custom_data]\nn = { column = \"n\", type = \"number\" }\n";
    vec![
        case(
            "numbers with a decimal comma or separators, declared as numbers",
            "people.csv",
            "userId;n\na;1,5\nb;1 234\nc;1.5\nd;-0.25\n",
        )
        .config(NUMBER)
        .does("rejects what can be read in two ways")
        .rows(&[
            "2: rejected bad_number @ n",
            "3: rejected bad_number @ n",
            "4: userId=\"c\", customData.n=1.5",
            "5: userId=\"d\", customData.n=-0.25",
        ]),
        case(
            "texts that look like numbers, no type said",
            "people.csv",
            "userId,customData.n\na,007\nb,1.50\nc,15\nd,1e5\ne,+3\nf,1234567890123456\n",
        )
        .does(
            "is a number only where it would be written the same again; else text, with its zeros",
        )
        .rows(&[
            "2: userId=\"a\", customData.n=\"007\"",
            "3: userId=\"b\", customData.n=\"1.50\"",
            "4: userId=\"c\", customData.n=15",
            "5: userId=\"d\", customData.n=\"1e5\"",
            "6: userId=\"e\", customData.n=\"+3\"",
            "7: userId=\"f\", customData.n=\"1234567890123456\"",
        ]),
        case(
            "digits beyond what can be sent exactly",
            "people.csv",
            "userId,n\na,123456789012345678901234567890\nb,18446744073709551615\n",
        )
        .config(NUMBER)
        .does("rejects the row rather than round it")
        .rows(&[
            "2: rejected bad_number @ n",
            "3: userId=\"b\", customData.n=18446744073709551615",
        ]),
        case(
            "numbers with an exponent",
            "people.csv",
            "userId,n\na,1e3\nb,1.5e1\nc,1e+06\nd,1.23E+11\ne,15\n",
        )
        .config(NUMBER)
        .does("reads them; rejects one that a spreadsheet rounded")
        .rows(&[
            "2: userId=\"a\", customData.n=1000",
            "3: userId=\"b\", customData.n=15",
            "4: userId=\"c\", customData.n=1000000",
            "5: rejected damaged @ n",
            "6: userId=\"e\", customData.n=15",
        ]),
        case(
            "numbers with an exponent and all their digits, or a negative one",
            "people.csv",
            "userId;n\na;-2,50E-1\nb;1,23456789012E+11\nc;5E-05\nd;1E+12\n",
        )
        .config("[custom_data]\nn = { column = \"n\", type = \"number\", decimal = \",\" }\n")
        .does("reads them; `1E+12` may have been rounded")
        .rows(&[
            "2: userId=\"a\", customData.n=-0.25",
            "3: userId=\"b\", customData.n=123456789012",
            "4: userId=\"c\", customData.n=0.00005",
            "5: rejected damaged @ n",
        ]),
        case(
            "numbers with an exponent as JSON texts",
            "people.jsonl",
            "{\"userId\":\"a\",\"n\":\"1e3\"}\n{\"userId\":\"b\",\"n\":1e3}\n{\"userId\":\"c\",\"n\":\"1,23E+11\"}\n",
        )
        .config(NUMBER)
        .does("reads them like the number; a rounded one is rejected")
        .rows(&[
            "1: userId=\"a\", customData.n=1000",
            "2: userId=\"b\", customData.n=1000.0",
            "3: rejected damaged @ n",
        ]),
        case(
            "numbers with a currency, `NaN`, `inf`",
            "people.csv",
            "userId,n\na,15 EUR\nb,NaN\nc,inf\nd,½\n",
        )
        .config(NUMBER)
        .does("rejects those rows")
        .rows(&[
            "2: rejected bad_number @ n",
            "3: rejected bad_number @ n",
            "4: rejected bad_number @ n",
            "5: rejected bad_number @ n",
        ]),
    ]
}

fn words() -> Vec<Case> {
    vec![
        case(
            "booleans in words",
            "people.csv",
            "userId,blocked\na,Yes\nb,0\nc,OFF\nd,maybe\n",
        )
        .does("knows true, yes, on, y, 1 and their opposites; rejects others")
        .rows(&[
            "2: blocked=true, userId=\"a\"",
            "3: blocked=false, userId=\"b\"",
            "4: blocked=false, userId=\"c\"",
            "5: rejected bad_boolean @ blocked",
        ]),
        case(
            "e-mails with blanks around, names, several, without a domain",
            "people.csv",
            "email\n a@x.de \nAnn <ann@x.de>\na@x.de; b@x.de\nann@localhost\nann\n",
        )
        .does("trims; rejects what is not one plain address")
        .rows(&[
            "2: email=\"a@x.de\"",
            "3: rejected bad_email @ email",
            "4: rejected bad_email @ email",
            "5: rejected bad_email @ email",
            "6: rejected bad_email @ email",
        ]),
        case(
            "e-mails beyond ASCII",
            "people.csv",
            "email\nолена@пошта.укр\njosé@example.com\n",
        )
        .does("are addresses too")
        .rows(&[
            "2: email=\"олена@пошта.укр\"",
            "3: email=\"josé@example.com\"",
        ]),
        case(
            "languages in many forms",
            "people.csv",
            "userId,locale\na,uk\nb,uk-UA\nc,en_US.UTF-8\nd,German\ne,eng\nf,Klingonese\n",
        )
        .does("makes two letters of them (ISO 639-1); rejects what is no language")
        .rows(&[
            "2: locale=\"uk\", userId=\"a\"",
            "3: locale=\"uk\", userId=\"b\"",
            "4: locale=\"en\", userId=\"c\"",
            "5: locale=\"de\", userId=\"d\"",
            "6: locale=\"en\", userId=\"e\"",
            "7: rejected bad_locale @ locale",
        ]),
        case(
            "the country for the language: `ua`",
            "people.csv",
            "userId,locale\na,ua\n",
        )
        .does("rejects it, with advice")
        .rows(&["2: rejected bad_locale @ locale"]),
        case(
            "tags with blanks, twins and empty ones",
            "people.csv",
            "userId,tags\na, vip ;beta;;vip; VIP\n",
        )
        .does("trims, drops twins and empty ones; case matters")
        .rows(&["2: userId=\"a\", tags=vip|beta|VIP"])
        .notes(&[]),
        case(
            "texts that mean “no value”",
            "people.csv",
            "userId,name,notes\na,NULL,N/A\nb,null,n/a\n",
        )
        .config("[input]\nnull_values = [\"NULL\", \"N/A\"]\n")
        .does("takes those that are listed for empty, exactly as they are written")
        .rows(&[
            "2: userId=\"a\"",
            "3: name=\"null\", notes=\"n/a\", userId=\"b\"",
        ]),
        case(
            "text in composed and decomposed form",
            "people.csv",
            "userId,name\na,Jose\u{301}\n",
        )
        .remote("{\"id\":1,\"userId\":\"a\",\"name\":\"José\"}\n")
        .does("is the same name: nothing to do")
        .rows(&["2: unchanged"]),
        case("a colour that is none", "people.csv", "userId\na\n")
            .config("[tags]\nalways = [\"vip\"]\ncolors = { vip = \"#ff00\u{30}\" }\n")
            .does("refuses, with the config's line")
            .refused(&["vip"]),
    ]
}

fn damaged() -> Vec<Case> {
    vec![
        case(
            "a userId that a spreadsheet turned into `1.23E+11`",
            "people.csv",
            "userId,name\n1.23E+11,Ann\n380501234567,Ben\n",
        )
        .does("rejects the row: the digits are lost")
        .rows(&[
            "2: rejected damaged @ userId",
            "3: name=\"Ben\", userId=\"380501234567\"",
        ]),
        case(
            "a phone number that a spreadsheet turned into `3,80E+11`",
            "people.csv",
            "userId;phone\na;3,80E+11\nb;+380 50 123 45 67\n",
        )
        .does("rejects the row; a whole one is sent as written")
        .rows(&[
            "2: rejected damaged @ phone",
            "3: phone=\"+380 50 123 45 67\", userId=\"b\"",
        ]),
        case(
            "hashes that look a little like it: `12e34`, `5e3a`",
            "people.csv",
            "userId\n12e34\n5e3a\n1234e56\n7e10234\n",
        )
        .does("are ids")
        .rows(&[
            "2: userId=\"12e34\"",
            "3: userId=\"5e3a\"",
            "4: userId=\"1234e56\"",
            "5: userId=\"7e10234\"",
        ]),
        case(
            "ids with leading zeros and blanks around",
            "people.csv",
            "userId\n007\n 42 \n",
        )
        .does("keeps zeros, drops blanks")
        .rows(&["2: userId=\"007\"", "3: userId=\"42\""]),
        case(
            "HelpCrunch ids that are none",
            "people.csv",
            "hc,name\n0,A\n-1,B\n1.5,C\n5E+05,D\n7,E\n",
        )
        .config("[match]\nkeys = [\"id\"]\n[fields]\nid = \"hc\"\nname = \"name\"\n")
        .remote("{\"id\":7,\"name\":\"E\"}\n")
        .does("rejects those rows")
        .rows(&[
            "2: rejected bad_id @ hc",
            "3: rejected bad_id @ hc",
            "4: rejected bad_id @ hc",
            "5: rejected damaged @ hc",
            "6: unchanged",
        ]),
        case(
            "cells that a spreadsheet would run: `=1+1`, `@x`",
            "people.csv",
            "userId,name\na,=1+1\nb,@SUM(A1)\n",
        )
        .does("are texts, sent as they are; `results.csv` defuses them")
        .rows(&[
            "2: name=\"=1+1\", userId=\"a\"",
            "3: name=\"@SUM(A1)\", userId=\"b\"",
        ]),
        case(
            "text that was decoded wrongly before: `JosÃ©`",
            "people.csv",
            "userId,name\na,JosÃ©\n",
        )
        .does("is valid text: sent as it is")
        .rows(&["2: name=\"JosÃ©\", userId=\"a\""]),
    ]
}
