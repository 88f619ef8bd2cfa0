//! The profile `env`, made of environment variables: for pipelines, and for a first try without any configuration.

use std::path::Path;

use super::ConfigError;
use super::profile::{ENV, Profile, ProfileSettings, validate_client_id};
use super::secret::SecretSource;
use crate::model::PlatformKind;

/// One set of variables. Sets are never mixed: a secret must not go to another set's host.
struct Variables {
    place: Place,
    client_id: &'static str,
    secret: &'static str,
    needed: &'static str,
}

/// The variable that tells where calls go, and what it holds.
enum Place {
    BaseUrl(&'static str),
    Region(&'static str),
}

const GENESYS: Variables = Variables {
    place: Place::BaseUrl("GENESYS_BASE_URL"),
    client_id: "GENESYS_CLIENT_ID",
    secret: "GENESYS_CLIENT_SECRET",
    needed: "`GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and, outside mypurecloud.com, `GENESYS_BASE_URL` (or \
             `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and `GENESYSCLOUD_REGION`)",
};

/// As the vendor's own tools name them.
const GENESYS_VENDOR: Variables = Variables {
    place: Place::Region("GENESYSCLOUD_REGION"),
    client_id: "GENESYSCLOUD_OAUTHCLIENT_ID",
    secret: "GENESYSCLOUD_OAUTHCLIENT_SECRET",
    needed: "`GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and, outside mypurecloud.com, \
             `GENESYSCLOUD_REGION`",
};

const CXONE: Variables = Variables {
    place: Place::BaseUrl("CXONE_BASE_URL"),
    client_id: "CXONE_CLIENT_ID",
    secret: "CXONE_CLIENT_SECRET",
    needed: "`CXONE_BASE_URL`, `CXONE_CLIENT_ID` and `CXONE_CLIENT_SECRET`",
};

/// The variables that hold secrets wherever they are set.
pub(super) const SECRETS: [&str; 3] = [GENESYS.secret, GENESYS_VENDOR.secret, CXONE.secret];

impl Variables {
    /// The set for an operation of `platform`: of the two for Genesys Cloud the first that has any variable.
    fn choose(platform: PlatformKind, value: &dyn Fn(&str) -> Option<String>) -> Self {
        match platform {
            PlatformKind::Cxone => CXONE,
            PlatformKind::Genesys if GENESYS.is_used(value) || !GENESYS_VENDOR.is_used(value) => GENESYS,
            PlatformKind::Genesys => GENESYS_VENDOR,
        }
    }

    fn is_used(&self, value: &dyn Fn(&str) -> Option<String>) -> bool {
        let (Place::BaseUrl(place) | Place::Region(place)) = self.place;
        [place, self.client_id, self.secret].into_iter().any(|variable| value(variable).is_some())
    }
}

/// Makes the profile `env` for an operation of `platform`. `lookup` gives a variable's value; an empty one counts as
/// unset. Of the two sets for Genesys Cloud the first that has any variable is taken, whole.
///
/// # Errors
///
/// Where a variable is missing or wrong; its value is not repeated.
pub fn env_profile(
    platform: PlatformKind,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Profile, ConfigError> {
    let value = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
    let set = Variables::choose(platform, &value);
    let given = |variable| value(variable).ok_or(ConfigError::NoVariable { variable, needed: set.needed });
    let wrong = |variable, rule| ConfigError::Variable { variable, rule };

    let client_id = given(set.client_id)?;
    validate_client_id(&client_id).map_err(|broken| wrong(set.client_id, broken.rule))?;
    given(set.secret)?;
    let mut settings = ProfileSettings {
        platform: Some(platform),
        client_id: Some(client_id),
        secret: Some(SecretSource::Env(set.secret.to_owned())),
        ..ProfileSettings::default()
    };
    let place = match set.place {
        Place::BaseUrl(variable) => {
            // only Genesys Cloud has a place to begin with
            settings.api_url = match platform {
                PlatformKind::Genesys => value(variable),
                PlatformKind::Cxone => Some(given(variable)?),
            };
            variable
        }
        Place::Region(variable) => {
            settings.region = value(variable);
            variable
        }
    };
    settings.resolve(ENV, Path::new("")).map_err(|broken| wrong(place, broken.rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(platform: PlatformKind, variables: &[(&str, &str)]) -> Result<Profile, String> {
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        env_profile(platform, &lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn each_set_of_variables_makes_a_profile() {
        let own = [
            ("GENESYS_BASE_URL", "https://api.mypurecloud.de"),
            ("GENESYS_CLIENT_ID", "id"),
            ("GENESYS_CLIENT_SECRET", "hunter2"),
        ];
        let made = profile(PlatformKind::Genesys, &own).unwrap();
        assert_eq!(made.auth_url.as_str(), "https://login.mypurecloud.de/");
        assert_eq!(made.secret, SecretSource::Env("GENESYS_CLIENT_SECRET".to_owned()));
        assert_eq!((made.name.as_str(), made.production), ("env", false));
        assert!(!format!("{made:?}").contains("hunter2"));

        let vendor = [
            ("GENESYSCLOUD_REGION", "eu_west_2"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "id"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s"),
        ];
        let made = profile(PlatformKind::Genesys, &vendor).unwrap();
        assert_eq!(made.api_url.as_str(), "https://api.euw2.pure.cloud/");
        assert_eq!(made.secret, SecretSource::Env("GENESYSCLOUD_OAUTHCLIENT_SECRET".to_owned()));

        let cxone = [
            ("CXONE_BASE_URL", "https://na1.example"),
            ("CXONE_CLIENT_ID", "id"),
            ("CXONE_CLIENT_SECRET", "s"),
        ];
        assert_eq!(profile(PlatformKind::Cxone, &cxone).unwrap().api_url.as_str(), "https://na1.example/");
    }

    #[test]
    fn sets_are_not_mixed() {
        let mixed = [
            ("GENESYS_BASE_URL", "https://gateway.example"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "id"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s"),
        ];
        let refused = profile(PlatformKind::Genesys, &mixed).unwrap_err();
        assert!(refused.contains("`GENESYS_CLIENT_ID` is not set"), "{refused}");
    }

    #[test]
    fn a_missing_variable_is_named_and_a_wrong_one_is_not_repeated() {
        let refused = profile(PlatformKind::Genesys, &[]).unwrap_err();
        assert!(refused.contains("`GENESYS_CLIENT_ID` is not set, or empty"), "{refused}");
        let refused = profile(
            PlatformKind::Cxone,
            &[("CXONE_CLIENT_ID", "id"), ("CXONE_CLIENT_SECRET", "s"), ("CXONE_BASE_URL", "")],
        );
        assert!(refused.unwrap_err().contains("`CXONE_BASE_URL` is not set, or empty"));
        let refused = profile(
            PlatformKind::Cxone,
            &[
                ("CXONE_CLIENT_ID", "id"),
                ("CXONE_CLIENT_SECRET", "s"),
                ("CXONE_BASE_URL", "https://a:hunter2@b"),
            ],
        )
        .unwrap_err();
        assert!(refused.contains("`CXONE_BASE_URL` must hold no user name"), "{refused}");
        assert!(!refused.contains("hunter2"));
    }
}
