//! A real Redis of one test's own: started on a free port, gone when it is dropped.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// How long a Redis may take to start on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running Redis. It keeps nothing on disk.
pub struct RedisServer {
    port: u16,
    password: Option<&'static str>,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one that asks for no password.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// Starts one that asks for this password.
    pub fn start_with_password(password: &'static str) -> Self {
        Self::with(Some(password))
    }

    fn with(password: Option<&'static str>) -> Self {
        let mut server = Self { port: 0, password, folder: tempfile::tempdir().unwrap(), child: None };
        // a free port can be taken by somebody else before the server has it
        for _ in 0..10 {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server did not start on any of ten free ports");
    }

    /// Its address, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Kills it, as a crash would; what it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same port, empty.
    pub fn start_again(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server did not start again on port {}", self.port);
    }

    /// Sends it a signal, such as `STOP`, after which it answers nobody, and `CONT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Whether it came up; it says so itself, so nobody has to try.
    fn launch(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "notice"]);
        command.arg("--dir").arg(self.folder.path());
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) => panic!("redis-server is not installed; tests/run installs it ({error})"),
        };
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        // it is read to its end, or the server would stop at a full pipe
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if line.contains("Ready to accept connections") {
                    let _ = tell.send(());
                }
            }
        });
        self.child = Some(child);
        let up = told.recv_timeout(START).is_ok();
        if !up {
            self.kill();
        }
        up
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
