//! The promises of a store, each proved for each of the two.

use super::*;

/// One test a promise and store.
macro_rules! for_both_stores {
    ($($promise:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test] async fn $promise() { super::$promise(&super::Place::embedded()).await; })+
        }
        mod redis {
            $(#[tokio::test] async fn $promise() { super::$promise(&super::Place::redis()).await; })+
        }
    };
}

for_both_stores!(
    a_free_key_is_granted_and_then_locked_for_others,
    a_lease_ends_when_it_does_and_not_before,
    a_renewed_lease_lasts_and_one_that_was_lost_does_not,
    a_holder_takes_its_own_lock_again_at_once_and_its_old_fence_is_stale,
    a_take_over_is_told_again_when_its_answer_is_asked_for_again,
    a_result_is_stored_in_one_step_with_the_end_of_its_lock,
    who_has_found_a_result_is_told_of_other_keys_as_ever,
    a_late_result_is_stored_unless_another_is_there,
    a_result_is_forgotten_at_its_time_and_not_before,
    a_free_release_leaves_the_key_as_it_was,
    a_stale_fence_frees_nothing,
    an_unsure_mark_is_for_everybody_until_it_ends,
    a_retry_by_hand_goes_past_a_mark_and_only_a_result_ends_it,
    a_late_unsure_mark_lies_under_the_lock_of_another,
    a_dead_holders_lock_above_a_mark_ends_as_the_mark,
    of_a_thousand_at_once_one_is_granted,
    two_tenants_never_meet,
    the_whole_store_is_all_tenants_together,
    any_text_can_be_a_key,
    the_status_counts_and_a_purge_removes_what_it_names,
    many_leases_are_renewed_at_once,
    a_lease_of_years_and_one_of_nothing_are_borne,
);

async fn a_free_key_is_granted_and_then_locked_for_others(place: &Place) {
    let (store, other) = (place.open("t"), place.open("t"));
    let first = claim(&*store, "k", somebody(1)).await;
    let Claim::Granted { lease, taken_over: false } = first else { panic!("{first:?}") };
    assert_eq!(lease.key, "k");
    assert!(lease.until.left() > DAY / 2 && lease.until.left() <= DAY);
    for store in [&store, &other] {
        let second = claim(&**store, "k", somebody(2)).await;
        let Claim::Locked { left } = second else { panic!("{second:?}") };
        assert!(left > DAY / 2 && left <= DAY, "{left:?}");
    }
    let second = fence(&*other, "k2", somebody(2)).await;
    assert!(second > lease.fence, "fences ascend");
}

async fn a_lease_ends_when_it_does_and_not_before(place: &Place) {
    let (store, other) = (place.open("t"), place.open("t"));
    let asked = place.now();
    let old = brief(&*store, "k", somebody(1)).await;
    let asks = ("k", somebody(2), Mark::Respect);
    let (answer, after) = place.change(&*other, asks, asked, is_locked).await;
    let (new, taken_over) = granted(&answer);
    assert!(taken_over, "the one before may have executed it");
    assert!(new > old);
    assert!(after >= LEASE, "{after:?}");
    if matches!(place, Place::Embedded { .. }) {
        assert_eq!(after, LEASE, "to the moment");
    }
    assert!(is_locked(&claim(&*store, "k", somebody(1)).await));
    assert_eq!(store.renew(&[("k".to_owned(), old)], LEASE).await.unwrap(), [None]);
}

async fn a_renewed_lease_lasts_and_one_that_was_lost_does_not(place: &Place) {
    let store = place.open("t");
    let long = Duration::from_secs(2);
    let mine = fence(&*store, "k", somebody(1)).await;
    let leases = [("k".to_owned(), mine), ("k".to_owned(), mine + 1), ("nothing".to_owned(), mine)];
    let asked = place.now();
    let renewed = store.renew(&leases, long).await.unwrap();
    assert!(renewed[0].unwrap().left() <= long);
    assert_eq!(renewed[1..], [None, None]);
    let asks = ("k", somebody(2), Mark::Respect);
    let (answer, after) = place.change(&*store, asks, asked, is_locked).await;
    assert!(granted(&answer).1 && after >= long, "{after:?}");

    // one that ended and that nobody took is renewed
    let own = brief(&*store, "own", somebody(1)).await;
    place_passes_until_ended(place, &*store, 1).await;
    assert!(store.renew(&[("own".to_owned(), own)], DAY).await.unwrap()[0].is_some());
    assert!(is_locked(&claim(&*store, "own", somebody(2)).await));
}

