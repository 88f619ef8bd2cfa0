//! The way to a Redis, kept open: one connection for all, opened anew when it breaks, with a back-off.
//!
//! A question is put again until it is answered or [`PATIENCE`] is over, because every script may run twice; nobody can
//! tell from a lost answer whether it ran. The password is read when it is first needed, and again after it was refused, so
//! that one that was mended is found without a restart.

use std::pin::pin;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, ErrorKind, IntoConnectionInfo, RedisError, RedisResult, ScriptInvocation, ServerErrorKind,
    Value,
};
use secrecy::zeroize::Zeroizing;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::super::StoreError;
use crate::config::SecretSource;
use crate::platform::{conceal_in_text, ensure_crypto};

/// How long a question is put before the Redis counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// By so much at a time it is used up: who wakes far later than that was asleep, and what came meanwhile is not read yet.
const SLICE: Duration = Duration::from_millis(250);

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(3);

/// Between two attempts: at first, and at the most.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(500);

/// Questions that wait to be written to the connection.
const QUEUE: usize = 1024;

/// What can be asked.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
}

impl Question<'_> {
    async fn put(self, connection: &mut ConnectionManager) -> RedisResult<Value> {
        match self {
            Self::Script(script) => script.invoke_async(connection).await,
            Self::Command(command) => command.query_async(connection).await,
        }
    }
}

/// The way to one Redis.
pub(super) struct Link {
    url: Url,
    password: Option<SecretSource>,
    place: String,
    open: Mutex<Open>,
}

/// What is open now, and how often something was opened before it.
#[derive(Default)]
struct Open {
    turn: u64,
    client: Option<Client>,
    connection: Option<ConnectionManager>,
    /// What is shown of no answer: a Redis, or what stands before it, may repeat the password.
    password: Zeroizing<String>,
}

/// What is to be made anew for the next question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anew {
    Connection,
    Password,
}

impl Link {
    pub(super) fn new(url: Url, password: Option<SecretSource>, place: String) -> Self {
        Self { url, password, place, open: Mutex::default() }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Puts a question until it is answered, for [`PATIENCE`] at the most. Time in which the whole process slept, as on a
    /// laptop that was closed, is nobody's silence.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Value, StoreError> {
        let (turn, mut connection) = self.connection().await?;
        let mut trouble = None;
        match while_awake(PATIENCE, insist(question, &mut connection, &mut trouble)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(refusal)) => {
                self.renew(turn, anew_after(&refusal)).await;
                Err(StoreError::refused(&self.place, &self.shown(refusal.to_string()).await))
            }
            None => {
                // the connection may be one of those that never say that they are broken
                self.renew(turn, Anew::Connection).await;
                let silence = || format!("no answer for {} s", PATIENCE.as_secs());
                let trouble = self.shown(trouble.unwrap_or_else(silence)).await;
                Err(StoreError::unreachable(&self.place, &trouble))
            }
        }
    }

    async fn connection(&self) -> Result<(u64, ConnectionManager), StoreError> {
        let mut open = self.open.lock().await;
        if let Some(connection) = &open.connection {
            return Ok((open.turn, connection.clone()));
        }
        let client = if let Some(client) = &open.client {
            client.clone()
        } else {
            let (client, password) = self.client().await?;
            open.password = password;
            client
        };
        let config = ConnectionManagerConfig::new()
            .set_min_delay(SHORTEST)
            .set_max_delay(LONGEST)
            // few, because only the last of them tells what is wrong
            .set_number_of_retries(2)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(PATIENCE))
            .set_pipeline_buffer_size(QUEUE);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)
            .map_err(|error| StoreError::refused(&self.place, &error))?;
        open.turn += 1;
        open.client = Some(client);
        open.connection = Some(connection.clone());
        Ok((open.turn, connection))
    }

    async fn client(&self) -> Result<(Client, Zeroizing<String>), StoreError> {
        ensure_crypto();
        let unusable = |error: RedisError| StoreError::refused(&self.place, &error);
        let info = self.url.clone().into_connection_info().map_err(unusable)?;
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(source) = &self.password {
            settings = settings.set_password(source.read_store_password().await?.expose());
        }
        let password = Zeroizing::new(settings.password().unwrap_or_default().to_owned());
        let client = Client::open(info.set_redis_settings(settings)).map_err(unusable)?;
        Ok((client, password))
    }

    /// What it said, or what went wrong, without the password.
    pub(super) async fn shown(&self, said: String) -> String {
        let open = self.open.lock().await;
        conceal_in_text(said, &[open.password.as_bytes()])
    }

    /// Forgets what was opened at that turn, unless it was already.
    async fn renew(&self, turn: u64, what: Anew) {
        let mut open = self.open.lock().await;
        if open.turn == turn {
            open.connection = None;
            if what == Anew::Password {
                open.client = None;
            }
        }
    }
}

/// Works for as long as it takes, but no longer than this while the process is awake.
async fn while_awake<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = patience;
    while !left.is_zero() {
        let begun = Instant::now();
        if let Ok(done) = tokio::time::timeout(SLICE, work.as_mut()).await {
            return Some(done);
        }
        if begun.elapsed() < 2 * SLICE {
            left = left.saturating_sub(SLICE);
        }
    }
    None
}

/// Puts a question until it is answered or refused; what went wrong last is left in `trouble`.
async fn insist(
    question: Question<'_>,
    connection: &mut ConnectionManager,
    trouble: &mut Option<String>,
) -> RedisResult<Value> {
    let mut delay = SHORTEST;
    loop {
        match question.put(connection).await {
            Err(error) if passes(&error) => *trouble = Some(error.to_string()),
            answered => return answered,
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST);
    }
}

/// Whether an error may be over in a moment.
fn passes(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || matches!(
            error.kind(),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
            )
        )
        || error.code() == Some("BUSY")
}

fn anew_after(refusal: &RedisError) -> Anew {
    let of_a_person = refusal.kind() == ErrorKind::AuthenticationFailed
        || refusal.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
        || matches!(refusal.code(), Some("NOAUTH" | "WRONGPASS"));
    if of_a_person { Anew::Password } else { Anew::Connection }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_is_nobodys_silence() {
        let patience = Duration::from_secs(1);
        let begun = Instant::now();
        assert_eq!(while_awake(patience, std::future::pending::<()>()).await, None);
        assert!(begun.elapsed() < 2 * patience, "who is awake waits no longer than that");
        // the clock goes on by an hour at once, and the answer is read a moment after
        let answer = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            tokio::time::advance(Duration::from_hours(1)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(while_awake(patience, answer).await, Some(()));
    }
}
