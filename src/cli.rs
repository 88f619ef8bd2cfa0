//! The command line: one file a command.
//!
//! ```text
//! args, settings       what may be typed
//! send                 ingest, execute, exchange, import, outcomes, run, resume, retry: from a plan to an exit code
//! check                everything but sending
//! judge                dismiss, reopen, cancel
//! hand_over            a run that goes on without a screen
//! taken                a run that nobody carries, changed by a person
//! look                 runs, show, failures, results
//! doctor               what is wrong here, and what to do
//! report               a run as a page, to be handed to others
//! office               profiles, checks and runs, as the board asks for them
//! store                the store of locks and results
//! core_dump            what this process knows stays in it
//! profile, sandbox, demo, board, manual
//! exit, log, question  how it ends, what is logged, what is asked
//! ```
//!
//! Scripts rely on what is printed to standard output and on the exit codes; what is for people only goes to standard
//! error.

mod args;
mod board;
mod check;
mod core_dump;
mod demo;
mod doctor;
mod exit;
mod hand_over;
mod judge;
mod log;
mod look;
mod manual;
mod office;
mod profile;
mod question;
mod report;
mod sandbox;
mod send;
mod settings;
mod store;
mod taken;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use office::tests::over as office_over;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::config::{Config, Places, Theme};
use crate::headless::Broken;
use crate::journal::Reader;
use crate::machine;
use crate::text::{lines, one_line};
use args::{Command, CommandLine, Global};
use exit::{Exit, Stop};
use question::Asking;

/// Told by the panic hook, whichever thread it was that broke.
static BROKEN: Broken = Broken::new();

/// How long threads that are stuck in an input or output are waited for at the end.
const GRACE: Duration = Duration::from_millis(100);

/// Carries out the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    core_dump::forbid();
    tell_of_panics();
    // a panic on this thread has gone through the hook, and what it left behind is dropped with the process
    let ended = catch_unwind(AssertUnwindSafe(|| carry_out(read_line()))).unwrap_or(Exit::Broken);
    if BROKEN.happened() {
        let _ = writeln!(
            io::stderr(),
            "error: a part of trunkline broke, which is a mistake of ours; the journal is intact\n\
             hint: `trunkline runs` shows where the run stands, and `trunkline resume RUN` goes on"
        );
        return Exit::Broken.into();
    }
    ended.into()
}

/// Reads what was typed. `--no-color` holds for the help, too, which is written while it is still being read.
fn read_line() -> CommandLine {
    let plain = std::env::args_os().any(|word| word == "--no-color");
    let colours = if plain { ColorChoice::Never } else { ColorChoice::Auto };
    // whoever has named the program may have named it anything
    let matches = CommandLine::command().bin_name("trunkline").color(colours).try_get_matches();
    matches
        .and_then(|matches| CommandLine::from_arg_matches(&matches))
        .unwrap_or_else(|error| mistyped(&error))
}

/// Says what was typed wrongly, or gives the help. A word that is repeated may be a file's name, and so anybody's.
fn mistyped(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let _ = write!(io::stderr(), "{}", lines(&error.render().to_string()));
    std::process::exit(error.exit_code())
}

fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let trace = Backtrace::capture();
        let trace =
            if trace.status() == BacktraceStatus::Captured { format!("\n{trace}") } else { String::new() };
        let said = format!("\nthread `{}` {panic}{trace}", thread.name().unwrap_or("without a name"));
        // what broke it may be a text from outside
        let _ = writeln!(io::stderr(), "{}", lines(&said));
        BROKEN.tell();
    }));
}

fn carry_out(line: CommandLine) -> Exit {
    if !machine::is_dated(SystemTime::now()) {
        let message = "the clock of this machine is before 1970 or after 9999\nhint: set it, then try again";
        return complain(&Stop::refuse(message));
    }
    // said here, or the library looks for it in the environment, and breaks where that holds no number
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(machine::cores()).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&Stop::refuse(format!("the runtime could not be started: {error}"))),
    };
    let ended = runtime.block_on(dispatch(line));
    runtime.shutdown_timeout(GRACE);
    match ended {
        Ok(exit) => exit,
        Err(stop) => complain(&stop),
    }
}

/// Says why the program stopped. Standard error may be closed, and then nobody wants to know.
fn complain(stop: &Stop) -> Exit {
    if let Some(message) = &stop.message {
        let _ = writeln!(io::stderr(), "error: {}", lines(message));
    }
    stop.exit
}

