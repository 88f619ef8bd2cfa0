//! *2 Datasets*, and what is in a file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixtures::*;
use super::pictures::{picture, pictures};
use crate::tui::app::{App, Overlay};
use crate::tui::files::{Count, FieldSeen, FileAnswer, FileErrand, FileKind, Listing, Peek, Stamp};
use crate::tui::message::{Effect, Gesture, What};

pub(super) fn listing(name: &str, kind: FileKind, bytes: u64) -> Listing {
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_000_000 + bytes % 86_400);
    Listing { name: name.into(), kind, stamp: Stamp { bytes, modified: Some(modified) } }
}

fn folder() -> Vec<Listing> {
    vec![
        listing("old", FileKind::Folder, 0),
        listing("dispositions.csv", FileKind::Dataset, 18_400_000),
        listing("interactions.ndjson.zst", FileKind::Dataset, 1_204_000_000),
        listing("山田花子-\u{202e}vsc.json", FileKind::Dataset, 812),
        listing("notes.txt", FileKind::Other, 96),
        listing("pipe", FileKind::Strange, 0),
    ]
}

fn answer(app: &mut App, answer: FileAnswer) -> Vec<Effect> {
    tell(app, What::Files(answer))
}

pub(super) fn begun(app: &mut App) {
    let effects =
        answer(app, FileAnswer::Begun { folder: "/home/sam/exports".into(), home: Some("/home/sam".into()) });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Files(FileErrand::List(_)))));
    answer(app, FileAnswer::Listed("/home/sam/exports".into(), Ok(folder())));
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/home/sam/exports").join(name)
}

pub(super) fn count(app: &mut App, name: &str, records: Result<u64, String>) -> Vec<Effect> {
    let stamp = folder().into_iter().find(|one| one.name == *name).unwrap().stamp;
    answer(app, FileAnswer::Counted(path(name), Count { stamp, records }))
}

fn with_folder(size: (u16, u16)) -> App {
    let mut app = empty(size);
    begun(&mut app);
    press(&mut app, "2");
    count(&mut app, "dispositions.csv", Ok(200_000));
    let broken = "`x.json` is malformed at line 3, column 1 (byte 40): a comma is missing";
    count(&mut app, "山田花子-\u{202e}vsc.json", Err(broken.to_owned()));
    app
}

fn errands(effects: &[Effect]) -> Vec<FileErrand> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Files(errand) = effect { Some(errand.clone()) } else { None })
        .collect()
}

fn cursor(app: &App) -> String {
    app.datasets.cursor.clone().unwrap_or_default().to_string_lossy().into_owned()
}

fn notice(app: &App) -> String {
    app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn the_folder() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_folder(size);
        press(&mut app, " ");
        app
    }));
}

#[test]
fn a_folder_with_nothing_to_send() {
    assert_snapshot!(pictures(|size| {
        let mut app = empty(size);
        begun(&mut app);
        answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Ok(Vec::new())));
        press(&mut app, "2");
        app
    }));
}

#[test]
fn names_are_narrowed_and_esc_shows_all_again() {
    let mut app = with_folder((100, 30));
    press(&mut app, "/JSON");
    assert_eq!(app.datasets.count(), 2);
    assert_eq!(cursor(&app), "interactions.ndjson.zst");
    assert_snapshot!(picture(&app));
    tell(&mut app, key(KeyCode::Enter));
    assert_eq!(app.datasets.count(), 2, "Enter keeps it");
    press(&mut app, "j");
    assert!(cursor(&app).contains("山田"), "letters are keys again");
    tell(&mut app, key(KeyCode::Esc));
    assert_eq!(app.datasets.count(), 6);
    assert!(cursor(&app).contains("山田"), "the cursor stays on its file");
    press(&mut app, "/nothing is called so");
    assert!(picture(&app).contains("No name holds `nothing is called so`."));
}

