use super::*;
use crate::model::OperationKind;

#[test]
fn what_was_changed_of_the_delivery_is_told_and_nothing_else() {
    let mut written = Plan::new(OperationKind::Outcomes);
    written.set("rate", "5").unwrap();
    let mut now = written.clone();
    assert_eq!(changed(&written, &now), Vec::<String>::new());
    now.set_all(&[("workers", "3"), ("backoff.base", "3s"), ("unsure", "fail"), ("rate", "0")]).unwrap();
    let told = changed(&written, &now);
    let pairs: Vec<_> = told.iter().map(|pair| pair.split_once('=').unwrap()).collect();
    written.set_delivery_all(&pairs).unwrap();
    assert_eq!(written, now, "{told:?}");
    assert_eq!(told.len(), 4, "{told:?}");
}

/// A run that nobody carries, and a process that does what the line of shell says; `$0` is the run's folder.
fn handed(line: &str) -> (tempfile::TempDir, Result<(), String>) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let run = RunId::begin();
    let new = crate::journal::NewRun {
        id: run,
        operation: OperationKind::Outcomes,
        profile: "acme".to_owned(),
        platform: OperationKind::Outcomes.platform(),
        api_url: "https://127.0.0.1/".to_owned(),
        auth_url: "https://127.0.0.1/".to_owned(),
        client_id: "i".to_owned(),
        production: false,
        plan: Plan::new(OperationKind::Outcomes).to_toml(),
        until_error: false,
        datasets: Vec::new(),
    };
    drop(journal.begin(&new).unwrap());
    let words = [OsString::from("-c"), line.into(), journal.run_folder(run).unwrap().into()];
    let child = start(Path::new("/bin/sh"), &words).unwrap();
    (folder, wait(child, &journal, run))
}

#[test]
fn a_run_is_handed_over_once_the_other_process_has_it() {
    let (_folder, handed) =
        handed("printf 'sam, process %s' $$ > \"$0/lock\"; exec 9< \"$0/lock\"; flock 9; exec sleep 5");
    assert_eq!(handed, Ok(()));
}

#[test]
fn a_process_that_ends_without_the_run_is_told_of() {
    let (_folder, handed) = handed("exit 2");
    assert!(handed.unwrap_err().contains("ended (exit status: 2)"));
}
