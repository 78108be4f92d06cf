//! Ranks the encodings that a sample may have, by the letters of the languages that are written in them.

use std::cmp::Reverse;

use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, KOI8_U, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    WINDOWS_1253, WINDOWS_1254, WINDOWS_1257, X_MAC_CYRILLIC,
};

/// Non-ASCII letters, an entry per language or group of languages.
const WESTERN: &[&str] = &[
    "àâæçéèêëîïôœùûüÿ",
    "áéíóúüñ",
    "ãâáàçéêíóôõúü",
    "àèéìíîòóùú",
    "åäöéü",
    "äöüßé",
    "æøåéèöü",
    "éèëïöüçáíóú",
    "çàéèíïóòúü",
    ICELANDIC,
];
const ICELANDIC: &str = "áéíóúýðþæö";
const CENTRAL: &[&str] = &[
    "ąćęłńóśźż",
    "áčďéěíňóřšťúůýž",
    "áäčďéíĺľňóôŕšťúýž",
    "áéíóöőúüű",
    "čćđšž",
    "ăâîşţ",
];
const BALTIC: &[&str] = &["ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž"];
const TURKISH: &[&str] = &["çğıöşüâîû"];
const GREEK: &[&str] = &["αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"];
const CYRILLIC: &[&str] = &[
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "абвгдђежзијклљмнњопрстћуфхцчџш",
    "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
];

/// The single-byte encodings in common use, the most frequent first.
const KNOWN: [(&Encoding, &[&str]); 11] = [
    (WINDOWS_1252, WESTERN),
    (WINDOWS_1251, CYRILLIC),
    (WINDOWS_1250, CENTRAL),
    (WINDOWS_1254, TURKISH),
    // In lower case this one resembles Greek, except for the Greek accents.
    (X_MAC_CYRILLIC, CYRILLIC),
    (WINDOWS_1253, GREEK),
    (WINDOWS_1257, BALTIC),
    (ISO_8859_2, CENTRAL),
    (KOI8_U, CYRILLIC),
    (IBM866, CYRILLIC),
    (MACINTOSH, WESTERN),
];

/// Returns the known encodings in which the sample is text, the most likely first, and only one per decoded text.
pub(super) fn ranked(sample: &[u8]) -> Vec<&'static Encoding> {
    let read = |(encoding, languages): (&'static Encoding, &[&str])| {
        let text = text_of(encoding, sample)?;
        let score = languages
            .iter()
            .map(|letters| score(&text, letters))
            .max()?;
        Some((score, encoding, text))
    };
    let mut candidates: Vec<_> = KNOWN.into_iter().filter_map(read).collect();
    candidates.sort_by_key(|(score, ..)| Reverse(*score));
    let mut texts: Vec<String> = Vec::new();
    candidates.retain(|(_, _, text)| {
        let is_new = !texts.contains(text);
        if is_new {
            texts.push(text.clone());
        }
        is_new
    });
    candidates
        .into_iter()
        .map(|(_, encoding, _)| encoding)
        .collect()
}

pub(super) fn is_known(encoding: &Encoding) -> bool {
    KNOWN.iter().any(|(known, _)| *known == encoding)
}

/// Decodes the lines of the sample that are not ASCII. Returns `None` if they contain invalid or control characters.
fn text_of(encoding: &'static Encoding, sample: &[u8]) -> Option<String> {
    let lines = sample
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_ascii());
    let lines = lines.collect::<Vec<_>>().join(&b'\n');
    let text = encoding.decode_without_bom_handling_and_without_replacement(&lines)?;
    let is_control = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    (!text.contains(is_control)).then(|| text.into_owned())
}

/// Scores how well the non-ASCII characters of a text fit a language and their neighbours.
fn score(text: &str, letters: &str) -> i64 {
    let gain = if letters == ICELANDIC { 3 } else { 4 };
    let mut sum = 0;
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        if c.is_alphabetic() && !c.is_ascii() {
            let is_one = is_letter_of(letters, c);
            sum += if is_one { gain } else { -4 } - oddity(before, c, after);
        } else if !c.is_ascii() {
            sum -= i64::from(!is_mark(before, c, after)) * 4;
        }
        before = c;
    }
    sum
}

fn is_letter_of(letters: &str, c: char) -> bool {
    c == 'İ'
        || c.to_lowercase()
            .next()
            .is_some_and(|lower| letters.contains(lower))
}

