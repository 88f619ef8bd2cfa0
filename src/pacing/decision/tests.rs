use super::*;

/// A batch of ten on its first of three attempts.
const BATCH: Situation = Situation {
    attempts: 1,
    max_attempts: 3,
    records: 10,
    batch: BatchKind::Batch,
    named_indices: false,
    fresh_token: FreshToken::Untried,
    sends: CallKind::Sending,
    in_progress_since: None,
    earlier: Certainty::Sure,
    unsure: UnsurePolicy::Retry,
    unreachable: Unreachable::Faults,
};
const SINGLE: Situation = Situation { records: 1, batch: BatchKind::Single, ..BATCH };
const FAILED: Verdict = Verdict::Fail { unsure: Certainty::Sure };
const FAILED_UNSURE: Verdict = Verdict::Fail { unsure: Certainty::Unsure };

fn status(status: u16, situation: &Situation) -> Verdict {
    decide(Outcome::Status(status), situation)
}

const fn waits(reason: WaitReason, counts: Counts, unsure: Certainty) -> Verdict {
    Verdict::Wait { reason, counts, unsure }
}

#[test]
fn each_status_on_a_single_item_means_what_the_contract_says() {
    use Certainty::{Sure, Unsure};
    let trouble = |unsure| waits(WaitReason::ServerError, Counts::Attempt, unsure);
    for code in 0..=u16::MAX {
        let expected = match code {
            200 | 201 | 202 | 204 => Verdict::Accepted,
            401 => Verdict::FreshToken,
            403 => Verdict::FaultMissingScope,
            408 | 425 | 500 | 503 | 506.. => trouble(Sure),
            429 => waits(WaitReason::RateLimited, Counts::Nothing, Sure),
            502 | 504 => trouble(Unsure),
            203 | 205..=299 => FAILED_UNSURE,
            _ => FAILED,
        };
        assert_eq!(status(code, &SINGLE), expected, "status {code}");
    }
}

#[test]
fn a_second_401_in_a_row_is_a_fault_and_not_the_items() {
    let again = Situation { fresh_token: FreshToken::JustTried, ..SINGLE };
    assert_eq!(status(401, &again), Verdict::FaultClientRefused);
}

#[test]
fn a_429_never_uses_up_an_item() {
    let worn_out = Situation { attempts: 99, ..SINGLE };
    assert_eq!(status(429, &worn_out), waits(WaitReason::RateLimited, Counts::Nothing, Certainty::Sure));
}

#[test]
fn trouble_is_borne_up_to_max_attempts() {
    for attempts in 1..=3 {
        let at = Situation { attempts, ..SINGLE };
        for code in [408, 425, 500, 503, 599] {
            assert_eq!(status(code, &at) == FAILED, attempts == 3, "status {code}, attempt {attempts}");
        }
        assert_eq!(status(502, &at) == FAILED_UNSURE, attempts == 3);
        assert_eq!(decide(Outcome::NoAnswer, &at) == FAILED_UNSURE, attempts == 3);
    }
}

#[test]
fn an_unreachable_host_is_no_items_doing() {
    let network = waits(WaitReason::Network, Counts::Attempt, Certainty::Sure);
    assert_eq!(decide(Outcome::NoConnection, &SINGLE), network);
    let last = Situation { attempts: 3, unsure: UnsurePolicy::Fail, ..SINGLE };
    assert_eq!(decide(Outcome::NoConnection, &last), Verdict::FaultUnreachable);
}

#[test]
fn an_unsure_mark_never_goes_away() {
    let marked = Situation { earlier: Certainty::Unsure, ..SINGLE };
    assert_eq!(status(404, &marked), FAILED_UNSURE);
    assert_eq!(status(500, &Situation { attempts: 3, ..marked }), FAILED_UNSURE);
    let reading = Situation { sends: CallKind::Reading, attempts: 3, ..marked };
    assert_eq!(decide(Outcome::NoAnswer, &reading), FAILED_UNSURE);
}

#[test]
fn what_may_have_been_carried_out_goes_to_a_person_where_the_plan_says_so() {
    let careful = Situation { unsure: UnsurePolicy::Fail, ..SINGLE };
    for outcome in [Outcome::Status(502), Outcome::Status(504), Outcome::NoAnswer] {
        assert_eq!(decide(outcome, &careful), Verdict::Unsure);
        let looking = Situation { sends: CallKind::Reading, ..careful };
        assert!(
            matches!(decide(outcome, &looking), Verdict::Wait { unsure: Certainty::Sure, .. }),
            "a look changes nothing and may be repeated"
        );
    }
    for outcome in [Outcome::Status(500), Outcome::Status(503), Outcome::NoConnection] {
        assert!(matches!(decide(outcome, &careful), Verdict::Wait { unsure: Certainty::Sure, .. }));
    }
}

#[test]
fn a_key_in_progress_elsewhere_is_waited_for_ten_minutes_without_using_attempts() {
    let waiting = waits(WaitReason::InProgress, Counts::Nothing, Certainty::Sure);
    let since = |seconds: Option<u64>| Situation {
        attempts: 99,
        in_progress_since: seconds.map(Duration::from_secs),
        ..SINGLE
    };
    assert_eq!(decide(Outcome::InProgress, &since(None)), waiting);
    assert_eq!(decide(Outcome::InProgress, &since(Some(599))), waiting);
    assert_eq!(decide(Outcome::InProgress, &since(Some(600))), FAILED_UNSURE);
    assert_eq!(status(409, &since(None)), FAILED, "another 409 is a refusal");
}

#[test]
fn what_is_too_large_is_split_until_one_record_is_left() {
    assert_eq!(status(413, &BATCH), Verdict::Split);
    assert_eq!(status(413, &Situation { batch: BatchKind::Single, ..BATCH }), Verdict::Split);
    assert_eq!(status(413, &Situation { records: 1, ..BATCH }), FAILED);
}

#[test]
fn a_refused_batch_is_isolated_and_never_sent_again_as_it_was() {
    let named = Situation { named_indices: true, ..BATCH };
    assert_eq!(status(422, &BATCH), Verdict::Isolate);
    assert_eq!(status(422, &named), Verdict::Isolate);
    assert_eq!(status(400, &named), Verdict::Isolate);
    assert_eq!(status(400, &BATCH), FAILED, "a 400 that names no record is about the whole");
    for code in [400, 422] {
        assert_eq!(status(code, &Situation { records: 1, ..named }), FAILED, "a record that stands alone");
        assert_eq!(status(code, &Situation { batch: BatchKind::Single, ..named }), FAILED);
        assert_eq!(status(code, &Situation { sends: CallKind::Reading, ..named }), FAILED);
    }
}
