//! `profile`: how tenants are reached. A secret is never shown, and never an argument.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::House;
use super::args::{ProfileAddArgs, ProfileCommand};
use super::exit::{Exit, Stop};
use super::send::or_interrupted;
use crate::config::{
    Config, Lasting, Profile, ProfileSettings, Secret, SecretError, SecretSource, add_profile, delete_secret,
    remove_profile, store_secret,
};
use crate::engine;
use crate::headless::Signals;
use crate::model::{OperationKind, PlatformKind};
use crate::platform::{Token, TokenError, Tokens};
use crate::report::{Align, Column, Outlet, ReportError, Table};
use crate::text::one_line;

pub(super) async fn act(house: &House, command: ProfileCommand) -> Result<Exit, Stop> {
    match command {
        ProfileCommand::List => list(&house.config()?),
        ProfileCommand::Add(args) => add(house, *args).await,
        ProfileCommand::Test { name, platform } => test(house, &name, platform).await,
        ProfileCommand::Remove { name } => remove(house, &name).await,
    }
}

/// The profile that needs no configuration.
const ENV: &str = "env";

const COLUMNS: &[Column] = &[
    Column("profile", Align::Left),
    Column("platform", Align::Left),
    Column("api", Align::Left),
    Column("client", Align::Left),
    Column("secret", Align::Left),
    Column("marks", Align::Left),
];

fn list(config: &Config) -> Result<Exit, Stop> {
    let mut outlet = Outlet::stdout();
    if config.profiles.is_empty() {
        let hint = "there are no profiles yet; `trunkline profile add NAME` adds one";
        writeln!(outlet, "{hint}").map_err(ReportError::from)?;
    }
    // it is there as soon as its variables are
    let of_variables: Vec<Profile> = [PlatformKind::Genesys, PlatformKind::Cxone]
        .into_iter()
        .filter_map(|platform| config.profile(Some(ENV), platform).ok())
        .collect();
    if !config.profiles.is_empty() || !of_variables.is_empty() {
        let mut table = Table::begin(&mut outlet, COLUMNS);
        for profile in config.profiles.values().chain(&of_variables) {
            table.row(row(config, profile)).map_err(ReportError::from)?;
        }
        table.end().map_err(ReportError::from)?;
    }
    outlet.finish()?;
    Ok(Exit::Done)
}

fn row(config: &Config, profile: &Profile) -> Vec<String> {
    let is_default = config.default_profile.as_deref() == Some(&profile.name);
    let marks =
        [(is_default, "default"), (profile.production, "production"), (profile.read_only, "read-only")];
    let secret = match &profile.secret {
        SecretSource::Keyring => "keyring".to_owned(),
        SecretSource::Env(name) => format!("variable {name}"),
        SecretSource::File(path) => format!("file {}", one_line(&path.to_string_lossy(), 512)),
        // its arguments may tell more than a list should
        SecretSource::Command(words) => {
            format!("command {}", one_line(words.first().map_or("", String::as_str), 512))
        }
    };
    vec![
        profile.name.clone(),
        profile.platform.word().to_owned(),
        one_line(profile.api_url.as_str(), 512),
        one_line(&profile.client_id, 512),
        secret,
        marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", "),
    ]
}

async fn add(house: &House, args: ProfileAddArgs) -> Result<Exit, Stop> {
    let path = &house.places.config_file;
    let config = house.config()?;
    if config.profiles.contains_key(&args.name) {
        // before any secret is asked for, or put over that of the other profile
        let name = args.name;
        return Err(crate::config::ConfigError::ProfileExists { name }.into());
    }
    let form = Form { asks: io::stdin().is_terminal() && !args.secret_stdin };
    let settings = form.fill(&args)?;
    // nothing is asked for that could not be kept
    resolve(&args.name, &settings, Path::new(""))?;
    if let Some(home @ SecretSource::File(_)) = &settings.secret
        && let Err(error @ SecretError::FileOpen { .. }) = home.read(&args.name).await
    {
        // a file that is not there yet may come; one that others can read is a mistake already
        return Err(error.into());
    }
    let mut lasting = None;
    if settings.secret == Some(SecretSource::Keyring) {
        let secret = if args.secret_stdin { secret_from_stdin()? } else { form.secret(&args.name)? };
        lasting = Some(store_secret(&args.name, &secret).await?);
    }
    if let Err(error) = add_profile(path, &args.name, &settings) {
        if lasting.is_some() {
            // a secret without its profile is of use to nobody
            delete_secret(&args.name).await?;
        }
        return Err(error.into());
    }
    let name = one_line(&args.name, 64);
    let mut said = format!("profile `{name}` was added to `{}`\n", one_line(&path.to_string_lossy(), 512));
    if lasting == Some(Lasting::UntilReboot) {
        said.push_str(
            "its secret is in the kernel's memory, and gone after the next start of this machine\n",
        );
    }
    print(&format!("{said}`trunkline profile test {name}` tries it"))
}

