use clap::CommandFactory;

use super::args::{Command, CommandLine};
use super::exit::Exit;
use crate::engine::Ending;
use crate::model::{OperationKind, RunState, Stage};
use crate::plan::Plan;

fn read(words: &str) -> Command {
    let words = std::iter::once("trunkline").chain(words.split(' '));
    <CommandLine as clap::Parser>::try_parse_from(words).unwrap().command.unwrap()
}

#[test]
fn what_may_be_typed_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_flag_of_a_key_names_a_key_that_plans_have() {
    let delivery = "--workers 3 --rate 0 --burst 5 --adapt false --max-attempts 2 --timeout 5s --unsure fail --fault-after 0";
    let ingest = "--chunk-records 5 --chunk-bytes 5000 --after-failure stop --correlation-window 24h";
    let Command::Ingest(args) = read(&format!("ingest a.json {delivery} {ingest}")) else { panic!() };
    let mut plan = Plan::new(OperationKind::Ingest);
    let mut keys = [args.chunks.pairs(), args.ingest.pairs()].concat();
    keys.extend(args.sending.delivery.pairs());
    assert_eq!(keys.len(), 12);
    plan.set_all(&keys).unwrap();
    assert_eq!((plan.delivery.workers, plan.delivery.max_attempts), (3, 2));

    let execute = "--action a --wrap inputs --key-scope run --result-ttl 1h";
    let Command::Execute(args) = read(&format!("execute a.json {execute}")) else { panic!() };
    assert_eq!(args.execute.pairs().len(), 4);
    Plan::new(OperationKind::Execute).set_all(&args.execute.pairs()).unwrap();

    let Command::Exchange(args) = read("exchange a.json --schema s.json --isolate false --chunk-records 9")
    else {
        panic!()
    };
    let keys = [args.chunks.pairs(), args.exchange.pairs()].concat();
    assert_eq!(keys.len(), 3);
    Plan::new(OperationKind::Exchange).set_all(&keys).unwrap();

    let Command::Import(args) = read("import a.json --poll-timeout 10s --max-open-jobs 9") else { panic!() };
    assert_eq!(args.import.pairs().len(), 2);
    Plan::new(OperationKind::Import).set_all(&args.import.pairs()).unwrap();

    let outcomes = "--preflight false --check-contacts true --outcome-field code";
    let Command::Outcomes(args) = read(&format!("outcomes a.csv {outcomes}")) else { panic!() };
    let keys = args.outcomes.pairs();
    assert_eq!(keys.len(), 3);
    Plan::new(OperationKind::Outcomes).set_all(&keys).unwrap();
}

#[test]
fn a_value_may_hold_an_equals_sign() {
    let Command::Run(args) = read("run plan.toml --set path=/a=b --set workers=2") else { panic!() };
    assert_eq!(args.sending.any.pairs().unwrap(), [("path", "/a=b"), ("workers", "2")]);
}

#[test]
fn flags_and_the_filter_language_make_one_filter() {
    let Command::Retry(args) = read("retry last --match status:404 --stage delivery --item 3 --item 5")
    else {
        panic!()
    };
    let filter = args.filter.filter().unwrap();
    assert_eq!((filter.status, filter.stage), (Some(404), Some(Stage::Delivery)));
    assert_eq!(filter.items, [3, 5]);
    let Command::Retry(args) = read("retry last --match colour:red") else { panic!() };
    assert_eq!(args.filter.filter().unwrap_err().exit, Exit::Refused);
}

#[test]
fn exit_codes_are_those_that_scripts_rely_on() {
    let codes = RunState::ALL.iter().map(|state| Exit::of(&Ending { state: *state, fault: None }) as u8);
    let told: Vec<_> = RunState::ALL.iter().map(|state| state.word()).zip(codes).collect();
    let wanted = [
        ("running", 4),
        ("paused", 130),
        ("faulted", 3),
        ("completed", 0),
        ("completed_with_failures", 1),
        ("cancelled", 130),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_secret_is_no_argument() {
    let words = ["trunkline", "profile", "add", "a", "--secret", "hunter2"];
    assert!(<CommandLine as clap::Parser>::try_parse_from(words).is_err());
}
