//! `check`: everything but sending.

use std::io::Write;
use std::path::Path;

use super::House;
use super::args::CheckArgs;
use super::exit::{Exit, Stop};
use super::send::{choose_profile, or_interrupted, scan};
use crate::engine::{self, CheckReport, Setup};
use crate::headless::Signals;
use crate::journal::Journal;
use crate::model::{OperationKind, UnknownWord};
use crate::plan::Plan;
use crate::report::{Outlet, ReportError, grouped, records_of, span};
use crate::text::one_line;

pub(super) async fn check(house: &House, args: CheckArgs) -> Result<Exit, Stop> {
    let mut signals = Signals::listen()?;
    let mut plan = plan(&args)?;
    let mut keys = args.ingest.pairs();
    keys.extend(args.outcomes.pairs());
    keys.extend(args.delivery.pairs());
    keys.extend(args.any.pairs()?);
    plan.set_all(&keys)?;
    let profile = choose_profile(&house.config()?, &mut plan, args.profile.as_deref())?;
    let to = format!("{} ({})", profile.name, profile.api_url.host_str().unwrap_or("?"));
    let scanned = scan(&plan, args.until_error, &mut signals).await?;
    let journal = Journal::open(&house.places.data_dir)?;
    let kind = plan.operation.kind();
    let setup = Setup { journal, plan, profile, until_error: args.until_error };
    let report = or_interrupted(engine::check(setup, scanned), &mut signals).await??;
    let mut outlet = Outlet::stdout();
    write(&mut outlet, kind, &to, &report).map_err(ReportError::from)?;
    outlet.finish()?;
    Ok(if report.invalid > 0 { Exit::Failures } else { Exit::Done })
}

/// A plan file, or an operation and its datasets.
fn plan(args: &CheckArgs) -> Result<Plan, Stop> {
    let kind: Result<OperationKind, UnknownWord> = args.what.parse();
    match kind {
        Ok(kind) if args.datasets.is_empty() => Err(Stop::refuse(format!(
            "`check {kind}` names no dataset\nhint: write `trunkline check {kind} FILE`"
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
    for (position, reason) in &report.invalid_examples {
        let code = reason.code.as_deref().map(|code| format!("{} ", one_line(code, 80))).unwrap_or_default();
        writeln!(out, "  record {position} is invalid: {code}{}", one_line(&reason.message, 400))?;
        for violation in &reason.violations {
            writeln!(out, "    {} {}", one_line(&violation.pointer, 200), one_line(&violation.reason, 200))?;
        }
    }
    let more = report.invalid.saturating_sub(report.invalid_examples.len() as u64);
    if more > 0 && !report.invalid_examples.is_empty() {
        writeln!(out, "  and {} more", records_of(more, "record", "records"))?;
    }
    Ok(())
}
