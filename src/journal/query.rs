//! Which failures a look means, and in which order they stand.
//!
//! Every order ends with the place, so that it is total, and ascends: the next page begins where one comparison of rows
//! says, found in an index, however far down it is.

use rusqlite::Row;
use rusqlite::types::Value;

use super::Filter;
use super::apply::int;
use super::filter::What;
use super::rows::word;
use crate::model::{FailureId, Stage, words};

/// What makes failures the same to a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CauseId {
    /// Where on their way they failed.
    pub stage: Stage,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The platform's code, or ours.
    pub code: Option<String>,
    /// The message, its values masked.
    pub cause: String,
}

impl CauseId {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            stage: word(row, "stage")?,
            status: row.get("status")?,
            code: row.get("code")?,
            cause: row.get("cause")?,
        })
    }
}

words! {
    /// Which failures are looked at, by where they stand with the people who mend them.
    View, "a view", {
        /// Those that wait for somebody.
        Open = "open",
        /// Those that a person has closed.
        Closed = "closed",
        /// Both, but none that were delivered since.
        All = "all",
    }
}

words! {
    /// In which order failures stand. Within equals they stand by place.
    Sort, "an order", {
        /// As their items were planned; the rows of a result after the item itself.
        Place = "place",
        /// By what a person knows them by.
        Key = "key",
        /// The one that failed last first.
        Latest = "latest",
        /// By the platform's status; those without an answer first.
        Answer = "answer",
        /// The one with the most tries first.
        Tries = "tries",
    }
}

impl Sort {
    /// The column that comes before item and row.
    pub(super) const fn column(self) -> Option<&'static str> {
        match self {
            Self::Place => None,
            Self::Key => Some("key"),
            Self::Latest => Some("latest"),
            Self::Answer => Some("answer"),
            Self::Tries => Some("most_tries"),
        }
    }

    /// Whether a failure `f` stands on this side of a place, which has so many values.
    pub(super) fn compared(self, side: &str, values: usize) -> String {
        let column = self.column().map(|column| format!("f.{column}, ")).unwrap_or_default();
        format!("({column}f.item, f.row) {side} ({})", vec!["?"; values].join(", "))
    }

    /// `ORDER BY …` of the failures `f`.
    pub(super) fn order_by(self, direction: &str) -> String {
        let column = self.column().map(|column| format!("f.{column} {direction}, ")).unwrap_or_default();
        format!(" ORDER BY {column}f.item {direction}, f.row {direction}")
    }
}

/// Which failures of a run are meant, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What they must have.
    pub filter: Filter,
    /// Where they stand.
    pub view: View,
    /// Only those of this cause.
    pub cause: Option<CauseId>,
    /// Only those that this act was about. With `View::All` those that were delivered since are among them.
    pub act: Option<i64>,
    /// In which order.
    pub sort: Sort,
}

impl Default for Query {
    fn default() -> Self {
        Filter::default().into()
    }
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self { filter, view: View::All, cause: None, act: None, sort: Sort::Place }
    }
}

/// The half of a page's SQL that comes after `FROM failure f`.
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Sql {
    pub(super) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.values.extend(values);
    }

    /// Those in the order that stand on this side of a place in it.
    pub(super) fn beside(&mut self, sort: Sort, side: &str, place: Vec<Value>) {
        self.and(&sort.compared(side, place.len()), place);
    }

    pub(super) fn order(&mut self, sort: Sort, direction: &str) {
        self.text.push_str(&sort.order_by(direction));
    }
}

const OPEN: &str = "f.state IN ('failed', 'invalid')";

