//! From what stands in the fields to a plan.

use std::collections::BTreeMap;

use toml::Value;

use crate::model::OperationKind;
use crate::plan::{Plan, PlanSetting};

/// How a setting's value stands in its field.
pub(super) fn text_of(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Table(table)) if table.is_empty() => String::new(),
        Some(Value::Float(number)) => number.to_string(),
        Some(value) => value.to_string(),
    }
}

/// What a field's text means in a plan; none where it is left out.
fn written(default: Option<&Value>, text: &str) -> Option<String> {
    let text = text.trim();
    match default {
        None | Some(Value::Table(_)) if text.is_empty() => None,
        // a table that is empty stands in no plan
        None if text.starts_with('{') => Some(text.to_owned()),
        Some(Value::String(_)) | None => Some(Value::String(text.to_owned()).to_string()),
        Some(_) => Some(text.to_owned()),
    }
}

/// A plan with these settings, by key, and what is wrong with those that it does not take.
pub(super) fn plan_of(
    kind: OperationKind,
    defaults: &[PlanSetting],
    values: &BTreeMap<String, String>,
) -> (Plan, BTreeMap<String, String>) {
    let mut plan = Plan::new(kind);
    let mut left: Vec<(&str, String)> = defaults
        .iter()
        .filter_map(|setting| {
            let text = values.get(&setting.key)?;
            Some((setting.key.as_str(), written(setting.value.as_ref(), text)?))
        })
        .collect();
    // one setting may be right only with another: those that are refused are tried again while others are taken
    loop {
        let mut refused = Vec::new();
        let mut wrong = BTreeMap::new();
        let before = left.len();
        for (key, value) in left {
            if let Err(error) = plan.set(key, &value) {
                wrong.insert(key.to_owned(), rule(key, &error.to_string()));
                refused.push((key, value));
            }
        }
        if refused.is_empty() || refused.len() == before {
            return (plan, wrong);
        }
        left = refused;
    }
}

/// What a value has to be, out of the sentence that a plan has for those who write one.
fn rule(key: &str, error: &str) -> String {
    if key == "rate" && error.contains("must be a number") {
        return "a number, or 0 for none".to_owned();
    }
    let rule = error.split_once("] ").map_or(error, |(_, rule)| rule);
    let rule = rule.split_once(", not a").map_or(rule, |(rule, _)| rule);
    rule.to_owned()
}
