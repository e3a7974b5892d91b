//! `forget`: removes a connection's secrets and leaves a tombstone.

use clap::builder::NonEmptyStringValueParser;

use crate::{
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::{CliError, ConnectionProblem},
        output, spinner,
    },
    store::IfMissing,
    vault::{Ended, Ending, VaultError},
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Whose connection: e-mail, user_id or sub
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// Tell VideoAsk first, which ends the refresh token there too
    #[arg(long)]
    revoke: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { user, revoke, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "forget")?;
    let ending = if revoke { Ending::Revoke } else { Ending::Forget };
    let done = setup.run(IfMissing::Refuse, async |context| forget(context, &user, ending).await).await?;
    output::note(&done);
    Ok(())
}

async fn forget(context: &Context, user: &str, ending: Ending) -> Result<String, CliError> {
    let vault = &context.app.vault;
    let ended = async {
        let key = match vault.find(user).await {
            Err(VaultError::NotConnected | VaultError::Undecryptable(_)) if vault.is_forgotten(user).await? => {
                return Ok(already(user, ending));
            }
            found => found?,
        };
        match vault.end(&key, None, ending).await? {
            Ended::Yes => Ok(done(user, ending)),
            Ended::Moved => Err(ConnectionProblem::Changed),
        }
    };
    spinner::during("Ending the connection", ended).await.map_err(|problem| context.error(user, problem))
}

fn already(user: &str, ending: Ending) -> String {
    match ending {
        Ending::Forget => format!("{user} is already forgotten; nothing was changed."),
        Ending::Revoke => format!(
            "{user} is already forgotten; nothing was changed. Its refresh token is no longer here, so this app cannot \
             revoke it."
        ),
    }
}

fn done(user: &str, ending: Ending) -> String {
    let still_valid = "An access token that was handed out keeps working until it expires.";
    match ending {
        Ending::Revoke => format!("{user} is revoked at VideoAsk and forgotten here. {still_valid}"),
        Ending::Forget => format!(
            "{user} is forgotten here. VideoAsk was not told (--revoke does that), so other copies of the refresh \
             token still work. {still_valid}"
        ),
    }
}
