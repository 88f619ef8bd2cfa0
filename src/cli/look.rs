//! `runs`, `show`, `failures`, `results`: looking at what the journal knows. Nothing here writes to it.

use super::House;
use super::args::{FailuresArgs, Grouping, ResultsArgs};
use super::exit::{Exit, Stop};
use super::report::{keep_what_is_read, write_to};
use crate::report::{
    ListFormat, Outlet, Over, Paths, RunReport, write_causes, write_failures, write_results, write_run,
    write_runs,
};

pub(super) fn runs(house: &House, format: ListFormat) -> Result<Exit, Stop> {
    let runs = house.reader()?.map(|reader| reader.runs()).transpose()?.unwrap_or_default();
    let mut outlet = Outlet::stdout();
    write_runs(&mut outlet, &runs, format)?;
    outlet.finish()?;
    Ok(Exit::Done)
}

pub(super) fn show(house: &House, run: &str, format: ListFormat) -> Result<Exit, Stop> {
    let reader = house.reader_of(run)?;
    let run = reader.run(run)?;
    let faults = reader.faults(&run)?;
    let cut_off = reader.cut_off(&run)?;
    let journal = house.places.data_dir.join("journal.db");
    let folder = house.places.data_dir.join("runs").join(run.id.to_string());
    let mut outlet = Outlet::stdout();
    let paths = Paths { journal: &journal, folder: &folder };
    write_run(&mut outlet, &RunReport { run: &run, cut_off: &cut_off, faults: &faults, paths }, format)?;
    outlet.finish()?;
    Ok(Exit::Done)
}

pub(super) async fn failures(house: &House, args: FailuresArgs) -> Result<Exit, Stop> {
    let query = args.filter.filter()?.into();
    let reader = house.reader_of(&args.run)?;
    let run = reader.run(&args.run)?;
    reader.vouch(&run)?;
    keep_what_is_read(house, &run, args.output.as_deref())?;
    let write = move |outlet: &mut Outlet| match args.by {
        Some(Grouping::Cause) => write_causes(outlet, &reader.causes(&run, &query)?, args.format),
        None => write_failures(outlet, &reader, &run, &query, args.format),
    };
    write_to(args.output.as_deref(), Over::Yes, write).await
}

pub(super) async fn results(house: &House, args: ResultsArgs) -> Result<Exit, Stop> {
    let reader = house.reader_of(&args.run)?;
    let run = reader.run(&args.run)?;
    reader.vouch(&run)?;
    keep_what_is_read(house, &run, args.output.as_deref())?;
    let write = move |outlet: &mut Outlet| write_results(outlet, &reader, &run, args.format);
    write_to(args.output.as_deref(), Over::Yes, write).await
}
