//! `ingest`, `execute`, `exchange`, `import`, `outcomes`, `run`, `resume`, `retry`: from what was typed to a run, and from its end to an exit code.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::pin::Pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::value::RawValue;

use super::args::{
    ExchangeArgs, ExecuteArgs, ImportArgs, IngestArgs, OutcomesArgs, ResumeArgs, RetryArgs, RunArgs, Sending,
    Watching,
};
use super::exit::{Exit, Stop};
use super::office::Carried;
use super::question::{Sendoff, confirm, is_interactive};
use super::{BROKEN, House, board, person};
use crate::config::{Config, Profile};
use crate::dataset::{self, Entry, Limits};
use crate::engine::{self, Handle, Scanned, Setup, StartError, Winner, Wins};
use crate::headless::{AtFault, Origin, Signals, Told, watch, write_standstill};
use crate::journal::{Journal, JournalError, Query, Reader, RunRow};
use crate::model::{FailureState, OperationKind, RunState, Seq};
use crate::plan::Plan;
use crate::report::{grouped, records_of};
use crate::text::{lines, one_line};

pub(super) async fn ingest(house: &House, args: IngestArgs) -> Result<Exit, Stop> {
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.datasets = args.datasets;
    let keys = [args.chunks.pairs(), args.ingest.pairs()].concat();
    begin(house, plan, keys, &args.sending).await
}

pub(super) async fn execute(house: &House, args: ExecuteArgs) -> Result<Exit, Stop> {
    let mut plan = Plan::new(OperationKind::Execute);
    plan.datasets = vec![args.dataset];
    begin(house, plan, args.execute.pairs(), &args.sending).await
}

pub(super) async fn exchange(house: &House, args: ExchangeArgs) -> Result<Exit, Stop> {
    let mut plan = Plan::new(OperationKind::Exchange);
    plan.datasets = vec![args.dataset];
    let keys = [args.chunks.pairs(), args.exchange.pairs()].concat();
    begin(house, plan, keys, &args.sending).await
}

pub(super) async fn import(house: &House, args: ImportArgs) -> Result<Exit, Stop> {
    let mut plan = Plan::new(OperationKind::Import);
    plan.datasets = vec![args.dataset];
    begin(house, plan, args.import.pairs(), &args.sending).await
}

pub(super) async fn outcomes(house: &House, args: OutcomesArgs) -> Result<Exit, Stop> {
    let mut plan = Plan::new(OperationKind::Outcomes);
    plan.datasets = vec![args.dataset];
    begin(house, plan, args.outcomes.pairs(), &args.sending).await
}

pub(super) async fn run(house: &House, args: RunArgs) -> Result<Exit, Stop> {
    begin(house, Plan::load(&args.plan)?, Vec::new(), &args.sending).await
}

async fn begin(
    house: &House,
    mut plan: Plan,
    mut keys: Vec<(&str, &str)>,
    sending: &Sending,
) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    keys.extend(sending.delivery.pairs());
    keys.extend(sending.any.pairs()?);
    plan.set_all(&keys)?;
    let config = house.config()?;
    let profile = choose_profile(&config, &mut plan, sending.profile.as_deref())?;
    refuse_read_only(sending, &profile)?;
    let scanned = scan(&plan, sending.until_error, &mut signals).await?;
    if !sending.yes {
        let count = scanned.records();
        let records =
            count.map_or_else(|| "records".to_owned(), |count| records_of(count, "record", "records"));
        let what = format!("send {records} of {} to", datasets(&scanned));
        confirm(&sendoff(what, count, &profile), &mut signals).await?;
    }
    let journal = Journal::open(&house.places.data_dir)?;
    let setup = Setup {
        journal,
        plan,
        profile,
        until_error: sending.until_error,
        store: config.store.clone(),
        wins: Wins::default(),
    };
    let handle = or_interrupted(engine::begin(setup.clone(), scanned), &mut signals).await??;
    let carrying = Carrying { house, handle, setup, config: &config, since: (Origin::New, 0) };
    carrying.watch(sending.watching, signals).await
}

