//! What this process has around it: a terminal, and what the system allows.

use std::io::IsTerminal;

use rustix::process::{Resource, getrlimit};

use super::{Area, Finding, Subject};
use crate::config::{Glyphs, Theme};
use crate::text::one_line;

/// The board needs so much room to be more than a list.
const COLUMNS: u16 = 80;
const LINES: u16 = 24;

/// Sockets of a thousand workers, and files.
const FILES: u64 = 1100;

pub(super) fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = vec![terminal()];
    if std::io::stdout().is_terminal() {
        findings.push(letters(subject));
        findings.push(colours(subject));
    }
    findings.push(files());
    findings
}

fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn terminal() -> Finding {
    let kind =
        told("TERM").map_or_else(|| "of no kind that TERM tells".to_owned(), |term| one_line(&term, 60));
    if !std::io::stdout().is_terminal() {
        return Finding::ok(
            Area::Terminal,
            "size",
            "standard output is none: runs go on without a board there",
        );
    }
    match crossterm::terminal::size() {
        Ok((columns, lines)) if columns < COLUMNS || lines < LINES => Finding::look(
            Area::Terminal,
            "size",
            format!("{columns} columns and {lines} lines ({kind})"),
            "make the window larger: the board shows a part at a time in this one",
        ),
        Ok((columns, lines)) => {
            Finding::ok(Area::Terminal, "size", format!("{columns} columns and {lines} lines ({kind})"))
        }
        Err(error) => {
            Finding::unchecked(Area::Terminal, "size", format!("it does not tell its size: {error}"))
        }
    }
}

fn letters(subject: &Subject<'_>) -> Finding {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(told).unwrap_or_default();
    let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    let ascii = subject.config.is_ok_and(|config| config.ui.glyphs == Glyphs::Ascii);
    if utf8 || ascii {
        let found = if ascii { "plain signs, by `[ui] glyphs`" } else { "every sign (UTF-8)" };
        return Finding::ok(Area::Terminal, "letters", found);
    }
    Finding::look(
        Area::Terminal,
        "letters",
        "plain signs alone: neither LC_ALL, LC_CTYPE nor LANG names UTF-8",
        "set LANG to a UTF-8 locale, such as `C.UTF-8`",
    )
}

fn colours(subject: &Subject<'_>) -> Finding {
    let by = if told("NO_COLOR").is_some() {
        Some("NO_COLOR")
    } else if subject.config.is_ok_and(|config| config.ui.theme == Theme::Mono) {
        Some("`[ui] theme`")
    } else if told("TERM").as_deref() == Some("dumb") {
        Some("TERM=dumb")
    } else {
        None
    };
    let found =
        by.map_or_else(|| "yes".to_owned(), |by| format!("none, by {by}; nothing is told by them alone"));
    Finding::ok(Area::Terminal, "colours", found)
}

fn files() -> Finding {
    let limit = getrlimit(Resource::Nofile).current;
    match limit {
        Some(limit) if limit < FILES => Finding::look(
            Area::Limits,
            "open files",
            format!("{limit} at once"),
            "`ulimit -n 4096` before a run with hundreds of workers: each needs a connection",
        ),
        Some(limit) => Finding::ok(Area::Limits, "open files", format!("{limit} at once")),
        None => Finding::ok(Area::Limits, "open files", "no limit"),
    }
}
