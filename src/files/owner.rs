//! Whether a file is this person's own that says where secrets go, a configuration or the certificates to trust: whoever
//! can change it decides that in their place.
//!
//! As `ssh` does it with its own, a file is obeyed that belongs to this user or to root, and that not everybody may
//! write. What counts of a folder is whether everybody may put another file into it, or a link, in the place of the one
//! that lies there: neither where a sticky bit keeps people from each other's files, nor on a disk that cannot be
//! written, as a cluster mounts its configurations. A group may share a file or a folder, and by some systems' umask does.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::links;

/// Why a file is not obeyed that says where secrets go.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// Everybody may write the file.
    #[error(
        "everybody may write `{0}`, and so say where secrets go; take that from them with `chmod o-w {0}`",
        crate::text::path(path)
    )]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The file, or the link that leads to it, is somebody else's, who is not root.
    #[error(
        "`{0}` belongs to another user of this machine (uid {owner}), who so says where secrets go\nhint: read it; then make it yours with `chown \"$USER\" {0}`, or copy it and name the copy",
        crate::text::path(path)
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Everybody may put another file in the place of this one.
    #[error(
        "everybody may put another file in the place of `{0}`, and so say where secrets go\nhint: take that from them with `chmod o-w {1}`, or keep it elsewhere and name it there",
        crate::text::path(path),
        crate::text::path(folder)
    )]
    OpenFolder {
        /// The file.
        path: PathBuf,
        /// The folder that everybody may write.
        folder: PathBuf,
    },
}

/// What the file system says of a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights {
    owner: u32,
    mode: u32,
}

impl Rights {
    fn of(metadata: &Metadata) -> Self {
        Self { owner: metadata.uid(), mode: metadata.mode() }
    }
}

/// Who may own such a file: this user, and root.
type Owners = [u32; 2];

fn owners() -> Owners {
    [rustix::process::geteuid().as_raw(), 0]
}

/// Whether a disk can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Writable,
    ReadOnly,
}

/// What speaks against a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It belongs to that user.
    Foreign(u32),
    /// Everybody may write it.
    Open,
}

fn doubt_of_file(file: Rights, owners: Owners) -> Option<Doubt> {
    if !owners.contains(&file.owner) {
        return Some(Doubt::Foreign(file.owner));
    }
    (file.mode & 0o002 != 0).then_some(Doubt::Open)
}

/// What a link's own rights are means nothing to any system.
fn doubt_of_link(link: Rights, owners: Owners) -> Option<Doubt> {
    (!owners.contains(&link.owner)).then_some(Doubt::Foreign(link.owner))
}

fn doubt_of_folder(folder: Rights, disk: Disk) -> Option<Doubt> {
    let is_open = folder.mode & 0o002 != 0 && folder.mode & 0o1000 == 0;
    (is_open && disk == Disk::Writable).then_some(Doubt::Open)
}

/// Holds the file that was opened at the path to being this person's own.
pub(crate) fn hold_to_owner(path: &Path, opened: &Metadata) -> Result<(), Distrust> {
    hold_to_owners(path, opened, owners())
}

/// Whether the file at the path would be obeyed; nothing where there is none.
pub(crate) fn examine_owner(path: &Path) -> Option<Result<(), Distrust>> {
    let found = fs::metadata(path).ok()?;
    Some(hold_to_owner(path, &found))
}

fn hold_to_owners(path: &Path, opened: &Metadata, owners: Owners) -> Result<(), Distrust> {
    let told = |path: &Path, doubt| match doubt {
        Doubt::Foreign(owner) => Distrust::Foreign { path: path.to_owned(), owner },
        Doubt::Open => Distrust::Open { path: path.to_owned() },
    };
    if let Some(doubt) = doubt_of_file(Rights::of(opened), owners) {
        return Err(told(path, doubt));
    }
    let links = links(path);
    for link in &links {
        let doubt =
            fs::symlink_metadata(link).ok().and_then(|found| doubt_of_link(Rights::of(&found), owners));
        if let Some(doubt) = doubt {
            return Err(told(link, doubt));
        }
    }
    hold_folders(path, links)
}

/// Holds the place to being one where such a file may lie: it is asked before one is made there.
pub(crate) fn hold_place(path: &Path) -> Result<(), Distrust> {
    hold_folders(path, links(path))
}

fn hold_folders(path: &Path, links: Vec<PathBuf>) -> Result<(), Distrust> {
    for folder in folders(path, links) {
        let Ok(found) = fs::metadata(&folder) else { continue };
        if doubt_of_folder(Rights::of(&found), disk(&folder)).is_some() {
            return Err(Distrust::OpenFolder { path: path.to_owned(), folder });
        }
    }
    Ok(())
}

