//! Whether a write-ahead log has lost what was committed to it.
//!
//! Every frame of the log carries a checksum that goes on from the one before it. SQLite uses the log up to the first frame
//! that does not fit, and says nothing: after a crash that is the torn end of what was being written. A frame that was
//! damaged later looks just so, and all that was committed after it is gone; worse, where a checkpoint had brought a part
//! of it into the file already, older pages stand over newer ones. The two can be told apart: each commit is synced
//! before the next begins, so after a torn frame there can be the end of one commit, and never that of two.
//!
//! The format is that of SQLite's documentation, "WAL-mode File Format".

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use crate::files::{self, Use};

const HEADER: usize = 32;
const FRAME: usize = 24;

/// A checksum as it goes on from frame to frame.
type Sum = [u32; 2];

/// Whether the log of this file was damaged after it was written. What stands in its last commit cannot be told.
///
/// # Errors
///
/// It cannot be read.
pub(super) fn is_damaged(log: &Path) -> io::Result<bool> {
    let file = match files::open_own(log, Use::Reading) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER];
    if !fill(&mut reader, &mut header)? {
        return Ok(false);
    }
    let suspect = look(&mut reader, &header)?;
    // another process may have begun the log anew meanwhile
    reader.rewind()?;
    let mut now = [0; HEADER];
    Ok(suspect && fill(&mut reader, &mut now)? && now == header)
}

fn look(reader: &mut impl Read, header: &[u8; HEADER]) -> io::Result<bool> {
    let words = words(header);
    let [magic, _, page, _, salt_one, salt_two, sum_one, sum_two] = words;
    let big_endian = match magic {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(true),
    };
    let page = page as usize;
    if !(512..=65_536).contains(&page) || !page.is_power_of_two() {
        return Ok(true);
    }
    let of_header = header.first_chunk::<24>().map(|head| sum([0; 2], head, big_endian));
    if of_header != Some([sum_one, sum_two]) {
        return Ok(true);
    }
    let mut frame = vec![0; FRAME + page];
    let mut before: [Sum; 2] = [[sum_one, sum_two]; 2];
    let (mut broken, mut commits) = (false, 0);
    while fill(reader, &mut frame)? {
        let Some((head, content)) = frame.split_first_chunk::<FRAME>() else { break };
        let [_, commit, one, two, first, second] = words_of(head);
        let stored = [first, second];
        let from = |start: Sum| {
            let start = head.first_chunk::<8>().map_or(start, |named| sum(start, named, big_endian));
            sum(start, content, big_endian)
        };
        let fits = before.iter().any(|before| from(*before) == stored);
        let ours = [one, two] == [salt_one, salt_two];
        if fits && ours {
            commits += u32::from(broken && commit != 0);
            before = [stored; 2];
        } else if broken {
            break;
        } else {
            // its sum, or what that is of, is wrong: what follows goes on from either
            broken = true;
            commits = u32::from(ours && commit != 0);
            let [start, _] = before;
            before = [stored, from(start)];
        }
        if commits > 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Fills all of it; whether there was enough.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn words(bytes: &[u8; HEADER]) -> [u32; 8] {
    let (words, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|place| words.get(place).map_or(0, |word| u32::from_be_bytes(*word)))
}

fn words_of(bytes: &[u8; FRAME]) -> [u32; 6] {
    let (words, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|place| words.get(place).map_or(0, |word| u32::from_be_bytes(*word)))
}

fn sum(start: Sum, bytes: &[u8], big_endian: bool) -> Sum {
    let number = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (words, _) = bytes.as_chunks::<4>();
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().fold(start, |[one, two], [first, second]| {
        let one = one.wrapping_add(number(*first)).wrapping_add(two);
        [one, two.wrapping_add(number(*second)).wrapping_add(one)]
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A log of ten commits and more, as a crash leaves it.
    fn log(folder: &Path) -> Vec<u8> {
        let path = folder.join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        connection.execute_batch("CREATE TABLE a (n INTEGER, text TEXT)").unwrap();
        for n in 0..10 {
            connection.execute("INSERT INTO a VALUES (?1, hex(randomblob(3000)))", [n]).unwrap();
        }
        std::fs::read(folder.join("a.db-wal")).unwrap()
    }

    fn found(folder: &Path, bytes: &[u8]) -> bool {
        let path = folder.join("copy-wal");
        std::fs::write(&path, bytes).unwrap();
        is_damaged(&path).unwrap()
    }

    #[test]
    fn a_log_that_broke_off_as_it_was_written_is_not_damaged() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_damaged(&folder.path().join("a.db-wal")).unwrap());
        let whole = log(folder.path());
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            assert!(!found(folder.path(), &whole[..random.usize(..=whole.len())]));
        }
        // any part of the last commit may be there
        let last = whole.len() - 3 * (4096 + FRAME);
        for _ in 0..200 {
            let mut torn = whole.clone();
            for sector in torn[last..].chunks_mut(512).filter(|_| random.bool()) {
                sector.fill(0);
            }
            assert!(!found(folder.path(), &torn));
        }
    }

    #[test]
    fn a_bit_that_flipped_before_the_last_commits_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let whole = log(folder.path());
        let last = whole.len() - 8 * (4096 + FRAME);
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..500 {
            let mut harmed = whole.clone();
            let at = if random.bool() { random.usize(..HEADER) } else { random.usize(..last) };
            harmed[at] ^= 1 << random.u8(..8);
            assert!(found(folder.path(), &harmed), "at {at}");
        }
    }
}
