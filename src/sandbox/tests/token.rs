use axum::http::HeaderValue;

use super::*;
use crate::sandbox::dice::Dice;
use crate::sandbox::scenario::Scenario;

fn chance() -> Chance {
    Dice::new(&Scenario::default(), 1).chance(0, 0)
}

fn form() -> HeaderMap {
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    HeaderMap::from_iter([(CONTENT_TYPE, kind)])
}

fn basic(pair: &str) -> HeaderMap {
    let mut headers = form();
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Basic {encoded}")).unwrap());
    headers
}

fn grant(tokens: &Tokens, path: TokenPath, headers: &HeaderMap, body: &str) -> Result<u16, String> {
    let throttling = RetryAfterTraits::default();
    tokens
        .grant(path, headers, body.as_bytes(), &mut chance(), &throttling)
        .map(|answer| answer.status.as_u16())
        .map_err(|(what, _)| what)
}

const GRANT: &str = "grant_type=client_credentials";

#[test]
fn basic_takes_both_parts_form_encoded() {
    let traits = TokenTraits {
        client_id: "a:b c".to_owned(),
        client_secret: "p%+ü/&=".to_owned(),
        ..TokenTraits::default()
    };
    let tokens = Tokens::new(traits);
    let encoded = basic("a%3Ab+c:p%25%2B%C3%BC%2F%26%3D");
    assert_eq!(grant(&tokens, TokenPath::Genesys, &encoded, GRANT), Ok(200));
    assert_eq!(grant(&tokens, TokenPath::Genesys, &basic("a%3Ab+c:wrong"), GRANT), Ok(401));
    assert!(grant(&tokens, TokenPath::Genesys, &basic("a b:p%+ü/&="), GRANT).is_err(), "as it is");
}

#[test]
fn a_token_request_must_be_as_the_rfc_has_it() {
    let tokens = Tokens::new(TokenTraits::default());
    let known = "client_id=sandbox&client_secret=sandbox-secret";
    let scope = "scope=contact%3Aread+contact%3Aupdate";
    let genesys = |headers: &HeaderMap, body: &str| grant(&tokens, TokenPath::Genesys, headers, body);
    assert_eq!(genesys(&form(), &format!("{GRANT}&{known}")), Ok(200));
    assert_eq!(grant(&tokens, TokenPath::Cxone, &form(), &format!("{GRANT}&{scope}&{known}")), Ok(200));
    assert!(grant(&tokens, TokenPath::Cxone, &form(), &format!("{GRANT}&{known}")).is_err(), "no scope");
    for (headers, body) in [
        (form(), known.to_owned()),
        (form(), format!("grant_type=password&{known}")),
        (form(), GRANT.to_owned()),
        (form(), format!("{GRANT}&{known}&{GRANT}")),
        (form(), format!("{GRANT}&{known}&scope=a b")),
        (form(), format!("{GRANT}&{known}&scope=%zz")),
        (HeaderMap::new(), format!("{GRANT}&{known}")),
        (basic("sandbox:sandbox-secret"), format!("{GRANT}&{known}")),
    ] {
        assert!(genesys(&headers, &body).is_err(), "{body}");
    }
}

#[test]
fn a_token_lives_as_long_as_it_says() {
    let traits = TokenTraits { life: Duration::from_secs(5), ..TokenTraits::default() };
    let tokens = Tokens::new(traits);
    let issued = tokens.issue(Vendor::Cxone, Some(vec!["contact:read".to_owned()]), &mut chance());
    assert_eq!(issued.status, StatusCode::OK);
    let bearer = tokens.alive.read().unwrap().keys().next().unwrap().clone();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {bearer}")).unwrap());
    let now = Instant::now();
    let admit = |vendor, scope, after: f64| {
        let at = now + Duration::from_secs_f64(after);
        tokens
            .admit(&headers, vendor, scope, &mut chance(), at)
            .map_err(|refusal| (refusal.answer.status.as_u16(), refusal.breach.is_some()))
    };
    assert_eq!(admit(Vendor::Cxone, "contact:read", 4.9), Ok(()));
    assert_eq!(admit(Vendor::Cxone, "contact:read", 5.1), Err((401, false)));
    assert_eq!(admit(Vendor::Cxone, "contact:update", 1.0), Err((403, true)));
    assert_eq!(admit(Vendor::Genesys, "any", 1.0), Err((401, true)));
}

#[test]
fn percent_decoding_forgives_nothing() {
    assert_eq!(percent_decoded("a%2Fb%C3%BC").as_deref(), Some("a/bü"));
    for wrong in ["%", "%2", "%zz", "%+1", "%ff"] {
        assert_eq!(percent_decoded(wrong), None, "{wrong}");
    }
}