/// Waits until so many leases have ended.
async fn place_passes_until_ended(place: &Place, store: &dyn Store, ended: u64) {
    let begun = place.now();
    while store.status().await.unwrap().ended < ended {
        assert!(place.since(begun) < LIMIT);
        place.tick().await;
    }
}

async fn a_holder_takes_its_own_lock_again_at_once_and_its_old_fence_is_stale(place: &Place) {
    let (store, resumed) = (place.open("t"), place.open("t"));
    let holder = somebody(7);
    let (old, _) = granted(&claim(&*store, "k", holder).await);
    let (new, taken_over) = granted(&claim(&*resumed, "k", holder).await);
    assert!(new > old && !taken_over);
    let leases = [("k".to_owned(), old), ("k".to_owned(), new)];
    let renewed = store.renew(&leases, DAY).await.unwrap();
    assert!(renewed[0].is_none() && renewed[1].is_some());
    // another item of the same run is somebody else
    assert!(is_locked(&claim(&*resumed, "k", Holder { item: 8, ..holder }).await));
    store.renew(&leases, LEASE).await.unwrap();
    place_passes_until_ended(place, &*store, 1).await;
    assert!(!granted(&claim(&*resumed, "k", holder).await).1, "its own, ended or not");
}

async fn a_take_over_is_told_again_when_its_answer_is_asked_for_again(place: &Place) {
    let store = place.open("t");
    brief(&*store, "k", somebody(1)).await;
    place_passes_until_ended(place, &*store, 1).await;
    let heir = somebody(2);
    let (first, taken_over) = granted(&claim(&*store, "k", heir).await);
    assert!(taken_over);
    let (second, taken_over) = granted(&claim(&*store, "k", heir).await);
    assert!(taken_over && second > first);
    store.release("k", second, Release::Free, DAY).await.unwrap();
    assert!(!granted(&claim(&*store, "k", heir).await).1, "resolved, so told no more");
}

async fn a_result_is_stored_in_one_step_with_the_end_of_its_lock(place: &Place) {
    let (store, other) = (place.open("t"), place.open("t"));
    let mine = fence(&*store, "k", somebody(1)).await;
    let kept = result("{\"id\": \"1\u{0}\"}");
    assert_eq!(store.keep("k", mine, &kept, DAY).await.unwrap(), Kept::Stored);
    for holder in [somebody(1), somebody(2)] {
        for mark in [Mark::Respect, Mark::Ignore] {
            let answer = other.claim("k", holder, LEASE, mark).await.unwrap();
            assert_eq!(answer, Claim::Stored(kept.clone()));
        }
    }
    assert_eq!(store.renew(&[("k".to_owned(), mine)], LEASE).await.unwrap(), [None]);
    assert_eq!(
        store.keep("k", mine, &kept, DAY).await.unwrap(),
        Kept::Stored,
        "said again, it is true again"
    );
    for how in [Release::Free, Release::Unsure] {
        store.release("k", mine, how, DAY).await.unwrap();
    }
    assert_eq!(claim(&*other, "k", somebody(3)).await, Claim::Stored(kept));

    let empty = StoredResult { status: 204, headers: Vec::new(), body: Bytes::new(), ..result("") };
    store.keep("empty", 0, &empty, DAY).await.unwrap();
    assert_eq!(claim(&*other, "empty", somebody(1)).await, Claim::Stored(empty));
    let large = result(&"\u{0}\r\nx".repeat(1_000_000));
    store.keep("large", 0, &large, DAY).await.unwrap();
    assert_eq!(claim(&*other, "large", somebody(1)).await, Claim::Stored(large));
}

async fn who_has_found_a_result_is_told_of_other_keys_as_ever(place: &Place) {
    let store = place.open("T");
    let fence_of_a = fence(&*store, "a", somebody(1)).await;
    store.keep("a", fence_of_a, &result("done"), DAY).await.unwrap();
    fence(&*store, "locked", somebody(2)).await;
    let unsure = fence(&*store, "unsure", somebody(3)).await;
    store.release("unsure", unsure, Release::Unsure, DAY).await.unwrap();
    let finds = async || match claim(&*store, "a", somebody(4)).await {
        Claim::Stored(found) => assert_eq!(found, result("done")),
        other => panic!("{other:?}"),
    };
    for _ in 0..2 {
        finds().await;
        finds().await;
        assert!(is_locked(&claim(&*store, "locked", somebody(5)).await));
        finds().await;
        assert!(matches!(claim(&*store, "unsure", somebody(6)).await, Claim::Unsure));
        finds().await;
        let free = fence(&*store, "free", somebody(7)).await;
        store.release("free", free, Release::Free, DAY).await.unwrap();
    }
}

