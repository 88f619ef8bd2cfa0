//! The one thread that writes, and its group commits.
//!
//! Whatever has been handed in while a commit was under way goes into the next one, so the disk's own speed decides how
//! many writes share a sync: few on a quiet disk, many on a busy one. Nothing counts as written, and no figure shows it,
//! before the commit that holds it has returned.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ffi, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::Trouble;
use super::apply::{self, int};
use super::book::{Book, Counts};
use super::connections::Lent;
use super::write::Write;
use crate::database::{Anchor, Group};
use crate::machine::{self, Disk};

/// What is handed to the writer at once, and is committed together.
pub(super) struct Order {
    pub(super) book: Arc<Book>,
    pub(super) writes: Vec<Write>,
    pub(super) receipt: Receipt,
}

/// What happens once an order is committed.
pub(super) enum Receipt {
    /// Nothing.
    None,
    /// Somebody waits for it.
    Told(oneshot::Sender<()>),
    /// This is done, quickly: the next commit waits for it.
    Then(Box<dyn FnOnce() + Send>),
    /// What was held for it is let go: a place among those not committed yet, a mark in a map.
    Freed(#[expect(dead_code, reason = "dropping it is what lets it go")] Box<dyn Any + Send>),
}

/// The most orders in one commit: it bounds how much a crash can take back, and how long one commit lasts.
const MOST: usize = 4096;

/// How long the writer waits before it tries a failed commit again.
const AGAIN: Duration = Duration::from_secs(1);

/// Writes until every handle is gone.
pub(super) async fn run(
    connection: Lent,
    mut orders: mpsc::Receiver<Order>,
    trouble: watch::Sender<Option<Trouble>>,
    path: PathBuf,
) {
    let mut batch = Vec::with_capacity(MOST);
    let mut anchor = Anchor::of(&path);
    while orders.recv_many(&mut batch, MOST).await > 0 {
        loop {
            let committed = match machine::disk() {
                Disk::Sound(delay) => {
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                    }
                    match anchor.moved() {
                        None => commit(&connection, &batch).map_err(|error| Trouble::from(&error)),
                        Some(path) => Err(Trouble {
                            message: format!("`{}` was removed or replaced", crate::text::path(&path)),
                            advice: "put it back",
                            heals: true,
                        }),
                    }
                }
                Disk::Full => {
                    let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
                    Err(Trouble::from(&error))
                }
            };
            match committed {
                Ok(published) => {
                    if trouble.borrow().is_some() {
                        trouble.send_replace(None);
                    }
                    for (book, counts, event) in published {
                        book.publish(counts, event);
                    }
                    break;
                }
                Err(error) => {
                    tracing::error!(
                        error = error.message,
                        path = crate::text::path(&path),
                        "the journal could not be written"
                    );
                    trouble.send_replace(Some(error));
                    // nobody is left who could be told: leave what is on the disk as it is
                    if orders.is_closed() {
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        for order in batch.drain(..) {
            match order.receipt {
                // who asked may have gone; that changes nothing of what is written
                Receipt::Told(told) => drop(told.send(())),
                Receipt::Then(then) => then(),
                Receipt::Freed(_) | Receipt::None => {}
            }
        }
    }
}

type Published = (Arc<Book>, Counts, Option<i64>);

/// Commits all of them, or none.
fn commit(connection: &Connection, batch: &[Order]) -> rusqlite::Result<Vec<Published>> {
    let group = Group::begin(connection)?;
    let mut touched: BTreeMap<i64, Published> = BTreeMap::new();
    for order in batch.iter().filter(|order| !order.book.is_closed()) {
        let run = order.book.run;
        let (_, counts, event) =
            touched.entry(run).or_insert_with(|| (Arc::clone(&order.book), order.book.counts(), None));
        for one in &order.writes {
            if let Some(written) = apply::apply(one, run, &group, counts)? {
                *event = Some(written);
            }
        }
    }
    for (run, (book, counts, _)) in &touched {
        save(&group, *run, book, counts)?;
    }
    group.commit()?;
    Ok(touched.into_values().collect())
}

pub(super) fn save(tx: &Connection, run: i64, book: &Book, counts: &Counts) -> rusqlite::Result<()> {
    use std::sync::atomic::Ordering::Relaxed;
    let Counts { items_planned, records_planned, items, records, rows_failed, from_store, .. } = *counts;
    let traffic = &book.traffic;
    tx.prepare_cached(
        "UPDATE run SET items_planned = ?2, records_planned = ?3,
             items_delivered = ?4, items_failed = ?5, items_invalid = ?6, items_dismissed = ?7,
             records_delivered = ?8, records_failed = ?9, records_invalid = ?10, records_dismissed = ?11,
             requests = ?12, retries = ?13, throttled = ?14, troubles = ?15, rows_failed = ?16, from_store = ?17,
             took_ms = ?18, quota = nullif(?19, 0)
         WHERE run = ?1",
    )?
    .execute(params![
        run,
        int(items_planned),
        int(records_planned),
        int(items.delivered),
        int(items.failed),
        int(items.invalid),
        int(items.dismissed),
        int(records.delivered),
        int(records.failed),
        int(records.invalid),
        int(records.dismissed),
        int(traffic.requests.load(Relaxed)),
        int(traffic.retries.load(Relaxed)),
        int(traffic.throttled.load(Relaxed)),
        int(traffic.troubles.load(Relaxed)),
        int(rows_failed),
        int(from_store),
        int(u64::try_from(book.took().as_millis()).unwrap_or(u64::MAX)),
        int(traffic.quota.load(Relaxed)),
    ])?;
    Ok(())
}
