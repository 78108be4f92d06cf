use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use isolang::Language;

use super::invalid_value::InvalidValue;
use super::source_value::Scalar;

/// Two-letter codes of languages by other codes: withdrawn codes, the bibliographic ones of ISO 639-2, and members of a
/// macrolanguage that share its name.
const OTHER_CODES: &[(&str, &[&str])] = &[
    ("ak", &["fat"]),
    (
        "ar",
        &[
            "acm", "acw", "aeb", "aec", "afb", "ajp", "apc", "apd", "arb", "arq", "ars", "ary",
            "arz", "ayl",
        ],
    ),
    ("az", &["azb", "azj"]),
    ("bo", &["tib"]),
    ("cs", &["cze"]),
    ("cy", &["wel"]),
    ("de", &["ger"]),
    ("el", &["gre"]),
    ("et", &["ekk"]),
    ("eu", &["baq"]),
    ("fa", &["per", "pes", "prs"]),
    ("ff", &["fuc", "fuv"]),
    ("fr", &["fre"]),
    ("gn", &["gug"]),
    ("he", &["iw"]),
    ("hr", &["scr"]),
    ("hy", &["arm"]),
    ("id", &["in"]),
    ("is", &["ice"]),
    ("jv", &["jaw", "jw"]),
    ("ka", &["geo"]),
    ("ku", &["ckb", "kmr", "sdh"]),
    ("lv", &["lvs"]),
    ("mg", &["plt"]),
    ("mi", &["mao"]),
    ("mk", &["mac"]),
    ("mn", &["khk"]),
    ("ms", &["may", "zlm", "zsm"]),
    ("my", &["bur"]),
    ("ne", &["npi"]),
    ("nl", &["dut"]),
    ("om", &["gaz"]),
    ("or", &["ory"]),
    ("ps", &["pbt", "pbu", "pst"]),
    ("qu", &["quy", "quz"]),
    ("ro", &["mo", "mol", "rum"]),
    ("sk", &["slo"]),
    ("sq", &["alb", "aln", "als"]),
    // As Unicode's CLDR maps Serbo-Croatian.
    ("sr", &["hbs", "scc", "sh"]),
    ("sw", &["swc", "swh"]),
    ("tl", &["fil"]),
    ("uz", &["uzn", "uzs"]),
    ("yi", &["ji", "ydd"]),
    (
        "zh",
        &["chi", "cmn", "gan", "hak", "hsn", "nan", "wuu", "yue"],
    ),
];

/// Codes of ISO 639 that do not name a single language.
const SPECIAL_CODES: [&str; 4] = ["mis", "mul", "und", "zxx"];

/// Reads a language as the ISO 639-1 code that the API requires (documented): from a two- or three-letter code, a language
/// tag such as `uk-UA` or `en_US.UTF-8`, or the language's name in English or in the language itself.
pub(super) fn read(scalar: Scalar<'_>) -> Result<Cow<'_, str>, InvalidValue> {
    let text = text_of(&scalar).ok_or_else(refused)?;
    if let Some(code) = code_of(text) {
        return Ok(Cow::Borrowed(code));
    }
    Err(match code_of_tag(text) {
        Some(code) if SPECIAL_CODES.contains(&code.as_str()) => unknown(),
        code if is_language_at_all(code.as_deref(), text) => without_two_letters(),
        _ => refused(),
    })
}

/// Whether [`read`] accepts a value.
pub(super) fn is_language(scalar: &Scalar<'_>) -> bool {
    text_of(scalar).is_some_and(|text| code_of(text).is_some())
}

fn text_of<'a>(scalar: &'a Scalar<'_>) -> Option<&'a str> {
    match scalar {
        Scalar::Text(text) | Scalar::Native(text) => Some(text.trim()),
        Scalar::Number(_) | Scalar::Digits(_) | Scalar::Bool(_) => None,
    }
}

/// The two-letter code of a language, given its code or name.
fn code_of(text: &str) -> Option<&'static str> {
    if let Some(code) = PLAIN_CODES.get(text) {
        return Some(code);
    }
    let code = code_of_tag(text);
    let code = code.as_deref().and_then(two_letters);
    code.or_else(|| code_of_name(text))
}

