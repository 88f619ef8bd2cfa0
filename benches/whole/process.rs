//! A process, how long it takes and how much memory it has at most.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What became of a process.
pub struct Ended {
    /// From its start to its end.
    pub took: Duration,
    /// The most memory that it held, in bytes, as the kernel counts it (`VmHWM`).
    pub peak: u64,
    /// What it said.
    pub said: String,
}

/// Runs a process to its end, which has to be a good one.
pub fn run(command: &mut Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let child = command.spawn().unwrap();
    let (id, over) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let peak = scope.spawn(|| {
            let mut peak = 0;
            while !over.load(Ordering::Relaxed) {
                peak = peak_of(id).max(peak);
                std::thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        let ended = child.wait_with_output().unwrap();
        let took = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(ended.status.success(), "{command:?}: {}", ended.status);
        Ended { took, peak: peak.join().unwrap(), said: String::from_utf8(ended.stdout).unwrap() }
    })
}

fn peak_of(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}
