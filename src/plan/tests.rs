use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Plan, String> {
    Plan::from_toml(text).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    read(text).expect_err(text)
}

fn ingest(plan: &Plan) -> &Ingest {
    match &plan.operation {
        Operation::Ingest(ingest) => ingest,
        _ => panic!("{plan:?}"),
    }
}

fn outcomes(plan: &Plan) -> &Outcomes {
    match &plan.operation {
        Operation::Outcomes(outcomes) => outcomes,
        _ => panic!("{plan:?}"),
    }
}

const DELIVERY: &str = r#"
[delivery]
workers = 7
rate = 12.5
burst = 3
adapt = false
max_attempts = 9
backoff = { base = "250ms", cap = "1m" }
timeout = "45s"
pool_pause_threshold = "10s"
retry_after_limit = "1h 30m"
throttle_patience = "5m"
unsure = "fail"
fault_after = 0
"#;

#[test]
fn every_key_of_an_ingest_plan_is_read() {
    let text = r#"
profile = "acme"
dataset = ["a.json", "b/*.csv"]
[operation]
kind = "ingest"
path = "/x"
chunk_records = 250
chunk_bytes = 1_000_000
after_failure = "stop"
correlation_window = "2h"
[operation.map]
external_id = "/conversation/id"
duration_seconds = { from = "Duration", as = "integer" }
"#;
    let plan = read(&format!("{text}{DELIVERY}")).unwrap();
    assert_eq!(plan.profile.as_deref(), Some("acme"));
    assert_eq!(plan.datasets, ["a.json", "b/*.csv"]);
    assert_eq!(
        *ingest(&plan),
        Ingest {
            path: "/x".into(),
            chunk_records: 250,
            chunk_bytes: 1_000_000,
            after_failure: AfterFailure::Stop,
            correlation_window: Some(Duration::from_hours(2)),
        }
    );
    assert_eq!(plan.map.as_ref().unwrap()["duration_seconds"]["as"].as_str(), Some("integer"));
    assert_eq!(
        plan.delivery,
        Delivery {
            workers: 7,
            rate: Some(12.5),
            burst: 3,
            adapt: false,
            max_attempts: 9,
            backoff: Backoff { base: Duration::from_millis(250), cap: Duration::from_mins(1) },
            timeout: Timeout { base: Duration::from_secs(45), per_100kb: Duration::ZERO },
            pool_pause_threshold: Duration::from_secs(10),
            retry_after_limit: Duration::from_mins(90),
            throttle_patience: Duration::from_mins(5),
            unsure: Unsure::Fail,
            fault_after: 0,
        }
    );
}

#[test]
fn every_key_of_an_outcomes_plan_is_read() {
    let text = r#"
dataset = "outcomes.csv"
[operation]
kind = "outcomes"
contact_path = "/c/{contactId}"
hierarchy_path = "/h"
preflight = false
check_contacts = true
outcome_map = { SALE = ["Contacted", "Sale"], "NO ANSWER" = ["4", "17"] }
outcome_field = "code"
map = { contactId = "Contact" }
"#;
    let plan = read(&format!("{text}{DELIVERY}")).unwrap();
    let map = [("SALE", ("Contacted", "Sale")), ("NO ANSWER", ("4", "17"))];
    assert_eq!(
        *outcomes(&plan),
        Outcomes {
            contact_path: "/c/{contactId}".into(),
            hierarchy_path: "/h".into(),
            preflight: false,
            check_contacts: true,
            outcome_map: map.map(|(code, (a, b))| (code.into(), (a.into(), b.into()))).into(),
            outcome_field: "code".into(),
        }
    );
    assert_eq!(plan.datasets, ["outcomes.csv"]);
    let alias = read("[operation]\nkind = \"outcomes\"\npath = \"/p/{contactId}\"").unwrap();
    assert_eq!(outcomes(&alias).contact_path, "/p/{contactId}");
    let both =
        "[operation]\nkind = \"outcomes\"\npath = \"/p/{contactId}\"\ncontact_path = \"/c/{contactId}\"";
    assert!(refused(both).starts_with("plan:3:1: `path` in [operation] is `contact_path` by another name"));
}

