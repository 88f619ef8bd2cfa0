//! The dashboard: over a run that this process carries, or, as `trunkline` alone, over what the journal knows.

use std::sync::Arc;
use std::time::Duration;

use super::args::Watching;
use super::exit::{Exit, Stop};
use super::hand_over::{Outcome, hand_over};
use super::office::{Carried, Desk};
use super::question::is_interactive;
use super::{House, demo, person};
use crate::config::Config;
use crate::engine::{Command, Ending, Handle};
use crate::headless::{Signals, Told, summarise};
use crate::journal::RunRow;
use crate::model::{Phase, RunState};
use crate::tui::{self, Board, Keeps, Left, Live, TuiError};

/// How long the engine may take when a person wants to leave at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Whether a run is watched on the board.
pub(super) fn is_wanted(watching: Watching) -> bool {
    !watching.headless && !watching.events && is_interactive()
}

/// `trunkline` alone.
pub(super) async fn open(house: &House) -> Result<Exit, Stop> {
    if !is_interactive() {
        return Err(Stop::refuse(
            "the dashboard needs a terminal, and there is none\n\
             hint: `trunkline runs` lists what there is, `trunkline --help` what can be done",
        ));
    }
    let config = house.config()?;
    let desk = Desk::open(house);
    let journal = desk.journal()?;
    let run = first_on_the_board(journal.reader()?.runs()?);
    let office = Arc::new(desk.clone());
    let board = Board { live: None, journal, run, office, by: person(&config), keeps: Keeps::Journal };
    let left = tui::watch(board, &config.ui).await;
    conclude(house, &desk, left, Told::Words).await
}

/// The run that a person most likely wants to see: one that is being carried, else one to be mended, else the newest.
fn first_on_the_board(runs: Vec<RunRow>) -> Option<RunRow> {
    let rank = |run: &RunRow| match run {
        run if run.carrier.is_some() => 0,
        run if run.items.open() > 0 => 1,
        _ => 2,
    };
    // of equals the first, and the newest come first
    runs.into_iter().min_by_key(rank)
}

/// Shows a run that this process carries, until a person leaves it.
pub(super) async fn carry(
    house: &House,
    carried: Carried,
    config: &Config,
    told: Told,
) -> Result<Exit, Stop> {
    let row = carried.handle.row()?;
    let journal = carried.setup.journal.clone();
    let live: Arc<dyn Live> = Arc::new(carried.handle.clone());
    let desk = Desk::with(house, carried.clone());
    let office = Arc::new(desk.clone());
    let keeps = desk.keeps(&carried);
    let board = Board { live: Some(live), journal, run: Some(row), office, by: person(config), keeps };
    let left = tui::watch(board, &config.ui).await;
    conclude(house, &desk, left, told).await
}

/// Waits for what is still draining, and says how it went where the board was.
async fn conclude(
    house: &House,
    desk: &Desk,
    left: Result<Left, TuiError>,
    told: Told,
) -> Result<Exit, Stop> {
    let Some(carried) = desk.last().await else { return left.map(|_| Exit::Done).map_err(Stop::from) };
    let keeps = desk.keeps(&carried);
    let handle = &carried.handle;
    let patience = match &left {
        Ok(Left::LeftAtOnce) => Some(AT_ONCE),
        // the board is gone, and nobody is left who could lead the run
        Err(_) | Ok(Left::Ended | Left::PausedAndLeft | Left::Detached | Left::Hangup) => {
            if !matches!(handle.figures().phase, Phase::Draining | Phase::Ended(_)) {
                let _ = handle.command(Command::Drain);
            }
            None
        }
    };
    let ending = ending(handle, patience).await?;
    let left = left?;
    if left == Left::Detached
        && ending.state == RunState::Paused
        && keeps == Keeps::Journal
        && let Outcome::Taken = hand_over(house, &carried).await?
    {
        return Ok(Exit::Done);
    }
    if keeps == Keeps::Nothing && told == Told::Words {
        // a person has practised
        summarise(handle, &ending, Told::Demo)?;
        return Ok(demo::welcome(Exit::of(&ending)));
    }
    summarise(handle, &ending, told)?;
    Ok(Exit::of(&ending))
}

/// How a carrying-out ends that nobody watches any more, unless it takes too long for a person.
async fn ending(handle: &Handle, patience: Option<Duration>) -> Result<Ending, Stop> {
    // a new one: what came while the board was up was the board's
    let mut signals = Signals::listen()?;
    Ok(tokio::select! {
        ending = handle.ended() => ending,
        () = after(patience) => lost(),
        () = signals.next() => {
            let _ = handle.command(Command::LeaveAtOnce);
            tokio::time::timeout(AT_ONCE, handle.ended()).await.unwrap_or_else(|_| lost())
        }
    })
}

/// An engine that does not answer is left as it is: the journal knows what it must, and the run shows as paused.
const fn lost() -> Ending {
    Ending { state: RunState::Paused, fault: None }
}

async fn after(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

impl From<TuiError> for Stop {
    fn from(error: TuiError) -> Self {
        match error {
            TuiError::Terminal(_) | TuiError::Keys(_) => Self::refuse(error.to_string()),
            // whatever broke is told of at the end of the program, wherever it broke
            TuiError::Panicked => Self { exit: Exit::Broken, message: None },
        }
    }
}
