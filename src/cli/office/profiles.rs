//! Profiles and their secrets: listed, tried, kept and taken away. What `profile` does at the command line is done here,
//! too.
//!
//! A secret is put into its place before the configuration names that place, and taken back where the configuration
//! can't be written: a profile without its secret, or a secret without its profile, is of use to nobody.

use std::path::Path;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Desk;
use super::places::{Placed, default_file, forget, own_file};
use crate::cli::House;
use crate::cli::exit::{Exit, Stop};
use crate::config::{
    Config, ConfigError, Lasting, Profile, ProfileSettings, Secret, SecretError, SecretSource, add_profile,
    change_profile, probe_keyring, regions, written_profiles,
};
use crate::engine;
use crate::model::{OperationKind, PlatformKind};
use crate::platform::{HttpTransport, SecretProvider, TargetError, TokenError, Tokens};
use crate::text::one_line;
use crate::tui::{Home, Kept, ProfileDraft, ProfileRow, Profiles, Tested};

/// The profile that needs no configuration.
pub(in crate::cli) const ENV: &str = "env";

/// The profiles that the environment's variables make.
pub(in crate::cli) fn of_variables(config: &Config) -> Vec<Profile> {
    PlatformKind::ALL.iter().filter_map(|platform| config.profile(Some(ENV), *platform).ok()).collect()
}

/// A profile by its name alone. `env` is of the platform that was named, or else of the one that has its variables set.
pub(in crate::cli) fn named(
    config: &Config,
    name: &str,
    platform: Option<PlatformKind>,
) -> Result<Profile, Stop> {
    if let Some(platform) = platform.or_else(|| config.profiles.get(name).map(|profile| profile.platform)) {
        return Ok(config.profile(Some(name), platform)?);
    }
    let genesys = config.profile(Some(name), PlatformKind::Genesys);
    if genesys.is_err()
        && name == ENV
        && let Ok(cxone) = config.profile(Some(name), PlatformKind::Cxone)
    {
        return Ok(cxone);
    }
    Ok(genesys?)
}

/// What settings mean, or what is wrong with them.
pub(in crate::cli) fn resolve(
    name: &str,
    settings: &ProfileSettings,
    beside: &Path,
) -> Result<Profile, Stop> {
    settings.resolve(name, beside).map_err(|broken| {
        Stop::refuse(format!(
            "profile `{}`: `{}` {}",
            one_line(name, 64),
            one_line(&broken.key, 64),
            broken.rule
        ))
    })
}

/// Gets a token for a profile.
pub(in crate::cli) async fn test(profile: &Profile) -> Result<Tested, Stop> {
    try_out(profile, engine::wire(profile)).await
}

async fn try_out(
    profile: &Profile,
    wire: Result<(HttpTransport, Tokens), TargetError>,
) -> Result<Tested, Stop> {
    let (_, tokens) = wire?;
    let token = tokens.get().await.map_err(|error| refused(profile, &error))?;
    let kinds = OperationKind::ALL.iter().filter(|kind| kind.platform() == profile.platform);
    let missing = |kind: &OperationKind| {
        let held = token.scopes.as_deref().unwrap_or_default();
        let is_missing = |needed: &&&str| token.scopes.is_some() && !held.iter().any(|one| one == **needed);
        kind.scopes().iter().filter(is_missing).map(|&scope| scope.to_owned()).collect()
    };
    Ok(Tested {
        left: tokens.left(),
        scopes: token.scopes.clone(),
        operations: kinds.map(|kind| (*kind, missing(kind))).collect(),
    })
}

fn refused(profile: &Profile, error: &TokenError) -> Stop {
    let exit = if matches!(error, TokenError::Secret(_)) { Exit::Refused } else { Exit::Faulted };
    Stop { exit, message: Some(format!("profile `{}` at {}: {error}", profile.name, profile.auth_url)) }
}

/// Writes a profile into the configuration, over the one of the name `was` where that is given, and puts its secret into
/// its place. How long that lasts there, where one was put anywhere.
pub(in crate::cli) async fn keep(
    path: &Path,
    was: Option<&str>,
    (name, settings): (&str, &ProfileSettings),
    secret: Option<Secret>,
) -> Result<Option<Lasting>, Stop> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let config = Config::load(path)?;
    let before = match was {
        Some(was) => Some(config.profiles.get(was).cloned().ok_or_else(|| config.unknown_profile(was))?),
        None => None,
    };
    if was != Some(name) && config.profiles.contains_key(name) {
        // before any secret is put over that of the other profile
        return Err(ConfigError::ProfileExists { name: name.to_owned() }.into());
    }
    let profile = resolve(name, settings, beside)?;
    let placed = Placed::put(before.as_ref(), &profile, secret).await?;
    let written = match was {
        Some(was) => change_profile(path, was, name, settings),
        None => add_profile(path, name, settings),
    };
    if let Err(error) = written {
        placed.take_back().await;
        return Err(error.into());
    }
    let lasting = placed.lasting;
    if let Some(before) = before {
        forget(&before, &profile, path).await;
    }
    Ok(lasting)
}

