//! Where everything stands, at every size.
//!
//! Three arrangements, chosen by the smaller side: large shows all panes, medium opens *Workers* over the others, small
//! shows one pane at a time. The header, the strip, the notice and the hints are in all of them.

use ratatui::layout::Rect;

use super::app::{App, Pane, Zoom};

/// How much there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// It asks for more room.
    TooSmall,
    /// One pane.
    Small,
    /// All panes but one.
    Medium,
    /// All panes.
    Large,
}

const LARGE: (u16, u16) = (120, 36);
const MEDIUM: (u16, u16) = (100, 30);
const SMALL: (u16, u16) = (60, 16);

/// Header, tabs and the two lines of the strip.
pub(super) const ABOVE: u16 = 4;

/// Notice and hints.
const BELOW: u16 = 2;

/// The rows that *Run* and *Pace* need to show all that is in them.
const UPPER: u16 = 11;

/// The width of *Pace*, and of *Workers* under it where there is room for all panes.
const RIGHT: u16 = 40;
const RIGHT_OF_LARGE: u16 = 38;

/// The width of *Credentials* over *Datasets*.
const LEFT: u16 = 30;

/// The width that pages are written for.
const PAGE: u16 = 80;

pub(super) fn class((width, height): (u16, u16)) -> Class {
    let fits = |least: (u16, u16)| width >= least.0 && height >= least.1;
    if fits(LARGE) {
        Class::Large
    } else if fits(MEDIUM) {
        Class::Medium
    } else if fits(SMALL) {
        Class::Small
    } else {
        Class::TooSmall
    }
}

/// Whether a pane has a place of its own where there is not room for all of them.
pub(super) const fn stands(pane: Pane) -> bool {
    matches!(pane, Pane::Run | Pane::Pace | Pane::Failures)
}

/// The panes that are to be seen, with their places.
pub(super) fn panes(app: &App) -> Vec<(Pane, Rect)> {
    let width = app.size.0;
    let body = body(app.size);
    let class = class(app.size);
    if class == Class::TooSmall {
        return Vec::new();
    }
    let alone =
        class == Class::Small || app.zoom == Zoom::On || (class == Class::Medium && !stands(app.focus));
    if alone {
        return vec![(app.focus, body)];
    }
    let large = class == Class::Large;
    let upper = UPPER.max(body.height.saturating_mul(if large { 3 } else { 2 }) / 5).min(body.height);
    let failures = Rect { y: body.y + upper, height: body.height - upper, ..body };
    let left = if large { LEFT } else { 0 };
    let right = if large { RIGHT_OF_LARGE } else { RIGHT };
    let run = Rect { x: left, width: width - left - right, height: upper, ..body };
    let column = Rect { x: width - right, width: right, height: upper, ..body };
    if !large {
        return vec![(Pane::Run, run), (Pane::Pace, column), (Pane::Failures, failures)];
    }
    let pace = Rect { height: UPPER.min(upper), ..column };
    let workers = Rect { y: column.y + pace.height, height: upper - pace.height, ..column };
    let half = upper / 2;
    let credentials = Rect { width: left, height: half, ..body };
    let datasets = Rect { y: body.y + half, width: left, height: upper - half, ..body };
    vec![
        (Pane::Credentials, credentials),
        (Pane::Datasets, datasets),
        (Pane::Run, run),
        (Pane::Workers, workers),
        (Pane::Pace, pace),
        (Pane::Failures, failures),
    ]
}

/// Whether a pane is to be seen.
pub(super) fn shows(app: &App, pane: Pane) -> bool {
    panes(app).iter().any(|(shown, area)| *shown == pane && area.height > 2)
}

/// Rows of failures that are to be seen: the pane less its frame, its head line and its foot line.
pub(super) fn failure_rows(app: &App) -> usize {
    let pane = panes(app).into_iter().find(|(pane, _)| *pane == Pane::Failures);
    usize::from(pane.map_or(0, |(_, area)| area.height.saturating_sub(4)))
}

/// The lines in which causes stand: the pane less its frame, its head and its foot line; and how wide they are.
pub(super) fn cause_lines(app: &App) -> (usize, u16) {
    let pane = panes(app).into_iter().find(|(pane, _)| *pane == Pane::Failures);
    pane.map_or((0, 0), |(_, area)| {
        (usize::from(area.height.saturating_sub(4)), area.width.saturating_sub(2))
    })
}

/// From this width on, *Datasets* has columns.
pub(super) const DATASET_COLUMNS: u16 = 50;

/// Rows of files that are to be seen: the pane less its frame, the folder's name, its head line and the line below.
pub(super) fn dataset_rows(app: &App) -> usize {
    let pane = panes(app).into_iter().find(|(pane, _)| *pane == Pane::Datasets);
    pane.map_or(0, |(_, area)| {
        let head = u16::from(area.width >= DATASET_COLUMNS);
        usize::from(area.height.saturating_sub(4 + head))
    })
}

/// Where a dataset's first records are shown: as much as there is room for.
pub(super) fn preview((width, height): (u16, u16)) -> Rect {
    Rect::new(0, ABOVE.min(height), width, height.saturating_sub(ABOVE + BELOW))
}

/// Rows of records that are to be seen there: less the frame, two lines about the file, and the head of three.
pub(super) fn preview_rows(size: (u16, u16)) -> usize {
    usize::from(preview(size).height.saturating_sub(7))
}

/// What the panes stand in: a list with many columns takes all of it.
pub(super) fn body((width, height): (u16, u16)) -> Rect {
    Rect::new(0, ABOVE, width, height.saturating_sub(ABOVE + BELOW))
}

/// A page that lies over the board, centred, as wide as pages are written.
pub(super) fn page((width, height): (u16, u16), rows: u16) -> Rect {
    let wide = PAGE.min(width);
    // under the strip, where there is room
    let most = height.saturating_sub(ABOVE + BELOW);
    let high = rows.min(most);
    Rect::new((width - wide) / 2, ABOVE.min(height) + (most - high) / 2, wide, high)
}

/// A question: where it is longer than a page, it lies over the strip, too. All of it is to be read.
pub(super) fn question((width, height): (u16, u16), rows: u16) -> Rect {
    let usual = page((width, height), rows);
    if rows <= usual.height {
        return usual;
    }
    let high = rows.min(height.saturating_sub(BELOW));
    Rect { y: height.saturating_sub(BELOW + high), height: high, ..usual }
}

/// A page that is as high as there is room for.
pub(super) fn full_page(size: (u16, u16)) -> Rect {
    page(size, u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_must_fit() {
        assert_eq!(class((120, 36)), Class::Large);
        assert_eq!(class((119, 60)), Class::Medium);
        assert_eq!(class((200, 29)), Class::Small);
        assert_eq!(class((60, 16)), Class::Small);
        assert_eq!(class((59, 100)), Class::TooSmall);
        assert_eq!(class((0, 0)), Class::TooSmall);
    }
}