async fn a_late_result_is_stored_unless_another_is_there(place: &Place) {
    let store = place.open("t");
    let late = brief(&*store, "k", somebody(1)).await;
    place_passes_until_ended(place, &*store, 1).await;
    let heir = fence(&*store, "k", somebody(2)).await;
    assert_eq!(store.keep("k", late, &result("late"), DAY).await.unwrap(), Kept::Stored);
    assert_eq!(store.keep("k", heir, &result("heir"), DAY).await.unwrap(), Kept::AnotherWas);
    assert_eq!(claim(&*store, "k", somebody(3)).await, Claim::Stored(result("late")));
    assert_eq!(store.renew(&[("k".to_owned(), heir)], LEASE).await.unwrap(), [None]);

    assert_eq!(store.keep("gone", 17, &result("of a journal"), DAY).await.unwrap(), Kept::Stored);
    assert_eq!(claim(&*store, "gone", somebody(3)).await, Claim::Stored(result("of a journal")));

    let unsure = fence(&*store, "m", somebody(1)).await;
    store.release("m", unsure, Release::Unsure, DAY).await.unwrap();
    assert_eq!(store.keep("m", unsure, &result("after all"), DAY).await.unwrap(), Kept::Stored);
    assert_eq!(claim(&*store, "m", somebody(3)).await, Claim::Stored(result("after all")));
}

async fn a_result_is_forgotten_at_its_time_and_not_before(place: &Place) {
    let store = place.open("t");
    let mine = fence(&*store, "k", somebody(1)).await;
    let asked = place.now();
    store.keep("k", mine, &result("x"), LEASE).await.unwrap();
    let is_stored = |claim: &Claim| matches!(claim, Claim::Stored(_));
    let asks = ("k", somebody(2), Mark::Respect);
    let (answer, after) = place.change(&*store, asks, asked, is_stored).await;
    let (next, taken_over) = granted(&answer);
    assert!(next > mine && !taken_over && after >= LEASE, "{after:?}");
}

async fn a_free_release_leaves_the_key_as_it_was(place: &Place) {
    let store = place.open("t");
    let mine = fence(&*store, "k", somebody(1)).await;
    for _ in 0..2 {
        store.release("k", mine, Release::Free, DAY).await.unwrap();
    }
    assert_eq!(store.status().await.unwrap().locks, 0);
    let (next, taken_over) = granted(&claim(&*store, "k", somebody(2)).await);
    assert!(next > mine && !taken_over);
}

async fn a_stale_fence_frees_nothing(place: &Place) {
    let store = place.open("t");
    let holder = somebody(1);
    let old = fence(&*store, "k", holder).await;
    let new = fence(&*store, "k", holder).await;
    for stale in [old, new + 1, 0] {
        store.release("k", stale, Release::Free, DAY).await.unwrap();
    }
    assert!(is_locked(&claim(&*store, "k", somebody(2)).await));
    assert!(store.renew(&[("k".to_owned(), new)], DAY).await.unwrap()[0].is_some());
    store.release("nothing", 1, Release::Free, DAY).await.unwrap();
    assert_eq!(store.status().await.unwrap().locks, 1);
}

async fn an_unsure_mark_is_for_everybody_until_it_ends(place: &Place) {
    let (store, other) = (place.open("t"), place.open("t"));
    let holder = somebody(1);
    let mine = fence(&*store, "k", holder).await;
    for _ in 0..2 {
        store.release("k", mine, Release::Unsure, DAY).await.unwrap();
    }
    assert_eq!(claim(&*other, "k", somebody(2)).await, Claim::Unsure);
    assert_eq!(claim(&*store, "k", holder).await, Claim::Unsure, "its own run's, too");
    store.release("k", mine, Release::Free, DAY).await.unwrap();
    assert_eq!(claim(&*other, "k", somebody(2)).await, Claim::Unsure, "no lock is left to be freed");

    let asked = place.now();
    store.release("brief", mine, Release::Unsure, LEASE).await.unwrap();
    let asks = ("brief", somebody(3), Mark::Respect);
    let (answer, after) = place.change(&*other, asks, asked, |claim| *claim == Claim::Unsure).await;
    assert!(!granted(&answer).1 && after >= LEASE, "{after:?}");
}