/// Takes a profile out of the configuration, and its secret out of the keyring, or out of the file that was made for
/// it. The trouble that there was with the secret, if any: the profile is gone all the same.
pub(in crate::cli) async fn remove(path: &Path, name: &str) -> Result<Option<SecretError>, Stop> {
    let home = Config::load(path)?.profiles.remove(name).map(|profile| profile.secret);
    crate::config::remove_profile(path, name)?;
    Ok(match home {
        Some(SecretSource::Keyring) => crate::config::delete_secret(name).await.err(),
        Some(SecretSource::File(file)) if file == default_file(path, name) => own_file(name, &file).err(),
        _ => None,
    })
}

/// How a secret's place is told to a person. A command's arguments may tell more than a list should.
pub(in crate::cli) fn home_in_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Keyring => "keyring".to_owned(),
        SecretSource::Env(name) => format!("variable {name}"),
        SecretSource::File(path) => format!("file {}", one_line(&path.to_string_lossy(), 512)),
        SecretSource::Command(words) => {
            format!("command {}", one_line(words.first().map_or("", String::as_str), 512))
        }
    }
}

/// What there is to say of a secret that does not last.
pub(in crate::cli) const NOT_FOR_GOOD: &str =
    "its secret is in the kernel's memory, and gone after the next start of this machine";

/// The profiles as the board shows them.
pub(super) async fn shown(desk: &Desk, said: Option<String>) -> Result<Profiles, Stop> {
    let house = desk.room.house.clone();
    let (config, all) = super::blocking(move || rows(&house)).await?;
    let file = Ok(());
    let keyring = probe_keyring().await.map(|_| ()).map_err(|error| one_line(&error.to_string(), 300));
    Ok(Profiles {
        all,
        default: config.default_profile,
        homes: vec![
            (Home::Keyring, keyring),
            (Home::File, file),
            (Home::Env, Ok(())),
            (Home::Command, Ok(())),
        ],
        regions: regions().collect(),
        said,
    })
}

fn rows(house: &House) -> Result<(Config, Vec<ProfileRow>), Stop> {
    let config = house.config()?;
    let written = written_profiles(&house.places.config_file)?;
    let runs = house.reader()?.map(|reader| reader.runs()).transpose()?.unwrap_or_default();
    let of_variables = of_variables(&config);
    let row = |profile: &Profile| {
        let region = written.get(&profile.name).and_then(|settings| settings.region.clone());
        let of_it = runs.iter().filter(|run| {
            run.profile == profile.name && run.platform == profile.platform && !run.state.is_over()
        });
        let unfinished = of_it.map(|run| run.id.prefix()).collect();
        ProfileRow {
            configured: config.profiles.contains_key(&profile.name),
            region,
            unfinished,
            ..row(profile)
        }
    };
    let all = config.profiles.values().chain(&of_variables).map(row).collect();
    Ok((config, all))
}

/// What the board shows of one profile.
pub(super) fn row_of(house: &House, profile: &Profile) -> Result<ProfileRow, Stop> {
    let (_, rows) = rows(house)?;
    let found = rows.into_iter().find(|row| row.name == profile.name && row.platform == profile.platform);
    Ok(found.unwrap_or_else(|| row(profile)))
}

fn row(profile: &Profile) -> ProfileRow {
    ProfileRow {
        name: profile.name.clone(),
        platform: profile.platform,
        host: profile.api_url.host_str().unwrap_or("?").to_owned(),
        region: None,
        api_url: profile.api_url.to_string(),
        auth_url: profile.auth_url.to_string(),
        client_id: profile.client_id.clone(),
        production: profile.production,
        read_only: profile.read_only,
        secret: profile.secret.clone(),
        configured: false,
        unfinished: Vec::new(),
    }
}

pub(super) async fn test_named(desk: &Desk, name: &str, platform: PlatformKind) -> Result<Tested, Stop> {
    test(&desk.room.house.config()?.profile(Some(name), platform)?).await
}

/// A secret that was typed and is not kept anywhere yet.
struct Typed(SecretString);

impl SecretProvider for Typed {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        async { Ok(self.0.clone()) }.boxed()
    }
}

