//! The program's own runs: the binary as it is delivered, defaults but for the limiter, the journal on.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;

use super::process::{Ended, run};
use super::terminal::Terminal;

const BINARY: &str = env!("CARGO_BIN_EXE_trunkline");

/// Runs the program without a board, in a folder of its own, against the sink; the configuration may be empty.
pub fn program(url: &str, folder: &Path, config: &str, words: &[&str]) -> Ended {
    run(&mut command(url, folder, config, words))
}

/// The same in a session of its own, as a board has one in its terminal: Linux gives each session its share of the processors.
pub fn apart(url: &str, folder: &Path, words: &[&str]) -> Ended {
    let ours = command(url, folder, "", words);
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(ours.get_program()).args(ours.get_args()).env_clear().current_dir(folder);
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut command)
}

/// What runs it so.
pub fn command(url: &str, folder: &Path, config: &str, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().current_dir(folder).args(words).args(["--profile", "env", "--headless", "--yes"]);
    command.envs(environment(url, folder, config));
    command
}

/// Starts it with its board.
pub fn board(url: &str, folder: &Path, words: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(BINARY);
    command.env_clear();
    command.cwd(folder);
    command.args(words);
    for (name, value) in environment(url, folder, "") {
        command.env(name, value);
    }
    command.env("LANG", "C.UTF-8");
    command.env("TERM", "xterm-256color");
    Terminal::start(command)
}

/// Runs it with nothing but words.
pub fn alone(words: &[&str]) -> Ended {
    run(Command::new(BINARY).env_clear().args(words))
}

/// Where it finds its folders and the sink.
fn environment(url: &str, folder: &Path, config: &str) -> Vec<(OsString, OsString)> {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join("config.toml");
    std::fs::write(&file, config).unwrap();
    let mut all: Vec<(OsString, OsString)> = vec![
        ("HOME".into(), folder.into()),
        ("TRUNKLINE_CONFIG".into(), file.into()),
        ("TRUNKLINE_DATA_DIR".into(), folder.join("data").into()),
    ];
    for platform in ["GENESYS", "CXONE"] {
        for (what, value) in [("BASE_URL", url), ("CLIENT_ID", "bench"), ("CLIENT_SECRET", "bench")] {
            all.push((format!("{platform}_{what}").into(), value.into()));
        }
    }
    all
}
