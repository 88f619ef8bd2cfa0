//! What a platform repeats of records in what it says of them: names, addresses, numbers.
//!
//! Whatever is handed to others must hold no personal data, and nobody knows which words of a message are the platform's
//! own. So each word is looked for in the records of the run's failures, and one that stands there is not told. The words
//! of the texts are held in memory, and the records pass by: a run of millions of failures needs no more than one of ten.

use std::collections::HashSet;
use std::fmt;
use std::ops::{ControlFlow, Range};

use icu_normalizer::DecomposingNormalizerBorrowed;
use rusqlite::params;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::read::Reader;
use super::{JournalError, RunRow};

/// The shortest word that is looked for, in bytes.
const SHORTEST: usize = 2;
/// So many words beside each other are looked for as one, also: who writes `adalovelace` may mean `Ada Lovelace`.
const JOINED: usize = 3;
/// The shortest word, in bytes, that is found at the beginning or end of a longer one: `Lovelaces`, `contactlovelace`.
const SHORTEST_WITHIN: usize = 5;
/// A code that holds more digits may be somebody's number.
const MOST_DIGITS: usize = 4;
/// A longer word than this, in bytes, is looked for as a whole and by its parts only.
const LONGEST: usize = 64;

/// What some texts repeat of records. The default hides nothing.
#[derive(Debug, Default)]
pub struct Repeats {
    found: HashSet<String>,
    hides: bool,
}

impl Reader {
    /// Reads the records of the run's failures for the words that these texts repeat of them.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn repeats<'a>(
        &self,
        run: &RunRow,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Repeats, JournalError> {
        let mut search = Search::of(texts);
        if search.wanted.is_empty() {
            return Ok(Repeats { found: HashSet::new(), hides: true });
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT r.record, r.original FROM failure f CROSS JOIN failure_record r ON r.failure = f.failure
             WHERE f.run = ?1",
        )?;
        let mut rows = statement.query(params![run.number])?;
        while let Some(row) = rows.next()? {
            // what was said may be about the record as it was before a person edited it
            for column in 0..2 {
                if let Some(record) = row.get_ref(column)?.as_blob_or_null().unwrap_or_default() {
                    search.pass(record);
                }
            }
        }
        Ok(Repeats { found: search.found, hides: true })
    }
}

impl Repeats {
    /// A code of the platform's own, where it looks like one: else it is not told, as it may hold anything.
    #[must_use]
    pub fn without_in_code(&self, code: &str) -> String {
        let is_plain =
            |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-' | ':' | '/');
        let digits = code.chars().filter(char::is_ascii_digit).count();
        if self.hides && !(code.chars().all(is_plain) && code.len() <= LONGEST && digits <= MOST_DIGITS) {
            return "…".to_owned();
        }
        self.without(code)
    }

    /// A text with `…` for what it repeats, and for what is escaped, cut off or broken and so might repeat something.
    #[must_use]
    pub fn without(&self, text: &str) -> String {
        if !self.hides {
            return text.to_owned();
        }
        let mut plain = String::with_capacity(text.len());
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            plain.push_str(if is_veiled(word) { "…" } else { word });
            plain.push_str(piece.get(word.len()..).unwrap_or_default());
        }
        let text = plain.as_str();
        let mut told = String::with_capacity(text.len());
        let mut done = 0;
        let mut places: Vec<Range<usize>> = Vec::new();
        each_group(text, |group, place| {
            if self.found.contains(group) {
                places.push(place);
            }
        });
        places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
        for place in places {
            if place.start >= done {
                told.push_str(text.get(done..place.start).unwrap_or_default());
                told.push('…');
            }
            done = done.max(place.end);
        }
        told.push_str(text.get(done..).unwrap_or_default());
        told
    }
}

/// Whether a word may be another one that is escaped (`M\u00fcller`, `M%C3%BCller`, `M&uuml;ller`, `M=C3=BCller`), cut off
/// (`Mül…`) or broken (`MÃ¼ller`, `M?ller`): what stands in its place is known to nobody here.
fn is_veiled(word: &str) -> bool {
    let pairs = word.chars().zip(word.chars().skip(1));
    let is_cut = |(one, next): (char, char)| one.is_alphabetic() && next == '…';
    let is_broken = word.trim_matches('?').contains('?');
    word.contains(['\\', '%', '&', '=', '\u{fffd}', 'Ã', 'Â'])
        || word.contains("..")
        || pairs.into_iter().any(is_cut)
        || is_broken
}

/// The words that are still looked for, and those that were found.
#[derive(Debug)]
struct Search {
    wanted: HashSet<String>,
    /// Whether any of them begins with these two bytes: of most words of records no more has to be looked at.
    beginnings: Box<[bool]>,
    found: HashSet<String>,
}