#[test]
fn each_operation_has_its_own_defaults() {
    let plan = Plan::new(OperationKind::Ingest);
    assert_eq!(read("[operation]\nkind = \"ingest\"").unwrap(), plan);
    assert_eq!(ingest(&plan).path, "/api/v2/analytics/dataactions/ingest");
    assert_eq!((ingest(&plan).chunk_records, ingest(&plan).chunk_bytes), (500, 10_000_000));
    assert_eq!(
        (ingest(&plan).after_failure, ingest(&plan).correlation_window),
        (AfterFailure::Continue, None)
    );
    let common = Delivery {
        workers: 4,
        rate: None,
        burst: 20,
        adapt: true,
        max_attempts: 6,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
        timeout: Timeout { base: Duration::from_secs(30), per_100kb: Duration::from_secs(1) },
        pool_pause_threshold: Duration::from_secs(30),
        retry_after_limit: Duration::from_mins(15),
        throttle_patience: Duration::from_mins(30),
        unsure: Unsure::Retry,
        fault_after: 20,
    };
    assert_eq!(plan.delivery, common);

    let plan = Plan::new(OperationKind::Outcomes);
    assert_eq!(read("[operation]\nkind = \"outcomes\"").unwrap(), plan);
    assert_eq!(outcomes(&plan).contact_path, "/api/v2/contacts/{contactId}");
    assert_eq!(outcomes(&plan).hierarchy_path, "/api/v2/contact/outcomes");
    assert!(outcomes(&plan).preflight && !outcomes(&plan).check_contacts);
    assert_eq!(outcomes(&plan).outcome_field, "outcome_code");
    let own = Delivery {
        workers: 10,
        rate: Some(45.0),
        max_attempts: 4,
        backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(30) },
        timeout: Timeout::from(Duration::from_secs(30)),
        ..common
    };
    assert_eq!(plan.delivery, own);
}

#[test]
fn a_large_chunk_gets_more_time_unless_a_person_says_otherwise() {
    let mut plan = Plan::new(OperationKind::Ingest);
    assert_eq!(plan.delivery.timeout.of(0), Duration::from_secs(30));
    assert_eq!(plan.delivery.timeout.of(50_000), Duration::from_millis(30_500));
    assert_eq!(plan.delivery.timeout.of(10_000_000), Duration::from_secs(130));
    plan.set("timeout", "45s").unwrap();
    assert_eq!(plan.delivery.timeout.of(u64::MAX), Duration::from_secs(45));
    plan.set("timeout", "1m + 500ms/100kB").unwrap();
    assert_eq!(plan.delivery.timeout.of(200_000), Duration::from_secs(61));
    plan.delivery.timeout.per_100kb = Duration::MAX;
    assert!(plan.delivery.timeout.of(u64::MAX) > Duration::from_secs(1_000_000), "it must not overflow");
}

#[test]
fn a_mistake_is_told_with_its_line_its_column_and_the_nearest_key() {
    for (text, expected) in [
        (
            "[operation]\nkind = \"ingets\"",
            "plan:2:8: `kind` in [operation] is `ingets`, which is not an operation; there are ingest, execute, exchange, import, outcomes; did you mean `ingest`?",
        ),
        (
            "[operation]\nkindd = \"ingest\"",
            "plan:2:1: unknown key `kindd` in [operation]; did you mean `kind`?",
        ),
        ("", "plan: `kind` in [operation] is missing: it says which operation the plan is for"),
        (
            "[operation]\nkind = \"ingest\"\nchunk_record = 5",
            "plan:3:1: unknown key `chunk_record` in [operation]; did you mean `chunk_records`?",
        ),
        (
            "[operation]\nkind = \"ingest\"\nchunk_records = \"5\"",
            "plan:3:17: `chunk_records` in [operation] must be a whole number from 0 to 4294967295, not a string",
        ),
        (
            "[operation]\nkind = \"ingest\"\nchunk_records = -5",
            "plan:3:17: `chunk_records` in [operation] must be a whole number from 0 to 4294967295",
        ),
        (
            "[operation]\nkind = \"ingest\"\n[delivery.backoff]\nbse = \"1s\"",
            "plan:4:1: unknown key `bse` in [delivery.backoff]; did you mean `base`?",
        ),
        (
            "[operation]\nkind = \"ingest\"\n[delivery]\nbackoff = 3",
            "plan:4:11: `backoff` in [delivery] must be a table, not a whole number",
        ),
        (
            "[operation]\nkind = \"ingest\"\n[delivery]\ntimeout = 30",
            "plan:4:11: `timeout` in [delivery] must be a duration such as `250ms`, `30s`, `15m` or `1h 30m`, not a whole number",
        ),
        (
            "[operation]\nkind = \"ingest\"\n[delivery]\ntimeout = \"a while\"",
            "plan:4:11: `timeout` in [delivery] must be a duration such as",
        ),
        (
            "[operation]\nkind = \"outcomes\"\noutcome_map = { A = [\"x\"] }",
            "plan:3:21: `A` in [operation.outcome_map] must be a list of two names",
        ),
        (
            "[operation]\nkind = \"ingest\"\npassword = \"hunter2\"",
            "plan:3:1: `password` in [operation]: a secret never stands in this file",
        ),
        ("dataset = 3", "plan:1:11: `dataset` must be a string or a list of strings, not a whole number"),
        ("dataset = []", "plan:1:11: `dataset` must name a file"),
        (
            "dataset = [\"a\", \"b\"]\n[operation]\nkind = \"outcomes\"",
            "plan:1:11: `dataset` must be one file: `outcomes` takes no more",
        ),
    ] {
        let message = refused(text);
        assert!(message.starts_with(expected), "{message}\n  should begin with\n{expected}");
        assert!(!message.contains("hunter2"));
    }
}

