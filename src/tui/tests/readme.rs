//! The keys as docs/board.md tells them are those of the table: what a person reads there holds here.

use std::fmt::Write as _;
use std::path::Path;

use crate::tui::actions::{Action, Context, Entry, TABLE};
use crate::tui::app::Pane;

const BEGINS: &str =
    "<!-- keys: made from src/tui/actions/table.rs; `INSTA_UPDATE=always cargo test` writes them anew -->\n";
const ENDS: &str = "<!-- end of keys -->\n";

/// A table of Markdown, a row an action. What only moves is one row, and so are the numbers of the panes.
fn rendered() -> String {
    let mut text = String::from("| where | key | what it does |\n| --- | --- | --- |\n");
    for context in Context::ALL {
        let mut place = context.name();
        let mut row = |keys: &str, words: &str| {
            let _ = writeln!(text, "| {place} | {keys} | {words} |");
            place = "";
        };
        let entries = || TABLE.iter().filter(|entry| entry.context == context);
        let moving: Vec<String> = entries().filter(|entry| moves(entry.action)).map(keys).collect();
        if !moving.is_empty() {
            row(&moving.join(" "), "move");
        }
        for entry in entries().filter(|entry| !moves(entry.action)) {
            match entry.action {
                Action::Focus(Pane::Credentials) => row("`1` to `6`", "give the keys to that pane"),
                Action::Focus(_) => {}
                _ => row(&keys(entry), entry.words),
            }
        }
    }
    text
}

const fn moves(action: Action) -> bool {
    use Action as A;
    matches!(action, A::Up | A::Down | A::PageUp | A::PageDown | A::Home | A::End)
}

fn keys(entry: &Entry) -> String {
    entry.keys.iter().map(|key| format!("`{}`", key.name().replace('|', "\\|"))).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_about_the_board_tells_the_keys_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/board.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGINS).expect("docs/board.md marks where the keys begin");
    let (told, after) = rest.split_once(ENDS).expect("docs/board.md marks where the keys end");
    let rendered = rendered();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, format!("{before}{BEGINS}{rendered}{ENDS}{after}")).unwrap();
        return;
    }
    assert_eq!(told, rendered, "docs/board.md tells other keys than the table");
}
