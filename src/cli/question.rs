//! Questions to a person at the terminal. They are asked on standard error, since standard output may be read by a
//! program, and only where somebody can answer.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::exit::Stop;
use crate::headless::Signals;
use crate::report::grouped;
use crate::text::{lines, one_line};

/// Whether a person sits at both ends of the board.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether a person sees the question and can answer it, wherever standard output goes.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a person wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Where that is possible.
    Wanted,
    /// It was said beforehand.
    Unwanted,
}

impl Asking {
    /// `--yes` was given, or not.
    pub(super) const fn unless(yes: bool) -> Self {
        if yes { Self::Unwanted } else { Self::Wanted }
    }
}

/// What is about to be done.
pub(super) struct Sendoff<'a> {
    /// What it is, up to the profile's name: `send 1,000 records of a.json to`.
    pub what: String,
    /// The number that stands for it, where it is known.
    pub count: Option<u64>,
    /// The profile.
    pub profile: &'a str,
    /// The host that it goes to.
    pub host: &'a str,
    /// Whether that is real data.
    pub production: bool,
}

/// Asks before sending, where somebody can be asked. Where nobody can, real data is not sent unless that was said
/// beforehand; practice is.
pub(super) async fn confirm(sendoff: &Sendoff<'_>, signals: &mut Signals) -> Result<(), Stop> {
    if can_ask() {
        return ask(sendoff, signals).await;
    }
    if sendoff.production {
        return Err(Stop::refuse(format!(
            "nothing was sent: `{}` is production and nobody can be asked\nhint: give --yes",
            one_line(sendoff.profile, 64)
        )));
    }
    Ok(())
}

/// Asks. In production the answer is the count, typed.
pub(super) async fn ask(sendoff: &Sendoff<'_>, signals: &mut Signals) -> Result<(), Stop> {
    let production = if sendoff.production { "PRODUCTION " } else { "" };
    let (profile, host) = (one_line(sendoff.profile, 64), one_line(sendoff.host, 200));
    let question = format!("{} {production}{profile} ({host})?", sendoff.what);
    let (prompt, wanted) = match sendoff.count {
        Some(count) if sendoff.production => (
            format!("{question}\nto go on, type the number {count}: "),
            vec![count.to_string(), grouped(count)],
        ),
        None if sendoff.production => {
            (format!("{question}\nto go on, type the profile's name: "), vec![profile])
        }
        _ => (format!("{question} [y/N] "), vec!["y".to_owned(), "yes".to_owned()]),
    };
    let answer = answer(&prompt, signals).await?;
    if wanted.iter().any(|word| answer.trim().eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    Err(Stop::refuse("nothing was done: it was not confirmed"))
}

/// Asks for one line.
pub(super) async fn answer(prompt: &str, signals: &mut Signals) -> Result<String, Stop> {
    let mut stderr = io::stderr();
    write!(stderr, "{}", lines(prompt)).and_then(|()| stderr.flush())?;
    let read = read_aside(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    })?;
    tokio::select! {
        line = read => Ok(line.unwrap_or_else(|_| Ok(String::new()))?),
        () = signals.next() => {
            let _ = writeln!(stderr);
            Err(Stop::interrupted())
        }
    }
}

/// Asks for a secret, which is not shown. Who leaves instead finds a terminal that shows again what is typed.
pub(super) async fn secret(prompt: String, signals: &mut Signals) -> Result<String, Stop> {
    let terminal = File::open("/dev/tty")?;
    let before = tcgetattr(&terminal).map_err(io::Error::from)?;
    // which elsewhere ends the program at once
    let mut quit = signal(SignalKind::quit())?;
    let read = read_aside(move || rpassword::prompt_password(prompt))?;
    tokio::select! {
        secret = read => match secret.unwrap_or_else(|_| Ok(String::new())) {
            // Ctrl-C is a character of what is typed while nothing is shown
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Stop::interrupted()),
            secret => Ok(secret?),
        },
        () = async { tokio::select! { () = signals.next() => {}, _ = quit.recv() => {} } } => {
            let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
            let _ = writeln!(io::stderr());
            Err(Stop::interrupted())
        }
    }
}

/// Reads on a thread of its own, which ends with what it reads or with the process.
fn read_aside(
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> io::Result<oneshot::Receiver<io::Result<String>>> {
    let (tell, told) = oneshot::channel();
    let read = move || {
        // who asked may have left meanwhile
        let _ = tell.send(read());
    };
    std::thread::Builder::new().name("question".to_owned()).spawn(read)?;
    Ok(told)
}
