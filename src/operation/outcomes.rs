//! Contact outcomes (NICE CXone): each record sets the outcome of one contact.
//!
//! The tenant's own hierarchy of categories is read first, so that a misspelt one costs no call and is told with the
//! names that come near. Rows of one contact are one chain: they go one after the other, in their order.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use bytes::Bytes;
use reqwest::Method;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Admitted, Call, Delivered, Draft, Grouping, Item, Operation, Patience, Preflight, Progress, Step, Terms,
    invalid, key_of, place, segment,
};
use crate::model::{OperationKind, Reason, RunId, Stage, Violation};
use crate::pacing::CallKind;
use crate::plan::{self, Timeout};
use crate::platform::{Answer, Payload, Request};
use crate::text::one_line;

/// The operation.
#[derive(Debug)]
pub struct Outcomes {
    settings: plan::Outcomes,
    timeout: Timeout,
    hierarchy: OnceLock<Hierarchy>,
}

impl Outcomes {
    /// With the plan's settings, and how long one attempt may take.
    #[must_use]
    pub fn new(settings: plan::Outcomes, timeout: Timeout) -> Self {
        Self { settings, timeout, hierarchy: OnceLock::new() }
    }

    fn contact_path(&self, contact: &str) -> String {
        self.settings.contact_path.replace("{contactId}", &segment(contact))
    }

    fn call(&self, method: Method, item: &Item, stage: Stage, kind: CallKind) -> Step {
        let sends = kind == CallKind::Sending;
        Step::Call(Call {
            request: Request {
                method,
                path: self.contact_path(item.name.as_deref().unwrap_or_default()),
                body: sends.then(|| Payload::json(item.body.clone())),
                idempotency_key: sends.then(|| item.key.clone()),
                correlation_id: None,
                timeout: self.timeout.of(if sends { item.body.len() as u64 } else { 0 }),
            },
            terms: Terms { stage, kind, patience: Patience::PLAN },
        })
    }

    /// Category and subcategory of a record, by the plan's map or by its own fields; or our code for what is wrong.
    fn outcome<'a>(&'a self, fields: &'a Fields<'_>) -> Result<Pair<'a>, (&'static str, Violation)> {
        let mapped = &self.settings.outcome_map;
        let field = &self.settings.outcome_field;
        let text = |name| fields.text(name).map_err(|violation| (INCOMPLETE, violation));
        if mapped.is_empty() {
            return Ok((text("category")?, text("subcategory")?));
        }
        let code = text(field)?;
        if let Some((category, subcategory)) = mapped.get(code.as_ref()) {
            return Ok((category.into(), subcategory.into()));
        }
        let near = nearest(&code, mapped.keys().map(String::as_str));
        let reason = format!("`{}` is not in the plan's outcome_map{near}", one_line(&code, 80));
        Err((UNMAPPED, Violation::at(pointer(field), reason)))
    }
}

/// A category and a subcategory of it.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    outcome: Outcome<'a>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    category: &'a str,
    subcategory: &'a str,
}

/// A field is missing or holds nothing.
const INCOMPLETE: &str = "record.incomplete";

/// A code that the plan's map does not have.
const UNMAPPED: &str = "outcome.unmapped";

/// The names under which a contact's id may stand.
const CONTACT_ID: [&str; 2] = ["contactId", "contact_id"];

impl Operation for Outcomes {
    fn grouping(&self) -> Grouping {
        Grouping::Single
    }

    fn kind(&self) -> OperationKind {
        OperationKind::Outcomes
    }

    fn preflight(&self) -> Option<Preflight> {
        self.settings.preflight.then(|| Preflight {
            request: Request {
                method: Method::GET,
                path: self.settings.hierarchy_path.clone(),
                body: None,
                idempotency_key: None,
                correlation_id: None,
                timeout: self.timeout.of(0),
            },
            what: "the outcome hierarchy",
        })
    }

