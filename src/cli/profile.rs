//! `profile`: how tenants are reached. A secret is never shown, and never an argument.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use super::args::{ProfileAddArgs, ProfileCommand};
use super::exit::{Exit, Stop};
use super::send::or_interrupted;
use super::{House, office, question};
use crate::config::{Config, ConfigError, Lasting, Profile, ProfileSettings, Region, Secret, SecretSource};
use crate::headless::Signals;
use crate::model::PlatformKind;
use crate::report::{Align, Column, Outlet, ReportError, Table};
use crate::text::{lines, one_line};
use crate::tui::Tested;

pub(super) async fn act(house: &House, command: ProfileCommand) -> Result<Exit, Stop> {
    match command {
        ProfileCommand::List => list(&house.config()?),
        ProfileCommand::Add(args) => add(house, *args).await,
        ProfileCommand::Test { name, platform } => test(house, &name, platform).await,
        ProfileCommand::Remove { name } => remove(house, &name).await,
    }
}

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
    let of_variables = office::of_variables(config);
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
    vec![
        profile.name.clone(),
        profile.platform.word().to_owned(),
        one_line(profile.api_url.as_str(), 512),
        one_line(&profile.client_id, 512),
        office::home_in_words(&profile.secret),
        marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", "),
    ]
}

async fn add(house: &House, args: ProfileAddArgs) -> Result<Exit, Stop> {
    let path = &house.places.config_file;
    let config = house.config()?;
    if config.profiles.contains_key(&args.name) {
        // before any secret is asked for, or put over that of the other profile
        let name = args.name;
        return Err(ConfigError::ProfileExists { name }.into());
    }
    let form = Form { asks: io::stdin().is_terminal() && !args.secret_stdin };
    let settings = form.fill(&args)?;
    // nothing is asked for that could not be kept
    office::resolve(&args.name, &settings, Path::new(""))?;
    let secret = match settings.secret {
        Some(SecretSource::Keyring) if args.secret_stdin => Some(secret_from_stdin()?),
        Some(SecretSource::Keyring) => Some(form.secret(&args.name).await?),
        _ => None,
    };
    let lasting = office::keep(path, None, (&args.name, &settings), secret).await?;
    let name = one_line(&args.name, 64);
    let mut said = format!("profile `{name}` was added to `{}`\n", one_line(&path.to_string_lossy(), 512));
    if lasting == Some(Lasting::UntilReboot) {
        said.push_str(office::NOT_FOR_GOOD);
        said.push('\n');
    }
    print(&format!("{said}`trunkline profile test {name}` tries it"))
}

fn say(line: &str) -> Result<(), Stop> {
    Ok(writeln!(io::stderr(), "{line}")?)
}

fn print(text: &str) -> Result<Exit, Stop> {
    let mut outlet = Outlet::stdout();
    writeln!(outlet, "{}", lines(text)).map_err(ReportError::from)?;
    outlet.finish()?;
    Ok(Exit::Done)
}

/// Asks for what the flags leave open, where somebody can answer. Nobody listens for Ctrl-C meanwhile, but where a secret is
/// typed: it ends the program at once, and nothing is written yet.
struct Form {
    asks: bool,
}

impl Form {
    fn fill(&self, args: &ProfileAddArgs) -> Result<ProfileSettings, Stop> {
        let platform = if let Some(platform) = args.platform {
            platform
        } else {
            let typed = self.required("platform (genesys or cxone)", "--platform")?;
            typed.parse().map_err(|_| mistaken("neither genesys nor cxone"))?
        };
        let mut region = args.region.clone();
        let mut api_url = args.api_url.clone();
        if region.is_none() && api_url.is_none() {
            match platform {
                PlatformKind::Genesys => {
                    let typed = self.required("region, such as mypurecloud.ie", "--region")?;
                    Region::find(&typed).map_err(|_| mistaken("no region: that is a domain such as `mypurecloud.ie`, or a name such as `eu-west-1`"))?;
                    region = Some(typed);
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
            (.., Some(words)) => SecretSource::Command(words.clone()).beside(&std::env::current_dir()?),
            (None, None, None) if args.keyring => SecretSource::Keyring,
            (None, None, None) => match self
                .required(HOMES, "--keyring, --secret-env, --secret-file or --secret-command")?
                .as_str()
            {
                "keyring" => SecretSource::Keyring,
                "env" => {
                    let name = self.required("variable's name", "--secret-env")?;
                    if std::env::var_os(&name).is_none() {
                        return Err(mistaken("no variable that is set here"));
                    }
                    SecretSource::Env(name)
                }
                "file" => {
                    let path = std::path::absolute(self.required("file's path", "--secret-file")?)?;
                    if !path.exists() {
                        return Err(mistaken("no file that is there"));
                    }
                    SecretSource::File(path)
                }
                _ => return Err(mistaken("none of keyring, env and file")),
            },
        })
    }

    async fn secret(&self, name: &str) -> Result<Secret, Stop> {
        if !self.asks {
            return Err(Stop::refuse(
                "the secret is missing, and there is no terminal to ask at\n\
                 hint: pipe it in with --secret-stdin, or name another home with --secret-env, --secret-file or --secret-command",
            ));
        }
        let prompt = format!("secret of `{}` (it is not shown): ", one_line(name, 64));
        checked(question::secret(prompt, &mut Signals::listen()?).await?)
    }
}

/// What was typed is not repeated, nor kept: it may have been the secret, a question too early.
fn mistaken(what: &str) -> Stop {
    Stop::refuse(format!(
        "what was typed is {what}\nhint: the secret is asked for last, when its home is `keyring`, and is not shown then"
    ))
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
    let trouble = office::remove(&house.places.config_file, name).await?;
    let name = one_line(name, 64);
    print(&match trouble {
        Some(error) => format!("profile `{name}` was removed; its secret could not be: {error}"),
        None => format!("profile `{name}` was removed"),
    })
}

async fn test(house: &House, name: &str, platform: Option<PlatformKind>) -> Result<Exit, Stop> {
    let profile = office::named(&house.config()?, name, platform)?;
    let mut signals = Signals::listen()?;
    let tested = or_interrupted(office::test(&profile), &mut signals).await??;
    print(&allowed(&profile, &tested))
}

fn allowed(profile: &Profile, tested: &Tested) -> String {
    let life = tested.left.map(|left| format!(" for {}", crate::report::span(left))).unwrap_or_default();
    let mut lines = vec![format!("profile `{}` got a token{life} from {}", profile.name, profile.auth_url)];
    let Some(scopes) = &tested.scopes else {
        let untold =
            "the platform does not tell its scopes: whether roles allow an operation shows at its first call";
        lines.push(untold.to_owned());
        return lines.join("\n");
    };
    lines.push(format!("scopes: {}", one_line(&scopes.join(" "), 2000)));
    lines.extend(tested.operations.iter().map(|(kind, missing)| {
        if missing.is_empty() {
            format!("{kind}: allowed")
        } else {
            format!("{kind}: not allowed, `{}` is missing", missing.join("`, `"))
        }
    }));
    lines.join("\n")
}
