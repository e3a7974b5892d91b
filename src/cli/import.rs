//! `import`: a refresh token from elsewhere becomes a connection, and is exchanged once, however often this is run.

use clap::builder::NonEmptyStringValueParser;
use oauth2::RefreshToken;
use url::Url;

use crate::{
    cli::{
        Source,
        context::{Kept, Setup},
        failure::{Exit, Failure},
        input, output, refresh_token,
        refusal::{Refusal, Said},
        spinner,
    },
    store::{IfMissing, RowKey},
    telemetry,
    vault::{Adopted, EmailProof, FailureKind, Identity, Import, PendingImport, RefreshFailure, Replace, VaultError},
    videoask::{ApiError, Me},
};

const ALREADY: &str = "already imported; nothing was sent";
/// What has become of a token that is not wanted.
const UNSENT: &str = ". It was not sent to VideoAsk";
/// What has become of one that was exchanged.
const WAITS: &str = "\n  It is exchanged, and what came waits in the store: run the same command again, with the same \
                     token, to go on from here";
/// Who the token is said to belong to, before VideoAsk tells.
const NOBODY_YET: &str = "the owner of this refresh token";

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Who it must belong to: e-mail or user_id
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Let it take the place of a connection that works
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    source: Source,
}

/// Why an import has not become a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotImported {
    #[error("{user} has a connection that works; --replace lets this refresh token take its place{pending}")]
    NeedsReplace { user: String, pending: &'static str },
    #[error(
        "this refresh token was imported before, and the connection of {user} that came of it was revoked or \
         forgotten since. It was not sent again\n  Log in: {login}"
    )]
    Forgotten { user: String, login: Url },
    #[error("VideoAsk does not accept this refresh token.{}", Said { failure, login })]
    Refused { failure: Box<RefreshFailure>, login: Url },
    #[error("VideoAsk does not say whose token this is: {}{waits}", telemetry::chain(.0), waits = WAITS)]
    Unknown(#[source] ApiError),
    #[error("this refresh token belongs to {owner}, and not to {user}{WAITS}")]
    AnotherUser { owner: String, user: String },
    #[error("{owner}, whose refresh token this is, is not in ALLOWED_USERS: add {entry}{WAITS}")]
    NotListed { owner: String, entry: String },
}

impl NotImported {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::NeedsReplace { .. } | Self::AnotherUser { .. } | Self::NotListed { .. } => Exit::Usage,
            Self::Forgotten { .. } => Exit::LogInAgain,
            Self::Refused { failure, .. } if failure.kind() == FailureKind::Dead => Exit::LogInAgain,
            Self::Unknown(ApiError::Status { status: 429 | 500.., .. }) => Exit::TryLater,
            Self::Refused { .. } | Self::Unknown(ApiError::Unauthorized { .. } | ApiError::Status { .. }) => {
                Exit::Failed
            }
            Self::Unknown(_) => Exit::TryLater,
        }
    }
}

pub(super) async fn run(Options { user, replace, source }: Options) -> Result<(), Failure> {
    let setup = Setup::load(source, "import")?;
    let token = refresh_token::checked(input::token("refresh token")?)?;
    let replace = if replace { Replace::Live } else { Replace::OnlyDead };
    let done = setup.run(IfMissing::Create, async |kept| import(kept, token, user.as_deref(), replace).await).await?;
    output::talk(&done);
    Ok(())
}

/// Says what it did.
async fn import(kept: &Kept, token: RefreshToken, user: Option<&str>, replace: Replace) -> Result<String, Failure> {
    let vault = &kept.app.vault;
    let refused = |error: VaultError| kept.refuse(user.unwrap_or(NOBODY_YET), error);
    // Before all else: in an entrypoint this runs at each start, beside the connection that it made.
    if let Some(import) = vault.imported_before(&token).await.map_err(refused)? {
        return conclude(kept, import, user, replace).await;
    }
    if let (Some(user), Replace::OnlyDead) = (user, replace) {
        refuse_to_replace(kept, user).await?;
    }
    let import = spinner::during("Exchanging the refresh token", vault.import(token)).await.map_err(refused)?;
    conclude(kept, import, user, replace).await
}

/// Goes on from how far the import has come.
async fn conclude(kept: &Kept, import: Import, user: Option<&str>, replace: Replace) -> Result<String, Failure> {
    match import {
        Import::Already => Ok(ALREADY.to_owned()),
        Import::Forgotten { user } => {
            let user = user.as_deref().map_or_else(|| NOBODY_YET.to_owned(), telemetry::excerpt);
            Err(NotImported::Forgotten { user, login: kept.login.clone() }.into())
        }
        Import::Refused(failure) => Err(NotImported::Refused { failure, login: kept.login.clone() }.into()),
        Import::Pending(pending) => give(kept, *pending, user, replace).await,
    }
}

/// Asked before the exchange, since a token that is not wanted had better not be spent.
async fn refuse_to_replace(kept: &Kept, user: &str) -> Result<(), Failure> {
    let vault = &kept.app.vault;
    if vault.is_live(user).await.map_err(|error| kept.refuse(user, Refusal::from(error)))? {
        return Err(NotImported::NeedsReplace { user: user.to_owned(), pending: UNSENT }.into());
    }
    Ok(())
}

/// Finds the owner and gives it to them, if they may have it.
async fn give(kept: &Kept, pending: PendingImport, user: Option<&str>, replace: Replace) -> Result<String, Failure> {
    let me = spinner::during("Asking whose it is", kept.app.api.me(pending.access_token())).await;
    let identity = vouched(me.map_err(NotImported::Unknown)?);
    let (owner, user_id) = named(&identity);
    if let Some(user) = user.filter(|user| !identity.is_called(user)) {
        return Err(NotImported::AnotherUser { owner, user: telemetry::excerpt(user) }.into());
    }
    if !identity.is_in(&kept.allowed) {
        let entry = identity.proven_email().map_or_else(|| user_id.clone(), telemetry::excerpt);
        return Err(NotImported::NotListed { owner, entry }.into());
    }
    let key = RowKey::of_user(&user_id);
    let adopted = kept.app.vault.adopt(pending, &key, identity, replace).await;
    match adopted.map_err(|error| kept.refuse(&owner, error))? {
        Adopted::Yes => Ok(format!("imported: {owner} is connected")),
        Adopted::NeedsReplace => Err(NotImported::NeedsReplace { user: owner, pending: WAITS }.into()),
    }
}

/// The operator runs this, and vouches for the e-mail that comes with it.
fn vouched(me: Me) -> Identity {
    Identity { email_proof: EmailProof::Vouched, ..Identity::from(me) }
}

/// What to call the owner, and VideoAsk's id of them.
fn named(identity: &Identity) -> (String, String) {
    let user_id = identity.user_id.clone().unwrap_or_default();
    let label = identity.label().unwrap_or_default();
    (format!("{} (user_id {})", telemetry::excerpt(label), telemetry::excerpt(&user_id)), user_id)
}
