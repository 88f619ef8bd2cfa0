//! `sandbox`: the simulated platforms, until Ctrl-C.

use std::io::{self, Write};
use std::path::Path;

use super::args::SandboxArgs;
use super::exit::{Exit, Stop};
use crate::headless::Signals;
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox, Scenario};

pub(super) async fn serve(args: &SandboxArgs) -> Result<Exit, Stop> {
    let scenario = scenario(&args.scenario)?;
    let mut signals = Signals::listen()?;
    let sandbox = Sandbox::start(scenario, args.seed, args.port).await?;
    let url = sandbox.url();
    // whoever reads this may have gone; the sandbox serves all the same
    let _ = write!(
        io::stdout(),
        "{url}\n\
         client id `{CLIENT_ID}`, scenario `{}`; Ctrl-C stops it\n\
         what happens is written down at {url}/sandbox/ledger\n\n\
         to try it, in another terminal:\n\n\
         export GENESYS_BASE_URL={url} GENESYS_CLIENT_ID={CLIENT_ID} GENESYS_CLIENT_SECRET={CLIENT_SECRET}\n\
         export CXONE_BASE_URL={url} CXONE_CLIENT_ID={CLIENT_ID} CXONE_CLIENT_SECRET={CLIENT_SECRET}\n\
         trunkline ingest DATASET --profile env\n",
        crate::text::one_line(&args.scenario, 200)
    )
    .and_then(|()| io::stdout().flush());
    signals.next().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// A built-in scenario, or one from a file.
pub(super) fn scenario(text: &str) -> Result<Scenario, Stop> {
    let path = Path::new(text);
    if Scenario::names().contains(&text) || !path.exists() {
        return Ok(Scenario::named(text)?);
    }
    Ok(Scenario::load(path)?)
}