#[test]
fn each_rule_is_told_in_a_sentence_at_its_key() {
    for (kind, key, value, expected) in [
        ("ingest", "workers", "0", "must be from 1 to 1000"),
        ("ingest", "workers", "1001", "must be from 1 to 1000"),
        ("ingest", "rate", "-1", "must be 0, for no limit"),
        ("ingest", "rate", "inf", "must be 0, for no limit"),
        ("ingest", "rate", "nan", "must be 0, for no limit"),
        ("ingest", "rate", "1e-300", "must be 0, for no limit"),
        ("ingest", "burst", "0", "must be at least 1"),
        ("ingest", "max_attempts", "0", "must be at least 1"),
        ("ingest", "backoff.base", "31s", "must not be longer than `backoff.cap`"),
        ("ingest", "backoff.base", "0s", "must be longer than nothing"),
        ("ingest", "timeout", "0s", "must be longer than nothing"),
        ("ingest", "throttle_patience", "0s", "must be longer than nothing"),
        ("ingest", "retry_after_limit", "8761h", "must be at most a year"),
        ("ingest", "retry_after_limit", "-3s", "must be a duration"),
        ("ingest", "chunk_records", "0", "must be at least 1"),
        ("ingest", "chunk_bytes", "999", "must be at least 1000"),
        ("ingest", "correlation_window", "0s", "must be longer than nothing"),
        ("ingest", "path", "api", "must begin with `/`"),
        ("ingest", "path", "//evil.example/x", "must not begin with `//`"),
        ("ingest", "path", "'/\\evil.example/x'", "must hold no space"),
        ("outcomes", "contact_path", "/c", "must hold `{contactId}` once"),
        ("outcomes", "outcome_field", "", "must name a field"),
    ] {
        let mut plan = Plan::new(kind.parse().unwrap());
        let before = plan.clone();
        let message = plan.set(key, value).expect_err(key).to_string();
        assert!(message.starts_with(&format!("--set {key}: `{key}` in [")), "{message}");
        assert!(message.contains(expected), "{message}");
        assert_eq!(plan, before, "what is refused changes nothing");
    }
    let placed = refused("[operation]\nkind = \"ingest\"\n[delivery]\nburst = 1\nworkers = 0");
    assert_eq!(placed, "plan:5:11: `workers` in [delivery] must be from 1 to 1000");
}

