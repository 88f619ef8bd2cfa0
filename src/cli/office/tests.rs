//! The office with a real platform behind it, which is the sandbox.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::cli::Colours;
use crate::cli::args::{CommandLine, Global};
use crate::cli::exit::Exit;
use crate::cli::hand_over;
use crate::config::SecretSource;
use crate::engine::Command;
use crate::journal::Query;
use crate::model::{FailureState, RunState};
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox, Scenario};
use crate::tui::Home;

/// An office, its folder and its platform.
struct Bench {
    desk: Desk,
    sandbox: Sandbox,
    folder: TempDir,
}

fn nothing_of_it() -> Progress {
    Arc::new(|_, _| ())
}

impl Bench {
    async fn set_up(scenario: &str) -> Self {
        crate::platform::ensure_crypto();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, scenario).unwrap();
        let sandbox = Sandbox::start(Scenario::load(&path).unwrap(), Some(7), 0).await.unwrap();
        let desk = Desk::open(&house(folder.path()));
        Self { desk, sandbox, folder }
    }

    fn draft(&self, name: &str, platform: PlatformKind) -> ProfileDraft {
        ProfileDraft {
            name: name.to_owned(),
            platform,
            region: None,
            api_url: Some(self.sandbox.url()),
            auth_url: None,
            client_id: CLIENT_ID.to_owned(),
            production: false,
            read_only: false,
            home: SecretSource::File(PathBuf::new()),
            secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
        }
    }

    async fn saved(&self, platform: PlatformKind) {
        self.desk.save(self.draft("acme", platform), None).await.unwrap();
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("config.toml")).unwrap()
    }

    /// A plan for contacts, of which those called `unknown-…` are not there.
    fn contacts(&self, ids: &[&str]) -> Plan {
        let rows = ids.iter().map(|id| format!("{id},Contacted,Sale\n")).collect::<Vec<_>>().concat();
        let file = self.folder.path().join("contacts.csv");
        std::fs::write(&file, format!("contactId,category,subcategory\n{rows}")).unwrap();
        let mut plan = Plan::new(OperationKind::Outcomes);
        plan.profile = Some("acme".to_owned());
        plan.datasets = vec![file.to_str().unwrap().to_owned()];
        plan
    }

    async fn begun(&self, plan: Plan) -> Started {
        let flight = self.desk.check(plan, nothing_of_it()).await.unwrap();
        assert_eq!(flight.broken, None);
        self.desk.begin(flight.number).await.unwrap()
    }

    async fn ended(&self) -> RunState {
        self.desk.last().await.unwrap().handle.ended().await.state
    }

    fn failures(started: &Started, states: &[FailureState]) -> Vec<FailureId> {
        let reader = started.journal.reader().unwrap();
        reader.failures_in(&started.row, &Query::default(), states).unwrap()
    }

    fn state(started: &Started) -> RunState {
        started.journal.reader().unwrap().run(&started.row.id.to_string()).unwrap().state
    }
}

fn house(folder: &Path) -> House {
    let places =
        crate::config::Places { config_file: folder.join("config.toml"), data_dir: folder.join("data") };
    let global = Global { config: None, data_dir: None, verbose: 0, log: None, no_color: false };
    let log = folder.join("log");
    House { places, log, own_data: None, global, colours: Colours::Configured }
}

/// An office over this folder and the journal in it, for whoever tests the board in front of it.
pub(crate) fn over(folder: &Path) -> (Arc<dyn Office>, Journal) {
    crate::platform::ensure_crypto();
    let desk = Desk::open(&house(folder));
    let journal = desk.journal().unwrap();
    (Arc::new(desk), journal)
}

/// What was said instead; an answer has nothing that could be shown in its place.
async fn refused<T>(answer: Reply<T>) -> String {
    answer.await.err().unwrap()
}