impl Query {
    /// `WHERE …` of the failures `f` of a run that it means.
    pub(super) fn sql(&self, run: i64) -> Sql {
        let mut sql = Sql { text: "WHERE f.run = ?".to_owned(), values: vec![Value::Integer(run)] };
        match self.view {
            View::Open => sql.and(OPEN, []),
            View::Closed => sql.and("f.state = 'dismissed'", []),
            View::All if self.act.is_some() => {}
            View::All => sql.and("f.state <> 'delivered'", []),
        }
        if let Some(cause) = &self.cause {
            sql.and(
                "f.cause = ? AND f.stage = ? AND f.status IS ? AND f.code IS ?",
                [
                    Value::Text(cause.cause.clone()),
                    Value::Text(cause.stage.word().to_owned()),
                    cause.status.map_or(Value::Null, |status| Value::Integer(i64::from(status))),
                    cause.code.clone().map_or(Value::Null, Value::Text),
                ],
            );
        }
        if let Some(act) = self.act {
            sql.and(
                "(f.item, f.row) IN (SELECT item, row FROM act_item WHERE act = ?)",
                [Value::Integer(act)],
            );
        }
        filtered(&self.filter, &mut sql);
        sql
    }

    /// The same, of the open ones only.
    pub(super) fn open_sql(&self, run: i64) -> Sql {
        let mut sql = self.sql(run);
        if self.view != View::Open {
            sql.and(OPEN, []);
        }
        sql
    }

    /// The index by place, where that holds all that the query asks for: it is said, because one that is larger would be
    /// taken as gladly.
    pub(super) const fn place_index(&self) -> &'static str {
        let holds_all = self.cause.is_none()
            && self.act.is_none()
            && self.filter.words.is_empty()
            && self.filter.note.is_none()
            && self.filter.items.is_empty();
        if holds_all { "INDEXED BY failure_place" } else { "" }
    }
}

fn filtered(filter: &Filter, sql: &mut Sql) {
    if let Some(status) = filter.status {
        sql.and("f.status = ?", [Value::Integer(i64::from(status))]);
    }
    if let Some(code) = &filter.code {
        sql.and("f.code = ?", [Value::Text(code.clone())]);
    }
    if let Some(stage) = filter.stage {
        sql.and("f.stage = ?", [Value::Text(stage.word().to_owned())]);
    }
    if !filter.items.is_empty() {
        // one list, because there may be more of them than a statement takes values
        let items = filter.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        sql.and("f.item IN (SELECT value FROM json_each(?))", [Value::Text(format!("[{items}]"))]);
    }
    if !filter.what.is_empty() {
        let any: Vec<&str> = filter.what.iter().map(|what| meaning(*what)).collect();
        sql.and(&format!("({})", any.join(" OR ")), []);
    }
    if let Some(since) = filter.since {
        sql.and("f.last_at >= ?", [Value::Integer(since.as_millisecond())]);
    }
    if let Some(until) = filter.until {
        sql.and("f.last_at <= ?", [Value::Integer(until.as_millisecond())]);
    }
    if let Some(tries) = &filter.tries {
        sql.and(
            "f.tries BETWEEN ? AND ?",
            [tries.start(), tries.end()].map(|tries| Value::Integer(i64::from(*tries))),
        );
    }
    if let Some(note) = &filter.note {
        sql.and("instr(lower(f.note), ?) > 0", [Value::Text(note.clone())]);
    }
    for word in &filter.words {
        sql.and(
            "instr(lower(f.key || ' ' || coalesce(f.code, '') || ' ' || f.message), ?) > 0",
            [Value::Text(word.clone())],
        );
    }
}

/// What a word that people know means of a failure.
const fn meaning(what: What) -> &'static str {
    match what {
        What::Refused => "(f.stage <> 'validation' AND f.status BETWEEN 400 AND 499 AND f.status <> 429)",
        What::Unknown => "(f.status IN (404, 410))",
        What::Busy => "(f.status = 409)",
        What::NoAnswer => {
            "(f.stage IN ('preflight', 'delivery') AND (f.status IS NULL OR f.status IN (502, 504)))"
        }
        What::Trouble => "(f.status BETWEEN 500 AND 599)",
        What::Invalid => "(f.state = 'invalid' OR f.stage = 'validation')",
        What::Edited => "(f.edited = 1)",
        What::Closed => "(f.state = 'dismissed')",
        What::Row => "(f.row > 0)",
    }
}

/// A place in the order of places, as values.
pub(super) fn place(id: FailureId) -> Vec<Value> {
    vec![Value::Integer(int(id.item)), Value::Integer(int(id.row))]
}
