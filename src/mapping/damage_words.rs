//! Texts that stand for an error or for a missing value.

/// The errors that spreadsheets show in place of a value, in English and some other languages.
const ERRORS: [&str; 42] = [
    "#N/A",
    "#NAME?",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#GETTING_DATA",
    "#DATA!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#EXTERNAL!",
    "#PYTHON!",
    "#TIMEOUT!",
    "#ERROR!",
    // Ukrainian and Russian
    "#Н/Д",
    "#ІМ'Я?",
    "#ІМ’Я?",
    "#ПОСИЛАННЯ!",
    "#ЗНАЧ!",
    "#ДІЛ/0!",
    "#ЧИСЛО!",
    "#NULL!",
    "#ИМЯ?",
    "#ССЫЛКА!",
    "#ДЕЛ/0!",
    "#ПУСТО!",
    // German, French, Spanish
    "#NV",
    "#BEZUG!",
    "#WERT!",
    "#ZAHL!",
    "#NOM?",
    "#VALEUR!",
    "#NOMBRE!",
    "#¡REF!",
    "#¡VALOR!",
    "#¿NOMBRE?",
];

/// Whether a text is a spreadsheet error, apart from spaces around it. LibreOffice also writes errors as `Err:502`.
pub(super) fn is_spreadsheet_error(text: &str) -> bool {
    // Most cells begin with a letter or a digit.
    let first = text.as_bytes().first();
    if first.is_none_or(|byte| byte.is_ascii_alphanumeric() && *byte != b'E') {
        return false;
    }
    let text = text.trim();
    match text.as_bytes() {
        [b'#', ..] => ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text)),
        [b'E', b'r', b'r', b':', number @ ..] => {
            number.len() == 3 && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// What programs write in place of a missing value, in any case.
const PLACEHOLDERS: [&str; 19] = [
    "null",
    "none",
    "nil",
    "nan",
    "-nan",
    "nat",
    "n/a",
    "undefined",
    "-",
    "--",
    "–",
    "—",
    "\\N",
    "<na>",
    "<null>",
    "(null)",
    "(none)",
    "[null]",
    "[object Object]",
];

pub(super) fn is_placeholder(text: &str) -> bool {
    // R writes `NA`. In lower case it may be a name.
    text == "NA"
        || (text.len() <= 15
            && PLACEHOLDERS
                .iter()
                .any(|placeholder| placeholder.eq_ignore_ascii_case(text)))
}
