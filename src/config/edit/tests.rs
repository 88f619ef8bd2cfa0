use std::path::PathBuf;

use super::*;
use crate::config::SecretSource;
use crate::model::PlatformKind;

fn settings() -> ProfileSettings {
    ProfileSettings {
        platform: Some(PlatformKind::Genesys),
        region: Some("eu-west-1".into()),
        client_id: Some("an \"id\"".replace(' ', "-")),
        production: Some(true),
        secret: Some(SecretSource::Command(vec!["pass".into(), "show".into()])),
        ..ProfileSettings::default()
    }
}

fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, text).unwrap();
    (directory, path)
}

const WRITTEN: &str = r#"# The configuration of Sam.

# where calls go by themselves
default_profile = "acme"   # careful

# The tenants.

# about acme
[profiles.acme]
platform = "genesys"
client_id = "i"  # from the vendor

# about beta
[profiles.beta]
client_id = "i"
platform = "genesys"

# How it looks.
[ui]
bell = false

# the end
"#;

#[test]
fn no_configuration_is_made_where_it_would_not_be_obeyed() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = directory.path().join("config.toml");
    let said = add_profile(&path, "acme", &settings()).unwrap_err().to_string();
    assert!(said.contains("chmod o-w") && !path.exists(), "{said}");
}

#[test]
fn the_first_profile_makes_the_file_and_it_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/config.toml");
    add_profile(&path, "acme", &settings()).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "[profiles.acme]\nplatform = \"genesys\"\nregion = \"eu-west-1\"\nclient_id = 'an-\"id\"'\nproduction = true\nsecret = { command = [\"pass\", \"show\"] }\n"
    );
    let profile = Config::load(&path).unwrap().profiles["acme"].clone();
    assert_eq!(profile, settings().resolve("acme", Path::new("")).unwrap());
}

#[cfg(unix)]
#[test]
fn what_is_made_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/config.toml");
    add_profile(&path, "acme", &settings()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!((mode(&directory.path().join("a")), mode(&directory.path().join("a/b"))), (0o700, 0o700));
    let left: Vec<_> = fs::read_dir(directory.path().join("a/b")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing but the file is left: {left:?}");

    // a configuration kept elsewhere stays a link
    let link = directory.path().join("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    add_profile(&link, "beta", &settings()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Config::load(&path).unwrap().profiles.len(), 2);
}

#[test]
fn adding_changes_nothing_that_stands_there() {
    let (_directory, path) = file_with(WRITTEN);
    add_profile(&path, "gamma", &settings()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find("\n[profiles.gamma]").unwrap();
    let end = start + text[start..].find("secret = { command = [\"pass\", \"show\"] }\n").unwrap();
    let rest = text[end..].split_once('\n').unwrap().1;
    assert_eq!(format!("{}{rest}", &text[..start]), WRITTEN);
    assert_eq!(Config::load(&path).unwrap().profiles.len(), 3);
}

#[test]
fn a_profile_is_added_to_any_form_of_table() {
    for text in [
        "profiles = { a = { platform = \"genesys\", client_id = \"i\" } }\n",
        "profiles.a.platform = \"genesys\"\nprofiles.a.client_id = \"i\"\n",
        "[profiles]\na = { platform = \"genesys\", client_id = \"i\" }\n",
        "[profiles.a]\nplatform = \"genesys\"\nclient_id = \"i\"\n[profiles.a.secret]\nkeyring = true",
    ] {
        let (_directory, path) = file_with(text);
        add_profile(&path, "b", &settings()).unwrap();
        assert_eq!(Config::load(&path).unwrap().profiles.len(), 2, "{text}");
        remove_profile(&path, "a").unwrap();
        let left: Vec<_> = Config::load(&path).unwrap().profiles.into_keys().collect();
        assert_eq!(left, ["b"], "{text}");
    }
}

#[test]
fn removing_takes_the_profile_and_its_own_comment_only() {
    let (_directory, path) = file_with(WRITTEN);
    remove_profile(&path, "beta").unwrap();
    let beta = "# about beta\n[profiles.beta]\nclient_id = \"i\"\nplatform = \"genesys\"\n\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), WRITTEN.replace(beta, ""));

    remove_profile(&path, "acme").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for kept in
        ["# The configuration of Sam.\n", "# The tenants.\n", "# How it looks.\n[ui]\n", "# the end\n"]
    {
        assert!(text.contains(kept), "{text}");
    }
    assert!(!text.contains("acme"), "{text}");
    assert!(text.find("Sam") < text.find("tenants") && text.find("tenants") < text.find("looks"), "{text}");
    assert_eq!(Config::load(&path).unwrap().default_profile, None);
}

#[test]
fn what_is_refused_leaves_the_file_as_it_was() {
    let (_directory, path) = file_with(WRITTEN);
    let nowhere = ProfileSettings { region: Some("eu-west-9".into()), ..settings() };
    for refused in [
        add_profile(&path, "acme", &settings()),
        add_profile(&path, "env", &settings()),
        add_profile(&path, "a b", &settings()),
        add_profile(&path, "new", &nowhere),
        remove_profile(&path, "acne"),
    ] {
        let message = refused.unwrap_err().to_string();
        assert!(!message.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), WRITTEN);
    }
    let broken = format!("{WRITTEN}[ui]\n");
    fs::write(&path, &broken).unwrap();
    add_profile(&path, "new", &settings()).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), broken);
}

