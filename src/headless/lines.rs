//! Plain lines, for a log or a pipe that people read.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::phrases::{Wanted, clock, happening, phase, progress, standing};
use super::summary::{Faults, Hints, write_summary};
use super::teller::{Sight, Voice};
use crate::engine::Ending;
use crate::journal::EventRow;
use crate::model::Figures;
use crate::report::{records_of, span};

/// The least time between two lines that only say how far the run is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Tells of a run in plain lines.
pub(super) struct PlainLines<W> {
    out: W,
    hints: Hints,
    failed: u64,
    waits: u64,
    phase: Option<&'static str>,
    /// How the run stands, as it was last told: the journal says it again at the end.
    stands: Option<&'static str>,
    wanted: Wanted,
    /// When the next line about progress may come, and what the last one said.
    next: Option<Instant>,
    last: String,
}

impl<W: Write + Send> PlainLines<W> {
    pub(super) fn new(out: W, hints: Hints) -> Self {
        Self {
            out,
            hints,
            failed: 0,
            waits: 0,
            phase: None,
            stands: None,
            wanted: Wanted::ByPerson,
            next: None,
            last: String::new(),
        }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{} {text}", clock(jiff::Timestamp::now()))?;
        self.out.flush()
    }

    /// What is told in sums: failures and waits since the last line.
    fn sums(&mut self) -> String {
        let (failed, waits) = (std::mem::take(&mut self.failed), std::mem::take(&mut self.waits));
        let failures = (failed > 0).then(|| records_of(failed, "failure", "failures"));
        let waits =
            (waits > 0).then(|| records_of(waits, "wait before another try", "waits before another try"));
        let sums: Vec<String> = failures.into_iter().chain(waits).collect();
        if sums.is_empty() { String::new() } else { format!("; since the last line {}", sums.join(" and ")) }
    }
}

impl<W: Write + Send> Voice for PlainLines<W> {
    fn began(&mut self, sight: &Sight, figures: &Figures) -> io::Result<()> {
        let line = opening(sight, figures);
        self.say(&line)
    }

    fn happened(&mut self, _: &Sight, rows: &[EventRow]) -> io::Result<()> {
        for row in rows {
            match row.kind.as_str() {
                "item_failed" => self.failed += 1,
                "waiting" => self.waits += 1,
                kind => {
                    if kind == "fault" {
                        self.wanted = Wanted::ByFault;
                    }
                    let standing = standing(row);
                    if standing.is_some() && standing == self.stands {
                        continue;
                    }
                    self.stands = standing.or(self.stands);
                    if let Some(line) = happening(row) {
                        writeln!(self.out, "{line}")?;
                    }
                }
            }
        }
        self.out.flush()
    }

    fn stands(&mut self, figures: &Figures, now: Instant) -> io::Result<Option<Instant>> {
        let doing = phase(&figures.phase, self.wanted);
        if doing != self.phase {
            self.phase = doing;
            if let Some(doing) = doing.filter(|doing| self.stands != Some(doing)) {
                self.stands = Some(doing);
                self.say(doing)?;
            }
        }
        let next = *self.next.get_or_insert(now + PROGRESS_EVERY);
        if next > now {
            return Ok(Some(next));
        }
        self.next = Some(now + PROGRESS_EVERY);
        let line = progress(figures, self.wanted);
        if line != self.last {
            let sums = self.sums();
            self.say(&format!("{line}{sums}"))?;
            self.last = line;
        }
        Ok(None)
    }

    fn ended(&mut self, sight: &Sight, figures: &Figures, ending: &Ending) -> io::Result<()> {
        write_summary(&mut self.out, sight, figures, ending, (self.hints, Faults::Told))?;
        self.out.flush()
    }
}

/// The first line: which run, what it does, and where.
pub(super) fn opening(sight: &Sight, figures: &Figures) -> String {
    let datasets = match figures.datasets.as_slice() {
        [] => "nothing".to_owned(),
        [one] if one == "-" => "standard input".to_owned(),
        [one] => crate::text::one_line(one, 200),
        several => records_of(several.len() as u64, "dataset", "datasets"),
    };
    let production = if figures.production { ", PRODUCTION" } else { "" };
    let since = jiff::Timestamp::now().duration_since(figures.started_at);
    let begun = Duration::try_from(since).ok().filter(|since| *since > Duration::from_mins(1));
    let begun = begun.map(|since| format!(", begun {} ago", span(since))).unwrap_or_default();
    format!(
        "run {}: {} of {datasets} to {} ({}{production}){begun}",
        sight.run.id,
        figures.operation,
        crate::text::one_line(&figures.profile, 64),
        figures.host
    )
}
