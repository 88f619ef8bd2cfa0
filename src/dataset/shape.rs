//! A guess at the next record: that it is made as one before it was, with other values.
//!
//! What stands between the values of an object (its names, and the signs around them) is the same in nearly all records
//! of a dataset. Where these bytes are those of a record that was taken whole, they are sound again, and only the values
//! are left to be looked at. A guess that does not come true says nothing: the record is then taken from its beginning.

use wide::u8x16;

use super::grammar::Layout;
use super::whole::{look, name_end, string_end, value_end};

/// How many shapes are known at once: those of records with and without what may be left out.
const MOST_SHAPES: usize = 4;
/// Values of an object whose shape is learnt.
const MOST_VALUES: usize = 256;
/// What learning a shape costs, and how many guesses that came true pay for it.
const PRICE: u32 = 4;
/// The most that is saved up, and what there is at the beginning.
const MOST_CREDIT: u32 = 4 * PRICE;
/// After so many guesses that did not come true one more shape may be learnt.
const PATIENCE: u32 = 64;

/// Shapes of records, the one that came true last at the front.
#[derive(Debug)]
pub(super) struct Shapes {
    known: Vec<Vec<Gap>>,
    credit: u32,
    misses: u32,
}

impl Shapes {
    pub(super) const fn new() -> Self {
        Self { known: Vec::new(), credit: MOST_CREDIT, misses: 0 }
    }

    /// The end (the byte after it) of the value that begins here, if it is an object of a known shape, or could be found
    /// out; its shape is learnt then.
    #[inline]
    pub(super) fn value_end(
        &mut self,
        text: &[u8],
        from: usize,
        depth: usize,
        layout: Layout,
    ) -> Option<usize> {
        let inner = depth.saturating_sub(1);
        for number in 0..self.known.len() {
            let guess = self.known.get(number).and_then(|shape| end_of(shape, text, from, inner, layout));
            if let Some(end) = guess {
                self.known.swap(0, number);
                self.credit = (self.credit + 1).min(MOST_CREDIT);
                return Some(end);
            }
        }
        let end = value_end(text, from, depth, layout)?;
        self.learn(text, from, inner, layout);
        Some(end)
    }

    fn learn(&mut self, text: &[u8], from: usize, inner: usize, layout: Layout) {
        self.misses += 1;
        if self.misses.is_multiple_of(PATIENCE) {
            self.credit = self.credit.max(PRICE);
        }
        let Some(left) = self.credit.checked_sub(PRICE) else { return };
        if let Some(shape) = shape_of(text, from, inner, layout) {
            self.credit = left;
            self.known.truncate(MOST_SHAPES - 1);
            self.known.insert(0, shape);
        }
    }
}

/// What stands before a value of an object, from the end of the one before it, or behind the last.
#[derive(Debug)]
struct Gap {
    /// Its first bytes, and which bytes do not count since it is shorter.
    words: [u8x16; WORDS],
    beyond: [u8x16; WORDS],
    length: usize,
    /// What does not fit into the words.
    rest: Box<[u8]>,
}

/// Words of sixteen bytes that are compared at once.
const WORDS: usize = 2;
const BYTES: usize = 16 * WORDS;

impl Gap {
    fn new(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(bytes.len().min(BYTES));
        let (mut window, mut beyond) = ([0; BYTES], [0xff; BYTES]);
        for ((byte, place), unseen) in head.iter().zip(&mut window).zip(&mut beyond) {
            (*place, *unseen) = (*byte, 0);
        }
        Self { words: words(&window), beyond: words(&beyond), length: head.len(), rest: rest.into() }
    }

    /// The end of these bytes, if they stand here, and enough of the text behind them to be looked at at once.
    #[inline]
    fn end(&self, text: &[u8], from: usize) -> Option<usize> {
        let [first, second] = words(text.get(from..)?.first_chunk()?);
        let ([one, other], [beyond_one, beyond_other]) = (self.words, self.beyond);
        let is_same = (first.simd_eq(one) | beyond_one) & (second.simd_eq(other) | beyond_other);
        let end = from + self.length;
        if !is_same.all() {
            None
        } else if self.rest.is_empty() {
            Some(end)
        } else {
            text.get(end..)?.starts_with(&self.rest).then_some(end + self.rest.len())
        }
    }
}

#[inline]
fn words(bytes: &[u8; BYTES]) -> [u8x16; WORDS] {
    let (sixteens, _) = bytes.as_chunks();
    let mut sixteens = sixteens.iter().map(|sixteen| u8x16::new(*sixteen));
    std::array::from_fn(|_| sixteens.next().unwrap_or_default())
}

/// The end of an object of this shape; its containers may be so deep.
#[inline]
fn end_of(shape: &[Gap], text: &[u8], from: usize, inner: usize, layout: Layout) -> Option<usize> {
    let (last, gaps) = shape.split_last()?;
    let mut at = from;
    for gap in gaps {
        at = gap.end(text, at)?;
        // most values are strings
        at = match text.get(at)? {
            b'"' => string_end(text, at + 1)?,
            _ => value_end(text, at, inner, layout)?,
        };
    }
    last.end(text, at)
}

