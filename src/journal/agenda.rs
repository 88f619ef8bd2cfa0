//! What is left to be sent: planned items without an end, and failures that a person sends again.

use jiff::Timestamp;
use rusqlite::params;

use super::apply::{int, now_ms};
use super::read::Reader;
use super::rows::{moment, not_negative, sealed};
use super::write::Extent;
use super::{JournalError, RunRow};
use crate::machine;
use crate::model::{ItemState, Position, Seq};

/// A planned item without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// `pending`, `sending` or `waiting`, as the journal has it.
    pub state: ItemState,
    /// Tries so far.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// It may not go before this moment (milliseconds since 1970).
    pub not_before: Option<i64>,
    /// The remote job that it started.
    pub remote_id: Option<String>,
    /// Positions within its span that other items hold.
    pub holes: Vec<Position>,
}

/// All that was planned and has no end, by dataset and position. It is short: no more is planned ahead than is about to
/// be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agenda {
    /// The items, by dataset and first record.
    pub items: Vec<OpenItem>,
}

/// A failure that is sent again, with what is needed to build its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryItem {
    /// The item.
    pub seq: Seq,
    /// Which records it holds.
    pub extent: Extent,
    /// Tries so far.
    pub attempts: u32,
    /// How often it was sent again after an unsure answer.
    pub unsure: u32,
    /// The record, or the array of them; none where the journal does not hold it and the dataset has to be read.
    pub record: Option<Vec<u8>>,
    /// Whether a call of it may have been carried out without our knowing.
    pub doubtful: bool,
    /// Whether it was never sent: the local check refused it.
    pub invalid: bool,
    /// It may not go before this moment (milliseconds since 1970).
    pub not_before: Option<i64>,
    /// Positions within its span that other items hold.
    pub holes: Vec<Position>,
    /// How it failed last: its status and code.
    pub last: (Option<u16>, Option<String>),
    /// The remote job that it started: that is looked at again, and nothing is sent.
    pub remote_id: Option<String>,
}

const OPEN: &str = "('pending', 'sending', 'waiting')";

/// Until when the item `i` waits. No wait has more left at the moment `?2` than its own length: one that seems to was written
/// before the clock was set back.
const WAITS_UNTIL: &str = "CASE WHEN i.not_before > ?2 THEN ifnull(min(i.not_before, ?2 + 1 +
         (SELECT delay_ms FROM event WHERE run = i.run AND item = i.seq AND kind = 'waiting' ORDER BY event DESC LIMIT 1)
     ), i.not_before) ELSE i.not_before END";

/// Far more items than are ever planned and neither sent nor settled: a run plans little ahead.
const MOST_AHEAD: usize = 1_000_000;

