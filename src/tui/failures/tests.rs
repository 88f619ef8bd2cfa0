use super::*;
use crate::tui::tests::fixtures::failure;

fn id(item: Seq) -> FailureId {
    item.into()
}

fn around(item: Seq) -> Anchor {
    Anchor::Around(id(item))
}

fn page(anchor: Anchor, items: &[Seq], before: u64, total: u64) -> Page {
    Page {
        anchor,
        rows: items.iter().map(|item| failure(*item)).collect(),
        before,
        total,
        open: total,
        ..Page::default()
    }
}

fn items(rows: &[FailureRow]) -> Vec<Seq> {
    rows.iter().map(|row| row.id.item).collect()
}

#[test]
fn the_cursor_stays_on_its_failure_while_the_list_moves() {
    let mut list = FailureList::default();
    list.take(page(Anchor::Start, &[10, 20, 30], 0, 3));
    list.step(1);
    list.take(page(around(20), &[5, 10, 15, 20, 30, 40], 0, 6));
    assert_eq!(list.current().unwrap().id.item, 20);
    assert_eq!(list.rank(), Some(3));
    assert_eq!(list.new_below(4), 1);
    assert_eq!(list.new_below(5), 0, "the last row is in sight");
}

#[test]
fn a_failure_that_is_gone_hands_the_cursor_to_the_next_one() {
    let mut list = FailureList::default();
    list.take(page(Anchor::Start, &[10, 20, 30], 0, 3));
    list.step(1);
    list.take(page(around(20), &[10, 30], 0, 2));
    assert_eq!(list.cursor, Some(id(30)));
    list.take(page(around(30), &[10], 0, 1));
    assert_eq!(list.cursor, Some(id(10)));
    list.take(page(around(10), &[], 0, 0));
    assert_eq!((list.cursor, list.current().is_none(), list.step(1)), (None, true, None));
    list.settle(5);
    assert!(list.visible(5).is_empty());
}

#[test]
fn more_is_read_before_the_cursor_reaches_the_end_and_once_only() {
    let held: Vec<Seq> = (1000..1512).collect();
    let mut list = FailureList::default();
    list.ask(around(1256));
    list.cursor = Some(id(1256));
    list.take(page(around(1256), &held, 1000, 100_000));
    assert_eq!(list.step(100), None);
    assert_eq!(list.step(100), Some(around(1456)));
    assert_eq!(list.step(10), None, "one page at a time");
    let next: Vec<Seq> = (1200..1712).collect();
    assert_eq!(list.take(page(around(1456), &next, 1200, 100_000)), Some(around(1466)));
    assert_eq!(list.cursor, Some(id(1466)));
}

#[test]
fn keys_that_are_faster_than_the_journal_are_not_lost() {
    let mut list = FailureList::default();
    list.ask(Anchor::Start);
    list.step(1);
    list.step(1);
    assert!(list.is_moving());
    let first: Vec<Seq> = (0..512).collect();
    assert_eq!(list.take(page(Anchor::Start, &first, 0, 100_000)), None);
    assert_eq!((list.cursor, list.is_moving()), (Some(id(2)), false));
    assert_eq!(list.step(500), Some(around(502)));
    list.step(500);
    assert_eq!(
        (list.cursor, list.is_moving()),
        (Some(id(511)), true),
        "it stands at the end of what is held"
    );
    let next: Vec<Seq> = (246..758).collect();
    let again = list.take(page(around(502), &next, 246, 100_000));
    assert_eq!(again, Some(around(757)));
    let next: Vec<Seq> = (501..1013).collect();
    list.take(page(around(757), &next, 501, 100_000));
    assert_eq!((list.cursor, list.is_moving()), (Some(id(1002)), false));
}

#[test]
fn a_jump_is_where_later_keys_go_on_from() {
    let mut list = FailureList::default();
    let held: Vec<Seq> = (0..20).collect();
    list.take(page(Anchor::Start, &held, 0, 20));
    assert_eq!(list.jump(Anchor::End), Some(Anchor::End));
    list.step(-1);
    assert!(list.is_moving());
    list.take(page(Anchor::End, &held, 0, 20));
    assert_eq!((list.cursor, list.is_moving()), (Some(id(18)), false));
}

#[test]
fn what_is_seen_moves_as_little_as_possible() {
    let held: Vec<Seq> = (0..50).collect();
    let mut list = FailureList::default();
    list.take(page(Anchor::Start, &held, 0, 50));
    list.settle(10);
    list.step(9);
    list.settle(10);
    assert_eq!(list.top, Some(id(0)));
    list.step(1);
    list.settle(10);
    assert_eq!(list.top, Some(id(1)));
    list.step(-3);
    list.settle(10);
    assert_eq!(list.top, Some(id(1)));
    assert_eq!(items(list.visible(10)), (1..11).collect::<Vec<_>>());
    list.settle(3);
    assert!(list.visible(3).iter().any(|row| Some(row.id) == list.cursor));
    list.settle(0);
    assert!(list.visible(0).is_empty());
}

#[test]
fn one_that_was_asked_to_be_sent_again_is_marked_until_it_ends() {
    let mut list = FailureList::default();
    list.take(page(Anchor::Start, &[1, 2, 3], 0, 3));
    let row = list.rows[1].clone();
    list.mark_asked(&row);
    list.take(page(around(1), &[1, 2, 3], 0, 3));
    assert!(list.was_asked(id(2)));
    list.take(page(around(1), &[1, 3], 0, 2));
    assert!(!list.was_asked(id(2)));
    let row = list.rows[1].clone();
    list.mark_asked(&row);
    let mut again = page(around(1), &[1, 3], 0, 2);
    again.rows[1].last_at += jiff::SignedDuration::from_secs(9);
    list.take(again);
    assert!(!list.was_asked(id(3)));
}
