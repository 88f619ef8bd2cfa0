//! What answers the board while monkeys sit in front of it: a real journal, and an office and files that are made up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::super::credentials::{passed, profiles, row};
use crate::config::SecretSource;
use crate::engine::{CheckReport, InvalidCause};
use crate::journal::{
    Carrier, End, Extent, Journal, Judgement, NewDataset, NewRun, Origin, RunRow, Settled, Write,
};
use crate::model::{
    FailureId, Figures, OperationKind, PlatformKind, Reason, RunId, RunState, Seq, Stage, Violation,
};
use crate::plan::Plan;
use crate::tui::Keeps;
use crate::tui::app::figures_of;
use crate::tui::errands::Errands;
use crate::tui::files::{
    Count, FieldSeen, FileAnswer, FileErrand, FileKind, Found as FilesFound, Listing, Peek, Stamp,
};
use crate::tui::log::{Cut, Level, Line, Tail};
use crate::tui::message::{Answer, Begun, Found, Look, Request, What};
use crate::tui::office::{Earlier, Flight, Kept, ProfileRow, Profiles};

/// The run that is looked at, one with many failures, and one that stands still.
pub const RUN: &str = "0198c2f3-0000-7000-8000-000000000000";
pub const LARGE: &str = "0198c2f3-1111-7000-8000-000000000000";
pub const STILL: &str = "0198c2f3-2222-7000-8000-000000000000";

/// A journal that nobody writes any more, and a desk for each of its runs.
pub struct Library {
    _folder: TempDir,
    pub rows: BTreeMap<RunId, RunRow>,
    pub desks: BTreeMap<RunId, Errands>,
}

fn new_run(id: &str, production: bool) -> NewRun {
    NewRun {
        id: id.parse().unwrap(),
        operation: OperationKind::Outcomes,
        profile: if production { "acme-prod" } else { "acme-test" }.to_owned(),
        platform: PlatformKind::Cxone,
        api_url: "https://na1.niceincontact.com/".to_owned(),
        auth_url: "https://na1.niceincontact.com/".to_owned(),
        client_id: "3f0c7d12".to_owned(),
        production,
        plan: Plan::new(OperationKind::Outcomes).to_toml(),
        until_error: false,
        datasets: vec![NewDataset {
            path: "/data/outcomes.csv".to_owned(),
            format: "CSV".to_owned(),
            bytes: 1,
            digest: None,
            records: Some(10_000),
            first_position: 0,
            correlation_id: "c".to_owned(),
        }],
    }
}

fn settled(item: Seq) -> Write {
    let reason = |status: Option<u16>, code: &str, message: String| Reason {
        stage: if status == Some(0) { Stage::Validation } else { Stage::Delivery },
        status: status.filter(|status| *status > 0),
        code: Some(code.to_owned()),
        message,
        violations: vec![Violation::at("/subcategory", "no such name")],
    };
    let record = Some(Bytes::from(format!(
        "{{\"contactId\":\"contact-{item}\",\"category\":\"Contacted\",\"subcategory\":\"{}\"}}",
        ["Sale", "No budjet", "n/a", "Refused - Price"][usize::try_from(item % 4).unwrap()]
    )));
    let failed =
        |status, code, message| End::Failed { reason: reason(status, code, message), record: record.clone() };
    let (end, unsure) = match item % 5 {
        0 => (failed(Some(404), "contact.not.found", format!("contact contact-{item} was not found")), 0),
        1 => (failed(Some(409), "contact.in.use", "the contact is still open".to_owned()), 0),
        2 => {
            let why = reason(Some(0), "outcome.unknown", "`n/a` is not under `Contacted`".to_owned());
            (End::Invalid { reason: why, record: record.clone() }, 0)
        }
        3 => (failed(None, "no_answer", "connection was reset".to_owned()), 3),
        _ => (failed(Some(422), "outcome.unknown", format!("row {item}: no such subcategory")), 0),
    };
    Write::Settle(Box::new(Settled {
        seq: item,
        extent: Extent { dataset: 0, first: item, span: 1, count: 1 },
        end,
        attempts: 1 + unsure,
        unsure,
        doubtful: unsure > 0,
        status: None,
        took_ms: Some(12),
        name: Some(format!("contact-{item}")),
        correlation_id: Some("4e1c".to_owned()),
        remote_id: None,
        origin: Origin::Planned,
    }))
}