/// The penalty for a letter that does not fit its neighbours.
fn oddity(before: char, c: char, after: char) -> i64 {
    let is_latin = c < '\u{250}';
    let is_upper_within = c.is_uppercase() && before.is_lowercase();
    let is_lower_within = c.is_lowercase() && before.is_uppercase() && after.is_uppercase();
    let mixes = !is_latin && [before, after].iter().any(char::is_ascii_alphabetic);
    let is_beside_another = is_latin && before.is_alphabetic() && !before.is_ascii();
    // Portuguese has `õ` before `e`; otherwise it is likely a misread Hungarian letter.
    let is_lone_tilde = c == 'õ' && after != 'e';
    i64::from(is_upper_within || is_lower_within) * 4
        + i64::from(mixes) * 6
        + i64::from(is_beside_another)
        + i64::from(is_lone_tilde) * 2
}

/// Whether a character is punctuation. Within a word only apostrophes and similar marks are.
fn is_mark(before: char, c: char, after: char) -> bool {
    let is_within = before.is_alphabetic() && after.is_alphabetic();
    "’´·".contains(c) || (!is_within && "‘“”„«»–—…€№°¿¡§®™ºª‚£\u{a0}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn first(encoding: &'static Encoding, texts: &[&str]) {
        for text in texts {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost, "{text}");
            let best = ranked(&bytes)[0];
            let read = best.decode_without_bom_handling(&bytes).0;
            assert_eq!(read, *text, "read as {}", best.name());
        }
    }

    #[test]
    fn western_texts_are_read_right_by_the_first() {
        let texts = [
            "userId,name\n1,François Lefèvre\n2,Hélène Bézier\n",
            "id,notes\n1,Le client a été relancé à Noël ; il préfère l’été.\n2,Ça va\n",
            "id,name\n1,Hélène\n",
            "id,name\n1,José Muñoz\n2,Íñigo Pérez\n3,¿Cómo está?\n",
            "id,name\n1,João Conceição\n2,Magalhães\n3,As reuniões de amanhã\n",
            "id,name\n1,Niccolò D’Agostino\n2,La città è più bella perché c’è il sole\n",
            "id,name\n1,Åsa Öberg\n2,Märta Åkesson\n3,Malmö\n",
            "id,name\n1,Jörg Müller\n2,Bärbel Größer\n",
            "id,name\n1,Søren Ærø\n2,København\n",
            "id,name\n1,Sigurður Þór Ævarsson\n",
        ];
        first(WINDOWS_1252, &texts);
    }

    #[test]
    fn other_texts_are_read_right_by_the_first() {
        let central = [
            "id,name\n1,Łukasz Wójcik\n2,Małgorzata Dąbrowska\n",
            "id,name\n1,Dąbrowska\n",
            "id,name\n1,Jiří Dvořák\n2,Božena Němcová\n",
            "id,name\n1,Győző Szűcs\n2,Kőrösi Erzsébet\n",
            "id,name\n1,Győző\n",
            "id,name\n1,Željko Đurić\n2,Čakovec\n",
        ];
        first(WINDOWS_1250, &central);
        first(
            WINDOWS_1254,
            &[
                "id\nAyşe Yılmaz\nÇağrı Öztürk\n",
                "id\nAyşe Yılmaz\n",
                "İstanbul Işık\n",
            ],
        );
        first(
            WINDOWS_1253,
            &["id\nΓιώργος Παπαδόπουλος\nΑθήνα\n", "id\nΕλένη\n"],
        );
        first(
            WINDOWS_1257,
            &["id\nŠarūnas Jasikevičius\n", "id\nJānis Bērziņš\n"],
        );
        first(ISO_8859_2, &["id\nŁukasz Wójcik\nŚwięty Żuraw\n"]);
        first(MACINTOSH, &["id\nJosé Muñoz\nJörg Müller\n"]);
    }

    #[test]
    fn cyrillic_texts_are_read_right_by_the_first() {
        let texts = [
            "id\nОлександр Коваленко\nЮрій Їжак\n",
            "id\nЮлія\n",
            "id\nМария Иванова\nмоя семья\n",
        ];
        for encoding in [WINDOWS_1251, KOI8_U, X_MAC_CYRILLIC] {
            first(encoding, &texts);
        }
        first(IBM866, &texts[2..]);
    }

    #[test]
    fn encodings_in_which_the_text_is_the_same_are_one() {
        let names: Vec<_> = ranked(b"name\nJos\xE9\n")
            .into_iter()
            .map(Encoding::name)
            .collect();
        assert_eq!(names[0], "windows-1252");
        assert!(
            !names.contains(&"windows-1250") && names.contains(&"windows-1251"),
            "{names:?}"
        );
    }
}