    fn learn(&self, answer: &[u8]) -> Result<(), String> {
        let hierarchy = Hierarchy::read(answer)?;
        // a resume within one process learns the same again
        let _ = self.hierarchy.set(hierarchy);
        Ok(())
    }

    fn categories(&self) -> Vec<(String, Vec<String>)> {
        let known = self.hierarchy.get().into_iter().flat_map(|hierarchy| &hierarchy.categories);
        let under = |one: &Entity| one.children.iter().map(|child| child.name.clone()).collect();
        known.map(|one| (one.name.clone(), under(one))).collect()
    }

    fn columns(&self) -> Vec<Vec<String>> {
        let contact = CONTACT_ID.map(str::to_owned).to_vec();
        if self.settings.outcome_map.is_empty() {
            vec![contact, vec!["category".to_owned()], vec!["subcategory".to_owned()]]
        } else {
            vec![contact, vec![self.settings.outcome_field.clone()]]
        }
    }

    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>> {
        let fields = Fields::of(&record)?;
        let mut violations = Vec::new();
        let contact = fields.contact().map_err(|violation| violations.push(violation)).ok();
        let mut code = INCOMPLETE;
        let outcome = self.outcome(&fields).map_err(|(why, violation)| {
            // a record that lacks more than that is not mended by the plan
            code = if violations.is_empty() { why } else { INCOMPLETE };
            violations.push(violation);
        });
        let outcome = outcome.ok();
        if let (Some((category, subcategory)), Some(hierarchy)) = (&outcome, self.hierarchy.get())
            && let Err(violation) = hierarchy.check(category, subcategory)
        {
            return Err(Box::new(invalid("outcome.unknown", violation.reason.clone(), vec![violation])));
        }
        let (Some(contact), Some((category, subcategory)), true) = (contact, outcome, violations.is_empty())
        else {
            let message = violations.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>().join("; ");
            return Err(Box::new(invalid(code, message, violations)));
        };
        let outcome = Outcome { category: &category, subcategory: &subcategory };
        let body = serde_json::to_string(&Body { outcome }).unwrap_or_default();
        let name = contact.into_owned();
        // the copy is small, and keeps no reader's buffer alive while the item waits
        let record = Bytes::copy_from_slice(&record);
        Ok(Admitted { body: Some(body.into()), name: Some(name), ..Admitted::plain(record) })
    }

    fn name(&self, record: &[u8]) -> Option<String> {
        let contact = Fields::of(record).ok()?.contact().ok()?.into_owned();
        Some(one_line(&contact, 200))
    }

    /// Rows of one contact go in their order.
    fn waits_for_others(&self) -> bool {
        true
    }

    fn build(&self, run: RunId, mut draft: Draft) -> Item {
        let one = draft.records.pop().unwrap_or(Admitted::plain(Bytes::new()));
        let body = one.body.unwrap_or_default();
        let contact = one.name.clone().unwrap_or_default();
        let mut chain = DefaultHasher::new();
        contact.hash(&mut chain);
        Item {
            seq: draft.seq,
            extent: draft.extent,
            key: key_of(run, &[&place(draft.extent.first), &contact], &body),
            body,
            record: one.record,
            ends: Vec::new(),
            correlation_id: draft.correlation_id,
            name: one.name,
            chain: chain.finish(),
            holes: Vec::new(),
        }
    }

    fn calls(&self) -> u64 {
        1 + u64::from(self.settings.check_contacts)
    }

    fn next(&self, item: &Item, progress: &mut Progress, _: Option<&Answer>) -> Step {
        match progress.passed {
            None if self.settings.check_contacts => {
                self.call(Method::GET, item, Stage::Preflight, CallKind::Reading)
            }
            None | Some(Stage::Preflight) => self.call(Method::PUT, item, Stage::Delivery, CallKind::Sending),
            Some(_) => Step::Delivered(Delivered::default()),
        }
    }
}