#[tokio::test]
async fn a_secret_that_was_typed_is_in_a_file_of_its_owner_and_never_in_the_configuration() {
    let bench = Bench::set_up("").await;
    let draft = bench.draft("acme", PlatformKind::Genesys);
    let tested = bench.desk.test_draft(draft.clone(), None).await.unwrap();
    assert!(tested.left.is_some() && tested.operations.iter().all(|(_, missing)| missing.is_empty()));
    assert_eq!(tested.operations.len(), 4);
    assert!(!bench.folder.path().join("config.toml").exists(), "a test keeps nothing");

    let profiles = bench.desk.save(draft, None).await.unwrap();
    let row = &profiles.all[0];
    assert_eq!((row.name.as_str(), row.host.as_str(), row.configured), ("acme", "127.0.0.1", true));
    let file = bench.folder.path().join("secrets/acme");
    assert_eq!(row.secret, SecretSource::File(file.clone()));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), CLIENT_SECRET);
    assert!(!bench.config().contains(CLIENT_SECRET));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    bench.desk.test("acme".to_owned(), PlatformKind::Genesys).await.unwrap();

    let profiles = bench.desk.remove("acme".to_owned()).await.unwrap();
    assert!(profiles.all.iter().all(|row| !row.configured) && profiles.said.is_none());
    assert!(!file.exists(), "a secret without its profile is of use to nobody");
}

#[tokio::test]
async fn a_changed_profile_keeps_its_secret_and_what_the_form_does_not_show() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let path = bench.folder.path().join("config.toml");
    let text = format!(
        "default_profile = \"acme\" # ours\n\n# about acme\n{}scope = \"contact:read\" # less\n",
        bench.config()
    );
    std::fs::write(&path, text).unwrap();

    let mut draft = bench.draft("support", PlatformKind::Cxone);
    // as the form has it of the row: with the address that the written one means
    draft.api_url = Some(format!("{}/", bench.sandbox.url()));
    draft.auth_url = draft.api_url.clone();
    draft.home = SecretSource::File(bench.folder.path().join("secrets/acme"));
    (draft.secret, draft.production) = (None, true);
    let profiles = bench.desk.save(draft, Some("acme".to_owned())).await.unwrap();
    assert_eq!(profiles.default.as_deref(), Some("support"));
    let text = bench.config();
    assert!(
        text.starts_with("default_profile = \"support\" # ours\n\n# about acme\n[profiles.support]\n"),
        "{text}"
    );
    assert!(text.contains("scope = \"contact:read\" # less") && text.contains("production = true"), "{text}");
    assert!(text.contains(&format!("api_url = \"{}\"\n", bench.sandbox.url())), "{text}");
    assert!(!text.contains("auth_url"), "{text}");
    bench.desk.test("support".to_owned(), PlatformKind::Cxone).await.unwrap();
}

#[tokio::test]
async fn a_save_that_does_not_go_leaves_secrets_and_configuration_as_they_were() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Genesys).await;
    let before = bench.config();
    let mut other = bench.draft("acme", PlatformKind::Genesys);
    other.secret = Some(Secret::new("another".to_owned()));
    assert!(refused(bench.desk.save(other.clone(), None)).await.contains("`acme` already"));
    other.name = "no good name".to_owned();
    assert!(refused(bench.desk.save(other.clone(), None)).await.contains("can't be a profile's name"));
    other.name = "beta".to_owned();
    other.home = SecretSource::File(bench.folder.path().join("scenario.toml"));
    assert!(refused(bench.desk.save(other.clone(), None)).await.contains("not written over"));
    other.home = SecretSource::Env("ACME_SECRET".to_owned());
    assert!(refused(bench.desk.save(other, None)).await.contains("set it outside"));
    assert_eq!(bench.config(), before);
    assert_eq!(std::fs::read_dir(bench.folder.path().join("secrets")).unwrap().count(), 1);
    bench.desk.test("acme".to_owned(), PlatformKind::Genesys).await.unwrap();
}

