//! Whether a run is what was written of it: asked before anything more of it is sent.
//!
//! SQLite does not notice when a number or a letter in its file becomes another one (a failing disk, a copy that went
//! wrong). What decides what is sent is therefore held to here: the run's plan and its datasets carry a digest, an item's
//! place follows from its stretch or from those beside it, and the counts have to be those of the rows. The content of a
//! dataset has a digest of its own, and so has each record that is kept for a retry.
//!
//! One pass over the run's items, in constant memory. A run of an older version has no digest, and is believed.

use std::path::Path;

use rusqlite::{Connection, Row, params, types::ValueRef};

use super::JournalError;
use super::rows::counts_of;
use crate::model::ItemState;

/// As much of a digest as tells one content from another by accident.
pub(super) type Seal = [u8; 16];

/// The seal of a record that is kept with an item: that of another item does not pass for it.
pub(super) fn seal(run: i64, item: i64, content: &[u8]) -> Seal {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&run.to_le_bytes()).update(&item.to_le_bytes()).update(content);
    let mut seal = [0; 16];
    hasher.finalize_xof().fill(&mut seal);
    seal
}

/// The seal of what a run is: none of it changes while the run lasts. How long a stream is turns out later.
pub(super) fn seal_of_run(connection: &Connection, run: i64) -> rusqlite::Result<Seal> {
    let mut hasher = blake3::Hasher::new();
    for sql in [
        "SELECT id, operation, profile, platform, api_url, auth_url, client_id, production, plan, until_error
         FROM run WHERE run = ?1",
        "SELECT dataset, path, format, digest, first_position, correlation_id,
                CASE path WHEN '-' THEN NULL ELSE bytes END, CASE path WHEN '-' THEN NULL ELSE records END
         FROM dataset WHERE run = ?1 ORDER BY dataset",
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params![run])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                add(&mut hasher, row.get_ref(column)?);
            }
        }
    }
    let mut seal = [0; 16];
    hasher.finalize_xof().fill(&mut seal);
    Ok(seal)
}

fn add(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(value) => {
            number = value.to_le_bytes();
            (1, &number)
        }
        ValueRef::Real(value) => {
            number = value.to_le_bytes();
            (2, &number)
        }
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    hasher.update(&[kind]);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// Holds a run to what was written of it.
pub(super) fn audit(connection: &Connection, run: i64, path: &Path) -> Result<(), JournalError> {
    // one look at all of it, whatever others write meanwhile
    let tx = connection.unchecked_transaction()?;
    let sealed: Option<Vec<u8>> = tx
        .prepare_cached("SELECT seal FROM run WHERE run = ?1")?
        .query_row(params![run], |row| row.get(0))?;
    let Some(sealed) = sealed else { return Ok(()) };
    let damaged = |what: String| JournalError::Damaged { path: path.to_owned(), what };
    if sealed != seal_of_run(&tx, run)? {
        return Err(damaged("the run's plan or datasets are not those with which it began".to_owned()));
    }
    for table in ["dataset", "stretch"] {
        if walks_over_others(&tx, table, run)? {
            return Err(damaged(format!("the run's rows in `{table}` are not where they are looked for")));
        }
    }
    let found = count(&tx, run)?.map_err(&damaged)?;
    let kept = tx.prepare_cached("SELECT * FROM run WHERE run = ?1")?.query_row(params![run], |row| {
        let counts = counts_of(row)?;
        let of = |items, records| Sum { items, records };
        Ok(Found {
            planned: of(counts.items_planned, counts.records_planned),
            settled: [
                of(counts.items.delivered, counts.records.delivered),
                of(counts.items.failed, counts.records.failed),
                of(counts.items.invalid, counts.records.invalid),
                of(counts.items.dismissed, counts.records.dismissed),
            ],
            loose: found.loose,
        })
    })?;
    if kept != found {
        return Err(damaged("the run's counts are not those of its items".to_owned()));
    }
    hold_to_places(&tx, run, found.loose)?.map_err(damaged)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    items: u64,
    records: u64,
}

impl Sum {
    fn add(&mut self, items: u64, records: u64) {
        self.items += items;
        self.records += records;
    }
}

/// What the rows of a run add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    planned: Sum,
    settled: [Sum; 4],
    /// Whether items stand outside stretches.
    loose: bool,
}

struct Stretch {
    first_seq: i64,
    dataset: i64,
    first: i64,
    count: i64,
}

impl Stretch {
    /// The first number behind it.
    const fn end(&self) -> i64 {
        self.first_seq.saturating_add(self.count)
    }
}

