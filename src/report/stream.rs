//! Writing rows one by one: as a JSON array, or as CSV.

use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ReportError;
use crate::text::inert_json;

/// A JSON array of one object a line.
pub(super) struct JsonArray<'w> {
    out: &'w mut dyn Write,
    rows: u64,
}

impl<'w> JsonArray<'w> {
    pub(super) fn begin(out: &'w mut dyn Write) -> Result<Self, ReportError> {
        out.write_all(b"[")?;
        Ok(Self { out, rows: 0 })
    }

    pub(super) fn row(&mut self, row: &impl Serialize) -> Result<(), ReportError> {
        self.out.write_all(if self.rows == 0 { b"\n" } else { b",\n" })?;
        self.rows += 1;
        let json = serde_json::to_string(row).map_err(std::io::Error::from)?;
        Ok(self.out.write_all(inert_json(&json).as_bytes())?)
    }

    pub(super) fn end(self) -> Result<(), ReportError> {
        self.out.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" })?;
        Ok(())
    }
}

/// CSV as RFC 4180 has it, under a header.
pub(super) struct CsvRows<'w>(csv::Writer<&'w mut dyn Write>);

impl<'w> CsvRows<'w> {
    pub(super) fn begin(out: &'w mut dyn Write, columns: &[&str]) -> Result<Self, ReportError> {
        let mut rows = Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out));
        rows.row(columns)?;
        Ok(rows)
    }

    pub(super) fn row<T: AsRef<[u8]>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
    ) -> Result<(), ReportError> {
        self.0.write_record(cells).map_err(io_error)
    }

    pub(super) fn end(mut self) -> Result<(), ReportError> {
        Ok(self.0.flush()?)
    }
}

fn io_error(error: csv::Error) -> ReportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => ReportError::from(std::io::Error::other(format!("{other:?}"))),
    }
}

/// What the platform or the dataset gave: the JSON value itself, as it is written, or else the text of what is none.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Json(&'a RawValue),
    Text(String),
}

impl<'a> Content<'a> {
    pub(super) fn of(bytes: Option<&'a [u8]>) -> Option<Self> {
        let bytes = bytes.filter(|bytes| !bytes.is_empty())?;
        Some(match serde_json::from_slice::<&RawValue>(bytes) {
            Ok(value) => Self::Json(value),
            Err(_) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
        })
    }
}

/// An optional cell: nothing is an empty one.
pub(super) fn or_empty(cell: Option<impl ToString>) -> String {
    cell.map(|cell| cell.to_string()).unwrap_or_default()
}
