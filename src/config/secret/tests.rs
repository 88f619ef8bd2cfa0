use super::*;

fn command(script: &str) -> SecretSource {
    SecretSource::Command(vec!["sh".into(), "-c".into(), script.into()])
}

async fn read(source: &SecretSource) -> Result<String, String> {
    let secret = source.read("acme").await.map_err(|error| error.to_string())?;
    Ok(secret.expose().to_owned())
}

#[test]
fn a_secret_shows_itself_as_nothing() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "… Some(…)");
    assert_eq!(secret.into_inner().expose_secret(), "hunter2");
}

#[tokio::test]
async fn a_command_tells_the_secret_on_its_output() {
    assert_eq!(read(&command("printf 'hun\\tter2 \\r\\n'")).await.unwrap(), "hun\tter2 ");
    // no shell stands between
    let echo = SecretSource::Command(vec!["printf".into(), "%s".into(), "$HOME;*".into()]);
    assert_eq!(read(&echo).await.unwrap(), "$HOME;*");
}

#[tokio::test]
async fn a_command_named_by_a_relative_path_is_the_one_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let tell = folder.path().join("bin").join("tell");
    std::fs::create_dir(tell.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/bin/echo", &tell).unwrap();
    for program in ["./bin/tell", "bin/tell", tell.to_str().unwrap()] {
        let source = SecretSource::Command(vec![program.into(), "hunter2".into()]);
        assert_eq!(read(&source.beside(folder.path())).await.unwrap(), "hunter2", "{program}");
    }
    // a bare name is one of the system's, whatever lies there
    std::fs::write(folder.path().join("printf"), "no program").unwrap();
    let bare = SecretSource::Command(vec!["printf".into(), "hunter2".into()]).beside(folder.path());
    assert_eq!(read(&bare).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn of_a_command_that_fails_nothing_is_told_that_it_wrote() {
    let failed = read(&command("set -x; echo hunter2; echo second >&2; exit 3")).await.unwrap_err();
    assert!(
        failed
            .starts_with("secret of profile `acme`: the command `sh` failed (exit status: 3); what it wrote"),
        "{failed}"
    );
    for hidden in ["hunter2", "second", "echo"] {
        assert!(!failed.contains(hidden), "{failed}");
    }
    let missing = SecretSource::Command(vec!["/no/such/program".into()]);
    assert!(read(&missing).await.unwrap_err().contains("can't be run"));
}

#[tokio::test]
async fn a_command_that_hangs_is_stopped() {
    let words = ["sh", "-c", "echo hunter2; exec sleep 600"].map(str::to_owned);
    let began = std::time::Instant::now();
    let stopped = read_command("acme", &words, Duration::from_millis(200)).await.unwrap_err().to_string();
    assert!(stopped.contains("and was stopped"), "{stopped}");
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn output_that_can_be_no_secret_is_refused() {
    for (script, problem) in [
        ("true", "is empty"),
        ("echo", "is empty"),
        ("printf '\\377'", "is not UTF-8 text"),
        ("head -c 200000 /dev/zero", "is longer than 64 KiB"),
    ] {
        let refused = read(&command(script)).await.unwrap_err();
        assert!(refused.contains(problem), "{refused}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_may_read_is_refused() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let source = SecretSource::File(path.clone());
    assert!(read(&source).await.unwrap_err().contains("reading `"));

    fs::write(&path, "hunter2\n").unwrap();
    for open in [0o640, 0o604, 0o644, 0o620, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let refused = read(&source).await.unwrap_err();
        assert!(refused.contains(&format!("`chmod 600 {}`", path.display())), "{open:o}: {refused}");
        assert!(!refused.contains("hunter2"));
    }
    for closed in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(closed)).unwrap();
        assert_eq!(read(&source).await.unwrap(), "hunter2");
    }
    let directory = SecretSource::File(directory.path().to_owned());
    assert!(read(&directory).await.unwrap_err().contains("it is no regular file but a folder"));
}

#[tokio::test]
async fn a_variable_is_read_and_a_missing_one_is_named() {
    // cargo sets it for every test
    let name = std::env::var("CARGO_PKG_NAME").unwrap();
    assert_eq!(read(&SecretSource::Env("CARGO_PKG_NAME".into())).await.unwrap(), name);
    let missing = read(&SecretSource::Env("TRUNKLINE_NO_SUCH_VARIABLE".into())).await.unwrap_err();
    assert_eq!(
        missing,
        "secret of profile `acme`: the environment variable `TRUNKLINE_NO_SUCH_VARIABLE` is not set, or empty"
    );
}

#[tokio::test]
async fn the_stores_password_is_told_apart_from_a_profiles_secret() {
    let missing =
        SecretSource::Env("TRUNKLINE_NO_SUCH_VARIABLE".into()).read_store_password().await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "password of the shared store: the environment variable `TRUNKLINE_NO_SUCH_VARIABLE` is not set, or empty"
    );
    assert!(crate::config::profile::validate_name(STORE).is_err(), "no profile may be named so");
}
