//! The regions of Genesys Cloud. Everything of a region hangs off one domain: `api.`, `login.`, `apps.`
//!
//! The list is that of the vendor's JavaScript SDK and command line, which also spells AWS names with `_`.

use url::Url;

use super::nearest::hint;
use crate::text::one_line;

/// A region: the AWS name that its vendor's tools know it by, and its domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) aws: &'static str,
    pub(crate) domain: &'static str,
}

const fn region(aws: &'static str, domain: &'static str) -> Region {
    Region { aws, domain }
}

/// All 18, as of November 2026.
pub(crate) const REGIONS: [Region; 18] = [
    region("us-east-1", "mypurecloud.com"),
    region("us-east-2", "use2.us-gov-pure.cloud"),
    region("us-west-2", "usw2.pure.cloud"),
    region("ca-central-1", "cac1.pure.cloud"),
    region("mx-central-1", "mxc1.pure.cloud"),
    region("sa-east-1", "sae1.pure.cloud"),
    region("eu-west-1", "mypurecloud.ie"),
    region("eu-west-2", "euw2.pure.cloud"),
    region("eu-central-1", "mypurecloud.de"),
    region("eu-central-2", "euc2.pure.cloud"),
    region("eusc-de-east-1", "edee1.eusc-pure.cloud"),
    region("me-central-1", "mec1.pure.cloud"),
    region("ap-south-1", "aps1.pure.cloud"),
    region("ap-northeast-1", "mypurecloud.jp"),
    region("ap-northeast-2", "apne2.pure.cloud"),
    region("ap-northeast-3", "apne3.pure.cloud"),
    region("ap-southeast-1", "apse1.pure.cloud"),
    region("ap-southeast-2", "mypurecloud.com.au"),
];

/// The domains of Genesys Cloud's regions.
pub fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.domain)
}

/// The region of a profile that names none.
pub(crate) const DEFAULT_DOMAIN: &str = "mypurecloud.com";

impl Region {
    /// Finds a region by its domain or its AWS name, the latter with `-` or `_`.
    ///
    /// # Errors
    ///
    /// What is wrong with the name, in words, with the nearest one.
    pub(crate) fn find(name: &str) -> Result<Self, String> {
        let lower = name.trim().to_lowercase();
        let dashed = lower.replace('_', "-");
        REGIONS.into_iter().find(|region| region.domain == lower || region.aws == dashed).ok_or_else(|| {
            let known = REGIONS.iter().flat_map(|region| [region.domain, region.aws]);
            let hint = hint(&dashed, known).unwrap_or_default();
            let name = one_line(name, 40);
            format!("`{name}` is no region of Genesys Cloud{hint}; give a domain such as `mypurecloud.ie`, an AWS name such as `eu-west-1`, or `api_url` instead")
        })
    }

    /// Where tokens come from, for a profile that names only `api_url`: the region's login host where that is the API
    /// host of a known region, else the same place.
    pub(crate) fn auth_url_beside(api_url: &Url) -> Url {
        let domain = api_url.host_str().and_then(|host| host.strip_prefix("api."));
        let known = REGIONS.iter().find(|region| Some(region.domain) == domain && api_url.port().is_none());
        known.and_then(|region| region.url("login")).unwrap_or_else(|| api_url.clone())
    }

    /// `https://<host>.<domain>`.
    pub(crate) fn url(self, host: &str) -> Option<Url> {
        Url::parse(&format!("https://{host}.{}", self.domain)).ok()
    }
}

/// Reads an address that calls may go to: `https`, or plain `http` to this machine only.
///
/// # Errors
///
/// The rule that it breaks. The address is not repeated: it may hold a password.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text.trim())
        .map_err(|error| format!("must be an address such as `https://api.mypurecloud.ie` ({error})"))?;
    // with and without it is one place, and so one tenant
    let path = url.path().trim_end_matches('/').to_owned();
    if !url.cannot_be_a_base() {
        url.set_path(&path);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no user name and no password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end before any `?` or `#`".to_owned());
    }
    match (url.scheme(), url.host()) {
        (_, None) => Err("must name a host".to_owned()),
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_loopback(&host) => Ok(url),
        ("http", Some(_)) => {
            Err("must begin with `https://`: plain `http` is for this machine only".to_owned())
        }
        _ => Err("must begin with `https://`".to_owned()),
    }
}

fn is_loopback(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(name) => *name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_other_place() {
        for (text, place) in [
            ("https://gw.example/ta/", "https://gw.example/ta"),
            ("https://gw.example/ta", "https://gw.example/ta"),
            ("https://gw.example", "https://gw.example/"),
            ("https://gw.example//", "https://gw.example/"),
        ] {
            assert_eq!(parse_url(text).unwrap().as_str(), place);
        }
    }

    #[test]
    fn a_region_is_found_by_each_of_its_spellings() {
        for region in REGIONS {
            assert_eq!(Region::find(region.domain), Ok(region));
            assert_eq!(Region::find(region.aws), Ok(region));
            assert_eq!(Region::find(&region.aws.replace('-', "_").to_uppercase()), Ok(region));
        }
        assert!(Region::find("mypurecloud.i").unwrap_err().contains("did you mean `mypurecloud.ie`?"));
    }

    #[test]
    fn tokens_of_a_region_come_from_its_login_host_and_others_from_the_same_place() {
        let auth = |api: &str| Region::auth_url_beside(&Url::parse(api).unwrap()).to_string();
        assert_eq!(auth("https://api.euw2.pure.cloud"), "https://login.euw2.pure.cloud/");
        assert_eq!(auth("https://api.euw2.pure.cloud:8443"), "https://api.euw2.pure.cloud:8443/");
        assert_eq!(auth("https://gateway.example/genesys"), "https://gateway.example/genesys");
        assert_eq!(auth("https://api.example.com"), "https://api.example.com/");
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for fine in
            ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:1", "http://localhost", "https://x.y"]
        {
            assert!(parse_url(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://",
            "x",
            "file:///etc",
        ] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_repeated() {
        for text in [
            "https://sam:hunter2@x.y",
            "https://hunter2@x.y",
            "https://x.y/?key=hunter2",
            "https://a:hunter2@[x",
        ] {
            let refused = parse_url(text).unwrap_err();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