pub(super) async fn test_draft(
    desk: &Desk,
    mut draft: ProfileDraft,
    was: Option<String>,
) -> Result<Tested, Stop> {
    let path = &desk.room.house.places.config_file;
    let typed = draft.secret.take();
    let settings = settings(path, draft, was.as_deref())?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let profile = resolve(&settings.0, &settings.1, beside)?;
    if let Some(typed) = typed {
        let typed = Typed(checked(typed)?.into_inner());
        return try_out(&profile, engine::wire_with(&profile, typed)).await;
    }
    if let Some(was) = was {
        // its secret goes along with a new name, and with a new place, once that is saved
        let before = named(&desk.room.house.config()?, &was, None)?;
        if before.secret == SecretSource::Keyring || profile.secret.read(&profile.name).await.is_err() {
            let secret = before.secret.read(&before.name).await?.into_inner();
            return try_out(&profile, engine::wire_with(&profile, Typed(secret))).await;
        }
    }
    test(&profile).await
}

pub(super) async fn save(
    desk: &Desk,
    mut draft: ProfileDraft,
    was: Option<String>,
) -> Result<Profiles, Stop> {
    let path = &desk.room.house.places.config_file;
    let secret = draft.secret.take().map(checked).transpose()?;
    let (name, settings) = settings(path, draft, was.as_deref())?;
    let lasting = keep(path, was.as_deref(), (&name, &settings), secret).await?;
    shown(desk, (lasting == Some(Lasting::UntilReboot)).then(|| NOT_FOR_GOOD.to_owned())).await
}

pub(super) async fn remove_shown(desk: &Desk, name: &str) -> Result<Profiles, Stop> {
    let trouble = remove(&desk.room.house.places.config_file, name).await?;
    shown(desk, trouble.map(|error| format!("its secret could not be removed: {error}"))).await
}

pub(super) async fn replace_secret(desk: &Desk, name: &str, secret: Secret) -> Result<Kept, Stop> {
    let profile = named(&desk.room.house.config()?, name, None)?;
    let placed = Placed::put(Some(&profile), &profile, Some(checked(secret)?)).await?;
    Ok(if placed.lasting == Some(Lasting::UntilReboot) { Kept::UntilReboot } else { Kept::ForGood })
}

fn checked(secret: Secret) -> Result<Secret, Stop> {
    // what a paste brings along at its ends is none of it
    let text = secret.expose().trim_matches(['\r', '\n']);
    match text.len() {
        0 => Err(Stop::refuse("the secret is empty")),
        length if length == secret.expose().len() => Ok(secret),
        _ => Ok(Secret::new(text.to_owned())),
    }
}

/// A draft as it would stand in the configuration, under its name. What a draft does not show is as it was.
fn settings(path: &Path, draft: ProfileDraft, was: Option<&str>) -> Result<(String, ProfileSettings), Stop> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let before = match was {
        Some(was) => written_profiles(path)?.remove(was),
        None => None,
    };
    let resolved = before.as_ref().and_then(|before| before.resolve(was.unwrap_or_default(), beside).ok());
    let before = before.filter(|before| before.platform == Some(draft.platform)).unwrap_or_default();
    let given =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let name = draft.name.trim().to_owned();
    let region = given(draft.region);
    let (mut api_url, mut auth_url) = match &region {
        Some(_) => (None, None),
        None => (given(draft.api_url), given(draft.auth_url)),
    };
    if let Some(resolved) = &resolved {
        // an address that means the same stays as it was written
        let same = |text: &Option<String>, url: &url::Url| {
            text.as_deref().and_then(|text| url::Url::parse(text).ok()).as_ref() == Some(url)
        };
        if same(&api_url, &resolved.api_url) && before.region.is_none() {
            if same(&auth_url, &resolved.auth_url) {
                auth_url.clone_from(&before.auth_url);
            }
            api_url.clone_from(&before.api_url);
        }
    }
    let home = match draft.home {
        SecretSource::File(file) if file.as_os_str().is_empty() => {
            SecretSource::File(default_file(path, &name))
        }
        home => home,
    };
    let as_before = resolved.is_some_and(|resolved| resolved.secret == home);
    let secret = if as_before { before.secret.clone() } else { Some(home) };
    let marked = |is: bool, before: Option<bool>| if is { Some(true) } else { before.map(|_| false) };
    let settings = ProfileSettings {
        platform: Some(draft.platform),
        region,
        api_url,
        auth_url,
        client_id: Some(draft.client_id.trim().to_owned()),
        production: Some(draft.production),
        read_only: marked(draft.read_only, before.read_only),
        secret,
        ..before
    };
    Ok((name, settings))
}
