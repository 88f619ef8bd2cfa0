//! A second reader of JSON and a second writer of RFC 8785's form, made apart from the program's: slow, plain, and of
//! another design, so that what they agree on is no accident.
//!
//! Numbers stay as they are written. So the exception can be told that the program makes: an integer that is no double
//! keeps its digits.

use std::fmt::Write as _;

/// A value.
pub enum Node {
    Word(&'static str),
    Number(String),
    /// In UTF-16, as JSON's escapes have it: halves of pairs may stand alone.
    Text(Vec<u16>),
    Array(Vec<Node>),
    Object(Vec<(Vec<u16>, Node)>),
}

/// Reads a text that is known to be JSON.
pub fn read(text: &str) -> Node {
    let mut chars: Vec<char> = text.chars().collect();
    chars.reverse();
    let node = value(&mut chars);
    space(&mut chars);
    assert!(chars.is_empty(), "one value");
    node
}

fn space(chars: &mut Vec<char>) {
    while matches!(chars.last(), Some(' ' | '\t' | '\r' | '\n')) {
        chars.pop();
    }
}

fn value(chars: &mut Vec<char>) -> Node {
    space(chars);
    match chars.pop().unwrap() {
        '{' => Node::Object(list(chars, '}', |chars| {
            space(chars);
            chars.pop();
            let name = text(chars);
            space(chars);
            chars.pop();
            (name, value(chars))
        })),
        '[' => Node::Array(list(chars, ']', value)),
        '"' => Node::Text(text(chars)),
        first @ ('t' | 'f' | 'n') => {
            let word = ["true", "false", "null"].into_iter().find(|word| word.starts_with(first)).unwrap();
            chars.truncate(chars.len() + 1 - word.len());
            Node::Word(word)
        }
        first => {
            let mut number = String::from(first);
            while let Some(next) =
                chars.last().filter(|next| matches!(next, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'))
            {
                number.push(*next);
                chars.pop();
            }
            Node::Number(number)
        }
    }
}

fn list<T>(chars: &mut Vec<char>, end: char, one: impl Fn(&mut Vec<char>) -> T) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        space(chars);
        if chars.last() == Some(&end) {
            chars.pop();
            return all;
        }
        if chars.last() == Some(&',') {
            chars.pop();
        }
        all.push(one(chars));
    }
}

fn text(chars: &mut Vec<char>) -> Vec<u16> {
    let mut units = Vec::new();
    loop {
        match chars.pop().unwrap() {
            '"' => return units,
            '\\' => match chars.pop().unwrap() {
                'u' => {
                    let digits: String = (0..4).map(|_| chars.pop().unwrap()).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap());
                }
                letter => {
                    let at = "bfnrt".find(letter);
                    let plain = at.map_or(letter, |at| ['\u{8}', '\u{c}', '\n', '\r', '\t'][at]);
                    units.push(u16::try_from(u32::from(plain)).unwrap());
                }
            },
            char => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
        }
    }
}

/// Writes its canonical text; `None` where it has none.
pub fn canonical(node: &Node, out: &mut String) -> Option<()> {
    match node {
        Node::Word(word) => out.push_str(word),
        Node::Number(number) => out.push_str(&number_text(number)?),
        Node::Text(units) => quoted(units, out)?,
        Node::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                canonical(element, out)?;
            }
            out.push(']');
        }
        Node::Object(members) => {
            let mut sorted: Vec<&(Vec<u16>, Node)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.clone());
            if sorted.windows(2).any(|two| two[0].0 == two[1].0) {
                return None;
            }
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                quoted(name, out)?;
                out.push(':');
                canonical(value, out)?;
            }
            out.push('}');
        }
    }
    Some(())
}

/// RFC 8785 §3.2.2.2.
fn quoted(units: &[u16], out: &mut String) -> Option<()> {
    out.push('"');
    for char in String::from_utf16(units).ok()?.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            ..' ' => write!(out, "\\u{:04x}", u32::from(char)).unwrap(),
            char => out.push(char),
        }
    }
    out.push('"');
    Some(())
}

/// ECMAScript's `Number::toString`, made of Rust's shortest digits; but digits that no double has stay.
fn number_text(number: &str) -> Option<String> {
    let double: f64 = number.parse().unwrap();
    if !double.is_finite() {
        return None;
    }
    let is_integer = !number.contains(['.', 'e', 'E']);
    // Rust writes doubles out to their last digit
    if is_integer && number != "-0" && format!("{double:.0}") != number {
        return Some(number.to_owned());
    }
    if double == 0.0 {
        return Some("0".to_owned());
    }
    let shortest = format!("{:e}", double.abs());
    // of two that are as short and as near, ECMAScript takes the even one, as Rust does where it is told how many digits
    let count = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let even = format!("{:.*e}", count - 1, double.abs());
    let shortest = if even.parse() == Ok(double.abs()) { even } else { shortest };
    let (digits, exponent) = shortest.split_once('e').unwrap();
    let digits = digits.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap();
    let point = exponent.parse::<i32>().unwrap() + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap());
    let plain = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap());
        format!("{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{:+}", point - 1)
    };
    Some(if double < 0.0 { format!("-{plain}") } else { plain })
}

/// The same value, written as differently as can be: names the other way round, all escaped, space everywhere.
pub fn otherwise(node: &Node, out: &mut String) {
    let text = |units: &[u16], out: &mut String| {
        out.push('"');
        for unit in units {
            write!(out, "\\u{unit:04X}").unwrap();
        }
        out.push('"');
    };
    out.push_str("\n ");
    match node {
        Node::Word(word) => out.push_str(word),
        Node::Number(number) => out.push_str(number),
        Node::Text(units) => text(units, out),
        Node::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "\t," } else { "" });
                otherwise(element, out);
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            for (index, (name, value)) in members.iter().rev().enumerate() {
                out.push_str(if index > 0 { " , " } else { "\r\n" });
                text(name, out);
                out.push_str(" : ");
                otherwise(value, out);
            }
            out.push('}');
        }
    }
    out.push_str("\t ");
}

/// How many levels of objects and arrays there are.
pub fn depth(node: &Node) -> usize {
    match node {
        Node::Word(_) | Node::Number(_) | Node::Text(_) => 0,
        Node::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Node::Object(members) => 1 + members.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
    }
}
