//! The program's own runs: the binary as it is delivered, defaults but for the limiter, the journal on.

use std::path::Path;
use std::process::Command;

use super::process::{Ended, run};

/// Runs the program in a folder of its own against the sink; the configuration may be empty.
pub fn program(url: &str, data: &Path, config: &str, words: &[&str]) -> Ended {
    std::fs::create_dir_all(data).unwrap();
    let file = data.join("config.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.env_clear().current_dir(data).args(words).args(["--profile", "env", "--headless", "--yes"]);
    for platform in ["GENESYS", "CXONE"] {
        command.env(format!("{platform}_BASE_URL"), url);
        command.env(format!("{platform}_CLIENT_ID"), "bench");
        command.env(format!("{platform}_CLIENT_SECRET"), "bench");
    }
    command.env("HOME", data).env("TRUNKLINE_CONFIG", &file).env("TRUNKLINE_DATA_DIR", data.join("data"));
    run(&mut command)
}