#[tokio::test]
async fn places_for_secrets_say_why_one_of_them_does_not_work() {
    let bench = Bench::set_up("").await;
    let homes = bench.desk.profiles().await.unwrap().homes;
    let kinds: Vec<Home> = homes.iter().map(|(home, _)| *home).collect();
    assert_eq!(kinds, [Home::Keyring, Home::File, Home::Env, Home::Command]);
    for (home, works) in homes {
        assert!(works.is_ok() || (home == Home::Keyring && works.unwrap_err().contains("no keyring")));
    }
    let places = bench.desk.places();
    assert_eq!((places.config.1, places.data.1), (false, false));
}

#[tokio::test]
async fn what_was_checked_is_begun_once_and_nothing_else_is() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let plan = bench.contacts(&["a", "b", "unknown-1"]);
    let first = bench.desk.check(plan.clone(), nothing_of_it()).await.unwrap();
    assert_eq!((first.report.records, first.report.invalid, first.before.len()), (3, 0, 0));
    assert_eq!(first.plan.profile.as_deref(), Some("acme"));
    assert!(first.bytes > 0);
    assert_eq!(bench.sandbox.ledger()["outcomes"]["applied"].as_u64().unwrap_or(0), 0, "nothing is sent yet");
    let second = bench.desk.check(plan.clone(), nothing_of_it()).await.unwrap();
    assert!(refused(bench.desk.begin(first.number)).await.contains("check it again"));
    let started = bench.desk.begin(second.number).await.unwrap();
    assert_eq!(bench.ended().await, RunState::CompletedWithFailures);
    assert!(refused(bench.desk.begin(second.number)).await.contains("check it again"));
    assert_eq!(bench.sandbox.ledger()["outcomes"]["applied"], 2);
    let of_a_delivered = vec![(0.into(), Some(Bytes::from_static(b"{}")))];
    let edit = bench.desk.edit(started.row.id, of_a_delivered, "sam".to_owned());
    assert!(refused(edit).await.contains("open no more"));

    let third = bench.desk.check(plan, nothing_of_it()).await.unwrap();
    assert_eq!(third.before.iter().map(|earlier| earlier.run.id).collect::<Vec<_>>(), [started.row.id]);
    // the profile leads elsewhere now: what was checked does not hold any more
    let mut draft = bench.draft("acme", PlatformKind::Cxone);
    (draft.read_only, draft.secret) = (true, None);
    bench.desk.save(draft, Some("acme".to_owned())).await.unwrap();
    assert!(refused(bench.desk.begin(third.number)).await.contains("has changed"));
    let fourth = bench.desk.check(bench.contacts(&["a"]), nothing_of_it()).await.unwrap();
    assert!(fourth.profile.read_only);
    assert!(refused(bench.desk.begin(fourth.number)).await.contains("read-only"));
}

#[tokio::test]
async fn a_check_tells_each_value_that_is_not_valid_and_where_it_stands() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let plan = bench.contacts(&["a"]);
    let rows = "contactId,category,subcategory\na,Contacted,Sale\nb,Contacted,No budjet\nc,Contacted,n/a\nd,Contacted,No budjet\n";
    std::fs::write(bench.folder.path().join("contacts.csv"), rows).unwrap();
    let flight = bench.desk.check(plan, nothing_of_it()).await.unwrap();
    let cause = &flight.report.causes[0];
    let told: Vec<_> = cause
        .values
        .iter()
        .map(|value| {
            let lines: Vec<u64> = value.spots.iter().map(|spot| spot.line).collect();
            (value.records, value.fields.clone(), lines)
        })
        .collect();
    let field = |value: &str| vec![("/subcategory".to_owned(), Some(value.to_owned()))];
    assert_eq!(told, [(2, field("\"No budjet\""), vec![3, 5]), (1, field("\"n/a\""), vec![4])]);
}

