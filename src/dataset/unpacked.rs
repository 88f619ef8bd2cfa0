//! What is above the file and below the text: gzip and zstd undone, or nothing.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::filling::Broken;
use super::raw::Raw;
use super::{Compression, DatasetError};

/// How much compressed data is read at once.
const PACKED_BUFFER: usize = 256 << 10;

/// A file or stream whose text can be read, however it is compressed.
pub(super) enum Unpacked {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Raw>>>),
}

impl Unpacked {
    pub(super) fn new(raw: Raw) -> Result<Self, DatasetError> {
        let compression = compression(raw.magic());
        if compression == Compression::None {
            return Ok(Self::Plain(raw));
        }
        let path = raw.path().to_owned();
        let packed = BufReader::with_capacity(PACKED_BUFFER, raw);
        if compression == Compression::Gzip {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(packed))));
        }
        zstd::stream::read::Decoder::with_buffer(packed)
            .map(|decoder| Self::Zstd(Box::new(decoder)))
            .map_err(|source| DatasetError::Read { path, source })
    }

    pub(super) const fn compression(&self) -> Compression {
        match self {
            Self::Plain(_) => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }

    /// The file or stream below.
    pub(super) fn raw(&self) -> &Raw {
        match self {
            Self::Plain(raw) => raw,
            Self::Gzip(decoder) => decoder.get_ref().get_ref(),
            Self::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    /// The same, to read on in it whatever became of its text.
    pub(super) fn into_raw(self) -> Raw {
        match self {
            Self::Plain(raw) => raw,
            Self::Gzip(decoder) => decoder.into_inner().into_inner(),
            Self::Zstd(decoder) => decoder.finish().into_inner(),
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(raw) => raw.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }

    pub(super) fn explain(&self, error: io::Error) -> Broken {
        let name = match self {
            Self::Plain(_) => "file's",
            Self::Gzip(_) => "gzip",
            Self::Zstd(_) => "zstd",
        };
        match error.downcast::<DatasetError>() {
            Ok(error) => Broken::Input(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Broken::Text(format!(
                "the {name} data is cut off here: the file was not written or copied to its end"
            )),
            Err(error) => {
                Broken::Text(format!("the {name} data is damaged here ({error}): get the file anew"))
            }
        }
    }
}

/// What compressed data begins with: RFC 1952 §2.3.1, RFC 8878 §3.1.1 and §3.1.2 (a skippable frame).
fn compression(magic: &[u8]) -> Compression {
    match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    }
}
