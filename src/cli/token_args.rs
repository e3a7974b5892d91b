//! Whose token, and how long it should work: the options of `token` and `exec`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use oauth2::AccessToken;

use crate::{
    cli::{
        context::Context,
        error::{CliError, ConnectionProblem},
        source::{Source, SourceArgs},
        spinner,
    },
    config::duration,
    store::IfMissing,
    vault::{HandedOut, MinLife},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// Whose token: e-mail, user_id or sub; by default that of the first in ALLOWED_USERS
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// How long the token must last, such as 10m or 600 (seconds); at most half of a token's life
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_or_seconds)]
    min_ttl: Option<Duration>,
    #[command(flatten)]
    source: SourceArgs,
}

/// These options, and the loaded configuration.
pub(crate) struct TokenRequest {
    user: Option<String>,
    min_ttl: Option<Duration>,
    source: Source,
}

impl TokenArgs {
    /// Reads the configuration. If the command cannot work with it, the error names `command`.
    pub(crate) fn load(self, command: &'static str) -> Result<TokenRequest, CliError> {
        let Self { user, min_ttl, source } = self;
        Ok(TokenRequest { user, min_ttl, source: source.load(command)? })
    }
}

impl TokenRequest {
    /// Runs `work` with a token that works for long enough, refreshed if necessary, and is another one if `refused` is the
    /// current one.
    pub(crate) async fn with_token<T>(
        self,
        refused: Option<&AccessToken>,
        work: impl FnOnce(&AccessToken) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let (user, min_ttl) = (self.user.as_deref(), self.min_ttl);
        match self.source {
            Source::Store(setup) => {
                let work = async |context: &_| work(hand_out(context, user, min_ttl, refused).await?.access_token());
                setup.run(IfMissing::Refuse, work).await
            }
            Source::Server(server) => work(&server.run(server.token(user, min_ttl, refused)).await?),
        }
    }
}

async fn hand_out(
    context: &Context,
    user: Option<&str>,
    min_ttl: Option<Duration>,
    refused: Option<&AccessToken>,
) -> Result<HandedOut, CliError> {
    let user = context.user_or_default(user);
    let need = min_ttl.map_or(MinLife::BestEffort, MinLife::Strict);
    let vault = &context.app.vault;
    let handed_out = async {
        let key = vault.find(user).await.map_err(ConnectionProblem::from)?;
        match refused {
            Some(refused) => vault.replace_rejected(&key, refused, need).await.map_err(ConnectionProblem::from),
            None => vault.hand_out(&key, need).await.map_err(ConnectionProblem::from),
        }
    };
    spinner::during("Getting a token", handed_out).await.map_err(|problem| context.error(user, problem))
}
