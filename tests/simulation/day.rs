//! One seed, from its first call to its last: a process begins, is killed, begins again, and a person sits beside it.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use trunkline::config::{Profile, StorePlace};
use trunkline::engine::{self, Command, Handle, Setup, StartError, Wins};
use trunkline::journal::{Connections, Journal, JournalError, Judgement, Query, Reader, RunRow, View};
use trunkline::machine::{self, Hold};
use trunkline::model::{FailureState, Phase, RunState};
use trunkline::plan::Plan;

use super::case::Case;
use super::place::Place;
use super::properties;
use super::world::{Day, Held, OWN, SECOND};

/// Carryings-out until all is lost that will be: from then on nothing goes wrong any more.
const TROUBLED: u32 = 12;
/// Carryings-out in which nothing comes to its end until a run is taken for stuck: one that a platform gives three calls a
/// minute takes many, and so does one whose plan gives up at each longer wait that a platform asks for; both get on.
const MOST: u64 = 1000;

/// What came of a day.
#[derive(Debug, Default)]
pub struct Told {
    pub trace: String,
    days: u64,
    records: u64,
    calls: u64,
    crashes: u64,
    resumes: u64,
    acts: u64,
    open: u64,
}

impl Told {
    pub fn add(&mut self, other: &Self) {
        self.days += 1;
        self.records += other.records;
        self.calls += other.calls;
        self.crashes += other.crashes;
        self.resumes += other.resumes;
        self.acts += other.acts;
        self.open += other.open;
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { days, records, calls, crashes, resumes, acts, open, .. } = self;
        write!(
            f,
            "{days} days: {records} records, {calls} calls, {crashes} crashes, {resumes} carryings-out, {acts} acts of a \
             person, {open} left to a person"
        )
    }
}

/// The clocks go on from one process to the next.
struct Clocks {
    held: Instant,
    wall: Timestamp,
}

/// Plays a day. Returns its calls, too.
pub fn play(seed: u64) -> (Result<Told, String>, Vec<String>) {
    let case = Case::of(seed);
    let day = Day::new(&case);
    day.trace.lock().unwrap().push(format!("{case:#?}"));
    let played = play_on(seed, &case, &day);
    let calls = std::mem::take(&mut *day.trace.lock().unwrap());
    (played, calls)
}

fn play_on(seed: u64, case: &Case, day: &Arc<Day>) -> Result<Told, String> {
    let place = Place::of_this_thread();
    let folder = place.folder();
    let reader = Reader::over(&place.connections).unwrap();
    let datasets: Vec<String> = (0..case.datasets.len())
        .map(|number| {
            let (name, bytes) = case.dataset(number);
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let setting = Setting::of(case, folder, datasets);
    let person =
        |run: u64| Person { rng: Rng::with_seed(seed ^ 0xbeef ^ (run << 32)), left: case.acts, rounds: 4 };
    let mut people: Vec<Person> = (0..case.runs as u64).map(person).collect();
    let mut dawn = Rng::with_seed(seed ^ 0xda35);
    // further on than the real clock gets meanwhile: nothing hangs on how fast this goes
    let mut clocks = Clocks {
        held: Instant::now() + Duration::from_hours(24),
        wall: Timestamp::from_second(1_790_000_000).unwrap(),
    };
    let told = RefCell::new(Told::default());
    let mut crashes = case.crashes;
    // how many records had come to their end, and after how many carryings-out
    let mut got_on = (0, 0);
    loop {
        let resumes = told.borrow().resumes;
        if resumes >= u64::from(TROUBLED) {
            day.calm();
            crashes = 0;
        }
        let settled = settled(&reader).map_err(|error| error.to_string())?;
        if settled != got_on.0 {
            got_on = (settled, resumes);
        }
        if resumes >= got_on.1 + MOST {
            let trace = &told.borrow().trace;
            return Err(format!("(g) nothing has come to its end in {MOST} carryings-out: {trace}"));
        }
        fastrand::seed(seed ^ resumes);
        // each task's turn can be the last one before a crash
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .event_interval(1)
            .build()
            .unwrap();
        let process =
            Process { case, day, connections: &place.connections, setting: &setting, reader: &reader };
        let left = runtime.block_on(async {
            // a runtime counts whole milliseconds from its beginning
            let ahead = clocks.held.saturating_duration_since(Instant::now()).as_millis();
            tokio::time::advance(Duration::from_millis(u64::try_from(ahead).unwrap() + 1)).await;
            let hold = machine::hold(clocks.wall, Arc::new(Held(Arc::clone(day))));
            let left = process.live(&mut people, &mut crashes, &hold, &told).await;
            clocks = Clocks { held: Instant::now(), wall: machine::now() };
            left
        });
        drop(runtime);
        told.borrow_mut().resumes += 1;
        match left? {
            Came::Killed => {
                told.borrow_mut().crashes += 1;
                clocks.later(Duration::from_millis(dawn.u64(0..5_000)));
            }
            Came::Waits(time) => clocks.later(time),
            Came::Over(left) => {
                told.borrow_mut().open = left;
                break;
            }
        }
        properties::after_a_process(case, day, &reader)
            .map_err(|what| format!("{what}\n{}", told.borrow().trace))?;
    }
    let mut told = told.into_inner();
    properties::at_the_end(case, day, &reader).map_err(|what| {
        format!(
            "{what}\n{} crashes, at most {} jumps of the clock; {}",
            told.crashes, case.clock_jumps, told.trace
        )
    })?;
    told.records = case.records() as u64;
    told.calls = day.calls.load(Ordering::Relaxed);
    Ok(told)
}

fn settled(reader: &Reader) -> Result<u64, JournalError> {
    Ok(reader.runs()?.iter().map(|row| row.records.settled()).sum())
}

impl Clocks {
    fn later(&mut self, by: Duration) {
        self.held += by;
        self.wall += SignedDuration::try_from(by).unwrap();
    }
}

/// How a process ended.
enum Came {
    Killed,
    /// It has left; a person tries again after so long.
    Waits(Duration),
    /// Nothing is left to be done but by a person, who leaves so many.
    Over(u64),
}

impl Came {
    /// How two runs of one process came out.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Over(one), Self::Over(other)) => Self::Over(one + other),
            (Self::Waits(one), Self::Waits(other)) => Self::Waits(one.max(other)),
            (Self::Over(_), other) => other,
            (one, _) => one,
        }
    }
}

