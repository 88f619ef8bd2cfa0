//! What a path and a method ask for.
//!
//! Matched by hand on the raw path: a router would decode a contact's id before its encoding could be judged.

use axum::http::Method;

use super::quota::{Family, Vendor};
use super::scenario::Operation;
use super::token::TokenPath;

/// What a request asks for.
pub(super) enum Route<'a> {
    Token(TokenPath),
    Api(Api<'a>),
    Ledger,
    Contacts,
    WrongMethod(Family),
    Nowhere,
}

/// A call to `{api}`.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub family: Family,
    /// What the path names (a contact, an action, a job), as it came.
    pub segment: &'a str,
}

impl Api<'_> {
    pub(super) const fn vendor(self) -> Vendor {
        match self.operation() {
            Operation::Outcomes => Vendor::Cxone,
            _ => Vendor::Genesys,
        }
    }

    pub(super) const fn operation(self) -> Operation {
        match self.family {
            Family::Ingest => Operation::Ingest,
            Family::Execute => Operation::Execute,
            Family::Exchange => Operation::Exchange,
            Family::ImportSubmit | Family::ImportPoll | Family::ImportResult => Operation::Import,
            _ => Operation::Outcomes,
        }
    }

    pub(super) const fn scope(self) -> &'static str {
        match self.family {
            Family::Ingest => "analytics:datatransfer:write",
            Family::Execute => "dataaction:execute",
            Family::Exchange => "dataexchange:ingest",
            Family::ImportSubmit => "dataimport:import",
            Family::ImportPoll | Family::ImportResult => "dataimport:read",
            Family::ContactWrite => "contact:update",
            _ => "contact:read",
        }
    }
}

impl<'a> Route<'a> {
    /// The route of a request.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let by =
            |wanted: &Method, family, route| if method == wanted { route } else { Self::WrongMethod(family) };
        let token = |path| by(&Method::POST, Family::Token, Route::Token(path));
        let api = |family, segment| Route::Api(Api { family, segment });
        match path {
            "/oauth/token" => token(TokenPath::Genesys),
            "/oauth2/token" => token(TokenPath::Cxone),
            "/authentication/v1/token/access-key" => token(TokenPath::AccessKey),
            "/api/v2/analytics/dataactions/ingest" => {
                by(&Method::POST, Family::Ingest, api(Family::Ingest, ""))
            }
            "/api/v2/dataexchange/ingestion" => {
                by(&Method::POST, Family::Exchange, api(Family::Exchange, ""))
            }
            "/api/v2/dataimport/imports" => {
                by(&Method::POST, Family::ImportSubmit, api(Family::ImportSubmit, ""))
            }
            "/api/v2/contact/outcomes" => by(&Method::GET, Family::Hierarchy, api(Family::Hierarchy, "")),
            "/sandbox/ledger" => by(&Method::GET, Family::Other, Route::Ledger),
            "/sandbox/ledger/contacts" => by(&Method::GET, Family::Other, Route::Contacts),
            _ => {
                if let Some(segment) = path.strip_prefix("/api/v2/contacts/") {
                    return match *method {
                        Method::GET => api(Family::ContactRead, segment),
                        _ => by(&Method::PUT, Family::ContactWrite, api(Family::ContactWrite, segment)),
                    };
                }
                if let Some(rest) = path.strip_prefix("/api/v2/dataimport/imports/") {
                    let is_result = rest.contains("/result");
                    let family = if is_result { Family::ImportResult } else { Family::ImportPoll };
                    return by(&Method::GET, family, api(family, rest));
                }
                let action = path.strip_prefix("/api/v2/integrations/dataactions/");
                match action.and_then(|rest| rest.strip_suffix("/execute")) {
                    Some(action) => by(&Method::POST, Family::Execute, api(Family::Execute, action)),
                    None => Route::Nowhere,
                }
            }
        }
    }
}