#[tokio::test]
async fn one_file_of_an_earlier_run_is_known_again_and_so_is_what_the_platform_allows() {
    let bench = Bench::set_up("[limit]\ngenesys = { allowed = 300, window = \"60s\" }").await;
    bench.saved(PlatformKind::Genesys).await;
    let file = |name: &str, content: &str| {
        let path = bench.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.profile = Some("acme".to_owned());
    plan.datasets = vec![file("a.json", r#"[{"n":1},{"n":2}]"#), file("b.json", r#"[{"n":3}]"#)];
    let started = bench.begun(plan.clone()).await;
    assert_eq!(bench.ended().await, RunState::Completed);
    plan.datasets.remove(0);
    let flight = bench.desk.check(plan.clone(), nothing_of_it()).await.unwrap();
    let told = |flight: &Flight| {
        let before = flight.before.iter();
        before.map(|earlier| (earlier.run.id, earlier.delivered, earlier.files.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&flight), [(started.row.id, 1, plan.datasets.clone())]);
    assert!(flight.before[0].run.took > Duration::ZERO);
    assert_eq!(flight.report.quota, Some(300), "as the headers told that run");
    plan.datasets = vec![file("c.json", r#"[{"n":4}]"#)];
    assert_eq!(told(&bench.desk.check(plan, nothing_of_it()).await.unwrap()), []);
}

#[tokio::test]
async fn a_report_stands_beside_those_before_it() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let run = bench.begun(bench.contacts(&["a"])).await.row.id;
    bench.ended().await;
    let folder = bench.folder.path();
    let first = runs::report_into(&bench.desk, run, folder).await.unwrap();
    let second = runs::report_into(&bench.desk, run, folder).await.unwrap();
    assert_eq!(first, folder.join(format!("trunkline-{}.html", run.prefix())));
    assert_eq!(second, folder.join(format!("trunkline-{}-2.html", run.prefix())));
    for path in [first, second] {
        assert!(std::fs::read_to_string(path).unwrap().contains("all was delivered"));
    }
    assert!(refused(bench.desk.report(RunId::begin())).await.contains("there is no run"));
}

#[tokio::test]
async fn a_broken_file_can_be_looked_at_and_not_begun() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Genesys).await;
    let file = bench.folder.path().join("a.json");
    std::fs::write(&file, "[{\"a\": 1},\n {\"a\": oops}]").unwrap();
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.profile = Some("acme".to_owned());
    plan.datasets = vec![file.to_str().unwrap().to_owned()];
    let flight = bench.desk.check(plan.clone(), nothing_of_it()).await.unwrap();
    assert!(flight.broken.unwrap().contains("line 2"));
    assert!(refused(bench.desk.begin(flight.number)).await.contains("check it again"));

    plan.datasets = vec!["-".to_owned()];
    assert!(refused(bench.desk.check(plan, nothing_of_it())).await.contains("keys come from"));
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_stops_reading() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Genesys).await;
    let file = bench.folder.path().join("a.ndjson");
    std::fs::write(&file, "{\"some\":\"record\"}\n".repeat(1 << 20)).unwrap();
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.profile = Some("acme".to_owned());
    plan.datasets = vec![file.to_str().unwrap().to_owned()];
    let (told, mut first) = tokio::sync::mpsc::channel(1);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let count = Arc::new(AtomicUsize::new(0));
    let progress: Progress = {
        let count = Arc::clone(&count);
        Arc::new(move |_, _| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                told.try_send(()).unwrap();
                let _ = lock(&wait).recv();
            }
        })
    };
    let weak = Arc::downgrade(&progress);
    let check = tokio::spawn(bench.desk.check(plan, progress));
    first.recv().await.unwrap();
    check.abort();
    assert!(check.await.unwrap_err().is_cancelled());
    drop(go_on);
    // it is let go of by the thread that read
    while weak.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_new_secret_is_used_by_the_next_resume() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let flight = bench.desk.check(bench.contacts(&["a", "b"]), nothing_of_it()).await.unwrap();
    bench.desk.replace_secret("acme".to_owned(), Secret::new("wrong".to_owned())).await.unwrap();
    let started = bench.desk.begin(flight.number).await.unwrap();
    let mut changes = started.live.changes();
    while !matches!(started.live.figures().phase, Phase::Faulted(_)) {
        changes.changed().await.unwrap();
    }
    let elsewhere = refused(bench.desk.practise(OperationKind::Exchange)).await;
    assert!(elsewhere.contains("one run at a time"), "{elsewhere}");
    assert!(started.live.command(Command::Drain));
    assert_eq!(bench.ended().await, RunState::Faulted);
    let row = &bench.desk.profiles().await.unwrap().all[0];
    assert_eq!(row.unfinished, [started.row.id.prefix()]);

    let kept = bench.desk.replace_secret("acme".to_owned(), Secret::new(format!("{CLIENT_SECRET}\n"))).await;
    assert_eq!(kept, Ok(Kept::ForGood));
    let again = bench.desk.resume(started.row.id).await.unwrap();
    assert_eq!((again.row.id, again.keeps), (started.row.id, Keeps::Journal));
    assert_eq!(bench.ended().await, RunState::Completed);
    assert!(refused(bench.desk.resume(started.row.id)).await.contains("completed"));
    assert_eq!(bench.sandbox.ledger()["outcomes"]["applied"], 2);
}