/// The shape of an object, which is sound; nothing where it is none, or has too many values.
fn shape_of(text: &[u8], from: usize, inner: usize, layout: Layout) -> Option<Vec<Gap>> {
    let mut at = from;
    if look(text, &mut at, layout)? != b'{' {
        return None;
    }
    at += 1;
    let (mut gaps, mut begun) = (Vec::new(), from);
    if look(text, &mut at, layout)? != b'}' {
        loop {
            at = name_end(text, at, layout)?;
            look(text, &mut at, layout)?;
            gaps.push(Gap::new(text.get(begun..at)?));
            if gaps.len() > MOST_VALUES {
                return None;
            }
            at = value_end(text, at, inner, layout)?;
            begun = at;
            if look(text, &mut at, layout)? == b'}' {
                break;
            }
            at += 1;
        }
    }
    gaps.push(Gap::new(text.get(begun..=at)?));
    Some(gaps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEPTH: usize = 8;
    /// What makes room for a look at several words at once.
    const BEHIND: &str = "                                        ";

    fn both(shapes: &mut Shapes, record: &str, layout: Layout) -> (Option<usize>, Option<usize>) {
        let text = format!("{record},{BEHIND}");
        (shapes.value_end(text.as_bytes(), 0, DEPTH, layout), value_end(text.as_bytes(), 0, DEPTH, layout))
    }

    #[test]
    fn a_record_as_the_one_before_it_is_guessed_and_another_one_taken() {
        let mut shapes = Shapes::new();
        let long = "x".repeat(70);
        for (record, known) in [
            (r#"{"a":1,"b":"two"}"#.to_owned(), 1),
            (r#"{"a":-2.5e7,"b":null}"#.to_owned(), 1),
            (r#"{"a":{"c":[1,{}]},"b":[]}"#.to_owned(), 1),
            (r#"{"a":1, "b":"two"}"#.to_owned(), 2),
            (r#"{"a":1}"#.to_owned(), 3),
            (r#"{"a":true,"b":"\"\\"}"#.to_owned(), 3),
            (format!(r#"{{"{long}":1}}"#), 4),
            (format!(r#"{{"{long}":2}}"#), 4),
            ("{ }".to_owned(), 4),
            ("{ }".to_owned(), 4),
            ("[1]".to_owned(), 4),
        ] {
            let (end, expected) = both(&mut shapes, &record, Layout::Free);
            assert_eq!((end, expected), (Some(record.len()), Some(record.len())), "{record}");
            assert_eq!(shapes.known.len(), known, "{record}");
        }
    }

    #[test]
    fn what_is_broken_is_guessed_by_nobody() {
        for broken in [
            r#"{"a":1,"b":"two"#,
            r#"{"a":1,"b":}"#,
            r#"{"a":01,"b":2}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a":1,"b":2,}"#,
            r#"{"a":1,"b":"\x"}"#,
            r#"{"a":1,"b":tru}"#,
            r#"{"a":1,"b":[[[[[[[[1]]]]]]]]}"#,
            "{\"a\":1,\"b\":\"\t\"}",
            r#"{"a":1,"b"}"#,
        ] {
            let mut shapes = Shapes::new();
            assert!(both(&mut shapes, r#"{"a":1,"b":2}"#, Layout::Free).0.is_some());
            assert_eq!(both(&mut shapes, broken, Layout::Free), (None, None), "{broken}");
        }
    }

    #[test]
    fn records_that_are_all_different_are_not_learnt_for_ever() {
        let mut shapes = Shapes::new();
        let mut learnt = 0;
        for number in 0..1000 {
            let before = shapes.credit;
            both(&mut shapes, &format!(r#"{{"name{number}":1}}"#), Layout::Free);
            learnt += u32::from(shapes.credit < before);
        }
        assert!(learnt <= 4 + 1000 / PATIENCE, "{learnt}");
    }

    /// A value or a member of one, well made or not.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\"",
            "\"a\":",
            ",\"b\":",
            "1",
            "-0.5",
            "null",
            "true",
            " ",
            "\n",
            "\"x\\n\"",
            "\"",
            "{\"a\":1,\"b\":2}",
            "{\"a\":\"\"}",
        ]);
        prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_guess_is_never_other_than_what_is_found_out(
            records in prop::collection::vec(pieces(), 1..12),
            one_line in any::<bool>(),
        ) {
            let layout = if one_line { Layout::OneLine } else { Layout::Free };
            let mut shapes = Shapes::new();
            for inside in records {
                for record in [format!("{{\"a\":{inside}}}"), format!("{{\"a\":1,\"b\":{inside}}}"), inside] {
                    let (end, expected) = both(&mut shapes, &record, layout);
                    prop_assert_eq!(end, expected, "{}", record);
                }
            }
        }
    }
}