#[test]
fn every_key_can_be_set_by_itself() {
    let mut plan = Plan::new(OperationKind::Outcomes);
    for (key, value) in [
        ("workers", "3"),
        ("rate", "60"),
        ("backoff.base", "3s"),
        ("backoff", "{ base = '4s', cap = '5s' }"),
        ("unsure", "fail"),
        ("adapt", "false"),
        ("outcome_field", "code"),
        ("outcome_map.SALE", "[\"Contacted\", \"Sale\"]"),
        ("outcome_map.\"NO ANSWER\"", "['a', 'b']"),
        ("path", "/p/{contactId}"),
        ("map.contactId", "/contact/id"),
        ("timeout", "1m"),
        ("check_contacts", "true"),
    ] {
        plan.set(key, value).expect(key);
    }
    assert_eq!((plan.delivery.workers, plan.delivery.rate), (3, Some(60.0)));
    assert_eq!(plan.delivery.backoff, Backoff { base: Duration::from_secs(4), cap: Duration::from_secs(5) });
    assert_eq!((plan.delivery.unsure, plan.delivery.adapt), (Unsure::Fail, false));
    assert_eq!(outcomes(&plan).outcome_field, "code");
    assert_eq!(outcomes(&plan).outcome_map.len(), 2);
    assert_eq!(outcomes(&plan).contact_path, "/p/{contactId}");
    assert_eq!(plan.map.as_ref().unwrap()["contactId"].as_str(), Some("/contact/id"));
    plan.set("rate", "0").unwrap();
    assert_eq!(plan.delivery.rate, None);
}

#[test]
fn settings_that_hold_only_together_are_set_together() {
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.set("backoff.base", "60s").unwrap_err();
    plan.set_all(&[("backoff.base", "60s"), ("backoff.cap", "2m")]).unwrap();
    assert_eq!(plan.delivery.backoff.base, Duration::from_mins(1));
}

#[test]
fn an_unknown_key_names_the_nearest_and_its_section() {
    let mut plan = Plan::new(OperationKind::Ingest);
    for (key, expected) in [
        (
            "wrokers",
            "--set wrokers: unknown key `wrokers` of [operation] or [delivery]; did you mean `workers`?",
        ),
        ("base", "--set base: unknown key `base` of [operation] or [delivery]; did you mean `backoff.base`?"),
        ("backoff.bse", "--set backoff.bse: unknown key `bse` in [delivery.backoff]; did you mean `base`?"),
        ("outcome_field", "--set outcome_field: unknown key `outcome_field` of [operation] or [delivery]"),
        ("workers.x", "--set workers.x: `workers` is a single value and has no `x`"),
        ("kind", "--set kind: the operation is what the plan is for"),
        ("profile", "--set profile: unknown key `profile`"),
        ("", "--set: it must look like"),
        ("a b", "--set a b: it must look like"),
    ] {
        let message = plan.set(key, "1").expect_err(key).to_string();
        assert!(message.starts_with(expected), "{message}\n  should begin with\n{expected}");
    }
}

#[test]
fn a_run_that_has_begun_takes_only_delivery_settings() {
    let mut plan = Plan::new(OperationKind::Ingest);
    plan.set_delivery("workers", "9").unwrap();
    plan.set_delivery("backoff.cap", "9s").unwrap();
    assert_eq!(plan.delivery.workers, 9);
    for key in ["chunk_records", "map.x", "path", "kind"] {
        let message = plan.set_delivery(key, "1").expect_err(key).to_string();
        assert!(message.contains("takes new values only for [delivery]"), "{message}");
    }
    let message = plan.set_delivery("wrokers", "1").unwrap_err().to_string();
    assert!(message.ends_with("unknown key `wrokers` of [delivery]; did you mean `workers`?"), "{message}");
}

#[test]
fn datasets_are_taken_from_where_the_plan_stands() {
    let directory = tempfile::tempdir().unwrap();
    let plans = directory.path().join("pla[n]s");
    std::fs::create_dir(&plans).unwrap();
    let file = plans.join("plan.toml");
    std::fs::write(
        &file,
        "dataset = [\"a.json\", \"b/*.csv\", \"-\", \"/data/c.json\"]\noperation.kind = \"ingest\"\n",
    )
    .unwrap();
    let there = plans.to_str().unwrap();
    let plan = Plan::load(&file).unwrap();
    assert_eq!(
        plan.datasets,
        [
            format!("{there}/a.json"),
            format!("{}/b/*.csv", glob::Pattern::escape(there)),
            "-".into(),
            "/data/c.json".into()
        ]
    );
    std::fs::write(&file, "operation.kind = \"ingest\"\nworkers = 3\n").unwrap();
    let message = Plan::load(&file).unwrap_err().to_string();
    assert!(message.contains("plan.toml:2:1: unknown key `workers`"), "{message}");
    assert!(Plan::load(&plans.join("none.toml")).unwrap_err().to_string().starts_with("reading the plan `"));
}

