//! The records that a check has found not valid. Causes mask what differs from record to record; who has to mend the file
//! needs just that, and where it stands.

use crate::engine::{CheckReport, InvalidValue, Spot};
use crate::text::one_line;
use crate::tui::mending;
use crate::tui::numbers::count;
use crate::tui::overlays::text::TextPage;
use crate::tui::theme::Ink;
use crate::tui::words;

/// The most causes that are told.
const CAUSES: usize = 50;

/// The longest message and the longest value that are shown of a record, in characters.
const MESSAGE: usize = 400;
const VALUE: usize = 80;

/// What is wrong with the records that are not valid, the most frequent first: each value, and where it stands.
pub(super) fn page(report: &CheckReport) -> TextPage {
    let mut lines = Vec::new();
    for cause in report.causes.iter().take(CAUSES) {
        if !lines.is_empty() {
            lines.push((String::new(), Ink::Plain));
        }
        lines.push((words::some(cause.records, "record"), Ink::Strong));
        let mut told = "";
        for value in &cause.values {
            if value.message != told {
                lines.push((format!("  {}", one_line(&value.message, MESSAGE)), Ink::Plain));
                told = &value.message;
            }
            lines.push((format!("    {}", place(value)), Ink::Dim));
        }
        let more = cause.records.saturating_sub(cause.values.iter().map(|value| value.records).sum());
        if more > 0 {
            lines.push((format!("  and {} with other values", words::some(more, "more record")), Ink::Dim));
        }
    }
    let more = report.causes.len().saturating_sub(CAUSES);
    if more > 0 {
        lines.push((String::new(), Ink::Plain));
        lines.push((format!("and {} more rare", words::some(more as u64, "cause")), Ink::Dim));
    }
    TextPage {
        title: format!("{} not valid, and why", words::some(report.invalid, "record")),
        lines,
        scroll: 0,
    }
}

/// What stands in the fields that are wrong, and where: `subcategory "n/a" · 3 records: out.csv line 4, line 7, line 9`.
fn place(value: &InvalidValue) -> String {
    let fields = value.fields.iter().map(|(pointer, stands)| {
        let name = mending::name_of(pointer, 1);
        match stands {
            Some(stands) => format!("{name} {}", one_line(stands, VALUE)),
            None => format!("{name} is not there"),
        }
    });
    let mut file = None;
    let spot = |spot: &Spot| {
        let same = file.replace(spot.file.clone()).is_some_and(|before| before == spot.file);
        let name = spot.file.file_name().unwrap_or_default().to_string_lossy();
        let name = if same { String::new() } else { format!("{} ", one_line(&name, VALUE)) };
        format!("{name}line {}", count(spot.line))
    };
    let spots: Vec<String> = value.spots.iter().map(spot).collect();
    let more = match value.records.saturating_sub(spots.len() as u64) {
        0 => String::new(),
        more => format!(" and {} more", count(more)),
    };
    let many =
        if value.records > 1 { format!("{}: ", words::some(value.records, "record")) } else { String::new() };
    let spots = format!("{many}{}{more}", spots.join(", "));
    fields.chain([spots]).collect::<Vec<_>>().join(" · ")
}
