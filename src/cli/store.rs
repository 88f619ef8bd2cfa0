//! `store`: what locks and results there are, of one tenant or of all, and removing them.

use std::io::{self, Write};

use super::House;
use super::args::StoreCommand;
use super::exit::{Exit, Stop};
use super::question::{self, Sendoff, can_ask};
use crate::coordination::{self, Purge, Store};
use crate::engine;
use crate::headless::Signals;
use crate::model::PlatformKind;
use crate::report::{grouped, records_of};
use crate::text::one_line;

pub(super) async fn act(house: &House, act: StoreCommand) -> Result<Exit, Stop> {
    let (StoreCommand::Status { profile } | StoreCommand::Purge { profile, .. }) = &act;
    let config = house.config()?;
    let data_dir = &house.places.data_dir;
    let profile =
        profile.as_ref().map(|name| config.profile(Some(name), PlatformKind::Genesys)).transpose()?;
    let store = match &profile {
        Some(profile) => engine::store(&config.store, profile, data_dir)?,
        None => coordination::open_whole(&config.store, data_dir)?,
    };
    let whose = profile.as_ref().map_or("all tenants", |profile| &profile.name);
    match act {
        StoreCommand::Status { .. } => status(store.as_ref(), whose).await,
        StoreCommand::Purge { expired, locks, yes, .. } => {
            let (what, told) = match (expired, locks) {
                (true, _) => (Purge::Expired, "remove what is over its time of"),
                (false, false) => (
                    Purge::Results,
                    "remove every stored result, so that the same records can be executed again, of",
                ),
                (false, true) => (
                    Purge::All,
                    "remove every lock and result, so that what runs now loses its guard and may be executed twice, of",
                ),
            };
            if !yes && !can_ask() && what == Purge::All {
                return Err(Stop::refuse(
                    "nothing was removed: locks are what keeps records from being executed twice, and nobody can be asked\n\
                     hint: give --yes, once nothing is at work that needs them",
                ));
            }
            if !yes && can_ask() && what != Purge::Expired {
                let mut signals = Signals::listen()?;
                let sendoff = Sendoff {
                    what: told.to_owned(),
                    count: None,
                    profile: whose,
                    host: profile.as_ref().and_then(|one| one.api_url.host_str()).unwrap_or("whichever host"),
                    production: match &profile {
                        Some(profile) => profile.production,
                        None => config.profiles.values().any(|profile| profile.production),
                    },
                };
                question::ask(&sendoff, &mut signals).await?;
            }
            let removed = store.purge(what).await?;
            say(&format!("{} removed", records_of(removed, "key", "keys")))?;
            Ok(Exit::Done)
        }
    }
}

async fn status(store: &dyn Store, whose: &str) -> Result<Exit, Stop> {
    let status = store.status().await?;
    say(&format!("{} ({whose})", one_line(&status.place, 500)))?;
    let rows = [
        ("results", status.results, "stored: the same record is not executed again"),
        ("bytes", status.bytes, "of these results"),
        ("locks", status.locks, "held by runs that are at work"),
        ("ended", status.ended, "locks whose holders are gone; taking one over counts as unsure"),
        ("unsure", status.unsure, "handed to a person: nobody knows whether they were executed"),
    ];
    for (name, count, what) in rows {
        say(&format!("  {name:<8} {:>10}  {what}", grouped(count)))?;
    }
    Ok(Exit::Done)
}

fn say(line: &str) -> Result<(), Stop> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