#[test]
fn a_program_that_changes_a_plan_can_hold_it_to_the_rules() {
    let mut plan = Plan::new(OperationKind::Outcomes);
    plan.validate().unwrap();
    plan.datasets = vec!["a".into(), "b".into()];
    assert_eq!(
        plan.validate().unwrap_err().to_string(),
        "the plan: `dataset` must be one file: `outcomes` takes no more"
    );
}

fn duration(least: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        (least.max(1)..1_000_000_000).prop_map(Duration::from_nanos),
        (least..3_000_000).prop_map(Duration::from_millis),
        (least..3600).prop_map(Duration::from_secs),
    ]
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let pace =
        (1..=1000_u16, prop::option::of(0.001..1_000_000.0_f64), 1..=u32::MAX, any::<bool>(), 1..=u32::MAX);
    let waits = (duration(1), duration(0), duration(1), duration(0), duration(0), duration(0), duration(1));
    (pace, waits, any::<bool>(), any::<u32>()).prop_map(|(pace, waits, retry, fault_after)| Delivery {
        workers: pace.0,
        rate: pace.1,
        burst: pace.2,
        adapt: pace.3,
        max_attempts: pace.4,
        backoff: Backoff { base: waits.0, cap: waits.0 + waits.1 },
        timeout: Timeout { base: waits.2, per_100kb: waits.3 },
        pool_pause_threshold: waits.4,
        retry_after_limit: waits.5,
        throttle_patience: waits.6,
        unsure: if retry { Unsure::Retry } else { Unsure::Fail },
        fault_after,
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,9}", "\\PC{1,9}", any::<String>().prop_filter("not empty", |text| !text.is_empty())]
}

fn operation() -> impl Strategy<Value = Operation> {
    let path = "(/[a-zA-Z0-9._-]{1,9}){1,3}";
    let chunks =
        (path, 1..=u32::MAX, 1000..i64::MAX.unsigned_abs(), any::<bool>(), prop::option::of(duration(1)));
    let ingest = chunks.prop_map(|(path, chunk_records, chunk_bytes, stop, correlation_window)| {
        let after_failure = if stop { AfterFailure::Stop } else { AfterFailure::Continue };
        Operation::Ingest(Ingest { path, chunk_records, chunk_bytes, after_failure, correlation_window })
    });
    let map = prop::collection::btree_map(any::<String>(), (text(), text()), 0..4);
    let outcomes = (path, any::<bool>(), any::<bool>(), map, text());
    let outcomes = outcomes.prop_map(|(path, preflight, check_contacts, outcome_map, outcome_field)| {
        let contact_path = format!("{path}/{{contactId}}");
        Operation::Outcomes(Outcomes {
            contact_path,
            hierarchy_path: path,
            preflight,
            check_contacts,
            outcome_map,
            outcome_field,
        })
    });
    prop_oneof![ingest, outcomes]
}

fn map_value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(toml::Value::String),
        any::<i64>().prop_map(toml::Value::Integer),
        any::<bool>().prop_map(toml::Value::Boolean),
        (-1e9..1e9_f64).prop_map(toml::Value::Float),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|table: BTreeMap<_, _>| toml::Value::Table(table.into_iter().collect())),
        ]
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let map = prop::option::of(prop::collection::btree_map(any::<String>(), map_value(), 0..4));
    (prop::option::of(any::<String>()), prop::collection::vec(text(), 0..4), operation(), map, delivery())
        .prop_map(|(profile, mut datasets, operation, map, delivery)| {
            if operation.kind() == OperationKind::Outcomes {
                datasets.truncate(1);
            }
            Plan { profile, datasets, operation, map: map.map(|map| map.into_iter().collect()), delivery }
        })
}

proptest! {
    #[test]
    fn a_plan_that_is_kept_with_its_run_comes_back_as_it_was(plan in plan()) {
        let text = plan.to_toml();
        let back = Plan::from_toml(&text);
        prop_assert!(back.is_ok(), "{:?}\n{text}", back);
        prop_assert_eq!(back.unwrap(), plan);
    }

    #[test]
    fn no_setting_makes_a_plan_panic_or_invalid(key in "[a-z_.\" ]{0,20}|backoff|rate|timeout|map.x|path", value in any::<String>()) {
        let mut plan = Plan::new(OperationKind::Ingest);
        drop(plan.set(&key, &value));
        prop_assert!(plan.validate().is_ok());
    }
}
