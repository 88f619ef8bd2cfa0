//! How plain values stand in a document: words, numbers, strings, lists, durations.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::fmt::friendly::{SpanParser, SpanPrinter};
use toml::Value;
use toml::de::DeValue;

use super::document::{DocumentError, Node, Setting};
use super::nearest::hint;
use crate::model::UnknownWord;
use crate::text::one_line;

/// The longest duration that a document may name. A sum of this and any moment still is a moment.
pub(crate) const LONGEST: Duration = Duration::from_hours(365 * 24);

impl<T: Setting> Setting for Option<T> {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        T::read(node).map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.as_ref().and_then(T::write)
    }
}

impl Setting for bool {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        node.value().as_bool().ok_or_else(|| node.mistyped("true or false"))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Boolean(*self))
    }
}

impl Setting for String {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        node.value().as_str().map(str::to_owned).ok_or_else(|| node.mistyped("a string"))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::String(self.clone()))
    }
}

/// Whole numbers. TOML's are signed and have 64 bits, so no more than that can be read or written.
macro_rules! whole_numbers {
    ($($type:ty),+) => { $(
        impl Setting for $type {
            fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
                let wanted = || format!("a whole number from 0 to {}", i64::try_from(<$type>::MAX).unwrap_or(i64::MAX));
                let DeValue::Integer(number) = node.value() else { return Err(node.mistyped(&wanted())) };
                i64::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .and_then(|number| Self::try_from(number).ok())
                    .ok_or_else(|| node.error(&format!("must be {}", wanted())))
            }

            fn write(&self) -> Option<Value> {
                Some(Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX)))
            }
        }
    )+ };
}
whole_numbers!(u16, u32, u64);

impl Setting for f64 {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let number = match node.value() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => return Err(node.mistyped("a number")),
        };
        number.ok_or_else(|| node.error("must be a decimal number"))
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Float(*self))
    }
}

impl Setting for Duration {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let wanted = "a duration such as `250ms`, `30s`, `15m` or `1h 30m`";
        let text = node.value().as_str().ok_or_else(|| node.mistyped(wanted))?;
        let duration = parse_duration(text).ok_or_else(|| node.error(&format!("must be {wanted}")))?;
        if duration > LONGEST {
            return Err(node.error("must be at most a year, `8760h`"));
        }
        Ok(duration)
    }

    fn write(&self) -> Option<Value> {
        Some(Value::String(print_duration(*self)))
    }
}

/// Reads `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    SpanParser::new().parse_unsigned_duration(text).ok()
}

/// Writes `1h 30m`, down to the nanosecond, so that reading it gives the same duration.
pub(crate) fn print_duration(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}

impl Setting for Vec<String> {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        node.members("a list of strings")?
            .iter()
            .map(|member| {
                member.value().as_str().map(str::to_owned).ok_or_else(|| member.mistyped("a list of strings"))
            })
            .collect()
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Array(self.iter().cloned().map(Value::String).collect()))
    }
}

/// Two names that belong together, such as a category and its subcategory.
impl Setting for (String, String) {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        match <[String; 2]>::try_from(Vec::<String>::read(node)?) {
            Ok([first, second]) if !first.is_empty() && !second.is_empty() => Ok((first, second)),
            _ => Err(node.error("must be a list of two names")),
        }
    }

    fn write(&self) -> Option<Value> {
        vec![self.0.clone(), self.1.clone()].write()
    }
}

/// A table whose keys are a person's own; empty, it is left out.
impl<T: Setting> Setting for BTreeMap<String, T> {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        let section = node.path();
        node.entries()?
            .iter()
            .map(|entry| Ok((entry.name().to_owned(), T::read(&entry.within(&section))?)))
            .collect()
    }

    fn write(&self) -> Option<Value> {
        let table: toml::Table =
            self.iter().filter_map(|(name, value)| Some((name.clone(), value.write()?))).collect();
        (!table.is_empty()).then_some(Value::Table(table))
    }
}

/// A table that somebody else gives a meaning to.
impl Setting for toml::Table {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        match copy(node.value()) {
            Some(Value::Table(table)) => Ok(table),
            Some(_) => Err(node.mistyped("a table")),
            None => Err(node.error("holds a number that is too large")),
        }
    }

    fn write(&self) -> Option<Value> {
        Some(Value::Table(self.clone()))
    }
}

fn copy(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().ok()?),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(moment) => Value::Datetime(*moment),
        DeValue::Array(list) => {
            Value::Array(list.iter().map(|value| copy(value.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| Some((key.get_ref().clone().into_owned(), copy(value.get_ref())?)))
                .collect::<Option<_>>()?,
        ),
    })
}

/// Reads one of a few words, and suggests the nearest.
pub(crate) fn read_word<T: std::str::FromStr<Err = UnknownWord>>(
    node: &Node<'_>,
    known: impl IntoIterator<Item = &'static str>,
) -> Result<T, DocumentError> {
    let known: Vec<_> = known.into_iter().collect();
    let wanted = || format!("one of the strings {}", known.join(", "));
    let word = node.value().as_str().ok_or_else(|| node.mistyped(&wanted()))?;
    word.parse().map_err(|unknown: UnknownWord| {
        let hint = hint(word, known.iter().copied()).unwrap_or_default();
        let word = one_line(word, 40);
        node.error(&format!("is `{word}`, which is not {}; there are {}{hint}", unknown.what, unknown.known))
    })
}

/// Lets enums of words stand in documents.
macro_rules! word_settings {
    ($($type:ty),+ $(,)?) => { $(
        impl $crate::config::document::Setting for $type {
            fn read(
                node: &$crate::config::document::Node<'_>,
            ) -> Result<Self, $crate::config::document::DocumentError> {
                $crate::config::setting::read_word(node, Self::ALL.iter().map(|one| one.word()))
            }

            fn write(&self) -> Option<toml::Value> {
                Some(toml::Value::String(self.word().to_owned()))
            }
        }
    )+ };
}
pub(crate) use word_settings;

word_settings!(crate::model::OperationKind, crate::model::PlatformKind);
