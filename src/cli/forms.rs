//! `forms`: proves that a connection works by listing its account's forms.

use clap::builder::NonEmptyStringValueParser;

use crate::{
    cli::{
        context::{Context, Setup},
        env_file::EnvFileArg,
        error::{CliError, ConnectionProblem},
        output, spinner,
    },
    store::IfMissing,
    telemetry::excerpt,
    videoask::{Account, AccountError, Form, Page},
};

/// VideoAsk may give fewer.
const A_PAGE: u32 = 100;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Whose forms: e-mail, user_id or sub; by default those of the first in ALLOWED_USERS
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// All that VideoAsk says of each, as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

pub(super) async fn run(Options { user, json, env_file }: Options) -> Result<(), CliError> {
    let setup = Setup::load(env_file, "forms")?;
    let forms = setup.run(IfMissing::Refuse, async |context: &_| list(context, user.as_deref()).await).await?;
    if json {
        return Ok(output::print_result(&machine(&forms))?);
    }
    if forms.is_empty() {
        output::note(&"The account has no forms.");
        return Ok(());
    }
    Ok(output::print_result(&forms.iter().map(line).collect::<Vec<_>>().join("\n"))?)
}

async fn list(context: &Context, user: Option<&str>) -> Result<Vec<Form>, CliError> {
    let user = context.user_or_default(user);
    let key = context.app.vault.find(user).await.map_err(|error| context.error(user, error))?;
    let account = Account::new(&context.app.api, &context.app.vault, &key);
    let forms = spinner::during("Listing the forms", account.all_forms(Page::new(A_PAGE, 0))).await;
    forms.map_err(|error| match error {
        AccountError::NoToken(error) => context.error(user, ConnectionProblem::from(error)),
        AccountError::Api(error) => CliError::Forms(error),
    })
}

fn machine(forms: &[Form]) -> String {
    let forms: Vec<_> = forms.iter().map(|form| &form.json).collect();
    serde_json::to_string_pretty(&forms).expect("what was JSON can be written as JSON")
}

/// The id and the address, which have no blanks, then the title, which may have many. It came from outside, and a
/// terminal would obey what is not escaped.
fn line(form: &Form) -> String {
    let address = form.share_url.as_ref().map_or("-", url::Url::as_str);
    format!("{}  {address}  {}", excerpt(&form.id), excerpt(&form.title))
}
