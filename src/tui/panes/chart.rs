//! Small charts of one line: a bar that is partly full, and a row of columns for what was.

use std::time::Duration;

use crate::tui::numbers;

const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One column a value, the highest one full.
pub(super) fn columns(values: &[f64]) -> String {
    let highest = values.iter().copied().fold(0.0, f64::max);
    columns_of(values, highest)
}

/// One column a share between 0 and 1.
pub(super) fn shares(values: &[f64]) -> String {
    columns_of(values, 1.0)
}

fn columns_of(values: &[f64], highest: f64) -> String {
    let steps = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
    let column = |value: &f64| {
        let high = steps.iter().filter(|step| highest > 0.0 && *value / highest > **step).count();
        COLUMNS.get(high).copied().unwrap_or('█')
    };
    values.iter().map(column).collect()
}

/// `last 40 s`, `last 12 min`, `last hour`.
pub(super) fn reach(time: Duration) -> String {
    match time.as_secs() {
        3540..=3660 => "last hour".to_owned(),
        seconds @ ..120 => format!("last {seconds} s"),
        _ => format!("last {}", numbers::span(time)),
    }
}

/// A bar of `width` cells, the rest in the other sign.
pub(super) fn bar(part: u64, whole: u64, width: u16, full: char) -> String {
    let filled = numbers::cells(part, whole, width);
    let mut bar: String = std::iter::repeat_n(full, usize::from(filled)).collect();
    bar.extend(std::iter::repeat_n('░', usize::from(width.saturating_sub(filled))));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_value_is_a_full_column_and_nothing_is_the_lowest() {
        assert_eq!(columns(&[0.0, 5.0, 10.0]), "▁▄█");
        assert_eq!(columns(&[0.0, 0.0]), "▁▁");
        assert_eq!(shares(&[0.0, 0.31, 1.0, f64::NAN]), "▁▃█▁");
    }

    #[test]
    fn a_bar_is_as_wide_as_it_should_be() {
        assert_eq!(bar(1, 2, 4, '▓'), "▓▓░░");
        assert_eq!(bar(0, 0, 3, '▓'), "░░░");
        assert_eq!(bar(9, 3, 3, '▓'), "▓▓▓");
    }
}
