//! A platform, or a proxy, that answers as one test says, byte for byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request line and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    /// Method and path.
    pub fn is(&self, method: &str, part: &str) -> bool {
        let line = self.head.lines().next().unwrap_or_default();
        line.starts_with(method) && line.contains(part)
    }
}

/// An answer: what comes first, and a piece that comes so many times after it.
pub struct Reply(pub Vec<u8>, pub Vec<u8>, pub usize);

/// A whole answer, after which the connection ends.
pub fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Reply(bytes, Vec::new(), 0)
}

/// An answer that gives a token.
pub fn token(text: &str) -> Reply {
    answer(200, "", format!(r#"{{"access_token":"{text}","token_type":"bearer","expires_in":86400}}"#))
}

/// It listens for as long as the test's process lives.
pub struct Mirror {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Mirror {
    pub fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (Arc::clone(&seen), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read(&mut stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    let Reply(first, piece, times) = reply(&request);
                    // whoever asked may have had enough
                    let _ = stream.write_all(&first);
                    for _ in 0..times {
                        if stream.write_all(&piece).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let announced = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if bytes.len() >= end + announced.unwrap_or(0) {
            return Some(Seen { head, body: bytes.split_off(end) });
        }
    }
}
