//! What can be told of a store before it is used: whether its file is sound, and whether its server keeps what it is given.
//!
//! It only looks: a file that is not there is not made, and nothing of a server is changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::redis::Cmd;
use rusqlite::OpenFlags;

use super::redis::Redis;
use super::{StoreError, schema, tenant};
use crate::config::StorePlace;
use crate::database::{self, Soundness};

/// What a look at a store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examined {
    /// The embedded one, which nobody has needed yet.
    NotMade,
    /// The embedded one.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether SQLite finds it sound.
        soundness: Soundness,
    },
    /// A Redis that answers.
    Redis(RedisTraits),
}

/// What a Redis says of itself. A piece that it does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisTraits {
    /// Its address, without user and password.
    pub place: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether it is a copy of another, which takes no writes.
    pub is_replica: bool,
    /// Whether it is a part of a cluster.
    pub is_cluster: bool,
    /// The bytes that it may use; 0 is no limit.
    pub most_memory: Option<u64>,
    /// What it forgets when they are used up.
    pub eviction: Option<String>,
    /// Whether it writes each change to its disk (AOF).
    pub appends: Option<bool>,
    /// When it writes a snapshot of itself; empty where it never does.
    pub saves: Option<String>,
}

/// Looks at the store that the configuration names, for so long at the most where it is a file.
///
/// # Errors
///
/// It gives no answer, or cannot be read.
pub async fn examine(
    place: &StorePlace,
    data_dir: &Path,
    patience: Duration,
) -> Result<Examined, StoreError> {
    match place {
        StorePlace::Redis { url, password } => {
            let redis = Redis::new(url, password.clone(), tenant::EVERY.to_owned());
            traits(&redis).await.map(Examined::Redis)
        }
        StorePlace::Embedded => {
            let path = data_dir.join(super::embedded::FILE);
            if !path.try_exists().unwrap_or(true) {
                return Ok(Examined::NotMade);
            }
            let failed =
                |error: rusqlite::Error| StoreError::File { path: path.clone(), reason: error.to_string() };
            let connection = database::open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, super::embedded::BUSY)
                .map_err(failed)?;
            // one whose schema cannot be read is told as damaged, below
            if let Ok(Some(strange)) = schema::strange(&connection) {
                return Err(StoreError::File { path, reason: strange.to_owned() });
            }
            let soundness = database::soundness(&connection, patience).map_err(failed)?;
            Ok(Examined::File { path, soundness })
        }
    }
}

async fn traits(redis: &Redis) -> Result<RedisTraits, StoreError> {
    let mut info = Cmd::new();
    info.arg("INFO");
    let said = redis.tell(&info).await?.unwrap_or_default();
    let told: HashMap<&str, &str> = said.lines().filter_map(|line| line.trim().split_once(':')).collect();
    let mut config = Cmd::new();
    config.arg("CONFIG").arg("GET").arg("save");
    // a hosted Redis tells nobody of its settings
    let saves = redis.tell(&config).await.ok().flatten();
    Ok(RedisTraits {
        place: redis.place().to_owned(),
        version: shown(redis, told.get("redis_version").copied()).await,
        is_replica: told.get("role") == Some(&"slave"),
        is_cluster: told.get("cluster_enabled") == Some(&"1"),
        most_memory: told.get("maxmemory").and_then(|bytes| bytes.parse().ok()),
        eviction: shown(redis, told.get("maxmemory_policy").copied()).await,
        appends: told.get("aof_enabled").map(|on| *on == "1"),
        saves: shown(redis, saves.as_deref()).await,
    })
}

/// A word of its own, as a person may see it.
async fn shown(redis: &Redis, told: Option<&str>) -> Option<String> {
    Some(crate::text::one_line(&redis.shown(told?).await, 60))
}
