//! Records on their way through the gate: a handful on each core, and out again in the order of their dataset.
//!
//! Handing a record over costs memory and a wake-up, so that it is done where a check takes long, and a run or a person
//! waits for checks; and never with a stream, whose record would have to wait for those that fill a handful.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Checked, Gate};
use crate::dataset::Entry;
use crate::machine::{self, Work};
use crate::model::Position;

/// The most records of a handful, and the most bytes: enough that handing them over costs nothing beside their check.
const MOST: usize = 256;
const BYTES: usize = 64 << 10;

/// The most handfuls that are checked at once: reading has no use for more.
const AT_ONCE: usize = 8;

/// Once so much is to be kept of a handful's refused records, the rest of it waits until they are gone.
const REFUSED_BYTES: u64 = 256 << 10;

/// A record that came out.
pub(in crate::engine) struct Passed {
    pub(in crate::engine) position: Position,
    pub(in crate::engine) line: u64,
    pub(in crate::engine) checked: Checked,
}

/// A record that was put in.
struct Put {
    position: Position,
    line: u64,
    look: Look,
}

enum Look {
    Checked(Checked),
    NotYet(Entry),
}

struct Handful {
    bytes: usize,
    work: Work<Vec<Put>>,
}

/// Several handfuls at once.
pub(in crate::engine) struct Handfuls {
    gate: Gate,
    /// How many may be under way before one is waited for. Where there are none, each record is checked as it is put in.
    at_once: usize,
    gathered: Vec<Put>,
    /// Bytes of these.
    bytes: usize,
    under_way: VecDeque<Handful>,
    /// Bytes of these.
    bytes_under_way: usize,
    ready: VecDeque<Put>,
    /// Nothing more is put in.
    over: bool,
}

impl Handfuls {
    /// Of a dataset that is there as a whole: several records are read before the first comes out.
    pub(in crate::engine) fn of_file(gate: Gate) -> Self {
        let cores = machine::cores();
        let at_once = if cores > 1 && gate.takes_long() { cores.min(AT_ONCE) } else { 0 };
        Self::new(gate, at_once)
    }

    /// Each record comes out before the next is read.
    pub(in crate::engine) fn one_by_one(gate: Gate) -> Self {
        Self::new(gate, 0)
    }

    fn new(gate: Gate, at_once: usize) -> Self {
        Self {
            gate,
            at_once,
            gathered: Vec::new(),
            bytes: 0,
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            ready: VecDeque::new(),
            over: false,
        }
    }

    pub(in crate::engine) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Puts in what was read next.
    pub(in crate::engine) fn put(&mut self, position: Position, entry: Entry) {
        let (line, bytes) = match &entry {
            Entry::Record(record) => (record.place.line, record.bytes.len()),
            Entry::Unusable(bad) => (bad.place.line, bad.content.as_ref().map_or(0, Bytes::len)),
        };
        let put = Put { position, line, look: Look::NotYet(entry) };
        if self.at_once == 0 {
            self.ready.push_back(put);
            return;
        }
        if bytes > BYTES {
            // checked alone, by who waits for it: a check may take many times as much memory
            self.send();
            let gate = self.gate.clone();
            self.add(bytes, Work::keep(move || check(&gate, vec![put])));
            return;
        }
        self.gathered.push(put);
        self.bytes += bytes;
        if self.gathered.len() == MOST || self.bytes >= BYTES {
            self.send();
        }
    }

    /// Nothing more is put in: what was gathered so far can come out.
    pub(in crate::engine) fn end(&mut self) {
        self.send();
        self.over = true;
    }

    /// What comes out next; nothing where something has to be put in first. Waits for other threads.
    pub(in crate::engine) fn next(&mut self) -> Option<Passed> {
        let is_enough = self.under_way.len() >= self.at_once || self.bytes_under_way >= AT_ONCE * BYTES;
        if self.ready.is_empty() && (self.over || is_enough) {
            let Handful { bytes, work } = self.under_way.pop_front()?;
            self.bytes_under_way -= bytes;
            self.ready = work.wait().into();
        }
        let Put { position, line, look } = self.ready.pop_front()?;
        let checked = match look {
            Look::Checked(checked) => checked,
            Look::NotYet(entry) => self.gate.check(position, entry),
        };
        Some(Passed { position, line, checked })
    }

