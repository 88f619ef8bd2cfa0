//! Files and folders: whether they are there, whose they are, whether they can be written, and on what kind of disk.
//!
//! Whether a folder can be written is tried, with a file that has no name or is gone at once: rights alone tell nothing of a
//! disk that is full, mounted for reading, or held by a quota.

use std::path::{Path, PathBuf};

use super::{Area, Finding, Subject};
use crate::text::one_line;

const AREA: Area = Area::Places;

/// So little room is no room: a journal's log alone takes more.
const NO_ROOM: u64 = 64 * 1024 * 1024;
/// A large run's journal takes that.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;

pub(super) fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let data = &subject.places.data_dir;
    let [_, named_by] = subject.named_by;
    let mut findings = vec![folder("data folder", data, Some(named_by))];
    findings.extend(private("data folder's rights", data, 0o700));
    for name in ["journal.db", "coordination.db"] {
        findings.extend(private(&format!("rights of {name}"), &data.join(name), 0o600));
    }
    let standing = standing(data);
    findings.extend(room(standing));
    findings.extend(disk(standing));
    if let Some(config) = subject.places.config_file.parent() {
        findings.push(folder("configuration folder", config, None));
    }
    findings.extend(obeyed(&subject.places.config_file));
    findings.extend(crate::files::in_the_way_of_log(subject.log).map(|what| {
        let shown = one_line(&subject.log.to_string_lossy(), 300);
        let found = format!("nothing can be logged to `{shown}`: {what}");
        Finding::bad(AREA, "log", found, "name another one, or one that is not there yet, with --log")
    }));
    if let Some(log) = subject.log.parent().filter(|log| *log != data && !log.as_os_str().is_empty()) {
        findings.push(folder("log folder", log, None));
    }
    if let Ok(here) = std::env::current_dir() {
        findings.push(match written(&here) {
            Ok(()) => Finding::ok(AREA, "this folder", "reports and exports can be written here"),
            Err(error) => Finding::look(
                AREA,
                "this folder",
                format!("nothing can be written here: {error}"),
                "give `-o` a path in another folder",
            ),
        });
    }
    findings
}

fn folder(what: &str, path: &Path, named_by: Option<&str>) -> Finding {
    let shown = one_line(&path.to_string_lossy(), 300);
    let by = named_by.map(|by| format!(" ({by})")).unwrap_or_default();
    let name = if what.starts_with("data") { "--data-dir" } else { "--config or --log" };
    let advice = format!("give yourself the right to it, or name another one with {name}");
    if path.is_dir() {
        return match written(path) {
            Ok(()) => Finding::ok(AREA, what, format!("`{shown}`{by} can be written")),
            Err(error) => {
                Finding::bad(AREA, what, format!("`{shown}`{by} cannot be written: {error}"), &advice)
            }
        };
    }
    if path.try_exists().unwrap_or(true) {
        return Finding::bad(AREA, what, format!("`{shown}`{by} is no folder that can be entered"), &advice);
    }
    let above = standing(path);
    match written(above) {
        Ok(()) => {
            Finding::ok(AREA, what, format!("`{shown}`{by} is not there yet; it is made when it is needed"))
        }
        Err(error) => {
            let above = one_line(&above.to_string_lossy(), 300);
            Finding::bad(
                AREA,
                what,
                format!("`{shown}`{by} is not there and cannot be made in `{above}`: {error}"),
                &advice,
            )
        }
    }
}

/// Why nobody can tell what is in the folder, where that is so: whether it is there cannot be seen, or it is none.
pub(super) fn out_of_reach(folder: &Path) -> Option<&'static str> {
    let is_there = folder.try_exists();
    (!folder.is_dir() && !matches!(is_there, Ok(false))).then_some("the data folder cannot be entered")
}

/// The nearest of a path and what is above it that is there.
fn standing(path: &Path) -> &Path {
    path.ancestors().find(|above| above.try_exists().unwrap_or(false)).unwrap_or(Path::new("/"))
}

fn written(folder: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(b"trunkline")?;
    file.sync_all()
}

/// Whether what is private is so; nothing where it is not there.
fn private(what: &str, path: &Path, wanted: u32) -> Option<Finding> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let found = std::fs::metadata(path).ok()?;
    let shown = one_line(&path.to_string_lossy(), 300);
    let mode = found.permissions().mode() & 0o777;
    if found.uid() != rustix::process::geteuid().as_raw() {
        let found = format!("`{shown}` belongs to another user of this machine");
        return Some(Finding::look(AREA, what, found, "run trunkline as the user who owns the data folder"));
    }
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Some(Finding::ok(AREA, what, format!("nobody else may enter or read it ({mode:04o})")));
    }
    let advice = format!("`chmod {wanted:o} {shown}`: records of failures stand in there");
    Some(Finding::look(
        AREA,
        what,
        format!("others of this machine may enter or read it ({mode:04o})"),
        &advice,
    ))
}

