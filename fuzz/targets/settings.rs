//! What people write: plans, configurations, keys, scenarios, ids.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use trunkline::config::{
    self, Config, KeyBinding, KeyBindings, ProfileSettings, SecretSource, Ui, written_profiles,
};
use trunkline::dataset::Digest;
use trunkline::journal::{ActKind, View};
use trunkline::model::{OperationKind, PlatformKind, RunId, RunState, Stage};
use trunkline::plan::Plan;
use trunkline::report::TableFormat;
use trunkline::sandbox::Scenario;
use trunkline::tui::check_keys;

use super::{folder, hostile, journal, parts};

/// A plan, `%%`, lines of `key=value` that are set in it. What is read is written and read again as the same.
pub fn plan(input: &[u8]) {
    let (text, settings) = parts(input);
    let text = String::from_utf8_lossy(text);
    let mut plan = match Plan::from_toml(&text) {
        Ok(plan) => plan,
        Err(error) => {
            hostile::assert_inert("plan", &error.to_string());
            Plan::new(OperationKind::Outcomes)
        }
    };
    stays_the_same(&plan);
    for line in String::from_utf8_lossy(settings).lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let before = plan.clone();
        let set = [plan.set(key, value), plan.set_delivery(key, value)];
        if set.iter().all(Result::is_err) {
            assert_eq!(plan, before, "what is refused changes nothing");
        }
        set.iter()
            .filter_map(|set| set.as_ref().err())
            .for_each(|error| hostile::assert_inert("setting", &error.to_string()));
        stays_the_same(&plan);
    }
    let _rooted = plan.clone().rooted();
    let _missing = plan.missing();
}

fn stays_the_same(plan: &Plan) {
    plan.validate().expect("it was held to the rules");
    let written = plan.to_toml();
    let again = Plan::from_toml(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(*plan, again, "{written}");
}

fn practice() -> ProfileSettings {
    ProfileSettings {
        platform: Some(PlatformKind::Cxone),
        api_url: Some("https://api.example.com".to_owned()),
        client_id: Some("an-id".to_owned()),
        secret: Some(SecretSource::Env("SECRET".to_owned())),
        ..ProfileSettings::default()
    }
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

/// A configuration. A profile that is added, renamed and removed again leaves all others, and all comments, alone.
pub fn config(input: &[u8]) {
    let path = folder().join("config.toml");
    fs::write(&path, input).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let before = match Config::load(&path) {
        Ok(config) => config,
        Err(error) => {
            hostile::assert_inert("configuration", &error.to_string());
            refused_leaves_it(&path, input);
            return;
        }
    };
    if let Err(error) = check_keys(&before.ui) {
        hostile::assert_inert("keys", &error.to_string());
    }
    let written = written_profiles(&path).expect("what is read as a whole");
    let added = (0..=written.len())
        .map(|number| format!("added-{number}"))
        .find(|name| !written.contains_key(name))
        .unwrap();
    let renamed = format!("{added}-again");
    if written.contains_key(&renamed) {
        return;
    }
    match config::add_profile(&path, &added, &practice()) {
        Ok(()) => {}
        Err(error) => {
            hostile::assert_inert("not added", &error.to_string());
            assert_eq!(fs::read(&path).unwrap(), input, "it is as it was");
            return;
        }
    }
    assert_eq!(others(&path, &added), written);
    let text = String::from_utf8_lossy(input);
    assert_kept(&path, &text);
    config::change_profile(
        &path,
        &added,
        &renamed,
        &ProfileSettings { production: Some(true), ..practice() },
    )
    .unwrap();
    assert_eq!(others(&path, &renamed), written);
    assert_kept(&path, &text);
    config::remove_profile(&path, &renamed).unwrap();
    assert_eq!(Config::load(&path).unwrap(), before, "added and removed is as before");
    assert_kept(&path, &text);
}

fn others(path: &Path, but: &str) -> BTreeMap<String, ProfileSettings> {
    let mut profiles = written_profiles(path).unwrap();
    assert!(profiles.remove(but).is_some(), "it is there");
    profiles
}

fn assert_kept(path: &Path, text: &str) {
    let now = fs::read_to_string(path).unwrap();
    let mut left = comments(&now);
    for comment in comments(text) {
        let at = left.iter().position(|one| *one == comment);
        left.swap_remove(at.unwrap_or_else(|| panic!("`{comment}` is gone from\n{now}")));
    }
}

fn refused_leaves_it(path: &Path, input: &[u8]) {
    assert!(config::add_profile(path, "added", &practice()).is_err());
    assert_eq!(fs::read(path).unwrap(), input, "it is as it was");
}

/// Lines of `action=key key …`.
pub fn keymap(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let bindings = text.lines().filter_map(|line| line.split_once('=')).map(|(action, keys)| KeyBinding {
        action: action.to_owned(),
        keys: keys.split(' ').map(str::to_owned).collect(),
        place: "config.toml:1:1".to_owned(),
    });
    let ui = Ui { keys: KeyBindings(bindings.collect()), ..Ui::default() };
    if let Err(error) = check_keys(&ui) {
        hostile::assert_inert("keys", &error.to_string());
    }
}

/// A scenario of the sandbox.
pub fn scenario(input: &[u8]) {
    if let Err(error) = Scenario::parse("a", &String::from_utf8_lossy(input)) {
        hostile::assert_inert("scenario", &error.to_string());
    }
}

/// What people name runs, digests and words by. An id is itself again; a word that is none says which there are.
pub fn ids(input: &[u8]) {
    fn word<T: std::str::FromStr<Err: std::fmt::Display> + std::fmt::Display>(text: &str) {
        match text.parse::<T>() {
            Ok(word) => assert_eq!(word.to_string(), text),
            Err(error) => hostile::assert_inert("no word", &error.to_string()),
        }
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(id) = text.parse::<RunId>() {
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
        assert!(id.to_string().starts_with(&id.prefix()) && id.prefix().starts_with(&id.short()));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text.to_ascii_lowercase());
    }
    word::<OperationKind>(&text);
    word::<PlatformKind>(&text);
    word::<RunState>(&text);
    word::<Stage>(&text);
    word::<View>(&text);
    word::<ActKind>(&text);
    let _format = text
        .parse::<TableFormat>()
        .inspect_err(|error| hostile::assert_inert("no format", &error.to_string()));
    journal::with(|journal| match journal.reader.run(&text) {
        Ok(run) => {
            let means = text.to_ascii_lowercase();
            assert!(means == "last" || run.id.to_string().starts_with(&means), "`{text}` is not {}", run.id);
        }
        Err(error) => hostile::assert_inert("no run", &error.to_string()),
    });
}
