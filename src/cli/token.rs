//! `token`: an access token, alone on stdout.

use oauth2::AccessToken;

use crate::{
    cli::{context::Setup, env_file::EnvFileArg, error::CliError, input, output, token_args::TokenArgs},
    store::IfMissing,
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    token_args: TokenArgs,
    /// Read from stdin a token that the API refused, and refresh it if it is still the current one
    #[arg(long)]
    refused: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { token_args, refused, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "token")?;
    let refused = if refused { Some(AccessToken::new(input::token("refused access token")?)) } else { None };
    let work = async |context: &_| {
        let handed_out = token_args.of(context, refused.as_ref()).await?;
        Ok(output::print_result(handed_out.access_token().secret())?)
    };
    setup.run(IfMissing::Refuse, work).await
}
