//! The terminal: one guard owns its modes and puts them back exactly once, however the board is left: by returning, by
//! `?`, by a panic, by a signal, by Ctrl-Z, or because the terminal itself is gone.
//!
//! A terminal may take no more bytes (Ctrl-S, a dead connection). Then the painter's thread hangs in a write, and
//! nothing here may wait for it for long: the bytes that put the screen back are written by a thread of their own, which
//! is given a moment and then left behind. The line discipline is always put back, because that does not block.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError, Weak, mpsc};
use std::time::{Duration, Instant};

use base64::Engine;
use crossterm::{cursor, event, queue, style, terminal};
use tokio::sync::Notify;

use super::input::{self, Told};
use crate::text::lines;

/// How long to wait for a terminal that takes no bytes.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait for the stop signal to take hold.
#[cfg(unix)]
const STOPPING: Duration = Duration::from_millis(300);

/// Keep the title that the terminal had, and put it back (xterm's window operations 22 and 23).
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const PUT_TITLE_BACK: &[u8] = b"\x1b[23;0t";

/// Presses and the wheel, with places beyond column 223 (xterm's modes 1000 and 1006).
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// What may be written on. Clones of it are held by the painter and by the panic hook.
pub(super) struct Screen {
    out: Mutex<Box<dyn Write + Send>>,
    /// Whether the board may write: from setting the modes up to putting them back.
    up: AtomicBool,
    /// Whether the mouse is listened to while it is up.
    mouse: AtomicBool,
    /// Told once a panic has put everything back and its text has been printed.
    broke: Notify,
    modes: Modes,
}

/// Whether there are modes to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modes {
    /// A terminal's.
    Real,
    /// None: a test looks at the bytes.
    #[cfg(test)]
    None,
}

impl Screen {
    /// A screen that is no terminal.
    #[cfg(test)]
    pub fn of(out: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self {
            out: Mutex::new(out),
            up: AtomicBool::new(true),
            mouse: AtomicBool::new(false),
            broke: Notify::new(),
            modes: Modes::None,
        })
    }

    /// Writes a frame, in one go. Nothing is written after the modes have been put back.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if self.up.load(Ordering::SeqCst) {
            out.write_all(bytes)?;
            out.flush()?;
        }
        Ok(())
    }

    fn put_up(&self) -> io::Result<()> {
        if self.modes == Modes::Real {
            terminal::enable_raw_mode()?;
        }
        let was_up = self.up.swap(true, Ordering::SeqCst);
        if !was_up {
            // of a screen that is up already, the title kept would be our own
            self.write(KEEP_TITLE)?;
        }
        self.write(&enter_sequence())?;
        if self.mouse.load(Ordering::SeqCst) { self.write(MOUSE_ON) } else { Ok(()) }
    }

    /// Puts everything back. Does it once; a second call does nothing.
    pub fn take_down(self: &Arc<Self>) {
        if !self.up.swap(false, Ordering::SeqCst) {
            return;
        }
        let (told, done) = mpsc::channel();
        let screen = Arc::clone(self);
        let writing = std::thread::Builder::new().name("restore".to_owned()).spawn(move || {
            if let Some(mut out) = screen.lock_with_patience() {
                // a terminal that is gone needs nothing put back
                let _ = out.write_all(&leave_sequence()).and_then(|()| out.flush());
            }
            let _ = told.send(());
        });
        if writing.is_ok() {
            let _ = done.recv_timeout(PATIENCE * 2);
        }
        if self.modes == Modes::Real {
            // the same: where this fails, there is no terminal any more
            let _ = terminal::disable_raw_mode();
        }
    }

    /// Wakes the board, which may have nothing else to wake it.
    pub fn told_of_a_panic(&self) {
        self.broke.notify_one();
    }

    /// The painter may be in the middle of a frame, or hang in it.
    fn lock_with_patience(&self) -> Option<MutexGuard<'_, Box<dyn Write + Send>>> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.out.try_lock() {
                Ok(out) => return Some(out),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }
}

/// Holds the terminal for the board. Dropped, the terminal is as it was.
pub(super) struct Terminal {
    screen: Arc<Screen>,
}

