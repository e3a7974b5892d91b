//! Whose token, and how long it should live: the options of `token` and `exec`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use oauth2::AccessToken;

use crate::{
    cli::{
        context::Context,
        error::{CliError, ConnectionProblem},
        spinner,
    },
    config::duration,
    vault::{HandedOut, MinLife},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// Whose token: e-mail, user_id or sub; by default that of the first in ALLOWED_USERS
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// How long the token must last at least, such as 10m or 600 (seconds); at most half of a token's life
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_or_seconds)]
    min_ttl: Option<Duration>,
}

impl TokenArgs {
    /// A token good enough, refreshed if need be; a new one in place of `refused`, if that is the current one.
    pub(crate) async fn of(&self, context: &Context, refused: Option<&AccessToken>) -> Result<HandedOut, CliError> {
        let user = context.user_or_default(self.user.as_deref());
        let need = self.min_ttl.map_or(MinLife::BestEffort, MinLife::Strict);
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
}
