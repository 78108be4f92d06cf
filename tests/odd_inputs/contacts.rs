//! E-mail addresses, phone numbers and languages as people write them.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    [phones(), emails(), languages()]
        .into_iter()
        .flatten()
        .collect()
}

fn phones() -> Vec<Case> {
    vec![
        case(
            "phone numbers of one country, `region = \"UA\"`",
            "people.csv",
            "userId,phone\nu1,+38(067)123-45-67\nu2,+38-067-1234567\nu3,+38.067.123.45.67\nu4,tel:+380671234567\nu5,067 123 45 67\n",
        )
        .config("[fields]\nuserId = \"userId\"\nphone = { column = \"phone\", region = \"UA\" }\n")
        .remote(
            "{\"id\":1,\"userId\":\"u1\",\"phone\":\"+380671234567\"}\n\
             {\"id\":2,\"userId\":\"u2\",\"phone\":\"+380671234567\"}\n\
             {\"id\":3,\"userId\":\"u3\",\"phone\":\"+380671234567\"}\n\
             {\"id\":4,\"userId\":\"u4\",\"phone\":\"+380671234567\"}\n\
             {\"id\":5,\"userId\":\"u5\",\"phone\":\"+380671234567\"}\n",
        )
        .does("reads the digits, whatever separates them: all are one number in E.164")
        .rows(&["2: unchanged", "3: unchanged", "4: unchanged", "5: unchanged", "6: unchanged"]),
        case(
            "the same with no-break spaces and hyphens, dashes, full-width and Arabic digits, marks of direction, `region = \"US\"`",
            "people.csv",
            "userId,phone\na,+1\u{a0}415\u{2011}555\u{2011}2671\nb,（４１５）５５５－２６７１\nc,tel:+1-415-555-2671\nd,٤١٥ ٥٥٥ ٢٦٧١\ne,415–555–2671\nf,\u{202a}+1 415 555 2671\u{202c}\n",
        )
        .config("[fields]\nuserId = \"userId\"\nphone = { column = \"phone\", region = \"US\" }\n")
        .does("reads them as well")
        .rows(&[
            "2: phone=\"+14155552671\", userId=\"a\"",
            "3: phone=\"+14155552671\", userId=\"b\"",
            "4: phone=\"+14155552671\", userId=\"c\"",
            "5: phone=\"+14155552671\", userId=\"d\"",
            "6: phone=\"+14155552671\", userId=\"e\"",
            "7: phone=\"+14155552671\", userId=\"f\"",
        ]),
        case(
            "`00` before the country's code, and a zero in brackets, `region = \"ID\"`",
            "people.csv",
            "userId,phone\na,00 62 812 3456 7890\nb,+62 (0)812-3456-7890\nc,0062 81234567890\nd,081234567890\ne,0044 20 7946 0958\n",
        )
        .config("[fields]\nuserId = \"userId\"\nphone = { column = \"phone\", region = \"ID\" }\n")
        .does("knows the country's code, and does not put it in front once more")
        .rows(&[
            "2: phone=\"+6281234567890\", userId=\"a\"",
            "3: phone=\"+6281234567890\", userId=\"b\"",
            "4: phone=\"+6281234567890\", userId=\"c\"",
            "5: phone=\"+6281234567890\", userId=\"d\"",
            "6: phone=\"+442079460958\", userId=\"e\"",
        ]),
        case(
            "cells with `region` that are not one phone number: two, an extension, letters, a digit too few",
            "people.csv",
            "userId,phone\na,067 123 45 67 / 067 123 45 68\nb,067 123 45 67 ext. 5\nc,tel:+380671234567;ext=5\nd,1-800-FLOWERS\ne,067 123 45 6\n",
        )
        .config("[fields]\nuserId = \"userId\"\nphone = { column = \"phone\", region = \"UA\" }\n")
        .does("rejects those rows, each with what is wrong")
        .rows(&[
            "2: rejected bad_phone @ phone",
            "3: rejected bad_phone @ phone",
            "4: rejected bad_phone @ phone",
            "5: rejected bad_phone @ phone",
            "6: rejected bad_phone @ phone",
        ]),
    ]
}