impl Library {
    pub fn fill() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        for (id, production, failures) in [(STILL, true, 3_u64), (LARGE, true, 1_500), (RUN, true, 90)] {
            let (book, lock) = journal.begin(&new_run(id, production)).unwrap();
            let stretch =
                Write::Stretch { first_seq: 0, dataset: 0, first: 0, count: 10_000, planned: 10_000 };
            let mut writes = vec![stretch];
            writes.extend((0..failures).map(settled));
            let some = |from: u64| (from..failures.min(from + 9)).step_by(3).map(FailureId::from);
            writes.push(Write::Judge {
                failures: some(0).collect(),
                judgement: Judgement::Dismiss("known since spring".to_owned()),
                by: "maria".to_owned(),
            });
            let new = Bytes::from_static(
                b"{\"contactId\":\"x\",\"category\":\"Contacted\",\"subcategory\":\"Sale\"}",
            );
            writes.push(Write::Edit {
                records: some(20).map(|id| (id, Some(new.clone()))).collect(),
                by: "maria".to_owned(),
            });
            writes.push(Write::State(RunState::Paused));
            journal.commit_blocking(&book, writes);
            drop(lock);
        }
        let (inbox, _) = mpsc::channel(1);
        let rows: BTreeMap<RunId, RunRow> =
            journal.reader().unwrap().runs().unwrap().into_iter().map(|row| (row.id, row)).collect();
        let desk = |id: &RunId| (*id, Errands::new(journal.clone(), Some(*id), inbox.clone()));
        let desks = rows.keys().map(desk).collect();
        Self { _folder: folder, rows, desks }
    }

    /// A run of it in a state, carried by somebody or not.
    pub fn row(&self, id: &str, state: RunState, carrier: Option<&str>) -> RunRow {
        let mut row = self.rows[&id.parse().unwrap()].clone();
        row.state = state;
        row.carrier = carrier.map(|name| Carrier(name.to_owned()));
        row
    }
}

/// The journal, the office and the files as they answer in one episode.
pub struct World<'l> {
    pub library: &'l Library,
    /// The rows as they stand.
    pub rows: BTreeMap<RunId, RunRow>,
    /// Failures that are not there, at the moment.
    pub gone: Vec<FailureId>,
    pub profiles: Profiles,
    flights: u64,
    /// What the run that is carried here looks like.
    pub live: Option<Figures>,
}

pub fn all_profiles() -> Profiles {
    let url = "https://na1.niceincontact.com/".to_owned();
    let cxone = |name: &str, secret| ProfileRow {
        platform: PlatformKind::Cxone,
        host: "na1.niceincontact.com".to_owned(),
        region: None,
        api_url: url.clone(),
        auth_url: url.clone(),
        secret,
        ..row(name)
    };
    profiles(vec![
        ProfileRow { production: true, ..cxone("acme-prod", SecretSource::Keyring) },
        cxone("acme-test", SecretSource::Env("CX".to_owned())),
        row("genesys-dev"),
        ProfileRow { configured: false, ..row("env") },
    ])
}

impl<'l> World<'l> {
    pub fn new(library: &'l Library, profiles: Profiles) -> Self {
        let rows = library.rows.clone();
        Self { library, rows, gone: Vec::new(), profiles, flights: 0, live: None }
    }

    /// What the journal answers about the run that was on the board when it was asked.
    pub fn look(&mut self, look: Look, on: Option<RunId>) -> Option<What> {
        match (look, on) {
            (Look::Runs, _) => Some(What::Found(Found::Runs(self.rows.values().cloned().collect()))),
            (Look::Row, Some(on)) => {
                let row = self.rows.get(&on)?.clone();
                Some(What::FoundOf(on, Found::Row(Box::new(row))))
            }
            // nothing is written into the folder of whoever runs the tests
            (Look::Write(_, path, _), _) => Some(What::Found(Found::Written(Ok(path)))),
            (look, Some(on)) => {
                let mut what = self.library.desks.get(&on)?.answer_now(look)?;
                if let What::FoundOf(run, Found::Page(page)) = &mut what
                    && run.to_string() != LARGE
                {
                    let were = page.rows.len();
                    page.rows.retain(|row| !self.gone.contains(&row.id));
                    let fewer = u64::try_from(were - page.rows.len()).unwrap();
                    page.total = page.total.saturating_sub(fewer);
                    page.open = page.open.saturating_sub(fewer);
                    page.at = page.at.min(page.rows.len());
                }
                Some(what)
            }
            (_, None) => None,
        }
    }