/// The two-letter code of a language by its name, without what stands in brackets: `Chinese (Simplified)`.
fn code_of_name(text: &str) -> Option<&'static str> {
    // Ids, addresses and numbers are not names: skip the lookup.
    let name = text.split('(').next().unwrap_or(text);
    if name.bytes().any(is_in_no_name) {
        return None;
    }
    NAMES.get(&plain_name(name)).copied().flatten()
}

fn is_in_no_name(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'@' | b'_')
}

fn plain_name(text: &str) -> String {
    let name = text.split('(').next().unwrap_or(text).trim();
    name.to_lowercase()
}

/// Whether a code or a name is a language at all, even one without a two-letter code.
fn is_language_at_all(code: Option<&str>, text: &str) -> bool {
    code.and_then(Language::from_639_3).is_some() || NAMES.contains_key(&plain_name(text))
}

fn refused() -> InvalidValue {
    InvalidValue::new("bad_locale", "is not a language code").advice(
        "a two-letter ISO 639-1 code such as uk; other spellings can be translated with `map`",
    )
}

fn without_two_letters() -> InvalidValue {
    InvalidValue::new(
        "bad_locale",
        "is a language without a two-letter code (ISO 639-1), which HelpCrunch requires",
    )
    .advice("leave the cell empty, or choose another language with `map`")
}

fn unknown() -> InvalidValue {
    InvalidValue::new(
        "bad_locale",
        "is a code for an unknown language or for several languages",
    )
    .advice("leave the cell empty, or add the code to `null_values` in [input]")
}

/// The language subtag of a tag such as `sr-Latn` or `en_US.UTF-8`, in lower case.
fn code_of_tag(text: &str) -> Option<String> {
    let tag = text.split(['.', '@']).next()?;
    let mut subtags = tag.split(['-', '_']);
    let language = subtags.next()?.to_ascii_lowercase();
    let well_formed = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    subtags.all(well_formed).then_some(language)
}

fn two_letters(code: &str) -> Option<&'static str> {
    if !(2..=3).contains(&code.len()) {
        return None;
    }
    let other = OTHER_CODES.iter().find(|(_, codes)| codes.contains(&code));
    if let Some((language, _)) = other {
        return Some(language);
    }
    match code.len() {
        2 => Language::from_639_1(code)?.to_639_1(),
        3 => Language::from_639_3(code)?.to_639_1(),
        _ => None,
    }
}

/// The valid two-letter codes, the fast path for most cells.
static PLAIN_CODES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let letters = || 'a'..='z';
    let codes = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    codes
        .filter_map(|code| two_letters(&code).filter(|valid| *valid == code))
        .collect()
});

/// Two-letter codes by name in lower case, in English and in the language itself. `None` for a language without such a code
/// and for a name that languages with different codes share.
static NAMES: LazyLock<HashMap<String, Option<&'static str>>> = LazyLock::new(|| {
    let (with_code, without): (Vec<_>, Vec<_>) = Language::match_names(|_| true)
        .map(|language| (language, language.to_639_1().and_then(two_letters)))
        .partition(|(_, code)| code.is_some());
    let mut names: HashMap<String, Option<&'static str>> = HashMap::new();
    for (language, code) in with_code {
        for name in names_of(language) {
            names
                .entry(name)
                .and_modify(|other| *other = other.filter(|other| Some(*other) == code))
                .or_insert(code);
        }
    }
    for name in without
        .into_iter()
        .flat_map(|(language, _)| names_of(language))
    {
        names.entry(name).or_insert(None);
    }
    names
});