async fn a_retry_by_hand_goes_past_a_mark_and_only_a_result_ends_it(place: &Place) {
    let store = place.open("t");
    let mine = fence(&*store, "k", somebody(1)).await;
    store.release("k", mine, Release::Unsure, DAY).await.unwrap();
    let by_hand = somebody(2);
    let again = store.claim("k", by_hand, DAY, Mark::Ignore).await.unwrap();
    assert!(!granted(&again).1);
    assert!(is_locked(&claim(&*store, "k", somebody(3)).await));
    // its run may come back in the middle
    let (again, _) = granted(&claim(&*store, "k", by_hand).await);
    store.release("k", again, Release::Free, DAY).await.unwrap();
    assert_eq!(
        claim(&*store, "k", somebody(3)).await,
        Claim::Unsure,
        "the first call's end is still not known"
    );
    assert_eq!(store.status().await.unwrap().unsure, 1);

    let (again, _) = granted(&store.claim("k", by_hand, DAY, Mark::Ignore).await.unwrap());
    store.keep("k", again, &result("x"), DAY).await.unwrap();
    assert_eq!(claim(&*store, "k", somebody(3)).await, Claim::Stored(result("x")));
}

async fn a_late_unsure_mark_lies_under_the_lock_of_another(place: &Place) {
    let store = place.open("t");
    let late = brief(&*store, "k", somebody(1)).await;
    place_passes_until_ended(place, &*store, 1).await;
    let heir = fence(&*store, "k", somebody(2)).await;
    store.release("k", late, Release::Unsure, DAY).await.unwrap();
    assert!(is_locked(&claim(&*store, "k", somebody(3)).await));
    assert!(store.renew(&[("k".to_owned(), heir)], DAY).await.unwrap()[0].is_some());
    store.release("k", heir, Release::Free, DAY).await.unwrap();
    assert_eq!(claim(&*store, "k", somebody(3)).await, Claim::Unsure);

    // where the lock was forgotten, too
    store.release("gone", late, Release::Unsure, DAY).await.unwrap();
    assert_eq!(claim(&*store, "gone", somebody(3)).await, Claim::Unsure);
}

async fn a_dead_holders_lock_above_a_mark_ends_as_the_mark(place: &Place) {
    let store = place.open("t");
    store.release("k", 1, Release::Unsure, DAY).await.unwrap();
    store.claim("k", somebody(1), LEASE, Mark::Ignore).await.unwrap();
    let asks = ("k", somebody(2), Mark::Respect);
    let (answer, _) = place.change(&*store, asks, place.now(), is_locked).await;
    assert_eq!(answer, Claim::Unsure);
    assert!(granted(&store.claim("k", somebody(3), LEASE, Mark::Ignore).await.unwrap()).1);
}

async fn of_a_thousand_at_once_one_is_granted(place: &Place) {
    let stores = [place.open("t"), place.open("t")];
    let claims = (0..1000).map(|item| {
        let store = Arc::clone(&stores[usize::from(item % 2 == 0)]);
        tokio::spawn(async move { store.claim("k", somebody(item), DAY, Mark::Respect).await.unwrap() })
    });
    let answers = futures_util::future::join_all(claims).await;
    let locked = answers.iter().filter(|answer| is_locked(answer.as_ref().unwrap())).count();
    assert_eq!(locked, 999);
}

async fn two_tenants_never_meet(place: &Place) {
    let (one, other) = (place.open("api.example a"), place.open("api.example ab"));
    let mine = fence(&*one, "k", somebody(1)).await;
    assert!(!granted(&claim(&*other, "k", somebody(2)).await).1);
    other.release("k", mine, Release::Free, DAY).await.unwrap();
    assert!(is_locked(&claim(&*one, "k", somebody(3)).await));
    one.keep("k", mine, &result("x"), DAY).await.unwrap();
    assert!(is_locked(&claim(&*other, "k", somebody(3)).await));
    assert_eq!(other.purge(Purge::All).await.unwrap(), 1);
    assert_eq!(claim(&*one, "k", somebody(3)).await, Claim::Stored(result("x")));
    assert_eq!(other.status().await.unwrap().results, 0);
    assert_eq!(one.status().await.unwrap().results, 1);
}

async fn the_whole_store_is_all_tenants_together(place: &Place) {
    let (one, other) = (place.open("a"), place.open("b"));
    for store in [&one, &other] {
        let mine = fence(&**store, "k", somebody(1)).await;
        store.keep("k", mine, &result("x"), DAY).await.unwrap();
        fence(&**store, "l", somebody(1)).await;
    }
    let whole = place.open_whole();
    let status = whole.status().await.unwrap();
    assert_eq!((status.results, status.locks), (2, 2));
    assert_eq!(whole.purge(Purge::Results).await.unwrap(), 2);
    assert_eq!((one.status().await.unwrap().results, other.status().await.unwrap().locks), (0, 1));
}

