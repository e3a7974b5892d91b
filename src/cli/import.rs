//! `import`: a refresh token from elsewhere becomes a connection, and is exchanged once, however often this is run.

use clap::builder::NonEmptyStringValueParser;
use oauth2::RefreshToken;

use crate::{
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::{CliError, ConnectionProblem, ImportError, Progress},
        input, output, refresh_token, spinner,
    },
    login::LoginError,
    store::{IfMissing, RowKey},
    telemetry,
    vault::{Adopted, EmailProof, Identity, Import, PendingImport, Replace, VaultError},
    videoask::Me,
};

const ALREADY: &str = "already imported; nothing was sent";
/// Whose token it should be, before VideoAsk says so.
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
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { user, replace, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "import")?;
    let token = refresh_token::checked(input::token("refresh token")?)?;
    let replace = if replace { Replace::Live } else { Replace::OnlyDead };
    let done =
        setup.run(IfMissing::Create, async |context| import(context, token, user.as_deref(), replace).await).await?;
    output::note(&done);
    Ok(())
}

async fn import(
    context: &Context,
    token: RefreshToken,
    user: Option<&str>,
    replace: Replace,
) -> Result<String, CliError> {
    let vault = &context.app.vault;
    let refused = |error: VaultError| context.import_error(user.unwrap_or(NOBODY_YET), error);
    // First, since in an entrypoint this command runs at each start, when its connection already exists.
    if let Some(import) = vault.imported_before(&token).await.map_err(refused)? {
        return conclude(context, import, user, replace).await;
    }
    if let (Some(user), Replace::OnlyDead) = (user, replace) {
        refuse_to_replace(context, user).await?;
    }
    let import = spinner::during("Exchanging the refresh token", vault.import(token)).await.map_err(refused)?;
    conclude(context, import, user, replace).await
}

/// Continues the import from its current state.
async fn conclude(context: &Context, import: Import, user: Option<&str>, replace: Replace) -> Result<String, CliError> {
    match import {
        Import::Already => Ok(ALREADY.to_owned()),
        Import::Forgotten { user } => {
            let user = user.as_deref().map_or_else(|| NOBODY_YET.to_owned(), telemetry::excerpt);
            Err(ImportError::Forgotten { user, login: context.login.clone() }.into())
        }
        Import::Refused(failure) => Err(ImportError::Refused { failure, login: context.login.clone() }.into()),
        Import::Pending(pending) => give(context, *pending, user, replace).await,
    }
}

/// Checks before the exchange, so that a token that is not needed is not spent.
async fn refuse_to_replace(context: &Context, user: &str) -> Result<(), CliError> {
    let vault = &context.app.vault;
    if vault.is_live(user).await.map_err(|error| context.error(user, ConnectionProblem::from(error)))? {
        return Err(ImportError::NeedsReplace { user: user.to_owned(), progress: Progress::Unsent }.into());
    }
    Ok(())
}

/// Finds the owner, and moves the connection to them if they are allowed to have it.
async fn give(
    context: &Context,
    pending: PendingImport,
    user: Option<&str>,
    replace: Replace,
) -> Result<String, CliError> {
    let me = spinner::during("Asking whose it is", context.app.api.me(pending.access_token())).await;
    let identity = vouched(me.map_err(ImportError::OwnerUnknown)?);
    let (owner, user_id) = named(&identity);
    if let Some(user) = user.filter(|user| !identity.is_called(user)) {
        return Err(ImportError::AnotherUser { owner, user: telemetry::excerpt(user) }.into());
    }
    let refused = |error| match error {
        LoginError::EmailInUse(identity) => {
            let email = telemetry::excerpt(identity.proven_email().unwrap_or_default());
            ImportError::EmailInUse { owner: owner.clone(), email, user_id: user_id.clone() }.into()
        }
        LoginError::Vault(error) => context.error(&owner, error),
        _ => {
            let entry = identity.proven_email().map_or_else(|| user_id.clone(), telemetry::excerpt);
            ImportError::NotListed { owner: owner.clone(), entry }.into()
        }
    };
    let (_, entry) = context.app.logins.admit(&identity).await.map_err(refused)?;
    let adopted = context.app.vault.adopt(pending, &RowKey::of_user(&user_id), identity.clone(), replace).await;
    match adopted.map_err(|error| context.error(&owner, error))? {
        Adopted::Yes => {
            context.app.logins.recheck_email(entry, &user_id, None, &identity).await.map_err(refused)?;
            Ok(format!("imported: {owner} is connected"))
        }
        Adopted::NeedsReplace => Err(ImportError::NeedsReplace { user: owner, progress: Progress::Exchanged }.into()),
    }
}

/// The operator runs this command, and so vouches for the e-mail of `/me`.
fn vouched(me: Me) -> Identity {
    Identity { email_proof: EmailProof::Vouched, ..Identity::from(me) }
}

/// The owner's name for messages, and VideoAsk's `user_id`.
fn named(identity: &Identity) -> (String, String) {
    let user_id = identity.user_id.clone().unwrap_or_default();
    let label = identity.label().unwrap_or_default();
    (format!("{} (user_id {})", telemetry::excerpt(label), telemetry::excerpt(&user_id)), user_id)
}
