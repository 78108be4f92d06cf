use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::plausible::{is_known, ranked};
use super::settings::Choice;

/// A guess needs at least this many non-ASCII bytes.
const MIN_FOREIGN_BYTES: usize = 16;

/// The encoding of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DetectedEncoding {
    pub(super) encoding: &'static Encoding,
    /// Length of the byte order mark in bytes.
    pub(super) mark: usize,
    pub(super) guessed: bool,
}

/// Why the encoding could not be determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EncodingError {
    /// The possible encodings, the most likely first.
    Candidates(Vec<&'static Encoding>),
    /// ASCII with the escape sequences of an unsupported encoding.
    Escapes(&'static str),
    Contradicted {
        mark: &'static str,
        given: &'static str,
    },
}

/// Determines the encoding by the byte order mark, the setting, or the sample. Unless `whole`, the sample may end within a
/// character.
pub(super) fn decide(
    choice: Choice<&'static Encoding>,
    sample: &[u8],
    whole: bool,
) -> Result<DetectedEncoding, EncodingError> {
    let mark = Encoding::for_bom(sample);
    let decided = |encoding, mark| {
        Ok(DetectedEncoding {
            encoding,
            mark,
            guessed: false,
        })
    };
    match (choice, mark) {
        (Choice::Given(given), Some((marked, _))) if given != marked => {
            Err(EncodingError::Contradicted {
                mark: marked.name(),
                given: given.name(),
            })
        }
        (_, Some((marked, length))) => decided(marked, length),
        (Choice::Given(given), None) => decided(given, 0),
        (Choice::Auto, None) => by_sample(sample, whole),
    }
}

fn by_sample(sample: &[u8], whole: bool) -> Result<DetectedEncoding, EncodingError> {
    if looks_like_utf16(sample) {
        return Err(EncodingError::Candidates(vec![UTF_16LE, UTF_16BE]));
    }
    if let Some(encoding) = by_escapes(sample) {
        return Err(EncodingError::Escapes(encoding));
    }
    let decided = |encoding, guessed| DetectedEncoding {
        encoding,
        mark: 0,
        guessed,
    };
    let (characters, bad) = utf8_evidence(sample, whole);
    // Other encodings contain a few valid UTF-8 sequences by chance, and UTF-8 may contain a few broken ones: the majority
    // decides.
    if bad == 0 || characters > bad {
        return Ok(decided(UTF_8, false));
    }
    let guess = guess(sample, None);
    let ranked = ranked(sample);
    if is_likeliest(guess, &ranked, sample) && is_sure(guess, sample) {
        return Ok(decided(guess, true));
    }
    Err(EncodingError::Candidates(candidates(guess, ranked, sample)))
}

/// The encoding whose escape sequences are in an ASCII sample: `ESC $` switches to characters of several bytes.
fn by_escapes(sample: &[u8]) -> Option<&'static str> {
    let at = memchr::memmem::find(sample, b"\x1B$").filter(|_| sample.is_ascii())?;
    match sample.get(at + 2..)? {
        [b'@' | b'B', ..] | [b'(', b'@' | b'D' | b'O' | b'Q', ..] => Some("ISO-2022-JP"),
        [b')', b'C', ..] => Some("ISO-2022-KR"),
        [b')' | b'*', b'A' | b'G' | b'H', ..] => Some("ISO-2022-CN"),
        _ => None,
    }
}

/// Whether no other encoding fits the letters better. The detector does not know the encodings of old Macintosh computers.
fn is_likeliest(guess: &'static Encoding, ranked: &[&'static Encoding], sample: &[u8]) -> bool {
    let text = |encoding: &'static Encoding| encoding.decode_without_bom_handling(sample).0;
    match ranked.first() {
        Some(first) if is_known(guess) => *first == guess || text(first) == text(guess),
        _ => true,
    }
}

/// Whether about every second byte is NUL, as in ASCII written as UTF-16.
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

/// Counts the characters of several bytes, and the bytes that are not UTF-8.
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

