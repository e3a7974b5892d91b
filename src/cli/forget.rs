//! `forget`: removes a connection's secrets and leaves a tombstone.

use clap::builder::NonEmptyStringValueParser;

use crate::{
    store::Missing,
    vault::{Ended, Ending},
};

use super::{
    Source,
    failure::Failure,
    kept::{Kept, Setup},
    output,
    refusal::Refusal,
    spinner,
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
    source: Source,
}

pub(super) async fn run(Options { user, revoke, source }: Options) -> Result<(), Failure> {
    let setup = Setup::load(source, "forget")?;
    let ending = if revoke { Ending::Revoke } else { Ending::Forget };
    setup.run(Missing::Refuse, async |kept| forget(kept, &user, ending).await).await?;
    output::talk(&done(&user, ending));
    Ok(())
}

async fn forget(kept: &Kept, user: &str, ending: Ending) -> Result<(), Failure> {
    let vault = &kept.house.vault;
    let ended = async {
        let key = vault.find(user).await.map_err(Refusal::from)?;
        vault.end(&key, None, ending).await.map_err(Refusal::from)
    };
    match spinner::during("Ending the connection", ended).await {
        Ok(Ended::Yes) => Ok(()),
        Ok(Ended::Moved) => Err(kept.refuse(user, Refusal::Moved)),
        Err(refusal) => Err(kept.refuse(user, refusal)),
    }
}

fn done(user: &str, ending: Ending) -> String {
    let lives_on = "An access token that was handed out lives on until it expires.";
    match ending {
        Ending::Revoke => format!("{user} is revoked at VideoAsk and forgotten here. {lives_on}"),
        Ending::Forget => format!(
            "{user} is forgotten here. VideoAsk was not told (--revoke does that), so other copies of the refresh \
             token still work. {lives_on}"
        ),
    }
}