/// Whether others decide what stands in the configuration; nothing where there is none.
fn obeyed(path: &Path) -> Option<Finding> {
    const WHAT: &str = "configuration's rights";
    Some(match crate::files::owner::examine_owner(path)? {
        Ok(()) => Finding::ok(AREA, WHAT, "it is yours or root's, and not everybody may change it"),
        Err(error) => Finding::of_error(AREA, WHAT, &error.to_string()),
    })
}

fn room(path: &Path) -> Option<Finding> {
    let told = rustix::fs::statvfs(path).ok()?;
    let left = told.f_bavail.saturating_mul(told.f_frsize);
    let found = format!("{} MB are left on the data folder's disk", crate::text::grouped(left / 1_000_000));
    let advice = "make room there: a run whose journal cannot be written stands still";
    Some(if left < NO_ROOM {
        Finding::bad(AREA, "room", found, advice)
    } else if left < LITTLE_ROOM {
        Finding::look(AREA, "room", found, advice)
    } else {
        Finding::ok(AREA, "room", found)
    })
}

/// SQLite's log needs memory that processes share and locks that hold, and file systems over a network have neither for
/// certain (<https://www.sqlite.org/wal.html>).
#[cfg(target_os = "linux")]
fn disk(path: &Path) -> Option<Finding> {
    // linux/magic.h
    const NETWORK: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
        (0x0bd0_0bd0, "Lustre"),
    ];
    const FUSE: u32 = 0x6573_5546;
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    // the field is as wide as the machine, and the numbers are of 32 bits
    let kind = u32::try_from(u64::try_from(kind).unwrap_or(0) & 0xffff_ffff).unwrap_or(0);
    let advice = "name a folder on a disk of this machine with --data-dir";
    Some(match NETWORK.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => Finding::bad(
            AREA,
            "kind of disk",
            format!("the data folder is on {name}, where a journal can be damaged"),
            advice,
        ),
        None if kind == FUSE => Finding::look(
            AREA,
            "kind of disk",
            "the data folder is on a file system of a program (FUSE), which may be a network's",
            advice,
        ),
        None => Finding::ok(AREA, "kind of disk", "the data folder is on a disk of this machine"),
    })
}

#[cfg(not(target_os = "linux"))]
fn disk(_: &Path) -> Option<Finding> {
    Some(Finding::unchecked(AREA, "kind of disk", "this system does not tell it in a way that is known here"))
}

/// Where a path leads through links, each link on the way, and the folders in which all of them lie: messages name them.
pub(super) fn behind(path: &Path, shown: &'static str) -> Vec<(PathBuf, &'static str)> {
    let mut all = crate::files::links(path);
    all.extend(std::fs::canonicalize(path));
    let folders =
        all.iter().flat_map(|path| path.ancestors().skip(1)).filter(|path| path.components().count() > 2);
    let folders: Vec<_> = folders.map(|path| (path.to_owned(), "<a folder>")).collect();
    all.into_iter().map(|path| (path, shown)).chain(folders).collect()
}

/// What is shown of a path in a file that is given away is decided there, by these.
pub(super) fn known(subject: &Subject<'_>) -> Vec<(PathBuf, &'static str)> {
    let mut known = vec![
        (subject.places.data_dir.clone(), "<data folder>"),
        (subject.places.config_file.clone(), "<configuration>"),
        (subject.log.to_owned(), "<log>"),
    ];
    known.extend(subject.places.config_file.parent().map(|path| (path.to_owned(), "<configuration folder>")));
    known.extend(subject.log.parent().map(|path| (path.to_owned(), "<log folder>")));
    known.extend(std::env::var_os("XDG_RUNTIME_DIR").map(|path| (path.into(), "<runtime folder>")));
    known.extend(behind(&subject.places.config_file, "<configuration>"));
    known.extend(behind(&subject.places.data_dir, "<data folder>"));
    known.extend(std::env::current_dir().ok().map(|path| (path, "<this folder>")));
    known.extend(std::env::home_dir().map(|path| (path, "~")));
    known.retain(|(path, _)| path.components().count() > 1);
    known
}
