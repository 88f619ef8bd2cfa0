//! The settings of a plan one by one, for whoever puts them before a person.

use super::Plan;

/// One setting of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSetting {
    /// Its key, as [`Plan::set`] takes it: dotted where it is nested.
    pub key: String,
    /// Whether it is of `[delivery]`, which every operation has, and not of `[operation]`.
    pub of_delivery: bool,
    /// Its value; none where it is left out.
    pub value: Option<toml::Value>,
}

impl Plan {
    /// Every setting of `[operation]` and `[delivery]`, in the order of the plan's keys, with its value. The operation's
    /// kind and `map` are none.
    #[must_use]
    pub fn settings(&self) -> Vec<PlanSetting> {
        let written = self.written();
        let table: toml::Table = written.values.into_iter().collect();
        let mut settings = Vec::new();
        for known in &written.known {
            let (section, key) = known.split_once('.').unwrap_or(("", known));
            let second = written.aliases.iter().any(|(alias, _)| *alias == key);
            if section.is_empty() || second || matches!(key, "kind" | "map") {
                continue;
            }
            let section_of = table.get(section);
            let value =
                key.split('.').fold(section_of, |inner, step| inner.and_then(|inner| inner.get(step)));
            settings.push(PlanSetting {
                key: key.to_owned(),
                of_delivery: section == "delivery",
                value: value.cloned(),
            });
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OperationKind;

    #[test]
    fn every_setting_can_be_set_to_what_it_is() {
        for kind in OperationKind::ALL {
            let mut plan = Plan::new(*kind);
            let before = plan.clone();
            let settings = plan.settings();
            assert!(settings.len() > 14, "{kind}");
            for setting in settings {
                if let Some(value) = setting.value {
                    plan.set(&setting.key, &value.to_string()).unwrap();
                }
            }
            assert_eq!(plan, before);
        }
    }

    #[test]
    fn a_setting_without_a_value_is_listed_and_a_second_name_is_not() {
        let import = Plan::new(OperationKind::Import).settings();
        assert!(import.iter().any(|setting| setting.key == "poll_path" && setting.value.is_none()));
        let outcomes = Plan::new(OperationKind::Outcomes).settings();
        assert!(outcomes.iter().all(|setting| setting.key != "path"));
        assert!(outcomes.iter().any(|setting| setting.key == "backoff.base" && setting.of_delivery));
    }
}