#[tokio::test]
async fn failures_are_closed_reopened_and_sent_again_by_whoever_has_the_run() {
    let bench = Bench::set_up("").await;
    bench.saved(PlatformKind::Cxone).await;
    let started = bench.begun(bench.contacts(&["a", "unknown-1", "unknown-2"])).await;
    assert_eq!(bench.ended().await, RunState::CompletedWithFailures);
    let (run, by) = (started.row.id, || "sam".to_owned());
    let failures = Bench::failures(&started, &[FailureState::Failed]);
    assert_eq!(failures.len(), 2);

    let elsewhere = Desk::open(&house(bench.folder.path()));
    let taken = started.journal.take(&started.row).unwrap();
    let closing = Judgement::Dismiss("known".to_owned());
    let answer = elsewhere.judge(run, failures.clone(), closing.clone(), by());
    assert!(refused(answer).await.contains("carried out by"));
    assert!(refused(elsewhere.retry(run, vec![failures[0].item], by())).await.contains("carried out by"));
    drop(taken);

    elsewhere.judge(run, failures.clone(), closing, by()).await.unwrap();
    assert_eq!(Bench::state(&started), RunState::Completed);
    elsewhere.judge(run, vec![failures[0]], Judgement::Reopen, by()).await.unwrap();
    assert_eq!(Bench::state(&started), RunState::CompletedWithFailures);
    elsewhere.retry(run, vec![failures[0].item], by()).await.unwrap();
    let took = started.live.figures().elapsed;
    let handle = elsewhere.last().await.unwrap().handle;
    assert_eq!(handle.ended().await.state, RunState::CompletedWithFailures);
    let (now, kept) = (handle.figures().elapsed, handle.row().unwrap().took);
    assert!(now > took, "the time of the retry comes to that of the run: {now:?} {took:?}");
    assert_eq!(kept.as_millis(), now.as_millis(), "as it is read again later");
    assert!(refused(elsewhere.cancel(run, by())).await.contains("nothing to cancel"));
}

#[tokio::test]
async fn a_run_that_stands_still_is_cancelled_for_good() {
    let bench = Bench::set_up("forbidden = [\"outcomes\"]\n").await;
    bench.saved(PlatformKind::Cxone).await;
    let mut plan = bench.contacts(&["a"]);
    plan.set("preflight", "false").unwrap();
    let started = bench.begun(plan).await;
    let mut changes = started.live.changes();
    while !matches!(started.live.figures().phase, Phase::Faulted(_)) {
        changes.changed().await.unwrap();
    }
    assert!(started.live.command(Command::Drain));
    assert_eq!(bench.ended().await, RunState::Faulted);
    bench.desk.cancel(started.row.id, "sam".to_owned()).await.unwrap();
    assert_eq!(Bench::state(&started), RunState::Cancelled);
    assert!(refused(bench.desk.resume(started.row.id)).await.contains("cancelled"));
}

