//! Watching a run to its end: waking the teller, asking the engine to leave, and waiting for a person at a fault.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::bar::Bar;
use super::events::EventLines;
use super::lines::PlainLines;
use super::signals::Signals;
use super::summary::{Faults, Hints, write_summary};
use super::teller::{Sight, Teller, Voice};
use crate::engine::{Command, Ending, Handle};
use crate::journal::JournalError;
use crate::model::{Phase, RunState};

/// What happens at a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtFault {
    /// Leave; a resume goes on.
    Leave,
    /// Wait until a person has mended it and presses Enter, or until it goes on by itself.
    Wait,
}

/// How this carrying-out came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The run is new.
    New,
    /// The run was there before.
    Resumed,
}

/// In which way the run is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// One JSON object a line, on standard output.
    Events,
    /// A bar on a terminal, plain lines otherwise, and a summary.
    Words,
    /// As `Words`, of a run that is gone when the program ends.
    Demo,
}

/// Tells that a part of the program broke, so that nobody waits for it for ever.
#[derive(Debug)]
pub struct Broken {
    happened: AtomicBool,
    told: Notify,
}

impl Broken {
    /// Nothing broke yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { happened: AtomicBool::new(false), told: Notify::const_new() }
    }

    /// Something broke.
    pub fn tell(&self) {
        self.happened.store(true, Ordering::Release);
        self.told.notify_one();
    }

    /// Whether something broke.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.happened.load(Ordering::Acquire)
    }

    async fn wait(&self) {
        while !self.happened() {
            self.told.notified().await;
        }
    }
}

impl Default for Broken {
    fn default() -> Self {
        Self::new()
    }
}

/// The least time between two looks at the figures.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the engine and the output may take when a person wants to leave at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Tells of a run until its carrying-out is over, and leaves when it is asked to. `after` is the number of the last
/// event before this carrying-out.
///
/// # Errors
///
/// The journal cannot be read, or no thread can be started.
pub async fn watch(
    handle: &Handle,
    (origin, after): (Origin, i64),
    told: Told,
    at_fault: AtFault,
    signals: &mut Signals,
    broken: &Broken,
) -> Result<Ending, JournalError> {
    let sight = Sight { run: handle.row()?, reader: handle.journal().reader()? };
    let voice = voice(told, handle, origin, at_fault);
    let figures = {
        let handle = handle.clone();
        move || handle.figures()
    };
    let mut teller = match Teller::begin(sight, after, figures, voice) {
        Ok(teller) => Some(teller),
        Err(error) => {
            tracing::error!(%error, "no thread for the output; the run goes on without one");
            None
        }
    };
    let (ending, leaving) = attend(handle, teller.as_ref(), at_fault, signals, broken).await;
    if let Some(teller) = &mut teller {
        let told = teller.end(ending.clone());
        match leaving {
            Leaving::AtOnce => drop(tokio::time::timeout(AT_ONCE, told).await),
            // an output that nobody reads holds only until a person has enough of it
            Leaving::No | Leaving::Drained => tokio::select! {
                () = told => {}
                () = signals.next() => {}
            },
        }
    }
    Ok(ending)
}

/// Says on standard output how a run ended that was not told of meanwhile.
///
/// # Errors
///
/// The journal cannot be read.
pub fn summarise(handle: &Handle, ending: &Ending, told: Told) -> Result<(), JournalError> {
    let sight = Sight { run: handle.row()?, reader: handle.journal().reader()? };
    let figures = handle.figures();
    let written = write_summary(&mut io::stdout(), &sight, &figures, ending, (hints(told), Faults::Untold));
    if let Err(error) = written {
        tracing::info!(%error, "the output was closed");
    }
    Ok(())
}

fn hints(told: Told) -> Hints {
    if told == Told::Demo { Hints::Nothing } else { Hints::Commands }
}

fn voice(told: Told, handle: &Handle, origin: Origin, at_fault: AtFault) -> Box<dyn Voice> {
    let out = io::BufWriter::new(io::stdout());
    let hints = hints(told);
    match told {
        Told::Events => Box::new(EventLines::new(out, handle.run(), origin, at_fault)),
        Told::Words | Told::Demo if io::stderr().is_terminal() => Box::new(Bar::new(out, hints, at_fault)),
        Told::Words | Told::Demo => Box::new(PlainLines::new(out, hints)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    Drained,
    AtOnce,
}

/// Until the end: passes on what asks the run to leave or to go on.
async fn attend(
    handle: &Handle,
    teller: Option<&Teller>,
    at_fault: AtFault,
    signals: &mut Signals,
    broken: &Broken,
) -> (Ending, Leaving) {
    let mut changes = handle.changes();
    let mut leaving = Leaving::No;
    let mut faulted = false;
    let mut enter: Option<mpsc::Receiver<()>> = None;
    let mut open = true;
    let mut next_look = Instant::now();
    // the first look comes at once: the run may have been faulted before anybody watched
    let mut due = true;
    loop {
        tokio::select! {
            ending = handle.ended() => return (ending, leaving),
            () = signals.next() => match leaving {
                Leaving::No => {
                    leaving = Leaving::Drained;
                    insist(handle, Command::Drain).await;
                }
                Leaving::Drained | Leaving::AtOnce => return (leave(handle).await, Leaving::AtOnce),
            },
            () = broken.wait() => return (leave(handle).await, Leaving::AtOnce),
            more = changes.changed(), if open && !due => {
                open = more.is_ok();
                due = open;
            }
            () = tokio::time::sleep_until(next_look), if due => {
                due = false;
                next_look = Instant::now() + LOOK_EVERY;
                if let Some(teller) = teller {
                    teller.wake();
                }
                let is_faulted = matches!(handle.figures().phase, Phase::Faulted(_));
                if is_faulted && !faulted {
                    match at_fault {
                        AtFault::Leave if leaving == Leaving::No => {
                            leaving = Leaving::Drained;
                            insist(handle, Command::Drain).await;
                        }
                        AtFault::Leave => {}
                        AtFault::Wait => enter = enter.or_else(listen_for_enter),
                    }
                }
                faulted = is_faulted;
            }
            pressed = pressed(&mut enter), if enter.is_some() => match pressed {
                Some(()) if faulted => insist(handle, Command::GoOn).await,
                Some(()) => {}
                None => enter = None,
            },
        }
    }
}

async fn pressed(enter: &mut Option<mpsc::Receiver<()>>) -> Option<()> {
    match enter {
        Some(enter) => enter.recv().await,
        None => None,
    }
}

/// A thread that reads lines; it ends with the input or with the process.
fn listen_for_enter() -> Option<mpsc::Receiver<()>> {
    let (tell, pressed) = mpsc::channel(1);
    let listen = move || {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            line.clear();
            if tell.blocking_send(()).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("enter".to_owned()).spawn(listen).ok().map(|_| pressed)
}

/// Gives a command until it is taken or the run has ended: the engine's queue is short.
async fn insist(handle: &Handle, command: Command) {
    const AGAIN: Duration = Duration::from_millis(20);
    while !handle.command(command.clone()) {
        if tokio::time::timeout(AGAIN, handle.ended()).await.is_ok() {
            return;
        }
    }
}

async fn leave(handle: &Handle) -> Ending {
    let left = async {
        insist(handle, Command::LeaveAtOnce).await;
        handle.ended().await
    };
    // an engine that does not even answer to this is left as it is: the journal knows what it must
    tokio::time::timeout(AT_ONCE, left).await.unwrap_or(Ending { state: RunState::Paused, fault: None })
}