pub(super) async fn resume(house: &House, args: ResumeArgs) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    let reader = house.reader_of(&args.run)?;
    let run = reader.run(&args.run)?;
    refuse_carried(&run)?;
    if let Some(exit) = over(&run)? {
        return Ok(exit);
    }
    let config = house.config()?;
    let setup = again(house, &config, &run, &args.sending)?;
    if !args.sending.yes {
        let pending = run.records.pending;
        let what = format!("go on with run {} and send {} to", run.id.prefix(), left(pending));
        confirm(&sendoff(what, Some(pending), &setup.profile), &mut signals).await?;
    }
    let after = reader.last_event(&run)?;
    let taken_up = told_if_long(&run, Box::pin(engine::resume(setup.clone(), &run)));
    let handle = match or_interrupted(taken_up, &mut signals).await? {
        Ok(handle) => handle,
        Err(error) => return Err(stand_still(&reader, &run, args.sending.watching, error)),
    };
    let carrying = Carrying { house, handle, setup, config: &config, since: (Origin::Resumed, after) };
    carrying.watch(args.sending.watching, signals).await
}

pub(super) async fn retry(house: &House, args: RetryArgs) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    let reader = house.reader_of(&args.run)?;
    let run = reader.run(&args.run)?;
    refuse_carried(&run)?;
    let query = args.filter.filter()?.into();
    let found = reader.failures_in(&run, &query, &[FailureState::Failed, FailureState::Invalid])?;
    let items: Vec<Seq> = found.iter().filter(|id| id.is_item()).map(|id| id.item).collect();
    if items.is_empty() {
        let others = closed(&reader, &run, &query)?;
        let rows = if found.is_empty() {
            ""
        } else {
            " but rows of delivered imports, which cannot be sent again by themselves"
        };
        say(&format!("no open failure of run {} matches{rows}{others}: nothing was sent", run.id.prefix()));
        return Ok(Exit::Done);
    }
    let invalid = reader.failures_in(&run, &query, &[FailureState::Invalid])?;
    let invalid: Vec<Seq> = invalid.iter().map(|id| id.item).collect();
    let config = house.config()?;
    let setup = again(house, &config, &run, &args.sending)?;
    let count = items.len() as u64;
    if !args.sending.yes {
        let what =
            format!("send {} of run {} again to", records_of(count, "failure", "failures"), run.id.prefix());
        confirm(&sendoff(what, Some(count), &setup.profile), &mut signals).await?;
    }
    let by = person(&config);
    let after = reader.last_event(&run)?;
    let taken_up = told_if_long(&run, Box::pin(engine::retry(setup.clone(), &run, items, by)));
    let handle = or_interrupted(taken_up, &mut signals).await??;
    let carrying = Carrying { house, handle, setup, config: &config, since: (Origin::Resumed, after) };
    let exit = carrying.watch(args.sending.watching, signals).await?;
    say_still_invalid(&reader, &run, &invalid)?;
    Ok(exit)
}

/// What matches and is not open any more.
fn closed(reader: &Reader, run: &RunRow, query: &Query) -> Result<String, Stop> {
    let closed = reader.failures_in(run, query, &[FailureState::Dismissed])?.len() as u64;
    Ok(match closed {
        0 => String::new(),
        1 => ", and 1 that does is dismissed (`trunkline reopen` takes that back)".to_owned(),
        _ => format!(", and {} that do are dismissed (`trunkline reopen` takes that back)", grouped(closed)),
    })
}

/// Says of what our own check refuses again why it was not sent: nobody would see it otherwise.
fn say_still_invalid(reader: &Reader, run: &RunRow, before: &[Seq]) -> Result<(), Stop> {
    if before.is_empty() {
        return Ok(());
    }
    let now = reader.failures_in(run, &Query::default(), &[FailureState::Invalid])?;
    let still = now.iter().filter(|id| before.contains(&id.item)).count() as u64;
    let what = match (still, before) {
        (0, _) => return Ok(()),
        (1, [item]) => format!("item {item} is invalid as it stands"),
        (1, _) => "1 item is invalid as it stands".to_owned(),
        _ => format!("{} items are invalid as they stand", grouped(still)),
    };
    say(&format!(
        "{what}: sending again cannot help until the plan or the platform's hierarchy changes; \
         mend the records, and send them in a new run"
    ));
    Ok(())
}

