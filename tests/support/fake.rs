//! A platform that answers as one test says: it does what the sandbox, which keeps the contract, never would, at the moment
//! at which a test wants it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use trunkline::config::StorePlace;
use trunkline::engine::{self, Handle, Setup};
use trunkline::journal::{Journal, RunRow};
use trunkline::model::OperationKind;
use trunkline::plan::Plan;

/// How long a test waits for what must come: far longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// `Idempotency-Key`, or nothing.
    pub key: String,
    pub body: Vec<u8>,
    /// Calls before it with the same method and path.
    pub before: usize,
    /// Where it came to.
    pub origin: String,
}

/// Status, headers and body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

/// An answer without headers.
pub fn plain(status: u16, body: &str) -> Answer {
    (status, Vec::new(), body.to_owned())
}

/// One that asks for a wait of so many seconds.
pub fn retry_after(status: u16, seconds: u32) -> Answer {
    (status, vec![("retry-after", seconds.to_string())], "{\"message\":\"later\"}".to_owned())
}

/// The platform, a folder for datasets and one for the journal. Tokens are given out, unless the test answers for them.
pub struct Fake {
    pub folder: TempDir,
    pub journal: Journal,
    pub store: StorePlace,
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: watch::Receiver<usize>,
    server: JoinHandle<()>,
}

impl Fake {
    pub async fn start<F, Answering>(answer: F) -> Self
    where
        F: Fn(Asked) -> Answering + Clone + Send + Sync + 'static,
        Answering: Future<Output = Option<Answer>> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (tell, count) = watch::channel(0);
        let (known, origin, tell) = (Arc::clone(&asked), url.clone(), Arc::new(tell));
        let app = axum::Router::new().fallback(move |request: Request| {
            let (known, origin, tell, answer) =
                (Arc::clone(&known), origin.clone(), Arc::clone(&tell), answer.clone());
            async move {
                let one = read(request, &known, origin).await;
                tell.send_modify(|count| *count += 1);
                let is_token = one.path.ends_with("/token");
                let (status, headers, body) = answer(one).await.unwrap_or_else(|| {
                    if is_token {
                        plain(200, r#"{"access_token":"t","token_type":"bearer","expires_in":86400}"#)
                    } else {
                        plain(404, "{}")
                    }
                });
                let mut response =
                    Response::builder().status(status).header("content-type", "application/json");
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(body)).unwrap()
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("data")).unwrap();
        Self { folder, journal, store: StorePlace::Embedded, url, asked, count, server }
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn setup(&self, plan: Plan) -> Setup {
        let profile = super::profile(&self.url, plan.operation.kind(), self.folder.path());
        let (journal, store) = (self.journal.clone(), self.store.clone());
        Setup { journal, plan, profile, until_error: false, store, wins: engine::Wins::default() }
    }

    pub async fn begin(&self, kind: OperationKind, datasets: &[&Path], settings: &[(&str, &str)]) -> Handle {
        let setup = self.setup(super::Tenant::plan(kind, datasets, settings));
        let scanned = engine::scan(&setup.plan, false, |_, _| ()).await.unwrap();
        engine::begin(setup, scanned).await.unwrap()
    }

    pub async fn resume(&self, row: &RunRow) -> Handle {
        engine::resume(self.setup(Plan::from_toml(&row.plan).unwrap()), row).await.unwrap()
    }

    /// The calls so far whose path has this in it.
    pub fn asked(&self, part: &str) -> Vec<Asked> {
        let all = self.asked.lock().unwrap();
        all.iter().filter(|one| one.path.contains(part)).cloned().collect()
    }

    /// Waits until so many calls have come whose path has this in it.
    pub async fn until_asked(&self, part: &str, times: usize) {
        let mut count = self.count.clone();
        within(async {
            while self.asked(part).len() < times {
                count.changed().await.unwrap();
            }
        })
        .await;
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn read(request: Request, known: &Mutex<Vec<Asked>>, origin: String) -> Asked {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map(|body| body.to_vec()).unwrap_or_default();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let key = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    let mut known = known.lock().unwrap();
    let before = known.iter().filter(|one| one.path == path && one.method == method).count();
    let asked = Asked { method, path, key: key.unwrap_or_default(), body, before, origin };
    known.push(asked.clone());
    asked
}

/// What must come, or the test fails instead of standing still.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it has not come")
}
