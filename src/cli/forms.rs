//! `forms`: proof that a kept connection works, by listing its account's forms.

use clap::builder::NonEmptyStringValueParser;

use crate::{
    cli::{
        Source,
        context::{Kept, Setup},
        failure::{Exit, Failure},
        output,
        refusal::Refusal,
        spinner,
    },
    store::IfMissing,
    telemetry::excerpt,
    videoask::{Account, AccountError, ApiError, Form, Page},
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
    source: Source,
}

/// VideoAsk's API did not list them.
#[derive(Debug, thiserror::Error)]
#[error("{}", words(.0))]
pub(super) struct NotListed(ApiError);

pub(super) async fn run(Options { user, json, source }: Options) -> Result<(), Failure> {
    let setup = Setup::load(source, "forms")?;
    let forms = setup.run(IfMissing::Refuse, async |kept: &_| list(kept, user.as_deref()).await).await?;
    if json {
        return output::deliver(&machine(&forms));
    }
    if forms.is_empty() {
        output::talk(&"The account has no forms.");
        return Ok(());
    }
    output::deliver(&forms.iter().map(line).collect::<Vec<_>>().join("\n"))
}

async fn list(kept: &Kept, user: Option<&str>) -> Result<Vec<Form>, Failure> {
    let user = kept.user_or_default(user);
    let key = kept.app.vault.find(user).await.map_err(|error| kept.refuse(user, error))?;
    let account = Account::new(&kept.app.api, &kept.app.vault, &key);
    let forms = spinner::during("Listing the forms", account.all_forms(Page::new(A_PAGE, 0))).await;
    forms.map_err(|error| match error {
        AccountError::NoToken(error) => kept.refuse(user, Refusal::from(error)),
        AccountError::Api(error) => NotListed(error).into(),
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

fn words(error: &ApiError) -> String {
    let next = match error {
        ApiError::Unauthorized { .. } => {
            "A fresh token did not help, or none could be had; `videoask-auth status` shows the state of the connection."
        }
        ApiError::Status { status: 403, .. } => {
            "Is this user allowed to see forms? If ORGANIZATION_ID is set, does the user belong to it?"
        }
        _ if is_passing(error) => "Try again later.",
        _ => "Is VIDEOASK_API_URL right?",
    };
    format!("{}\n  {next}", crate::telemetry::chain(error))
}

fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::Status { status, .. } => matches!(status, 429 | 500..),
        ApiError::Unreachable(_) | ApiError::TimedOut(_) | ApiError::Cut(_) => true,
        ApiError::Unauthorized { .. } | ApiError::MalformedResponse => false,
    }
}

impl NotListed {
    pub(super) fn exit(&self) -> Exit {
        if is_passing(&self.0) { Exit::TryLater } else { Exit::Failed }
    }
}
