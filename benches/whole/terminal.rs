//! The program in a terminal of 140 columns and 40 rows, which answers at once what it is asked about itself, as most do.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use memchr::memmem;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::process::memory_of;

/// How long something may take before it counts as broken.
const PATIENCE: Duration = Duration::from_mins(5);
/// What is asked last when the terminal is asked about itself, and what it says: where the cursor is, its background,
/// its kind.
const ASKED: &[u8] = b"\x1b[c";
const ANSWER: &[u8] = b"\x1b[1;2R\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62c";
/// What ends a frame.
const FRAME: &[u8] = b"\x1b[?2026l";

/// A terminal with the program in it, which ends with this.
pub struct Terminal {
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Shown>,
}

/// What the program has written.
#[derive(Default)]
struct Shown {
    bytes: AtomicU64,
    /// When the first frame was whole, since the start.
    first: OnceLock<Duration>,
}

impl Terminal {
    pub fn start(command: CommandBuilder) -> Self {
        let size = PtySize { rows: 40, cols: 140, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let mut typing = pair.master.take_writer().unwrap();
        let shown = Arc::new(Shown::default());
        let (begun, seen) = (Instant::now(), Arc::clone(&shown));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        std::thread::spawn(move || {
            let (mut buffer, mut start, mut is_asked) = (vec![0; 64 * 1024], Vec::new(), false);
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                seen.bytes.fetch_add(length as u64, Ordering::Relaxed);
                if seen.first.get().is_none() {
                    start.extend_from_slice(&buffer[..length]);
                    if !is_asked && memmem::find(&start, ASKED).is_some() {
                        is_asked = true;
                        typing.write_all(ANSWER).unwrap();
                    }
                    if memmem::find(&start, FRAME).is_some() {
                        let _ = seen.first.set(begun.elapsed());
                    }
                }
            }
        });
        Self { _master: pair.master, child, shown }
    }

    /// How long the first frame took.
    pub fn first_frame(&self) -> Duration {
        until("a frame", || self.shown.first.get().copied())
    }

    /// Bytes that the program has written.
    pub fn written(&self) -> u64 {
        self.shown.bytes.load(Ordering::Relaxed)
    }

    /// The program's process.
    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// The most memory that the program has held so far, in bytes.
    pub fn peak(&self) -> u64 {
        memory_of(self.process(), "VmHWM:")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until there is something.
pub fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(there) = is() {
            return there;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