fn whole(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// Whether rows among those of the run say that they are another's. `SQLite` walks from the first row of a run to the first
/// behind it without looking at those between: such a row is met on the way, and not found by who looks for it.
fn walks_over_others(connection: &Connection, table: &str, run: i64) -> rusqlite::Result<bool> {
    // not as a condition: `SQLite` would put the number itself in the place of the column there
    let sql = format!("SELECT coalesce(sum(run <> ?1), 0) FROM {table} WHERE run = ?1");
    let others: i64 = connection.prepare_cached(&sql)?.query_row(params![run], |row| row.get(0))?;
    Ok(others > 0)
}

/// Goes through stretches and items side by side: an item in a stretch is where that says.
fn count(connection: &Connection, run: i64) -> rusqlite::Result<Result<Found, String>> {
    let mut found = Found::default();
    let mut stretches = connection.prepare_cached(
        "SELECT first_seq, dataset, first, count FROM stretch WHERE run = ?1 ORDER BY first_seq",
    )?;
    let mut stretches = stretches.query(params![run])?;
    let mut items = connection.prepare_cached(
        "SELECT seq, dataset, first, span, count, state, run FROM item WHERE run = ?1 ORDER BY seq",
    )?;
    let mut items = items.query(params![run])?;
    let mut stretch = next(stretches.next()?, &mut found)?;
    let mut last = -1;
    while let Some(item) = items.next()? {
        let seq: i64 = item.get(0)?;
        // they come as they lie in the tree: one that is out of order, or another's, is not found by who looks for it
        if seq <= last || item.get::<_, i64>(6)? != run {
            return Ok(Err(format!("item {seq} is not where it is looked for")));
        }
        last = seq;
        while let Some(over) = stretch.take_if(|stretch| stretch.end() <= seq) {
            stretch = next(stretches.next()?, &mut found)?;
            if stretch.as_ref().is_some_and(|stretch| stretch.first_seq < over.end()) {
                return Ok(Err("items were planned twice".to_owned()));
            }
        }
        let records = whole(item, 4)?;
        let place = (item.get::<_, i64>(1)?, item.get::<_, i64>(2)?, whole(item, 3)?, records);
        let state = item.get_ref(5)?.as_str().unwrap_or_default();
        match stretch.as_ref().filter(|stretch| stretch.first_seq <= seq) {
            Some(stretch) => {
                if place != (stretch.dataset, stretch.first.saturating_add(seq - stretch.first_seq), 1, 1) {
                    return Ok(Err(format!("item {seq} holds another record than the one that was planned")));
                }
            }
            None if state == "split" => continue,
            None => {
                found.loose = true;
                found.planned.add(1, records);
            }
        }
        let place = match state.parse() {
            Ok(ItemState::Pending | ItemState::Sending | ItemState::Waiting) => continue,
            Ok(ItemState::Delivered) => 0,
            Ok(ItemState::Failed) => 1,
            Ok(ItemState::Invalid) => 2,
            Ok(ItemState::Dismissed) => 3,
            Err(_) => return Ok(Err(format!("item {seq} is in no state that there is"))),
        };
        if let Some(sum) = found.settled.get_mut(place) {
            sum.add(1, records);
        }
    }
    while stretch.is_some() {
        stretch = next(stretches.next()?, &mut found)?;
    }
    Ok(Ok(found))
}

fn next(row: Option<&Row<'_>>, found: &mut Found) -> rusqlite::Result<Option<Stretch>> {
    let Some(row) = row else { return Ok(None) };
    let count = whole(row, 3)?;
    found.planned.add(count, count);
    Ok(Some(Stretch { first_seq: row.get(0)?, dataset: row.get(1)?, first: row.get(2)?, count: row.get(3)? }))
}

/// Items lie side by side: none begins before its neighbour ends, and together they are all that was planned of a dataset,
/// which is no more than it holds. One with holes lies around others, and only counts.
fn hold_to_places(connection: &Connection, run: i64, loose: bool) -> rusqlite::Result<Result<(), String>> {
    let mut places = "SELECT dataset, first, count AS span, count FROM stretch WHERE run = ?1".to_owned();
    if loose {
        places.push_str(
            " UNION ALL SELECT dataset, first, span, count FROM item i WHERE run = ?1 AND state <> 'split' AND NOT coalesce(
                  (SELECT s.first_seq + s.count > i.seq FROM stretch s WHERE s.run = i.run AND s.first_seq <= i.seq
                   ORDER BY s.first_seq DESC LIMIT 1), 0)",
        );
    }
    let ask = |question: &str| -> rusqlite::Result<i64> {
        connection.prepare_cached(question)?.query_row(params![run], |row| row.get(0))
    };
    let overlaps = ask(&format!(
        "SELECT count(*) FROM (SELECT first, lag(first + span) OVER (PARTITION BY dataset ORDER BY first) AS till
                               FROM ({places}) WHERE span = count) WHERE first < till"
    ))?;
    let strays = ask(&format!(
        "SELECT count(*) FROM (
             SELECT d.planned, d.records AS held, coalesce(sum(p.count), 0) AS records, min(p.first) AS first,
                    max(p.first + p.span) AS till, d.first_position AS begins
             FROM dataset d LEFT JOIN ({places}) p ON p.dataset = d.dataset
             WHERE d.run = ?1 GROUP BY d.dataset)
         WHERE records <> planned OR planned > held OR first < begins OR till > begins + planned"
    ))?;
    if overlaps + strays > 0 {
        return Ok(Err("the run's items do not hold each record once".to_owned()));
    }
    Ok(Ok(()))
}