fn emails() -> Vec<Case> {
    vec![
        case(
            "e-mails with a path, a question mark or an IP address for the domain",
            "people.csv",
            "email,name\nann@example.com/office,A\nann@ex?ample.com,B\nann@192.168.1.1,C\nann@example.com,D\n",
        )
        .does("rejects them: there is no such domain")
        .rows(&[
            "2: rejected bad_email @ email",
            "3: rejected bad_email @ email",
            "4: rejected bad_email @ email",
            "5: email=\"ann@example.com\", name=\"D\"",
        ]),
        case(
            "e-mails with labels that no domain has: a hyphen at the end, more than 63 letters, a number at the end, a broken `xn--`",
            "people.csv",
            "email\nann@example-.com\nann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com\nann@example.123\nann@xn--99999999999.com\nann@xn--bcher-kva.example\n",
        )
        .does("rejects them; an `xn--` that can be decoded is a domain")
        .rows(&[
            "2: rejected bad_email @ email",
            "3: rejected bad_email @ email",
            "4: rejected bad_email @ email",
            "5: rejected bad_email @ email",
            "6: email=\"ann@xn--bcher-kva.example\"",
        ]),
        case(
            "e-mails with combining marks, composed and decomposed",
            "people.csv",
            "email,name\nराम@मोहन.ईन्फो,A\njose\u{301}@example.com,B\nJOSÉ@bu\u{308}cher.example,C\n",
        )
        .remote(
            "{\"id\":1,\"email\":\"राम@मोहन.ईन्फो\",\"name\":\"A\"}\n\
             {\"id\":2,\"email\":\"josé@example.com\",\"name\":\"B\"}\n\
             {\"id\":3,\"email\":\"jose\u{301}@bücher.example\",\"name\":\"C\"}\n",
        )
        .does("are compared in one form: the customers are found, and nothing is to do")
        .rows(&["2: unchanged", "3: unchanged", "4: unchanged"]),
    ]
}

fn languages() -> Vec<Case> {
    vec![
        case(
            "languages under withdrawn and bibliographic codes: `iw`, `ger`, `fre`",
            "people.csv",
            "userId,locale\nu1,iw\nu2,ger\nu3,fre\nu4,uk\n",
        )
        .remote(
            "{\"id\":1,\"userId\":\"u1\",\"locale\":\"he\"}\n\
             {\"id\":2,\"userId\":\"u2\",\"locale\":\"de\"}\n\
             {\"id\":3,\"userId\":\"u3\",\"locale\":\"fr\"}\n\
             {\"id\":4,\"userId\":\"u4\",\"locale\":\"uk\"}\n",
        )
        .does("are the languages that they stand for")
        .rows(&["2: unchanged", "3: unchanged", "4: unchanged", "5: unchanged"]),
        case(
            "languages as BCP 47 tags and with three letters",
            "people.csv",
            "userId,locale\na,zh-Hant-TW\nb,sr-Latn-RS\nc,en-US-u-ca-buddhist\nd,cmn\ne,in_ID\nf,ces\ng,nb-NO\n",
        )
        .does("makes two letters of them")
        .rows(&[
            "2: locale=\"zh\", userId=\"a\"",
            "3: locale=\"sr\", userId=\"b\"",
            "4: locale=\"en\", userId=\"c\"",
            "5: locale=\"zh\", userId=\"d\"",
            "6: locale=\"id\", userId=\"e\"",
            "7: locale=\"cs\", userId=\"f\"",
            "8: locale=\"nb\", userId=\"g\"",
        ]),
        case(
            "no language, several, a private one, or one without two letters: `und`, `mul`, `x-own`, `klingon`",
            "people.csv",
            "userId,locale\na,und\nb,mul\nc,x-own\nd,klingon\n",
        )
        .does("rejects those rows, with advice")
        .rows(&[
            "2: rejected bad_locale @ locale",
            "3: rejected bad_locale @ locale",
            "4: rejected bad_locale @ locale",
            "5: rejected bad_locale @ locale",
        ]),
    ]
}
