use std::path::Path;

use super::*;

const FILE: &str = "/etc/trunkline/config.toml";

fn read(text: &str) -> Result<Config, String> {
    Config::from_text(Path::new(FILE), text).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    let message = read(text).expect_err(text);
    message.strip_prefix(FILE).and_then(|rest| rest.strip_prefix(':')).expect(&message).to_owned()
}

const ACME: &str = "[profiles.acme]\nplatform = \"genesys\"\nclient_id = \"id\"\n";

fn acme(more: &str) -> Profile {
    read(&format!("{ACME}{more}")).unwrap().profiles["acme"].clone()
}

fn cxone(more: &str) -> String {
    format!("[profiles.sup]\nplatform = \"cxone\"\nclient_id = \"id\"\n{more}")
}

#[test]
fn a_missing_file_is_an_empty_configuration() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(Config::load(&directory.path().join("config.toml")).unwrap(), Config::default());
    let refused = Config::load(directory.path()).unwrap_err().to_string();
    assert!(refused.starts_with("reading `"), "{refused}");
}

#[test]
fn the_example_is_a_whole_configuration() {
    let text = include_str!("../../config.example.toml");
    let config = Config::from_text(Path::new("/c/config.toml"), text).unwrap();
    assert_eq!(config.default_profile.as_deref(), Some("acme"));
    let names: Vec<_> = config.profiles.keys().map(String::as_str).collect();
    assert_eq!(names, ["acme", "acme-gateway", "support", "support-key"]);
    assert!(config.profiles["acme"].production);
    let gateway = &config.profiles["acme-gateway"];
    assert_eq!(gateway.ca_file.as_deref(), Some(Path::new("/c/acme-ca.pem")));
    assert_eq!(gateway.auth, AuthMethod::ClientCredentials { client_auth: ClientAuth::Form });
    assert_eq!(config.profiles["support-key"].auth, AuthMethod::AccessKey);
    assert_eq!(config.profiles["support-key"].secret, SecretSource::File("/c/support.secret".into()));
    let url = "rediss://trunkline@redis.acme.example:6379/0".parse().unwrap();
    let password = Some(SecretSource::Env("REDIS_PASSWORD".into()));
    assert_eq!(config.store, StorePlace::Redis { url, password });
    assert_eq!(config.ui.name.as_deref(), Some("sam"));
    let keys: Vec<(&str, &[String])> =
        config.ui.keys.0.iter().map(|binding| (binding.action.as_str(), binding.keys.as_slice())).collect();
    let pause = ["p".to_owned(), "F5".to_owned()];
    assert!(keys.contains(&("pause", &pause)) && keys.contains(&("failures.send", &["F8".to_owned()])));
    crate::tui::check_keys(&config.ui).unwrap();

    let mut settings = Settings::default();
    let known = Keys::write(|keys| settings.keys(keys)).unwrap().known;
    let mut profile = ProfileSettings::default();
    let profile = Keys::write(|keys| profile.keys(keys)).unwrap().known;
    for key in known.iter().chain(&profile) {
        let key = key.rsplit('.').next().unwrap();
        assert!(
            ["profiles", "keys"].contains(&key) || text.contains(&format!("\n{key} = ")),
            "the example lacks `{key}`"
        );
    }
}

#[test]
fn a_genesys_profile_takes_its_addresses_from_its_region() {
    for region in ["region = \"mypurecloud.ie\"", "region = \"eu-west-1\"", "region = \"eu_west_1\""] {
        let profile = acme(region);
        assert_eq!(profile.api_url.as_str(), "https://api.mypurecloud.ie/");
        assert_eq!(profile.auth_url.as_str(), "https://login.mypurecloud.ie/");
    }
    assert_eq!(acme("").api_url.as_str(), "https://api.mypurecloud.com/");
    assert_eq!(
        acme("api_url = \"https://api.mypurecloud.jp\"").auth_url.as_str(),
        "https://login.mypurecloud.jp/"
    );
    assert_eq!(acme("api_url = \"http://127.0.0.1:9\"").auth_url.as_str(), "http://127.0.0.1:9/");
    let both = acme("api_url = \"https://gw.example\"\nauth_url = \"https://sso.example\"");
    assert_eq!(
        (both.api_url.as_str(), both.auth_url.as_str()),
        ("https://gw.example/", "https://sso.example/")
    );
}