/// Whether a guess is reliable. The detector has no measure of certainty, so it is asked again with the hints for web pages of
/// other countries, and for each half of the lines: a guess is reliable if the decoded text stays the same.
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
    foreign >= MIN_FOREIGN_BYTES
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
    // Control characters from U+0080 to U+009F can be decoded but do not occur in texts.
    let control = text
        .windows(2)
        .any(|pair| matches!(pair, [0xC2, 0x80..=0x9F]));
    matches!(result, encoding_rs::DecoderResult::InputEmpty) && !control
}

/// The encodings that the sample may have: the guess first if its letters cannot be ranked, then the others by rank.
fn candidates(
    guess: &'static Encoding,
    ranked: Vec<&'static Encoding>,
    sample: &[u8],
) -> Vec<&'static Encoding> {
    let first = Some(guess).filter(|guess| !is_known(guess) && fits(guess, sample));
    let mut all: Vec<_> = first.into_iter().chain(ranked).collect();
    if all.is_empty() {
        all.push(guess);
    }
    all.truncate(5);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{ISO_2022_JP, WINDOWS_1251, WINDOWS_1252, X_MAC_CYRILLIC};

    const UKRAINIAN: &str = "Ім'я;Місто\nОлександр Коваленко;Київ\nВікторія Шевченко;Вінниця\nЮрій Бондаренко;Дніпро\nДіана;ЛЬВІВ\n";
    const GERMAN: &str = "Name;Straße\nJörg Müller;Große Gasse\nBärbel Schäfer;Düsseldorfer Straße\nGünther Köhler;Höhenweg\nKäthe Böhm;Mühlstraße\nUrsula Krüger;Schloßallee\nSören Größer;Fährweg\n";

    fn auto(sample: &[u8]) -> Result<DetectedEncoding, EncodingError> {
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
        let Err(EncodingError::Candidates(all)) = auto(b"name\nJos\xE9\n") else {
            panic!()
        };
        assert_eq!(all[0], WINDOWS_1252);
        assert!(all.contains(&WINDOWS_1251), "{all:?}");
    }

    #[test]
    fn cyrillic_of_a_macintosh_is_never_sure() {
        let russian =
            "Имя;Город\nМария Иванова;Москва\nЯна Юдина;Казань\nСветлана Петрова;моя семья\n";
        for text in [UKRAINIAN, russian, &russian.to_lowercase()] {
            let bytes = X_MAC_CYRILLIC.encode(text).0;
            let Err(EncodingError::Candidates(all)) = auto(&bytes) else {
                panic!("{text}")
            };
            assert_eq!(all[0], X_MAC_CYRILLIC, "{text}");
        }
        assert_eq!(encoding(&WINDOWS_1251.encode(russian).0), WINDOWS_1251);
        let quoted = russian.replace("Мария", "«Мария» – “ира”, ");
        assert_eq!(encoding(&WINDOWS_1251.encode(&quoted).0), WINDOWS_1251);
    }

    #[test]
    fn escape_sequences_are_no_ascii() {
        let escapes = |bytes: &[u8]| auto(bytes).unwrap_err();
        let japanese = ISO_2022_JP.encode("id,name\n1,山田\n").0;
        assert_eq!(escapes(&japanese), EncodingError::Escapes("ISO-2022-JP"));
        assert_eq!(
            escapes(b"a\n\x1B$)C\x0E0!\x0F\n"),
            EncodingError::Escapes("ISO-2022-KR")
        );
        assert_eq!(encoding(b"a,b\n\x1B[31mred,$5\n"), UTF_8);
        assert_eq!(
            decide(Choice::Given(UTF_8), &japanese, true)
                .unwrap()
                .encoding,
            UTF_8
        );
    }

    #[test]
    fn unmarked_utf16_is_asked_for() {
        let bytes: Vec<u8> = "id,name\n1,Ann\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(
            matches!(auto(&bytes), Err(EncodingError::Candidates(all)) if all == [UTF_16LE, UTF_16BE])
        );
        assert_eq!(encoding(b"a\0b\0\n1,2\n"), UTF_8);
    }
}
