//! The formats in which reports come.

use crate::model::UnknownWord;

/// A format that a report does not have.
pub type UnknownFormat = UnknownWord;

macro_rules! formats {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl std::str::FromStr for $name {
            type Err = UnknownFormat;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord {
                        word: crate::text::one_line(word, 40),
                        what: "a format of this report",
                        known: [$($word),+].join(", "),
                    }),
                }
            }
        }
    };
}

formats! {
    /// The formats of lists that people look at first.
    ListFormat {
        /// Aligned columns for people.
        Table = "table",
        /// An array of objects.
        Json = "json"
    }
}

formats! {
    /// The formats of what programs take over.
    ExportFormat {
        /// RFC 4180, with a header.
        Csv = "csv",
        /// An array of objects.
        Json = "json"
    }
}

formats! {
    /// The formats of what both people and programs read.
    TableFormat {
        /// Aligned columns for people.
        Table = "table",
        /// RFC 4180, with a header.
        Csv = "csv",
        /// An array of objects.
        Json = "json"
    }
}
