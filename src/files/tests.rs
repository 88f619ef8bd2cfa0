use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// What may hang is a failure, and no test that hangs.
fn at_once<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, answer) = mpsc::channel();
    std::thread::spawn(move || told.send(what()));
    answer.recv_timeout(Duration::from_secs(20)).expect("it hangs")
}

fn said<T: std::fmt::Debug>(result: io::Result<T>) -> String {
    result.unwrap_err().to_string()
}

/// A folder with one of everything that is no file, and what each of them is called.
fn strange(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let path = |name: &str| folder.join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RWXU).unwrap();
    drop(UnixListener::bind(path("socket")).unwrap());
    fs::create_dir(path("folder")).unwrap();
    vec![
        (path("pipe"), "a pipe"),
        (path("socket"), "a socket"),
        (path("folder"), "a folder"),
        (PathBuf::from("/dev/zero"), "a device"),
    ]
}

#[test]
fn what_is_no_file_is_refused_at_once_and_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (path, what) in strange(folder.path()) {
        let (named, own) = (path.clone(), path.clone());
        let said_of_named = said(at_once(move || open(&named)));
        assert!(said_of_named.starts_with(&format!("it is no regular file but {what}: ")), "{said_of_named}");
        for to in [Use::Reading, Use::Writing, Use::Adding] {
            let own = own.clone();
            assert_eq!(
                said(at_once(move || open_own(&own, to))),
                format!("it is no regular file but {what}: take it away")
            );
        }
    }
}

#[test]
fn the_device_of_nothing_is_a_file_to_read_and_to_add_to_and_no_place_of_ours() {
    let nothing = Path::new("/dev/null");
    assert_eq!(read(nothing, 100).unwrap(), b"");
    assert!(open_own(nothing, Use::Adding).is_ok() && in_the_way_of_log(nothing).is_none());
    for refused in [open_own(nothing, Use::Writing).err(), hold_to_own(nothing).err()] {
        assert!(refused.unwrap().to_string().contains("a device"));
    }
}

#[test]
fn what_is_named_may_be_reached_through_a_link_and_what_is_ours_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link, dangling) =
        (folder.path().join("precious"), folder.path().join("link"), folder.path().join("dangling"));
    fs::write(&file, "precious").unwrap();
    symlink("precious", &link).unwrap();
    symlink("nothing-yet", &dangling).unwrap();
    assert_eq!(read(&link, 100).unwrap(), b"precious");
    for path in [&link, &dangling] {
        for to in [Use::Reading, Use::Writing, Use::Adding] {
            assert_eq!(said(open_own(path, to)), "it is no regular file but a link: take it away", "{to:?}");
        }
    }
    assert!(!folder.path().join("nothing-yet").exists());
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[test]
fn a_link_that_comes_between_the_look_and_the_opening_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    fs::write(folder.path().join("precious"), "precious").unwrap();
    symlink("precious", &link).unwrap();
    // as `open_own` opens it, without its look
    let mut options = OpenOptions::new();
    let opened = options.write(true).custom_flags(flags(OFlags::NOFOLLOW)).open(&link);
    assert_eq!(opened.unwrap_err().raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
}

#[test]
fn ours_is_made_private_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours");
    assert_eq!(open_own(&path, Use::Reading).unwrap_err().kind(), io::ErrorKind::NotFound);
    for (to, after) in [(Use::Adding, "abab"), (Use::Writing, "xbab")] {
        let mut file = open_own(&path, to).unwrap();
        if to == Use::Adding {
            file.write_all(b"ab").unwrap();
            drop(file);
            file = open_own(&path, to).unwrap();
        }
        file.write_all(if to == Use::Adding { b"ab" } else { b"x" }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), after);
    }
    let made = fs::metadata(&path).unwrap();
    assert_eq!((made.permissions().mode() & 0o777, made.len()), (0o600, 4));
    assert_eq!(made.uid(), rustix::process::geteuid().as_raw());
}

#[test]
fn no_more_is_read_than_was_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read(&path, 5).unwrap(), b"12345");
    assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(read(&folder.path().join("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_folder_of_ours_is_no_link_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link, file) =
        (folder.path().join("real"), folder.path().join("link"), folder.path().join("file"));
    hold_to_own_folder(&real).unwrap();
    fs::create_dir(&real).unwrap();
    hold_to_own_folder(&real).unwrap();
    symlink("real", &link).unwrap();
    fs::write(&file, "").unwrap();
    assert!(said(hold_to_own_folder(&link)).starts_with("it is no folder but a link: "));
    assert!(said(hold_to_own_folder(&file)).starts_with("it is no folder but a file: "));
}

#[test]
fn every_link_on_the_way_to_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = std::fs::canonicalize(folder.path()).unwrap();
    let (here, there) = (place.join("here"), place.join("there"));
    for folder in [&here, &there] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(here.join("file"), "").unwrap();
    symlink("../here/file", there.join("second")).unwrap();
    symlink("../here/../there/second", here.join("first")).unwrap();
    symlink(&here, there.join("folder")).unwrap();
    symlink("../there/folder/file", here.join("through")).unwrap();
    symlink("round", here.join("round")).unwrap();
    assert_eq!(links(&here.join("file")), Vec::<PathBuf>::new());
    assert_eq!(links(&here.join("nothing")), Vec::<PathBuf>::new());
    assert_eq!(links(&here.join("first")), [here.join("first"), there.join("second")]);
    assert_eq!(links(&here.join("through")), [here.join("through"), there.join("folder")]);
    assert_eq!(links(&here.join("round")).len(), MOST_LINKS);
}
