use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, KOI8_U, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252, WINDOWS_1254,
};

use super::settings::Choice;

/// Non-ASCII bytes from which on a guess has something to go by.
const ENOUGH: usize = 16;

/// The encoding of an input, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub(super) mark: usize,
    pub(super) guessed: bool,
}

/// Why it could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undecided {
    Candidates(Vec<&'static str>),
    Contradicted {
        mark: &'static str,
        given: &'static str,
    },
}

/// Decides by the byte order mark, the setting, or the sample; a sample that is not `whole` may end within a character.
pub(super) fn decide(
    choice: Choice<&'static Encoding>,
    sample: &[u8],
    whole: bool,
) -> Result<Decided, Undecided> {
    let mark = Encoding::for_bom(sample);
    let decided = |encoding, mark| {
        Ok(Decided {
            encoding,
            mark,
            guessed: false,
        })
    };
    match (choice, mark) {
        (Choice::Given(given), Some((marked, _))) if given != marked => {
            Err(Undecided::Contradicted {
                mark: marked.name(),
                given: given.name(),
            })
        }
        (_, Some((marked, length))) => decided(marked, length),
        (Choice::Given(given), None) => decided(given, 0),
        (Choice::Auto, None) => by_sample(sample, whole),
    }
}

fn by_sample(sample: &[u8], whole: bool) -> Result<Decided, Undecided> {
    if looks_like_utf16(sample) {
        let names = [UTF_16LE, UTF_16BE].map(Encoding::name);
        return Err(Undecided::Candidates(names.to_vec()));
    }
    let decided = |encoding, guessed| Decided {
        encoding,
        mark: 0,
        guessed,
    };
    let (characters, bad) = utf8_evidence(sample, whole);
    // Text in another encoding happens to hold a few valid pairs, and UTF-8 a few spoilt ones: the majority tells which it is.
    if bad == 0 || characters > bad {
        return Ok(decided(UTF_8, false));
    }
    let guess = guess(sample, None);
    if is_sure(guess, sample) {
        return Ok(decided(guess, true));
    }
    Err(Undecided::Candidates(candidates(guess, sample)))
}

/// ASCII as UTF-16 has a NUL in every second byte.
fn looks_like_utf16(sample: &[u8]) -> bool {
    let (pairs, _) = sample
        .get(..sample.len().min(4096))
        .unwrap_or(sample)
        .as_chunks::<2>();
    let nuls = |half: fn(&[u8; 2]) -> u8| pairs.iter().filter(|pair| half(pair) == 0).count();
    let (first, second) = (nuls(|[a, _]| *a), nuls(|[_, b]| *b));
    let many = pairs.len() / 2;
    pairs.len() >= 2 && ((first > many && second == 0) || (second > many && first == 0))
}

/// Characters of several bytes, and bytes that are none.
pub(super) fn utf8_evidence(sample: &[u8], whole: bool) -> (usize, usize) {
    let (mut characters, mut bad) = (0, 0);
    let mut chunks = sample.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        characters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        let cut = !whole && chunks.peek().is_none();
        bad += if cut { 0 } else { chunk.invalid().len() };
    }
    (characters, bad)
}

fn guess(bytes: &[u8], domain: Option<&[u8]>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(domain, Utf8Detection::Deny)
}

/// The detector gives no measure of its certainty. So it is asked again with other expectations, as it would be for the web pages
/// of other countries, and about either half of the lines: a guess is sure when none of this changes the text that is read.
fn is_sure(guess: &'static Encoding, sample: &[u8]) -> bool {
    let domains: [&[u8]; 7] = [b"de", b"pl", b"ua", b"gr", b"tr", b"lt", b"cz"];
    let halves = [0, 1].map(|half| {
        let lines = sample.split(|b| *b == b'\n').skip(half).step_by(2);
        let spoken = lines.filter(|line| !line.is_ascii());
        spoken.collect::<Vec<_>>().join(&b'\n')
    });
    let foreign = sample.iter().filter(|b| !b.is_ascii()).count();
    let same = |other: &'static Encoding, bytes: &[u8]| {
        let text = |encoding: &'static Encoding| encoding.decode_without_bom_handling(bytes).0;
        other == guess || text(other) == text(guess)
    };
    foreign >= ENOUGH
        && fits(guess, sample)
        && domains
            .iter()
            .all(|domain| same(self::guess(sample, Some(domain)), sample))
        && halves
            .iter()
            .all(|half| same(self::guess(half, None), half))
}