/// Which of the day's runs it is.
pub fn number_of(row: &RunRow) -> usize {
    usize::from(row.auth_url.contains(SECOND))
}

/// Nobody else may take a run that is being carried.
fn refuses_others(process: &Process<'_>, handle: &Handle) -> Result<(), String> {
    if matches!(handle.figures().phase, Phase::Ended(_)) {
        return Ok(());
    }
    let other = Journal::over(process.connections.clone()).map_err(|error| error.to_string())?;
    let row = handle.row().map_err(|error| error.to_string())?;
    match other.take(&row) {
        Err(JournalError::Carried { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("(i) a run that is being carried was taken by another".to_owned()),
    }
}

/// One process on the machine.
struct Process<'a> {
    case: &'a Case,
    day: &'a Arc<Day>,
    connections: &'a Connections,
    setting: &'a Setting,
    /// For looking, all day long.
    reader: &'a Reader,
}

/// What each process begins with.
#[derive(Clone)]
struct Setting {
    plan: Plan,
    profile: Profile,
}

impl Setting {
    fn of(case: &Case, folder: &Path, datasets: Vec<String>) -> Self {
        let mut plan = Plan::new(case.kind);
        plan.datasets = datasets;
        let settings: Vec<(&str, &str)> =
            case.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        plan.set_all(&settings).unwrap();
        Self { plan, profile: super::support::profile(OWN, case.kind, folder) }
    }
}

impl Process<'_> {
    async fn live(
        &self,
        people: &mut [Person],
        crashes: &mut u32,
        hold: &Hold,
        told: &RefCell<Told>,
    ) -> Result<Came, String> {
        let plug = self.plug(crashes);
        let all = people.iter_mut().enumerate();
        let all = try_join_all(all.map(|(run, person)| self.carry(run, person, hold, told)));
        tokio::select! {
            biased;
            () = plug => {
                (0..self.case.runs).for_each(|run| self.day.forgets(run));
                Ok(Came::Killed)
            }
            came = all => Ok(came?.into_iter().reduce(Came::with).unwrap_or(Came::Over(0))),
        }
    }

    /// Is pulled after some time, and some turns of tasks.
    fn plug(&self, crashes: &mut u32) -> impl Future<Output = ()> + use<> {
        let pulled = *crashes > 0 && self.day.chance(|rng| rng.u8(..4)) > 0;
        if pulled {
            *crashes -= 1;
        }
        let time = Duration::from_micros(self.day.chance(|rng| {
            let most = [1, 1_000, 300_000, 20_000_000][rng.usize(..4)];
            rng.u64(..most)
        }));
        let turns = self.day.chance(|rng| rng.u32(..400));
        async move {
            if !pulled {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(time).await;
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn carry(
        &self,
        run: usize,
        person: &mut Person,
        hold: &Hold,
        told: &RefCell<Told>,
    ) -> Result<Came, String> {
        self.day.process_begins(run);
        let journal = Journal::over(self.connections.clone()).map_err(|error| error.to_string())?;
        let reader = self.reader;
        let row =
            reader.runs().map_err(|error| error.to_string())?.into_iter().find(|row| number_of(row) == run);
        let setup = self.setup(run, &journal);
        let started = match &row {
            None => match engine::scan(&setup.plan, false, |_, _| ()).await {
                Ok(scanned) => engine::begin(setup, scanned).await,
                Err(error) => Err(error),
            },
            Some(row) if row.state.is_over() => {
                let (again, left) = person.mends(reader, row);
                if again.is_empty() {
                    return Ok(Came::Over(left));
                }
                self.day.sent_again.store(true, Ordering::Relaxed);
                engine::retry(setup, row, again, "sam".to_owned()).await
            }
            Some(row) => engine::resume(setup, row).await,
        };
        let handle = match started {
            Ok(handle) => handle,
            Err(StartError::Fault(fault)) => return Err(format!("it can't begin: {}", fault.message)),
            // the journal holds a run to what was written of it whenever it is taken up
            Err(StartError::Journal(JournalError::Damaged { what, .. })) => {
                return Err(format!("(a) {what}"));
            }
            Err(error) => return Err(format!("it can't begin: {error}")),
        };
        let ending = person.watches(self, run, &handle, hold, told).await?;
        let _ = write!(told.borrow_mut().trace, "{:?}: {} ", machine::now(), ending.state);
        Ok(match ending.state {
            state if state.is_over() => Came::Waits(Duration::from_secs(40)),
            _ => {
                let until = ending.fault.and_then(|fault| fault.resumes_at);
                let wait = until.and_then(|at| Duration::try_from(at.duration_since(machine::now())).ok());
                Came::Waits(wait.unwrap_or(Duration::from_mins(1)))
            }
        })
    }

    fn setup(&self, run: usize, journal: &Journal) -> Setup {
        let Setting { plan, mut profile } = self.setting.clone();
        if run > 0 {
            profile.auth_url = format!("{OWN}{SECOND}").parse().unwrap();
        }
        Setup {
            journal: journal.clone(),
            plan,
            profile,
            until_error: false,
            store: StorePlace::Embedded,
            wins: Wins::default(),
        }
    }
}

/// Who sits beside it.
struct Person {
    rng: Rng,
    /// Acts left.
    left: u32,
    /// How often failures are sent again when a run has ended.
    rounds: u32,
}

impl Person {
    /// Watches a run to its end, and does this and that.
    async fn watches(
        &mut self,
        process: &Process<'_>,
        run: usize,
        handle: &Handle,
        hold: &Hold,
        told: &RefCell<Told>,
    ) -> Result<engine::Ending, String> {
        let begun = Instant::now();
        let mut jumps = process.case.clock_jumps;
        // a slow disk may keep calls from ending in time when somebody wants to leave
        let mut in_haste = false;
        let slow = process.case.disk.is_troubled();
        loop {
            let most = [20, 2_000, 60_000][self.rng.usize(..3)];
            let pause = Duration::from_millis(self.rng.u64(1..most));
            let ended = tokio::time::timeout(pause, handle.ended()).await;
            properties::at_any_moment(process.case, process.day, handle)?;
            if let Ok(ending) = ended {
                if in_haste {
                    process.day.forgets(run);
                }
                return Ok(ending);
            }
            if process.case.runs > 1 && self.rng.u8(..16) == 0 {
                refuses_others(process, handle)?;
            }
            let figures = handle.figures();
            if begun.elapsed() > Duration::from_hours(48) {
                return Err(format!("(g) it goes on for two days: {:?}", figures.phase));
            }
            if jumps > 0 && self.rng.u8(..8) == 0 {
                jumps -= 1;
                let by = SignedDuration::from_secs(self.rng.i64(-7_200..7_200));
                hold.set_clock(by);
                if let Ok(forward) = Duration::try_from(by) {
                    process.day.manners.lock().unwrap().is_set_forward(forward);
                }
                process.day.tell(format_args!("the clock is set by {by:?}"));
            }
            match figures.phase {
                Phase::Faulted(_) | Phase::Paused => {
                    let command = if self.rng.bool() { Command::GoOn } else { Command::Drain };
                    in_haste |= slow && matches!(command, Command::Drain);
                    let _ = handle.command(command);
                }
                _ if self.left > 0 => {
                    self.left -= 1;
                    told.borrow_mut().acts += 1;
                    if let Some(command) = self.act(process, handle)? {
                        let _ = write!(told.borrow_mut().trace, "{:?}: {} ", machine::now(), name(&command));
                        in_haste |= slow && matches!(command, Command::Drain);
                        in_haste |= matches!(command, Command::LeaveAtOnce);
                        if matches!(command, Command::Retry { .. }) {
                            process.day.sent_again.store(true, Ordering::Relaxed);
                        }
                        let _ = handle.command(command);
                    }
                }
                _ => {}
            }
        }
    }

    fn act(&mut self, process: &Process<'_>, handle: &Handle) -> Result<Option<Command>, String> {
        let (by, reader) = ("sam".to_owned(), process.reader);
        let run = handle.figures().run.to_string();
        let row = reader.run(&run).map_err(|error| error.to_string())?;
        let open = open_failures(reader, &row)?;
        let one = if open.is_empty() { None } else { Some(open[self.rng.usize(..open.len())]) };
        Ok(match (self.rng.u8(..9), one) {
            (0, _) => Some(Command::Pause),
            (1, _) => Some(Command::Drain),
            (2, _) => Some(Command::LeaveAtOnce),
            (3, _) => Some(Command::SetWorkers { workers: self.rng.u16(1..8), by }),
            (4, _) => {
                let rate = if self.rng.bool() { None } else { Some(f64::from(self.rng.u32(1..50))) };
                process.day.manners.lock().unwrap().rate_is_set(rate);
                Some(Command::SetRate { rate, by })
            }
            (5 | 6, Some(_)) => {
                Some(Command::Retry { items: open.iter().map(|failure| failure.item).collect(), by })
            }
            (7, Some(failure)) => {
                let judgement = Judgement::Dismiss("no".to_owned());
                Some(Command::Judge { failures: vec![failure], judgement, by })
            }
            (8, Some(failure)) => {
                let row = reader.failure(&row, failure).map_err(|error| error.to_string())?;
                let record = row.and_then(|row| row.record);
                process.day.edited.store(true, Ordering::Relaxed);
                // what was wrong is put right: the number stays
                record.map(|record| Command::Edit { records: vec![(failure, Some(mended(&record)))], by })
            }
            _ => None,
        })
    }

    /// What is sent again of a run that has ended; and what is left to a person.
    fn mends(&mut self, reader: &Reader, row: &RunRow) -> (Vec<u64>, u64) {
        let open = open_failures(reader, row).unwrap();
        if self.rounds == 0 || row.state == RunState::Cancelled {
            return (Vec::new(), open.len() as u64);
        }
        self.rounds -= 1;
        let mut items: Vec<u64> =
            open.iter().filter(|one| one.row == 0).map(|failure| failure.item).collect();
        items.dedup();
        (items, open.len() as u64)
    }
}

fn open_failures(reader: &Reader, row: &RunRow) -> Result<Vec<trunkline::model::FailureId>, String> {
    let query = Query { view: View::All, ..Query::default() };
    reader
        .failures_in(row, &query, &[FailureState::Failed, FailureState::Invalid])
        .map_err(|error| error.to_string())
}

fn mended(record: &[u8]) -> bytes::Bytes {
    let text = String::from_utf8(record.to_vec()).unwrap();
    text.replace("pigeon", "voice")
        .replace("Sail", "Sale")
        .replace("refused-", "")
        .replace("true", "false")
        .into()
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Pause => "pause",
        Command::Drain => "drain",
        Command::LeaveAtOnce => "leave",
        Command::SetWorkers { .. } => "workers",
        Command::SetRate { .. } => "rate",
        Command::Retry { .. } => "retry",
        Command::Judge { .. } => "judge",
        Command::Edit { .. } => "edit",
        _ => "?",
    }
}
