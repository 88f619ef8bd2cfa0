//! Cuts records out of the text: drives a splitter over one buffer after the other and keeps what spans two of them.
//!
//! A record is a slice of its buffer and costs no copy. Only one that straddles buffers is put together in memory of its
//! own, and one that grows over the limit on the way is let go at once; it is checked to its end all the same.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::filling::Broken;
use super::grammar::{Fault, Flaw};
use super::place::{Tracker, count};
use super::raw::Raw;
use super::split::{Cut, Finish, Splitter, Step};
use super::text::{Chunk, Text};
use super::{DatasetError, Format, Limits, Malformed, Place};

/// What one step of cutting brought.
#[derive(Debug)]
pub(super) enum Turn {
    /// A record is whole; [`Cutter::hand_out`] has it.
    Record(Part),
    /// More of the file was read.
    Refilled,
    /// The text is over, and was sound.
    End,
}

/// The part of a record that stands in the present buffer.
#[derive(Debug)]
pub(super) struct Part(Range<usize>);

/// What was cut.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Whole(Bytes),
    TooLarge { length: u64 },
}

/// Cuts one text into records.
pub(super) struct Cutter {
    text: Text,
    splitter: Splitter,
    chunk: Chunk,
    at: usize,
    tracker: Option<Tracker>,
    straddle: Straddle,
    limit: usize,
}

impl Cutter {
    pub(super) fn new(text: Text, format: Format, limits: &Limits) -> Self {
        Self {
            text,
            splitter: Splitter::new(format, limits),
            chunk: Chunk::default(),
            at: 0,
            tracker: None,
            straddle: Straddle::default(),
            limit: limits.record_bytes,
        }
    }

    /// Goes on to the next record, or to the next buffer.
    pub(super) fn turn(&mut self) -> Result<Turn, DatasetError> {
        match self.splitter.next(&self.chunk.bytes, self.at) {
            Ok(Step::Record { part, resume }) => {
                self.at = resume;
                Ok(Turn::Record(Part(part)))
            }
            Ok(Step::Rest { open }) => {
                if let Some(part) = open {
                    self.keep(part);
                }
                self.refill()
            }
            Err(fault) => Err(self.explain(fault)),
        }
    }

    /// The record that was just told of.
    pub(super) fn hand_out(&mut self, part: Part) -> Piece {
        if let Some(place) = self.straddle.place {
            self.keep(part.0);
            return Piece { place, content: self.straddle.close(self.limit) };
        }
        let place = self.locate(part.0.start);
        if self.splitter.is_of_lines()
            && let Some(tracker) = &mut self.tracker
        {
            tracker.pass(&self.chunk, part.0.end);
        }
        let length = part.0.len();
        let content = if length > self.limit {
            Content::TooLarge { length: count(length) }
        } else {
            Content::Whole(self.chunk.bytes.slice(part.0))
        };
        Piece { place, content }
    }

    /// Lets the record go that was just told of.
    pub(super) fn pass_over(&mut self, _part: Part) {
        self.straddle = Straddle::default();
    }

    pub(super) const fn text(&self) -> &Text {
        &self.text
    }

    /// The file or stream below, to read on in it whatever became of its text.
    pub(super) fn into_raw(self) -> Result<Raw, DatasetError> {
        self.text.into_raw()
    }

    /// What is malformed at a place.
    pub(super) fn malformed(&self, place: Place, what: String) -> DatasetError {
        Malformed { path: self.text.path().to_owned(), place, what }.into()
    }

    fn keep(&mut self, part: Range<usize>) {
        if self.straddle.place.is_none() {
            self.straddle.place = Some(self.locate(part.start));
        }
        self.straddle.add(self.chunk.bytes.get(part).unwrap_or_default(), self.limit);
    }

    fn locate(&mut self, at: usize) -> Place {
        let skipped = self.text.skipped();
        self.tracker.get_or_insert_with(|| Tracker::new(skipped)).advance(&self.chunk, at)
    }

    fn refill(&mut self) -> Result<Turn, DatasetError> {
        if let Some(tracker) = &mut self.tracker {
            tracker.leave(&self.chunk);
        }
        self.at = 0;
        self.text.recycle(std::mem::take(&mut self.chunk));
        match self.text.next() {
            Ok(Some(chunk)) => {
                self.chunk = chunk;
                self.locate(0);
                Ok(Turn::Refilled)
            }
            Ok(None) => match self.splitter.finish() {
                Ok(Finish::End) => Ok(Turn::End),
                Ok(Finish::Record) => Ok(Turn::Record(Part(0..0))),
                Err(Cut::Here(what)) => Err(self.malformed_here(what)),
                Err(Cut::AtRecord(what)) => {
                    let here = self.locate(0);
                    Err(self.malformed(self.straddle.place.unwrap_or(here), what))
                }
            },
            Err(Broken::Input(error)) => Err(error),
            Err(Broken::Text(what)) => Err(self.malformed_here(what)),
            Err(Broken::NotUtf8(byte)) => Err(self.malformed_here(format!(
                "the byte 0x{byte:02X} is not UTF-8; is the file in another encoding (Windows-1252, Latin-1)? save it as UTF-8"
            ))),
        }
    }

    fn malformed_here(&mut self, what: String) -> DatasetError {
        let here = self.locate(0);
        self.malformed(here, what)
    }

    fn explain(&mut self, fault: Fault) -> DatasetError {
        let what = match fault.flaw {
            Flaw::ObjectInsteadOfArray => {
                return DatasetError::ObjectInsteadOfArray { path: self.text.path().to_owned() };
            }
            Flaw::LineEnd => "the line ends in the middle of a value".to_owned(),
            Flaw::Syntax(what) => what,
        };
        let place = self.locate(fault.at);
        self.malformed(place, what)
    }
}

/// A record of which a part stands in buffers that are gone.
#[derive(Debug, Default)]
struct Straddle {
    /// Where it begins; `None` while there is no such record.
    place: Option<Place>,
    kept: BytesMut,
    length: u64,
}

impl Straddle {
    fn add(&mut self, part: &[u8], limit: usize) {
        self.length += count(part.len());
        if self.length <= count(limit) {
            self.kept.extend_from_slice(part);
        } else {
            self.kept = BytesMut::new();
        }
    }

    fn close(&mut self, limit: usize) -> Content {
        let Self { kept, length, .. } = std::mem::take(self);
        if length > count(limit) { Content::TooLarge { length } } else { Content::Whole(kept.freeze()) }
    }
}