/// The folders in which the name stands, the links on the way, and the file.
fn folders(path: &Path, links: Vec<PathBuf>) -> Vec<PathBuf> {
    let named = std::path::absolute(path).ok();
    let real = fs::canonicalize(path).ok();
    let places = named.into_iter().chain(links).chain(real);
    let mut folders: Vec<PathBuf> = places.filter_map(|mut place| place.pop().then_some(place)).collect();
    folders.dedup();
    folders
}

fn disk(folder: &Path) -> Disk {
    match rustix::fs::statvfs(folder) {
        Ok(told) if told.f_flag.contains(StatVfsMountFlags::RDONLY) => Disk::ReadOnly,
        _ => Disk::Writable,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// Nobody's, and no test runs as them.
    const OTHERS: Owners = [4_000_000_001, 4_000_000_002];

    fn rights(owner: u32, mode: u32) -> Rights {
        Rights { owner, mode }
    }

    #[test]
    fn only_ones_own_file_and_roots_are_obeyed_and_none_that_everybody_writes() {
        let (me, owners) = (1000, [1000, 0]);
        for (file, doubt) in [
            (rights(me, 0o600), None),
            (rights(me, 0o664), None),
            (rights(0, 0o644), None),
            (rights(1001, 0o644), Some(Doubt::Foreign(1001))),
            (rights(65_534, 0o400), Some(Doubt::Foreign(65_534))),
            (rights(1001, 0o666), Some(Doubt::Foreign(1001))),
            (rights(me, 0o602), Some(Doubt::Open)),
            (rights(0, 0o666), Some(Doubt::Open)),
        ] {
            assert_eq!(doubt_of_file(file, owners), doubt, "{file:?}");
        }
        // as root, an ordinary user is somebody else
        assert_eq!(doubt_of_file(rights(me, 0o600), [0, 0]), Some(Doubt::Foreign(me)));
        assert_eq!(doubt_of_link(rights(me, 0o777), owners), None);
        assert_eq!(doubt_of_link(rights(1001, 0o777), owners), Some(Doubt::Foreign(1001)));
    }

    #[test]
    fn a_folder_of_everybodys_is_doubted_unless_it_keeps_people_apart_or_cannot_be_written() {
        for (mode, disk, doubt) in [
            (0o777, Disk::Writable, Some(Doubt::Open)),
            (0o702, Disk::Writable, Some(Doubt::Open)),
            (0o1777, Disk::Writable, None),
            (0o775, Disk::Writable, None),
            (0o755, Disk::Writable, None),
            (0o777, Disk::ReadOnly, None),
        ] {
            assert_eq!(doubt_of_folder(rights(1001, mode), disk), doubt, "{mode:o} {disk:?}");
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "").unwrap();
        let found = fs::metadata(&path).unwrap();
        assert!(hold_to_owner(&path, &found).is_ok());
        let said = hold_to_owners(&path, &found, OTHERS).unwrap_err().to_string();
        let mine = rustix::process::geteuid().as_raw();
        assert!(
            said.contains(&format!(
                "`{}` belongs to another user of this machine (uid {mine})",
                path.display()
            ))
        );
        assert!(said.contains("\nhint: ") && said.contains("chown"), "{said}");
    }

    #[test]
    fn the_folder_of_the_name_counts_and_so_does_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (open, own) = (folder.path().join("open"), folder.path().join("own"));
        for folder in [&open, &own] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("config.toml"), "").unwrap();
        }
        symlink("../open/config.toml", own.join("out.toml")).unwrap();
        symlink("../own/config.toml", open.join("in.toml")).unwrap();
        let said = |path: &Path| examine_owner(path).unwrap().map_err(|error| error.to_string());
        let paths = ["open/config.toml", "own/out.toml", "open/in.toml"].map(|name| folder.path().join(name));
        for (mode, is_refused) in [(0o755, false), (0o777, true), (0o1777, false)] {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            for path in &paths {
                let said = said(path);
                assert_eq!(said.is_err(), is_refused, "{mode:o} {}: {said:?}", path.display());
                let named =
                    said.err().is_none_or(|said| said.contains(&format!("chmod o-w {}", open.display())));
                assert!(named, "{mode:o} {}", path.display());
            }
        }
        assert!(examine_owner(&folder.path().join("none")).is_none());
    }

    #[test]
    fn every_link_on_the_way_counts_and_so_does_the_folder_that_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(folder.path()).unwrap();
        let (own, open) = (place.join("own"), place.join("open"));
        for folder in [&own, &open] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(own.join("config.toml"), "").unwrap();
        symlink("../own/config.toml", open.join("second")).unwrap();
        symlink("../own/../open/second", own.join("first")).unwrap();
        symlink(&own, open.join("folder")).unwrap();
        symlink("../open/folder/config.toml", own.join("through")).unwrap();
        for (mode, is_refused) in [(0o755, false), (0o777, true)] {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            for name in ["first", "through"] {
                let said = examine_owner(&own.join(name)).unwrap();
                assert_eq!(said.is_err(), is_refused, "{mode:o} {name}: {said:?}");
            }
        }
    }
}