impl Search {
    fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut wanted, mut beginnings) = (HashSet::new(), vec![false; 1 << 16].into_boxed_slice());
        for text in texts {
            each_group(text, |group, _| {
                if !wanted.contains(group) {
                    wanted.insert(group.to_owned());
                    if let Some(known) = beginnings.get_mut(beginning(group)) {
                        *known = true;
                    }
                }
            });
        }
        Self { wanted, beginnings, found: HashSet::new() }
    }

    fn pass(&mut self, record: &[u8]) {
        // as it comes: as a tree it may take a hundred times its bytes
        let mut record_of = serde_json::Deserializer::from_slice(record);
        if Texts(self).deserialize(&mut record_of).is_err() {
            self.text(&String::from_utf8_lossy(record));
        }
    }

    fn text(&mut self, text: &str) {
        each_joined(text, &parts(text), |group, _| {
            if !self.beginnings.get(beginning(group)).is_some_and(|known| *known) {
                return ControlFlow::Break(());
            }
            if let Some(group) = self.wanted.take(group) {
                self.found.insert(group);
            }
            ControlFlow::Continue(())
        });
    }
}

/// Hands all texts and numbers of a JSON value to the search, but for the names of members.
struct Texts<'s>(&'s mut Search);

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Texts(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Texts(self.0))?;
        }
        Ok(())
    }
}

/// The first two bytes as a number.
fn beginning(group: &str) -> usize {
    group.bytes().take(2).fold(0, |number, byte| number << 8 | usize::from(byte))
}

/// A word, or a part of one that begins with a capital letter: `ContactLocked` has two. Where no spaces are written, each
/// character is one: a name is a few of them, wherever it stands.
#[derive(Debug, Clone, Copy)]
struct Part {
    from: usize,
    to: usize,
    /// Whether it follows on the part before it, with nothing between.
    goes_on: bool,
    /// Whether it is one character of many that stand side by side.
    is_one: bool,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Option<Part> = None;
    let mut chars = text.char_indices().peekable();
    let mut before = None;
    while let Some((at, char)) = chars.next() {
        if is_mark(char) {
            // it belongs to the letter before it, or is not seen
            if let Some(part) = &mut open {
                part.to = at + char.len_utf8();
            }
            continue;
        }
        if !char.is_alphanumeric() {
            parts.extend(open.take());
            before = None;
            continue;
        }
        // `nameA` and `NAMEa`
        let begins = char.is_uppercase()
            && before.is_some_and(|before: char| {
                !before.is_uppercase() || chars.peek().is_some_and(|(_, next)| next.is_lowercase())
            });
        let is_one = is_written_without_spaces(char);
        if begins || is_one || open.is_some_and(|part| part.is_one) {
            parts.extend(open.take());
        }
        let to = at + char.len_utf8();
        let goes_on = before.is_some();
        open = Some(open.map_or(Part { from: at, to, goes_on, is_one }, |part| Part { to, ..part }));
        before = Some(char);
    }
    parts.extend(open);
    parts
}

/// Chinese, Japanese, Korean (whose particles are written onto a name), Thai, Lao, Tibetan, Burmese, Khmer.
const fn is_written_without_spaces(char: char) -> bool {
    matches!(char, '\u{e00}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

/// An accent or a tone that stands on its own, or what is not drawn.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
        || (crate::text::is_deceptive(char) && !char.is_whitespace())
}

/// A word as it is compared: in lower case (as of its capitals: `ß` is `ss`), without accents, and with the plain forms of
/// letters and digits.
fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let plain = DecomposingNormalizerBorrowed::new_nfkd();
    let lower = word.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    plain.normalize_iter(lower).filter(|char| !is_mark(*char)).collect()
}

/// Gives each part, a few of them together, and each whole word, in lower case and with its place; after a break no more
/// of those that begin in the same way.
fn each_joined(text: &str, parts: &[Part], mut take: impl FnMut(&str, Range<usize>) -> ControlFlow<()>) {
    let mut joined = String::new();
    for (number, first) in parts.iter().enumerate() {
        joined.clear();
        let rest = parts.get(number..).unwrap_or_default();
        let mut is_whole = !first.goes_on;
        for (count, part) in (1..).zip(rest) {
            is_whole &= count == 1 || part.goes_on;
            if count > JOINED && !is_whole {
                break;
            }
            let word = text.get(part.from..part.to).unwrap_or_default();
            if word.is_ascii() {
                joined.push_str(word);
                let at = joined.len() - word.len();
                joined.get_mut(at..).unwrap_or_default().make_ascii_lowercase();
            } else {
                joined.push_str(&folded(word));
            }
            let ends = !rest.get(count).is_some_and(|next| next.goes_on);
            // a character that many words are made of is a name only where it stands alone
            let is_name = count > 1 || !part.is_one || (ends && !first.goes_on);
            if joined.len() >= SHORTEST
                && is_name
                && (count <= JOINED || ends)
                && take(&joined, first.from..part.to).is_break()
            {
                break;
            }
        }
    }
}