/// A record's fields. Only those that are asked for are read as text.
struct Fields<'a>(HashMap<Cow<'a, str>, Field<'a>>);

enum Field<'a> {
    Once(&'a RawValue),
    /// Its name stands in the record more than once.
    Again,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = HashMap::new();
        while let Some((name, value)) = members.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            let field = if fields.contains_key(&name) { Field::Again } else { Field::Once(value) };
            fields.insert(name, field);
        }
        Ok(Fields(fields))
    }
}

impl<'a> Fields<'a> {
    fn of(record: &'a [u8]) -> Result<Self, Box<Reason>> {
        serde_json::from_slice(record).map_err(|error| {
            let message = format!("the record is no object of fields: {}", one_line(&error.to_string(), 200));
            Box::new(invalid("record.unreadable", message, Vec::new()))
        })
    }

    fn contact(&self) -> Result<Cow<'a, str>, Violation> {
        let name = CONTACT_ID.into_iter().find(|name| self.0.contains_key(*name)).unwrap_or("contactId");
        let contact = self.text(name)?;
        for other in CONTACT_ID.into_iter().filter(|other| *other != name && self.0.contains_key(*other)) {
            if self.text(other)? != contact {
                let reason = format!("`{name}` and `{other}` differ, so nobody knows which one counts");
                return Err(Violation::at(pointer(other), reason));
            }
        }
        if contact == "." || contact == ".." {
            let reason = format!("`{contact}` cannot stand as one segment of a URL's path");
            return Err(Violation::at(pointer(name), reason));
        }
        Ok(contact)
    }

    /// The text of a field; a number stands as it is written.
    fn text(&self, name: &str) -> Result<Cow<'a, str>, Violation> {
        let refuse = |what: &str| Violation::at(pointer(name), format!("`{name}` {what}"));
        let raw = match self.0.get(name) {
            Some(Field::Once(raw)) => raw.get(),
            Some(Field::Again) => {
                return Err(refuse("stands more than once, so nobody knows which one counts"));
            }
            None => return Err(refuse("is missing")),
        };
        match raw.as_bytes().first() {
            Some(b'"') => {
                let text: CowText<'a> =
                    serde_json::from_str(raw).map_err(|_| refuse("is no readable text"))?;
                if text.0.trim().is_empty() { Err(refuse("is empty")) } else { Ok(text.0) }
            }
            Some(b'0'..=b'9' | b'-') => Ok(Cow::Borrowed(raw)),
            _ => Err(refuse("must be a text")),
        }
    }
}

#[derive(Deserialize)]
struct CowText<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field's JSON Pointer (RFC 6901).
fn pointer(field: &str) -> String {
    format!("/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// The tenant's categories and subcategories.
#[derive(Debug)]
struct Hierarchy {
    categories: Vec<Entity>,
}

#[derive(Debug, Deserialize)]
struct Entity {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default)]
    children: Vec<Entity>,
}

impl Entity {
    fn is(&self, word: &str) -> bool {
        self.name == word || (!self.id.is_empty() && self.id == word)
    }
}

impl Hierarchy {
    fn read(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Told {
            entities: Vec<Entity>,
        }
        let told: Told = serde_json::from_slice(body).map_err(|error| {
            format!("it cannot be read, at line {} column {}", error.line(), error.column())
        })?;
        if told.entities.is_empty() {
            return Err("it holds no categories".to_owned());
        }
        Ok(Self { categories: told.entities })
    }

