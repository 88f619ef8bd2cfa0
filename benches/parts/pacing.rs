//! Leave for one call and what its answer changes: with no limit of ours, and with one that never binds.

use std::time::Duration;

use criterion::Criterion;
use tokio::runtime::Builder;
use trunkline::model::Stage;
use trunkline::pacing::{Backoff, Fill, Lane, LaneAnswer, LaneSettings};

pub fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let mut group = criterion.benchmark_group("pacing");
    for (name, rate) in [("no limiter", None), ("a limiter that never binds", Some(1e9))] {
        let settings = LaneSettings {
            rate,
            burst: 1000,
            adapt: true,
            pool_pause_threshold: Duration::from_secs(30),
            retry_after_limit: Duration::from_mins(15),
            throttle_patience: Duration::from_mins(30),
            backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(30) },
        };
        let lane = Lane::new(settings, Fill::Full, None, 7);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let leave = runtime.block_on(lane.leave(Stage::Delivery));
                lane.answered(leave, LaneAnswer::Accepted, None)
            });
        });
    }
    group.finish();
}