impl Terminal {
    /// Sets the modes.
    ///
    /// # Errors
    ///
    /// Standard output is no terminal, or it cannot be written.
    pub fn enter() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "standard output is no terminal"));
        }
        // a handle of our own: the lock of `stdout` could be held by anybody when it is time to leave
        #[cfg(unix)]
        let out: Box<dyn Write + Send> = {
            use std::os::fd::AsFd;
            Box::new(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
        };
        #[cfg(not(unix))]
        let out: Box<dyn Write + Send> = Box::new(io::stdout());
        let screen = Arc::new(Screen {
            out: Mutex::new(out),
            up: AtomicBool::new(false),
            mouse: AtomicBool::new(false),
            broke: Notify::new(),
            modes: Modes::Real,
        });
        remember(&screen);
        let guard = Self { screen };
        guard.screen.put_up()?;
        Ok(guard)
    }

    /// Asks the terminal about itself and waits a moment for its answers. Nobody may listen to keys yet.
    pub fn ask(&self) -> Told {
        #[cfg(unix)]
        {
            let answered = self.screen.write(input::ASK).and_then(|()| read_answers());
            // who does not answer is as good as any other terminal
            answered.unwrap_or_default()
        }
        #[cfg(not(unix))]
        Told::default()
    }

    #[cfg(test)]
    pub fn on(screen: Arc<Screen>) -> Self {
        Self { screen }
    }

    pub fn screen(&self) -> Arc<Screen> {
        Arc::clone(&self.screen)
    }

    /// Waits for a panic, of whichever thread. By then the screen has been put back.
    pub async fn broke(&self) {
        self.screen.broke.notified().await;
    }

    /// Sets the modes anew, after something else may have changed them.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn enter_again(&self) -> io::Result<()> {
        if self.screen.modes == Modes::Real {
            // it keeps what it found at first, and would find nothing to do otherwise
            let _ = terminal::disable_raw_mode();
        }
        self.screen.put_up()
    }

    /// Listens to the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn mouse(&self, wanted: bool) -> io::Result<()> {
        let bytes = if wanted { MOUSE_ON } else { MOUSE_OFF };
        self.screen.mouse.store(wanted, Ordering::SeqCst);
        self.screen.write(bytes)
    }

    /// Hands a text to the terminal, for pasting elsewhere (xterm's OSC 52). Nobody says whether it took it.
    pub fn copy(&self, text: &str) {
        // where it is pasted it may be obeyed
        let encoded = base64::engine::general_purpose::STANDARD.encode(lines(text).as_bytes());
        // a terminal that is gone is told of by its input
        let _ = self.screen.write(format!("\x1b]52;c;{encoded}\x07").as_bytes());
    }

    /// Gives the terminal to another program until that is done, and takes it again.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub async fn lend<T>(&self, until: impl Future<Output = T>) -> io::Result<T> {
        self.screen.take_down();
        let done = until.await;
        self.enter_again().map(|()| done)
    }

    /// Gives the terminal back, stops the process, and takes the terminal again when it goes on.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub async fn suspend(&self) -> io::Result<()> {
        self.screen.take_down();
        #[cfg(unix)]
        if self.screen.modes == Modes::Real {
            stop_here().await;
        }
        self.enter_again()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.screen.take_down();
    }
}

/// Reads from the terminal until it has answered the last question, or a moment has passed.
#[cfg(unix)]
fn read_answers() -> io::Result<Told> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(Told::default());
    }
    let until = Instant::now() + input::PATIENCE;
    let mut bytes = Vec::new();
    let mut part = [0; 256];
    loop {
        let told = input::answers(&bytes);
        let left = until.saturating_duration_since(Instant::now());
        if told.done || left.is_zero() {
            return Ok(told);
        }
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        if poll(&mut ready, Some(&left))? > 0 {
            // not through its buffer: what stands there would be lost for the keys
            let read = rustix::io::read(&stdin, &mut part)?;
            if read == 0 {
                return Ok(told);
            }
            bytes.extend_from_slice(part.get(..read).unwrap_or_default());
        }
    }
}

/// Stops the whole job, as the terminal itself would. Where nobody could wake it again, the system ignores that.
#[cfg(unix)]
async fn stop_here() {
    use rustix::process::{Signal, kill_current_process_group};
    use tokio::signal::unix::{SignalKind, signal};

    let goes_on = signal(SignalKind::from_raw(Signal::CONT.as_raw()));
    if kill_current_process_group(Signal::TSTP).is_err() {
        return;
    }
    // another thread may be the one that the stop is delivered to, a moment from now
    if let Ok(mut goes_on) = goes_on {
        let _ = tokio::time::timeout(STOPPING, goes_on.recv()).await;
    }
}

/// The screen that a panic has to put back.
static SHOWN: Mutex<Weak<Screen>> = Mutex::new(Weak::new());
static HOOK: Once = Once::new();

/// From now on, a panic first gives the terminal back and then prints its text, so that it can be read.
fn remember(screen: &Arc<Screen>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(screen);
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            if let Some(screen) = &shown {
                screen.take_down();
            }
            before(info);
            if let Some(screen) = shown {
                screen.told_of_a_panic();
            }
        }));
    });
}

fn enter_sequence() -> Vec<u8> {
    let mut bytes = Vec::new();
    // into memory: it cannot fail
    let _ = queue!(
        bytes,
        terminal::EnterAlternateScreen,
        event::EnableBracketedPaste,
        cursor::Hide,
        terminal::Clear(terminal::ClearType::All)
    );
    bytes
}

fn leave_sequence() -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = queue!(
        bytes,
        terminal::EndSynchronizedUpdate,
        style::ResetColor,
        style::SetAttribute(style::Attribute::Reset),
        event::DisableBracketedPaste,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    bytes.extend_from_slice(MOUSE_OFF);
    bytes.extend_from_slice(PUT_TITLE_BACK);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what was written.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes nothing, for as long as the test lasts.
    struct Stuck;

    impl Write for Stuck {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                std::thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_screen_is_put_back_exactly_once_and_nothing_is_drawn_after() {
        let paper = Paper::default();
        let screen = Screen::of(Box::new(paper.clone()));
        let guard = Terminal::on(Arc::clone(&screen));
        screen.write(b"frame").unwrap();
        screen.take_down();
        screen.take_down();
        screen.write(b"late").unwrap();
        drop(guard);
        let written = paper.0.lock().unwrap().clone();
        let expected: Vec<u8> = [b"frame".to_vec(), leave_sequence()].concat();
        assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn the_title_is_kept_once_however_often_the_modes_are_set() {
        let paper = Paper::default();
        let screen = Screen::of(Box::new(paper.clone()));
        let guard = Terminal::on(Arc::clone(&screen));
        screen.take_down();
        guard.enter_again().unwrap();
        // the process goes on after a stop that it was not asked about
        guard.enter_again().unwrap();
        drop(guard);
        let written = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches("\x1b[22;0t").count(), 1, "{written:?}");
    }

    #[test]
    fn a_stuck_terminal_does_not_keep_the_program() {
        let screen = Screen::of(Box::new(Stuck));
        let painter = Arc::clone(&screen);
        std::thread::spawn(move || painter.write(b"frame"));
        let begun = Instant::now();
        screen.take_down();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
