//! What was handed to the terminal for pasting. No terminal says whether it took it, so the text is shown as well, to
//! be selected by hand, with what personal data it holds.

use super::menu::Copied;
use crate::tui::app::App;
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

pub(super) fn draw(app: &App, copied: &Copied, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let wide = layout::full_page(app.size).width;
    let mut above = vec![(format!("Copied: {}.", copied.what), Ink::Strong)];
    let said = "Sent to your terminal. If it can't be pasted, select it here: with Shift held, or after m.";
    above.extend(canvas::wrap(said, wide.saturating_sub(4)).into_iter().map(|line| (line, Ink::Plain)));
    if let Some(holds) = &copied.holds {
        let said = format!("It holds personal data: {holds}.");
        above.extend(canvas::wrap(&said, wide.saturating_sub(4)).into_iter().map(|line| (line, Ink::Warn)));
    }
    // nothing stands beside the text, so that a selection holds nothing else
    let text: Vec<String> = copied.text.lines().flat_map(|line| canvas::wrap(line, wide)).collect();
    let rows = u16::try_from(above.len() + text.len()).unwrap_or(u16::MAX).saturating_add(4);
    let mut page = canvas.part(layout::page(app.size, rows));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    let mut y = 0;
    for (line, ink) in &above {
        page.write(2, y, line, *ink);
        y += 1;
    }
    y += 1;
    let stands = page.place(0, y);
    let last = page.height().saturating_sub(1);
    let room = usize::from(last.saturating_sub(y + 1));
    for line in text.iter().take(room) {
        page.write(0, y, line, Ink::Plain);
        y += 1;
    }
    let more = text.len().saturating_sub(room);
    let foot =
        if more > 0 { format!("{more} more lines were copied; Esc closes") } else { "Esc closes".into() };
    page.write(2, last, &foot, Ink::Dim);
    stands
}