#[test]
fn what_a_profile_leaves_out_is_the_careful_choice_of_its_platform() {
    let profile = acme("");
    assert_eq!(profile.secret, SecretSource::Keyring);
    assert_eq!(profile.auth, AuthMethod::ClientCredentials { client_auth: ClientAuth::Basic });
    assert_eq!((profile.production, profile.read_only, profile.scope), (false, false, None));
    let profile = read(&cxone("api_url = \"https://x.example\"")).unwrap().profiles["sup"].clone();
    assert_eq!(profile.auth, AuthMethod::ClientCredentials { client_auth: ClientAuth::Form });
    assert_eq!(profile.scope.as_deref(), Some("contact:read contact:update"));
    assert_eq!(profile.auth_url, profile.api_url);
}

#[test]
fn a_mistake_is_told_with_its_line_its_column_and_the_nearest_key() {
    assert_eq!(
        refused(&format!("{ACME}  regoin = \"x\"\n")),
        "4:3: unknown key `regoin` in [profiles.acme]; did you mean `region`?"
    );
    assert_eq!(
        refused("defualt_profile = \"x\""),
        "1:1: unknown key `defualt_profile`; did you mean `default_profile`?"
    );
    assert_eq!(
        refused("[ui]\ntheme = 3"),
        "2:9: `theme` in [ui] must be one of the strings auto, dark, light, mono, not a whole number"
    );
    assert_eq!(
        refused("[ui]\ntheme = \"drak\""),
        "2:9: `theme` in [ui] is `drak`, which is not a theme; there are auto, dark, light, mono; did you mean `dark`?"
    );
    assert_eq!(refused("[ui]\nbell = \"yes\""), "2:8: `bell` in [ui] must be true or false, not a string");
    assert_eq!(
        refused("[profiles]\nacme = 3"),
        "2:8: `acme` in [profiles] must be a table, not a whole number"
    );
    assert_eq!(refused("[colours]\nurl = \"x\""), "1:2: unknown key `colours`");
    assert!(refused("a = 1\na = 2").starts_with("2:1: "));
    // columns count characters
    assert!(refused("ui = { name = \"ééé\", x = 1 }").starts_with("1:22: unknown key `x` in [ui]"));
}

