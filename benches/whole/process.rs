//! A process: how long it takes, how much memory it has, and what it spends.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What became of a process.
pub struct Ended {
    /// From its start to its end.
    pub took: Duration,
    /// The most memory that it held, in bytes, as the kernel counts it (`VmHWM`).
    pub peak: u64,
    /// How much memory it held meanwhile, in bytes, at even distances.
    pub course: Vec<u64>,
    /// What it said.
    pub said: String,
}

/// Between two looks at the memory of a process.
const LOOK: Duration = Duration::from_millis(5);
/// Looks until the next one is kept.
const KEPT: usize = 20;

/// Runs a process to its end, which has to be a good one.
pub fn run(command: &mut Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let child = command.spawn().unwrap();
    let (id, over) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let memory = scope.spawn(|| {
            let (mut peak, mut course) = (0, Vec::new());
            for look in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                peak = memory_of(id, "VmHWM:").max(peak);
                if look % KEPT == 0 {
                    course.push(memory_of(id, "VmRSS:"));
                }
                std::thread::sleep(LOOK);
            }
            (peak, course)
        });
        let ended = child.wait_with_output().unwrap();
        let took = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(ended.status.success(), "{command:?}: {}", ended.status);
        let (peak, course) = memory.join().unwrap();
        Ended { took, peak, course, said: String::from_utf8(ended.stdout).unwrap() }
    })
}

/// Bytes, as the kernel counts them for a process: the most (`VmHWM:`) or now (`VmRSS:`).
pub fn memory_of(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The time of a processor that a process has spent, to a hundredth of a second.
pub fn spent_by(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // its name, in brackets, may hold anything
    let (_, behind) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        behind.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