    /// What the office answers, good or bad.
    pub fn ask(&mut self, request: Request, on: Option<RunId>, rng: &mut Rng) -> Vec<What> {
        let good = rng.u8(..10) > 1;
        let why = || "the platform said `no`\u{202e} \x1b[2J".to_owned();
        let done = || if good { Ok(()) } else { Err(why()) };
        let answer = match request {
            Request::Profiles => Answer::Profiles(if good { Ok(self.profiles.clone()) } else { Err(why()) }),
            Request::Test(name, platform) => {
                let id = crate::tui::office::profile_id(&name, platform);
                Answer::Tested(Some(id), if good { Ok(passed()) } else { Err(why()) })
            }
            Request::TestDraft(..) => Answer::Tested(None, if good { Ok(passed()) } else { Err(why()) }),
            Request::Save(draft, was) => {
                if good {
                    self.profiles.all.retain(|row| Some(&row.name) != was.as_ref() && row.name != draft.name);
                    let new = ProfileRow {
                        platform: draft.platform,
                        production: draft.production,
                        ..row(&draft.name)
                    };
                    self.profiles.all.insert(0, new);
                }
                Answer::Saved(draft.name.clone(), if good { Ok(self.profiles.clone()) } else { Err(why()) })
            }
            Request::Remove(name) => {
                if good {
                    self.profiles.all.retain(|row| row.name != name || !row.configured);
                }
                Answer::Removed(name, if good { Ok(self.profiles.clone()) } else { Err(why()) })
            }
            Request::ReplaceSecret(name, _) => {
                Answer::SecretReplaced(name, if good { Ok(Kept::ForGood) } else { Err(why()) })
            }
            Request::Check(plan) => {
                let far = What::Answer(Answer::CheckGoes(rng.u64(..100), 100));
                let checked = if good { Ok(Box::new(self.flight(*plan, rng))) } else { Err(why()) };
                return vec![far, What::Answer(Answer::Checked(checked))];
            }
            Request::SavePlan(_, path) => Answer::PlanSaved(if good { Ok(path) } else { Err(why()) }),
            Request::Report(_) => Answer::Reported(if good { Ok("report.html".into()) } else { Err(why()) }),
            Request::Judge(..) => Answer::Judged(done()),
            Request::Edit(_) => Answer::Edited(done()),
            Request::Cancel => Answer::Cancelled(done()),
            Request::Begin(_) | Request::Practise(_) if good => self.started(STILL.parse().unwrap(), rng),
            Request::Resume(run) if good => self.started(run, rng),
            Request::Retry(_) if good => match on {
                Some(run) => self.started(run, rng),
                None => Answer::Started(Err(why())),
            },
            Request::Begin(_) | Request::Practise(_) | Request::Resume(_) | Request::Retry(_) => {
                Answer::Started(Err(why()))
            }
        };
        vec![What::Answer(answer)]
    }

    fn started(&mut self, run: RunId, rng: &mut Rng) -> Answer {
        // one window carries one run, and the office knows which
        let goes_on =
            self.live.as_ref().is_some_and(|live| !matches!(live.phase, crate::model::Phase::Ended(_)));
        let Some(row) = self.rows.get_mut(&run).filter(|_| !goes_on) else {
            return Answer::Started(Err("another run goes on in this window".to_owned()));
        };
        row.state = RunState::Running;
        row.carrier = Some(Carrier("sam, process 1".to_owned()));
        let figures = figures_of(row);
        self.live = Some(figures.clone());
        let keeps = if rng.bool() { Keeps::Journal } else { Keeps::Nothing };
        Answer::Started(Ok(Begun { figures: Box::new(figures), keeps }))
    }

