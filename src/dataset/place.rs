//! Where in the text something stands. Lines and columns are counted late and in bulk: a scan that only counts records
//! asks for a place once a buffer, and never pays for one a record.

use memchr::{memchr_iter, memrchr};

use super::Place;
use super::text::Chunk;

/// Knows the place of one byte of the present chunk, and finds that of any later one.
#[derive(Debug)]
pub(super) struct Tracker {
    place: Place,
    index: usize,
}

impl Tracker {
    /// At the beginning of the text, behind a byte order mark of `skipped` bytes.
    pub(super) const fn new(skipped: u64) -> Self {
        Self { place: Place { line: 1, column: 1, byte: skipped }, index: 0 }
    }

    /// Goes on to a byte of the chunk, and says where that is. It must not lie before the one of the last call.
    pub(super) fn advance(&mut self, chunk: &Chunk, to: usize) -> Place {
        let passed = chunk.bytes.get(self.index..to).unwrap_or_default();
        match chunk.has_lines.then(|| memrchr(b'\n', passed)).flatten() {
            Some(last) => {
                self.place.line += count(memchr_iter(b'\n', passed).count());
                self.place.column = 1 + chunk.characters(passed.get(last + 1..).unwrap_or_default());
            }
            None => return self.pass(chunk, to),
        }
        self.place.byte += count(passed.len());
        self.index = to.max(self.index);
        self.place
    }

    /// The same where no line ends on the way.
    pub(super) fn pass(&mut self, chunk: &Chunk, to: usize) -> Place {
        let passed = chunk.bytes.get(self.index..to).unwrap_or_default();
        self.place.column += chunk.characters(passed);
        self.place.byte += count(passed.len());
        self.index = to.max(self.index);
        self.place
    }

    /// Leaves this chunk: the next call speaks of the one after it.
    pub(super) fn leave(&mut self, chunk: &Chunk) {
        self.advance(chunk, chunk.bytes.len());
        self.index = 0;
    }

    /// The place reached so far.
    pub(super) const fn here(&self) -> Place {
        self.place
    }
}

/// A length as the number that it is in a file.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
