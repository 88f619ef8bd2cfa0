//! A progress bar on the terminal behind standard error, with what happens above it.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::opening;
use super::phrases::{PROMPT, Wanted, happening, progress, standing};
use super::summary::{Faults, Hints, write_summary};
use super::teller::{Sight, Voice};
use super::watch::AtFault;
use crate::engine::Ending;
use crate::journal::EventRow;
use crate::model::Figures;

/// The least time between two drawings.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Tells of a run with a bar; its summary goes to `out`.
pub(super) struct Bar<W> {
    drawing: ProgressBar,
    out: W,
    hints: Hints,
    at_fault: AtFault,
    drawn: Option<Instant>,
    knows_length: Option<bool>,
    wanted: Wanted,
    /// How the run stands, as it was last told: the journal says it again at the end.
    stands: Option<&'static str>,
}

impl<W: Write + Send> Bar<W> {
    pub(super) fn new(out: W, hints: Hints, at_fault: AtFault) -> Self {
        let drawing = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let wanted = Wanted::ByPerson;
        Self { drawing, out, hints, at_fault, drawn: None, knows_length: None, wanted, stands: None }
    }

    fn draw(&mut self, figures: &Figures) {
        let total = figures.records.total;
        if self.knows_length != Some(total.is_some()) {
            self.knows_length = Some(total.is_some());
            // a template that did not parse leaves the bar's own style, which does as well
            let template = if total.is_some() { "{bar:30} {percent:>3} %  {wide_msg}" } else { "{wide_msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.drawing.set_style(style);
            }
        }
        if let Some(total) = total {
            self.drawing.set_length(total);
            self.drawing.set_position(figures.records.settled());
        }
        self.drawing.set_message(progress(figures, self.wanted));
    }
}

impl<W: Write + Send> Voice for Bar<W> {
    fn began(&mut self, sight: &Sight, figures: &Figures) -> io::Result<()> {
        self.drawing.println(opening(sight, figures));
        self.draw(figures);
        Ok(())
    }

    fn happened(&mut self, _: &Sight, rows: &[EventRow]) -> io::Result<()> {
        for row in rows {
            let standing = standing(row);
            if standing.is_some() && standing == self.stands {
                continue;
            }
            self.stands = standing.or(self.stands);
            if let Some(line) = happening(row) {
                self.drawing.println(line);
            }
            if row.kind == "fault" {
                match self.at_fault {
                    AtFault::Wait => self.drawing.println(format!("         {PROMPT}")),
                    AtFault::Leave => self.wanted = Wanted::ByFault,
                }
            }
        }
        Ok(())
    }

    fn stands(&mut self, figures: &Figures, now: Instant) -> io::Result<Option<Instant>> {
        let due = self.drawn.map(|drawn| drawn + DRAW_EVERY).filter(|due| *due > now);
        if due.is_none() {
            self.drawn = Some(now);
            self.draw(figures);
        }
        Ok(due)
    }

    fn ended(&mut self, sight: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()> {
        self.drawing.finish_and_clear();
        write_summary(&mut self.out, sight, figures, ending, (self.hints, Faults::Told))?;
        self.out.flush()
    }
}
