//! `check`: everything but sending.

use std::io::Write;
use std::path::Path;

use super::House;
use super::args::CheckArgs;
use super::exit::{Exit, Stop};
use super::send::{choose_profile, or_interrupted, scan};
use crate::engine::{self, CheckReport, InvalidCause, Setup, StartError, Wins};
use crate::headless::Signals;
use crate::journal::Journal;
use crate::model::{OperationKind, UnknownWord};
use crate::plan::Plan;
use crate::report::{Outlet, ReportError, grouped, records_of, span};
use crate::text::one_line;

/// The most causes that are told.
const CAUSES: usize = 20;

pub(super) async fn check(house: &House, args: CheckArgs) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    let mut plan = plan(&args)?;
    let mut keys = args.chunks.pairs();
    keys.extend(args.ingest.pairs());
    keys.extend(args.execute.pairs());
    keys.extend(args.exchange.pairs());
    keys.extend(args.import.pairs());
    keys.extend(args.outcomes.pairs());
    keys.extend(args.delivery.pairs());
    keys.extend(args.any.pairs()?);
    plan.set_all(&keys)?;
    let config = house.config()?;
    let profile = choose_profile(&config, &mut plan, args.profile.as_deref())?;
    let to = format!("{} ({})", profile.name, profile.api_url.host_str().unwrap_or("?"));
    let scanned = scan(&plan, args.until_error, &mut signals).await?;
    let journal = Journal::open(&house.places.data_dir)?;
    let kind = plan.operation.kind();
    let (until_error, store) = (args.until_error, config.store);
    let setup = Setup { journal, plan, profile, until_error, store, wins: Wins::default() };
    let report = or_interrupted(engine::check(setup, scanned), &mut signals).await?.map_err(refused)?;
    let mut outlet = Outlet::stdout();
    write(&mut outlet, kind, &to, &report).map_err(ReportError::from)?;
    outlet.finish()?;
    Ok(if report.invalid > 0 { Exit::Failures } else { Exit::Done })
}

/// There is no run that could be faulted: whatever keeps a check from its end is for the person to mend.
fn refused(error: StartError) -> Stop {
    Stop { exit: Exit::Refused, ..error.into() }
}

/// A plan file, or an operation and its datasets.
fn plan(args: &CheckArgs) -> Result<Plan, Stop> {
    let kind: Result<OperationKind, UnknownWord> = args.what.parse();
    match kind {
        Ok(kind) if args.datasets.is_empty() => Err(Stop::refuse(format!(
            "`check {kind}` names no dataset\nhint: write `trunkline check {kind} FILE`"
        ))),
        Ok(kind) if args.datasets.len() > 1 && kind != OperationKind::Ingest => Err(Stop::refuse(format!(
            "`{kind}` takes one dataset, and {} are named\nhint: check them one after another",
            args.datasets.len()
        ))),
        Ok(kind) => {
            let mut plan = Plan::new(kind);
            plan.datasets.clone_from(&args.datasets);
            Ok(plan)
        }
        Err(unknown) if !args.datasets.is_empty() => Err(Stop::refuse(unknown.to_string())),
        Err(_) => Ok(Plan::load(Path::new(&args.what))?),
    }
}

fn write(out: &mut dyn Write, kind: OperationKind, to: &str, report: &CheckReport) -> std::io::Result<()> {
    writeln!(out, "{kind} to {}; nothing was sent", one_line(to, 300))?;
    writeln!(
        out,
        "  {:<8} {}, {} of them invalid",
        "records",
        grouped(report.records),
        grouped(report.invalid)
    )?;
    writeln!(out, "  {:<8} {}", kind.item_noun(), grouped(report.items))?;
    writeln!(out, "  {:<8} at least {}", "calls", grouped(report.calls))?;
    writeln!(out, "  {:<8} at most {} bytes", "bodies", grouped(report.largest_body))?;
    if let Some(time) = report.at_plans_rate {
        writeln!(out, "  {:<8} at least {} at the plan's rate", "time", span(time))?;
    }
    writeln!(out, "  {:<8} {} needed", "scopes", one_line(&report.needed.join(" "), 1000))?;
    match &report.scopes {
        Some(scopes) => writeln!(out, "  {:<8} {} held", "", one_line(&scopes.join(" "), 1000))?,
        None => writeln!(out, "  {:<8} the platform does not tell those held", "")?,
    }
    for cause in report.causes.iter().take(CAUSES) {
        write_cause(out, cause)?;
    }
    let more = report.causes.len().saturating_sub(CAUSES) as u64;
    if more > 0 {
        writeln!(out, "  and {}", records_of(more, "more cause", "more causes"))?;
    }
    Ok(())
}

/// What is wrong with some records, and one of them as the example.
fn write_cause(out: &mut dyn Write, cause: &InvalidCause) -> std::io::Result<()> {
    let InvalidCause { records, position, reason, .. } = cause;
    let code = reason.code.as_deref().map(|code| format!("{} ", one_line(code, 80))).unwrap_or_default();
    let message = one_line(&reason.message, 400);
    match records {
        1 => writeln!(out, "  record {position} is invalid: {code}{message}")?,
        _ => writeln!(
            out,
            "  {} are invalid alike, record {position} the first: {code}{message}",
            records_of(*records, "record", "records")
        )?,
    }
    for violation in reason.violations.iter().filter(|one| !reason.message.contains(&one.reason)) {
        let (place, reason) = (violation.place.to_string(), one_line(&violation.reason, 200));
        writeln!(out, "    {} {reason}", one_line(&place, 200))?;
    }
    Ok(())
}
