//! `demo`: a run of a sample dataset on a built-in sandbox, all of it in this process and in a folder that goes with it.

use std::io::{self, Write};

use super::args::DemoArgs;
use super::exit::{Exit, Stop};
use super::office::{Carried, Ground};
use super::send::{at_fault, or_interrupted};
use super::{BROKEN, House, board, sandbox};
use crate::engine;
use crate::headless::{Origin, Signals, Told, watch};
use crate::journal::Journal;

pub(super) async fn show(house: &House, args: DemoArgs) -> Result<Exit, Stop> {
    let scenario = sandbox::scenario(&args.scenario)?;
    let mut signals = Signals::listen()?;
    let ground = Ground::lay_out(args.operation, scenario).await?;
    let (data_dir, told) = match &house.own_data {
        Some(named) => (named.clone(), Told::Words),
        None => (ground.data_dir(), Told::Demo),
    };
    let told = if args.watching.events { Told::Events } else { told };

    let scanned = or_interrupted(engine::scan(&ground.plan, false, |_, _| ()), &mut signals).await??;
    let setup = ground.setup(Journal::open(&data_dir)?);
    let handle = or_interrupted(engine::begin(setup.clone(), scanned), &mut signals).await??;
    let exit = if board::is_wanted(args.watching) {
        // without a configuration the board looks as it does by itself
        board::carry(house, Carried::on_a_sandbox(handle, setup), &house.config().unwrap_or_default(), told)
            .await?
    } else {
        let at_fault = at_fault(args.watching);
        Exit::of(&watch(&handle, (Origin::New, 0), told, at_fault, &mut signals, &BROKEN).await?)
    };
    ground.clear().await;
    Ok(welcome(exit))
}

/// A first try that ends with an error would be a strange welcome.
pub(super) fn welcome(exit: Exit) -> Exit {
    if exit != Exit::Failures {
        return exit;
    }
    let _ =
        writeln!(io::stderr(), "\nthe failures are part of the sample: they show what failures look like");
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_sample_are_no_error_and_anything_else_is() {
        assert_eq!(welcome(Exit::Failures), Exit::Done);
        assert_eq!([Exit::Faulted, Exit::Interrupted].map(welcome), [Exit::Faulted, Exit::Interrupted]);
    }
}
