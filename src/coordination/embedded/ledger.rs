//! What each operation does to the table, within a transaction and at one moment.
//!
//! The clock may be set back, and would then make a lease last for as long again. So no lease has more left than its own
//! length: one that seems to has been overtaken by that, and is set to end one length from when somebody sees it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::{Found, Holder, KEPT, Kept, Mark, Purge, Status, StoredResult, micros};

/// The table as it is in one transaction, for one tenant.
pub(super) struct Ledger<'t> {
    tx: &'t Connection,
    tenant: &'t str,
    now: i64,
}

/// What stands under a key. What is over its time stands there no more.
enum Standing {
    Nothing,
    Lock(Lock),
    Marked { until: i64 },
    Stored { fence: u64, result: StoredResult },
}

struct Lock {
    holder: (String, i64),
    fence: u64,
    lease: i64,
    until: i64,
    taken: bool,
    mark: Option<i64>,
}

impl<'t> Ledger<'t> {
    pub(super) const fn new(tx: &'t Connection, tenant: &'t str, now: i64) -> Self {
        Self { tx, tenant, now }
    }

    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn claim(
        &self,
        key: &str,
        holder: Holder,
        lease: Duration,
        mark: Mark,
    ) -> rusqlite::Result<Found> {
        let asks = (holder.run.to_string(), holder.item.cast_signed());
        let (taken_over, marked) = match self.standing(key)? {
            Standing::Stored { result, .. } => return Ok(Found::Stored(result)),
            Standing::Lock(lock) if lock.holder == asks => (lock.taken, lock.mark),
            Standing::Lock(lock) => match self.left(key, &lock)? {
                0 if lock.mark.is_some() && mark == Mark::Respect => return Ok(Found::Unsure),
                0 => (true, lock.mark),
                left => return Ok(Found::Locked { left: Duration::from_micros(left) }),
            },
            Standing::Marked { .. } if mark == Mark::Respect => return Ok(Found::Unsure),
            Standing::Marked { until } => (false, Some(until)),
            Standing::Nothing => (false, None),
        };
        let fence = self.next_fence()?;
        let lease = micros(lease);
        self.tx
            .prepare_cached(
                "INSERT OR REPLACE INTO record
                     (tenant, key, kind, fence, run, item, lease, until, taken, mark, forget_at)
                 VALUES (?1, ?2, 'lock', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                self.tenant,
                key,
                fence,
                asks.0,
                asks.1,
                lease,
                self.now + lease,
                i64::from(taken_over),
                marked,
                self.forget_lock_at(lease, marked)
            ])?;
        Ok(Found::Granted { fence: fence.cast_unsigned(), taken_over })
    }

    pub(super) fn renew(&self, key: &str, fence: u64, lease: Duration) -> rusqlite::Result<bool> {
        let Standing::Lock(lock) = self.standing(key)? else { return Ok(false) };
        if lock.fence != fence {
            return Ok(false);
        }
        let lease = micros(lease);
        self.tx
            .prepare_cached(
                "UPDATE record SET lease = ?3, until = ?4, forget_at = ?5 WHERE tenant = ?1 AND key = ?2",
            )?
            .execute(params![
                self.tenant,
                key,
                lease,
                self.now + lease,
                self.forget_lock_at(lease, lock.mark)
            ])?;
        Ok(true)
    }

    pub(super) fn keep(
        &self,
        key: &str,
        fence: u64,
        result: &StoredResult,
        ttl: Duration,
    ) -> rusqlite::Result<Kept> {
        if let Standing::Stored { fence: theirs, .. } = self.standing(key)? {
            return Ok(if theirs == fence { Kept::Stored } else { Kept::AnotherWas });
        }
        let headers = serde_json::to_string(&result.headers)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.tx
            .prepare_cached(
                "INSERT OR REPLACE INTO record (tenant, key, kind, fence, status, headers, body, at, forget_at)
                 VALUES (?1, ?2, 'result', ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.tenant,
                key,
                fence.cast_signed(),
                result.status,
                headers,
                &result.body[..],
                result.at.as_microsecond(),
                self.now + micros(ttl)
            ])?;
        Ok(Kept::Stored)
    }

    pub(super) fn free(&self, key: &str, fence: u64) -> rusqlite::Result<()> {
        match self.standing(key)? {
            Standing::Lock(lock) if lock.fence == fence => match lock.mark {
                Some(until) => self.mark_until(key, until),
                None => self.forget(key),
            },
            _ => Ok(()),
        }
    }

    pub(super) fn mark(&self, key: &str, fence: u64, ttl: Duration) -> rusqlite::Result<()> {
        let until = self.now + micros(ttl);
        match self.standing(key)? {
            Standing::Stored { .. } => Ok(()),
            Standing::Lock(lock) if lock.fence != fence => self
                .tx
                .prepare_cached(
                    "UPDATE record SET mark = max(ifnull(mark, 0), ?3), forget_at = max(forget_at, ?3)
                     WHERE tenant = ?1 AND key = ?2",
                )?
                .execute(params![self.tenant, key, until])
                .map(drop),
            Standing::Lock(Lock { mark: Some(longer), .. }) | Standing::Marked { until: longer } => {
                self.mark_until(key, until.max(longer))
            }
            Standing::Lock(_) | Standing::Nothing => self.mark_until(key, until),
        }
    }

