//! Puts frames onto the terminal, on a thread of its own: a terminal that takes no more bytes blocks that thread and
//! nothing else.
//!
//! Only what has changed since the last frame is written, in one piece and as one synchronized update. A new frame is
//! handed in only after the one before has been written, so there is never a queue of old pictures.

use std::io;
use std::sync::{Arc, mpsc};

use crossterm::{cursor, queue, terminal};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;

use super::message::What;
use super::terminal::Screen;

/// One picture.
pub(super) struct Frame {
    pub number: u64,
    pub buffer: Buffer,
    /// Where the real cursor stands; hidden where nowhere.
    pub cursor: Option<(u16, u16)>,
    pub title: String,
    pub bell: Ring,
    pub amount: Amount,
}

/// Whether the bell rings with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ring {
    Once,
    No,
}

/// How much of a frame is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// What has changed.
    Changes,
    /// All of it: the screen may show anything.
    Everything,
}

/// The thread that paints.
pub(super) struct Painter {
    frames: mpsc::Sender<Frame>,
}

impl Painter {
    /// Starts it. It tells the inbox of every frame that stands on the screen, and when the terminal is gone.
    ///
    /// # Errors
    ///
    /// There can be no more threads.
    pub fn start(screen: Arc<Screen>, inbox: tokio::sync::mpsc::Sender<What>) -> io::Result<Self> {
        let (frames, waiting) = mpsc::channel::<Frame>();
        std::thread::Builder::new().name("painter".to_owned()).spawn(move || {
            let mut canvas = Painted::default();
            for frame in waiting {
                let number = frame.number;
                let news = match screen.write(&canvas.changes(frame)) {
                    Ok(()) => What::Drawn(number),
                    Err(_) => What::Hangup,
                };
                if inbox.blocking_send(news).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { frames })
    }

    /// Hands a frame in.
    pub fn paint(&self, frame: Frame) {
        // the thread ends only when the board does
        let _ = self.frames.send(frame);
    }
}

/// What stands on the screen.
#[derive(Default)]
struct Painted {
    buffer: Option<Buffer>,
    title: String,
}

impl Painted {
    /// The bytes that turn the last frame into this one.
    fn changes(&mut self, frame: Frame) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4096);
        // into memory: none of it can fail
        let _ = queue!(bytes, terminal::BeginSynchronizedUpdate, cursor::Hide);
        let before = self
            .buffer
            .take()
            .filter(|before| frame.amount == Amount::Changes && before.area == frame.buffer.area)
            .unwrap_or_else(|| {
                let _ = queue!(bytes, terminal::Clear(terminal::ClearType::All));
                Buffer::empty(frame.buffer.area)
            });
        let _ = CrosstermBackend::new(&mut bytes).draw(before.diff_iter(&frame.buffer));
        if let Some((x, y)) = frame.cursor {
            let _ = queue!(bytes, cursor::MoveTo(x, y), cursor::Show);
        }
        if self.title != frame.title {
            let _ = queue!(bytes, terminal::SetTitle(&frame.title));
        }
        let _ = queue!(bytes, terminal::EndSynchronizedUpdate);
        if frame.bell == Ring::Once {
            bytes.push(b'\x07');
        }
        self.title = frame.title;
        self.buffer = Some(frame.buffer);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn frame(text: &str, amount: Amount) -> Frame {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, Style::new());
        Frame { number: 1, buffer, cursor: Some((3, 1)), title: "t".to_owned(), bell: Ring::No, amount }
    }

    #[test]
    fn only_changes_are_written_and_redrawing_writes_everything() {
        let mut painted = Painted::default();
        let first = painted.changes(frame("hello_there", Amount::Changes));
        assert!(String::from_utf8_lossy(&first).contains("hello_there"));
        let same = String::from_utf8(painted.changes(frame("hello_there", Amount::Changes))).unwrap();
        assert!(!same.contains("hello"), "{same:?}");
        let changed = String::from_utf8(painted.changes(frame("hello_where", Amount::Changes))).unwrap();
        assert!(changed.contains('w') && !changed.contains("hello"), "{changed:?}");
        let all = String::from_utf8(painted.changes(frame("hello_where", Amount::Everything))).unwrap();
        assert!(all.contains("hello_where") && all.contains("\x1b[2J"), "{all:?}");
    }

    #[test]
    fn a_frame_is_one_synchronized_update() {
        let bytes = String::from_utf8(Painted::default().changes(frame("x", Amount::Changes))).unwrap();
        assert!(bytes.starts_with("\x1b[?2026h") && bytes.ends_with("\x1b[?2026l"), "{bytes:?}");
    }
}
