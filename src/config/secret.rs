//! Secrets: what they are in memory, and the four homes that one can have.
//!
//! A secret never stands in the configuration itself, because that is copied, shared and kept under version control.
//! It is read when it is needed, so that one that was renewed is found without a restart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::document::{DocumentError, NO_SECRET_HERE, Node, Setting};
use super::edit::write_private;
use super::keyring;
use crate::text::one_line;

/// How long a command may take to tell a secret.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// The longest secret, in bytes; what is longer is something else.
const LONGEST: usize = 64 * 1024;

/// A secret. It shows itself as `…`, can be neither printed nor serialized, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret over and wipes where it was.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(SecretString::from(text.as_str()))
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// As the type that the wire's side takes.
    #[must_use]
    pub fn into_inner(self) -> SecretString {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where a profile's secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The desktop's or the kernel's key store: service `trunkline`, user the profile's name.
    Keyring,
    /// An environment variable.
    Env(String),
    /// A file that nobody else may read.
    File(PathBuf),
    /// A program and its arguments, run without a shell; it tells the secret on its standard output.
    Command(Vec<String>),
}

/// Why a secret could not be read or stored. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("{}: the environment variable `{variable}` is not set, or empty", whose(profile))]
    NoVariable {
        /// The profile.
        profile: String,
        /// The variable.
        variable: String,
    },
    /// The file can't be read.
    #[error("{}: reading `{}`: {source}", whose(profile), crate::text::path(path))]
    File {
        /// The profile.
        profile: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file can't be written.
    #[error("{}: writing `{}`: {source}", whose(profile), crate::text::path(path))]
    Write {
        /// The profile.
        profile: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error(
        "{1}: others may read or write `{0}`; take that from them with `chmod 600 {0}`",
        crate::text::path(path),
        whose(profile)
    )]
    FileOpen {
        /// The profile.
        profile: String,
        /// The file.
        path: PathBuf,
    },
    /// The program can't be run, or failed, or took too long.
    #[error("{}: the command `{program}` {problem}", whose(profile))]
    Command {
        /// The profile.
        profile: String,
        /// The program, without its arguments.
        program: String,
        /// What happened.
        problem: String,
    },
    /// What was read can't be a secret.
    #[error("{}: what {home} holds {problem}", whose(profile))]
    Unusable {
        /// The profile.
        profile: String,
        /// Where it was read.
        home: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The keyring works and has none.
    #[error("{}: the keyring holds none for it{more}; {OTHER_HOMES}", whose(profile))]
    NotInKeyring {
        /// The profile.
        profile: String,
        /// What did not work besides, or nothing.
        more: String,
    },
    /// No keyring can be asked here.
    #[error("no keyring can be used here: {}", one_line(reason, 300))]
    NoStore {
        /// Why.
        reason: String,
    },
    /// No keyring works here.
    #[error("{}: no keyring works here; {OTHER_HOMES}: {}", whose(profile), one_line(reason, 160))]
    NoKeyring {
        /// The profile.
        profile: String,
        /// Why.
        reason: String,
    },
}

/// Under this name the shared store's password stands in the keyring; no profile can be named so.
const STORE: &str = "[store]";

fn whose(owner: &str) -> String {
    match owner {
        STORE => "password of the shared store".to_owned(),
        profile => format!("secret of profile `{profile}`"),
    }
}

const OTHER_HOMES: &str = "put it elsewhere: `secret = { env = \"NAME\" }`, `{ file = \"PATH\" }` or \
                           `{ command = [\"PROGRAM\"] }` (`profile add`: --secret-env, --secret-file, \
                           --secret-command)";

impl SecretSource {
    /// Reads the secret of the profile named `profile`. A line end at its end is no part of it.
    ///
    /// # Errors
    ///
    /// Why it can't be read, and what can be done. A command gets 30 s; of its output only the first line on standard
    /// error is ever told.
    pub async fn read(&self, profile: &str) -> Result<Secret, SecretError> {
        match self {
            Self::Keyring => {
                let bytes = keyring::read_secret(profile).await?;
                secret_of(profile, "the keyring", &bytes)
            }
            Self::Env(variable) => match std::env::var_os(variable).filter(|value| !value.is_empty()) {
                Some(value) => {
                    let bytes = Zeroizing::new(value.into_encoded_bytes());
                    secret_of(profile, &format!("the environment variable `{variable}`"), &bytes)
                }
                None => {
                    Err(SecretError::NoVariable { profile: profile.to_owned(), variable: variable.clone() })
                }
            },
            Self::File(path) => read_file(profile, path),
            Self::Command(words) => read_command(profile, words, COMMAND_LIMIT).await,
        }
    }

    /// Reads the password of the shared store, which `[store]` names. In the keyring its user is `[store]`.
    ///
    /// # Errors
    ///
    /// As for a profile's secret.
    pub async fn read_store_password(&self) -> Result<Secret, SecretError> {
        self.read(STORE).await
    }

    /// The variable of the environment that it is in, where it is in one.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(variable) => Some(variable),
            Self::Keyring | Self::File(_) | Self::Command(_) => None,
        }
    }

    /// The same source, with a relative file, or a command's program that is named by a relative path, taken from
    /// `directory`: what lies in the folder in which somebody happens to work is anybody's. A program's bare name is looked
    /// for where the system looks for programs.
    pub(crate) fn beside(self, directory: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(directory.join(path)),
            Self::Command(mut words) => {
                if let Some(program) =
                    words.first_mut().filter(|word| Path::new(word).components().count() > 1)
                    && let Ok(path) = directory.join(&*program).into_os_string().into_string()
                {
                    *program = path;
                }
                Self::Command(words)
            }
            other => other,
        }
    }
}

