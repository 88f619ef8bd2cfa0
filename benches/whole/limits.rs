//! What the machine can do, each as a process of its own that says the seconds it took: plain loops over what is ready-made,
//! and, of the reader, ours beside a bare `read`.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use reqwest::{Client, Method, Request};
use trunkline::dataset::{Entry, Limits, Reader};

use super::data;
use super::process;

/// Records of one body.
const CHUNK: usize = 500;

/// Measures one of them in a process of its own; the answer is in seconds.
pub fn seconds(words: &[&str]) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let ended = process::run(command.arg("limit").args(words));
    ended.said.trim().parse().expect("a limit says its seconds")
}

/// Is that process.
pub fn run(name: &str, words: &[&str]) {
    let seconds = match (name, words) {
        ("bodies", [url, file]) => asynchronous(bodies(url, Path::new(file))),
        ("puts", [url, count]) => asynchronous(puts(url, number(count), Clients::Shared)),
        ("puts-apart", [url, count]) => asynchronous(puts(url, number(count), Clients::Apart)),
        ("puts-hyper", [url, count]) => asynchronous(puts_of_hyper(url, number(count))),
        ("posts", [url, count]) => asynchronous(posts(url, number(count))),
        ("gets", [url, count]) => asynchronous(gets(url, number(count))),
        ("schema", [file]) => schema(Path::new(file)),
        ("read", [file]) => read(Path::new(file)),
        ("split", [file]) => split(Path::new(file)),
        _ => panic!("there is no limit {name} {words:?}"),
    };
    println!("{seconds}");
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn asynchronous(work: impl Future<Output = f64>) -> f64 {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// The records of a file.
fn records(file: &Path) -> impl Iterator<Item = Bytes> {
    let reader = Reader::open(file, Limits::default(), None).unwrap();
    reader.map(|entry| match entry.unwrap() {
        Entry::Record(record) => record.bytes,
        Entry::Unusable(one) => panic!("{}", one.reason),
    })
}

/// A JSON array of records.
fn array(records: &[Bytes]) -> Bytes {
    let mut body = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum::<usize>() + 2);
    body.push(b'[');
    for (number, record) in records.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(record);
    }
    body.push(b']');
    body.into()
}

