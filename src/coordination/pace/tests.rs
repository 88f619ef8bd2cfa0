use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant as StdInstant;

use tempfile::TempDir;

use super::*;
use crate::model::Stage;
use crate::pacing::{Backoff, Fill, Lane, LaneAnswer, LaneSettings};

const SECOND: Duration = Duration::from_secs(1);
const BEGAN: Moment = Moment::from_nanos(1_800_000_000_000_000_000);

/// A data folder, and a clock that stands until it is moved.
struct House {
    folder: TempDir,
    clock: Arc<AtomicU64>,
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(BEGAN.nanos()));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    /// Opens the file as one more process would: a lock is an open file's.
    fn open(&self) -> FilePace {
        let clock = Arc::clone(&self.clock);
        let clock = move || Moment::from_nanos(clock.load(Ordering::SeqCst));
        FilePace::with_clock(self.folder.path(), &api(), "client", Box::new(clock)).unwrap()
    }

    fn set(&self, moment: Moment) {
        self.clock.store(moment.nanos(), Ordering::SeqCst);
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("pace").join(name(&api(), "client"))
    }
}

fn api() -> Url {
    Url::parse("https://api.mypurecloud.com/").unwrap()
}

fn full() -> Record {
    Record {
        level: Level::Used { empty_at: BEGAN.minus(SECOND), interval: 22_222_223 },
        paused_until: BEGAN.plus(20 * SECOND),
        cap: Some(SharedCap { reference: 45.0, rate: 22.5, raised_at: BEGAN }),
        spared_until: BEGAN.plus(3 * SECOND),
        tokens_from: BEGAN.plus(30 * SECOND),
    }
}

fn write(pace: &FilePace, record: Record) {
    pace.hold(&mut |_, stands| *stands = record).unwrap();
}

fn held(pace: &FilePace) -> Record {
    let mut found = None;
    pace.hold(&mut |_, record| found = Some(*record)).unwrap();
    found.unwrap()
}

fn looked(pace: &FilePace) -> Option<Record> {
    pace.look().map(|(_, record)| record)
}

#[test]
fn what_one_writes_the_other_reads() {
    let house = House::new();
    let (one, other) = (house.open(), house.open());
    assert_eq!((looked(&other), held(&other)), (Some(Record::default()), Record::default()));
    for record in [full(), Record { cap: None, ..full() }, Record::lost(), Record::default()] {
        write(&one, record);
        assert_eq!((looked(&other), held(&other)), (Some(record), record));
    }
    write(&one, full());
    drop((one, other));
    assert_eq!(looked(&house.open()), Some(full()), "and it outlives them");
}

#[test]
fn who_holds_it_holds_it_alone_and_a_step_that_cannot_be_had_is_not_taken() {
    let house = House::new();
    let (one, other) = (house.open(), house.open());
    one.hold(&mut |_, record| {
        let asked = StdInstant::now();
        assert_eq!(other.hold(&mut |_, _| panic!("two at once")), Err(Busy));
        assert!(asked.elapsed() < SECOND / 2, "nobody waits for long");
        *record = full();
    })
    .unwrap();
    assert_eq!(held(&other), full(), "and it is given back");
}

#[test]
fn two_that_count_in_it_lose_no_count() {
    let house = House::new();
    let count = |record: &mut Record| record.spared_until = record.spared_until.plus(Duration::from_nanos(1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let pace = house.open();
            scope.spawn(move || {
                for _ in 0..500 {
                    while pace.hold(&mut |_, record| count(record)).is_err() {}
                }
            });
        }
        let pace = house.open();
        scope.spawn(move || {
            let mut last = Moment::default();
            while last < Moment::from_nanos(2000) {
                // a look sees a whole record, or none
                if let Some(record) = looked(&pace) {
                    assert!(record.spared_until >= last);
                    last = record.spared_until;
                }
            }
        });
    });
}