fn names_of(language: Language) -> impl Iterator<Item = String> {
    let names = [Some(language.to_name()), language.to_autonym()];
    let names = names.into_iter().flatten().filter(|name| !name.is_empty());
    names.map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn locale(text: &str) -> Option<String> {
        read(Scalar::Text(Cow::Borrowed(text)))
            .ok()
            .map(Cow::into_owned)
    }

    #[test]
    fn no_language_name_has_a_digit_or_an_at_sign() {
        let mut with_code = NAMES.iter().filter(|(_, code)| code.is_some());
        assert!(with_code.clone().count() > 300);
        assert!(!with_code.any(|(name, _)| name.bytes().any(is_in_no_name)));
    }

    #[test]
    fn codes_tags_and_names_become_two_letters() {
        for (cell, code) in [
            ("uk", "uk"),
            (" EN ", "en"),
            ("uk-UA", "uk"),
            ("en_US", "en"),
            ("en_US.UTF-8", "en"),
            ("zh-Hans-CN", "zh"),
            ("ukr", "uk"),
            ("deu", "de"),
            ("ukrainian", "uk"),
            ("English", "en"),
            ("German", "de"),
            ("Swahili", "sw"),
            ("Deutsch", "de"),
            ("Chinese (Simplified)", "zh"),
            ("English (United Kingdom)", "en"),
            ("Українська", "uk"),
            ("français", "fr"),
        ] {
            assert_eq!(locale(cell).as_deref(), Some(code), "{cell}");
        }
    }

    #[test]
    fn withdrawn_and_bibliographic_codes_are_translated() {
        for (codes, code) in [
            ("iw iw-IL heb", "he"),
            ("in in_ID ind", "id"),
            ("ji yid ydd", "yi"),
            ("jw jav", "jv"),
            ("mo mol ro-MD rum ron", "ro"),
            ("sh sh-Latn hbs scc srp sr-Cyrl Serbo-Croatian", "sr"),
            ("scr hrv", "hr"),
            ("ger GER deu", "de"),
            ("fre fra", "fr"),
            ("chi zho cmn cmn-Hans-CN zh-yue yue zh-Hant-TW", "zh"),
            ("cze ces", "cs"),
            ("gre ell", "el"),
            ("arb arz ar-EG", "ar"),
            ("fil fil-PH tgl", "tl"),
            ("no nor no-NO", "no"),
            ("nb nob nb-NO", "nb"),
            ("nn nno", "nn"),
            ("sr-Latn-RS sr_Latn_RS sr@latin", "sr"),
            ("en-US-u-ca-buddhist en-a-bbb-x-a-ccc", "en"),
            ("de-CH-1996 de-DE-x-goethe", "de"),
            ("es-419", "es"),
        ] {
            for cell in codes.split(' ') {
                assert_eq!(locale(cell).as_deref(), Some(code), "{cell}");
            }
        }
    }

    #[test]
    fn every_code_of_iso_639_2_with_a_two_letter_one_is_known() {
        let languages = "aar abk afr aka alb sqi amh ara arg arm hye asm ava ave aym aze bak bam baq eus bel ben bis bod tib bos \
            bre bul bur mya cat ces cze cha che chi zho chu chv cor cos cre cym wel dan deu ger div dut nld dzo ell gre eng epo \
            est ewe fao fas per fij fin fra fre fry ful geo kat gla gle glg glv grn guj hat hau heb her hin hmo hrv hun ibo ice isl \
            ido iii iku ile ina ind ipk ita jav jpn kal kan kas kau kaz khm kik kin kir kom kon kor kua kur lao lat lav lim lin lit \
            ltz lub lug mac mkd mah mal mao mri mar may msa mlg mlt mon nau nav nbl nde ndo nep nno nob nor nya oci oji ori orm oss \
            pan pli pol por pus que roh ron rum run rus sag san sin slk slo slv sme smo sna snd som sot spa srd srp ssw sun swa swe \
            tah tam tat tel tgk tgl tha tir ton tsn tso tuk tur twi uig ukr urd uzb ven vie vol wln wol xho yid yor zha zul";
        for code in languages.split_whitespace() {
            assert!(locale(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let what = |cell: &str| read(Scalar::Text(Cow::Borrowed(cell))).unwrap_err().what;
        for cell in ["und", "mul", "zxx", "und-Latn"] {
            assert!(what(cell).contains("an unknown language"), "{cell}");
        }
        for cell in ["tlh", "klingon", "Klingon", "haw-US", "Cebuano"] {
            assert!(what(cell).contains("without a two-letter code"), "{cell}");
        }
        for cell in ["xx", "x-klingon", "i-klingon", "Elvish?"] {
            assert!(what(cell).contains("not a language"), "{cell}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for cell in [
            "xx",
            "ua",
            "und",
            "qaa",
            "x-klingon",
            "i-default",
            "uk UA",
            "uk-",
            "Klingonish",
            "12",
            "u",
            "ук",
        ] {
            assert_eq!(locale(cell), None, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_two_lower_case_letters(cell in r"\PC{0,12}|[a-zA-Z]{2,3}([-_][a-zA-Z]{2})?") {
            if let Some(code) = locale(&cell) {
                prop_assert_eq!(code.len(), 2);
                prop_assert!(code.bytes().all(|b| b.is_ascii_lowercase()));
                prop_assert_eq!(locale(&code), Some(code.clone()));
            }
        }
    }
}