async fn any_text_can_be_a_key(place: &Place) {
    let store = place.open("{*}'\"\0\r\nFLUSHALL\r\n; DROP TABLE record");
    let long = "k".repeat(1_000_000);
    let keys = [
        "",
        " ",
        "*",
        "{x}",
        "a\0b",
        "a\0c",
        "'; DROP TABLE record; --",
        "\r\nFLUSHALL\r\n",
        "é\u{202e}",
        &long,
    ];
    for (item, key) in (0..).zip(keys) {
        let mine = fence(&*store, key, somebody(item)).await;
        assert!(is_locked(&claim(&*store, key, somebody(99)).await), "{key:?}");
        store.keep(key, mine, &result(key), DAY).await.unwrap();
    }
    for key in keys {
        assert_eq!(claim(&*store, key, somebody(99)).await, Claim::Stored(result(key)));
    }
    assert_eq!(store.purge(Purge::All).await.unwrap(), keys.len() as u64);
}

async fn the_status_counts_and_a_purge_removes_what_it_names(place: &Place) {
    let store = place.open("t");
    let empty = store.status().await.unwrap();
    assert_eq!(empty, Status { place: empty.place.clone(), ..Status::default() });
    assert!(!empty.place.is_empty());
    brief(&*store, "ended", somebody(1)).await;
    place_passes_until_ended(place, &*store, 1).await;
    for item in 0..3 {
        let claim = store.claim(&format!("locked {item}"), somebody(item), DAY, Mark::Respect).await.unwrap();
        granted(&claim);
    }
    for item in 0..2 {
        store.release(&format!("unsure {item}"), 1, Release::Unsure, DAY).await.unwrap();
    }
    let results = 1234;
    for item in 0..results {
        store.keep(&format!("result {item}"), 0, &result("0123456789"), DAY).await.unwrap();
    }
    let status = store.status().await.unwrap();
    assert_eq!((status.locks, status.ended, status.unsure, status.results), (3, 1, 2, results));
    let headers = serde_json::to_string(&result("").headers).unwrap().len() as u64;
    assert_eq!(status.bytes, (10 + headers) * results);

    assert_eq!(store.purge(Purge::Expired).await.unwrap(), 0, "an ended lease is still news");
    assert_eq!(store.purge(Purge::Results).await.unwrap(), results);
    let status = store.status().await.unwrap();
    assert_eq!((status.locks, status.ended, status.unsure, status.results), (3, 1, 2, 0));
    let before = fence(&*store, "last", somebody(1)).await;
    assert_eq!(store.purge(Purge::All).await.unwrap(), 7);
    assert_eq!(store.status().await.unwrap(), empty);
    let (after, taken_over) = granted(&claim(&*store, "locked 0", somebody(9)).await);
    assert!(after > before && !taken_over, "fences ascend through a purge");
}

async fn many_leases_are_renewed_at_once(place: &Place) {
    let store = place.open("t");
    let holder = somebody(1);
    let mut leases = Vec::new();
    for number in 0..700_u64 {
        let key = format!("k{number}");
        let fence = fence(&*store, &key, holder).await;
        leases.push((key, if number % 100 == 42 { fence + 1 } else { fence }));
    }
    let renewed = store.renew(&leases, DAY).await.unwrap();
    let lost: Vec<usize> = (0..700).filter(|number| renewed[*number].is_none()).collect();
    assert_eq!(lost, [42, 142, 242, 342, 442, 542, 642]);
    assert_eq!(store.renew(&[], DAY).await.unwrap(), []);
}

async fn a_lease_of_years_and_one_of_nothing_are_borne(place: &Place) {
    let store = place.open("t");
    let years = Duration::from_hours(24 * 365 * 50);
    let answer = store.claim("long", somebody(1), years, Mark::Respect).await.unwrap();
    granted(&answer);
    assert!(is_locked(&claim(&*store, "long", somebody(2)).await));
    store.keep("for ever", 0, &result("x"), Duration::MAX).await.unwrap();
    assert_eq!(claim(&*store, "for ever", somebody(2)).await, Claim::Stored(result("x")));

    granted(&store.claim("none", somebody(1), Duration::ZERO, Mark::Respect).await.unwrap());
    let (fence, taken_over) = granted(&claim(&*store, "none", somebody(2)).await);
    assert!(taken_over);
    store.keep("none", fence, &result("x"), Duration::ZERO).await.unwrap();
    granted(&claim(&*store, "none", somebody(3)).await);
}
