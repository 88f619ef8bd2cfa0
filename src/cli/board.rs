//! `trunkline` alone: the dashboard.

use super::House;
use super::exit::{Exit, Stop};
use super::question::is_interactive;

pub(super) async fn open(_house: &House) -> Result<Exit, Stop> {
    if !is_interactive() {
        return Err(Stop::refuse(
            "the dashboard needs a terminal, and there is none\n\
             hint: `trunkline runs` lists what there is, `trunkline --help` what can be done",
        ));
    }
    Err(Stop::refuse("soon"))
}
