//! Violations in words: what a value must be, and what it is.
//!
//! Values are customers' data and may be of any size, so only the beginning of one is ever repeated.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::text::one_line;

/// The most characters of a pointer.
pub(super) const POINTER_LENGTH: usize = 256;
/// The most characters of a reason.
pub(super) const REASON_LENGTH: usize = 400;
/// The most characters of a value.
const VALUE_LENGTH: usize = 80;
/// The most characters of what a schema asks for.
const RULE_LENGTH: usize = 160;
/// The most alternatives of which it is told why they don't fit.
const MOST_FORMS: usize = 3;

/// Tells of one error of the validator; of one that is about several members, of each.
pub(super) fn tell(error: &ValidationError<'_>, told: &mut impl FnMut(&str, String)) {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            told(&format!("{pointer}{}", step(name)), format!("{} is missing", quoted(name)));
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                told(&format!("{pointer}{}", step(name)), format!("{} is not allowed here", quoted(name)));
            }
        }
        _ => told(pointer, one_line(&sentence(error), REASON_LENGTH)),
    }
}

/// What a violation is about: a member's name, or as much of the pointer as tells.
pub(super) fn subject(pointer: &str) -> String {
    match pointer.rsplit('/').next() {
        None | Some("") if pointer.is_empty() => "the record".to_owned(),
        Some(last) if !last.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit()) => {
            quoted(&last.replace("~1", "/").replace("~0", "~"))
        }
        _ => quoted(pointer),
    }
}

/// A step of a JSON Pointer (RFC 6901 §3), with its slash.
pub(super) fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn sentence(error: &ValidationError<'_>) -> String {
    let value = error.instance().as_ref();
    format!("{} {}", subject(error.instance_path().as_str()), predicate(error.kind(), value))
}

/// The sentence's rest, after its subject.
fn predicate(kind: &Kind, value: &Value) -> String {
    let is = || shown(value);
    let size = || size(value);
    match kind {
        Kind::Type { kind } => format!("must be {}, and is {}", types(kind), is()),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            "must not be empty".to_owned()
        }
        Kind::MinLength { limit } => format!("must have at least {limit} characters, and has {}", size()),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters, and has {}", size()),
        Kind::MinItems { limit } => format!("must have at least {limit} elements, and has {}", size()),
        Kind::MaxItems { limit } => format!("must have at most {limit} elements, and has {}", size()),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} elements, and has {}", size()),
        Kind::MinProperties { limit } => format!("must have at least {limit} members, and has {}", size()),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members, and has {}", size()),
        Kind::Minimum { limit } => format!("must be at least {}, and is {}", rule(limit), is()),
        Kind::Maximum { limit } => format!("must be at most {}, and is {}", rule(limit), is()),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {}, and is {}", rule(limit), is()),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {}, and is {}", rule(limit), is()),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}, and is {}", is()),
        Kind::Constant { expected_value } => format!("must be {}, and is {}", rule(expected_value), is()),
        Kind::Enum { options } => format!("must be one of {}, and is {}", choices(options), is()),
        Kind::Format { format } => format!("must be {}, and is {}", form(format), is()),
        Kind::Pattern { pattern } => {
            format!("must match the pattern `{}`, and is {}", one_line(pattern, RULE_LENGTH), is())
        }
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "could not be checked: the schema's pattern takes too long for it; write a simpler one".to_owned()
        }
        Kind::UniqueItems => "must not have one element twice".to_owned(),
        Kind::UnevaluatedItems { unexpected } => {
            format!("has {} elements that are not allowed", unexpected.len())
        }
        Kind::Contains => "must contain elements of the form that the schema names (`contains`)".to_owned(),
        Kind::FalseSchema => "is not allowed".to_owned(),
        Kind::Not { .. } => format!("is of a form that is not allowed (`not`): {}", is()),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("fits none of the {} allowed forms{}", context.len(), forms(context))
        }
        Kind::OneOfMultipleValid { .. } => {
            "fits more than one of the forms of which it must fit one (`oneOf`)".to_owned()
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            format!(
                "has a member whose name is not allowed: {} {}",
                quoted(name),
                predicate(error.kind(), error.instance())
            )
        }
        other => format!("does not keep to the schema's `{}`", one_line(other.keyword(), VALUE_LENGTH)),
    }
}

/// Why the forms don't fit, each by its first reason.
fn forms(context: &[Vec<ValidationError<'static>>]) -> String {
    let mut text = String::new();
    for (index, form) in context.iter().take(MOST_FORMS).enumerate() {
        if let Some(first) = form.first() {
            let mut reason = String::new();
            tell(first, &mut |_, told| {
                if reason.is_empty() {
                    reason = one_line(&told, REASON_LENGTH / MOST_FORMS);
                }
            });
            text.push_str(if index == 0 { ": " } else { "; or " });
            text.push_str(&reason);
        }
    }
    text
}

/// What stands there: its kind, and its beginning.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {}", one_line(&number.to_string(), VALUE_LENGTH)),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("the text \"{}\"", one_line(text, VALUE_LENGTH)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(elements) => elements.len(),
        Value::Object(members) => members.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => type_name(*one).to_owned(),
        TypeKind::Multiple(several) => several.iter().map(type_name).collect::<Vec<_>>().join(" or "),
    }
}

const fn type_name(one: JsonType) -> &'static str {
    match one {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a text",
    }
}

fn form(format: &str) -> String {
    match format {
        "date-time" => "a date and time with an offset, such as 2026-01-31T09:30:00Z (RFC 3339)".to_owned(),
        "date" => "a date such as 2026-01-31 (RFC 3339)".to_owned(),
        "time" => "a time with an offset, such as 09:30:00Z (RFC 3339)".to_owned(),
        "email" | "idn-email" => "an e-mail address".to_owned(),
        "uri" | "iri" => "a complete URL".to_owned(),
        "uuid" => "a UUID".to_owned(),
        other => format!("of the format `{}`", one_line(other, VALUE_LENGTH)),
    }
}

fn choices(options: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for (index, option) in options.iter().enumerate() {
        if text.len() > RULE_LENGTH {
            text.push_str(", …");
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&rule(option));
    }
    text
}

/// A value of the schema's own.
fn rule(value: &Value) -> String {
    one_line(&value.to_string(), VALUE_LENGTH)
}

fn quoted(name: &str) -> String {
    format!("`{}`", one_line(name, VALUE_LENGTH))
}
