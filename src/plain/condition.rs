//! When an entry of the words holds, and how much it tells.
//!
//! Of several that hold, the most telling is taken. What tells most comes first: that a person has closed it tells more
//! than where it failed, and an exact status more than its class. So entries can stand in any order in their file.

use serde::Deserialize;

use super::{About, Kind};
use crate::model::{FailureState, OperationKind, Stage};

/// What must hold, all of it; what is not named may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    state: Option<OneOrMany<FailureState>>,
    edited: Option<bool>,
    about: Option<OneOrMany<About>>,
    stage: Option<OneOrMany<Stage>>,
    code: Option<OneOrMany<String>>,
    status: Option<OneOrMany<Answered>>,
    doubtful: Option<bool>,
    operation: Option<OneOrMany<OperationKind>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// How a call was answered: `404`, `"5xx"`, `"none"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Spelled")]
enum Answered {
    Exactly(u16),
    Class(u16),
    Not,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Number(u16),
    Word(String),
}

impl TryFrom<Spelled> for Answered {
    type Error = String;

    fn try_from(spelled: Spelled) -> Result<Self, String> {
        let word = match spelled {
            Spelled::Number(status) => return Ok(Self::Exactly(status)),
            Spelled::Word(word) => word,
        };
        let class = || word.strip_suffix("xx")?.parse::<u16>().ok().filter(|class| (1..=9).contains(class));
        match word.as_str() {
            "none" => Ok(Self::Not),
            _ => class().map(Self::Class).ok_or_else(|| format!("`{word}` is no status, `5xx` or `none`")),
        }
    }
}

/// How much each part tells: more than all that come after it together.
const STATE: u16 = 1 << 8;
const EDITED: u16 = 1 << 7;
const ABOUT: u16 = 1 << 6;
const STAGE: u16 = 1 << 5;
const CODE: u16 = 1 << 4;
const STATUS: u16 = 1 << 3;
const CLASS: u16 = 1 << 2;
const DOUBTFUL: u16 = 1 << 1;
const OPERATION: u16 = 1;

impl Condition {
    /// The codes of which it speaks.
    pub(super) fn codes(&self) -> &[String] {
        self.code.as_ref().map_or(&[], OneOrMany::as_slice)
    }

    /// How much it tells of a failure; nothing where it does not hold.
    pub(super) fn tells(&self, kind: &Kind<'_>) -> Option<u16> {
        let mut tells = one_of(self.state.as_ref(), Some(kind.state), STATE)?;
        tells += same(self.edited, kind.edited, EDITED)?;
        tells += one_of(self.about.as_ref(), Some(kind.about), ABOUT)?;
        tells += one_of(self.stage.as_ref(), Some(kind.stage()), STAGE)?;
        tells += match &self.code {
            None => 0,
            Some(codes) => {
                let code = kind.code?;
                codes.as_slice().iter().any(|one| one == code).then_some(CODE)?
            }
        };
        tells += match &self.status {
            None => 0,
            Some(answers) => {
                answers.as_slice().iter().filter_map(|answer| answer.tells(kind.status)).max()?
            }
        };
        tells += same(self.doubtful, kind.doubtful, DOUBTFUL)?;
        tells += one_of(self.operation.as_ref(), kind.operation, OPERATION)?;
        Some(tells)
    }
}

impl Answered {
    fn tells(self, status: Option<u16>) -> Option<u16> {
        match (self, status) {
            (Self::Exactly(one), Some(status)) if one == status => Some(STATUS),
            (Self::Not, None) => Some(STATUS),
            (Self::Class(class), Some(status)) if status / 100 == class => Some(CLASS),
            _ => None,
        }
    }
}

fn one_of<T: PartialEq>(named: Option<&OneOrMany<T>>, given: Option<T>, weight: u16) -> Option<u16> {
    let Some(named) = named else { return Some(0) };
    let given = given?;
    named.as_slice().contains(&given).then_some(weight)
}

fn same(named: Option<bool>, given: bool, weight: u16) -> Option<u16> {
    match named {
        None => Some(0),
        Some(named) => (named == given).then_some(weight),
    }
}