    /// Both must be in it, by exact name or by id.
    fn check(&self, category: &str, subcategory: &str) -> Result<(), Violation> {
        let mut of_name = self.categories.iter().filter(|one| one.is(category)).peekable();
        if of_name.peek().is_none() {
            let near = nearest(category, self.categories.iter().map(|one| one.name.as_str()));
            let reason = format!("there is no category \"{}\"{near}", one_line(category, 80));
            return Err(Violation::at("/category".to_owned(), reason));
        }
        let children: Vec<&Entity> = of_name.flat_map(|one| &one.children).collect();
        if children.iter().any(|one| one.is(subcategory)) {
            return Ok(());
        }
        let near = nearest(subcategory, children.iter().map(|one| one.name.as_str()));
        let reason =
            format!("\"{}\" is not under \"{}\"{near}", one_line(subcategory, 80), one_line(category, 80));
        Err(Violation::at("/subcategory".to_owned(), reason))
    }
}

/// Characters by which names are compared: the time for it grows with their product.
const COMPARED: usize = 200;
/// Names that one is compared with.
const MOST_COMPARED: usize = 10_000;

/// `; near: A, B`, or nothing where nothing comes near.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let begin = |text: &str| -> String { text.chars().take(COMPARED).collect::<String>().to_lowercase() };
    let lower = begin(word);
    let mut scored: Vec<(f64, &str)> = known
        .take(MOST_COMPARED)
        .map(|one| (strsim::jaro_winkler(&lower, &begin(one)), one))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    if scored.is_empty() {
        return String::new();
    }
    let names: Vec<String> = scored.iter().take(3).map(|(_, one)| one_line(one, 60)).collect();
    format!("; near: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn outcomes(change: impl FnOnce(&mut plan::Outcomes)) -> Outcomes {
        let plan = plan::Plan::new(crate::model::OperationKind::Outcomes);
        let plan::Operation::Outcomes(mut settings) = plan.operation else { panic!("an outcomes plan") };
        change(&mut settings);
        let outcomes = Outcomes::new(settings, plan.delivery.timeout);
        let told = r#"{"entities":[{"id":"c1","name":"Contacted","children":[{"id":"s1","name":"Sale"},
            {"id":"s2","name":"No budget"},{"id":"s3","name":"No interest"}]},{"id":"c2","name":"Not reached","children":[]}]}"#;
        outcomes.hierarchy.set(Hierarchy::read(told.as_bytes()).unwrap()).unwrap();
        outcomes
    }

    fn admit(outcomes: &Outcomes, record: &str) -> Result<Admitted, Box<Reason>> {
        outcomes.admit(Bytes::copy_from_slice(record.as_bytes()))
    }

    #[test]
    fn a_record_of_the_hierarchy_is_admitted_by_name_or_id_and_goes_out_as_written() {
        let outcomes = outcomes(|_| ());
        let named =
            admit(&outcomes, r#"{"contactId":"a b","category":"Contacted","subcategory":"Sale"}"#).unwrap();
        assert_eq!(named.name.as_deref(), Some("a b"));
        assert_eq!(named.body.unwrap(), r#"{"outcome":{"category":"Contacted","subcategory":"Sale"}}"#);
        let by_id = admit(&outcomes, r#"{"contact_id":17,"category":"c1","subcategory":"s2"}"#).unwrap();
        assert_eq!(by_id.name.as_deref(), Some("17"));
        assert_eq!(by_id.body.unwrap(), r#"{"outcome":{"category":"c1","subcategory":"s2"}}"#);
    }

    #[test]
    fn a_misspelt_outcome_is_invalid_with_the_names_that_come_near() {
        let outcomes = outcomes(|_| ());
        let refused =
            admit(&outcomes, r#"{"contactId":"1","category":"Contacted","subcategory":"No budjet"}"#)
                .unwrap_err();
        assert_eq!(refused.message, "\"No budjet\" is not under \"Contacted\"; near: No budget");
        assert_eq!(refused.violations[0].place.to_string(), "/subcategory");
        let refused =
            admit(&outcomes, r#"{"contactId":"1","category":"contacted","subcategory":"Sale"}"#).unwrap_err();
        assert_eq!(refused.message, "there is no category \"contacted\"; near: Contacted");
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let both = |other: &str| {
            format!(r#"{{"contactId":"1","contact_id":{other},"category":"Contacted","subcategory":"Sale"}}"#)
        };
        assert!(admit(&outcomes(|_| ()), &both("\"1\"")).is_ok());
        let refused = admit(&outcomes(|_| ()), &both("\"2\"")).unwrap_err();
        assert_eq!(refused.message, "`contactId` and `contact_id` differ, so nobody knows which one counts");
        let refused = admit(&outcomes(|_| ()), r#"{"contactId":" ","category":"Contacted"}"#).unwrap_err();
        assert_eq!(refused.message, "`contactId` is empty; `subcategory` is missing");
        let pointers: Vec<_> = refused.violations.iter().map(|one| one.place.to_string()).collect();
        assert_eq!(pointers, ["/contactId", "/subcategory"]);
    }

    #[test]
    fn a_field_that_stands_twice_is_refused_and_none_is_chosen() {
        let outcomes = outcomes(|_| ());
        let twice =
            r#"{"contactId":"1","contactId":"2","category":"Contacted","subcategory":"Sale","x":1,"x":2}"#;
        let refused = admit(&outcomes, twice).unwrap_err();
        assert!(refused.message.contains("`contactId` stands more than once"), "{}", refused.message);
        assert_eq!(refused.violations[0].place.to_string(), "/contactId");
    }

    #[test]
    fn codes_of_the_dataset_are_mapped() {
        let pair = ("Contacted".to_owned(), "Sale".to_owned());
        let outcomes =
            outcomes(|settings| settings.outcome_map = BTreeMap::from([("SALE".to_owned(), pair)]));
        let admitted = admit(&outcomes, r#"{"contactId":"1","outcome_code":"SALE"}"#).unwrap();
        assert_eq!(admitted.body.unwrap(), r#"{"outcome":{"category":"Contacted","subcategory":"Sale"}}"#);
        let refused = admit(&outcomes, r#"{"contactId":"1","outcome_code":"SALES"}"#).unwrap_err();
        assert_eq!(refused.message, "`SALES` is not in the plan's outcome_map; near: SALE");
        assert_eq!(refused.code.as_deref(), Some("outcome.unmapped"));
        let refused = admit(&outcomes, r#"{"contactId":"1","outcome_code":""}"#).unwrap_err();
        assert_eq!(refused.code.as_deref(), Some("record.incomplete"));
    }

    #[test]
    fn an_id_is_one_segment_of_the_path_whatever_stands_in_it() {
        let outcomes = outcomes(|_| ());
        assert_eq!(outcomes.contact_path("a/b?c#d é%"), "/api/v2/contacts/a%2Fb%3Fc%23d%20%C3%A9%25");
        let refused = admit(&outcomes, r#"{"contactId":"..","category":"Contacted","subcategory":"Sale"}"#)
            .unwrap_err();
        assert_eq!(refused.message, "`..` cannot stand as one segment of a URL's path");
    }

    #[test]
    fn the_key_is_the_same_for_the_same_place_and_another_for_another() {
        let outcomes = outcomes(|_| ());
        let run = RunId::begin();
        let item = |run, position| {
            let record = r#"{"contactId":"1","category":"Contacted","subcategory":"Sale"}"#;
            let extent = crate::journal::Extent { dataset: 0, first: position, span: 1, count: 1 };
            let records = vec![admit(&outcomes, record).unwrap()];
            outcomes
                .build(run, Draft { seq: 0, extent, records, correlation_id: "".into(), holes: Vec::new() })
        };
        assert_eq!(item(run, 3).key, item(run, 3).key);
        assert_ne!(item(run, 3).key, item(run, 4).key);
        assert_ne!(item(run, 3).key, item(RunId::begin(), 3).key);
        assert_eq!(item(run, 3).chain, item(run, 4).chain);
        assert_eq!(item(run, 3).key.len(), 64);
    }
}