    fn flight(&mut self, plan: Plan, rng: &mut Rng) -> Flight {
        self.flights += 1;
        let kind = plan.operation.kind();
        let named =
            |row: &&ProfileRow| Some(&row.name) == plan.profile.as_ref() && row.platform == kind.platform();
        let mut profile = self.profiles.all.iter().find(named).cloned().unwrap_or_else(|| row("genesys-dev"));
        profile.production = rng.bool();
        let scopes: Vec<String> = kind.scopes().iter().map(|scope| (*scope).to_owned()).collect();
        let reason = Reason {
            stage: Stage::Validation,
            status: None,
            code: Some("outcome.unknown".to_owned()),
            message: "`n/a` is not under `Contacted`".to_owned(),
            violations: Vec::new(),
        };
        let still =
            |files| Earlier { run: self.library.row(STILL, RunState::Paused, None), delivered: 4, files };
        let before = match rng.u8(..3) {
            0 => vec![still(Vec::new())],
            1 => vec![still(vec!["/data/a.csv".to_owned()])],
            _ => Vec::new(),
        };
        Flight {
            number: self.flights,
            plan,
            profile,
            report: CheckReport {
                records: 30,
                invalid: 10,
                causes: vec![InvalidCause { records: 10, position: 3, reason, values: Vec::new() }],
                items: 20,
                calls: 21,
                largest_body: 96,
                at_plans_rate: Some(Duration::from_secs(4)),
                scopes: Some(scopes.clone()),
                needed: scopes,
                quota: rng.bool().then_some(300),
            },
            bytes: 900,
            broken: (rng.u8(..8) == 0).then(|| "line 3: `oops`".to_owned()),
            before,
            took: Duration::from_millis(12),
        }
    }

    /// What the files answer.
    pub fn files(errand: FileErrand, rng: &mut Rng) -> Vec<What> {
        let stamp = Stamp { bytes: 900, modified: None };
        let field = |name: &str| FieldSeen { name: name.to_owned(), types: vec!["text"], records: 3 };
        let peek = || Peek {
            format: "CSV".to_owned(),
            compression: None,
            bytes: 900,
            fields: ["contactId", "category", "subcategory"].map(field).into(),
            inner: vec!["/customer/id".to_owned()],
            rows: (0..30)
                .map(|n| vec![Some(format!("c{n}")), None, Some("Sale\x1b[2J".to_owned())])
                .collect(),
            unusable: vec![(3, "it is no object".to_owned())],
            broken: None,
            more: true,
        };
        let bad = rng.u8(..8) == 0;
        let why = "permission denied".to_owned();
        let answers = match errand {
            FileErrand::Begin => {
                vec![FileAnswer::Begun {
                    folder: "/data/exports".into(),
                    home: Some(PathBuf::from("/home/sam")),
                }]
            }
            FileErrand::List(folder) => {
                let entry = |name: &str, kind| Listing { name: name.into(), kind, stamp };
                let all = vec![
                    entry("older", FileKind::Folder),
                    entry("a.csv", FileKind::Dataset),
                    entry("b\u{202e}.ndjson", FileKind::Dataset),
                    entry("山田.json.gz", FileKind::Dataset),
                    entry("notes.txt", FileKind::Other),
                    entry("pipe", FileKind::Strange),
                ];
                vec![FileAnswer::Listed(folder, if bad { Err(why) } else { Ok(all) })]
            }
            FileErrand::Count(path) => vec![
                FileAnswer::CountGoes(path.clone(), 3, 9),
                FileAnswer::Counted(path, Count { stamp, records: if bad { Err(why) } else { Ok(30) } }),
            ],
            FileErrand::StopCounting => Vec::new(),
            FileErrand::Peek(path) => {
                vec![FileAnswer::Peeked(path, if bad { Err(why) } else { Ok(Box::new(peek())) })]
            }
            FileErrand::Find(patterns) => {
                let files = patterns.iter().map(|name| (PathBuf::from(name), stamp)).collect();
                let found = FilesFound { files, first: peek() };
                vec![FileAnswer::Found(patterns, if bad { Err(why) } else { Ok(Box::new(found)) })]
            }
            FileErrand::Log(_, known) => {
                let line = |at: u64| Line { at, level: Level::Info, text: format!("line {at} of the log") };
                let tail =
                    Tail { size: 900 + rng.u64(..3), lines: (0..40).map(line).collect(), cut: Cut::Yes };
                let same = known == Some(tail.size);
                vec![FileAnswer::Log(if bad { Err(why) } else { Ok((!same).then_some(tail)) })]
            }
        };
        answers.into_iter().map(What::Files).collect()
    }
}
