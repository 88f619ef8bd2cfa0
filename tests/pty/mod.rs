//! A program in a pseudo-terminal: typed to, resized, signalled, and looked at as a person would see it.
//!
//! Waiting is always for something to be seen or to happen, never for a time to pass.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// How long something may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program, its terminal, and what is on the screen.
pub struct Session {
    master: Option<Box<dyn MasterPty + Send>>,
    typing: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that was written.
    written: Arc<Mutex<Vec<u8>>>,
    /// Whether nothing more is read from the terminal, for now.
    held: Arc<AtomicBool>,
    unplugged: Arc<AtomicBool>,
    /// Reads what is written, until nobody has the terminal open any more.
    reader: JoinHandle<()>,
    modes_before: String,
}

fn size_of((columns, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn some(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

impl Session {
    /// Starts the command in a terminal of this size, in columns and rows.
    pub fn start(command: CommandBuilder, size: (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size_of(size)).unwrap();
        let modes_before = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(some(size.1), some(size.0), 0)));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = Arc::clone(&screen);
        let unplugged = Arc::new(AtomicBool::new(false));
        let no_more = Arc::clone(&unplugged);
        let (written, held) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, waits) = (Arc::clone(&written), Arc::clone(&held));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                if no_more.load(Ordering::SeqCst) {
                    return;
                }
                seen.lock().unwrap().process(&bytes[..length]);
                log.lock().unwrap().extend_from_slice(&bytes[..length]);
                while waits.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            }
        });
        let typing = pair.master.take_writer().unwrap();
        Self {
            master: Some(pair.master),
            typing: Some(typing),
            child,
            screen,
            written,
            held,
            unplugged,
            reader,
            modes_before,
        }
    }

    /// Types; escape sequences are keys.
    pub fn type_in(&mut self, keys: &str) {
        let typing = self.typing.as_mut().unwrap();
        typing.write_all(keys.as_bytes()).unwrap();
        typing.flush().unwrap();
    }

    /// Gives the terminal another size, in columns and rows.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.screen.lock().unwrap().screen_mut().set_size(some(size.1), some(size.0));
        self.master.as_ref().unwrap().resize(size_of(size)).unwrap();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Takes the terminal away: with the next thing that the program writes, nobody has its other end any more.
    pub fn unplug(&mut self) {
        self.unplugged.store(true, Ordering::SeqCst);
        self.typing = None;
        self.master = None;
    }

    /// From now on nothing is read of what the program writes, as of a connection that is stuck; or it is again.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// All that was written to the terminal so far.
    pub fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// Waits until the screen shows the text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}`"), |screen| screen.contents().contains(text));
    }

    /// Waits until something is true of the screen.
    pub fn wait_until(&self, what: &str, is: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        loop {
            if is(self.screen.lock().unwrap().screen()) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} never came; the screen shows:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has the board drawn anew and waits for that: what was seen before can be answered by then.
    pub fn settle(&mut self) {
        let before = self.drawn_anew();
        self.type_in("\x0c");
        self.wait_until("the board drawn anew", |_| self.drawn_anew() > before);
    }

    /// How many frames are whole that began with all of the screen cleared.
    fn drawn_anew(&self) -> usize {
        let written = self.written.lock().unwrap();
        let text = String::from_utf8_lossy(&written);
        text.split("\x1b[2J").skip(1).filter(|frame| frame.contains("\x1b[?2026l")).count()
    }

    /// Waits for the program's end, and until all that it wrote was read. Returns its exit code.
    pub fn wait_for_end(&mut self) -> u32 {
        let begun = Instant::now();
        let is_read = |session: &Self| {
            let never = session.held.load(Ordering::SeqCst) || session.unplugged.load(Ordering::SeqCst);
            never || session.reader.is_finished()
        };
        loop {
            if let Some(status) = self.child.try_wait().unwrap()
                && is_read(self)
            {
                return status.exit_code();
            }
            if begun.elapsed() >= PATIENCE {
                let _ = self.child.kill();
                panic!("the program never ended; the screen shows:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Holds the program to having put everything back that it changed about the terminal.
    pub fn assert_restored(&self) {
        self.wait_until("the screen as it was", |screen| !screen.alternate_screen());
        self.wait_until("the cursor", |screen| !screen.hide_cursor());
        self.wait_until("pastes as they were", |screen| !screen.bracketed_paste());
        self.wait_until("the mouse as it was", |screen| {
            screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        let written = String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned();
        let kept = written.matches("\x1b[22;0t").count();
        assert_eq!(written.matches("\x1b[23;0t").count(), kept, "the title is not as it was");
        let now = format!("{:?}", self.master.as_ref().unwrap().get_termios());
        assert_eq!(now, self.modes_before, "the line discipline is not as it was");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
