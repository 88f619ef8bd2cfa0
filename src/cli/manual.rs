//! `completions` and `man`: both are made of what may be typed, so they can't fall behind it.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::CommandLine;
use super::exit::{Exit, Stop};
use crate::report::Outlet;

const NAME: &str = "trunkline";

pub(super) fn completions(shell: Shell) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), NAME, &mut script);
    print(&script)
}

/// The page of the program, and then one of each command.
pub(super) fn pages() -> Result<Exit, Stop> {
    let mut command = CommandLine::command();
    command.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
    {
        let page = inner.clone().display_name(format!("{NAME}-{}", inner.get_name()));
        clap_mangen::Man::new(page).render(&mut pages)?;
    }
    print(&pages)
}

fn print(text: &[u8]) -> Result<Exit, Stop> {
    let mut outlet = Outlet::stdout();
    outlet.write_all(text).map_err(crate::report::ReportError::from)?;
    outlet.finish()?;
    Ok(Exit::Done)
}