    pub(super) fn status(&self, place: &str) -> rusqlite::Result<Status> {
        self.tx
            .prepare_cached(
                "SELECT count(*) FILTER (WHERE kind = 'lock' AND until > ?2),
                        count(*) FILTER (WHERE kind = 'lock' AND until <= ?2),
                        count(*) FILTER (WHERE kind = 'unsure'),
                        count(*) FILTER (WHERE kind = 'result'),
                        ifnull(sum(length(body) + length(CAST(headers AS BLOB))), 0)
                 FROM record WHERE (tenant = ?1 OR ?1 = '*') AND forget_at > ?2",
            )?
            .query_row(params![self.tenant, self.now], |row| {
                Ok(Status {
                    place: place.to_owned(),
                    locks: natural(row, 0)?,
                    ended: natural(row, 1)?,
                    unsure: natural(row, 2)?,
                    results: natural(row, 3)?,
                    bytes: natural(row, 4)?,
                })
            })
    }

    /// Removes at most so many.
    pub(super) fn purge(&self, what: Purge, most: u32) -> rusqlite::Result<u64> {
        let which = match what {
            Purge::Expired => "forget_at <= ?3",
            Purge::Results => "?3 NOTNULL AND kind = 'result'",
            Purge::All => "?3 NOTNULL",
        };
        let statement = format!(
            "DELETE FROM record WHERE record IN
                 (SELECT record FROM record WHERE (tenant = ?1 OR ?1 = '*') AND {which} LIMIT ?2)"
        );
        self.tx
            .prepare_cached(&statement)?
            .execute(params![self.tenant, most, self.now])
            .map(|purged| purged as u64)
    }

    /// Removes at most so many that are over their time, whosever they are.
    pub(super) fn tidy(&self, most: u32) -> rusqlite::Result<u64> {
        self.tx
            .prepare_cached(
                "DELETE FROM record WHERE record IN
                     (SELECT record FROM record WHERE forget_at <= ?1 ORDER BY forget_at LIMIT ?2)",
            )?
            .execute(params![self.now, most])
            .map(|tidied| tidied as u64)
    }

    fn standing(&self, key: &str) -> rusqlite::Result<Standing> {
        let standing = self
            .tx
            .prepare_cached(
                "SELECT kind, fence, run, item, lease, until, taken, mark, status, headers, body, at, forget_at
                 FROM record WHERE tenant = ?1 AND key = ?2 AND forget_at > ?3",
            )?
            .query_row(params![self.tenant, key, self.now], |row| self.read(row))
            .optional()?;
        Ok(standing.unwrap_or(Standing::Nothing))
    }

    fn read(&self, row: &Row<'_>) -> rusqlite::Result<Standing> {
        let fence = row.get::<_, i64>("fence")?.cast_unsigned();
        match row.get_ref("kind")?.as_str()? {
            "lock" => Ok(Standing::Lock(Lock {
                holder: (row.get("run")?, row.get("item")?),
                fence,
                lease: row.get("lease")?,
                until: row.get("until")?,
                taken: row.get::<_, i64>("taken")? != 0,
                mark: row.get::<_, Option<i64>>("mark")?.filter(|until| *until > self.now),
            })),
            "unsure" => Ok(Standing::Marked { until: row.get("mark")? }),
            "result" => Ok(Standing::Stored {
                fence,
                result: StoredResult {
                    status: row.get("status")?,
                    headers: serde_json::from_str(row.get_ref("headers")?.as_str()?)
                        .map_err(|error| strange(Type::Text, error))?,
                    body: Bytes::from(row.get::<_, Vec<u8>>("body")?),
                    at: Timestamp::from_microsecond(row.get("at")?)
                        .map_err(|error| strange(Type::Integer, error))?,
                },
            }),
            other => Err(strange(Type::Text, format!("a record of kind `{other}`"))),
        }
    }

    /// How long another's lease lasts yet, in microseconds; 0 where it has ended.
    fn left(&self, key: &str, lock: &Lock) -> rusqlite::Result<u64> {
        let mut left = lock.until.saturating_sub(self.now);
        if left > lock.lease {
            left = lock.lease;
            self.tx
                .prepare_cached("UPDATE record SET until = ?3 WHERE tenant = ?1 AND key = ?2")?
                .execute(params![self.tenant, key, self.now + left])?;
        }
        Ok(u64::try_from(left).unwrap_or(0))
    }

    fn next_fence(&self) -> rusqlite::Result<i64> {
        // in one statement, what it returns would stand in a table of its own first
        self.tx.prepare_cached("UPDATE fence SET last = last + 1")?.execute([])?;
        self.tx.prepare_cached("SELECT last FROM fence")?.query_row([], |row| row.get(0))
    }

    fn mark_until(&self, key: &str, until: i64) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT OR REPLACE INTO record (tenant, key, kind, fence, mark, forget_at)
                 VALUES (?1, ?2, 'unsure', 0, ?3, ?3)",
            )?
            .execute(params![self.tenant, key, until])
            .map(drop)
    }

    fn forget(&self, key: &str) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("DELETE FROM record WHERE tenant = ?1 AND key = ?2")?
            .execute(params![self.tenant, key])
            .map(drop)
    }

    fn forget_lock_at(&self, lease: i64, mark: Option<i64>) -> i64 {
        (self.now + lease + micros(KEPT)).max(mark.unwrap_or(0))
    }
}

fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn strange(kind: Type, what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, kind, what.into())
}