    fn send(&mut self) {
        let (handful, bytes) = (std::mem::take(&mut self.gathered), std::mem::take(&mut self.bytes));
        if !handful.is_empty() {
            let gate = self.gate.clone();
            self.add(bytes, Work::offer(move || check(&gate, handful)));
        }
    }

    fn add(&mut self, bytes: usize, work: Work<Vec<Put>>) {
        self.bytes_under_way += bytes;
        self.under_way.push_back(Handful { bytes, work });
    }
}

/// Checks a handful, as far as what is to be kept of its refused records allows.
fn check(gate: &Gate, handful: Vec<Put>) -> Vec<Put> {
    let mut kept = 0;
    let look = |Put { position, line, look }| {
        let look = match look {
            Look::NotYet(entry) if kept < REFUSED_BYTES => {
                let checked = gate.check(position, entry);
                kept += checked.as_ref().err().map_or(0, |refused| refused.weight());
                Look::Checked(checked)
            }
            look => look,
        };
        Put { position, line, look }
    };
    handful.into_iter().map(look).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dataset::{Limits, Reader};
    use crate::operation::{Execute, Operation};
    use crate::plan::{Execute as Settings, Timeout};

    fn gate() -> Gate {
        let timeout = Timeout::from(std::time::Duration::from_secs(30));
        let operation: Arc<dyn Operation> = Arc::new(Execute::new(Settings::default(), timeout));
        Gate::new(&operation, None)
    }

    /// Sound ones, refused ones, unusable ones and large ones.
    fn entries(count: usize) -> Vec<Entry> {
        let line = |number: usize| match number % 7 {
            1 => format!("{{\"id\":{number},\"id\":0}}"),
            2 => format!("[{number}]"),
            3 if number % 400 == 3 => format!("{{\"id\":{number},\"text\":\"{}\"}}", "x".repeat(3 * BYTES)),
            _ => format!("{{\"id\":{number},\"text\":\"{}\"}}", "y".repeat(number % 900)),
        };
        let text = (0..count).map(line).collect::<Vec<_>>().join("\n");
        let input = Box::new(std::io::Cursor::new(text.into_bytes()));
        Reader::from_stream(input, None, Limits::default()).unwrap().map(Result::unwrap).collect()
    }

    fn through(mut handfuls: Handfuls, entries: Vec<Entry>) -> Vec<(Position, u64, String)> {
        let mut out = Vec::new();
        let mut entries = entries.into_iter().map(Some).chain([None]);
        loop {
            while let Some(Passed { position, line, checked }) = handfuls.next() {
                out.push((position, line, format!("{checked:?}")));
            }
            match entries.next() {
                Some(Some(entry)) => handfuls.put(entry.position(), entry),
                Some(None) => handfuls.end(),
                None => return out,
            }
        }
    }

    #[tokio::test]
    async fn all_come_out_as_they_would_one_by_one_in_their_order() {
        let one_by_one = through(Handfuls::one_by_one(gate()), entries(3_000));
        assert_eq!(one_by_one.len(), 3_000);
        assert!(one_by_one.iter().any(|(.., checked)| checked.contains("no_canonical_form")));
        for at_once in [1, 2, AT_ONCE] {
            assert!(through(Handfuls::new(gate(), at_once), entries(3_000)) == one_by_one, "{at_once}");
        }
    }

    #[tokio::test]
    async fn one_by_one_each_comes_out_before_the_next_is_put_in() {
        let mut handfuls = Handfuls::one_by_one(gate());
        for entry in entries(10) {
            let position = entry.position();
            handfuls.put(position, entry);
            assert_eq!(handfuls.next().map(|passed| passed.position), Some(position));
            assert!(handfuls.next().is_none());
        }
    }

    #[tokio::test]
    async fn what_is_held_is_bounded_whatever_the_records_weigh() {
        let mut handfuls = Handfuls::new(gate(), AT_ONCE);
        let large = format!("{{\"text\":\"{}\"}}", "x".repeat(AT_ONCE * BYTES));
        let input = Box::new(std::io::Cursor::new(format!("{large}\n{large}").into_bytes()));
        for entry in Reader::from_stream(input, None, Limits::default()).unwrap() {
            assert!(handfuls.next().is_none());
            let entry = entry.unwrap();
            handfuls.put(entry.position(), entry);
            assert!(handfuls.next().is_some(), "nothing is read beside a large one");
        }
    }
}
