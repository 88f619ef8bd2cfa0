//! The store of locks and results: whether it can be asked, and whether it keeps what it is given.

use super::{Area, Calls, Finding, PATIENCE, Subject};
use crate::config::StorePlace;
use crate::coordination::{self, Examined, RedisTraits, redact};

const AREA: Area = Area::Store;

/// What to do with a damaged file.
const SAVE: &str = "keep a copy and remove coordination.db while no run is at work: what was executed before is then no \
                    longer known to have been";

pub(super) async fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let Ok(config) = subject.config else {
        return vec![Finding::unchecked(AREA, "place", "the configuration cannot be read")];
    };
    if let (StorePlace::Redis { url, .. }, Calls::None) = (&config.store, subject.calls) {
        return vec![Finding::unchecked(
            AREA,
            "Redis",
            format!("`{}`: nobody is called (--offline)", redact(url)),
        )];
    }
    if let (StorePlace::Embedded, Some(why)) =
        (&config.store, super::places::out_of_reach(&subject.places.data_dir))
    {
        return vec![Finding::unchecked(AREA, "file", why)];
    }
    match coordination::examine(&config.store, &subject.places.data_dir, PATIENCE).await {
        Ok(Examined::NotMade) => {
            vec![Finding::ok(AREA, "file", "there is none yet: only `execute` needs it")]
        }
        Ok(Examined::File { soundness, .. }) => vec![super::journal::soundness(AREA, &soundness, SAVE)],
        Ok(Examined::Redis(traits)) => of_redis(&traits),
        Err(error) => vec![Finding::of_error(AREA, "place", &error.to_string())],
    }
}

fn of_redis(traits: &RedisTraits) -> Vec<Finding> {
    let version = traits.version.as_deref().unwrap_or("of a version that it does not tell");
    let place = &traits.place;
    let is_old = traits.version.as_deref().and_then(major).is_some_and(|major| major < 6);
    let reached = format!("`{place}` answers: Redis {version}");
    let mut findings = vec![if is_old {
        Finding::bad(AREA, "Redis", reached, "use a Redis 6 or newer")
    } else if traits.is_replica || traits.is_cluster {
        let kind = if traits.is_replica { "a replica" } else { "a cluster" };
        Finding::bad(
            AREA,
            "Redis",
            format!("{reached}, {kind}"),
            "name the primary of one that is no cluster",
        )
    } else {
        Finding::ok(AREA, "Redis", reached)
    }];
    findings.push(eviction(traits));
    findings.push(persistence(traits));
    findings
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// All our keys have an end, so every policy but one may remove them before it.
fn eviction(traits: &RedisTraits) -> Finding {
    let Some(policy) = traits.eviction.as_deref() else {
        return Finding::unchecked(
            AREA,
            "eviction",
            "it does not tell what it forgets when its memory is full",
        );
    };
    let advice = "set `maxmemory-policy noeviction`: then it refuses to work instead, and a run stands still until it can";
    match (policy, traits.most_memory) {
        ("noeviction", _) => Finding::ok(AREA, "eviction", "it forgets nothing before its time (noeviction)"),
        (policy, Some(0)) => Finding::look(
            AREA,
            "eviction",
            format!("its policy is {policy}; it has no limit of memory, so it forgets nothing as yet"),
            advice,
        ),
        (policy, _) => Finding::bad(
            AREA,
            "eviction",
            format!(
                "when its memory is full it forgets locks and results ({policy}): the same thing may then be executed twice"
            ),
            advice,
        ),
    }
}

fn persistence(traits: &RedisTraits) -> Finding {
    let advice =
        "set `appendonly yes`, unless the platform itself knows keys for as long as results are kept";
    match (traits.appends, traits.saves.as_deref()) {
        (Some(true), _) => Finding::ok(AREA, "persistence", "it writes each change to its disk (AOF)"),
        (Some(false), Some("")) => Finding::look(
            AREA,
            "persistence",
            "it keeps nothing on a disk: after its restart nobody knows what was executed before",
            advice,
        ),
        (Some(false), _) => Finding::look(
            AREA,
            "persistence",
            "it writes snapshots at the most: after a crash the last minutes' results and locks are gone",
            advice,
        ),
        (None, _) => {
            Finding::unchecked(AREA, "persistence", "it does not tell whether it keeps anything on a disk")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn states(traits: &RedisTraits) -> Vec<State> {
        of_redis(traits).into_iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_redis_that_may_forget_a_lock_is_told_of() {
        let sound = RedisTraits {
            version: Some("7.2.4".to_owned()),
            most_memory: Some(0),
            eviction: Some("noeviction".to_owned()),
            appends: Some(true),
            ..RedisTraits::default()
        };
        assert_eq!(states(&sound), [State::Ok; 3]);
        let evicts = RedisTraits {
            most_memory: Some(1_000_000),
            eviction: Some("volatile-lru".to_owned()),
            ..sound.clone()
        };
        assert_eq!(states(&evicts), [State::Ok, State::Bad, State::Ok]);
        let forgets = RedisTraits { appends: Some(false), saves: Some(String::new()), ..sound.clone() };
        assert_eq!(states(&forgets), [State::Ok, State::Ok, State::Look]);
        for bad in [
            RedisTraits { version: Some("5.0.14".to_owned()), ..sound.clone() },
            RedisTraits { is_replica: true, ..sound.clone() },
            RedisTraits { is_cluster: true, ..sound },
        ] {
            assert_eq!(states(&bad)[0], State::Bad, "{bad:?}");
        }
        assert_eq!(states(&RedisTraits::default()), [State::Ok, State::NotChecked, State::NotChecked]);
    }
}
