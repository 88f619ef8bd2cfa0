//! An office with nobody in it, for a board that is tested without one.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::FutureExt;

use crate::config::Secret;
use crate::journal::Judgement;
use crate::model::{FailureId, OperationKind, PlatformKind, RunId, Seq};
use crate::plan::Plan;
use crate::tui::{Flight, Kept, Office, Places, ProfileDraft, Profiles, Progress, Reply, Started, Tested};

/// Refuses everything.
pub struct Nobody;

fn nobody<T: Send + 'static>() -> Reply<T> {
    async { Err("nobody is here".to_owned()) }.boxed()
}

impl Office for Nobody {
    fn retry(&self, _: RunId, _: Vec<Seq>, _: String) -> Reply<Started> {
        nobody()
    }

    fn profiles(&self) -> Reply<Profiles> {
        nobody()
    }

    fn test(&self, _: String, _: PlatformKind) -> Reply<Tested> {
        nobody()
    }

    fn test_draft(&self, _: ProfileDraft, _: Option<String>) -> Reply<Tested> {
        nobody()
    }

    fn save(&self, _: ProfileDraft, _: Option<String>) -> Reply<Profiles> {
        nobody()
    }

    fn remove(&self, _: String) -> Reply<Profiles> {
        nobody()
    }

    fn replace_secret(&self, _: String, _: Secret) -> Reply<Kept> {
        nobody()
    }

    fn check(&self, _: Plan, _: Progress) -> Reply<Flight> {
        nobody()
    }

    fn begin(&self, _: u64) -> Reply<Started> {
        nobody()
    }

    fn save_plan(&self, _: Plan, _: PathBuf) -> Reply<PathBuf> {
        nobody()
    }

    fn resume(&self, _: RunId) -> Reply<Started> {
        nobody()
    }

    fn judge(&self, _: RunId, _: Vec<FailureId>, _: Judgement, _: String) -> Reply<()> {
        nobody()
    }

    fn edit(&self, _: RunId, _: Vec<(FailureId, Option<Bytes>)>, _: String) -> Reply<()> {
        nobody()
    }

    fn cancel(&self, _: RunId, _: String) -> Reply<()> {
        nobody()
    }

    fn report(&self, _: RunId) -> Reply<PathBuf> {
        nobody()
    }

    fn practise(&self, _: OperationKind) -> Reply<Started> {
        nobody()
    }

    fn places(&self) -> Places {
        Places {
            config: (PathBuf::from("config.toml"), false),
            data: (PathBuf::from("data"), false),
            log: PathBuf::from("log"),
            variables: false,
        }
    }

    fn secret_variables(&self) -> Vec<String> {
        Vec::new()
    }
}