#[test]
fn a_changed_profile_keeps_what_is_the_same_as_it_was_written() {
    let (_directory, path) = file_with(WRITTEN);
    let mut changed = crate::config::written_profiles(&path).unwrap().remove("acme").unwrap();
    changed.production = Some(true);
    change_profile(&path, "acme", "acme", &changed).unwrap();
    let wanted = WRITTEN.replacen("# from the vendor\n", "# from the vendor\nproduction = true\n", 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);

    (changed.production, changed.client_id) = (None, Some("j".to_owned()));
    change_profile(&path, "acme", "acme", &changed).unwrap();
    let wanted = WRITTEN.replacen("client_id = \"i\"  # from", "client_id = \"j\"  # from", 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
}

#[test]
fn a_renamed_profile_stays_where_it_is_and_stays_the_default() {
    let (_directory, path) = file_with(WRITTEN);
    let same = crate::config::written_profiles(&path).unwrap().remove("acme").unwrap();
    change_profile(&path, "acme", "gamma", &same).unwrap();
    let wanted = WRITTEN
        .replace("default_profile = \"acme\"", "default_profile = \"gamma\"")
        .replace("[profiles.acme]", "[profiles.gamma]");
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);

    let taken = change_profile(&path, "gamma", "beta", &same).unwrap_err();
    assert!(matches!(taken, ConfigError::ProfileExists { .. }));
    let unknown = change_profile(&path, "acme", "acme", &same).unwrap_err();
    assert!(matches!(unknown, ConfigError::UnknownProfile { .. }));
    let wrong = ProfileSettings { region: Some("nowhere".into()), ..same };
    assert!(matches!(change_profile(&path, "gamma", "gamma", &wrong), Err(ConfigError::NewProfile { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted, "it is as it was");
}

#[test]
fn profiles_written_in_one_line_can_be_changed_and_renamed_too() {
    let (_directory, path) = file_with(
        "profiles = { acme = { platform = \"genesys\", client_id = \"i\" }, beta = { platform = \"genesys\", client_id = \"i\" } }\n",
    );
    let mut changed = crate::config::written_profiles(&path).unwrap().remove("acme").unwrap();
    changed.read_only = Some(true);
    change_profile(&path, "acme", "gamma", &changed).unwrap();
    let config = Config::load(&path).unwrap();
    assert!(config.profiles["gamma"].read_only && config.profiles.len() == 2);
}