async fn dispatch(line: CommandLine) -> Result<Exit, Stop> {
    if let Some(Command::Resume(args)) = &line.command
        && args.own_session
    {
        hand_over::own_session();
    }
    crate::platform::ensure_crypto();
    let Some(command) = line.command else {
        let house = House::open(&line.global)?;
        house.need_config(&line.global)?;
        log::need(&house.log)?;
        return board::open(&house).await;
    };
    match command {
        // these need neither a configuration nor a journal, and work where both are broken
        Command::Completions { shell } => return manual::completions(shell),
        Command::Man => return manual::pages(),
        Command::Sandbox(args) => return sandbox::serve(&args).await,
        _ => {}
    }
    let house = House::open(&line.global)?;
    if !matches!(&command, Command::Profile(args::ProfileCommand::Add(_))) {
        // adding a profile makes the file
        house.need_config(&line.global)?;
    }
    if !matches!(&command, Command::Doctor(_)) {
        // that tells it among other things
        log::need(&house.log)?;
    }
    match command {
        Command::Demo(args) => demo::show(&house, args).await,
        Command::Ingest(args) => send::ingest(&house, *args).await,
        Command::Execute(args) => send::execute(&house, *args).await,
        Command::Exchange(args) => send::exchange(&house, *args).await,
        Command::Import(args) => send::import(&house, *args).await,
        Command::Outcomes(args) => send::outcomes(&house, *args).await,
        Command::Run(args) => send::run(&house, *args).await,
        Command::Check(args) => check::check(&house, *args).await,
        Command::Resume(args) => send::resume(&house, *args).await,
        Command::Retry(args) => send::retry(&house, *args).await,
        Command::Dismiss(args) => judge::dismiss(&house, args).await,
        Command::Reopen(args) => judge::reopen(&house, args).await,
        Command::Cancel { run, yes } => judge::cancel(&house, &run, Asking::unless(yes)).await,
        Command::Runs { format } => look::runs(&house, format),
        Command::Show { run, format } => look::show(&house, &run, format),
        Command::Failures(args) => look::failures(&house, args).await,
        Command::Results(args) => look::results(&house, args).await,
        Command::Report(args) => report::report(&house, &args).await,
        Command::Store(act) => store::act(&house, act).await,
        Command::Profile(act) => profile::act(&house, act).await,
        Command::Doctor(args) => doctor::examine(&house, &args).await,
        Command::Completions { .. } | Command::Man | Command::Sandbox(_) => Ok(Exit::Done),
    }
}

/// Where this person's things are. The configuration is read when it is needed: a mistake in it must not keep anybody
/// from looking at a run.
#[derive(Debug, Clone)]
struct House {
    places: Places,
    /// The log.
    log: PathBuf,
    /// The data directory, where it was named for this one command.
    own_data: Option<PathBuf>,
    /// What was typed for any command, for one that goes on in another process.
    global: Global,
    colours: Colours,
}

/// Whether there are colours on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    Configured,
    None,
}

impl House {
    fn open(global: &Global) -> Result<Self, Stop> {
        let places = Places::find(global.config.clone(), global.data_dir.clone())?;
        let log = global.log.clone().unwrap_or_else(|| places.data_dir.join("trunkline.log"));
        log::begin(global.verbose, log.clone());
        let own_data = global.data_dir.as_ref().map(|_| places.data_dir.clone());
        let colours = if global.no_color { Colours::None } else { Colours::Configured };
        Ok(Self { places, log, own_data, global: global.clone(), colours })
    }

    /// A configuration that was named for this one command is there, or the name is wrong.
    fn need_config(&self, global: &Global) -> Result<(), Stop> {
        let path = &self.places.config_file;
        if global.config.is_some() && !path.try_exists().unwrap_or(true) {
            let path = one_line(&path.to_string_lossy(), 512);
            return Err(Stop::refuse(format!(
                "reading `{path}`: there is no such file\nhint: `trunkline profile add NAME --config FILE` makes one"
            )));
        }
        Ok(())
    }

    /// What named the configuration, and the data directory.
    fn named_by(&self) -> [&'static str; 2] {
        let by = |flag: Option<&PathBuf>, name: &'static str, variable: &'static str| {
            let is_set = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
            match (flag, is_set) {
                (Some(_), _) => name,
                (None, true) => variable,
                (None, false) => "the system's own place",
            }
        };
        [
            by(self.global.config.as_ref(), "--config", "TRUNKLINE_CONFIG"),
            by(self.global.data_dir.as_ref(), "--data-dir", "TRUNKLINE_DATA_DIR"),
        ]
    }

    fn config(&self) -> Result<Config, Stop> {
        let mut config = Config::load(&self.places.config_file)?;
        crate::tui::check_keys(&config.ui)?;
        if self.colours == Colours::None {
            config.ui.theme = Theme::Mono;
        }
        Ok(config)
    }

    /// The journal for looking; `None` where there is none yet.
    fn reader(&self) -> Result<Option<Reader>, Stop> {
        Ok(Reader::find(&self.places.data_dir)?)
    }

    /// The journal for looking at a run that there should be.
    fn reader_of(&self, run: &str) -> Result<Reader, Stop> {
        self.reader()?.ok_or_else(|| {
            let folder = one_line(&self.places.data_dir.to_string_lossy(), 512);
            Stop::refuse(format!(
                "there is no run `{}`: there is no journal in `{folder}` yet\n\
                 hint: name the folder that it is in with --data-dir",
                one_line(run, 60)
            ))
        })
    }
}

/// Who does it, for the audit trail.
fn person(config: &Config) -> String {
    let name = config.ui.name.clone().unwrap_or_else(crate::user::name);
    one_line(&name, 64)
}