fn say(line: &str) -> Result<(), Stop> {
    Ok(writeln!(io::stderr(), "{line}")?)
}

fn print(text: &str) -> Result<Exit, Stop> {
    let mut outlet = Outlet::stdout();
    writeln!(outlet, "{text}").map_err(ReportError::from)?;
    outlet.finish()?;
    Ok(Exit::Done)
}

/// What settings mean, or what is wrong with them.
pub(super) fn resolve(name: &str, settings: &ProfileSettings, beside: &Path) -> Result<Profile, Stop> {
    settings.resolve(name, beside).map_err(|broken| {
        Stop::refuse(format!(
            "profile `{}`: `{}` {}",
            one_line(name, 64),
            one_line(&broken.key, 64),
            broken.rule
        ))
    })
}

/// Asks for what the flags leave open, where somebody can answer. Nobody listens for Ctrl-C meanwhile: it ends the
/// program at once, and nothing is written yet.
struct Form {
    asks: bool,
}

impl Form {
    fn fill(&self, args: &ProfileAddArgs) -> Result<ProfileSettings, Stop> {
        let platform = match args.platform {
            Some(platform) => platform,
            None => self.required("platform (genesys or cxone)", "--platform")?.parse()?,
        };
        let mut region = args.region.clone();
        let mut api_url = args.api_url.clone();
        if region.is_none() && api_url.is_none() {
            match platform {
                PlatformKind::Genesys => {
                    region = Some(self.required("region, such as mypurecloud.ie", "--region")?);
                }
                PlatformKind::Cxone => api_url = Some(self.required("API's URL", "--api-url")?),
            }
        }
        let client_id = match &args.client_id {
            Some(id) => id.clone(),
            None => self.required("client id", "--client-id")?,
        };
        Ok(ProfileSettings {
            platform: Some(platform),
            region,
            api_url,
            auth_url: args.auth_url.clone(),
            client_id: Some(client_id),
            production: Some(self.production(args)?),
            secret: Some(self.home(args)?),
            ..ProfileSettings::default()
        })
    }

    fn ask(what: &str) -> Result<String, Stop> {
        let mut stderr = io::stderr();
        write!(stderr, "{what}: ").and_then(|()| stderr.flush())?;
        let mut given = String::new();
        if io::stdin().read_line(&mut given)? == 0 {
            return Err(Stop::interrupted());
        }
        Ok(given.trim().to_owned())
    }

    fn required(&self, what: &str, flag: &str) -> Result<String, Stop> {
        let given = if self.asks { Self::ask(what)? } else { String::new() };
        if given.is_empty() {
            return Err(Stop::refuse(format!("the {what} is missing\nhint: give it with `{flag}`")));
        }
        Ok(given)
    }