impl Reader {
    /// What was planned and has no end.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn agenda(&self, run: &RunRow) -> Result<Agenda, JournalError> {
        let mut items = self.open_rows(run)?;
        let known: std::collections::HashSet<Seq> = items.iter().map(|item| item.seq).collect();
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT s.first_seq, s.dataset, s.first, s.count FROM stretch s WHERE s.run = ?1 AND s.count >
                 (SELECT count(*) FROM item i WHERE i.run = s.run AND i.seq >= s.first_seq
                  AND i.seq < s.first_seq + s.count AND i.state NOT IN {OPEN})"
        ))?;
        let mut ended = self.connection.prepare_cached("SELECT 1 FROM item WHERE run = ?1 AND seq = ?2")?;
        let mut rows = statement.query(params![run.number])?;
        while let Some(row) = rows.next()? {
            let [first_seq, first, count] = [row.get::<_, i64>(0)?, row.get(2)?, row.get(3)?]
                .map(|number| u64::try_from(number).unwrap_or(0));
            let dataset = row.get(1)?;
            for offset in 0..count {
                if items.len() > known.len() + MOST_AHEAD {
                    return Err(self.damaged("more items are planned than a run ever has ahead of it"));
                }
                let seq = first_seq + offset;
                if known.contains(&seq) || ended.exists(params![run.number, int(seq)])? {
                    continue;
                }
                let extent = Extent { dataset, first: first + offset, span: 1, count: 1 };
                let state = ItemState::Pending;
                items.push(OpenItem {
                    seq,
                    extent,
                    state,
                    attempts: 0,
                    unsure: 0,
                    not_before: None,
                    remote_id: None,
                    holes: Vec::new(),
                });
            }
        }
        items.sort_unstable_by_key(|item| (item.extent.dataset, item.extent.first, item.seq));
        Ok(Agenda { items })
    }

    fn open_rows(&self, run: &RunRow) -> Result<Vec<OpenItem>, JournalError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT seq, dataset, first, span, count, state, attempts, unsure, {WAITS_UNTIL}, remote_id FROM item i
             WHERE run = ?1 AND state IN {OPEN}"
        ))?;
        let rows = statement.query_map(params![run.number, now_ms()], |row| {
            let state: String = row.get(5)?;
            Ok(OpenItem {
                seq: unsigned(row, 0)?,
                extent: extent(row, 1)?,
                state: state.parse().unwrap_or(ItemState::Pending),
                attempts: row.get(6)?,
                unsure: row.get(7)?,
                not_before: row.get(8)?,
                remote_id: row.get(9)?,
                holes: Vec::new(),
            })
        })?;
        let mut items = rows.collect::<Result<Vec<_>, _>>()?;
        for item in items.iter_mut().filter(|item| item.extent.span > item.extent.count) {
            item.holes = self.holes(run, item.seq, item.extent)?;
        }
        Ok(items)
    }

    /// One failure with what is needed to send it again.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn retry_item(&self, run: &RunRow, seq: Seq) -> Result<Option<RetryItem>, JournalError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT i.seq, i.dataset, i.first, i.span, i.count, i.attempts, i.unsure, r.record, f.status, f.code, f.doubtful,
                    f.state = 'invalid', {WAITS_UNTIL}, i.remote_id, r.seal
             FROM item i JOIN failure f ON f.run = i.run AND f.item = i.seq AND f.row = 0
                  LEFT JOIN failure_record r ON r.failure = f.failure
             WHERE i.run = ?1 AND i.seq = ?3"
        ))?;
        let mut rows = statement.query_map(params![run.number, now_ms(), int(seq)], |row| {
            Ok(RetryItem {
                seq: unsigned(row, 0)?,
                extent: extent(row, 1)?,
                attempts: row.get(5)?,
                unsure: row.get(6)?,
                record: sealed(run.number, seq, row.get(7)?, row.get(14)?)?,
                last: (row.get(8)?, row.get(9)?),
                doubtful: row.get::<_, i64>(10)? != 0,
                invalid: row.get::<_, i64>(11)? != 0,
                not_before: row.get(12)?,
                remote_id: row.get(13)?,
                holes: Vec::new(),
            })
        })?;
        let Some(mut item) = rows.next().transpose()? else { return Ok(None) };
        if item.extent.span > item.extent.count {
            item.holes = self.holes(run, seq, item.extent)?;
        }
        Ok(Some(item))
    }

    /// Before which moment no call of the run may start. Where the clock was set back since that was written, the wait is as
    /// long as it was then.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn no_call_before(&self, run: &RunRow) -> Result<Option<Timestamp>, JournalError> {
        let Some(until) = run.not_before else { return Ok(None) };
        let mut statement =
            self.connection.prepare_cached("SELECT not_before_told FROM run WHERE run = ?1")?;
        let told = statement.query_row(params![run.number], |row| moment(row, "not_before_told"))?;
        let now = machine::now();
        Ok(Some(match told {
            Some(told) if told > now => now.saturating_add(until.duration_since(told)).unwrap_or(until),
            Some(_) | None => until,
        }))
    }

    /// Which records an item holds; none where it has no row yet.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn positions(&self, run: &RunRow, seq: Seq) -> Result<Vec<Position>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT dataset, first, span, count FROM item WHERE run = ?1 AND seq = ?2")?;
        let mut rows = statement.query_map(params![run.number, int(seq)], |row| extent(row, 0))?;
        let Some(extent) = rows.next().transpose()? else { return Ok(Vec::new()) };
        let holes = if extent.span > extent.count { self.holes(run, seq, extent)? } else { Vec::new() };
        let all = extent.first..extent.first + extent.span;
        Ok(all.filter(|position| holes.binary_search(position).is_err()).collect())
    }

    /// Positions within an item's span that belong to others.
    fn holes(&self, run: &RunRow, seq: Seq, extent: Extent) -> Result<Vec<Position>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first FROM item WHERE run = ?1 AND dataset = ?2 AND first > ?3 AND first < ?4 AND seq <> ?5
                 AND state <> 'split' AND count = 1 ORDER BY first",
        )?;
        let last = extent.first + extent.span;
        let values = params![run.number, extent.dataset, int(extent.first), int(last), int(seq)];
        let rows = statement.query_map(values, |row| unsigned(row, 0))?;
        rows.collect::<Result<Vec<_>, _>>().map_err(Into::into)
    }
}

fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    not_negative(row.get(column)?)
}

fn extent(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Extent> {
    Ok(Extent {
        dataset: row.get(from)?,
        first: unsigned(row, from + 1)?,
        span: unsigned(row, from + 2)?,
        count: unsigned(row, from + 3)?,
    })
}
