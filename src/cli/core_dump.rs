//! What this process knows stays in it: while it works its memory holds a secret, a token and customers' records, and a
//! core dump would put all of that on a disk, or hand it to a crash reporter.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps, of this process and of those that it starts. On Linux it also keeps other processes of the same
/// user from looking into this one's memory and environment.
pub(super) fn forbid() {
    // less is never refused, but by a sandbox around this process that forbids the asking
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // a program that gets dumps through a pipe has no regard for the limit (core(5))
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dump_is_made_and_nobody_else_looks_into_the_memory() {
        forbid();
        let limit = rustix::process::getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