/// The profile of a new run: the one on the command line, else the plan's, else the default one.
pub(super) fn choose_profile(config: &Config, plan: &mut Plan, named: Option<&str>) -> Result<Profile, Stop> {
    let name = named.or(plan.profile.as_deref());
    let profile = config.profile(name, plan.operation.kind().platform())?;
    plan.profile = Some(profile.name.clone());
    Ok(profile)
}

/// A resume that met a fault before it began: a program that reads events is told in lines.
fn stand_still(reader: &Reader, run: &RunRow, watching: Watching, error: StartError) -> Stop {
    if let StartError::Fault(fault) = &error
        && watching.events
        && let Ok(run) = reader.run(&run.id.to_string())
        && let Err(error) = write_standstill(io::stdout(), &run, fault)
    {
        tracing::info!(%error, "the output was closed");
    }
    error.into()
}

/// What a run that was begun before goes on with: its own plan and profile.
pub(super) fn setup_of(
    config: &Config,
    journal: Journal,
    run: &RunRow,
    profile: Option<&str>,
) -> Result<Setup, Stop> {
    let plan = Plan::from_toml(&run.plan)?;
    let profile = config.profile(Some(profile.unwrap_or(&run.profile)), run.platform)?;
    let store = config.store.clone();
    Ok(Setup { journal, plan, profile, until_error: run.until_error, store, wins: Wins::default() })
}

/// As `setup_of`, with other keys of `[delivery]` where they were typed.
fn again(house: &House, config: &Config, run: &RunRow, sending: &Sending) -> Result<Setup, Stop> {
    let journal = Journal::open(&house.places.data_dir)?;
    let mut setup = setup_of(config, journal, run, sending.profile.as_deref())?;
    refuse_read_only(sending, &setup.profile)?;
    let mut keys = sending.delivery.pairs();
    keys.extend(sending.any.pairs()?);
    setup.plan.set_delivery_all(&keys)?;
    let winner = |key| if keys.iter().any(|(typed, _)| *typed == key) { Winner::Plan } else { Winner::Kept };
    setup.wins = Wins { ceiling: winner("rate"), workers: winner("workers") };
    setup.until_error |= sending.until_error;
    Ok(setup)
}

fn refuse_read_only(sending: &Sending, profile: &Profile) -> Result<(), Stop> {
    let why = if sending.read_only {
        "`--read-only` was given".to_owned()
    } else if profile.read_only {
        format!("profile `{}` is marked `read_only`", profile.name)
    } else {
        return Ok(());
    };
    Err(Stop::refuse(format!("nothing was sent: {why}\nhint: `trunkline check` does everything but sending")))
}

fn refuse_carried(run: &RunRow) -> Result<(), Stop> {
    match &run.carrier {
        Some(carrier) => {
            Err(JournalError::Carried { run: run.id.to_string(), carrier: carrier.clone() }.into())
        }
        None => Ok(()),
    }
}

/// A run of which nothing is left for a resume is no mistake, but for a cancelled one.
fn over(run: &RunRow) -> Result<Option<Exit>, Stop> {
    let name = run.id.prefix();
    let (said, exit) = match run.state {
        RunState::Completed => (format!("run {name} is completed: nothing is left to be sent"), Exit::Done),
        RunState::CompletedWithFailures => (
            format!(
                "run {name} has ended: nothing is left but its failures\n`trunkline retry {name}` sends them again"
            ),
            Exit::Failures,
        ),
        RunState::Cancelled => {
            return Err(Stop::refuse(format!(
                "run {name} was cancelled, which is final\nhint: begin a new run of its datasets"
            )));
        }
        RunState::Running | RunState::Paused | RunState::Faulted => return Ok(None),
    };
    say(&said);
    Ok(Some(exit))
}

/// For people: standard output may be read by a program.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", lines(line));
}

fn sendoff(what: String, count: Option<u64>, profile: &Profile) -> Sendoff<'_> {
    Sendoff {
        what,
        count,
        profile: &profile.name,
        host: profile.api_url.host_str().unwrap_or("?"),
        production: profile.production,
    }
}

fn datasets(scanned: &Scanned) -> String {
    match scanned.datasets() {
        [one] if one.path.as_os_str() == "-" => "standard input".to_owned(),
        [one] => one_line(&one.path.to_string_lossy(), 200),
        several => records_of(several.len() as u64, "dataset", "datasets"),
    }
}