#[test]
fn a_damaged_short_or_foreign_record_is_one_whose_burst_was_just_used() {
    let house = House::new();
    let pace = house.open();
    write(&pace, full());
    let sound = std::fs::read(house.path()).unwrap();
    let mut damaged = vec![vec![0; SIZE], sound[..SIZE - 1].to_vec(), b"{}".to_vec(), vec![0xff; 4096]];
    for bit in 0..SIZE * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        damaged.push(bytes);
    }
    for bytes in damaged {
        std::fs::write(house.path(), &bytes).unwrap();
        assert_eq!(looked(&pace), None, "a look cannot tell it from one that is being written");
        assert_eq!(held(&pace), Record::lost());
        assert_eq!(looked(&house.open()), Some(Record::lost()), "from then on it is sound");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_over_of_a_wait_is_not_waited_for_again_when_the_clock_is_set_back() {
    let house = House::new();
    let (one, other) = (house.open(), house.open());
    write(&one, full());
    assert_eq!(held(&other), full());
    tokio::time::advance(15 * SECOND).await;
    let back = BEGAN.minus(3600 * SECOND);
    house.set(back);
    assert_eq!(held(&other).paused_until.since(back), 5 * SECOND);
    // written again just now, and so known anew
    tokio::time::advance(2 * SECOND).await;
    let back = back.minus(3600 * SECOND);
    house.set(back);
    assert_eq!(held(&other).paused_until.since(back), 3 * SECOND);
}

#[test]
fn a_clock_that_was_set_back_leaves_waits_as_long_as_they_were() {
    let house = House::new();
    let pace = house.open();
    write(&pace, full());
    let back = BEGAN.minus(Duration::from_hours(10 * 365 * 24));
    house.set(back);
    assert_eq!(looked(&pace), None, "only who holds it puts it right");
    let record = held(&house.open());
    assert_eq!(record.paused_until.since(back), 20 * SECOND);
    assert_eq!(record.spared_until.since(back), 3 * SECOND);
    assert_eq!(record.level, Level::Used { empty_at: back.minus(SECOND), interval: 22_222_223 });
    house.set(back.plus(SECOND));
    assert_eq!(held(&pace), record, "once, not at each look");
    assert_eq!(looked(&pace), Some(record));
}

#[test]
fn tenants_have_their_own_and_only_their_owner_reads_them() {
    let house = House::new();
    write(&house.open(), full());
    let other = |api: &str, client| {
        let pace = FilePace::open(house.folder.path(), &Url::parse(api).unwrap(), client).unwrap();
        looked(&pace).unwrap()
    };
    for (api, client) in [
        ("https://api.mypurecloud.com", "another"),
        ("https://api.mypurecloud.ie", "client"),
        ("https://api.mypurecloud.com:8443", "client"),
        ("https://api.mypurecloud.com", "../../client"),
    ] {
        assert_eq!(other(api, client), Record::default());
    }
    let same = FilePace::open(
        house.folder.path(),
        &Url::parse("https://API.mypurecloud.com:443/v2").unwrap(),
        "client",
    );
    assert_eq!(same.unwrap().path, house.path());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&house.path()), 0o600);
    assert_eq!(mode(house.path().parent().unwrap()), 0o700);
    assert_eq!(std::fs::read_dir(house.path().parent().unwrap()).unwrap().count(), 5);
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pace"), "a file").unwrap();
    let error = FilePace::open(folder.path(), &api(), "client").unwrap_err();
    let said = error.to_string();
    assert!(said.contains(&folder.path().join("pace").display().to_string()), "{said}");
    assert!(said.contains("--data-dir"), "{said}");
}

const SETTINGS: LaneSettings = LaneSettings {
    rate: Some(45.0),
    burst: 20,
    adapt: true,
    pool_pause_threshold: Duration::from_secs(30),
    retry_after_limit: Duration::from_mins(15),
    throttle_patience: Duration::from_mins(30),
    backoff: Backoff { base: SECOND, cap: Duration::from_secs(30) },
};

fn lane(settings: LaneSettings, fill: Fill, pace: FilePace) -> Lane {
    Lane::shared(settings, fill, None, 7, Arc::new(pace))
}

/// Calls that could start at once.
async fn burst(lane: &Lane) -> usize {
    let mut count = 0;
    loop {
        let leave = lane.leave(Stage::Delivery);
        tokio::pin!(leave);
        tokio::select! {
            biased;
            leave = &mut leave => drop(leave),
            () = std::future::ready(()) => return count,
        }
        count += 1;
    }
}

#[tokio::test]
async fn lanes_on_two_open_files_have_one_burst_and_one_pause() {
    let house = House::new();
    let (one, other) = (lane(SETTINGS, Fill::Full, house.open()), lane(SETTINGS, Fill::Full, house.open()));
    assert_eq!(burst(&one).await, 20);
    assert_eq!(burst(&other).await, 0);
    house.set(BEGAN.plus(SECOND / 9));
    assert_eq!((burst(&other).await, burst(&one).await), (4, 0), "five a ninth of a second, rounded down");
    house.set(BEGAN.plus(SECOND));
    let leave = one.leave(Stage::Delivery).await;
    let refused = LaneAnswer::Throttled { retry_after: Some(Duration::from_mins(1)) };
    assert!(one.answered(leave, refused, None).is_some());
    assert_eq!(burst(&other).await, 0);
    let until = other.not_before().unwrap();
    assert!(until >= Instant::now() + 59 * SECOND);
    assert_eq!(other.figures().learnt, Some(22.5));
}

#[tokio::test]
async fn no_burst_comes_of_a_damaged_record_or_a_resume() {
    let house = House::new();
    let pace = house.open();
    std::fs::write(house.path(), "damaged").unwrap();
    assert_eq!(burst(&lane(SETTINGS, Fill::Full, pace)).await, 0);
    let house = House::new();
    assert_eq!(burst(&lane(SETTINGS, Fill::Empty, house.open())).await, 0);
    assert_eq!(burst(&lane(SETTINGS, Fill::Full, house.open())).await, 0);
}

/// Not a test of anything: `cargo test --release --lib what_a_call_costs -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "it measures, and only a person can judge the figures"]
async fn what_a_call_costs() {
    const CALLS: u32 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let open = || FilePace::open(folder.path(), &api(), "client").unwrap();
    let cases = [
        ("without a limit, unshared", None, false),
        ("without a limit", None, true),
        ("with a limit, unshared", Some(1e9), false),
        ("with a limit", Some(1e9), true),
    ];
    for (what, rate, shared) in cases {
        let settings = LaneSettings { rate, burst: 1_000_000, ..SETTINGS };
        let lane = if shared {
            lane(settings, Fill::Full, open())
        } else {
            Lane::new(settings, Fill::Full, None, 7)
        };
        let began = StdInstant::now();
        for _ in 0..CALLS {
            let leave = lane.leave(Stage::Delivery).await;
            lane.answered(leave, LaneAnswer::Accepted, None);
        }
        println!("{what}: {:?} a call", began.elapsed() / CALLS);
    }
}