/// Bodies of 500 records, one after another.
async fn bodies(url: &str, file: &Path) -> f64 {
    let all: Vec<Bytes> = records(file).collect();
    let bodies: Vec<Bytes> = all
        .chunks(CHUNK)
        .map(|records| {
            const HEAD: &str = "--trunkline-00000000000000000000000000000000\r\nContent-Disposition: form-data; name=\"data\"\r\n\
                                Content-Type: application/json\r\n\r\n";
            const TAIL: &str = "\r\n--trunkline-00000000000000000000000000000000--\r\n";
            [HEAD.as_bytes(), &array(records), TAIL.as_bytes()].concat().into()
        })
        .collect();
    drop(all);
    let (client, url) = (client(), format!("{url}/api/v2/analytics/dataactions/ingest"));
    let begun = Instant::now();
    for body in bodies {
        let answer = client.post(&url).bearer_auth("sink").body(body).send().await.unwrap();
        assert!(answer.status().is_success());
        answer.bytes().await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

/// What so many workers send, ready-made.
fn stacks<R>(workers: usize, make: impl Fn(u64) -> R, count: u64) -> Vec<Vec<R>> {
    let mut stacks: Vec<Vec<R>> = (0..workers).map(|_| Vec::new()).collect();
    for (number, stack) in (0..count).zip((0..workers).cycle()) {
        stacks[stack].push(make(number));
    }
    stacks
}

/// Whether workers share a client, and so its connections, or have one each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Shared,
    Apart,
}

/// Requests that are ready-made, by so many workers.
async fn requests(clients: Vec<Client>, make: impl Fn(u64) -> Request, count: u64) -> f64 {
    let stacks = stacks(clients.len(), make, count);
    let begun = Instant::now();
    let workers: Vec<_> = stacks
        .into_iter()
        .zip(clients)
        .map(|(stack, client)| {
            tokio::spawn(async move {
                for request in stack {
                    let answer = client.execute(request).await.unwrap();
                    assert!(answer.status().is_success());
                    answer.bytes().await.unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

fn request(
    client: &Client,
    method: Method,
    url: String,
    number: u64,
    body: impl Into<reqwest::Body>,
) -> Request {
    client
        .request(method, url)
        .bearer_auth("sink")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("idempotency-key", format!("{number:064x}"))
        .body(body)
        .build()
        .unwrap()
}

const OUTCOME: &[u8] = br#"{"outcome":{"category":"Contacted","subcategory":"Sale"}}"#;

async fn puts(url: &str, count: u64, clients: Clients) -> f64 {
    let one = client();
    let make = |number| {
        let url = format!("{url}/api/v2/contacts/{}", data::contact(number));
        request(&one, Method::PUT, url, number, Bytes::from_static(OUTCOME))
    };
    let clients = match clients {
        Clients::Shared => vec![one.clone(); 10],
        Clients::Apart => (0..10).map(|_| client()).collect(),
    };
    requests(clients, make, count).await
}

/// The same without reqwest: a connection of hyper's for each worker.
async fn puts_of_hyper(url: &str, count: u64) -> f64 {
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let make = |number| {
        hyper::Request::put(format!("/api/v2/contacts/{}", data::contact(number)))
            .header("host", &host)
            .header("authorization", "Bearer sink")
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", format!("{number:064x}"))
            .body(Full::new(Bytes::from_static(OUTCOME)))
            .unwrap()
    };
    let stacks = stacks(10, make, count);
    let begun = Instant::now();
    let workers: Vec<_> = stacks
        .into_iter()
        .map(|stack| {
            let host = host.clone();
            tokio::spawn(async move {
                let stream = tokio::net::TcpStream::connect(host).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                for request in stack {
                    sender.ready().await.unwrap();
                    let answer = sender.send_request(request).await.unwrap();
                    assert!(answer.status().is_success());
                    answer.into_body().collect().await.unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

async fn posts(url: &str, count: u64) -> f64 {
    let client = client();
    let make = |number| {
        let url = format!("{url}/api/v2/integrations/dataactions/bench/execute");
        request(&client, Method::POST, url, number, data::interaction(number))
    };
    requests(vec![client.clone(); 10], make, count).await
}

/// A value from a Redis, ten at a time; they are there.
async fn gets(url: &str, count: u64) -> f64 {
    let manager = redis::Client::open(url).unwrap().get_connection_manager().await.unwrap();
    for number in 0..100 {
        let mut manager = manager.clone();
        let () = redis::cmd("SET")
            .arg(format!("bench:{number}"))
            .arg("x".repeat(200))
            .query_async(&mut manager)
            .await
            .unwrap();
    }
    let begun = Instant::now();
    let workers: Vec<_> = (0..10)
        .map(|worker| {
            let mut manager = manager.clone();
            tokio::spawn(async move {
                for number in (worker..count).step_by(10) {
                    let name = format!("bench:{}", number % 100);
                    let value: Vec<u8> = redis::cmd("GET").arg(name).query_async(&mut manager).await.unwrap();
                    assert_eq!(value.len(), 200);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

/// Parses and validates, on all cores.
fn schema(file: &Path) -> f64 {
    let schema = include_str!("../../assets/schemas/interaction.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = Arc::new(jsonschema::options().should_validate_formats(true).build(&schema).unwrap());
    let all: Vec<Bytes> = records(file).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(cores)) {
            let validator = Arc::clone(&validator);
            scope.spawn(move || {
                for record in part {
                    let value: serde_json::Value = serde_json::from_slice(record).unwrap();
                    assert!(validator.is_valid(&value));
                }
            });
        }
    });
    begun.elapsed().as_secs_f64()
}

/// A bare `read`, in pieces of a mebibyte.
fn read(file: &Path) -> f64 {
    let mut file = File::open(file).unwrap();
    let mut piece = vec![0; 1 << 20];
    let begun = Instant::now();
    while file.read(&mut piece).unwrap() > 0 {}
    begun.elapsed().as_secs_f64()
}

/// Our reader: checked, and the bodies built.
fn split(file: &Path) -> f64 {
    let begun = Instant::now();
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut bytes = 0;
    for record in records(file) {
        chunk.push(record);
        if chunk.len() == CHUNK {
            bytes += array(&chunk).len();
            chunk.clear();
        }
    }
    bytes += array(&chunk).len();
    let took = begun.elapsed().as_secs_f64();
    assert!(bytes > 0);
    took
}
