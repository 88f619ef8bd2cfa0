//! The records of a JSON array, each where it stands: ingest and exchange send such arrays.

use std::ops::Range;

use serde_json::value::RawValue;

use super::hash::shown;

/// Finds the records of `array`; gives each one's range in it. `name` is what messages call the array.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn records(array: &[u8], name: &str) -> Result<Vec<Range<usize>>, String> {
    if !array.trim_ascii_start().starts_with(b"[") {
        return Err(format!("{name} is not a JSON array"));
    }
    let values: Vec<&RawValue> = serde_json::from_slice(array)
        .map_err(|error| format!("{name} is not a JSON array: {}", shown(&error.to_string())))?;
    if values.is_empty() {
        return Err(format!("{name} is an array without records"));
    }
    let origin = array.as_ptr().addr();
    let mut records = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let text = value.get();
        if !text.starts_with(['{', '[']) {
            return Err(format!("element {index} of {name} is a scalar and no record"));
        }
        let start = text.as_ptr().addr() - origin;
        records.push(start..start + text.len());
    }
    Ok(records)
}
