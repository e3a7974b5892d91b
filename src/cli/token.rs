//! `token`: an access token, alone on stdout.

use oauth2::AccessToken;

use crate::cli::{error::CliError, input, output, token_args::TokenArgs};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    token_args: TokenArgs,
    /// Read a token that the API refused from stdin, and refresh it if it is still the current one
    #[arg(long)]
    refused: bool,
}

pub(super) async fn run(Options { token_args, refused }: Options) -> Result<(), CliError> {
    let request = token_args.load("token")?;
    let refused = if refused { Some(AccessToken::new(input::token("refused access token")?)) } else { None };
    request.with_token(refused.as_ref(), |token| Ok(output::print_result(token.secret())?)).await
}