    fn production(&self, args: &ProfileAddArgs) -> Result<bool, Stop> {
        if args.production || !self.asks {
            return Ok(args.production);
        }
        loop {
            let given = Self::ask("is this production, with real data? [Y/n]")?;
            match given.to_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                // it may have been meant for the next question: it is not repeated
                _ => say("that is neither y nor n; the secret, if it is to be typed, is asked for later")?,
            }
        }
    }

    fn home(&self, args: &ProfileAddArgs) -> Result<SecretSource, Stop> {
        let flags = (&args.secret_env, &args.secret_file, &args.secret_command);
        Ok(match flags {
            (Some(name), ..) => SecretSource::Env(name.clone()),
            (_, Some(path), _) => SecretSource::File(std::path::absolute(path)?),
            (.., Some(words)) => SecretSource::Command(words.clone()),
            (None, None, None) if args.keyring => SecretSource::Keyring,
            (None, None, None) => match self
                .required(HOMES, "--keyring, --secret-env, --secret-file or --secret-command")?
                .as_str()
            {
                "keyring" => SecretSource::Keyring,
                "env" => SecretSource::Env(self.required("variable's name", "--secret-env")?),
                "file" => {
                    SecretSource::File(std::path::absolute(self.required("file's path", "--secret-file")?)?)
                }
                other => {
                    return Err(Stop::refuse(format!(
                        "`{}` is none of keyring, env and file",
                        one_line(other, 40)
                    )));
                }
            },
        })
    }

    fn secret(&self, name: &str) -> Result<Secret, Stop> {
        if !self.asks {
            return Err(Stop::refuse(
                "the secret is missing, and there is no terminal to ask at\n\
                 hint: pipe it in with --secret-stdin, or name another home with --secret-env, --secret-file or --secret-command",
            ));
        }
        let text =
            rpassword::prompt_password(format!("secret of `{}` (it is not shown): ", one_line(name, 64)))?;
        checked(text)
    }
}

const HOMES: &str = "home of the secret (keyring, env or file)";

/// The longest secret that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

fn secret_from_stdin() -> Result<Secret, Stop> {
    // large enough from the start, so that growing leaves no copy behind
    let mut text = String::with_capacity(usize::try_from(LONGEST).unwrap_or(0) + 64);
    io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    checked(text)
}

fn checked(text: String) -> Result<Secret, Stop> {
    if text.is_empty() { Err(Stop::refuse("the secret is empty")) } else { Ok(Secret::new(text)) }
}

async fn remove(house: &House, name: &str) -> Result<Exit, Stop> {
    let config = house.config()?;
    let in_keyring = config.profiles.get(name).is_some_and(|profile| profile.secret == SecretSource::Keyring);
    remove_profile(&house.places.config_file, name)?;
    let name = one_line(name, 64);
    if in_keyring && let Err(error) = delete_secret(&name).await {
        return print(&format!(
            "profile `{name}` was removed; its secret could not be taken out of the keyring: {error}"
        ));
    }
    print(&format!("profile `{name}` was removed"))
}

async fn test(house: &House, name: &str, platform: Option<PlatformKind>) -> Result<Exit, Stop> {
    let profile = named(&house.config()?, name, platform)?;
    let mut signals = Signals::listen()?;
    let (_, tokens) = engine::wire(&profile)?;
    let token = match or_interrupted(tokens.get(), &mut signals).await? {
        Ok(token) => token,
        Err(error) => return Err(refused(&profile, &error)),
    };
    print(&allowed(&profile, &token, &tokens))
}

/// A profile by its name alone. `env` is of the platform that was named, or else of the one that has its variables set.
fn named(config: &Config, name: &str, platform: Option<PlatformKind>) -> Result<Profile, Stop> {
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

fn refused(profile: &Profile, error: &TokenError) -> Stop {
    let exit = if matches!(error, TokenError::Secret(_)) { Exit::Refused } else { Exit::Faulted };
    Stop { exit, message: Some(format!("profile `{}` at {}: {error}", profile.name, profile.auth_url)) }
}

fn allowed(profile: &Profile, token: &Arc<Token>, tokens: &Tokens) -> String {
    let life = tokens.left().map(|left| format!(" for {}", crate::report::span(left))).unwrap_or_default();
    let mut lines = vec![format!("profile `{}` got a token{life} from {}", profile.name, profile.auth_url)];
    let Some(scopes) = &token.scopes else {
        let untold =
            "the platform does not tell its scopes: whether roles allow an operation shows at its first call";
        lines.push(untold.to_owned());
        return lines.join("\n");
    };
    lines.push(format!("scopes: {}", one_line(&scopes.join(" "), 2000)));
    for kind in OperationKind::ALL.iter().filter(|kind| kind.platform() == profile.platform) {
        let is_missing = |needed: &&&str| !scopes.iter().any(|scope| scope == **needed);
        let missing: Vec<_> = kind.scopes().iter().filter(is_missing).copied().collect();
        lines.push(if missing.is_empty() {
            format!("{kind}: allowed")
        } else {
            format!("{kind}: not allowed, `{}` is missing", missing.join("`, `"))
        });
    }
    lines.join("\n")
}
