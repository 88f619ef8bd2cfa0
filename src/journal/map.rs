//! Where a run stands by its items, as the tables have it.
//!
//! The writer keeps a run's map along with its counts, change by change; this is what it begins with, and what a viewer
//! asks for of a run that nobody carries.

use rusqlite::{Connection, params};

use super::apply::int;
use super::read::Reader;
use super::rows::natural;
use super::{JournalError, RunRow};
use crate::model::{ItemMap, ItemState, Mark};

impl Reader {
    /// Where a run stands. A call that was out, or a back-off that ran, when its process ended counts as under way.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn item_map(&self, run: &RunRow) -> Result<ItemMap, JournalError> {
        Ok(item_map(&self.connection, run.number)?)
    }
}

/// One query: items of one record come grouped by cell, those of several one by one.
pub(super) fn item_map(connection: &Connection, run: i64) -> rusqlite::Result<ItemMap> {
    let records = connection.query_row(
        "SELECT coalesce(records_total, (SELECT max(first_position + planned) FROM dataset d WHERE d.run = r.run), 0)
                AS records FROM run r WHERE run = ?1",
        params![run],
        |row| natural(row, "records"),
    )?;
    let mut map = ItemMap::over(Some(records));
    let mut statement = connection.prepare_cached(
        "SELECT CASE WHEN span = 1 THEN first / ?2 * ?2 ELSE first END AS place, span, state, sum(count) AS n
         FROM item WHERE run = ?1 AND state NOT IN ('split', 'pending') GROUP BY place, span, state",
    )?;
    let mut rows = statement.query(params![run, int(map.width())])?;
    while let Some(row) = rows.next()? {
        let state = row.get::<_, String>("state")?.parse().unwrap_or(ItemState::Pending);
        let Some(mark) = mark_of(state) else { continue };
        let (span, count) = (natural(row, "span")?, natural(row, "n")?);
        map.mark(mark, natural(row, "place")?, span, count);
    }
    Ok(map)
}

const fn mark_of(state: ItemState) -> Option<Mark> {
    match state {
        ItemState::Delivered => Some(Mark::Delivered),
        ItemState::Failed | ItemState::Invalid => Some(Mark::Failed),
        ItemState::Dismissed => Some(Mark::Dismissed),
        ItemState::Sending | ItemState::Waiting => Some(Mark::UnderWay),
        ItemState::Pending => None,
    }
}

#[cfg(test)]
mod tests;
