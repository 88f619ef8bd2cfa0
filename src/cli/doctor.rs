//! `doctor`: what is wrong with this installation or with a run, told to a person or to a program.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::House;
use super::exit::{Exit, Stop};
use super::office;
use super::send::or_interrupted;
use crate::doctor::{self, Bundled, Calls, Finding, State, Subject, write_bundle};
use crate::headless::Signals;
use crate::journal::{Reader, RunRow};
use crate::report::{ListFormat, Outlet, ReportError};
use crate::text::{inert_json, one_line};

/// The most runs that a bundle tells of, where none is named.
const RUNS: usize = 20;

const EXITS: &str = "\
Exit codes:
  0    nothing is bad
  1    something is bad
  2    it could not be looked at";

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct DoctorArgs {
    /// The run to look at, too: an id, a unique beginning of one, or `last`
    pub run: Option<String>,
    /// `table` or `json`
    #[arg(long, default_value = "table")]
    pub format: ListFormat,
    /// Call nobody: no tenant, no shared store, and no command that tells a secret
    #[arg(long)]
    pub offline: bool,
    /// Write all of it into this file, which is not there yet, to be given to whoever helps; what is in it stands at its top
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

pub(super) async fn examine(house: &House, args: &DoctorArgs) -> Result<Exit, Stop> {
    // before anything is looked at for long
    let outlet = args.bundle.as_deref().map(Outlet::fresh).transpose()?;
    let run =
        args.run.as_deref().map(|run| house.reader_of(run)?.run(run).map_err(Stop::from)).transpose()?;
    let config = house.config().map_err(Stop::sentence);
    let of_variables = config.as_ref().map(office::of_variables).unwrap_or_default();
    let subject = Subject {
        places: &house.places,
        named_by: house.named_by(),
        log: &house.log,
        config: config.as_ref().map_err(String::as_str),
        of_variables: &of_variables,
        run: run.as_ref(),
        calls: if args.offline { Calls::None } else { Calls::Allowed },
    };
    let mut signals = Signals::listen()?;
    let findings = or_interrupted(doctor::examine(&subject), &mut signals).await?;
    match args.format {
        ListFormat::Json => {
            let mut out = Outlet::stdout();
            let json = serde_json::to_string_pretty(&findings).map_err(std::io::Error::from)?;
            writeln!(out, "{}", inert_json(&json)).map_err(ReportError::from)?;
            out.finish()?;
        }
        ListFormat::Table => tell(&findings)?,
    }
    if let (Some(mut outlet), Some(path)) = (outlet, &args.bundle) {
        let (reader, runs) = told_of(house, run.as_ref());
        let runs = reader.as_ref().map(|reader| (reader, runs.as_slice()));
        write_bundle(&mut outlet, &Bundled { subject: &subject, findings: &findings, runs })?;
        outlet.finish()?;
        let path = one_line(&path.to_string_lossy(), 512);
        // not among what a program reads
        let _ = writeln!(std::io::stderr(), "`{path}` is written; read it before you send it");
    }
    Ok(if doctor::is_bad(&findings) { Exit::Failures } else { Exit::Done })
}

/// The runs that a bundle tells of. A journal that cannot be read is among the findings.
fn told_of(house: &House, run: Option<&RunRow>) -> (Option<Reader>, Vec<RunRow>) {
    let reader = house.reader().ok().flatten();
    let runs = match (run, &reader) {
        (Some(run), _) => vec![run.clone()],
        (None, Some(reader)) => {
            reader.runs().map(|runs| runs.into_iter().take(RUNS).collect()).unwrap_or_default()
        }
        (None, None) => Vec::new(),
    };
    (reader, runs)
}

/// A line a finding, and below it what to do; areas apart.
fn tell(findings: &[Finding]) -> Result<(), Stop> {
    let mut out = Outlet::stdout();
    let mut write = |line: String| writeln!(out, "{line}").map_err(ReportError::from);
    let mut area = None;
    for finding in findings {
        if area.replace(finding.area) != Some(finding.area) {
            write(finding.area.to_string())?;
        }
        let (what, found) = (one_line(&finding.what, 120), one_line(&finding.found, 700));
        write(format!("  {:<11} {what}: {found}", sign(finding.state)))?;
        if let Some(advice) = &finding.advice {
            write(format!("  {:<11} → {}", "", one_line(advice, 500)))?;
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    write(format!(
        "{} ok, {} to look at, {} bad, {} not checked",
        count(State::Ok),
        count(State::Look),
        count(State::Bad),
        count(State::NotChecked)
    ))?;
    Ok(out.finish()?)
}

const fn sign(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Look => "look",
        State::Bad => "BAD",
        State::NotChecked => "not checked",
    }
}