#[test]
fn enter_opens_a_folder_and_backspace_comes_back_to_it() {
    let mut app = with_folder((100, 30));
    tell(&mut app, key(KeyCode::Home));
    press(&mut app, "j");
    assert_eq!(cursor(&app), "old");
    let effects = tell(&mut app, key(KeyCode::Enter));
    assert!(errands(&effects).contains(&FileErrand::List(path("old"))));
    answer(&mut app, FileAnswer::Listed(path("old"), Ok(vec![listing("a.csv", FileKind::Dataset, 4)])));
    assert_eq!(cursor(&app), "a.csv");
    tell(&mut app, key(KeyCode::Backspace));
    // an answer about a folder that was left is for nobody
    answer(&mut app, FileAnswer::Listed(path("old"), Ok(Vec::new())));
    answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Ok(folder())));
    assert_eq!(cursor(&app), "old");
}

#[test]
fn records_are_counted_one_file_after_another_and_esc_stops_it() {
    let mut app = empty((100, 30));
    begun(&mut app);
    assert!(app.datasets.counting.is_none(), "nothing is read before somebody looks");
    let effects = press(&mut app, "2");
    let counts = |effects: &[Effect]| {
        errands(effects).into_iter().filter(|one| matches!(one, FileErrand::Count(_))).collect::<Vec<_>>()
    };
    assert_eq!(counts(&effects), [FileErrand::Count(path("dispositions.csv"))]);
    assert!(counts(&press(&mut app, "jj")).is_empty(), "one file at a time");
    assert!(cursor(&app).contains("山田"));
    let effects = count(&mut app, "dispositions.csv", Ok(5));
    assert_eq!(
        counts(&effects),
        [FileErrand::Count(path("山田花子-\u{202e}vsc.json"))],
        "that under the cursor first"
    );
    let effects = tell(&mut app, key(KeyCode::Esc));
    assert_eq!(errands(&effects), [FileErrand::StopCounting]);
    assert!(counts(&press(&mut app, "k")).is_empty(), "it stays stopped in this folder");
    assert!(notice(&app).is_empty());
}

#[test]
fn a_count_of_a_file_that_changed_since_is_not_shown() {
    let mut app = with_folder((100, 30));
    assert!(picture(&app).contains("200,000"));
    let mut changed = folder();
    changed[1].stamp.bytes += 1;
    answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Ok(changed)));
    assert!(!picture(&app).contains("200,000"));
}

#[test]
fn marks_and_the_cursor_stay_with_their_files_when_the_folder_changes() {
    let mut app = with_folder((100, 30));
    tell(&mut app, key(KeyCode::Home));
    press(&mut app, "jj ");
    assert_eq!(cursor(&app), "interactions.ndjson.zst");
    let mut more = folder();
    more.insert(1, listing("a-new-one.csv", FileKind::Dataset, 7));
    answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Ok(more)));
    assert_eq!(cursor(&app), "interactions.ndjson.zst");
    assert_eq!(app.datasets.marks, [path("dispositions.csv")]);
}

#[test]
fn keys_that_can_t_act_say_why() {
    let mut app = with_folder((100, 30));
    tell(&mut app, key(KeyCode::End));
    assert_eq!(cursor(&app), "pipe");
    press(&mut app, "v");
    assert!(notice(&app).contains("no file that can be read"), "{}", notice(&app));
    tell(&mut app, key(KeyCode::Home));
    press(&mut app, " ");
    assert!(notice(&app).contains("this is a folder"));
    let mut app = board((100, 30));
    begun(&mut app);
    press(&mut app, "2");
    tell(&mut app, key(KeyCode::Enter));
    assert!(notice(&app).contains("this window carries run"), "{}", notice(&app));
}

#[test]
fn a_folder_that_can_t_be_read_says_so_and_has_a_way_back() {
    let mut app = with_folder((80, 24));
    answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Err("permission denied".to_owned())));
    let shown = picture(&app);
    assert!(shown.contains("permission denied") && shown.contains("Backspace goes up"), "{shown}");
    assert!(errands(&tell(&mut app, key(KeyCode::Enter))).contains(&FileErrand::List("/home/sam".into())));
}

