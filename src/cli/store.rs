//! `store`: what locks and results there are of a tenant, and removing them.

use std::io::{self, Write};

use super::House;
use super::args::StoreCommand;
use super::exit::{Exit, Stop};
use super::question::{self, Sendoff, can_ask};
use crate::coordination::{Purge, Store};
use crate::engine;
use crate::headless::Signals;
use crate::model::PlatformKind;
use crate::report::{grouped, records_of};
use crate::text::one_line;

pub(super) async fn act(house: &House, act: StoreCommand) -> Result<Exit, Stop> {
    let (StoreCommand::Status { profile } | StoreCommand::Purge { profile, .. }) = &act;
    let config = house.config()?;
    let profile = config.profile(profile.as_deref(), PlatformKind::Genesys)?;
    let store = engine::store(&config.store, &profile, &house.places.data_dir)?;
    match act {
        StoreCommand::Status { .. } => status(store.as_ref(), &profile.name).await,
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
            if !yes && can_ask() && what != Purge::Expired {
                let mut signals = Signals::listen()?;
                let sendoff = Sendoff {
                    what: told.to_owned(),
                    count: None,
                    profile: &profile.name,
                    host: profile.api_url.host_str().unwrap_or("?"),
                    production: profile.production,
                };
                question::ask(&sendoff, &mut signals).await?;
            }
            let removed = store.purge(what).await?;
            say(&format!("{} removed", records_of(removed, "key", "keys")))?;
            Ok(Exit::Done)
        }
    }
}

async fn status(store: &dyn Store, profile: &str) -> Result<Exit, Stop> {
    let status = store.status().await?;
    say(&format!("{} (of profile `{profile}`)", one_line(&status.place, 500)))?;
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
