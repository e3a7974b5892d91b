//! `token`: an access token, alone on stdout.

use oauth2::AccessToken;

use crate::{
    cli::{Source, context::Setup, failure::Failure, input, output, token_args::Wanted},
    store::IfMissing,
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    wanted: Wanted,
    /// Read from stdin a token that the API refused, and refresh it if it is still the current one
    #[arg(long)]
    refused: bool,
    #[command(flatten)]
    source: Source,
}

pub(super) async fn run(Options { wanted, refused, source }: Options) -> Result<(), Failure> {
    let setup = Setup::load(source, "token")?;
    let refused = if refused { Some(AccessToken::new(input::token("refused access token")?)) } else { None };
    let work = async |kept: &_| {
        let handed_out = wanted.of(kept, refused.as_ref()).await?;
        output::deliver(handed_out.access_token().secret())
    };
    setup.run(IfMissing::Refuse, work).await
}