#[test]
fn each_rule_of_a_profile_is_told_at_its_key() {
    let genesys = |more: &str| refused(&format!("{ACME}{more}"));
    let key = "auth = \"access_key\"\napi_url = \"https://x\"\n";
    for (message, expected) in [
        (refused("[profiles.acme]\nclient_id = \"id\""), "1:1: `platform` in [profiles.acme] is missing"),
        (
            refused("[profiles.acme]\nplatform = \"genesys\""),
            "1:1: `client_id` in [profiles.acme] is missing",
        ),
        (
            refused("[profiles.acme]\nplatform = \"genesis\""),
            "2:12: `platform` in [profiles.acme] is `genesis`, which is not a platform; there are genesys, cxone; did you mean `genesys`?",
        ),
        (refused("[profiles.env]\nplatform = \"genesys\""), "1:1: `env` in [profiles] can't be"),
        (refused("[profiles.\"a b\"]\nplatform = \"genesys\""), "1:1: `a b` in [profiles] can't be"),
        (genesys("client_id = \"\""), "4:1: "),
        (
            genesys("region = \"eu-west-9\""),
            "4:10: `region` in [profiles.acme] is wrong: `eu-west-9` is no region",
        ),
        (
            genesys("region = \"eu-west-1\"\napi_url = \"https://x\""),
            "4:10: `region` in [profiles.acme] can't stand beside",
        ),
        (genesys("auth_url = \"https://x\""), "4:12: `auth_url` in [profiles.acme] needs"),
        (
            genesys("api_url = \"http://x.example\""),
            "4:11: `api_url` in [profiles.acme] must begin with `https://`",
        ),
        (genesys("auth = \"access_key\""), "4:8: `auth` in [profiles.acme] can't be"),
        (genesys("ca_file = \"\""), "4:11: `ca_file` in [profiles.acme] must name a file"),
        (genesys("scope = \"a  b\""), "4:9: `scope` in [profiles.acme] must be"),
        (refused(&cxone("")), "1:1: `api_url` in [profiles.sup] is missing"),
        (refused(&cxone("region = \"eu-west-1\"")), "4:10: `region` in [profiles.sup] is for Genesys"),
        (refused(&cxone(&format!("{key}scope = \"a\""))), "6:9: `scope` in [profiles.sup] means nothing"),
        (
            refused(&cxone(&format!("{key}client_auth = \"form\""))),
            "6:15: `client_auth` in [profiles.sup] means nothing",
        ),
        (
            refused("default_profile = \"acne\"\n[profiles.acme]\nplatform = \"genesys\"\nclient_id = \"i\""),
            "1:19: `default_profile` names no profile: `acne`; did you mean `acme`?",
        ),
        (refused("[ui]\nname = \"a\\u001b[31m\""), "2:8: `name` in [ui] must be one line"),
    ] {
        assert!(message.starts_with(expected), "{message}\n  should begin with\n{expected}");
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_repeated() {
    for more in [
        "secret = \"hunter2\"",
        "secret = { value = \"hunter2\" }",
        "secret = { env = \"hunter2!\" }",
        "secret = [\"hunter2\"]",
        "client_secret = \"hunter2\"",
        "password = \"hunter2\"",
        "access_token = \"hunter2\"",
        "api_url = \"https://sam:hunter2@x.example\"",
        "api_url = \"https://x.example/?key=hunter2\"",
        "api_url = \"hunter2\"",
        "secret = \"hunter2",
        "secret = hunter2",
        "secret = { env = \"A\", file = \"hunter2\" }",
    ] {
        let message = refused(&format!("{ACME}{more}\n"));
        assert!(message.starts_with("4:"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    for more in ["secret = \"hunter2\"", "client_secret = \"hunter2\"", "password = \"hunter2\""] {
        let message = refused(&format!("{ACME}{more}\n"));
        assert!(message.contains("a secret never stands in this file"), "{message}");
    }
}

#[test]
fn a_secret_has_exactly_one_home() {
    for (more, home) in [
        ("secret = { keyring = true }", SecretSource::Keyring),
        ("secret = { env = \"ACME_SECRET\" }", SecretSource::Env("ACME_SECRET".into())),
        ("secret = { file = \"s\" }", SecretSource::File("/etc/trunkline/s".into())),
        ("secret = { file = \"/run/s\" }", SecretSource::File("/run/s".into())),
        (
            "secret = { command = [\"pass\", \"show\"] }",
            SecretSource::Command(vec!["pass".into(), "show".into()]),
        ),
    ] {
        assert_eq!(acme(more).secret, home);
    }
    for more in [
        "{}",
        "{ keyring = false }",
        "{ env = \"\" }",
        "{ file = \"\" }",
        "{ command = [] }",
        "{ command = \"pass\" }",
    ] {
        refused(&format!("{ACME}secret = {more}"));
    }
}

#[test]
fn the_store_is_on_this_machine_unless_a_redis_is_named() {
    assert_eq!(read("").unwrap().store, StorePlace::Embedded);
    assert_eq!(read("[store]").unwrap().store, StorePlace::Embedded);
    for url in ["redis://127.0.0.1:6379/0", "redis://[::1]", "rediss://sam@redis.example/", "redis://r/15"] {
        let store = read(&format!("[store]\nurl = \"{url}\"")).unwrap().store;
        assert_eq!(store, StorePlace::Redis { url: url.parse().unwrap(), password: None });
    }
    let store = read("[store]\nurl = \"redis://r\"\npassword = { file = \"p\" }").unwrap().store;
    let password = Some(SecretSource::File("/etc/trunkline/p".into()));
    assert_eq!(store, StorePlace::Redis { url: "redis://r".parse().unwrap(), password });
}

#[test]
fn a_wrong_store_is_told_at_its_key_and_no_password_is_repeated() {
    for (more, expected) in [
        ("url = \"redis://:hunter2@r\"", "2:7: `url` in [store] must hold no password; say where it is"),
        ("url = \"redis://sam:hunter2@r/0\"", "2:7: `url` in [store] must hold no password"),
        ("url = \"https://hunter2\"", "2:7: `url` in [store] must begin with `redis://`, or `rediss://`"),
        ("url = \"hunter2\"", "2:7: `url` in [store] must be an address such as `redis://127.0.0.1:6379/0`"),
        ("url = \"redis:///0\"", "2:7: `url` in [store] must name a host"),
        ("url = \"redis://r/0?password=hunter2\"", "2:7: `url` in [store] must end before any `?` or `#`"),
        ("url = \"rediss://r/#insecure\"", "2:7: `url` in [store] must end before any `?` or `#`"),
        ("url = \"redis://r/hunter2\"", "2:7: `url` in [store] must end in nothing but a database's number"),
        ("url = 6379", "2:7: `url` in [store] must be a string, not a whole number"),
        ("password = { env = \"A\" }", "2:12: `password` in [store] needs a `url` beside it"),
        (
            "password = \"hunter2\"",
            "2:12: `password` in [store] is no table: a secret never stands in this file",
        ),
        ("token = \"hunter2\"", "2:1: `token` in [store]: a secret never stands in this file"),
        ("ulr = \"redis://r\"", "2:1: unknown key `ulr` in [store]; did you mean `url`?"),
    ] {
        let message = refused(&format!("[store]\n{more}"));
        assert!(message.starts_with(expected), "{message}\n  should begin with\n{expected}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_profile_is_found_by_name_or_default_and_its_platform_is_checked() {
    let text = format!(
        "default_profile = \"acme\"\n{ACME}[profiles.sup]\nplatform = \"cxone\"\nclient_id = \"i\"\napi_url = \"https://x\"\n"
    );
    let config = read(&text).unwrap();
    let no_variables = |_: &str| None;
    let find = |name: Option<&str>, platform| {
        config
            .profile_with(name, platform, &no_variables)
            .map(|profile| profile.name)
            .map_err(|error| error.to_string())
    };
    assert_eq!(find(None, PlatformKind::Genesys).unwrap(), "acme");
    assert_eq!(find(Some("sup"), PlatformKind::Cxone).unwrap(), "sup");
    assert_eq!(
        find(Some("acm"), PlatformKind::Genesys).unwrap_err(),
        "no profile is named `acm`; there are `acme`, `sup` and `env`; did you mean `acme`?"
    );
    assert!(
        find(None, PlatformKind::Cxone).unwrap_err().starts_with("profile `acme` is of platform `genesys`")
    );
    assert!(find(Some("env"), PlatformKind::Cxone).unwrap_err().contains("`CXONE_CLIENT_ID` is not set"));
    let nothing = Config::default().profile_with(None, PlatformKind::Genesys, &no_variables).unwrap_err();
    assert!(nothing.to_string().contains("trunkline profile add NAME"), "{nothing}");
}

#[test]
fn names_from_the_file_reach_no_terminal_as_they_are() {
    let message = refused("\"a\\u001b[2J\\u202e\" = 1");
    assert_eq!(message, "1:1: unknown key `a [2J\\u{202e}`");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z\\[\\]{}=\".\n _0-9é\\\\-]{0,200}") {
        drop(read(&text));
        drop(read(&format!("{ACME}{text}")));
    }
}

#[test]
fn keys_of_the_dashboard_know_where_they_stand() {
    let text = "[ui.keys]\npause = \"F5\"\nfailures.send = [\"F8\", \"x\"]\n\"run.cancel\" = \"F9\"\n";
    let config = read(text).unwrap();
    let mut places: Vec<&str> = config.ui.keys.0.iter().map(|binding| binding.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "/etc/trunkline/config.toml:2:9",
            "/etc/trunkline/config.toml:3:17",
            "/etc/trunkline/config.toml:4:16"
        ]
    );
    assert_eq!(
        refused("[ui.keys]\npause = 5"),
        "2:9: `pause` in [ui.keys] must be a key such as \"F5\", or a list of keys, not a whole number"
    );
    let many: Vec<String> = (0..1001).map(|number| format!("k{number:04} = \"F5\"\n")).collect();
    assert_eq!(
        refused(&format!("[ui.keys]\n{}", many.concat())),
        "1002:9: `k1000` in [ui.keys] is one too many: 1000 actions are the most"
    );
    assert_eq!(
        refused(&format!("[ui.keys]\npause = [{}]", "\"F5\",".repeat(51))),
        "2:9: `pause` in [ui.keys] has 51 keys, and 50 are the most"
    );
    let wrong = read("[ui.keys]\nzom = \"F5\"\n").unwrap();
    let why = crate::tui::check_keys(&wrong.ui).unwrap_err().to_string();
    assert_eq!(
        why,
        "/etc/trunkline/config.toml:2:7: unknown action `zom` in [ui.keys]; did you mean `zoom`?"
    );
}

#[cfg(unix)]
#[test]
fn a_configuration_that_everybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, ACME).unwrap();
    for (mode, is_refused) in [(0o600, false), (0o664, false), (0o666, true), (0o602, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = Config::load(&path).map(drop).map_err(|error| error.to_string());
        assert_eq!(said.is_err(), is_refused, "{mode:o}: {said:?}");
        assert!(said.err().is_none_or(|said| said.contains("chmod o-w")), "{mode:o}");
    }
}