#[tokio::test]
async fn who_practises_leaves_nothing_behind_and_can_mend_what_failed() {
    let bench = Bench::set_up("").await;
    let started = bench.desk.practise(OperationKind::Exchange).await.unwrap();
    assert_eq!((started.row.profile.as_str(), started.keeps), ("sandbox", Keeps::Nothing));
    assert_eq!(bench.ended().await, RunState::CompletedWithFailures);
    let failures = Bench::failures(&started, &[FailureState::Failed]);
    assert!(!failures.is_empty());
    let run = started.row.id;
    let again = bench.desk.retry(run, vec![failures[0].item], "sam".to_owned()).await.unwrap();
    assert_eq!((again.row.id, again.keeps), (run, Keeps::Nothing));
    bench.ended().await;
    let closing = Judgement::Dismiss("enough".to_owned());
    bench.desk.judge(run, vec![failures[0]], closing, "sam".to_owned()).await.unwrap();

    assert!(!bench.folder.path().join("data").exists(), "it is not in the person's own journal");
    let folder = started.journal.data_folder().to_owned();
    assert!(folder.exists());
    drop(bench.desk);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_saved_plan_finds_its_dataset_wherever_it_is_read_and_no_file_is_written_over() {
    let bench = Bench::set_up("").await;
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.datasets = vec!["Cargo.toml".to_owned()];
    let path = bench.folder.path().join("plan.toml");
    assert_eq!(bench.desk.save_plan(plan.clone(), path.clone()).await, Ok(path.clone()));
    let here = std::env::current_dir().unwrap().join("Cargo.toml");
    assert_eq!(Plan::load(&path).unwrap().datasets, [here.to_str().unwrap()]);
    plan.datasets.clear();
    assert!(refused(bench.desk.save_plan(plan, path.clone())).await.contains("there already"));
    assert_eq!(Plan::load(&path).unwrap().datasets.len(), 1);
}

#[tokio::test]
async fn what_the_process_without_a_screen_is_told_is_enough_for_it_to_go_on() {
    let bench = Bench::set_up("[latency]\nmin = \"20ms\"\nmax = \"20ms\"\n").await;
    bench.saved(PlatformKind::Cxone).await;
    let ids: Vec<String> = (0..40).map(|number| format!("c{number}")).collect();
    let mut plan = bench.contacts(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    plan.set_all(&[("workers", "1"), ("rate", "0")]).unwrap();
    let started = bench.begun(plan).await;
    let mut changes = started.live.changes();
    while started.live.figures().records.delivered < 3 {
        changes.changed().await.unwrap();
    }
    assert!(started.live.command(Command::Drain));
    assert_eq!(bench.ended().await, RunState::Paused);
    assert!(bench.sandbox.ledger()["outcomes"]["applied"].as_u64() < Some(40));

    let carried = bench.desk.last().await.unwrap();
    let row = carried.handle.row().unwrap();
    let mut words = hand_over::words(&bench.desk.room.house, &carried, &row).unwrap();
    // this process is the test's, and keeps its session
    words.retain(|word| word != "--own-session");
    words.insert(0, "trunkline".into());
    let line = <CommandLine as clap::Parser>::try_parse_from(&words).unwrap();
    assert_eq!(crate::cli::dispatch(line).await.unwrap(), Exit::Done, "{words:?}");
    assert_eq!(Bench::state(&started), RunState::Completed);
    assert_eq!(bench.sandbox.ledger()["outcomes"]["applied"], 40);
}