fn fits(encoding: &'static Encoding, sample: &[u8]) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let Some(room) = decoder.max_utf8_buffer_length_without_replacement(sample.len()) else {
        return false;
    };
    let mut text = vec![0; room];
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(sample, &mut text, false);
    let text = text.get(..written).unwrap_or_default();
    // A control character of the upper range is mapped, but in no text.
    let control = text
        .windows(2)
        .any(|pair| matches!(pair, [0xC2, 0x80..=0x9F]));
    matches!(result, encoding_rs::DecoderResult::InputEmpty) && !control
}

/// The guess first, then what is common and fits.
fn candidates(guess: &'static Encoding, sample: &[u8]) -> Vec<&'static str> {
    let common = [
        WINDOWS_1252,
        WINDOWS_1251,
        WINDOWS_1250,
        WINDOWS_1254,
        ISO_8859_2,
        KOI8_U,
        IBM866,
    ];
    let mut names = vec![guess.name()];
    for encoding in common {
        if encoding != guess && fits(encoding, sample) {
            names.push(encoding.name());
        }
    }
    names.truncate(5);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const UKRAINIAN: &str = "Ім'я;Місто\nОлександр Коваленко;Київ\nВікторія Шевченко;Вінниця\nЮрій Бондаренко;Дніпро\nДіана;ЛЬВІВ\n";
    const GERMAN: &str = "Name;Straße\nJörg Müller;Große Gasse\nBärbel Schäfer;Düsseldorfer Straße\nGünther Köhler;Höhenweg\nKäthe Böhm;Mühlstraße\nUrsula Krüger;Schloßallee\nSören Größer;Fährweg\n";

    fn auto(sample: &[u8]) -> Result<Decided, Undecided> {
        decide(Choice::Auto, sample, true)
    }

    fn encoding(sample: &[u8]) -> &'static Encoding {
        auto(sample).unwrap().encoding
    }

    #[test]
    fn a_mark_decides_and_a_contradicting_setting_is_refused() {
        let marked = auto(b"\xFF\xFEa\0").unwrap();
        assert_eq!((marked.encoding, marked.mark), (UTF_16LE, 2));
        assert_eq!(auto(b"\xEF\xBB\xBFa").unwrap().mark, 3);
        assert!(decide(Choice::Given(WINDOWS_1251), b"\xEF\xBB\xBFa", true).is_err());
        assert!(decide(Choice::Given(UTF_8), b"\xEF\xBB\xBFa", true).is_ok());
    }

    #[test]
    fn ascii_and_mostly_valid_text_is_utf8() {
        assert_eq!(encoding(b"a,b\n"), UTF_8);
        let spoilt = ["жж\n".as_bytes(), b"\xE9\n"].concat();
        assert_eq!(encoding(&spoilt), UTF_8);
    }

    #[test]
    fn a_sample_may_end_within_a_character() {
        assert_eq!(
            decide(Choice::Auto, b"ab\xD0", false).unwrap().encoding,
            UTF_8
        );
        assert!(auto(b"ab\xD0").is_err());
    }

    #[test]
    fn clear_text_is_guessed() {
        let cyrillic = WINDOWS_1251.encode(UKRAINIAN).0;
        let decided = auto(&cyrillic).unwrap();
        assert_eq!((decided.encoding, decided.guessed), (WINDOWS_1251, true));
        assert_eq!(encoding(&WINDOWS_1252.encode(GERMAN).0), WINDOWS_1252);
    }

    #[test]
    fn one_strange_byte_is_no_ground_for_a_guess() {
        let Err(Undecided::Candidates(names)) = auto(b"name\nJos\xE9\n") else {
            panic!()
        };
        assert!(
            names.contains(&"windows-1251") && names.contains(&"windows-1252"),
            "{names:?}"
        );
    }

    #[test]
    fn unmarked_utf16_is_asked_for() {
        let bytes: Vec<u8> = "id,name\n1,Ann\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(
            matches!(auto(&bytes), Err(Undecided::Candidates(names)) if names == ["UTF-16LE", "UTF-16BE"])
        );
        assert_eq!(encoding(b"a\0b\0\n1,2\n"), UTF_8);
    }
}
