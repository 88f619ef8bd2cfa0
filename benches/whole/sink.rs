//! A server that answers at once and counts what arrives. It reads no more of a request than tells where that ends.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What has arrived at it since the last look.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// Requests that carry something.
    pub sent: u64,
    /// The bytes of their bodies.
    pub bytes: u64,
    /// Seconds between the first and the last of them.
    pub seconds: f64,
}

/// A sink in a process of its own, which ends when this is dropped.
pub struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    pub fn start() -> Self {
        let this = std::env::current_exe().unwrap();
        let mut child =
            Command::new(this).arg("sink").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().expect("the sink says its port") }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Says what has arrived, and begins to count anew.
    pub fn count(&self) -> Count {
        self.ask("count")
    }

    /// Says what has arrived so far.
    pub fn look(&self) -> Count {
        self.ask("look")
    }

    fn ask(&self, what: &str) -> Count {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        write!(stream, "GET /{what} HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let [sent, bytes, micros] = body.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{body}") };
        let number = |text: &str| text.parse::<u64>().unwrap();
        Count { sent: number(sent), bytes: number(bytes), seconds: number(micros) as f64 / 1e6 }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server, until nobody holds its standard input any more.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let state = Rc::new(State { answers: Answers::new(), arrived: Cell::default() });
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::task::spawn_local(answer_all(stream, Rc::clone(&state)));
        }
    });
}

struct State {
    answers: Answers,
    arrived: Cell<Arrived>,
}

#[derive(Clone, Copy, Default)]
struct Arrived {
    sent: u64,
    bytes: u64,
    first_and_last: Option<(Instant, Instant)>,
}

impl Arrived {
    fn with(self, length: usize) -> Self {
        let now = Instant::now();
        let first = self.first_and_last.map_or(now, |(first, _)| first);
        Self { sent: self.sent + 1, bytes: self.bytes + length as u64, first_and_last: Some((first, now)) }
    }

    fn answer(self) -> String {
        let took = self.first_and_last.map_or(Duration::ZERO, |(first, last)| last - first);
        let head = "HTTP/1.1 200 OK\r\nconnection: close";
        format!("{head}\r\n\r\n{} {} {}", self.sent, self.bytes, took.as_micros())
    }
}

async fn answer_all(mut stream: tokio::net::TcpStream, state: Rc<State>) {
    let State { answers, arrived } = &*state;
    let mut buffer = Vec::with_capacity(256 * 1024);
    loop {
        // the head
        let head = loop {
            if let Some(at) = memmem::find(&buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let length = length_of(&buffer[..head]);
        let line = &buffer[..head.min(64)];
        let is_count = line.starts_with(b"GET /count ");
        let is_look = is_count || line.starts_with(b"GET /look ");
        let counted;
        let answer = if is_look {
            counted = if is_count { arrived.take() } else { arrived.get() }.answer();
            counted.as_bytes()
        } else if memmem::find(line, b"/token").is_some() {
            &answers.token
        } else if line.starts_with(b"GET ") {
            &answers.hierarchy
        } else {
            arrived.set(arrived.get().with(length));
            &answers.accepted
        };
        // the body, which nobody looks at
        let behind = buffer.len() - head;
        if behind >= length {
            buffer.drain(..head + length);
        } else {
            let mut left = length - behind;
            buffer.clear();
            while left > 0 {
                buffer.clear();
                match (&mut stream).take(left as u64).read_buf(&mut buffer).await {
                    Ok(read @ 1..) => left -= read,
                    _ => return,
                }
            }
            buffer.clear();
        }
        if stream.write_all(answer).await.is_err() || is_look {
            return;
        }
    }
}

fn length_of(head: &[u8]) -> usize {
    // some write its name with large letters
    let Some(at) = memmem::find(head, b"ength: ") else { return 0 };
    let digits = head[at + 7..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
}

/// What it answers, made once.
struct Answers {
    token: Vec<u8>,
    hierarchy: Vec<u8>,
    accepted: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let answer = |body: &str| {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
            format!("{head}: {}\r\n\r\n{body}", body.len()).into_bytes()
        };
        Self {
            token: answer(r#"{"access_token":"sink","token_type":"bearer","expires_in":86400}"#),
            hierarchy: answer(
                r#"{"entities":[{"id":"c","name":"Contacted","children":[{"id":"s","name":"Sale"}]}]}"#,
            ),
            accepted: answer(r#"{"status":"accepted"}"#),
        }
    }
}
