//! The settings of contact outcomes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::delivery::{Backoff, Delivery, rule};
use super::operation::{Datasets, Settings, validate_path};
use crate::config::document::{Broken, DocumentError, Keys};

/// Contact outcomes: each record gives a contact its category and subcategory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    /// Where a contact is, behind the profile's `api_url`; `{contactId}` stands for its id. A plan may name it `path`, too.
    pub contact_path: String,
    /// Where the hierarchy of outcomes is.
    pub hierarchy_path: String,
    /// Whether every record is held against the hierarchy before anything is sent.
    pub preflight: bool,
    /// Whether a contact is looked up before it is changed.
    pub check_contacts: bool,
    /// What the dataset's own codes mean: category and subcategory, each by name or id.
    pub outcome_map: BTreeMap<String, (String, String)>,
    /// The field that holds such a code.
    pub outcome_field: String,
}

/// Stands in a path for a contact's id.
const CONTACT_ID: &str = "{contactId}";

impl Default for Outcomes {
    fn default() -> Self {
        Self {
            contact_path: "/api/v2/contacts/{contactId}".to_owned(),
            hierarchy_path: "/api/v2/contact/outcomes".to_owned(),
            preflight: true,
            check_contacts: false,
            outcome_map: BTreeMap::new(),
            outcome_field: "outcome_code".to_owned(),
        }
    }
}

impl Settings for Outcomes {
    fn keys(&mut self, keys: &mut Keys<'_>) -> Result<(), DocumentError> {
        keys.key("contact_path", &mut self.contact_path)?;
        keys.alias("path", "contact_path", &mut self.contact_path)?;
        keys.key("hierarchy_path", &mut self.hierarchy_path)?;
        keys.key("preflight", &mut self.preflight)?;
        keys.key("check_contacts", &mut self.check_contacts)?;
        keys.key("outcome_map", &mut self.outcome_map)?;
        keys.key("outcome_field", &mut self.outcome_field)
    }

    fn validate(&self) -> Result<(), Broken> {
        self.validate_contact_path()?;
        validate_path("hierarchy_path", &self.hierarchy_path)?;
        self.validate_outcome_field()
    }

    /// The tenant allows about 50 calls a second.
    fn delivery(&self) -> Delivery {
        Delivery {
            workers: 10,
            rate: Some(45.0),
            max_attempts: 4,
            backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(30) },
            ..Delivery::default()
        }
    }

    fn datasets(&self) -> Datasets {
        Datasets::One
    }
}

impl Outcomes {
    fn validate_contact_path(&self) -> Result<(), Broken> {
        validate_path("contact_path", &self.contact_path)?;
        let ids = self.contact_path.matches(CONTACT_ID).count();
        rule(ids == 1, "contact_path", "must hold `{contactId}` once, in the place of the contact's id")
    }

    fn validate_outcome_field(&self) -> Result<(), Broken> {
        rule(!self.outcome_field.is_empty(), "outcome_field", "must name a field")
    }
}
