//! Whose token, and how long it should live: the options of `token` and `exec`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use oauth2::AccessToken;

use crate::{
    cli::{context::Kept, failure::Failure, refusal::Refusal, spinner},
    config::duration,
    vault::{HandedOut, MinLife},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Whose token: e-mail, user_id or sub; by default that of the first in ALLOWED_USERS
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// How long the token must last at least, such as 10m or 600 (seconds); at most half of a token's life
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_or_seconds)]
    min_ttl: Option<Duration>,
}

impl Wanted {
    /// A token good enough, refreshed if need be; a new one in place of `refused`, if that is the current one.
    pub(crate) async fn of(&self, kept: &Kept, refused: Option<&AccessToken>) -> Result<HandedOut, Failure> {
        let user = kept.user_or_default(self.user.as_deref());
        let need = self.min_ttl.map_or(MinLife::BestEffort, MinLife::Strict);
        let vault = &kept.app.vault;
        let handed_out = async {
            let key = vault.find(user).await.map_err(Refusal::from)?;
            match refused {
                Some(refused) => vault.replace_rejected(&key, refused, need).await.map_err(Refusal::from),
                None => vault.hand_out(&key, need).await.map_err(Refusal::from),
            }
        };
        spinner::during("Getting a token", handed_out).await.map_err(|refusal| kept.refuse(user, refusal))
    }
}

impl Kept {
    /// The default is the first entry, and there is no fallback to another.
    pub(crate) fn user_or_default<'a>(&'a self, user: Option<&'a str>) -> &'a str {
        user.or(self.allowed.entries().first().map(String::as_str)).unwrap_or_default()
    }

    /// A refusal with everything around it that its words need.
    pub(crate) fn refuse(&self, user: &str, refusal: impl Into<Refusal>) -> Failure {
        let is_listed = self.allowed.admits(Some(user), Some(user), None).is_some();
        refusal.into().about(user, is_listed, &self.login)
    }
}
