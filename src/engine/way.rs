//! The way to a profile's tenant: its calls, its tokens, its pace, and its locks.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::time::Instant;

use super::access::Access;
use super::patience::Patient;
use super::{Setup, StartError};
use crate::config::{AuthMethod, ClientAuth as ConfiguredAuth, Profile, SecretSource, StorePlace};
use crate::coordination::{self, FilePace, Store, StoreError};
use crate::pacing::{Backoff, Fill, Lane, LaneSettings, SharedPace};
use crate::plan::Plan;
use crate::platform::{
    ClientAuth, Grant, HttpTransport, SecretProvider, Target, TargetError, TokenEndpoint, Tokens,
};

/// What leads to a profile's tenant, and the pace that all runs of this machine keep there.
pub(super) struct Way {
    transport: HttpTransport,
    tokens: Tokens,
    pace: Arc<dyn SharedPace>,
}

pub(super) fn way(setup: &Setup) -> Result<Way, StartError> {
    let profile = &setup.profile;
    let (transport, endpoint) = ends(profile, ProfileSecret::of(profile))?;
    let pace = FilePace::open(setup.journal.data_folder(), &profile.api_url, &profile.client_id)?;
    let pace: Arc<dyn SharedPace> = Arc::new(pace);
    let longest = setup.plan.delivery.retry_after_limit;
    let tokens = Tokens::new(Patient::new(endpoint, Arc::clone(&pace), longest));
    Ok(Way { transport, tokens, pace })
}

/// The way to a profile's tenant: its calls, and its tokens.
///
/// # Errors
///
/// The profile's addresses or certificates cannot be used.
pub fn wire(profile: &Profile) -> Result<(HttpTransport, Tokens), TargetError> {
    wire_with(profile, ProfileSecret::of(profile))
}

/// As [`wire`], with a secret from elsewhere than the profile says.
///
/// # Errors
///
/// As [`wire`].
pub fn wire_with(
    profile: &Profile,
    secret: impl SecretProvider + 'static,
) -> Result<(HttpTransport, Tokens), TargetError> {
    let (transport, endpoint) = ends(profile, secret)?;
    Ok((transport, Tokens::new(endpoint)))
}

fn ends(
    profile: &Profile,
    secret: impl SecretProvider + 'static,
) -> Result<(HttpTransport, TokenEndpoint), TargetError> {
    let target = Target {
        api_url: profile.api_url.clone(),
        auth_url: profile.auth_url.clone(),
        ca_file: profile.ca_file.clone(),
    };
    let transport = HttpTransport::open(&target)?;
    let base = match (profile.auth, profile.platform) {
        (AuthMethod::AccessKey, _) => Grant::access_key(&profile.client_id),
        (_, crate::model::PlatformKind::Genesys) => Grant::genesys(&profile.client_id),
        (_, crate::model::PlatformKind::Cxone) => Grant::cxone(&profile.client_id),
    };
    let client_auth = match profile.auth {
        AuthMethod::AccessKey => ClientAuth::AccessKey,
        AuthMethod::ClientCredentials { client_auth: ConfiguredAuth::Basic } => ClientAuth::Basic,
        AuthMethod::ClientCredentials { client_auth: ConfiguredAuth::Form } => ClientAuth::Form,
    };
    let grant = Grant { client_auth, scope: profile.scope.clone(), ..base };
    let endpoint = transport.token_endpoint(grant, secret);
    Ok((transport, endpoint))
}

/// A profile's secret, read anew for each token.
struct ProfileSecret {
    source: SecretSource,
    profile: String,
}

impl ProfileSecret {
    fn of(profile: &Profile) -> Self {
        Self { source: profile.secret.clone(), profile: profile.name.clone() }
    }
}

impl SecretProvider for ProfileSecret {
    fn read(&self) -> BoxFuture<'_, Result<SecretString, String>> {
        async {
            match self.source.read(&self.profile).await {
                Ok(secret) => Ok(secret.into_inner()),
                Err(error) => Err(error.to_string()),
            }
        }
        .boxed()
    }
}

/// The way to a tenant at a plan's pace.
pub(super) fn access(plan: &Plan, way: Way, not_before: Option<Instant>, fill: Fill) -> Access {
    let delivery = plan.delivery.clone();
    let mut rng = fastrand::Rng::new();
    let settings = LaneSettings {
        rate: delivery.rate,
        burst: delivery.burst,
        adapt: delivery.adapt,
        pool_pause_threshold: delivery.pool_pause_threshold,
        retry_after_limit: delivery.retry_after_limit,
        throttle_patience: delivery.throttle_patience,
        backoff: Backoff { base: delivery.backoff.base, cap: delivery.backoff.cap },
    };
    let lane = Lane::shared(settings, fill, not_before, rng.u64(..), way.pace);
    Access {
        transport: Arc::new(way.transport),
        tokens: way.tokens,
        lane,
        delivery,
        rng: Mutex::new(rng),
        look_not_before: Mutex::default(),
    }
}

/// The store of locks and results that a profile's runs use.
///
/// # Errors
///
/// It cannot be opened.
pub fn store(place: &StorePlace, profile: &Profile, data_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    coordination::open(place, &tenant(profile), data_dir)
}

/// Whose keys and quota they are: a host, and the client that calls it.
fn tenant(profile: &Profile) -> String {
    format!("{}|{}", profile.api_url, profile.client_id)
}