/// Puts the secret of the profile named `profile` into a file that is its owner's only, over what is in it.
///
/// # Errors
///
/// Where the file can't be written; it is then as it was.
pub fn store_secret_file(profile: &str, path: &Path, secret: &Secret) -> Result<(), SecretError> {
    write_private(path, secret.expose().as_bytes()).map_err(|source| SecretError::Write {
        profile: profile.to_owned(),
        path: path.to_owned(),
        source,
    })
}

fn secret_of(profile: &str, home: &str, bytes: &[u8]) -> Result<Secret, SecretError> {
    let unusable =
        |problem| SecretError::Unusable { profile: profile.to_owned(), home: home.to_owned(), problem };
    if bytes.len() > LONGEST {
        return Err(unusable("is longer than 64 KiB, and so no secret"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| unusable("is not UTF-8 text"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(unusable("is empty")),
        text => Ok(Secret(SecretString::from(text))),
    }
}

/// Reads a small file at once: asking a pool of threads to do it would cost more than the reading.
fn read_file(profile: &str, path: &Path) -> Result<Secret, SecretError> {
    use std::io::Read;

    let failed = |source| SecretError::File { profile: profile.to_owned(), path: path.to_owned(), source };
    let file = crate::files::open(path).map_err(failed)?;
    if is_open_to_others(&file.metadata().map_err(failed)?) {
        return Err(SecretError::FileOpen { profile: profile.to_owned(), path: path.to_owned() });
    }
    // large enough from the start, so that growing leaves no copy behind
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 64));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    secret_of(profile, &format!("the file `{}`", crate::text::path(path)), &bytes)
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
const fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

async fn read_command(profile: &str, words: &[String], limit: Duration) -> Result<Secret, SecretError> {
    let (program, arguments) =
        words.split_first().map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let failed = |problem: String| SecretError::Command {
        profile: profile.to_owned(),
        program: one_line(program, 100),
        problem,
    };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("can't be run: {error}")))?;
    let output = child.stdout.take();
    let finished = async {
        let (output, status) = tokio::join!(read_at_most(output, LONGEST), child.wait());
        Ok::<_, std::io::Error>((output?, status?))
    };
    let (output, status) = tokio::time::timeout(limit, finished)
        .await
        .map_err(|_| failed(format!("took longer than {} s and was stopped", limit.as_secs())))?
        .map_err(|error| failed(format!("can't be read: {error}")))?;
    if !status.success() {
        // a shell that traces what it does writes the secret there
        return Err(failed(format!(
            "failed ({status}); what it wrote is not shown here, run it by itself to see that"
        )));
    }
    secret_of(profile, &format!("the output of the command `{}`", one_line(program, 100)), &output)
}

/// Reads to the end and keeps `most` bytes and one more, which tells that there were too many: a program that is not
/// read to its end would wait for ever.
async fn read_at_most(
    input: Option<impl AsyncRead + Unpin>,
    most: usize,
) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(most + 64));
    if let Some(mut input) = input {
        (&mut input).take(most as u64 + 1).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut input, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

impl Setting for SecretSource {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        if node.value().as_table().is_none() {
            return Err(node.error(&format!("is no table: {NO_SECRET_HERE}")));
        }
        let mut keyring: Option<bool> = None;
        let mut variable: Option<String> = None;
        let mut file: Option<String> = None;
        let mut command: Option<Vec<String>> = None;
        node.keys(|keys| {
            keys.key("keyring", &mut keyring)?;
            keys.key("env", &mut variable)?;
            keys.key("file", &mut file)?;
            keys.key("command", &mut command)
        })?;
        match (keyring, variable, file, command) {
            (Some(true), None, None, None) => Ok(Self::Keyring),
            (Some(false), None, None, None) => {
                Err(node.error("can't be `{ keyring = false }`: name another home"))
            }
            (None, Some(name), None, None) if is_variable_name(&name) => Ok(Self::Env(name)),
            (None, Some(_), None, None) => {
                Err(node
                    .error("must hold in `env` the name of an environment variable: letters, digits and `_`"))
            }
            (None, None, Some(path), None) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            (None, None, None, Some(words)) if words.first().is_some_and(|first| !first.is_empty()) => {
                Ok(Self::Command(words))
            }
            _ => Err(node.error(
                "must have exactly one of `keyring`, `env`, `file` and `command`, and not an empty one",
            )),
        }
    }

    fn write(&self) -> Option<toml::Value> {
        let (home, value) = match self {
            Self::Keyring => ("keyring", true.write()),
            Self::Env(name) => ("env", name.write()),
            Self::File(path) => ("file", path.to_str().map(str::to_owned).write()),
            Self::Command(words) => ("command", words.write()),
        };
        Some(toml::Value::Table(std::iter::once((home.to_owned(), value?)).collect()))
    }
}

fn is_variable_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(plain) && name.starts_with(|first: char| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests;