#[test]
fn ten_thousand_files_stay_quick() {
    let mut app = empty((140, 40));
    begun(&mut app);
    let many = (0..10_000).map(|n| listing(&format!("file-{n:05}.csv"), FileKind::Dataset, n)).collect();
    answer(&mut app, FileAnswer::Listed("/home/sam/exports".into(), Ok(many)));
    press(&mut app, "2");
    let begin = Instant::now();
    for _ in 0..200 {
        press(&mut app, "j");
    }
    tell(&mut app, key(KeyCode::End));
    assert_eq!(cursor(&app), "file-09999.csv");
    press(&mut app, "/9");
    let _ = picture(&app);
    // 200 keys of 50 ms would be ten seconds
    assert!(begin.elapsed().as_millis() < 4000, "{:?}", begin.elapsed());
}

#[test]
fn a_click_takes_the_cursor_and_a_second_one_opens() {
    let mut app = with_folder((80, 24));
    let row = picture(&app).lines().position(|line| line.contains("old/")).unwrap();
    let click = || What::Mouse(Gesture::Press(5, u16::try_from(row).unwrap()));
    tell(&mut app, click());
    assert_eq!(cursor(&app), "old");
    assert!(errands(&tell(&mut app, click())).contains(&FileErrand::List(path("old"))));
}

pub(super) fn peek() -> Peek {
    let field = |name: &str, types: &[&'static str], records| FieldSeen {
        name: name.to_owned(),
        types: types.to_vec(),
        records,
    };
    let row = |n: u32| {
        vec![
            Some(format!("5d1f-88a0-4c{n:02}")),
            Some("Contacted".to_owned()),
            (!n.is_multiple_of(3)).then(|| "Refused - Price".to_owned()),
            Some("\u{1b}[31m山田\u{202e}".to_owned()),
            Some("x".repeat(120)),
        ]
    };
    Peek {
        format: "CSV between `;`".to_owned(),
        compression: Some("gzip"),
        bytes: 18_400_000,
        fields: vec![
            field("contactId", &["string"], 50),
            field("category", &["string"], 50),
            field("subcategory", &["string", "null"], 33),
            field("agent", &["string"], 50),
            field("remark", &["string"], 50),
        ],
        inner: Vec::new(),
        rows: (0..50).map(row).collect(),
        unusable: Vec::new(),
        broken: None,
        more: true,
    }
}

#[test]
fn the_first_records_of_a_file() {
    assert_snapshot!(pictures(|size| {
        let mut app = with_folder(if size.0 < 60 { (80, 24) } else { size });
        let effects = press(&mut app, "v");
        assert!(errands(&effects).contains(&FileErrand::Peek(path("dispositions.csv"))));
        answer(&mut app, FileAnswer::Peeked(path("dispositions.csv"), Ok(Box::new(peek()))));
        app.size = size;
        app
    }));
}

#[test]
fn the_first_records_scroll_both_ways() {
    let mut app = with_folder((80, 24));
    press(&mut app, "v");
    answer(&mut app, FileAnswer::Peeked(path("dispositions.csv"), Ok(Box::new(peek()))));
    tell(&mut app, key(KeyCode::End));
    tell(&mut app, key(KeyCode::Right));
    tell(&mut app, key(KeyCode::Right));
    let shown = picture(&app);
    assert!(shown.contains("of the first 50") && shown.contains(" 50 "), "{shown}");
    assert!(shown.contains("subcategory") && !shown.contains(" category"), "{shown}");
    assert!(shown.contains("fields 3 to"), "{shown}");
    press(&mut app, "q");
    assert!(app.overlays.is_empty());
}

#[test]
fn a_file_that_is_no_dataset_says_so() {
    let mut app = with_folder((80, 24));
    press(&mut app, "v");
    assert!(picture(&app).contains("The first records are being read…"));
    let why = "`dispositions.csv` is not JSON, NDJSON or CSV: it seems to be XML".to_owned();
    answer(&mut app, FileAnswer::Peeked(path("dispositions.csv"), Err(why)));
    assert!(picture(&app).contains("it seems to be XML"));
    assert!(matches!(app.overlays.last(), Some(Overlay::Preview(_))));
    let name: OsString = "dispositions.csv".into();
    assert_eq!(app.datasets.cursor, Some(name));
}
