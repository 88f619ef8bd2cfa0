//! The journal: whether it is sound as a file, and whether it agrees with itself.

use std::path::Path;

use super::{Area, Finding, PATIENCE};
use crate::journal::{Health, Soundness};
use crate::machine;
use crate::model::RunState;

const AREA: Area = Area::Journal;

/// What to do with a damaged file.
const SAVE: &str = "copy journal.db and the two files beside it away first; `sqlite3 journal.db .recover` saves what can be \
                    read; until then name another folder with --data-dir";

/// The most runs that are named one by one.
const NAMED: usize = 5;

pub(super) async fn examine(data_dir: &Path) -> Vec<Finding> {
    if let Some(why) = super::places::out_of_reach(data_dir) {
        return vec![Finding::unchecked(AREA, "file", why)];
    }
    let folder = data_dir.to_owned();
    let health = match machine::off_thread(move || Health::of(&folder, PATIENCE)).await {
        Ok(Ok(Some(health))) => health,
        Ok(Ok(None)) => return vec![Finding::ok(AREA, "file", "there is none yet: no run was begun here")],
        Ok(Err(error)) => {
            let mut finding = Finding::of_error(AREA, "file", &error.to_string());
            finding.advice = Some(SAVE.to_owned());
            return vec![finding];
        }
        Err(error) => return vec![Finding::bad(AREA, "file", format!("an internal error: {error}"), SAVE)],
    };
    let mut findings = vec![soundness(AREA, &health.file, SAVE)];
    findings.push(version(&health));
    findings.extend(runs(&health));
    findings
}

/// What SQLite says of a file.
pub(super) fn soundness(area: Area, file: &Soundness, save: &str) -> Finding {
    match file {
        Soundness::Sound => Finding::ok(area, "file", "SQLite finds every page and every index of it sound"),
        Soundness::SoundSoFar => Finding::new(
            area,
            "file",
            super::State::NotChecked,
            format!("it is too large to be read in {} s; what was read of it is sound", PATIENCE.as_secs()),
        ),
        Soundness::Damaged(lines) => {
            Finding::bad(area, "file", format!("it is damaged: {}", lines.join("; ")), save)
        }
    }
}

fn version(health: &Health) -> Finding {
    let (version, known) = (health.version, health.known);
    match version.cmp(&known) {
        std::cmp::Ordering::Equal => {
            Finding::ok(AREA, "version", format!("{version}, as this program writes it"))
        }
        std::cmp::Ordering::Less => Finding::look(
            AREA,
            "version",
            format!("{version}; this program writes {known}, so its runs were not looked at"),
            "the next command that opens it brings it up to date",
        ),
        std::cmp::Ordering::Greater => Finding::bad(
            AREA,
            "version",
            format!("{version}; this program knows {known} at the most"),
            "use the newer trunkline that wrote it",
        ),
    }
}

fn runs(health: &Health) -> Vec<Finding> {
    if health.version != health.known || matches!(health.file, Soundness::Damaged(_)) {
        return vec![Finding::unchecked(AREA, "runs", "what stands in the file was not looked at")];
    }
    let mut findings = Vec::new();
    let count = health.runs.len();
    let discords: Vec<_> = health.runs.iter().filter(|run| !run.discords.is_empty()).collect();
    for run in discords.iter().take(NAMED) {
        findings.push(Finding::bad(
            AREA,
            format!("run {}", run.id.prefix()),
            format!("its counts and its rows do not agree: {}", run.discords.join("; ")),
            "keep a copy of the data folder, and compare with the platform before it is gone on with",
        ));
    }
    if discords.is_empty() {
        let found = crate::report::records_of(count as u64, "run", "runs");
        findings.push(if health.complete {
            Finding::ok(AREA, "runs", format!("{found}; the counts of each agree with its rows"))
        } else {
            Finding::unchecked(
                AREA,
                "runs",
                format!("the newest {found} agree with their rows; the time was too short for the rest"),
            )
        });
    }
    let carried: Vec<_> =
        health.runs.iter().filter_map(|run| Some((run.id, run.carrier.as_ref()?))).collect();
    for (run, carrier) in carried.iter().take(NAMED) {
        findings.push(Finding::ok(
            AREA,
            format!("run {}", run.prefix()),
            format!("it is carried by {}", carrier.0),
        ));
    }
    for (run, why) in health.runs.iter().filter_map(|run| Some((run.id, run.barred.as_ref()?))).take(NAMED) {
        findings.push(Finding::bad(
            AREA,
            format!("run {}", run.prefix()),
            format!("its lock cannot be taken: {why}"),
            "look at `runs` in the data folder: the lock is a regular file that is yours",
        ));
    }
    let left = |run: &&crate::journal::RunHealth| {
        run.state == RunState::Running && run.carrier.is_none() && run.barred.is_none()
    };
    for run in health.runs.iter().filter(left).take(NAMED) {
        let advice = format!(
            "`trunkline resume {}` goes on; what was out is sent again under its key",
            run.id.prefix()
        );
        findings.push(Finding::look(
            AREA,
            format!("run {}", run.id.prefix()),
            "the process that carried it is gone without a word; its lock is free",
            &advice,
        ));
    }
    findings
}
