//! Who sits in front of this process, for whatever is written down with a name.

/// The name of the user: what the environment calls them, else the number by which the system knows them. Never empty.
#[must_use]
pub fn name() -> String {
    let named = |variable| std::env::var(variable).ok().filter(|name| !name.trim().is_empty());
    let name = named("USER").or_else(|| named("LOGNAME"));
    name.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
