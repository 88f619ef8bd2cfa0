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

/// The width of *Pace* and *Workers*.
const RIGHT: u16 = 40;

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

/// The panes that are to be seen, with their places.
pub(super) fn panes(app: &App) -> Vec<(Pane, Rect)> {
    let (width, height) = app.size;
    let body = Rect::new(0, ABOVE, width, height.saturating_sub(ABOVE + BELOW));
    let class = class(app.size);
    if class == Class::TooSmall {
        return Vec::new();
    }
    let alone = class == Class::Small
        || app.zoom == Zoom::On
        || (class == Class::Medium && app.focus == Pane::Workers);
    if alone {
        return vec![(app.focus, body)];
    }
    let upper =
        UPPER.max(body.height.saturating_mul(if class == Class::Large { 3 } else { 2 }) / 5).min(body.height);
    let right = RIGHT.min(width);
    let run = Rect { width: width - right, height: upper, ..body };
    let pace = Rect {
        x: width - right,
        width: right,
        height: if class == Class::Large { UPPER } else { upper },
        ..body
    };
    let failures = Rect { y: body.y + upper, height: body.height - upper, ..body };
    let mut panes = vec![(Pane::Run, run)];
    if class == Class::Large {
        panes.push((
            Pane::Workers,
            Rect { y: pace.y + pace.height, height: upper.saturating_sub(pace.height), ..pace },
        ));
    }
    panes.extend([(Pane::Pace, pace), (Pane::Failures, failures)]);
    panes
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

/// A page that lies over the board, centred, as wide as pages are written.
pub(super) fn page((width, height): (u16, u16), rows: u16) -> Rect {
    let wide = PAGE.min(width);
    // under the strip, where there is room
    let most = height.saturating_sub(ABOVE + BELOW);
    let high = rows.min(most);
    Rect::new((width - wide) / 2, ABOVE.min(height) + (most - high) / 2, wide, high)
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