fn left(pending: u64) -> String {
    records_of(pending, "record that is left", "records that are left")
}

/// The first pass over the datasets, with a bar where somebody can see it.
pub(super) async fn scan(plan: &Plan, until_error: bool, signals: &mut Signals) -> Result<Scanned, Stop> {
    let bar = reading_bar();
    let shown = bar.clone();
    let on_progress = move |read: u64, of: u64| {
        shown.set_length(of);
        shown.set_position(read);
    };
    let scanned = or_interrupted(engine::scan(plan, until_error, on_progress), signals).await;
    bar.finish_and_clear();
    let scanned = scanned??;
    warn_of_a_wrapper(&scanned);
    Ok(scanned)
}

/// An export often stands in an object of its own, with its records in an array there. It would go out as one record.
fn warn_of_a_wrapper(scanned: &Scanned) {
    for dataset in scanned.datasets().iter().filter(|one| one.records == Some(1)) {
        let first =
            dataset::Reader::open(&dataset.path, Limits::default(), None).ok().and_then(|mut all| all.next());
        let Some(Ok(Entry::Record(record))) = first else { continue };
        if let Some(array) = wrapped(&record.bytes) {
            let path = one_line(&dataset.path.to_string_lossy(), 300);
            let array = one_line(&array, 60);
            say(&format!(
                "warning: `{path}` is one object that holds an array `{array}`: did you mean its elements?\n\
                 hint: `jq '.{array}' FILE | trunkline … -` sends those"
            ));
        }
    }
}

/// The name of the one array of objects in an object.
fn wrapped(record: &[u8]) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(record).ok()?;
    let mut arrays = members.into_iter().filter(|(_, value)| value.get().starts_with('['));
    let (name, array) = arrays.next()?;
    let holds_objects = array.get().trim_start_matches(['[', ' ', '\n', '\r', '\t']).starts_with('{');
    (arrays.next().is_none() && holds_objects).then_some(name)
}

fn reading_bar() -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    // a template that did not parse leaves the bar's own style, which does as well
    if let Ok(style) =
        ProgressStyle::with_template("reading the dataset  {bar:30} {percent:>3} %  {bytes} of {total_bytes}")
    {
        bar.set_style(style);
    }
    bar
}

/// Waits for something before the run, unless a person wants to leave.
pub(super) async fn or_interrupted<T>(
    what: impl Future<Output = T>,
    signals: &mut Signals,
) -> Result<T, Stop> {
    tokio::select! {
        done = what => Ok(done),
        () = signals.next() => Err(Stop::interrupted()),
    }
}

/// Says what takes so long: the journal and the datasets of a run of millions are read before it goes on.
async fn told_if_long<T>(run: &RunRow, mut what: Pin<Box<impl Future<Output = T>>>) -> T {
    if let Ok(done) = tokio::time::timeout(LONG, what.as_mut()).await {
        return done;
    }
    say(&format!("holding run {} to what was written of it, and its datasets …", run.id.prefix()));
    what.await
}

/// How long a person waits without a word.
const LONG: Duration = Duration::from_secs(1);

/// A run that is carried now.
struct Carrying<'c> {
    house: &'c House,
    handle: Handle,
    /// What it was begun with.
    setup: Setup,
    config: &'c Config,
    /// How it came about, and the last event before that.
    since: (Origin, i64),
}

impl Carrying<'_> {
    /// Watches it to its end: on the board where there is a terminal.
    async fn watch(self, watching: Watching, mut signals: Signals) -> Result<Exit, Stop> {
        let told = if watching.events { Told::Events } else { Told::Words };
        if board::is_wanted(watching) {
            let carried = Carried::configured(self.handle, self.setup);
            return board::carry(self.house, carried, self.config, told).await;
        }
        let at_fault = at_fault(watching);
        let ending = watch(&self.handle, self.since, told, at_fault, &mut signals, &BROKEN).await?;
        Ok(Exit::of(&ending))
    }
}

/// Only a person at the terminal can mend a fault while the run waits for it.
pub(super) fn at_fault(watching: Watching) -> AtFault {
    if watching.detach_on_fault || !is_interactive() { AtFault::Leave } else { AtFault::Wait }
}
