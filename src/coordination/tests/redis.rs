//! What only a Redis can do to us.

use tokio::time::Instant;

use super::*;
use crate::config::SecretSource;

fn store_at(url: &str, password: Option<SecretSource>) -> Arc<dyn Store> {
    open(&StorePlace::Redis { url: url.parse().unwrap(), password }, "t", Path::new("")).unwrap()
}

async fn refusal(store: &dyn Store) -> StoreError {
    store.claim("k", somebody(1), LEASE, Mark::Respect).await.unwrap_err()
}

/// Far more than the five seconds after which it gives up, and far less than for ever.
const BOUND: Duration = Duration::from_secs(20);

#[tokio::test]
async fn one_that_dies_is_told_in_time_and_one_that_comes_back_is_used_again() {
    let mut server = RedisServer::start();
    let store = store_at(&server.url(), None);
    let first = fence(&*store, "k", somebody(1)).await;
    server.kill();
    let begun = Instant::now();
    let (error, also) = tokio::join!(refusal(&*store), store.status());
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(matches!(&error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.url()), "{error}");
    assert!(matches!(also, Err(StoreError::Unreachable { .. })));

    server.start_again();
    let second = fence(&*store, "k", somebody(2)).await;
    assert!(second > first, "though it has forgotten all fences");
    assert!(store.renew(&[("k".to_owned(), first)], LEASE).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn a_short_outage_is_borne() {
    let mut server = RedisServer::start();
    let store = store_at(&server.url(), None);
    fence(&*store, "k", somebody(1)).await;
    server.kill();
    let (claimed, ()) = tokio::join!(claim(&*store, "k", somebody(2)), async {
        tokio::time::sleep(LEASE).await;
        server.start_again();
    });
    granted(&claimed);
}

#[tokio::test]
async fn one_that_is_silent_is_told_in_time() {
    let server = RedisServer::start();
    let store = store_at(&server.url(), None);
    fence(&*store, "k", somebody(1)).await;
    server.signal("STOP");
    let begun = Instant::now();
    let error = refusal(&*store).await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(matches!(&error, StoreError::Unreachable { .. }), "{error:?}");
    server.signal("CONT");
    fence(&*store, "k2", somebody(2)).await;
}

#[tokio::test]
async fn one_that_was_never_there_is_told_with_the_reason() {
    let mut server = RedisServer::start();
    server.kill();
    let error = refusal(&*store_at(&server.url(), None)).await.to_string();
    assert!(error.contains("refused") && error.contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn one_that_speaks_no_tls_is_not_spoken_to_without() {
    let server = RedisServer::start();
    let store = store_at(&server.url().replace("redis:", "rediss:"), None);
    let error = refusal(&*store).await;
    assert!(matches!(&error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("`rediss://127.0.0.1"), "{error}");
}

#[tokio::test]
async fn scripts_that_it_has_forgotten_are_loaded_again() {
    let server = RedisServer::start();
    let store = store_at(&server.url(), None);
    fence(&*store, "k", somebody(1)).await;
    command(&server, &["SCRIPT", "FLUSH"]).await;
    assert!(is_locked(&claim(&*store, "k", somebody(2)).await));
}

#[cfg(unix)]
#[tokio::test]
async fn a_wrong_password_is_told_and_a_mended_one_is_found() {
    use std::os::unix::fs::PermissionsExt;
    let server = RedisServer::start_with_password("hunter2");
    let error = refusal(&*store_at(&server.url(), None)).await;
    assert!(matches!(&error, StoreError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("`password` in [store]"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let store = store_at(&server.url(), Some(SecretSource::File(file.clone())));
    assert!(matches!(refusal(&*store).await, StoreError::Password(_)));
    for (password, right) in [("hunter3\n", false), ("hunter2\n", true)] {
        std::fs::write(&file, password).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let claimed = store.claim("k", somebody(1), LEASE, Mark::Respect).await;
        assert_eq!(claimed.is_ok(), right, "{claimed:?}");
        if let Err(error) = claimed {
            assert!(matches!(&error, StoreError::Refused { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
        }
    }
    let place = store.status().await.unwrap().place;
    assert!(!place.contains("hunter"), "{place}");
}

#[tokio::test]
async fn a_password_that_is_repeated_is_shown_to_nobody() {
    let server = RedisServer::start_with_password("open-sesame-7");
    let url = server.url().replace("redis://", "redis://:open-sesame-7@");
    let store = super::super::redis::Redis::new(&url.parse().unwrap(), None, "t".to_owned());
    for kind in ["ERR", "NOPERM", "LOADING"] {
        let script = format!("return redis.error_reply('{kind} open-sesame-7 and so on')");
        let error = store.tell(::redis::cmd("EVAL").arg(script).arg(0)).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("and so on") && !told.contains("sesame"), "{kind}: {told}");
    }
    // what stands in a record is told, too, where it is strange
    let record = format!("trunkline:{{t}}:key:{}", tenant::record("k"));
    let mut write = ::redis::cmd("HSET");
    write.arg(&record).arg("kind").arg("open-sesame-7 and so on");
    store.tell(&write).await.unwrap();
    let told = format!("{:?}", refusal(&store).await);
    assert!(told.contains("and so on") && !told.contains("sesame"), "{told}");
}

#[tokio::test]
async fn a_key_of_another_program_is_told_and_left_alone() {
    let server = RedisServer::start();
    let store = store_at(&server.url(), None);
    let record = format!("trunkline:{{{}}}:key:{}", tenant::name("t"), tenant::record("k"));
    command(&server, &["SET", &record, "theirs"]).await;
    assert!(matches!(refusal(&*store).await, StoreError::Refused { .. }));
    command(&server, &["DEL", &record]).await;
    command(&server, &["HSET", &record, "kind", "newer"]).await;
    assert!(matches!(refusal(&*store).await, StoreError::Strange { .. }));
    command(&server, &["HSET", "of:another", "kind", "result"]).await;
    assert_eq!(store.purge(Purge::All).await.unwrap(), 1);
    assert_eq!(command(&server, &["EXISTS", "of:another"]).await, ::redis::Value::Int(1));
}

#[tokio::test]
async fn it_forgets_every_record_by_itself_in_the_end() {
    let server = RedisServer::start();
    let store = store_at(&server.url(), None);
    brief(&*store, "lock", somebody(1)).await;
    store.keep("result", 0, &result("x"), DAY).await.unwrap();
    store.release("unsure", 0, Release::Unsure, DAY).await.unwrap();
    let day = i64::try_from(DAY.as_millis()).unwrap();
    for (key, days) in [("lock", 7), ("result", 1), ("unsure", 1)] {
        let record = format!("trunkline:{{{}}}:key:{}", tenant::name("t"), tenant::record(key));
        let ::redis::Value::Int(left) = command(&server, &["PTTL", &record]).await else { panic!() };
        assert!(left > days * day - 60_000 && left <= days * day + 300, "{key}: {left}");
    }
}

async fn command(server: &RedisServer, words: &[&str]) -> ::redis::Value {
    let client = ::redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.query_async(&mut connection).await.unwrap()
}
