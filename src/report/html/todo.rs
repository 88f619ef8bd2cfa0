//! What is left to do. It stands first: it is what most people open the page for.

use std::collections::BTreeMap;

use super::markup::Html;
use super::{Facts, course};
use crate::journal::Cause;
use crate::model::RunState;
use crate::plain::{self, Best};
use crate::report::words::{grouped, records_of};

/// Something that is left: what, and the command for it, where there is one.
struct Left {
    words: String,
    command: Option<String>,
}

pub(super) fn section(html: &mut Html, facts: &Facts<'_>) {
    html.section("What is left to do");
    let left = left(facts);
    if left.is_empty() {
        html.element("p", &[], "Nothing. All of it was delivered, or closed by a person.");
    } else {
        html.open("ul", &[]);
        for Left { words, command } in left {
            html.open("li", &[]);
            html.text(&words);
            if let Some(command) = command {
                html.text(" ");
                html.element("code", &[], &command);
            }
            html.close("li");
        }
        html.close("ul");
    }
    html.close("section");
}

fn left(facts: &Facts<'_>) -> Vec<Left> {
    let run = facts.run;
    let name = run.id.prefix();
    let mut left = Vec::new();
    let mut say = |words: String, command: Option<String>| left.push(Left { words, command });
    if let Some(fault) = &facts.fault {
        say(course::fault_in_words(facts, fault), None);
        say(plain::fault(fault.kind).todo.clone(), None);
    }
    let pending = records_of(run.records.pending, "record", "records");
    let is_read = run.records.total.is_some();
    match run.state {
        RunState::Running => say(format!("Wait: the run goes on, and {pending} are still to come."), None),
        RunState::Paused | RunState::Faulted if run.records.pending > 0 || !is_read => {
            let words = format!("Go on with the run: {pending} of it wait to be sent.");
            say(words, Some(format!("trunkline resume {name}")));
        }
        RunState::Paused | RunState::Faulted => {
            say("Go on with the run, so that it ends.".to_owned(), Some(format!("trunkline resume {name}")));
        }
        RunState::Cancelled if run.records.pending > 0 => {
            let words =
                format!("The run was cancelled: {pending} were never sent, and go with a new run only.");
            say(words, None);
        }
        RunState::Cancelled | RunState::Completed | RunState::CompletedWithFailures => {}
    }
    let is_open = run.datasets.iter().any(|dataset| dataset.path == "-" && dataset.records.is_none());
    if is_open && run.state != RunState::Running {
        let words = "Standard input was not read to its end: what is missing goes with a new run.";
        say(words.to_owned(), None);
    }
    for said in &facts.cut_off {
        say(format!("A dataset was not read to its end: {said}"), None);
    }
    if facts.edited > 0 {
        let edited = records_of(facts.edited, "failure was", "failures were");
        say(format!("{edited} edited and not sent since: send them, or take the edits back."), None);
    }
    for (best, count, causes) in by_best(facts) {
        let of = records_of(causes, "cause", "causes");
        say(format!("{}: {best} ({of}, below).", records_of(count, "failure", "failures")), None);
    }
    let doubtful: u64 = facts.causes.iter().map(|cause| cause.doubtful).sum();
    if doubtful > 0 {
        let words = "of the failures may have been carried out without an answer: see their causes before you send \
                     them again.";
        say(format!("{} {words}", grouped(doubtful)), None);
    }
    if !facts.causes.is_empty() {
        say("See each failure with its reason:".to_owned(), Some(format!("trunkline failures {name}")));
    }
    left
}

/// Open failures by the best thing to do: its words, how many failures, and of how many causes.
fn by_best(facts: &Facts<'_>) -> Vec<(&'static str, u64, u64)> {
    let mut found: BTreeMap<(Best, &'static str), (u64, u64)> = BTreeMap::new();
    let words = |cause: &Cause| {
        let words = plain::failure(&cause.kind(Some(facts.run.operation)));
        (words.advice, words.best.as_str())
    };
    for cause in &facts.causes {
        let (count, causes) = found.entry(words(cause)).or_default();
        *count += cause.items;
        *causes += 1;
    }
    let mut sums: Vec<_> =
        found.into_iter().map(|((_, best), (count, causes))| (best, count, causes)).collect();
    sums.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    sums
}