/// The same, and what words begin and end with, at the places of those words.
fn each_group(text: &str, mut take: impl FnMut(&str, Range<usize>)) {
    let parts = parts(text);
    each_joined(text, &parts, |group, place| {
        take(group, place);
        ControlFlow::Continue(())
    });
    let words = parts.chunk_by(|_, next| next.goes_on);
    let words = words.filter(|word| word.len() > 1 && !word.iter().any(|part| part.is_one));
    let words = words.filter_map(|word| Some((word.first()?.from, word.last()?.to)));
    for (from, to) in parts.iter().map(|part| (part.from, part.to)).chain(words) {
        let word = folded(text.get(from..to).unwrap_or_default());
        if word.len() > LONGEST {
            continue;
        }
        for (at, _) in word.char_indices().skip(1) {
            let (beginning, end) = word.split_at(at);
            for piece in [beginning, end].into_iter().filter(|piece| piece.len() >= SHORTEST_WITHIN) {
                take(piece, from..to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(records: &[&str], text: &str) -> String {
        let mut search = Search::of([text]);
        for record in records {
            search.pass(record.as_bytes());
        }
        Repeats { found: search.found, hides: true }.without(text)
    }

    #[test]
    fn what_is_escaped_cut_off_or_broken_is_not_told() {
        for (text, shown) in [
            (r"contact Jos\u00e9 M\u00fcller is unknown", "contact … … is unknown"),
            ("contact M%C3%BCller, O&#39;Brien and M=C3=BCller", "contact … … and …"),
            ("locked: Mül… or MÃ¼ller or M?ller", "locked: … or … or …"),
            ("is this known? … is not", "is this known? … is not"),
        ] {
            assert_eq!(told(&[], text), shown);
        }
        let hidden = Repeats { found: HashSet::new(), hides: true };
        for (code, shown) in [
            ("contact.not.found", "contact.not.found"),
            ("ERR-404/locked", "ERR-404/locked"),
            ("M%C3%BCller", "…"),
            ("+49 30 1234", "…"),
            ("c-20261123", "…"),
        ] {
            assert_eq!(
                (hidden.without_in_code(code), Repeats::default().without_in_code(code)),
                (shown.to_owned(), code.to_owned())
            );
        }
    }

    #[test]
    fn words_of_records_are_not_told() {
        let records = [r#"{"who": "Ada Lovelace", "n": [{"x": "émile", "y": 4711}], "at": "+49 30 123456"}"#];
        for (text, shown) in [
            ("contact Lovelace, ada (Émile) is unknown: 4711.", "contact …, … (…) is unknown: …."),
            ("Ada Lovelace <ada.lovelace@example.org> is locked", "… <…@example.org> is locked"),
            ("locked.Ada.Lovelace", "locked.…"),
            ("LOCKED_ADA_LOVELACE_BY_SUPERVISOR", "LOCKED_…_BY_SUPERVISOR"),
            ("contactAdaLovelaceLocked: ADALovelace, adalovelace", "contact…Locked: …, …"),
            ("Lovelaces Konto, userlovelace, userLovelaces", "… Konto, …, user…"),
            ("no route to 4930123456 or 30-123456", "no route to … or …"),
            ("nothing of it, x y 4", "nothing of it, x y 4"),
            ("", ""),
        ] {
            assert_eq!(told(&records, text), shown);
        }
    }

    #[test]
    fn names_that_are_written_together_in_records_are_found_apart() {
        let records =
            [r#"["graceHopper", "alanturing", "王小明"]"#, "not JSON, but Edsger", r#""A\u0308nne""#];
        for (text, shown) in [
            ("Grace Hopper is locked by Alan Turing", "… is locked by …"),
            ("联系人王小明", "联系人…"),
            ("edsger.", "…."),
            ("A\u{308}nne is", "… is"),
            ("\u{c4}nne, ANNE and a\u{ad}n\u{200b}ne are", "…, … and … are"),
            ("\u{ff27}raceHopper, \u{ff27}race", "…, …"),
        ] {
            assert_eq!(told(&records, text), shown);
        }
    }

    #[test]
    fn names_are_found_where_no_spaces_are_written_and_in_capitals() {
        let records = [r#"["王小明", "山田", "สมชาย", "김철수", "Weiß", "Σίσυφος", "李"]"#];
        for (text, shown) in [
            ("客户王小明不存在", "客户…不存在"),
            ("顧客山田様が見つかりません", "顧客…様が見つかりません"),
            ("ลูกค้าสมชายไม่พบ", "ลูกค้า…ไม่พบ"),
            ("고객김철수를 찾을 수 없습니다", "고객…를 찾을 수 없습니다"),
            ("Kunde WEISS, ΣΊΣΥΦΟΣ", "Kunde …, …"),
            ("李 is not 李子", "… is not 李子"),
        ] {
            assert_eq!(told(&records, text), shown);
        }
    }

    #[test]
    fn one_long_word_of_many_parts_is_passed_in_a_moment() {
        // looked at anew for each of its parts, it would take hours
        let record = format!("[\"{}\"]", "thTéT".repeat(600_000));
        assert_eq!(told(&[&record], "the contact Thté is not there"), "the contact … is not there");
    }

    #[test]
    fn a_long_text_costs_no_more_than_a_few_times_its_length() {
        for text in ["x".repeat(2048), "aB".repeat(1024), "word ".repeat(400), "王小明".repeat(200)] {
            let search = Search::of([text.as_str()]);
            let held: usize = search.wanted.iter().map(String::len).sum();
            assert!(held <= 40 * text.len(), "{held}");
        }
    }
}
